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
// samples, backward of four.
#include "dense.cuh"

// Length of a sample's row in shared memory, in pairs of terms, for which a half
// warp reads different banks.
constexpr int TILE_PITCH = TERMS / 2 + 1;

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

// sums += weights * values
template <typename W>
__device__ __forceinline__ void multiply(float (&sums)[4], const WeightOperand<W> &weights,
                                         const Operand<2> &values) {
    mma_m16n8k8_tf32(sums, weights.high, values.low);
    if (!WeightOperand<W>::EXACT) mma_m16n8k8_tf32(sums, weights.low, values.high);
    mma_m16n8k8_tf32(sums, weights.high, values.high);
}

// Eight neighbouring weights of two rows.
template <typename W>
struct Eights {
    static constexpr int LENGTH = Pack<W>::LENGTH, PACKS = 8 / LENGTH;
    Pack<W> packs[2 * PACKS];

    // Of rows of so many weights, of which `left` are there from here on.
    __device__ __forceinline__ Eights(const W *first, const W *second, int left, int length) {
        read_packs<2>(packs, length, left, [&](int i) { return i == 0 ? first : second; });
    }

    // The `i`-th weight of a row.
    __device__ __forceinline__ float get(int row, int i) const {
        return packs[row * PACKS + i / LENGTH].get(i % LENGTH);
    }
};

// totals += sums
__device__ __forceinline__ void close_chunk(float (&totals)[2][4], const float (&sums)[2][4]) {
#pragma unroll
    for (int n = 0; n < 2; ++n)
#pragma unroll
        for (int i = 0; i < 4; ++i) totals[n][i] += sums[n][i];
}

template <typename W>
__device__ __forceinline__ void dense_forward(const float *x, const W *w, const float *bias, const float *mask,
                                              float *y, float *partials, const DenseShape &shape) {
    SHARED(uint2, tile, [SAMPLES * TILE_PITCH]);
    int inputs = shape.inputs;
    DenseBlock block(shape, inputs, shape.outputs, false);
    int warp = threadIdx.x / 32, g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
    int output = warp % 4 * 16 + g, half = warp / 4 * (TERMS / 2);
    // Outputs that are not there are computed from the last one's weights.
    const W *upper = w + min(block.first_result + output, block.results - 1) * inputs;
    const W *lower = w + min(block.first_result + output + 8, block.results - 1) * inputs;
    float totals[2][4] = {};
    for (int begin = block.begin; begin < block.end; begin += TERMS) {
        auto put = [&](int sample, int four, uint4 values) {
            uint2 *pairs = tile + sample * TILE_PITCH + 2 * four;
            pairs[0] = make_uint2(values.x, values.y);
            pairs[1] = make_uint2(values.z, values.w);
        };
        __syncthreads();
        read_fours<4, TERMS / 4, DENSE_THREADS>(x, block, threadIdx.x, begin, inputs, put);
        __syncthreads();
#pragma unroll 1
        for (int chunk = half; chunk < half + TERMS / 2; chunk += CHUNK) {
            // Lane t takes 8 neighbouring terms, two for each of 4 products.
            int term = chunk + t * 8, at = begin + term;
            Eights<W> eights(upper + at, lower + at, block.end - at, inputs);
            const uint2 *pairs = tile + g * TILE_PITCH + term / 2;
            float sums[2][4] = {};
#pragma unroll
            for (int k = 0; k < 4; ++k) {
                WeightOperand<W> weights;
                weights.set(0, eights.get(0, 2 * k));
                weights.set(1, eights.get(1, 2 * k));
                weights.set(2, eights.get(0, 2 * k + 1));
                weights.set(3, eights.get(1, 2 * k + 1));
#pragma unroll
                for (int n = 0; n < 2; ++n) {
                    if (n > 0 && block.samples <= 8) break;
                    uint2 pair = pairs[n * 8 * TILE_PITCH + k];
                    Operand<2> values;
                    values.set(0, __uint_as_float(pair.x));
                    values.set(1, __uint_as_float(pair.y));
                    multiply(sums[n], weights, values);
                }
            }
            close_chunk(totals, sums);
        }
    }
    __syncthreads();
    float *planes = reinterpret_cast<float *>(tile), *plane = planes + (half > 0 ? PLANE : 0);
#pragma unroll
    for (int n = 0; n < 2; ++n)
#pragma unroll
        for (int i = 0; i < 4; ++i) plane[(n * 8 + 2 * t + i % 2) * RESULTS + output + i / 2 * 8] = totals[n][i];
    put_planes<2>(planes, block, dense_result(bias, mask, y, partials, shape, shape.outputs));
}

