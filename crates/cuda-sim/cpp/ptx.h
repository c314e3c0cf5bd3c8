// The PTX interpreter: reads the PTX text that NVRTC wrote and runs its kernels
// on the CPU, thread by thread.
//
// Every access to global memory is asked of the caller's Memory, every access
// to shared, local and parameter memory is checked against its size, and every
// access must be aligned as a GPU demands.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace ptx {

struct Dim3 {
    unsigned x, y, z;
};

// What a live allocation is asked: may [address, address + size) be accessed?
struct Memory {
    virtual ~Memory() = default;
    virtual bool holds(std::uint64_t address, std::size_t size) const = 0;
};

// A kernel of a module, as its text declares it.
struct Entry {
    std::string name;
    std::vector<std::size_t> parameters; // bytes of each
    unsigned max_threads;                // .maxntid, the product of its sizes; 0 if absent
    std::size_t shared_bytes;            // static shared memory
};

struct Program;

class Module {
  public:
    // Parses PTX text; throws std::runtime_error naming the line that it does
    // not understand.
    explicit Module(const std::string &text);

    // 84 for `.version 8.4`.
    int version() const;
    // 75 for `.target sm_75`.
    int target() const;
    const std::vector<Entry> &entries() const;

    // Runs a grid: `arguments[i]` points at the bytes of argument i. Order 0:
    // threads and blocks ascending, 1: descending, 2: a fixed shuffle. Returns
    // an empty string, or what went wrong:
    // "illegal address 0x..: block (0,1,0) thread 144: ld.global.f32 ...",
    // "misaligned address ...", "deadlock ...", "divergent barrier ...". What is
    // allocated must stay so meanwhile. A kernel that never ends never returns.
    std::string run(const std::string &entry, Dim3 grid, Dim3 block, void *const *arguments, const Memory &memory,
                    int order) const;

  private:
    std::shared_ptr<const Program> program_;
};

} // namespace ptx
