// The scheduler: which thread of a block runs next, barriers, warp collectives,
// shared memory, and deadlocks.
//
// Threads are counted by their place in the chosen order. A bit per place says
// whether the thread there can run: it has not begun, or what it waited for has
// happened.
#include "scheduler.h"

#include "fiber.h"

#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <numeric>
#include <vector>

namespace cuda_on_cpu {

Dim3 thread_idx, block_idx, block_dim, grid_dim;

namespace {

constexpr unsigned MOST_THREADS = 1024;
constexpr unsigned WARP = 32;
constexpr unsigned NONE = ~0u;

// The lanes that meet in a collective with one mask. Values have two sides:
// lanes may bring the next ones while others still read the last.
struct Meeting {
    unsigned mask = 0; // of a partial one
    unsigned arrived = 0;
    unsigned side = 0;
    Lane lanes[2][WARP];
    unsigned long long order[2]; // what ThreadSanitizer orders by, a side each
};

struct Warp {
    Meeting whole; // of all lanes
    std::vector<std::unique_ptr<Meeting>> partial;
};

// The numbers 0 to count - 1 in the chosen order.
class Sequence {
  public:
    Sequence(unsigned long long count, int order) : count_(count), order_(order) {
        constexpr unsigned long long STEP = 1'000'003;
        step_ = STEP % count;
        while (std::gcd(step_, count) != 1) step_++;
    }
    unsigned long long operator[](unsigned long long place) const {
        switch (order_) {
        case ASCENDING: return place;
        case DESCENDING: return count_ - 1 - place;
        default: return (place % count_ * step_ + count_ / 3) % count_;
        }
    }

