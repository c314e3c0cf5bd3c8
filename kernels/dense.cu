// Inner product layers, forward and backward (formulas and layout: dense.cuh),
// in f32.
//
// The halves of a warp share their results and take 8 samples each. Up to 8
// samples in all are given to both halves, and each has results of its own: a
// block computes 128 results then, and half of the grid nothing.
//
// Forward, a warp computes 8 outputs, four at a time. The lanes of a half take
// different terms: a thread adds up 32 terms for 4 outputs of 8 samples, then the
// sums of the lanes are added. For 512 terms a block reads up to 32 KiB of x and
// 64 or 128 KiB of weights (wide: 16 and 128 or 256), and a thread multiplies 2048
// times. Shared memory: 32 KiB.
// Backward, the 8 warps take different terms, and a thread adds up 32 terms for
// 4 inputs of 8 samples. For 256 terms a block reads 16 KiB of x and 32 or 64 KiB
// of weights (wide: 8 and 64 or 128), and a thread multiplies 1024 times. Shared
// memory: 32 KiB.
#include "dense.cuh"

constexpr int HALF = SAMPLES / 2;

// Blocks take twice the results of half the samples where that is enough.
__device__ __forceinline__ bool is_wide(const DenseShape &shape) { return shape.n <= HALF; }

// What half a warp computes of a block.
struct HalfWarp {
    int lane, row, first_sample, first_result;

    // Its sums lie in a plane from `row` on; its samples are those of the block from
    // `first_sample` on.
    __device__ __forceinline__ HalfWarp(const DenseBlock &block) {
        bool upper = threadIdx.x & 16;
        lane = threadIdx.x % 16;
        row = upper ? HALF : 0;
        first_sample = block.wide ? 0 : row;
        first_result = block.first_result + (block.wide && upper ? RESULTS : 0);
    }
};

// Adds COUNT sums over the lanes of a half warp. A lane gives one half of what it
// has to another lane and keeps the other half, until it is left with the sums
// from lane * COUNT / 16 on.
template <int COUNT, int LANES = 8>
__device__ __forceinline__ void add_lanes(float *sums) {
    if constexpr (LANES > 0) {
        constexpr int LEFT = COUNT / 2;
        bool upper = threadIdx.x & LANES;
#pragma unroll
        for (int i = 0; i < LEFT; ++i) {
            float kept = upper ? sums[i + LEFT] : sums[i], given = upper ? sums[i] : sums[i + LEFT];
            sums[i] = kept + __shfl_xor_sync(0xffffffffu, given, LANES);
        }
        add_lanes<LEFT, LANES / 2>(sums);
    }
}

// sums[i * 4 + k] += the inner product of x[i * pitch] and weights[k], for 8 samples
// and 4 results.
__device__ __forceinline__ void multiply(float (&sums)[HALF * 4], const float4 *x, int pitch,
                                         const float4 (&weights)[4]) {
#pragma unroll
    for (int i = 0; i < HALF; ++i) {
        float4 v = x[i * pitch];
#pragma unroll
        for (int k = 0; k < 4; ++k) {
            float &sum = sums[i * 4 + k];
            sum = fmaf(v.x, weights[k].x, sum);
            sum = fmaf(v.y, weights[k].y, sum);
            sum = fmaf(v.z, weights[k].z, sum);
            sum = fmaf(v.w, weights[k].w, sum);
        }
    }
}

template <typename W>
__device__ __forceinline__ void dense_forward(const float *x, const W *w, const float *bias, const float *mask,
                                              float *y, float *partials, const DenseShape &shape) {
    // x as [sample][FOURS]. A lane takes LENGTH neighbouring terms; the fours that
    // the lanes read together lie side by side.
    constexpr int FOURS = TERMS / 4, LENGTH = Pack<W>::LENGTH, PARTS = LENGTH / 4;
    SHARED(float4, tile, [SAMPLES * FOURS]);
    int inputs = shape.inputs;
    DenseBlock block(shape, inputs, shape.outputs, is_wide(shape));
    if (block.first_result >= block.results) return;
    HalfWarp half(block);
    int warp = threadIdx.x / 32, output = half.first_result + warp * 8;
    // Of the first and the second four outputs, exchanged after each use.
    float totals[2][2] = {};
    for (int begin = block.begin; begin < block.end; begin += TERMS) {
        auto put = [&](int sample, unsigned four, uint4 values) {
            int step = four / (16 * PARTS), lane = four / PARTS % 16, part = four % PARTS;
            reinterpret_cast<uint4 *>(tile)[sample * FOURS + (step * PARTS + part) * 16 + lane] = values;
        };
        __syncthreads();
        read_fours<HALF, FOURS, DENSE_THREADS>(x, block, threadIdx.x, begin, inputs, put);
        __syncthreads();
#pragma unroll 1
        for (int four = 0; four < 8; four += 4) {
            float sums[HALF * 4] = {};
#pragma unroll 1
            for (int step = 0; step < TERMS; step += 16 * LENGTH) {
                int term = begin + step + half.lane * LENGTH;
                Pack<W> packs[4];
                read_packs<4>(packs, inputs, block.end - term, [&](int i) {
                    // Outputs that are not there are computed from the last one's weights.
                    return w + min(output + four + i, block.results - 1) * inputs + term;
                });
#pragma unroll 1
                for (int k = 0; k < LENGTH; k += 4) {
                    float4 weights[4];
#pragma unroll
                    for (int i = 0; i < 4; ++i) {
                        Pack<W> &pack = packs[i];
                        weights[i] = make_float4(pack.get(0), pack.get(1), pack.get(2), pack.get(3));
                        // The next four weights take the place of these.
                        pack.words.x = pack.words.z;
                        pack.words.y = pack.words.w;
                    }
                    const float4 *values = tile + half.first_sample * FOURS + step / 4 + k * 4 + half.lane;
                    multiply(sums, values, FOURS, weights);
                }
            }
            add_lanes<HALF * 4>(sums);
#pragma unroll
            for (int i = 0; i < 2; ++i) {
                float total = totals[0][i] + sums[i];
                totals[0][i] = totals[1][i];
                totals[1][i] = total;
            }
        }
    }
    __syncthreads();
    float *plane = reinterpret_cast<float *>(tile);
    float *own = plane + (half.row + half.lane / 2) * RESULTS + warp * 8 + half.lane % 2 * 2;
#pragma unroll
    for (int four = 0; four < 2; ++four)
#pragma unroll
        for (int i = 0; i < 2; ++i) own[four * 4 + i] = totals[four][i];
    put_planes<1>(plane, block, dense_result(bias, mask, y, partials, shape, shape.outputs));
}

