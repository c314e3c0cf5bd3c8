// Runs a grid, block after block and in a block thread after thread.
//
// A thread runs until it leaves or waits: at a barrier for its block, at a
// collective for the lanes of its warp that it names. When every thread has
// stopped, complete groups go on; if there are none, the block is stuck.
#include "ptx_program.h"

#include <algorithm>
#include <numeric>

namespace ptx {
namespace {

// 0..count-1 in an order: 0 ascending, 1 descending, otherwise shuffled, alike
// in every run.
std::vector<std::uint32_t> ordered(std::size_t count, int order) {
    std::vector<std::uint32_t> indices(count);
    std::iota(indices.begin(), indices.end(), 0u);
    if (order == 1) {
        for (std::size_t i = 0; i < count; ++i)
            indices[i] = static_cast<std::uint32_t>(count - 1 - i);
    } else if (order != 0) {
        std::uint64_t state = 0x9e3779b97f4a7c15;
        for (std::size_t i = count; i > 1; --i) {
            state = state * 6364136223846793005 + 1442695040888963407;
            std::swap(indices[i - 1], indices[(state >> 33) % i]);
        }
    }
    return indices;
}

std::string text_of(Dim3 index) {
    return "(" + std::to_string(index.x) + "," + std::to_string(index.y) + "," + std::to_string(index.z) + ")";
}

Dim3 index_in(Dim3 size, std::uint32_t index) {
    return {index % size.x, index / size.x % size.y, index / size.x / size.y};
}

class Grid {
  public:
    Grid(const Program &program, const Kernel &kernel, Dim3 grid, Dim3 block, void *const *arguments,
         const Memory &memory, int order)
        : program_(program), kernel_(kernel), grid_(grid), block_(block), order_(order),
          thread_order_(ordered(std::size_t(block.x) * block.y * block.z, order)), threads_(thread_order_.size()),
          frame_(kernel.frame), shared_(kernel.entry.shared_bytes / sizeof(Slot) + 1) {
        machine_.kernel = &kernel;
        machine_.operands = kernel.operands.data();
        machine_.shared = reinterpret_cast<std::uint8_t *>(shared_.data());
        machine_.shared_bytes = kernel.entry.shared_bytes;
        machine_.sites.resize(kernel.sites, {0, 0});
        machine_.memory = &memory;
        for (const auto &variable : program.memory) {
            const std::uint64_t first = reinterpret_cast<std::uint64_t>(variable.second.data());
            machine_.ranges.push_back({first, variable.second.size()});
        }
        for (std::size_t i = 0; i < kernel.parameters.size(); ++i)
            std::memcpy(&frame_[kernel.parameters[i]], arguments[i], kernel.entry.parameters[i]);
        set(NTID, block);
        set(NCTAID, grid);
        frame_.resize(frame_.size() + kernel.local_bytes / sizeof(Slot), ~Slot(0)); // local memory: NaN
    }

    std::string run() {
        const std::size_t blocks = std::size_t(grid_.x) * grid_.y * grid_.z;
        for (const std::uint32_t block : ordered(blocks, order_)) {
            block_index_ = index_in(grid_, block);
            const std::string fault = run_block();
            if (!fault.empty())
                return fault;
        }
        return "";
    }

  private:
    struct Thread {
        Slot *frame; // nullptr before the start and after the end
        const Instruction *at;
        State state;
    };

    void set(std::size_t special, Dim3 value) {
        frame_[special] = value.x;
        frame_[special + 1] = value.y;
        frame_[special + 2] = value.z;
    }

    // "block (0,1,0) thread 144: ld.global.f32 %f1, [%rd8] (line 33)"
    std::string where(std::size_t index) const {
        const Thread &thread = threads_[index];
        std::string text = "block " + text_of(block_index_) + " thread " + std::to_string(index) + ": ";
        if (thread.state == State::EXITED)
            return text + "has ended";
        return text + program_.texts[kernel_.statements[thread.at - kernel_.code.data()]];
    }

    void start(std::uint32_t index) {
        if (free_.empty()) {
            store_.emplace_back(frame_.size());
            free_.push_back(store_.back().data());
        }
        Slot *frame = free_.back();
        free_.pop_back();
        const Dim3 tid = index_in(block_, index);
        set(TID, tid);
        frame_[LANEID] = index % 32;
        frame_[WARPID] = index / 32;
        std::memcpy(frame, frame_.data(), frame_.size() * sizeof(Slot));
        threads_[index] = {frame, kernel_.code.data(), State::READY};
    }

    // Runs a thread until it stops.
    void advance(Thread &thread) {
        const Instruction *instruction = thread.at;
        Slot *const frame = thread.frame;
        while (instruction != nullptr)
            instruction = instruction->run(instruction, frame, machine_);
        thread.at = machine_.at;
        thread.state = machine_.state;
        if (thread.state == State::EXITED)
            release_frame(thread);
    }

    void release_frame(Thread &thread) {
        free_.push_back(thread.frame);
        thread.frame = nullptr;
    }