template <typename W>
__device__ __forceinline__ void dense_backward(const float *x, const W *w, const float *bias, const float *mask,
                                               float *y, float *partials, const DenseShape &shape) {
    SHARED(float4, fours, [WARPS * PLANE / 4]);
    int inputs = shape.inputs, outputs = shape.outputs;
    DenseBlock block(shape, outputs, inputs, false);
    int warp = threadIdx.x / 32, g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
    int input = block.first_result + g * 8;
    float4 *chunk = fours + warp * (PLANE / 4);
    float *planes = reinterpret_cast<float *>(fours), *own = planes + warp * PLANE;
    float totals[4][2][4] = {};
    for (int first = block.begin + warp * CHUNK; first < block.end; first += WARPS * CHUNK) {
        read_chunk(chunk, x, block, first, outputs);
        float sums[4][2][4] = {};
#pragma unroll 1
        for (int k = 0; k < CHUNK; k += 8) {
            // Lane g takes 8 neighbouring inputs, two for each of 4 products. Terms that
            // are not there are zero in x.
            int term = first + k + t;
            const W *row = w + min(term, block.end - 1) * inputs + input;
            const W *fourth = w + min(term + 4, block.end - 1) * inputs + input;
            Eights<W> eights(row, fourth, inputs - input, inputs);
            Operand<2> values[2];
#pragma unroll
            for (int n = 0; n < 2; ++n) {
                const float *v = own + (n * 8 + g) * CHUNK_PITCH + k + t;
                values[n].set(0, v[0]);
                values[n].set(1, v[4]);
            }
#pragma unroll
            for (int m = 0; m < 4; ++m) {
                WeightOperand<W> weights;
                weights.set(0, eights.get(0, 2 * m));
                weights.set(1, eights.get(0, 2 * m + 1));
                weights.set(2, eights.get(1, 2 * m));
                weights.set(3, eights.get(1, 2 * m + 1));
                multiply(sums[m][0], weights, values[0]);
                if (block.samples > 8) multiply(sums[m][1], weights, values[1]);
            }
        }
#pragma unroll
        for (int m = 0; m < 4; ++m) close_chunk(totals[m], sums[m]);
    }
    __syncwarp();
#pragma unroll
    for (int m = 0; m < 4; ++m)
#pragma unroll
        for (int n = 0; n < 2; ++n) {
            float *sum = own + (n * 8 + 2 * t) * RESULTS + g * 8 + 2 * m;
            *reinterpret_cast<float2 *>(sum) = make_float2(totals[m][n][0], totals[m][n][2]);
            *reinterpret_cast<float2 *>(sum + RESULTS) = make_float2(totals[m][n][1], totals[m][n][3]);
        }
    put_planes<WARPS>(planes, block, dense_result(bias, mask, y, partials, shape, inputs));
}

KERNEL(256) dense_forward_tensor_f32(DENSE_PARAMETERS(f32w)) {
    dense_forward(x, w, bias, mask, y, partials, shape);
}

KERNEL(256) dense_forward_tensor_f16(DENSE_PARAMETERS(f16)) {
    dense_forward(x, w, bias, mask, y, partials, shape);
}

KERNEL(256) dense_forward_tensor_bf16(DENSE_PARAMETERS(bf16)) {
    dense_forward(x, w, bias, mask, y, partials, shape);
}

KERNEL(256) dense_backward_tensor_f32(DENSE_PARAMETERS(f32w)) {
    dense_backward(x, w, bias, mask, y, partials, shape);
}

KERNEL(256) dense_backward_tensor_f16(DENSE_PARAMETERS(f16)) {
    dense_backward(x, w, bias, mask, y, partials, shape);
}

KERNEL(256) dense_backward_tensor_bf16(DENSE_PARAMETERS(bf16)) {
    dense_backward(x, w, bias, mask, y, partials, shape);
}
