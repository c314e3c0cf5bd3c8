// The nearest point of an interval.
#pragma once

#include "common.cuh"

// x, or the end of [lower, upper] that it lies beyond; the lower end for NaN. A
// zero keeps its sign, which fminf and fmaxf leave to the device.
template <typename T>
__device__ __forceinline__ T clip(T x, T lower, T upper) {
    x = x >= lower ? x : lower;
    return x <= upper ? x : upper;
}
