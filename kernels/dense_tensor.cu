// Inner product layers, forward and backward (formulas and layout: dense.cuh),
// on tensor cores. Weights are the left operand, samples the columns of the
// right one; weights go from global memory to registers, and which term stands
// in which column of a product is chosen so that a lane reads whole packs.
//
// Values are sums of two tf32 as in correlation_tensor.cu, and sums of a chunk
// of 32 terms start at zero and are added to the totals in f32.
//
// Forward, a warp computes 16 outputs over one half of the terms. For 512 terms a
// block reads up to 32 KiB of x and 64 or 128 KiB of weights. Shared memory:
// 32.1 KiB.
// Backward, the 8 warps take different terms, and a warp computes 64 inputs. For
// 256 terms a block reads 16 KiB of x and 32 or 64 KiB of weights. Shared memory:
// 32 KiB.
//
// One thread holds 4 sums of each product of 16 x 8: forward of one for each 8
// samples, backward of four. The number of samples is rounded up to 8 or 16; a
// sample's sums do not depend on it.
#include "dense.cuh"

// Length of a sample's row in shared memory, for which a half warp reads
// different banks.
constexpr int TILE_PITCH = TERMS + 2;

// An operand of a product, and what rounding it to tf32 has left.
template <int COUNT>
struct Operand {
    unsigned high[COUNT], low[COUNT];

    __device__ __forceinline__ void set(int i, float value) { split_tf32(value, high[i], low[i]); }
};

// Weights; those of 16 bits are tf32.
template <typename W>
struct WeightOperand : Operand<4> {
    static constexpr bool EXACT = Pack<W>::LENGTH == 8;

    __device__ __forceinline__ void set(int i, float value) {
        if (EXACT)
            high[i] = __float_as_uint(value);
        else
            Operand<4>::set(i, value);
    }
};

// sums[n] += weights * values[n]
template <typename W, int COLUMNS>
__device__ __forceinline__ void multiply(float (&sums)[COLUMNS][4], const WeightOperand<W> &weights,
                                         const Operand<2> (&values)[COLUMNS]) {
#pragma unroll
    for (int n = 0; n < COLUMNS; ++n) mma_m16n8k8_tf32(sums[n], weights.high, values[n].low);
    if (!WeightOperand<W>::EXACT) {
#pragma unroll
        for (int n = 0; n < COLUMNS; ++n) mma_m16n8k8_tf32(sums[n], weights.low, values[n].high);
    }
#pragma unroll
    for (int n = 0; n < COLUMNS; ++n) mma_m16n8k8_tf32(sums[n], weights.high, values[n].high);
}

// Eight neighbouring weights of a row.
template <typename W>
struct Eight {
    static constexpr int LENGTH = Pack<W>::LENGTH;
    Pack<W> packs[8 / LENGTH];

    __device__ __forceinline__ Eight(const W *row, int at, int end, bool aligned) {
#pragma unroll
        for (int i = 0; i < 8; i += LENGTH) packs[i / LENGTH] = read_pack(row, at + i, end, aligned);
    }

    __device__ __forceinline__ float get(int i) const { return packs[i / LENGTH].get(i % LENGTH); }
};

// totals += sums
template <int COLUMNS>
__device__ __forceinline__ void close_chunk(float (&totals)[COLUMNS][4], const float (&sums)[COLUMNS][4]) {
#pragma unroll
    for (int n = 0; n < COLUMNS; ++n)
#pragma unroll
        for (int i = 0; i < 4; ++i) totals[n][i] += sums[n][i];
}

template <typename W, int COLUMNS>
__device__ __forceinline__ void forward_columns(float *tile, const float *x, const W *w, const DenseBlock &block,
                                                int inputs) {
    int warp = threadIdx.x / 32, g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
    bool aligned = inputs % Pack<W>::LENGTH == 0;
    int output = warp % 4 * 16 + g, half = warp / 4 * (TERMS / 2);
    // Outputs that are not there are computed from the last one's weights.
    const W *upper = w + min(block.first_result + output, block.results - 1) * inputs;
    const W *lower = w + min(block.first_result + output + 8, block.results - 1) * inputs;
    float totals[COLUMNS][4] = {};
    for (int begin = block.begin; begin < block.end; begin += TERMS) {
        __syncthreads();
        for (int i = threadIdx.x; i < COLUMNS * 8 * TERMS; i += DENSE_THREADS) {
            int sample = i / TERMS, term = i % TERMS;
            bool there = sample < block.samples && begin + term < block.end;
            tile[sample * TILE_PITCH + term] =
                there ? x[(block.first_sample + sample) * inputs + begin + term] : 0;
        }
        __syncthreads();
#pragma unroll 1
        for (int chunk = half; chunk < half + TERMS / 2; chunk += CHUNK) {
            // Lane t takes 8 neighbouring terms, two for each of 4 products.
            int term = chunk + t * 8;
            Eight<W> above(upper, begin + term, block.end, aligned), below(lower, begin + term, block.end, aligned);
            float sums[COLUMNS][4] = {};
#pragma unroll
            for (int k = 0; k < 8; k += 2) {
                WeightOperand<W> weights;
                weights.set(0, above.get(k));
                weights.set(1, below.get(k));
                weights.set(2, above.get(k + 1));
                weights.set(3, below.get(k + 1));
                Operand<2> values[COLUMNS];
#pragma unroll
                for (int n = 0; n < COLUMNS; ++n) {
                    float2 v = *reinterpret_cast<const float2 *>(tile + (n * 8 + g) * TILE_PITCH + term + k);
                    values[n].set(0, v.x);
                    values[n].set(1, v.y);
                }
                multiply<W, COLUMNS>(sums, weights, values);
            }
            close_chunk(totals, sums);
        }
    }
    __syncthreads();
    float *plane = tile + (half > 0 ? PLANE : 0);
#pragma unroll
    for (int n = 0; n < COLUMNS; ++n)
#pragma unroll
        for (int i = 0; i < 4; ++i) plane[(n * 8 + 2 * t + i % 2) * RESULTS + output + i / 2 * 8] = totals[n][i];
}

