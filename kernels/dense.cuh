// Inner product layers:
//
//     forward:   y[n, o] = epilogue(sum over i of x[n, i] * w[o, i])
//     backward:  y[n, i] = epilogue(sum over o of x[n, o] * w[o, i])
//
// (backward, x and y are the gradients). Layout: w [outputs][inputs] as a file
// holds it; x, y and mask one row a sample; bias one value for each result of a
// sample.
//
// A block computes 64 results of up to 16 samples, or one of `splits` parts of
// their sums, with every weight read once. Time goes by the bytes of weights. A
// sample's sums do not depend on the number of samples.
#pragma once

#include "product.cuh"

constexpr int DENSE_THREADS = 256;
constexpr int WARPS = DENSE_THREADS / 32;
constexpr int RESULTS = 64;
constexpr int SAMPLES = 16;
// Terms that a block takes at a time; the parts of a sum are multiples of it.
constexpr int TERMS = 512;

struct DenseShape {
    int n, inputs, outputs, relu;
    float slope;
    int splits;
};

// What a block computes: `samples` samples and 64 results from the first ones
// on, over the terms from `begin` to below `end`; a `wide` block 128 results of up
// to 8 samples.
struct DenseBlock {
    int first_sample, samples, first_result, results, begin, end;
    bool wide;

    // `results` of a sample are sums of `terms` terms.
    __device__ __forceinline__ DenseBlock(const DenseShape &shape, int terms, int results, bool wide)
        : results(results), wide(wide) {
        first_sample = blockIdx.y * SAMPLES;
        samples = min(shape.n - first_sample, SAMPLES);
        first_result = blockIdx.x * (wide ? 2 * RESULTS : RESULTS);
        int part = ((terms + TERMS - 1) / TERMS + shape.splits - 1) / shape.splits * TERMS;
        begin = min(int(blockIdx.z) * part, terms);
        end = min(begin + part, terms);
    }
};

// `value`, not known to be the same each time: without this a loop that asks for
// it is compiled twice, once for each case.
__device__ __forceinline__ int varying(int value) {
#ifndef CUDA_ON_CPU
    asm volatile("" : "+r"(value));
#endif
    return value;
}

// values[i] = load(i) if `whole`, else gather(i).
template <int COUNT, typename Value, typename Load, typename Gather>
__device__ __forceinline__ void read_each(Value (&values)[COUNT], bool whole, const Load &load,
                                          const Gather &gather) {
    if (varying(whole)) {
#pragma unroll
        for (int i = 0; i < COUNT; ++i) values[i] = load(i);
        return;
    }
    // Each value moves one place to the left: few instructions, for a case that is
    // rare.
#pragma unroll 1
    for (int i = 0; i < COUNT; ++i) {
#pragma unroll
        for (int k = 1; k < COUNT; ++k) values[k - 1] = values[k];
        values[COUNT - 1] = gather(i);
    }
}

// Reads packs from rows of `length` values: COUNT / ROWS from each of ROWS rows at
// row(i), of which `left` values are there from here on and the others are zero.
template <int ROWS, int COUNT, typename W, typename Row>
__device__ __forceinline__ void read_packs(Pack<W> (&packs)[COUNT], int length, int left, const Row &row) {
    constexpr int LENGTH = Pack<W>::LENGTH, PACKS = COUNT / ROWS;
    auto load = [&](int i) { return load_pack(row(i / PACKS) + i % PACKS * LENGTH); };
    auto gather = [&](int i) {
        int begin = i % PACKS * LENGTH;
        return gather_pack(row(i / PACKS) + begin, left - begin);
    };
    read_each(packs, length % LENGTH == 0 && left >= PACKS * LENGTH, load, gather);
}

// Reads x for the terms from `begin` on, for all samples: put(sample, four,
// values) is called for each of FOURS times four terms. That is done by THREADS
// threads, of which this is `thread`, for GROUP samples at a time. Terms from the
// block's end on are zero; what samples that are not there are given is of no
// account.
template <int GROUP, int FOURS, int THREADS, typename Put>
__device__ __forceinline__ void read_fours(const float *x, const DenseBlock &block, unsigned thread, int begin,
                                           int terms, const Put &put) {
    constexpr int STEP = THREADS / FOURS;
    int four = thread % FOURS, left = block.end - begin - 4 * four;
    x += block.first_sample * terms + begin + 4 * four;
#pragma unroll 1
    for (int sample = thread / FOURS; sample < block.samples; sample += GROUP) {
        Pack<f32w> fours[GROUP / STEP];
        read_packs<GROUP / STEP>(fours, terms, left, [&](int i) {
            int row = min(sample + i * STEP, block.samples - 1);
            return reinterpret_cast<const f32w *>(x + row * terms);
        });
#pragma unroll
        for (int i = 0; i < GROUP / STEP; ++i) put(sample + i * STEP, four, fours[i].words);
    }
}

// Backward every warp takes 32 terms at a time, a chunk. The values of x for
// them lie in the warp's plane, [sample][CHUNK_PITCH] as f32.
constexpr int CHUNK_PITCH = CHUNK + 4;

// Reads x for the chunk from term `first` on.
__device__ __forceinline__ void read_chunk(float4 *plane, const float *x, const DenseBlock &block, int first,
                                           int terms) {
    auto put = [&](int sample, int four, uint4 values) {
        reinterpret_cast<uint4 *>(plane)[sample * (CHUNK_PITCH / 4) + four] = values;
    };
    // What was read before is no longer needed by any lane.
    __syncwarp();
    read_fours<SAMPLES, CHUNK / 4, 32>(x, block, threadIdx.x % 32, first, terms, put);
    __syncwarp();
}

// In the end the sums lie in shared memory as [SAMPLES][RESULTS], one such plane
// for each group of warps that has taken other terms. The second half of a wide
// block's planes holds its second 64 results.
constexpr int PLANE = SAMPLES * RESULTS;

// Adds the planes in their order and puts the results.
template <int COUNT>
__device__ __forceinline__ void put_planes(const float *planes, const DenseBlock &block, const Result &to) {
    __syncthreads();
#pragma unroll 1
    for (int i = threadIdx.x; i < PLANE; i += DENSE_THREADS) {
        int row = i / RESULTS, column = i % RESULTS;
        if (block.wide && row >= SAMPLES / 2) {
            row -= SAMPLES / 2;
            column += RESULTS;
        }
        int sample = block.first_sample + row, channel = block.first_result + column;
        if (row >= block.samples || channel >= block.results) continue;
        float sum = planes[i];
#pragma unroll
        for (int plane = 1; plane < COUNT; ++plane) sum += planes[plane * PLANE + i];
        to.put(sum, sample * block.results + channel, channel);
    }
}

// Where the results of a kernel with DENSE_PARAMETERS go.
__device__ __forceinline__ Result dense_result(const float *bias, const float *mask, float *y, float *partials,
                                               const DenseShape &shape, int results) {
    return Result(Epilogue{bias, mask, shape.relu, shape.slope}, y, partials, shape.splits, blockIdx.z,
                  shape.n * results);
}

// The arguments of every inner product, for weights of a type.
#define DENSE_PARAMETERS(type)                                                                                     \
    const float *__restrict__ x, const type *__restrict__ w, const float *__restrict__ bias,                       \
        const float *__restrict__ mask, float *__restrict__ y, float *__restrict__ partials, DenseShape shape
