// The host-compiled kernels by name.
#pragma once

#include "scheduler.h"

#include <cstddef>
#include <type_traits>
#include <utility>
#include <vector>

namespace cuda_on_cpu {

// A kernel as its C++ signature tells it.
struct HostKernel {
    const char *name;
    Body body;
    std::vector<std::size_t> parameters; // bytes of each
};

template <auto FUNCTION> struct Signature;

template <class... Parameters, void (*FUNCTION)(Parameters...)> struct Signature<FUNCTION> {
    static std::vector<std::size_t> sizes() { return {sizeof(Parameters)...}; }

    static void run(void *const *arguments) { run(arguments, std::index_sequence_for<Parameters...>()); }

  private:
    template <std::size_t... I> static void run([[maybe_unused]] void *const *arguments, std::index_sequence<I...>) {
        FUNCTION(*static_cast<const Parameters *>(arguments[I])...);
    }
};

template <auto FUNCTION> HostKernel host_kernel(const char *name) {
    return {name, Signature<FUNCTION>::run, Signature<FUNCTION>::sizes()};
}

// Null for a name that no source file defines.
const HostKernel *find_kernel(const char *name);

// A static one makes a kernel known.
struct Registration {
    explicit Registration(HostKernel kernel);
};

// Runs a kernel on host memory: launch(fill, {blocks}, 256, ASCENDING, y, value,
// len). Returns what run_grid does.
template <class... Parameters>
std::string launch(void (*kernel)(Parameters...), Dim3 grid, unsigned threads, int order,
                   std::common_type_t<Parameters>... values) {
    auto call = [kernel, values...] { kernel(values...); };
    void *argument = &call;
    return run_grid([](void *const *arguments) { (*static_cast<decltype(call) *>(*arguments))(); }, &argument, grid,
                    threads, order);
}

} // namespace cuda_on_cpu
