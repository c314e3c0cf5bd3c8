// Values that are taken row by row: the blocks of one x take one row and walk
// along it. That saves each thread the division that would find its row, and
// neighbouring threads take neighbouring values.
#pragma once
#include "common.cuh"

// The thread's first value of its row, and how far it is to the next one.
__device__ __forceinline__ int first_in_row() { return blockIdx.y * blockDim.x + threadIdx.x; }
__device__ __forceinline__ int step_in_row() { return gridDim.y * blockDim.x; }
