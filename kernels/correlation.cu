// Convolution, transposed convolution and their gradients as matrix products
// (formula and layout: correlation.cuh), in f32.
//
// correlation_*: tiles of 64 places x 64 outputs; one thread computes 8 x 4 of
// them. For 16 terms a block reads 4 KiB of x and 2 or 4 KiB of weights, and
// multiplies 65536 times. Shared memory: 16 KiB.
// narrow_correlation_*: tiles of 128 places x 4 outputs, for images; one thread
// computes 1 x 4. For 16 terms a block reads 8 KiB of x and multiplies 8192
// times. Shared memory: 16.5 KiB.
#include "correlation.cuh"

// x lies in shared memory as [term][row]. Four lanes write four terms of a row
// each, in four different quads of terms; that these fall into different banks,
// the rows of a quad are exchanged in blocks of 8.
__device__ __forceinline__ int exchanged(int row, int term) { return row ^ (term / 4 * 8); }

template <int ROWS>
__device__ __forceinline__ void store_source(const SourceTile<ROWS> &source, float (*tile)[ROWS]) {
    int term = source.term();
#pragma unroll
    for (int i = 0; i < SourceTile<ROWS>::READS; ++i) {
        int row = exchanged(source.row(i), term);
        tile[term][row] = source.values[i].x;
        tile[term + 1][row] = source.values[i].y;
        tile[term + 2][row] = source.values[i].z;
        tile[term + 3][row] = source.values[i].w;
    }
}

// totals += sums; sums = 0
template <int M, int N>
__device__ __forceinline__ void close_chunk(float (&totals)[M][N], float (&sums)[M][N]) {
#pragma unroll
    for (int i = 0; i < M; ++i)
#pragma unroll
        for (int j = 0; j < N; ++j) totals[i][j] += sums[i][j], sums[i][j] = 0;
}

template <typename W>
__device__ __forceinline__ void correlate(const float *x, const W *w, const float *bias, const float *mask, float *y,
                                          float *partials, const Phase *phases, const CorrelationShape &shape) {
    SHARED(float, memory, [4][DEPTH][64]);
    float (*rows)[DEPTH][64] = &memory[0], (*columns)[DEPTH][64] = &memory[2];
    CorrelationBlock block(phases, shape, 64, 64);
    if (block.first_row >= block.rows) return;
    SourceTile<64> source(x, block, shape);
    WeightTile<W, 64> weights(w, block, shape);

    // A warp computes 32 x 32 of the tile, its lanes 4 x 8 threads.
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    int row = warp / 2 * 32 + lane / 8 * 8, column = warp % 2 * 32 + lane % 8 * 4;
    float totals[8][4] = {}, sums[8][4] = {};
    int stages = block.stages();
    for (int stage = 0; stage <= stages; ++stage) {
        bool more = stage < stages;
        if (more) {
            source.fetch();
            weights.fetch();
        }
        if (stage > 0) {
            int half = 1 - stage % 2;
#pragma unroll 2
            for (int k = 0; k < DEPTH; ++k) {
                const float *a = &rows[half][k][exchanged(row, k)];
                float4 a0 = *reinterpret_cast<const float4 *>(a), a1 = *reinterpret_cast<const float4 *>(a + 4);
                float4 b = *reinterpret_cast<const float4 *>(&columns[half][k][column]);
                float left[8] = {a0.x, a0.y, a0.z, a0.w, a1.x, a1.y, a1.z, a1.w};
                float right[4] = {b.x, b.y, b.z, b.w};
#pragma unroll
                for (int i = 0; i < 8; ++i)
#pragma unroll
                    for (int j = 0; j < 4; ++j) sums[i][j] = fmaf(left[i], right[j], sums[i][j]);
            }
            // Two stages are a chunk.
            if (half == 1 || !more) close_chunk(totals, sums);
        }
        if (more) {
            store_source(source, rows[stage % 2]);
            weights.store(columns[stage % 2]);
        }
        __syncthreads();
    }
    // What was summed takes the place of the operands.
    float (*tile)[64] = &memory[0][0];
#pragma unroll
    for (int i = 0; i < 8; ++i)
        *reinterpret_cast<float4 *>(&tile[row + i][column]) =
            make_float4(totals[i][0], totals[i][1], totals[i][2], totals[i][3]);
    __syncthreads();
    block.put_tile(block.result(bias, mask, y, partials, shape), tile, shape);
}

template <typename W>
__device__ __forceinline__ void correlate_narrow(const float *x, const W *w, const float *bias, const float *mask,
                                                 float *y, float *partials, const Phase *phases,
                                                 const CorrelationShape &shape) {
    SHARED(float, rows, [2][DEPTH][128]);
    SHARED(float, columns, [2][DEPTH][4]);
    CorrelationBlock block(phases, shape, 128, 4);
    if (block.first_row >= block.rows) return;
    SourceTile<128> source(x, block, shape);
    // The first half of the threads read a weight each, the others the same again.
    int term = threadIdx.x / 4 % DEPTH, output = threadIdx.x % 4;
    const W *weights = w + block.first_weight(shape) + block.first_output + output;

    int row = threadIdx.x;
    float totals[1][4] = {}, sums[1][4] = {};
    int stages = block.stages();
    for (int stage = 0; stage <= stages; ++stage) {
        bool more = stage < stages;
        float weight = 0;
        if (more) {
            source.fetch();
            int k = block.begin + stage * DEPTH + term;
            if (k < block.end) weight = to_float(weights[k * shape.outputs_padded]);
        }
        if (stage > 0) {
            int half = 1 - stage % 2;
#pragma unroll 4
            for (int k = 0; k < DEPTH; ++k) {
                float left = rows[half][k][exchanged(row, k)];
                float4 b = *reinterpret_cast<const float4 *>(&columns[half][k][0]);
                float right[4] = {b.x, b.y, b.z, b.w};
#pragma unroll
                for (int j = 0; j < 4; ++j) sums[0][j] = fmaf(left, right[j], sums[0][j]);
            }
            if (half == 1 || !more) close_chunk(totals, sums);
        }
        if (more) {
            store_source(source, rows[stage % 2]);
            if (threadIdx.x < 4 * DEPTH) columns[stage % 2][term][output] = weight;
        }
        __syncthreads();
    }
    float4 total = make_float4(totals[0][0], totals[0][1], totals[0][2], totals[0][3]);
    block.put(block.result(bias, mask, y, partials, shape), total, row, 0, shape);
}

KERNEL(128) correlation_f32(CORRELATION_PARAMETERS(f32w)) {
    correlate(x, w, bias, mask, y, partials, phases, shape);
}

KERNEL(128) correlation_f16(CORRELATION_PARAMETERS(f16)) {
    correlate(x, w, bias, mask, y, partials, phases, shape);
}

KERNEL(128) correlation_bf16(CORRELATION_PARAMETERS(bf16)) {
    correlate(x, w, bias, mask, y, partials, phases, shape);
}

KERNEL(128) narrow_correlation_f32(CORRELATION_PARAMETERS(f32w)) {
    correlate_narrow(x, w, bias, mask, y, partials, phases, shape);
}

KERNEL(128) narrow_correlation_f16(CORRELATION_PARAMETERS(f16)) {
    correlate_narrow(x, w, bias, mask, y, partials, phases, shape);
}

KERNEL(128) narrow_correlation_bf16(CORRELATION_PARAMETERS(bf16)) {
    correlate_narrow(x, w, bias, mask, y, partials, phases, shape);
}