template <typename W, int COLUMNS>
__device__ __forceinline__ void backward_columns(float *planes, const float *x, const W *w, const DenseBlock &block,
                                                 int outputs) {
    int warp = threadIdx.x / 32, g = threadIdx.x % 32 / 4, t = threadIdx.x % 4, inputs = block.results;
    bool aligned = inputs % Pack<W>::LENGTH == 0;
    float *own = planes + warp * PLANE;
    float totals[4][COLUMNS][4] = {};
    for (int first = block.begin + warp * CHUNK; first < block.end; first += WARPS * CHUNK) {
        read_chunk<COLUMNS * 8>(own, x, block, first, outputs);
        float sums[4][COLUMNS][4] = {};
#pragma unroll 1
        for (int k = 0; k < CHUNK; k += 8) {
            // Lane g takes 8 neighbouring inputs, two for each of 4 products. Terms that
            // are not there are zero in x.
            int input = block.first_result + g * 8, term = first + k + t;
            Eight<W> left(w + min(term, block.end - 1) * inputs, input, inputs, aligned);
            Eight<W> right(w + min(term + 4, block.end - 1) * inputs, input, inputs, aligned);
            Operand<2> values[COLUMNS];
#pragma unroll
            for (int n = 0; n < COLUMNS; ++n) {
                const float *v = own + (n * 8 + g) * CHUNK_PITCH + k + t;
                values[n].set(0, v[0]);
                values[n].set(1, v[4]);
            }
#pragma unroll
            for (int m = 0; m < 4; ++m) {
                WeightOperand<W> weights;
                weights.set(0, left.get(2 * m));
                weights.set(1, left.get(2 * m + 1));
                weights.set(2, right.get(2 * m));
                weights.set(3, right.get(2 * m + 1));
                multiply<W, COLUMNS>(sums[m], weights, values);
            }
        }
#pragma unroll
        for (int m = 0; m < 4; ++m) close_chunk(totals[m], sums[m]);
    }
    __syncwarp();
#pragma unroll
    for (int m = 0; m < 4; ++m)
#pragma unroll
        for (int n = 0; n < COLUMNS; ++n) {
            float *sum = own + (n * 8 + 2 * t) * RESULTS + g * 8 + 2 * m;
            *reinterpret_cast<float2 *>(sum) = make_float2(totals[m][n][0], totals[m][n][2]);
            *reinterpret_cast<float2 *>(sum + RESULTS) = make_float2(totals[m][n][1], totals[m][n][3]);
        }
}

template <typename W>
__device__ __forceinline__ void dense_forward_on_tensor_cores(const float *x, const W *w, const float *bias,
                                                              const float *mask, float *y, float *partials,
                                                              const DenseShape &shape) {
    SHARED(float, tile, [SAMPLES * TILE_PITCH]);
    DenseBlock block(shape, shape.inputs, shape.outputs);
    if (block.samples <= 8)
        forward_columns<W, 1>(tile, x, w, block, shape.inputs);
    else
        forward_columns<W, 2>(tile, x, w, block, shape.inputs);
    put_planes(tile, 2, block, dense_result(bias, mask, y, partials, shape, shape.outputs));
}

template <typename W>
__device__ __forceinline__ void dense_backward_on_tensor_cores(const float *x, const W *w, const float *bias,
                                                               const float *mask, float *y, float *partials,
                                                               const DenseShape &shape) {
    SHARED(float, planes, [WARPS * PLANE]);
    DenseBlock block(shape, shape.outputs, shape.inputs);
    if (block.samples <= 8)
        backward_columns<W, 1>(planes, x, w, block, shape.outputs);
    else
        backward_columns<W, 2>(planes, x, w, block, shape.outputs);
    put_planes(planes, WARPS, block, dense_result(bias, mask, y, partials, shape, shape.inputs));
}

KERNEL(256) dense_forward_tensor_f32(DENSE_PARAMETERS(f32w)) {
    dense_forward_on_tensor_cores(x, w, bias, mask, y, partials, shape);
}

KERNEL(256) dense_forward_tensor_f16(DENSE_PARAMETERS(f16)) {
    dense_forward_on_tensor_cores(x, w, bias, mask, y, partials, shape);
}

KERNEL(256) dense_forward_tensor_bf16(DENSE_PARAMETERS(bf16)) {
    dense_forward_on_tensor_cores(x, w, bias, mask, y, partials, shape);
}

KERNEL(256) dense_backward_tensor_f32(DENSE_PARAMETERS(f32w)) {
    dense_backward_on_tensor_cores(x, w, bias, mask, y, partials, shape);
}

KERNEL(256) dense_backward_tensor_f16(DENSE_PARAMETERS(f16)) {
    dense_backward_on_tensor_cores(x, w, bias, mask, y, partials, shape);
}

KERNEL(256) dense_backward_tensor_bf16(DENSE_PARAMETERS(bf16)) {
    dense_backward_on_tensor_cores(x, w, bias, mask, y, partials, shape);
}
