// Kernels with one mistake each, to show that the simulator finds it. All should
// turn round the order of the values in each block: y[63 - i] = x[i].
#include "common.cuh"

// No mistake.
KERNEL(64) planted_nothing(const float *x, float *y) {
    SHARED(float, values, [64]);
    values[threadIdx.x] = x[thread_index()];
    __syncthreads();
    y[thread_index()] = values[63 - threadIdx.x];
}

// No barrier between the writes and the reads.
KERNEL(64) planted_missing_barrier(const float *x, float *y) {
    SHARED(float, values, [64]);
    values[threadIdx.x] = x[thread_index()];
    y[thread_index()] = values[63 - threadIdx.x];
}

// Half of the threads pass by the barrier.
KERNEL(64) planted_divergent_barrier(const float *x, float *y) {
    SHARED(float, values, [64]);
    values[threadIdx.x] = x[thread_index()];
    if (threadIdx.x < 32) __syncthreads();
    y[thread_index() ^ 63] = values[threadIdx.x];
}

// The last lane of a warp takes no part in a shuffle of all.
KERNEL(64) planted_partial_shuffle(const float *x, float *y) {
    float value = x[thread_index()];
    if (threadIdx.x % 32 != 31) value = __shfl_xor_sync(0xffffffff, value, 31);
    y[thread_index() ^ 32] = value;
}

// The last thread of a block writes nothing.
KERNEL(64) planted_uninitialised_shared(const float *x, float *y) {
    SHARED(float, values, [64]);
    if (threadIdx.x < 63) values[threadIdx.x] = x[thread_index()];
    __syncthreads();
    y[thread_index()] = values[63 - threadIdx.x];
}

// An index one behind the end of shared memory.
KERNEL(64) planted_shared_out_of_bounds(const float *x, float *y) {
    SHARED(float, values, [64]);
    values[threadIdx.x] = x[thread_index()];
    __syncthreads();
    y[thread_index()] = values[64 - threadIdx.x];
}

// An index one behind the end of y.
KERNEL(64) planted_out_of_bounds(const float *x, float *y) {
    SHARED(float, values, [64]);
    values[threadIdx.x] = x[thread_index()];
    __syncthreads();
    y[thread_index() + 1] = values[63 - threadIdx.x];
}

// Pairs that do not begin at an address of a pair.
KERNEL(64) planted_misaligned(const float *x, float *y) {
    if (threadIdx.x >= 31) return;
    int i = blockIdx.x * 64 + 2 * threadIdx.x + 1;
    float2 pair = *reinterpret_cast<const float2 *>(x + i);
    y[i ^ 63] = pair.x;
    y[(i + 1) ^ 63] = pair.y;
}
