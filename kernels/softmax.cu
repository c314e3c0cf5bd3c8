// Softmax over the channels of each pixel: y[c] = exp(x[c] - max) / sum of
// exp(x - max), dx[c] = y[c] (dy[c] - sum of dy y).
//
// Layout: channels-last. A warp takes a pixel, each of its lanes every 32nd
// channel. Sums over the lanes are taken pairwise in a fixed order.
#include "common.cuh"

// The sum of what the lanes hold, the same bits in each of them.
__device__ __forceinline__ float sum_of_lanes(float value) {
    for (int distance = 16; distance > 0; distance /= 2) {
        value += __shfl_xor_sync(0xffffffffu, value, distance);
    }
    return value;
}

__device__ __forceinline__ float greatest_of_lanes(float value) {
    for (int distance = 16; distance > 0; distance /= 2) {
        value = fmaxf(value, __shfl_xor_sync(0xffffffffu, value, distance));
    }
    return value;
}

KERNEL(256)
softmax_forward(const float *__restrict__ x, float *__restrict__ y, int channels, int pixels) {
    int pixel = thread_index() / 32, lane = threadIdx.x % 32;
    if (pixel >= pixels) return;
    x += pixel * channels;
    y += pixel * channels;
    float greatest = -INFINITY;
    for (int c = lane; c < channels; c += 32) greatest = fmaxf(greatest, x[c]);
    greatest = greatest_of_lanes(greatest);
    float sum = 0;
    for (int c = lane; c < channels; c += 32) {
        y[c] = expf(x[c] - greatest);
        sum += y[c];
    }
    sum = sum_of_lanes(sum);
    for (int c = lane; c < channels; c += 32) y[c] /= sum;
}

KERNEL(256)
softmax_backward(const float *__restrict__ y, const float *__restrict__ dy,
                 float *__restrict__ dx, int channels, int pixels) {
    int pixel = thread_index() / 32, lane = threadIdx.x % 32;
    if (pixel >= pixels) return;
    y += pixel * channels;
    dy += pixel * channels;
    dx += pixel * channels;
    float mean = 0;
    for (int c = lane; c < channels; c += 32) mean += dy[c] * y[c];
    mean = sum_of_lanes(mean);
    for (int c = lane; c < channels; c += 32) dx[c] = y[c] * (dy[c] - mean);
}
