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
// their sums, with every weight read once. Time goes by the bytes of weights.
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
// on, over the terms from `begin` to below `end`.
struct DenseBlock {
    int first_sample, samples, first_result, results, begin, end;

    // `results` of a sample are sums of `terms` terms.
    __device__ __forceinline__ DenseBlock(const DenseShape &shape, int terms, int results) : results(results) {
        first_sample = blockIdx.y * SAMPLES;
        samples = min(shape.n - first_sample, SAMPLES);
        first_result = blockIdx.x * RESULTS;
        int part = ((terms + TERMS - 1) / TERMS + shape.splits - 1) / shape.splits * TERMS;
        begin = min(int(blockIdx.z) * part, terms);
        end = min(begin + part, terms);
    }
};

// The weights of a row from `at` on, zero from `end` on. `aligned` rows begin
// and end with a pack.
template <typename W>
__device__ __forceinline__ Pack<W> read_pack(const W *row, int at, int end, bool aligned) {
    if (!aligned) return gather_pack(row + at, end - at);
    return at < end ? load_pack(row + at) : Pack<W>{make_uint4(0, 0, 0, 0)};
}

// In the end the sums lie in shared memory as [SAMPLES][RESULTS], one such plane
// for each group of warps that has taken other terms.
constexpr int PLANE = SAMPLES * RESULTS;

// Adds the planes in their order and puts the results.
__device__ __forceinline__ void put_planes(const float *planes, int count, const DenseBlock &block, const Result &to) {
    __syncthreads();
    for (int i = threadIdx.x; i < block.samples * RESULTS; i += DENSE_THREADS) {
        int sample = block.first_sample + i / RESULTS, channel = block.first_result + i % RESULTS;
        if (channel >= block.results) continue;
        float sum = planes[i];
        for (int plane = 1; plane < count; ++plane) sum += planes[plane * PLANE + i];
        to.put(sum, sample * block.results + channel, channel);
    }
}

// Backward every warp takes 32 terms at a time, a chunk. The values of x for
// them lie in the warp's plane as [sample][CHUNK_PITCH].
constexpr int CHUNK_PITCH = CHUNK + 4;

// Reads x for the chunk from term `first` on, zero beyond the end and for
// samples that are not there.
template <int COUNT>
__device__ __forceinline__ void read_chunk(float *plane, const float *x, const DenseBlock &block, int first,
                                           int terms) {
    int lane = threadIdx.x % 32, term = first + lane;
    // What was read before is no longer needed by any lane.
    __syncwarp();
#pragma unroll
    for (int sample = 0; sample < COUNT; ++sample) {
        bool there = sample < block.samples && term < block.end;
        plane[sample * CHUNK_PITCH + lane] = there ? x[(block.first_sample + sample) * terms + term] : 0;
    }
    __syncwarp();
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
