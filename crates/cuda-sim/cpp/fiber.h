// A fiber: a stack of its own and the place where it was left.
//
// AddressSanitizer and ThreadSanitizer are told of every switch; see
// https://github.com/google/sanitizers for their fiber interfaces.
#pragma once

#include <cstddef>

#ifdef CUDA_SIM_TSAN
extern "C" {
void __tsan_acquire(void *object);
void __tsan_release(void *object);
}
#endif

namespace cuda_on_cpu {

struct Fiber {
    void *stack_pointer = nullptr;
    char *stack = nullptr;
    std::size_t stack_size = 0;
    void *fake_stack = nullptr; // AddressSanitizer's
    void *tsan = nullptr;       // ThreadSanitizer's
};

// Gives a fiber its stack, above a page that faults.
void create(Fiber &fiber);

// Makes the fiber begin with `entry` when it is next switched to; what it was
// doing is forgotten. `entry` must not return. `number` shifts the start of the
// stack, or all of them would meet in the same few lines of the cache.
void rewind(Fiber &fiber, unsigned number, void (*entry)());

// Describes the caller's own stack.
void adopt(Fiber &fiber);

// Leaves `from` and goes on with `to`; returns when somebody switches back.
void switch_fiber(Fiber &from, Fiber &to);

// Must be called first by a fiber's entry.
void entered();

// For ThreadSanitizer: what happened before a release on an object happened
// before what follows an acquire on it. Nothing in other builds.
inline void release([[maybe_unused]] void *object) {
#ifdef CUDA_SIM_TSAN
    __tsan_release(object);
#endif
}
inline void acquire([[maybe_unused]] void *object) {
#ifdef CUDA_SIM_TSAN
    __tsan_acquire(object);
#endif
}

} // namespace cuda_on_cpu
