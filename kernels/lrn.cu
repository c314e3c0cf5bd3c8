// Local response normalisation across channels. With near(c) the channels within
// reach of c that exist, at each position:
//
//   scale[c] = k + weight * sum over near(c) of x^2        (saved)
//   y[c]     = x[c] scale[c]^-beta
//   dx[c]    = dy[c] scale[c]^-beta
//            - 2 weight beta x[c] * sum over near(c) of dy y / scale
//
// Layout: channels-last. One thread computes one value; neighbouring threads read
// the same cache lines, so sums take their terms from there.
#include "common.cuh"

struct Lrn {
    int channels, reach;
    float weight, beta, k;
};

// The sum of term(d) over the channels c + d within reach of channel c, nearest
// first.
template <typename Term>
__device__ __forceinline__ float sum_near(const Lrn &lrn, int c, Term term) {
    float sum = term(0);
    for (int d = 1; d <= lrn.reach && d < lrn.channels; d++) {
        if (c + d < lrn.channels) sum += term(d);
        if (c >= d) sum += term(-d);
    }
    return sum;
}

// scale^-beta. Nearly all networks have beta = 3/4, which square roots give at a
// fraction of a power's cost.
__device__ __forceinline__ float lrn_power(const Lrn &lrn, float scale) {
    if (lrn.beta != 0.75f) return powf(scale, -lrn.beta);
    float root = sqrtf(scale);
    return 1 / (root * sqrtf(root));
}

KERNEL(256)
lrn_forward(const float *__restrict__ x, float *__restrict__ scale, float *__restrict__ y, Lrn lrn,
            int pixels) {
    int i = thread_index();
    if (i >= pixels * lrn.channels) return;
    float squares = sum_near(lrn, i % lrn.channels, [=](int d) { return x[i + d] * x[i + d]; });
    float sum = lrn.k + lrn.weight * squares;
    scale[i] = sum;
    y[i] = x[i] * lrn_power(lrn, sum);
}

KERNEL(256)
lrn_backward(const float *__restrict__ x, const float *__restrict__ y,
             const float *__restrict__ dy, const float *__restrict__ scale,
             float *__restrict__ dx, Lrn lrn, int pixels) {
    int i = thread_index();
    if (i >= pixels * lrn.channels) return;
    float sum = sum_near(lrn, i % lrn.channels,
                         [=](int d) { return dy[i + d] * y[i + d] / scale[i + d]; });
    float factor = 2 * lrn.weight * lrn.beta;
    dx[i] = dy[i] * lrn_power(lrn, scale[i]) - factor * x[i] * sum;
}
