// Moving a batch of codes inside the box [lower, upper].
//
//   approach   c = clip(c + share (own - c))
//   descend    c = clip(c - factor g)      factor = min(gap / |g|, longest) / |g|
//
// Layout: codes, own codes and gradients [n, d]; bounds [d]; shares [n]; strides
// [n, 2], gap and longest move. One thread computes a component of approach; one
// block moves a row of descend, whose norm is summed in f64 by a tree that
// depends on d alone.
#include "clip.cuh"

KERNEL(256)
approach(float *__restrict__ codes, const float *__restrict__ own, const float *__restrict__ shares,
         const float *__restrict__ lower, const float *__restrict__ upper, int d, int n) {
    int i = thread_index();
    if (i >= n * d) return;
    int row = i / d, k = i - row * d;
    float c = codes[i];
    codes[i] = clip(c + shares[row] * (own[i] - c), lower[k], upper[k]);
}

// The gradient's component, 0 where descending would leave the box through a
// bound that the code lies on.
__device__ __forceinline__ float free_component(float c, float g, float lower, float upper) {
    return (c <= lower && g > 0.0f) || (c >= upper && g < 0.0f) ? 0.0f : g;
}

KERNEL(256)
descend(float *__restrict__ codes, const float *__restrict__ d_codes,
        const float *__restrict__ strides, const float *__restrict__ lower,
        const float *__restrict__ upper, int d, int n) {
    SHARED(double, sums, [256]);
    int row = blockIdx.x, thread = threadIdx.x;
    if (row >= n) return;
    float *c = codes + row * d;
    const float *g = d_codes + row * d;

    double sum = 0.0;
    for (int k = thread; k < d; k += 256) {
        double free = free_component(c[k], g[k], lower[k], upper[k]);
        sum += free * free;
    }
    sums[thread] = sum;
    __syncthreads();
    for (int half = 128; half > 0; half /= 2) {
        if (thread < half) sums[thread] += sums[thread + half];
        __syncthreads();
    }

    double norm = sqrt(sums[0]);
    double length = strides[2 * row] / norm, longest = strides[2 * row + 1];
    // Written so that 0 / 0 gives the longest move.
    length = length <= longest ? length : longest;
    double factor = length / norm;
    if (!(factor > 0.0 && factor < INFINITY)) return;
    for (int k = thread; k < d; k += 256) {
        float free = free_component(c[k], g[k], lower[k], upper[k]);
        c[k] = clip(c[k] - (float)(factor * free), lower[k], upper[k]);
    }
}
