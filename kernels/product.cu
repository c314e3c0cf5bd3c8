// The end of a matrix product whose sums were computed in parts:
//
//     y[i] = epilogue(partials[0][i] + partials[1][i] + ...)
//
// Layout: partials [splits][len]; y, mask [len] with the channels last; bias
// [channels]. One thread computes one value and adds the parts in their order.
#include "product.cuh"

KERNEL(256) product_finish(const float *__restrict__ partials, const float *__restrict__ bias,
                           const float *__restrict__ mask, float *__restrict__ y, int len, int channels, int splits,
                           int relu, float slope) {
    int i = thread_index();
    if (i >= len) return;
    float sum = partials[i];
    for (int split = 1; split < splits; ++split) sum += partials[size_t(split) * len + i];
    y[i] = Epilogue{bias, mask, relu, slope}.apply(sum, i, i % channels);
}
