// Inner product layers, forward and backward (formulas and layout: dense.cuh),
// in f32.
//
// Forward, a warp computes 8 outputs, four at a time. Its lanes take different
// terms: a thread adds up 16 terms for 4 outputs of all samples, then the sums
// of the lanes are added. For 512 terms a block reads up to 32 KiB of x and 64 or
// 128 KiB of weights, and a thread multiplies 2048 times. Shared memory: 32 KiB.
// Backward, the 8 warps take different terms, and a thread adds up 32 terms for
// 2 inputs of all samples. For 256 terms a block reads 16 KiB of x and 32 or
// 64 KiB of weights, and a thread multiplies 1024 times. Shared memory: 32 KiB.
//
// The number of samples is rounded up to 8 or 16; a sample's sums do not
// depend on it.
#include "dense.cuh"

// Adds COUNT sums over the lanes of a warp. A lane gives one half of what it has
// to another lane and keeps the other half, until it is left with the sums from
// lane * COUNT / 32 on.
template <int COUNT, int LANES = 16>
__device__ __forceinline__ void add_lanes(float *sums) {
    if constexpr (LANES > 0) {
        constexpr int HALF = COUNT / 2;
        bool upper = threadIdx.x & LANES;
#pragma unroll
        for (int i = 0; i < HALF; ++i) {
            float kept = upper ? sums[i + HALF] : sums[i], given = upper ? sums[i] : sums[i + HALF];
            sums[i] = kept + __shfl_xor_sync(0xffffffffu, given, LANES);
        }
        add_lanes<HALF, LANES / 2>(sums);
    }
}

// x lies in shared memory as [sample][TERMS]. A lane takes LENGTH neighbouring
// terms and reads them by fours; the fours that the lanes read together lie side
// by side.
template <int LENGTH>
__device__ __forceinline__ int place_of_term(int term) {
    int step = term / (32 * LENGTH), lane = term / LENGTH % 32, four = term / 4 % (LENGTH / 4);
    return step * 32 * LENGTH + four * 128 + lane * 4 + term % 4;
}

template <typename W, int COUNT>
__device__ __forceinline__ void forward_samples(float *tile, const float *x, const W *w, const DenseBlock &block,
                                                int inputs) {
    constexpr int LENGTH = Pack<W>::LENGTH, LEFT = 4 * COUNT / 32;
    int lane = threadIdx.x % 32, output = threadIdx.x / 32 * 8;
    bool aligned = inputs % LENGTH == 0;
    // Of the first and the second four outputs of this warp, exchanged after each use.
    float totals[2][LEFT] = {};
    for (int begin = block.begin; begin < block.end; begin += TERMS) {
        __syncthreads();
        for (int i = threadIdx.x; i < COUNT * TERMS; i += DENSE_THREADS) {
            int sample = i / TERMS, term = i % TERMS;
            bool there = sample < block.samples && begin + term < block.end;
            tile[sample * TERMS + place_of_term<LENGTH>(term)] =
                there ? x[(block.first_sample + sample) * inputs + begin + term] : 0;
        }
        __syncthreads();
#pragma unroll 1
        for (int four = 0; four < 2; ++four) {
            float sums[4 * COUNT] = {};
#pragma unroll 1
            for (int step = 0; step < TERMS; step += 32 * LENGTH) {
                Pack<W> packs[4];
#pragma unroll
                for (int o = 0; o < 4; ++o) {
                    // Outputs that are not there are computed from the last one's weights.
                    int row = min(block.first_result + output + four * 4 + o, block.results - 1);
                    packs[o] = read_pack(w + row * inputs, begin + step + lane * LENGTH, block.end, aligned);
                }
#pragma unroll 1
                for (int k = 0; k < LENGTH; k += 4) {
                    float weights[4][4];
#pragma unroll
                    for (int o = 0; o < 4; ++o) {
#pragma unroll
                        for (int i = 0; i < 4; ++i) weights[o][i] = packs[o].get(i);
                        // The next four weights take the place of these.
                        packs[o].words.x = packs[o].words.z;
                        packs[o].words.y = packs[o].words.w;
                    }
#pragma unroll
                    for (int sample = 0; sample < COUNT; ++sample) {
                        float4 v = *reinterpret_cast<const float4 *>(tile + sample * TERMS + step + k * 32 + lane * 4);
#pragma unroll
                        for (int o = 0; o < 4; ++o) {
                            float &sum = sums[sample * 4 + o];
                            sum = fmaf(v.x, weights[o][0], sum);
                            sum = fmaf(v.y, weights[o][1], sum);
                            sum = fmaf(v.z, weights[o][2], sum);
                            sum = fmaf(v.w, weights[o][3], sum);
                        }
                    }
                }
            }
            add_lanes<4 * COUNT>(sums);
#pragma unroll
            for (int i = 0; i < LEFT; ++i) {
                float total = totals[0][i] + sums[i];
                totals[0][i] = totals[1][i];
                totals[1][i] = total;
            }
        }
    }
    __syncthreads();
#pragma unroll
    for (int four = 0; four < 2; ++four)
#pragma unroll
        for (int i = 0; i < LEFT; ++i) {
            int sum = lane * LEFT + i;
            tile[sum / 4 * RESULTS + output + four * 4 + sum % 4] = totals[four][i];
        }
}

