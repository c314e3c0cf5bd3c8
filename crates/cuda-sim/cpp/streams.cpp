// Streams, events, captures and graphs.
#include "driver.h"

#include <chrono>

using namespace cuda_sim;

namespace {

constexpr unsigned NON_BLOCKING = 1;   // CU_STREAM_NON_BLOCKING
constexpr unsigned DISABLE_TIMING = 2; // CU_EVENT_DISABLE_TIMING

double milliseconds() {
    auto since = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration<double, std::milli>(since).count();
}

// An event's last moment; null if it was never recorded.
Moment *moment_of(const Event &event) {
    if (event.moment != nullptr && event.moment->captured) throw Failure{CAPTURED_EVENT, "an event in a graph"};
    return event.moment.get();
}

} // namespace

CUDA_API cuStreamCreate(Stream **handle, unsigned flags) {
    return call([&] {
        Context &context = current();
        if (flags != NON_BLOCKING) throw Failure{NOT_SUPPORTED, "only non-blocking streams are simulated"};
        *handle = context.streams.add(std::make_shared<Stream>());
    });
}

CUDA_API cuStreamCreateWithPriority(Stream **handle, unsigned flags, int) { return cuStreamCreate(handle, flags); }

// What is left in the stream is done first.
CUDA_API cuStreamDestroy_v2(Stream *handle) {
    return call([&] {
        Context &context = current();
        run(context, context.streams.get(handle));
        context.streams.remove(handle);
    });
}

CUDA_API cuStreamSynchronize(Stream *handle) {
    return call([&] {
        Context &context = current();
        wait_for(context, context.stream(handle));
    });
}

CUDA_API cuStreamQuery(Stream *handle) {
    return call([&] {
        Context &context = current();
        Stream &stream = context.stream(handle);
        forbid_in_capture(stream);
        if (!stream.pending.empty()) throw Failure{NOT_READY, ""};
    });
}

CUDA_API cuStreamWaitEvent(Stream *handle, Event *event, unsigned) {
    return call([&] {
        Context &context = current();
        Stream &stream = context.stream(handle);
        std::shared_ptr<Moment> moment = context.events.get(event).moment;
        if (moment == nullptr || moment->stream == &stream) return;
        if (moment->captured) throw Failure{CAPTURE_UNSUPPORTED, "only one stream takes part in a capture here"};
        if (stream.capture != nullptr) {
            stream.capture->invalidated = true;
            throw Failure{CAPTURE_ISOLATION, "a capture that waits for work outside of it"};
        }
        enqueue(context, stream, [moment](Context &context) {
            if (!moment->reached) run(context, *moment->stream, moment.get());
        });
    });
}

CUDA_API cuLaunchHostFunc(Stream *handle, void (*function)(void *), void *data) {
    return call([&] {
        Context &context = current();
        enqueue(context, context.stream(handle), [=](Context &) { function(data); });
    });
}

CUDA_API cuEventCreate(Event **handle, unsigned flags) {
    return call([&] {
        *handle = current().events.add(std::make_shared<Event>(Event{(flags & DISABLE_TIMING) == 0, nullptr}));
    });
}

CUDA_API cuEventDestroy_v2(Event *handle) {
    return call([&] { current().events.remove(handle); });
}

CUDA_API cuEventRecord(Event *handle, Stream *stream_handle) {
    return call([&] {
        Context &context = current();
        Event &event = context.events.get(handle);
        Stream &stream = context.stream(stream_handle);
        auto moment = std::make_shared<Moment>();
        moment->stream = &stream;
        moment->captured = stream.capture != nullptr;
        event.moment = moment;
        if (moment->captured) return;
        enqueue(context, stream, [moment](Context &) {
            moment->reached = true;
            moment->milliseconds = milliseconds();
        });
    });
}

CUDA_API cuEventQuery(Event *handle) {
    return call([&] {
        const Moment *moment = moment_of(current().events.get(handle));
        if (moment != nullptr && !moment->reached) throw Failure{NOT_READY, ""};
    });
}

