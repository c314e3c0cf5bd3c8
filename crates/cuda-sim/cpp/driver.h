// The simulated driver: what its functions share.
//
// One lock guards everything, and a kernel runs while it is held. Streams are
// lazy: work waits in its stream until somebody waits for it, so that a program
// that forgets to wait reads what was there before.
#pragma once

#include "control.h"
#include "ptx.h"
#include "registry.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

// A function of the driver's interface.
#define CUDA_API extern "C" __attribute__((visibility("default"))) ::cuda_sim::Result

namespace cuda_sim {

// CUresult, as far as it is used.
enum Result : int {
    SUCCESS = 0,
    INVALID_VALUE = 1,
    OUT_OF_MEMORY = 2,
    NOT_INITIALIZED = 3,
    NO_DEVICE = 100,
    INVALID_DEVICE = 101,
    INVALID_CONTEXT = 201,
    NO_BINARY_FOR_GPU = 209,
    INVALID_PTX = 218,
    UNSUPPORTED_PTX_VERSION = 222,
    FILE_NOT_FOUND = 301,
    INVALID_HANDLE = 400,
    NOT_FOUND = 500,
    NOT_READY = 600,
    ILLEGAL_ADDRESS = 700,
    LAUNCH_TIMEOUT = 702,
    MISALIGNED_ADDRESS = 716,
    LAUNCH_FAILED = 719,
    NOT_SUPPORTED = 801,
    CAPTURE_UNSUPPORTED = 900,
    CAPTURE_INVALIDATED = 901,
    CAPTURE_UNMATCHED = 903,
    CAPTURE_ISOLATION = 905,
    CAPTURED_EVENT = 907,
    CAPTURE_WRONG_THREAD = 908,
};

// Why a call fails. A reason that is not empty goes to the standard error.
struct Failure {
    Result code;
    std::string reason;
};

// The lock, and what the exception means that is being handled.
std::mutex &lock();
Result failed();

// Runs `body` alone.
template <class Body> Result call(Body body) {
    std::lock_guard<std::mutex> guard(lock());
    try {
        body();
        return SUCCESS;
    } catch (...) {
        return failed();
    }
}

struct Context;
struct Stream;

// Something that a stream will do.
using Work = std::function<void(Context &)>;

// Work that a graph repeats.
struct Node {
    Work work;
    bool is_kernel;
};

struct Graph {
    std::vector<Node> nodes;
};

enum CaptureMode : int { GLOBAL = 0, THREAD_LOCAL = 1, RELAXED = 2 };

struct Capture {
    Graph graph;
    CaptureMode mode;
    std::thread::id thread;
    bool invalidated = false;
};

struct Stream {
    std::deque<Work> pending;
    std::unique_ptr<Capture> capture;
};

// When a stream passes an event, once for every time that it is recorded.
struct Moment {
    Stream *stream;
    bool captured = false; // in a graph, where it never happens
    bool reached = false;
    double milliseconds = 0;
};

struct Event {
    bool has_time;
    std::shared_ptr<Moment> moment; // null until it is recorded
};

struct Module;

struct Function {
    Module *module;
    const ptx::Entry *entry;
    const cuda_on_cpu::HostKernel *host; // null where there is none
};

struct Module : std::enable_shared_from_this<Module> {
    explicit Module(const std::string &text) : image(text) {}
    ptx::Module image;
    std::map<std::string, Function> functions;
};

// The objects of one kind that a program has handles of.
template <class T> class Handles {
  public:
    T *add(std::shared_ptr<T> object) {
        T *handle = object.get();
        objects_[handle] = std::move(object);
        return handle;
    }
    T &get(T *handle) const {
        auto found = objects_.find(handle);
        if (found == objects_.end()) throw Failure{INVALID_HANDLE, "a handle that is not alive"};
        return *found->second;
    }
    void remove(T *handle) {
        get(handle);
        objects_.erase(handle);
    }
    void clear() { objects_.clear(); }
    auto begin() const { return objects_.begin(); }
    auto end() const { return objects_.end(); }

  private:
    std::map<T *, std::shared_ptr<T>> objects_;
};

// Live blocks of memory by their first address.
class Blocks : public ptx::Memory {
  public:
    bool holds(std::uint64_t address, std::size_t size) const override;
    void add(std::uint64_t address, std::size_t size) { sizes_[address] = size; }
    // The size of the block that begins there; forgets it.
    std::size_t remove(std::uint64_t address);
    // Forgets and frees all.
    void release();

  private:
    std::map<std::uint64_t, std::size_t> sizes_;
};

struct Context {
    int device = 0;
    int retained = 0;
    // What every call returns since a kernel has failed.
    Result lost = SUCCESS;
    std::size_t used = 0; // bytes of device memory
    Blocks memory;        // of the device
    Stream legacy;        // the stream whose handle is null
    Handles<Stream> streams;
    Handles<Event> events;
    Handles<Module> modules;
    Handles<Graph> graphs;
    Handles<const Graph> executables;

    Stream &stream(Stream *handle);
};

// The calling thread's context, if it is alive and has not been lost.
Context &current();
// The same, alive or lost, or null; and how to change it.
Context *&bound();

// Page-locked host memory, of all contexts.
Blocks &pinned();

// Adds work to a stream, or to the graph that it captures.
void enqueue(Context &context, Stream &stream, Work work, bool is_kernel = false);
// Does a stream's work, up to a moment if there is one.
void run(Context &context, Stream &stream, const Moment *until = nullptr);
// The same because the program waits; of one stream or all.
void wait_for(Context &context, Stream &stream, const Moment *until = nullptr);
void wait_for_all(Context &context);
// Throws if a capture forbids calls that may wait, or that cannot be captured
// by this stream; the capture does not survive it.
void forbid_during_capture(Context &context);
void forbid_in_capture(Stream &stream);

// What becomes of the launch that a program asks for now; LOST throws.
enum class Fate { RUNS, DROPPED };
Fate next_launch(Context &context);

// Forgets everything that was made in a context.
void reset(Context &context);

} // namespace cuda_sim
