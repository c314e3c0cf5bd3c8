// Functions of one value: y = f(x), dx = f'(x) dy.
//
// Layout: any; values are taken one by one. One thread computes one value.
#include "common.cuh"

// y = value
KERNEL(256) fill(float *y, float value, int len) {
    int i = thread_index();
    if (i < len) y[i] = value;
}

// sum += terms
KERNEL(256) add(float *__restrict__ sum, const float *__restrict__ terms, int len) {
    int i = thread_index();
    if (i < len) sum[i] += terms[i];
}

// The ReLU's slope is `slope` below zero and at it.

// dy *= the slope of the ReLU that made y, which has the sign of its input
KERNEL(256) carry_relu(float *__restrict__ dy, const float *__restrict__ y, float slope, int len) {
    int i = thread_index();
    if (i < len) dy[i] *= y[i] > 0 ? 1 : slope;
}

KERNEL(256) relu_forward(const float *__restrict__ x, float *__restrict__ y, float slope, int len) {
    int i = thread_index();
    if (i < len) y[i] = x[i] > 0 ? x[i] : slope * x[i];
}

KERNEL(256)
relu_backward(const float *__restrict__ x, const float *__restrict__ dy, float *__restrict__ dx,
              float slope, int len) {
    int i = thread_index();
    if (i < len) dx[i] = dy[i] * (x[i] > 0 ? 1 : slope);
}

__device__ __forceinline__ float sigmoid(float x) { return 1 / (1 + expf(-x)); }

KERNEL(256) sigmoid_forward(const float *__restrict__ x, float *__restrict__ y, int len) {
    int i = thread_index();
    if (i < len) y[i] = sigmoid(x[i]);
}

// dx = y (1 - y) dy, with 1 - y taken as the value at -x: the difference has no
// correct digits left where the function saturates.
KERNEL(256)
sigmoid_backward(const float *__restrict__ x, const float *__restrict__ y,
                 const float *__restrict__ dy, float *__restrict__ dx, int len) {
    int i = thread_index();
    if (i < len) dx[i] = dy[i] * (y[i] * sigmoid(-x[i]));
}

KERNEL(256) tanh_forward(const float *__restrict__ x, float *__restrict__ y, int len) {
    int i = thread_index();
    if (i < len) y[i] = tanhf(x[i]);
}

// dx = dy / cosh(x)^2, which is (1 - y^2) dy without its loss of digits
KERNEL(256)
tanh_backward(const float *__restrict__ x, const float *__restrict__ dy, float *__restrict__ dx,
              int len) {
    int i = thread_index();
    if (i >= len) return;
    float c = coshf(x[i]);
    dx[i] = dy[i] * (1 / (c * c));
}
