// The table of host-compiled kernels.
#include "registry.h"

#include <string_view>

namespace cuda_on_cpu {

namespace {

// Made at its first use: registrations run before main in no known order.
std::vector<HostKernel> &kernels() {
    static std::vector<HostKernel> kernels;
    return kernels;
}

} // namespace

const HostKernel *find_kernel(const char *name) {
    for (const HostKernel &kernel : kernels()) {
        if (std::string_view(kernel.name) == name) return &kernel;
    }
    return nullptr;
}

Registration::Registration(HostKernel kernel) { kernels().push_back(std::move(kernel)); }

} // namespace cuda_on_cpu