    std::string run_block() {
        std::fill(shared_.begin(), shared_.end(), ~Slot(0));
        set(CTAID, block_index_);
        for (Thread &thread : threads_)
            thread = {nullptr, nullptr, State::READY};
        std::size_t waiting = 0;
        do {
            for (const std::uint32_t index : thread_order_) {
                Thread &thread = threads_[index];
                if (thread.state != State::READY)
                    continue;
                if (thread.frame == nullptr)
                    start(index);
                advance(thread);
                if (thread.state == State::FAULTY)
                    return machine_.fault + ": " + where(index);
            }
            waiting = 0;
            for (const Thread &thread : threads_)
                waiting += thread.state != State::EXITED;
            if (waiting > 0 && !release_warps()) {
                const std::string fault = release_block();
                if (!fault.empty())
                    return fault;
            }
        } while (waiting > 0);
        return "";
    }

    // Lets the lanes go on whose collectives are complete: all that one of them
    // names wait at the same instruction and name the same lanes.
    bool release_warps() {
        bool is_any = false;
        for (std::size_t first = 0; first < threads_.size(); first += 32) {
            const std::size_t lanes = std::min<std::size_t>(32, threads_.size() - first);
            for (std::size_t lane = 0; lane < lanes; ++lane)
                if (threads_[first + lane].state == State::AT_COLLECTIVE)
                    is_any |= release_group(first, lanes, lane);
        }
        return is_any;
    }

    bool release_group(std::size_t first, std::size_t lanes, std::size_t lane) {
        const Instruction *const at = threads_[first + lane].at;
        const std::uint32_t members = members_of(*at, threads_[first + lane].frame, machine_.operands);
        Slot *frames[32] = {};
        if ((members >> lane & 1) == 0)
            return false;
        for (std::size_t other = 0; other < 32; ++other) {
            if ((members >> other & 1) == 0)
                continue;
            if (other >= lanes)
                return false;
            const Thread &thread = threads_[first + other];
            if (thread.state != State::AT_COLLECTIVE || thread.at != at ||
                members_of(*at, thread.frame, machine_.operands) != members)
                return false;
            frames[other] = thread.frame;
        }
        run_collective(*at, frames, machine_.operands);
        for (std::size_t other = 0; other < lanes; ++other)
            if (frames[other] != nullptr)
                threads_[first + other] = {frames[other], at + 1, State::READY};
        return true;
    }

    // Lets all threads go on if they all wait at one barrier; else says why
    // nobody ever will.
    std::string release_block() {
        std::size_t at_barrier = 0, exited = 0, first = 0;
        for (std::size_t i = threads_.size(); i-- > 0;) {
            exited += threads_[i].state == State::EXITED;
            at_barrier += threads_[i].state == State::AT_BARRIER;
            if (threads_[i].state == State::AT_BARRIER)
                first = i;
        }
        if (at_barrier + exited < threads_.size()) {
            std::size_t stuck = 0;
            while (threads_[stuck].state != State::AT_COLLECTIVE)
                ++stuck;
            return "deadlock: threads wait for lanes of their warp that will not come: " + where(stuck);
        }
        for (std::size_t i = 0; i < threads_.size(); ++i)
            if (threads_[i].state != State::AT_BARRIER || threads_[i].at != threads_[first].at)
                return "divergent barrier: " + where(first) + ", but " + where(i);
        for (Thread &thread : threads_)
            thread = {thread.frame, thread.at + 1, State::READY};
        return "";
    }

    const Program &program_;
    const Kernel &kernel_;
    const Dim3 grid_, block_;
    const int order_;
    const std::vector<std::uint32_t> thread_order_;
    std::vector<Thread> threads_;
    std::vector<Slot> frame_;  // what a thread of this block starts with
    std::vector<Slot> shared_; // of this block
    std::vector<std::vector<Slot>> store_;
    std::vector<Slot *> free_; // frames that no thread uses
    Dim3 block_index_{};
    Machine machine_{};
};

} // namespace

bool Machine::finds(std::uint16_t site, std::uint64_t address, std::size_t bytes) {
    for (const Range &range : ranges) {
        if (range.holds(address, bytes)) {
            sites[site] = range;
            return true;
        }
    }
    if (address == 0 || !memory->holds(address, bytes))
        return false;
    // Grows the range both ways to all that is allocated around it, by steps
    // that double while they fit and then halve.
    Range range{address, bytes};
    for (const bool is_down : {false, true}) {
        const auto grow = [&](std::uint64_t step) {
            const Range more{range.first - (is_down ? step : 0), range.size + step};
            const bool is_held = (!is_down || step < range.first) && memory->holds(more.first, more.size);
            if (is_held)
                range = more;
            return is_held;
        };
        std::uint64_t step = 1;
        while (step < std::uint64_t(1) << 46 && grow(step))
            step *= 2;
        for (; step > 0; step /= 2)
            grow(step);
    }
    ranges.push_back(range);
    sites[site] = range;
    return true;
}

const Instruction *Machine::fail(const Instruction *instruction, const char *what, std::uint64_t address) {
    char text[80];
    std::snprintf(text, sizeof text, "%s 0x%llx", what, static_cast<unsigned long long>(address));
    fault = text;
    return halt(instruction, State::FAULTY);
}

std::string run_grid(const Program &program, const Kernel &kernel, Dim3 grid, Dim3 block, void *const *arguments,
                     const Memory &memory, int order) {
    return Grid(program, kernel, grid, block, arguments, memory, order).run();
}

} // namespace ptx
