// What CUDA C++ has and C++ has not, for kernels compiled by a C++ compiler:
// qualifiers, built-in variables, vector types, barriers, warp shuffles, shared
// memory, reinterpreted bits.
//
// kernels/common.cuh includes this when CUDA_ON_CPU is defined. The compiler
// must not contract (-ffp-contract=off) nor assume strict aliasing, for kernels
// read floats through float4.
#pragma once

#include "scheduler.h"

#include <immintrin.h>
#include <math.h>

#define __device__ inline
#define __forceinline__ __attribute__((always_inline))

#define threadIdx (::cuda_on_cpu::thread_idx)
#define blockIdx (::cuda_on_cpu::block_idx)
#define blockDim (::cuda_on_cpu::block_dim)
#define gridDim (::cuda_on_cpu::grid_dim)

// An array that the threads of a block share. Memory of its own, 0xFF bytes at
// every block's start: a value that nobody has written is not a number.
#define SHARED(type, name, ...)                                                                                        \
    using shared_type_of_##name = type __VA_ARGS__;                                                                    \
    static ::cuda_on_cpu::SharedMemory shared_memory_of_##name;                                                        \
    auto &name = *static_cast<shared_type_of_##name *>(                                                                \
        shared_memory_of_##name.of_block(sizeof(shared_type_of_##name)))

struct alignas(8) float2 {
    float x, y;
};
struct alignas(16) float4 {
    float x, y, z, w;
};
struct alignas(16) int4 {
    int x, y, z, w;
};
struct alignas(8) uint2 {
    unsigned x, y;
};
struct alignas(16) uint4 {
    unsigned x, y, z, w;
};

inline float2 make_float2(float x, float y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline int4 make_int4(int x, int y, int z, int w) { return {x, y, z, w}; }
inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }

inline void __syncthreads() { cuda_on_cpu::barrier(); }
inline void __syncwarp(unsigned mask = 0xffffffffu) { cuda_on_cpu::exchange(mask, nullptr, 0); }

namespace cuda_on_cpu {

// The value of lane `from`; of the lane itself where that is not in its part of
// the warp.
template <class T> T shuffle(unsigned mask, T value, unsigned from, bool inside) {
    static_assert(sizeof(T) <= sizeof(Lane));
    const Lane *lanes = exchange(mask, &value, sizeof value);
    if (inside) __builtin_memcpy(&value, lanes[from].bytes, sizeof value);
    return value;
}

} // namespace cuda_on_cpu

template <class T> T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32) {
    unsigned lane = threadIdx.x % 32;
    bool inside = lane % static_cast<unsigned>(width) + delta < static_cast<unsigned>(width);
    return cuda_on_cpu::shuffle(mask, value, lane + delta, inside);
}
template <class T> T __shfl_xor_sync(unsigned mask, T value, int lanes, int width = 32) {
    unsigned lane = threadIdx.x % 32;
    unsigned from = lane ^ static_cast<unsigned>(lanes);
    unsigned parts_end = (lane / static_cast<unsigned>(width) + 1) * static_cast<unsigned>(width);
    return cuda_on_cpu::shuffle(mask, value, from, from < parts_end);
}

inline int min(int a, int b) { return b < a ? b : a; }
inline int max(int a, int b) { return a < b ? b : a; }
inline unsigned min(unsigned a, unsigned b) { return b < a ? b : a; }
inline unsigned max(unsigned a, unsigned b) { return a < b ? b : a; }

inline int __float_as_int(float value) { return __builtin_bit_cast(int, value); }
inline unsigned __float_as_uint(float value) { return __builtin_bit_cast(unsigned, value); }
inline float __int_as_float(int bits) { return __builtin_bit_cast(float, bits); }
inline float __uint_as_float(unsigned bits) { return __builtin_bit_cast(float, bits); }

inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fadd_rn(float a, float b) { return a + b; }
inline double __dmul_rn(double a, double b) { return a * b; }
inline double __dadd_rn(double a, double b) { return a + b; }

namespace cuda_on_cpu {

// cvt.f32.f16
inline float half_to_float(unsigned short bits) { return _cvtsh_ss(bits); }

// cvt.rna.tf32.f32: to the nearest value with ten bits of fraction, halves away
// from zero.
inline unsigned to_tf32(float value) {
    if (value != value) return 0x7fffffffu;
    return (__float_as_uint(value) + 0x1000u) & 0xffffe000u;
}

// mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32: D = A B + D by a warp.
// Lane l has in a the values of A at rows l / 4 and l / 4 + 8, columns l % 4 and
// l % 4 + 4; in b those of B at rows l % 4 and l % 4 + 4, column l / 4; in d
// those of D at rows l / 4 and l / 4 + 8, columns l % 4 * 2 and one more. The low
// 13 bits of a and b are not read.
void mma_m16n8k8_tf32(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]);

} // namespace cuda_on_cpu