// Four neighbouring weights, the first `left` of them there and the others zero.
template <typename W>
__device__ __forceinline__ float4 gather_four(const W *w, int left) {
    float4 four = make_float4(0, 0, 0, 0);
    if (left > 0) four.x = to_float(w[0]);
    if (left > 1) four.y = to_float(w[1]);
    if (left > 2) four.z = to_float(w[2]);
    if (left > 3) four.w = to_float(w[3]);
    return four;
}

__device__ __forceinline__ float4 load_four(const f32w *w) { return *reinterpret_cast<const float4 *>(w); }

template <typename W>
__device__ __forceinline__ float4 load_four(const W *w) {
    uint2 words = *reinterpret_cast<const uint2 *>(w);
    Pack<W> pack{make_uint4(words.x, words.y, 0, 0)};
    return make_float4(pack.get(0), pack.get(1), pack.get(2), pack.get(3));
}

template <typename W>
__device__ __forceinline__ void dense_backward(const float *x, const W *w, const float *bias, const float *mask,
                                               float *y, float *partials, const DenseShape &shape) {
    constexpr int PITCH = CHUNK_PITCH / 4;
    SHARED(float4, planes, [WARPS * PLANE / 4]);
    int inputs = shape.inputs, outputs = shape.outputs;
    DenseBlock block(shape, outputs, inputs, is_wide(shape));
    if (block.first_result >= block.results) return;
    HalfWarp half(block);
    int warp = threadIdx.x / 32, input = half.first_result + 4 * half.lane;
    float4 *own = planes + warp * (PLANE / 4);
    float totals[HALF * 4] = {};
    for (int first = block.begin + warp * CHUNK; first < block.end; first += WARPS * CHUNK) {
        read_chunk(own, x, block, first, outputs);
        float sums[HALF * 4] = {};
#pragma unroll 1
        for (int k = 0; k < CHUNK; k += 4) {
            // Terms that are not there are zero in x.
            auto row = [&](int i) { return w + min(first + k + i, block.end - 1) * inputs + input; };
            float4 rows[4];
            read_each(
                rows, inputs % 4 == 0 && input < inputs, [&](int i) { return load_four(row(i)); },
                [&](int i) { return gather_four(row(i), inputs - input); });
            float4 columns[4] = {
                make_float4(rows[0].x, rows[1].x, rows[2].x, rows[3].x),
                make_float4(rows[0].y, rows[1].y, rows[2].y, rows[3].y),
                make_float4(rows[0].z, rows[1].z, rows[2].z, rows[3].z),
                make_float4(rows[0].w, rows[1].w, rows[2].w, rows[3].w),
            };
            multiply(sums, own + half.first_sample * PITCH + k / 4, PITCH, columns);
        }
#pragma unroll
        for (int i = 0; i < HALF * 4; ++i) totals[i] += sums[i];
    }
    __syncwarp();
#pragma unroll
    for (int i = 0; i < HALF; ++i) {
        const float *total = totals + 4 * i;
        own[(half.row + i) * (RESULTS / 4) + half.lane] = make_float4(total[0], total[1], total[2], total[3]);
    }
    const float *sums = reinterpret_cast<const float *>(planes);
    put_planes<WARPS>(sums, block, dense_result(bias, mask, y, partials, shape, inputs));
}

KERNEL(256) dense_forward_f32(DENSE_PARAMETERS(f32w)) {
    dense_forward(x, w, bias, mask, y, partials, shape);
}

KERNEL(256) dense_forward_f16(DENSE_PARAMETERS(f16)) {
    dense_forward(x, w, bias, mask, y, partials, shape);
}

KERNEL(256) dense_forward_bf16(DENSE_PARAMETERS(bf16)) {
    dense_forward(x, w, bias, mask, y, partials, shape);
}

KERNEL(256) dense_backward_f32(DENSE_PARAMETERS(f32w)) {
    dense_backward(x, w, bias, mask, y, partials, shape);
}

KERNEL(256) dense_backward_f16(DENSE_PARAMETERS(f16)) {
    dense_backward(x, w, bias, mask, y, partials, shape);
}

KERNEL(256) dense_backward_bf16(DENSE_PARAMETERS(bf16)) {
    dense_backward(x, w, bias, mask, y, partials, shape);
}
