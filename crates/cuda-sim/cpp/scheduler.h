// Runs the threads of a grid on one thread of the CPU: blocks one after the
// other, the threads of a block as fibers that hand over to each other at
// barriers and warp collectives.
//
// A thread runs until it waits or ends; the next thread that can run follows it
// in the chosen order. So a kernel without barriers costs a function call per
// thread. One grid runs at a time: the caller sees to that.
#pragma once

#include <string>

namespace cuda_on_cpu {

struct Dim3 {
    unsigned x = 1, y = 1, z = 1;
};

// Of the thread that runs.
extern Dim3 thread_idx, block_idx, block_dim, grid_dim;

// In which order threads and blocks run.
enum Order { ASCENDING = 0, DESCENDING = 1, SHUFFLED = 2 };

// A kernel with its signature hidden: arguments[i] points at the bytes of
// argument i.
using Body = void (*)(void *const *arguments);

// Runs a grid of one-dimensional blocks. Returns an empty string, or what went
// wrong.
std::string run_grid(Body body, void *const *arguments, Dim3 grid, unsigned threads, int order);

// Waits for all threads of the block.
void barrier();

// What a lane brings to a warp collective.
struct alignas(32) Lane {
    unsigned char bytes[32];
};

// Waits for the lanes of `mask` and gives what each of them brought; lanes
// outside the mask hold anything. The values stay valid until the lane's next
// collective. The last lane to come calls `combine`, if there is one, on them.
const Lane *exchange(unsigned mask, const void *value, unsigned size, void (*combine)(Lane *) = nullptr);

// Memory of the running block for the declaration that owns the handle, filled
// with 0xFF bytes when the block first comes to it.
struct SharedMemory {
    void *bytes = nullptr;
    unsigned long long block = 0;
    void *of_block(unsigned long size);
};

} // namespace cuda_on_cpu
