// What the matrix products share: weights in 16 bytes, values in two tf32, and
// what becomes of a sum.
#pragma once

#include "common.cuh"

// A sum is added up by fmaf over at most so many terms; such sums are then
// added. The error of a long sum so grows with few additions.
constexpr int CHUNK = 32;

// 16 bytes of weights, the unit in which they are read.
template <typename W>
struct Pack;

template <>
struct Pack<f32w> {
    static constexpr int LENGTH = 4;
    uint4 words;
    __device__ __forceinline__ float get(int i) const {
        return __uint_as_float(i == 0 ? words.x : i == 1 ? words.y : i == 2 ? words.z : words.w);
    }
};

// The `i`-th of the eight 16-bit patterns of four words.
__device__ __forceinline__ unsigned short half_word(const uint4 &words, int i) {
    unsigned word = i < 2 ? words.x : i < 4 ? words.y : i < 6 ? words.z : words.w;
    return (unsigned short)(word >> (i % 2 * 16));
}

template <>
struct Pack<f16> {
    static constexpr int LENGTH = 8;
    uint4 words;
    __device__ __forceinline__ float get(int i) const { return to_float(f16{half_word(words, i)}); }
};

template <>
struct Pack<bf16> {
    static constexpr int LENGTH = 8;
    uint4 words;
    __device__ __forceinline__ float get(int i) const { return to_float(bf16{half_word(words, i)}); }
};

// The word of a pack that begins with `w`, of which the first `count` weights are
// there and the others are zero.
__device__ __forceinline__ unsigned gather_word(const f32w *w, int count) {
    return count > 0 ? __float_as_uint(w[0].value) : 0;
}

template <typename W>
__device__ __forceinline__ unsigned gather_word(const W *w, int count) {
    unsigned low = count > 0 ? w[0].bits : 0, high = count > 1 ? w[1].bits : 0;
    return low | high << 16;
}

// A pack of the first `count` weights, read one by one.
template <typename W>
__device__ __forceinline__ Pack<W> gather_pack(const W *w, int count) {
    constexpr int STEP = Pack<W>::LENGTH / 4;
    uint4 words = make_uint4(0, 0, 0, 0);
    // Each of the four words moves one place to the left: few instructions, for a
    // case that is rare.
#pragma unroll 1
    for (int i = 0; i < Pack<W>::LENGTH; i += STEP)
        words = make_uint4(words.y, words.z, words.w, gather_word(w + i, count - i));
    return {words};
}

template <typename W>
__device__ __forceinline__ Pack<W> load_pack(const W *w) {
    return {*reinterpret_cast<const uint4 *>(w)};
}

// x = high + low to 2^-23 of x, both as tf32. `high` is rounded, so `low` has 12
// bits, of which tf32 ignores one. A NaN is in `low`; an infinity becomes NaN.
__device__ __forceinline__ void split_tf32(float x, unsigned &high, unsigned &low) {
    high = (__float_as_uint(x) + 0x1000) & 0xffffe000;
    low = __float_as_uint(x - __uint_as_float(high));
}

// What becomes of a sum: bias of its channel, ReLU, and the gradient of a ReLU
// whose input or output `mask` is (null: none).
struct Epilogue {
    const float *bias, *mask;
    int relu;
    float slope;

    __device__ __forceinline__ float apply(float sum, int index, int channel) const {
        if (bias) sum += bias[channel];
        if (relu) sum = sum > 0 ? sum : slope * sum;
        if (mask) sum = mask[index] > 0 ? sum : slope * sum;
        return sum;
    }
};

// Where sums go: with the epilogue to y, or as they are to one of the parts
// that product_finish adds.
struct Result {
    Epilogue epilogue;
    float *y;
    bool whole;

    __device__ __forceinline__ Result(Epilogue epilogue, float *y, float *partials, int splits, int split, int len)
        : epilogue(epilogue), y(splits == 1 ? y : partials + size_t(split) * len), whole(splits == 1) {}

    __device__ __forceinline__ void put(float sum, int index, int channel) const {
        y[index] = whole ? epilogue.apply(sum, index, channel) : sum;
    }

    // Puts the first `count` of four neighbouring values; all of them at once
    // where the address allows it.
    __device__ __forceinline__ void put(float4 sums, int index, int channel, int count) const {
        if (count < 4 || reinterpret_cast<size_t>(y + index) % 16 != 0) {
            put(sums.x, index, channel);
            if (count > 1) put(sums.y, index + 1, channel + 1);
            if (count > 2) put(sums.z, index + 2, channel + 2);
            if (count > 3) put(sums.w, index + 3, channel + 3);
            return;
        }
        if (whole) {
            sums.x = epilogue.apply(sums.x, index, channel);
            sums.y = epilogue.apply(sums.y, index + 1, channel + 1);
            sums.z = epilogue.apply(sums.z, index + 2, channel + 2);
            sums.w = epilogue.apply(sums.w, index + 3, channel + 3);
        }
        *reinterpret_cast<float4 *>(y + index) = sums;
    }
};
