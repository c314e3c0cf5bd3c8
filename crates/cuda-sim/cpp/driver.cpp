// The state of the driver: calls, contexts, streams' work.
#include "driver.h"

#include <cstdlib>
#include <new>

namespace cuda_sim {

std::mutex &lock() {
    static std::mutex lock;
    return lock;
}

Result failed() {
    try {
        throw;
    } catch (const Failure &failure) {
        if (!failure.reason.empty()) report(failure.reason);
        return failure.code;
    } catch (const std::bad_alloc &) {
        return OUT_OF_MEMORY;
    }
}

Context *&bound() {
    thread_local Context *context = nullptr;
    return context;
}

Context &current() {
    Context *context = bound();
    if (context == nullptr || context->retained == 0) throw Failure{INVALID_CONTEXT, "no context"};
    if (context->lost != SUCCESS) throw Failure{context->lost, ""};
    return *context;
}

Blocks &pinned() {
    static Blocks blocks;
    return blocks;
}

bool Blocks::holds(std::uint64_t address, std::size_t size) const {
    auto after = sizes_.upper_bound(address);
    if (after == sizes_.begin()) return false;
    auto [start, length] = *--after;
    return address - start <= length && size <= length - (address - start);
}

std::size_t Blocks::remove(std::uint64_t address) {
    auto found = sizes_.find(address);
    if (found == sizes_.end()) throw Failure{INVALID_VALUE, "free of an address that was not allocated"};
    std::size_t size = found->second;
    sizes_.erase(found);
    return size;
}

void Blocks::release() {
    for (auto [address, size] : sizes_) std::free(reinterpret_cast<void *>(address));
    sizes_.clear();
}

Stream &Context::stream(Stream *handle) { return handle == nullptr ? legacy : streams.get(handle); }

void enqueue(Context &context, Stream &stream, Work work, bool is_kernel) {
    if (stream.capture != nullptr) {
        if (stream.capture->invalidated) throw Failure{CAPTURE_INVALIDATED, ""};
        stream.capture->graph.nodes.push_back({std::move(work), is_kernel});
        return;
    }
    stream.pending.push_back(std::move(work));
    if (knobs().eager != 0) run(context, stream);
}

void run(Context &context, Stream &stream, const Moment *until) {
    try {
        while (!stream.pending.empty() && (until == nullptr || !until->reached)) {
            Work work = std::move(stream.pending.front());
            stream.pending.pop_front();
            work(context);
        }
    } catch (const Failure &failure) {
        context.lost = failure.code;
        throw;
    }
}

void wait_for(Context &context, Stream &stream, const Moment *until) {
    forbid_in_capture(stream);
    if (!stream.pending.empty()) counts().waits++;
    run(context, stream, until);
}

void wait_for_all(Context &context) {
    wait_for(context, context.legacy);
    for (const auto &[handle, stream] : context.streams) wait_for(context, *stream);
}

void forbid_in_capture(Stream &stream) {
    if (stream.capture == nullptr) return;
    stream.capture->invalidated = true;
    throw Failure{CAPTURE_UNSUPPORTED, "a call that a capture cannot hold"};
}

void forbid_during_capture(Context &context) {
    for (const auto &[handle, stream] : context.streams) {
        const Capture *capture = stream->capture.get();
        if (capture == nullptr || capture->mode == RELAXED) continue;
        if (capture->mode == GLOBAL || capture->thread == std::this_thread::get_id()) forbid_in_capture(*stream);
    }
}

Fate next_launch(Context &context) {
    long number = static_cast<long>(++launch_number());
    if (number == knobs().lose) {
        context.lost = ILLEGAL_ADDRESS;
        throw Failure{ILLEGAL_ADDRESS, "the device is lost at launch " + std::to_string(number) + ", as asked for"};
    }
    return number == knobs().drop ? Fate::DROPPED : Fate::RUNS;
}

void reset(Context &context) {
    context.memory.release();
    context.used = 0;
    context.lost = SUCCESS;
    context.legacy = Stream();
    context.streams.clear();
    context.events.clear();
    context.modules.clear();
    context.graphs.clear();
    context.executables.clear();
}

} // namespace cuda_sim