template <typename W>
__device__ __forceinline__ void dense_forward(const float *x, const W *w, const float *bias, const float *mask,
                                              float *y, float *partials, const DenseShape &shape) {
    SHARED(float, tile, [SAMPLES * TERMS]);
    DenseBlock block(shape, shape.inputs, shape.outputs);
    if (block.samples <= 8)
        forward_samples<W, 8>(tile, x, w, block, shape.inputs);
    else
        forward_samples<W, 16>(tile, x, w, block, shape.inputs);
    put_planes(tile, 1, block, dense_result(bias, mask, y, partials, shape, shape.outputs));
}

// Two neighbouring weights of a row.
__device__ __forceinline__ float2 two_weights(const f32w *w) { return *reinterpret_cast<const float2 *>(w); }

template <typename W>
__device__ __forceinline__ float2 two_weights(const W *w) {
    unsigned word = *reinterpret_cast<const unsigned *>(w);
    return make_float2(to_float(W{(unsigned short)word}), to_float(W{(unsigned short)(word >> 16)}));
}

template <typename W, int COUNT>
__device__ __forceinline__ void backward_samples(float *planes, const float *x, const W *w, const DenseBlock &block,
                                                 int outputs) {
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32, inputs = block.results;
    int input = block.first_result + 2 * lane;
    bool aligned = inputs % 2 == 0;
    float *own = planes + warp * PLANE;
    float totals[COUNT][2] = {};
    for (int first = block.begin + warp * CHUNK; first < block.end; first += WARPS * CHUNK) {
        read_chunk<COUNT>(own, x, block, first, outputs);
        float sums[COUNT][2] = {};
#pragma unroll 1
        for (int k = 0; k < CHUNK; k += 4) {
            float2 weights[4];
#pragma unroll
            for (int i = 0; i < 4; ++i) {
                // Terms that are not there are zero in x.
                const W *row = w + min(first + k + i, block.end - 1) * inputs;
                weights[i] = make_float2(0, 0);
                if (aligned) {
                    if (input < inputs) weights[i] = two_weights(row + input);
                } else {
                    if (input < inputs) weights[i].x = to_float(row[input]);
                    if (input + 1 < inputs) weights[i].y = to_float(row[input + 1]);
                }
            }
#pragma unroll
            for (int sample = 0; sample < COUNT; ++sample) {
                float4 v = *reinterpret_cast<const float4 *>(own + sample * CHUNK_PITCH + k);
                float values[4] = {v.x, v.y, v.z, v.w};
#pragma unroll
                for (int i = 0; i < 4; ++i) {
                    sums[sample][0] = fmaf(values[i], weights[i].x, sums[sample][0]);
                    sums[sample][1] = fmaf(values[i], weights[i].y, sums[sample][1]);
                }
            }
        }
#pragma unroll
        for (int sample = 0; sample < COUNT; ++sample)
            totals[sample][0] += sums[sample][0], totals[sample][1] += sums[sample][1];
    }
    __syncwarp();
#pragma unroll
    for (int sample = 0; sample < COUNT; ++sample)
        *reinterpret_cast<float2 *>(own + sample * RESULTS + 2 * lane) =
            make_float2(totals[sample][0], totals[sample][1]);
}

template <typename W>
__device__ __forceinline__ void dense_backward(const float *x, const W *w, const float *bias, const float *mask,
                                               float *y, float *partials, const DenseShape &shape) {
    SHARED(float, planes, [WARPS * PLANE]);
    DenseBlock block(shape, shape.outputs, shape.inputs);
    if (block.samples <= 8)
        backward_samples<W, 8>(planes, x, w, block, shape.outputs);
    else
        backward_samples<W, 16>(planes, x, w, block, shape.outputs);
    put_planes(planes, WARPS, block, dense_result(bias, mask, y, partials, shape, shape.inputs));
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
