// Decoded kernels and what runs them.
//
// A kernel with the functions that it calls is one array of instructions and
// one frame of slots per thread. A frame holds, in this order: the special
// registers, the kernel's parameters, then registers, constants and parameters
// of calls as the text names them, and behind the last slot the bytes of local
// memory. So every operand is a slot, and the functions of a kernel need no
// stack (recursion is refused).
#pragma once

#include "ptx.h"
#include "ptx_text.h"

#include <cstring>
#include <map>
#include <unordered_map>

namespace ptx {

// 64 bits: a register or constant of any type in its low bytes.
using Slot = std::uint64_t;

struct Instruction;
struct Machine;

// Runs one instruction on a thread's frame and returns the next one, or nullptr
// where the thread stops (see Machine::state).
using Handler = const Instruction *(*)(const Instruction *, Slot *, Machine &);

struct Instruction {
    Handler run;
    std::uint16_t d, a, b, c; // slots: destination and sources
    std::int32_t imm;         // offset of an address, distance of a branch, or a literal
    std::int32_t list;        // where further operands start in Kernel::operands
};

// An opcode with all its modifiers. `operands` tells the linker where each
// operand goes, one letter for each:
//   d a b c  a slot into the field of that name
//   m        an address: its register into a, its offset into imm
//   i        a literal into imm
//   z        a literal that must be 0
//   l        the slot into the list
//   2 4      the slots of a vector of so many into the list
//   p        `d|p`, both slots into the list, -1 for a missing p
struct Opcode {
    Handler run = nullptr;
    const char *operands = "";
    bool is_access = false; // to memory that may be global: field c numbers it
    std::int32_t imm = 0;   // unless an operand gives it
};

using Opcodes = std::unordered_map<std::string, Opcode>;

// All opcodes that the interpreter knows, by their text.
const Opcodes &opcodes();
void add_integer(Opcodes &);
void add_float(Opcodes &);
void add_convert(Opcodes &);
void add_memory(Opcodes &);
void add_control(Opcodes &);

// The first slots of a frame: tid.x, tid.y, tid.z, ntid..., ctaid..., nctaid..., laneid, warpid.
enum Special { TID = 0, NTID = 3, CTAID = 6, NCTAID = 9, LANEID = 12, WARPID = 13, SPECIALS = 14 };

struct Kernel {
    Entry entry;
    std::vector<Instruction> code;
    std::vector<int> statements;         // of each instruction: its index in Program::texts
    std::vector<std::int32_t> operands;  // the lists
    std::vector<Slot> frame;             // as a thread starts; local memory is behind it
    std::vector<std::size_t> parameters; // the first slot of each
    std::size_t parameters_end = SPECIALS;
    std::size_t local_bytes = 0;
    std::uint16_t sites = 0;
};

struct Program {
    int version = 0;
    int target = 0;
    std::vector<Entry> entries;
    std::map<std::string, Kernel> kernels;
    std::vector<std::string> texts;                          // of statements, with their lines
    std::map<std::string, std::vector<std::uint8_t>> memory; // .global and .const variables
};

Kernel link(const Text &text, const Function &entry, Program &program);

std::string run_grid(const Program &program, const Kernel &kernel, Dim3 grid, Dim3 block, void *const *arguments,
                     const Memory &memory, int order);

// Generic addresses of shared and local memory lie where no host pointer does.
constexpr std::uint64_t SHARED_WINDOW = std::uint64_t(1) << 62;
constexpr std::uint64_t LOCAL_WINDOW = std::uint64_t(1) << 63;

// Of a thread: it can run, or why it has stopped.
enum class State { READY, EXITED, AT_BARRIER, AT_COLLECTIVE, FAULTY };

inline bool is_inside(std::uint64_t offset, std::size_t bytes, std::uint64_t size) {
    return offset <= size && bytes <= size - offset;
}

// What the instructions of a running block see besides their frame.
struct Machine {
    const Kernel *kernel;
    const std::int32_t *operands;
    std::uint8_t *shared;
    std::uint64_t shared_bytes;
    State state;           // why the running thread stopped
    const Instruction *at; // where
    std::string fault;     // what went wrong there
    bool carry;            // of the last sum that left one; no thread stops between two such

    struct Range {
        std::uint64_t first, size;
        bool holds(std::uint64_t address, std::size_t bytes) const { return is_inside(address - first, bytes, size); }
    };
    std::vector<Range> sites;  // the range that each access to global memory used last
    std::vector<Range> ranges; // all ranges known to be allocated
    const Memory *memory;

    // May [address, address + bytes) of global memory be accessed? Then the site
    // keeps the range around it.
    bool finds(std::uint16_t site, std::uint64_t address, std::size_t bytes);

    const Instruction *halt(const Instruction *instruction, State why) {
        at = instruction;
        state = why;
        return nullptr;
    }
    const Instruction *fail(const Instruction *instruction, const char *what, std::uint64_t address);
};

// What the lanes of a warp do together; the field imm of the instruction.
enum class Collective : std::int32_t { SYNC, SHUFFLE_DOWN, SHUFFLE_UP, SHUFFLE_XOR, SHUFFLE_INDEX, MULTIPLY };

// Does it: `frames` holds the lanes' frames, nullptr for a lane that takes no part.
void run_collective(const Instruction &instruction, Slot *const (&frames)[32], const std::int32_t *operands);

// The lanes that a waiting thread names.
std::uint32_t members_of(const Instruction &instruction, const Slot *frame, const std::int32_t *operands);

template <class T> T get(const Slot &slot) {
    T value;
    std::memcpy(&value, &slot, sizeof value);
    return value;
}

template <class T> void put(Slot &slot, T value) { std::memcpy(&slot, &value, sizeof value); }

// Integers narrower than a register are extended to the whole slot.
template <class T> void put_extended(Slot &slot, T value) {
    if constexpr (std::is_integral_v<T>)
        slot = static_cast<Slot>(static_cast<std::int64_t>(value));
    else
        put(slot, value);
}

} // namespace ptx
