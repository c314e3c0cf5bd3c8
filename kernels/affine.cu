// One factor and one summand per channel: y = a x + b, dx = a dy.
//
// Layout: channels-last. One thread computes one value.
#include "common.cuh"

KERNEL(256)
affine_forward(const float *__restrict__ x, const float *__restrict__ a,
               const float *__restrict__ b, float *__restrict__ y, int channels, int len) {
    int i = thread_index();
    if (i >= len) return;
    int c = i % channels;
    y[i] = a[c] * x[i] + b[c];
}

KERNEL(256)
affine_backward(const float *__restrict__ dy, const float *__restrict__ a, float *__restrict__ dx,
                int channels, int len) {
    int i = thread_index();
    if (i < len) dx[i] = a[i % channels] * dy[i];
}
