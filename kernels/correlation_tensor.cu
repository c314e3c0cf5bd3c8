// Convolution, transposed convolution and their gradients as matrix products
// (formula and layout: correlation.cuh) on tensor cores.
//
// An f32 is the sum of two tf32, high + low. Weights of 16 bits are tf32 as they
// are, so a product takes two multiplications; weights in f32 take three, and
// the fourth, low x low, is below the last bit of the product. Sums of a chunk
// start at zero and are added to the totals in f32.
//
// Tiles of 64 places x 64 outputs; a warp computes 32 x 32 of it as 2 x 4
// products of 16 x 8, of which one thread holds 4 sums each. For 16 terms a
// block reads 4 KiB of x and 2 or 4 KiB of weights, and multiplies 65536 times,
// two or three times over. Shared memory: 20.5 KiB.
#include "correlation.cuh"

// Lengths of rows in shared memory for which the 32 lanes read different banks.
constexpr int SOURCE_PITCH = DEPTH + 8;
constexpr int WEIGHT_PITCH = 64 + 4;
constexpr int SUM_PITCH = 64 + 8;
constexpr int SOURCE_VALUES = 64 * SOURCE_PITCH;
constexpr int WEIGHT_VALUES = DEPTH * WEIGHT_PITCH;

// sums += x w for 32 rows of x and 32 columns of w, over 8 terms. Terms 2t and
// 2t + 1 of both stand where a product has t and t + 4, so that a lane reads
// neighbours.
template <bool EXACT_WEIGHTS>
__device__ __forceinline__ void multiply(float (&sums)[2][4][4], const float *x, const float *w) {
    int g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
    unsigned b[4][2], b_low[4][2];
#pragma unroll
    for (int j = 0; j < 4; ++j)
#pragma unroll
        for (int i = 0; i < 2; ++i) {
            float value = w[(2 * t + i) * WEIGHT_PITCH + 8 * j + g];
            if (EXACT_WEIGHTS)
                b[j][i] = __float_as_uint(value);
            else
                split_tf32(value, b[j][i], b_low[j][i]);
        }
#pragma unroll
    for (int m = 0; m < 2; ++m) {
        const float *row = x + (16 * m + g) * SOURCE_PITCH + 2 * t;
        float2 upper = *reinterpret_cast<const float2 *>(row);
        float2 lower = *reinterpret_cast<const float2 *>(row + 8 * SOURCE_PITCH);
        unsigned a[4], a_low[4];
        split_tf32(upper.x, a[0], a_low[0]);
        split_tf32(lower.x, a[1], a_low[1]);
        split_tf32(upper.y, a[2], a_low[2]);
        split_tf32(lower.y, a[3], a_low[3]);
#pragma unroll
        for (int j = 0; j < 4; ++j) mma_m16n8k8_tf32(sums[m][j], a_low, b[j]);
        if (!EXACT_WEIGHTS) {
#pragma unroll
            for (int j = 0; j < 4; ++j) mma_m16n8k8_tf32(sums[m][j], a, b_low[j]);
        }
#pragma unroll
        for (int j = 0; j < 4; ++j) mma_m16n8k8_tf32(sums[m][j], a, b[j]);
    }
}

template <typename W>
__device__ __forceinline__ void correlate_on_tensor_cores(const float *x, const W *w, const float *bias,
                                                          const float *mask, float *y, float *partials,
                                                          const Phase *phases, const CorrelationShape &shape) {
    SHARED(float, memory, [2 * (SOURCE_VALUES + WEIGHT_VALUES)]);
    CorrelationBlock block(phases, shape, 64, 64);
    if (block.first_row >= block.rows) return;
    SourceTile<64> source(x, block, shape);
    WeightTile<W, WEIGHT_PITCH> weights(w, block, shape);

    int warp = threadIdx.x / 32;
    int row = warp / 2 * 32, column = warp % 2 * 32;
    float totals[2][4][4] = {}, sums[2][4][4] = {};
    int stages = block.stages();
    for (int stage = 0; stage <= stages; ++stage) {
        bool more = stage < stages;
        if (more) {
            source.fetch();
            weights.fetch();
        }
        if (stage > 0) {
            int half = 1 - stage % 2;
            const float *a = memory + half * SOURCE_VALUES + row * SOURCE_PITCH;
            const float *b = memory + 2 * SOURCE_VALUES + half * WEIGHT_VALUES + column;
#pragma unroll 1
            for (int k = 0; k < DEPTH; k += 8)
                multiply<Pack<W>::LENGTH == 8>(sums, a + k, b + k * WEIGHT_PITCH);
            // Two stages are a chunk.
            if (half == 1 || !more) {
#pragma unroll
                for (int m = 0; m < 2; ++m)
#pragma unroll
                    for (int j = 0; j < 4; ++j)
#pragma unroll
                        for (int i = 0; i < 4; ++i) totals[m][j][i] += sums[m][j][i], sums[m][j][i] = 0;
            }
        }
        if (more) {
            float *a = memory + stage % 2 * SOURCE_VALUES;
            float *b = memory + 2 * SOURCE_VALUES + stage % 2 * WEIGHT_VALUES;
#pragma unroll
            for (int i = 0; i < SourceTile<64>::READS; ++i)
                *reinterpret_cast<float4 *>(a + source.row(i) * SOURCE_PITCH + source.term()) = source.values[i];
            weights.store(reinterpret_cast<float (*)[WEIGHT_PITCH]>(b));
        }
        __syncthreads();
    }
    // What was summed takes the place of the operands.
    float (*tile)[SUM_PITCH] = reinterpret_cast<float (*)[SUM_PITCH]>(memory);
    int g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
#pragma unroll
    for (int m = 0; m < 2; ++m)
#pragma unroll
        for (int j = 0; j < 4; ++j) {
            float(&total)[4] = totals[m][j];
            float *to = &tile[row + 16 * m + g][column + 8 * j + 2 * t];
            *reinterpret_cast<float2 *>(to) = make_float2(total[0], total[1]);
            *reinterpret_cast<float2 *>(to + 8 * SUM_PITCH) = make_float2(total[2], total[3]);
        }
    __syncthreads();
    block.put_tile(block.result(bias, mask, y, partials, shape), tile, shape);
}

KERNEL(128) correlation_tensor_f32(CORRELATION_PARAMETERS(f32w)) {
    correlate_on_tensor_cores(x, w, bias, mask, y, partials, phases, shape);
}

KERNEL(128) correlation_tensor_f16(CORRELATION_PARAMETERS(f16)) {
    correlate_on_tensor_cores(x, w, bias, mask, y, partials, phases, shape);
}

KERNEL(128) correlation_tensor_bf16(CORRELATION_PARAMETERS(bf16)) {
    correlate_on_tensor_cores(x, w, bias, mask, y, partials, phases, shape);
}