  private:
    unsigned long long count_, step_;
    int order_;
};

struct Block {
    Body body = nullptr;
    void *const *arguments = nullptr;
    unsigned threads = 0;
    unsigned finished = 0;
    unsigned at_barrier = 0;
    unsigned generation = 0; // of the barrier
    unsigned place = 0;      // of the thread that runs
    unsigned fibers_used = 0;
    Fiber *running = nullptr;
    unsigned long long ready[MOST_THREADS / 64];
    Fiber *fibers[MOST_THREADS]; // of the threads that have begun
    unsigned thread_of[MOST_THREADS];
    unsigned place_of[MOST_THREADS];
    Warp warps[MOST_THREADS / WARP];
    // What ThreadSanitizer orders by: start, end, and the two parities of the
    // barrier's generation, for one object would hide a missing barrier.
    unsigned long long start, end, passed[2];
};

Block block;
Fiber main_fiber;
std::vector<std::unique_ptr<Fiber>> fibers;
unsigned long long block_number = 0;

void set_ready(unsigned place) { block.ready[place / 64] |= 1ull << place % 64; }

void set_all_ready() {
    for (unsigned first = 0; first < block.threads; first += 64) {
        unsigned count = block.threads - first;
        block.ready[first / 64] = count >= 64 ? ~0ull : (1ull << count) - 1;
    }
}

// The first place after `place`, and round, whose thread can run.
unsigned next_ready(unsigned place) {
    unsigned words = (block.threads + 63) / 64;
    unsigned first = place + 1 < block.threads ? place + 1 : 0;
    unsigned long long bits = block.ready[first / 64] & (~0ull << first % 64);
    for (unsigned step = 0, word = first / 64; step <= words; step++) {
        if (bits != 0) return word * 64 + static_cast<unsigned>(__builtin_ctzll(bits));
        word = word + 1 == words ? 0 : word + 1;
        bits = block.ready[word];
    }
    return NONE;
}

void take_place(unsigned place) {
    block.ready[place / 64] &= ~(1ull << place % 64);
    block.place = place;
    thread_idx.x = block.thread_of[place];
}

void fiber_main();

Fiber *next_fiber() {
    if (block.fibers_used == fibers.size()) {
        fibers.push_back(std::make_unique<Fiber>());
        create(*fibers.back());
        rewind(*fibers.back(), block.fibers_used, fiber_main);
    }
    return fibers[block.fibers_used++].get();
}

// Goes on with another thread that can run, or with the caller of the block if
// there is none.
void leave() {
    Fiber *from = block.running;
    Fiber *to = &main_fiber;
    unsigned place = next_ready(block.place);
    if (place != NONE) {
        take_place(place);
        to = block.fibers[place];
        if (to == nullptr) to = block.fibers[place] = next_fiber();
    }
    if (to == from) return;
    block.running = to;
    switch_fiber(*from, *to);
}

// Whether the thread that now has the place may run on the fiber of the last.
// For ThreadSanitizer a fiber is a thread, so no two may share one.
bool begins_here() {
#ifdef CUDA_SIM_TSAN
    return false;
#else
    unsigned place = next_ready(block.place);
    if (place == NONE || block.fibers[place] != nullptr) return false;
    take_place(place);
    block.fibers[place] = block.running;
    return true;
#endif
}

// A fiber runs one thread after the other, and rests until another block needs
// it when those that are left have begun elsewhere.
void fiber_main() {
    entered();
    for (;;) {
        do {
            acquire(&block.start);
            block.body(block.arguments);
            release(&block.end);
            block.finished++;
        } while (begins_here());
        leave();
    }
}

std::string deadlock() {
    auto number = [](unsigned value) { return std::to_string(value); };
    std::string text = "deadlock: block (" + number(block_idx.x) + "," + number(block_idx.y) + "," +
                       number(block_idx.z) + "): ";
    unsigned waiting = block.threads - block.finished;
    text += number(block.at_barrier) + " threads wait at a barrier and " + number(waiting - block.at_barrier) +
            " at a warp collective that others do not reach; " + number(block.finished) + " have ended";
    return text;
}

// Takes the fibers back from threads that will never go on.
void forget_threads() {
    for (unsigned number = 0; number < fibers.size(); number++) rewind(*fibers[number], number, fiber_main);
    // What they did before they waited is over.
    for (auto &passed : block.passed) acquire(&passed);
    for (Warp &warp : block.warps) {
        for (auto &order : warp.whole.order) acquire(&order);
        warp.whole.arrived = 0;
        warp.partial.clear();
    }
}

bool run_block() {
    block.finished = 0;
    block.fibers_used = 0;
    block.at_barrier = 0;
    block_number++;
    set_all_ready();
    std::memset(block.fibers, 0, block.threads * sizeof block.fibers[0]);
    block.place = block.threads - 1;
    block.running = &main_fiber;
    release(&block.start);
    leave();
    acquire(&block.end);
    return block.finished == block.threads;
}

Meeting &meeting_of(Warp &warp, unsigned mask, unsigned all) {
    if (mask == all) return warp.whole;
    for (auto &meeting : warp.partial) {
        if (meeting->mask == mask) return *meeting;
    }
    warp.partial.push_back(std::make_unique<Meeting>());
    warp.partial.back()->mask = mask;
    return *warp.partial.back();
}

// memcpy, for the usual sizes without a call. A warp that only meets brings
// nothing, and no address.
void copy_small(void *to, const void *from, unsigned size) {
    switch (size) {
    case 0: break;
    case 4: std::memcpy(to, from, 4); break;
    case 8: std::memcpy(to, from, 8); break;
    case 24: std::memcpy(to, from, 24); break;
    default: std::memcpy(to, from, size);
    }
}

} // namespace

std::string run_grid(Body body, void *const *arguments, Dim3 grid, unsigned threads, int order) {
    if (threads == 0 || threads > MOST_THREADS) return "a block of " + std::to_string(threads) + " threads";
    adopt(main_fiber);
    block.body = body;
    block.arguments = arguments;
    block.threads = threads;
    grid_dim = grid;
    block_dim = {threads, 1, 1};
    thread_idx = {0, 0, 0};
    Sequence sequence(threads, order);
    for (unsigned place = 0; place < threads; place++) {
        unsigned thread = static_cast<unsigned>(sequence[place]);
        block.thread_of[place] = thread;
        block.place_of[thread] = place;
    }
    unsigned long long plane = static_cast<unsigned long long>(grid.x) * grid.y;
    unsigned long long blocks = plane * grid.z;
    Sequence block_sequence(blocks, order);
    for (unsigned long long i = 0; i < blocks; i++) {
        unsigned long long number = block_sequence[i];
        block_idx.x = static_cast<unsigned>(number % grid.x);
        block_idx.y = static_cast<unsigned>(number % plane / grid.x);
        block_idx.z = static_cast<unsigned>(number / plane);
        if (run_block()) continue;
        std::string text = deadlock();
        forget_threads();
        return text;
    }
    return {};
}

void barrier() {
    unsigned long long *passed = &block.passed[block.generation % 2];
    release(passed);
    if (++block.at_barrier == block.threads) {
        block.at_barrier = 0;
        block.generation++;
        set_all_ready();
    }
    leave();
    acquire(passed);
}

const Lane *exchange(unsigned mask, const void *value, unsigned size, void (*combine)(Lane *)) {
    unsigned thread = thread_idx.x;
    unsigned first = thread / WARP * WARP;
    unsigned lanes = block.threads - first;
    unsigned all = lanes < WARP ? (1u << lanes) - 1 : ~0u;
    mask &= all;
    Meeting &meeting = meeting_of(block.warps[thread / WARP], mask, all);
    unsigned side = meeting.side;
    copy_small(meeting.lanes[side][thread % WARP].bytes, value, size);
    release(&meeting.order[side]);
    meeting.arrived |= 1u << thread % WARP;
    if (meeting.arrived == mask) {
        meeting.arrived = 0;
        meeting.side = 1 - side;
        if (combine != nullptr) {
            acquire(&meeting.order[side]);
            combine(meeting.lanes[side]);
            release(&meeting.order[side]);
        }
        for (unsigned left = mask; left != 0; left &= left - 1) {
            set_ready(block.place_of[first + static_cast<unsigned>(__builtin_ctz(left))]);
        }
    }
    leave();
    acquire(&meeting.order[side]);
    return meeting.lanes[side];
}

void *SharedMemory::of_block(unsigned long size) {
    if (block == block_number) return bytes;
    block = block_number;
    // On the heap, exactly as large as declared, for AddressSanitizer.
    if (bytes == nullptr && posix_memalign(&bytes, 128, size) != 0) throw std::bad_alloc();
    // Not by memset, which ThreadSanitizer would take for a write of this thread.
    void *to = bytes;
    asm volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(0xFF) : "memory");
    return bytes;
}

} // namespace cuda_on_cpu
