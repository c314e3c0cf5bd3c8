// What every kernel file includes: how kernels and shared memory are declared,
// the stored types of weights, and the few instructions that have no spelling
// in C++.
//
// The same files are compiled by NVRTC for a GPU and, with CUDA_ON_CPU, by a
// C++ compiler for the simulated device. So shared memory is declared by
// SHARED, inline PTX stands in this file only, beside its meaning on a CPU, and
// nothing is included that a user would have to install.
//
// Everything is compiled without contraction: a product and a sum are one
// rounding only where the source says fmaf.
#pragma once

#ifdef CUDA_ON_CPU
#include "cuda_on_cpu.h"
#define KERNEL(threads) extern "C" void
#else
#define INFINITY __int_as_float(0x7f800000)
// A kernel that is launched with blocks of so many threads.
#define KERNEL(threads) extern "C" __global__ void __launch_bounds__(threads)
// An array that the threads of a block share, e.g. SHARED(float, tile, [16][17]).
#define SHARED(type, name, dims) __shared__ type name dims
#endif

// This thread's number along x in the grid.
__device__ __forceinline__ int thread_index() { return blockIdx.x * blockDim.x + threadIdx.x; }

// Weights as a network file stores them; the 16-bit kinds are bit patterns.
struct f32w {
    float value;
};
struct f16 {
    unsigned short bits;
};
struct bf16 {
    unsigned short bits;
};

__device__ __forceinline__ float to_float(f32w w) { return w.value; }

__device__ __forceinline__ float to_float(f16 w) {
#ifdef CUDA_ON_CPU
    return cuda_on_cpu::half_to_float(w.bits);
#else
    float value;
    asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(w.bits));
    return value;
#endif
}

__device__ __forceinline__ float to_float(bf16 w) { return __uint_as_float(unsigned(w.bits) << 16); }

// d += a b for matrices a [16][8], b [8][8] and d [16][8] of a warp, in tf32 (the
// 19 upper bits of an f32; the others are ignored) with f32 sums. With
// g = lane / 4 and t = lane % 4 a lane holds, as (row, column),
// a (g, t), (g + 8, t), (g, t + 4), (g + 8, t + 4); b (t, g), (t + 4, g) and
// d (g, 2t), (g, 2t + 1), (g + 8, 2t), (g + 8, 2t + 1).
__device__ __forceinline__ void mma_m16n8k8_tf32(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
#ifdef CUDA_ON_CPU
    cuda_on_cpu::mma_m16n8k8_tf32(d, a, b);
#else
    // Volatile, for it must not be moved to where the lanes of a warp diverge.
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 "
                 "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#endif
}