CUDA_API cuEventSynchronize(Event *handle) {
    return call([&] {
        Context &context = current();
        const Moment *moment = moment_of(context.events.get(handle));
        if (moment != nullptr && !moment->reached) wait_for(context, *moment->stream, moment);
    });
}

CUDA_API cuEventElapsedTime(float *elapsed, Event *start, Event *end) {
    return call([&] {
        Context &context = current();
        const Event &first = context.events.get(start), &last = context.events.get(end);
        const Moment *from = moment_of(first), *to = moment_of(last);
        if (from == nullptr || to == nullptr || !first.has_time || !last.has_time) {
            throw Failure{INVALID_HANDLE, "the time of an event that was not recorded or has none"};
        }
        if (!from->reached || !to->reached) throw Failure{NOT_READY, ""};
        *elapsed = static_cast<float>(to->milliseconds - from->milliseconds);
    });
}

CUDA_API cuEventElapsedTime_v2(float *elapsed, Event *start, Event *end) {
    return cuEventElapsedTime(elapsed, start, end);
}

CUDA_API cuStreamBeginCapture_v2(Stream *handle, int mode) {
    return call([&] {
        Context &context = current();
        Stream &stream = context.stream(handle);
        if (handle == nullptr || stream.capture != nullptr) {
            throw Failure{CAPTURE_UNSUPPORTED, "a capture of the null stream, or of one that captures"};
        }
        stream.capture = std::make_unique<Capture>();
        stream.capture->mode = static_cast<CaptureMode>(mode);
        stream.capture->thread = std::this_thread::get_id();
    });
}

CUDA_API cuStreamIsCapturing(Stream *handle, int *status) {
    return call([&] {
        const Stream &stream = current().stream(handle);
        *status = stream.capture == nullptr ? 0 : stream.capture->invalidated ? 2 : 1;
    });
}

CUDA_API cuStreamEndCapture(Stream *handle, Graph **graph) {
    return call([&] {
        Context &context = current();
        Stream &stream = context.stream(handle);
        *graph = nullptr;
        if (stream.capture == nullptr) throw Failure{CAPTURE_UNMATCHED, "the end of no capture"};
        if (stream.capture->mode != RELAXED && stream.capture->thread != std::this_thread::get_id()) {
            throw Failure{CAPTURE_WRONG_THREAD, "the end of another thread's capture"};
        }
        std::unique_ptr<Capture> capture = std::move(stream.capture);
        if (capture->invalidated) throw Failure{CAPTURE_INVALIDATED, "the capture has failed before"};
        *graph = context.graphs.add(std::make_shared<Graph>(std::move(capture->graph)));
    });
}

CUDA_API cuGraphInstantiateWithFlags(const Graph **executable, Graph *graph, unsigned long long) {
    return call([&] {
        Context &context = current();
        *executable = context.executables.add(std::make_shared<const Graph>(context.graphs.get(graph)));
    });
}

CUDA_API cuGraphDestroy(Graph *graph) {
    return call([&] { current().graphs.remove(graph); });
}

CUDA_API cuGraphExecDestroy(const Graph *executable) {
    return call([&] { current().executables.remove(executable); });
}

CUDA_API cuGraphUpload(const Graph *executable, Stream *handle) {
    return call([&] {
        Context &context = current();
        context.executables.get(executable);
        context.stream(handle);
    });
}

CUDA_API cuGraphLaunch(const Graph *executable, Stream *handle) {
    return call([&] {
        Context &context = current();
        const Graph &graph = context.executables.get(executable);
        Stream &stream = context.stream(handle);
        forbid_in_capture(stream);
        counts().graph_launches++;
        for (const Node &node : graph.nodes) {
            if (node.is_kernel && next_launch(context) == Fate::DROPPED) continue;
            enqueue(context, stream, node.work);
        }
    });
}
