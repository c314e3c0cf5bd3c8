// Modules, functions, launches, occupancy.
#include "driver.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>

using namespace cuda_sim;
using cuda_on_cpu::Dim3;

namespace {

constexpr std::size_t SHARED_BYTES = 48 << 10; // of a block
constexpr unsigned BLOCK_THREADS = 1024;
constexpr int SM_THREADS = 2048, SM_BLOCKS = 32;
constexpr std::size_t SM_SHARED_BYTES = 100 << 10;

// The least driver that takes a PTX version, 84 for 8.4.
long driver_for(int ptx_version) {
    int major = ptx_version / 10, minor = ptx_version % 10;
    if (major < 7) return 0;
    if (major == 7) return 11000 + 10 * minor;
    if (major == 8) {
        // CUDA 12.6 brought no new version, 12.7 was not published.
        constexpr long DRIVERS[] = {12000, 12010, 12020, 12030, 12040, 12050, 12070, 12080, 12090};
        return minor < 9 ? DRIVERS[minor] : 13000;
    }
    return 13000 + 10 * minor;
}

std::shared_ptr<Module> load(const char *image) {
    constexpr char ELF[] = "\177ELF";
    if (std::strncmp(image, ELF, 4) == 0) throw Failure{NO_BINARY_FOR_GPU, "only PTX is simulated, not binaries"};
    std::shared_ptr<Module> module;
    try {
        module = std::make_shared<Module>(image);
    } catch (const std::runtime_error &error) {
        throw Failure{INVALID_PTX, error.what()};
    }
    const ptx::Module &ptx = module->image;
    if (ptx.entries().empty()) throw Failure{INVALID_PTX, "the PTX has no entry"};
    if (driver_for(ptx.version()) > knobs().driver) {
        throw Failure{UNSUPPORTED_PTX_VERSION, "PTX version " + std::to_string(ptx.version()) + " needs driver " +
                                                   std::to_string(driver_for(ptx.version()))};
    }
    if (ptx.target() > knobs().capability) {
        throw Failure{NO_BINARY_FOR_GPU, "the PTX is made for capability " + std::to_string(ptx.target())};
    }
    for (const ptx::Entry &entry : ptx.entries()) {
        module->functions[entry.name] = {module.get(), &entry, cuda_on_cpu::find_kernel(entry.name.c_str())};
    }
    return module;
}

// A kernel with a copy of its arguments.
struct Launch {
    std::shared_ptr<Module> module;
    const Function *function;
    Dim3 grid, block;
    bool interpreted;
    std::vector<std::vector<unsigned char>> arguments;
};

Result code_of(const std::string &fault) {
    auto begins = [&](const char *text) { return fault.rfind(text, 0) == 0; };
    if (begins("illegal address")) return ILLEGAL_ADDRESS;
    if (begins("misaligned address")) return MISALIGNED_ADDRESS;
    // A GPU would wait for ever, or until a watchdog ends it.
    if (begins("deadlock") || begins("divergent barrier")) return LAUNCH_TIMEOUT;
    return LAUNCH_FAILED;
}

void execute(Context &context, const Launch &launch) {
    const Function &function = *launch.function;
    std::vector<void *> arguments;
    for (const auto &bytes : launch.arguments) arguments.push_back(const_cast<unsigned char *>(bytes.data()));
    int order = static_cast<int>(knobs().order);
    auto start = std::chrono::steady_clock::now();
    std::string fault;
    if (launch.interpreted) {
        auto size = [](Dim3 dim) { return ptx::Dim3{dim.x, dim.y, dim.z}; };
        fault = launch.module->image.run(function.entry->name, size(launch.grid), size(launch.block),
                                         arguments.data(), context.memory, order);
    } else {
        fault = cuda_on_cpu::run_grid(function.host->body, arguments.data(), launch.grid, launch.block.x, order);
    }
    std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    counts().kernels_run++;
    note_run(function.entry->name, took.count());
    if (!fault.empty()) throw Failure{code_of(fault), function.entry->name + ": " + fault};
}

// Throws if the function cannot be launched so.
void check(const Function &function, Dim3 grid, Dim3 block, std::size_t shared) {
    const ptx::Entry &entry = *function.entry;
    auto refuse = [&](Result code, const std::string &reason) { throw Failure{code, entry.name + ": " + reason}; };
    auto text = [](Dim3 dim) {
        return std::to_string(dim.x) + " x " + std::to_string(dim.y) + " x " + std::to_string(dim.z);
    };
    if (grid.x == 0 || grid.y == 0 || grid.z == 0 || grid.x > 0x7fffffff || grid.y > 65535 || grid.z > 65535) {
        refuse(INVALID_VALUE, "a grid of " + text(grid));
    }
    unsigned most = entry.max_threads == 0 ? BLOCK_THREADS : entry.max_threads;
    if (block.x == 0 || block.x > most || block.y != 1 || block.z != 1) {
        refuse(INVALID_VALUE, "a block of " + text(block) + ", not of 1 to " + std::to_string(most) + " threads along x");
    }
    if (entry.shared_bytes + shared > SHARED_BYTES) refuse(INVALID_VALUE, "too much shared memory");
    if (function.host == nullptr) {
        if (knobs().ptx == 0) refuse(NOT_FOUND, "no source file defines this kernel");
        return;
    }
    if (function.host->parameters != entry.parameters) {
        std::string sizes;
        for (std::size_t size : entry.parameters) sizes += " " + std::to_string(size);
        sizes += " in the PTX,";
        for (std::size_t size : function.host->parameters) sizes += " " + std::to_string(size);
        refuse(INVALID_VALUE, "bytes of parameters:" + sizes + " in the source");
    }
}

} // namespace

CUDA_API cuModuleLoadData(Module **handle, const void *image) {
    return call([&] { *handle = current().modules.add(load(static_cast<const char *>(image))); });
}

CUDA_API cuModuleLoad(Module **handle, const char *path) {
    return call([&] {
        Context &context = current();
        std::ifstream file(path, std::ios::binary);
        if (!file) throw Failure{FILE_NOT_FOUND, std::string("cannot read ") + path};
        std::stringstream text;
        text << file.rdbuf();
        *handle = context.modules.add(load(text.str().c_str()));
    });
}

CUDA_API cuModuleUnload(Module *handle) {
    return call([&] { current().modules.remove(handle); });
}

CUDA_API cuModuleGetFunction(Function **function, Module *handle, const char *name) {
    return call([&] {
        Module &module = current().modules.get(handle);
        auto found = module.functions.find(name);
        if (found == module.functions.end()) throw Failure{NOT_FOUND, std::string("the module has no kernel ") + name};
        *function = &found->second;
    });
}

CUDA_API cuFuncGetAttribute(int *value, int attribute, const Function *function) {
    return call([&] {
        current();
        const ptx::Entry &entry = *function->entry;
        switch (attribute) {
        case 0: *value = static_cast<int>(entry.max_threads == 0 ? BLOCK_THREADS : entry.max_threads); return;
        case 1: *value = static_cast<int>(entry.shared_bytes); return;
        case 2:                      // constant memory
        case 3:                      // local memory
        case 4: *value = 0; return;  // registers, which only an assembler knows
        case 5: *value = function->module->image.version(); return;
        case 6: *value = static_cast<int>(knobs().capability); return;
        case 8: *value = static_cast<int>(SHARED_BYTES - entry.shared_bytes); return;
        }
        throw Failure{INVALID_VALUE, "function attribute " + std::to_string(attribute) + " is not simulated"};
    });
}

CUDA_API cuLaunchKernel(const Function *function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
                        unsigned block_y, unsigned block_z, unsigned shared_bytes, Stream *handle, void **parameters,
                        void **extra) {
    return call([&] {
        Context &context = current();
        Stream &stream = context.stream(handle);
        auto launch = std::make_shared<Launch>();
        launch->module = function->module->shared_from_this();
        launch->function = function;
        launch->grid = {grid_x, grid_y, grid_z};
        launch->block = {block_x, block_y, block_z};
        launch->interpreted = knobs().ptx != 0;
        check(*function, launch->grid, launch->block, shared_bytes);
        if (extra != nullptr) throw Failure{NOT_SUPPORTED, "arguments are taken one by one only"};
        for (std::size_t i = 0; i < function->entry->parameters.size(); i++) {
            auto bytes = static_cast<const unsigned char *>(parameters[i]);
            launch->arguments.emplace_back(bytes, bytes + function->entry->parameters[i]);
        }
        if (stream.capture == nullptr) {
            counts().launches++;
            if (next_launch(context) == Fate::DROPPED) return;
        }
        enqueue(context, stream, [launch](Context &context) { execute(context, *launch); }, true);
    });
}

CUDA_API cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *blocks, const Function *function, int threads,
                                                              std::size_t shared_bytes, unsigned) {
    return call([&] {
        current();
        if (threads <= 0) throw Failure{INVALID_VALUE, "a block of no threads"};
        *blocks = std::min(SM_BLOCKS, SM_THREADS / threads);
        std::size_t shared = function->entry->shared_bytes + shared_bytes;
        if (shared > 0) *blocks = std::min(*blocks, static_cast<int>(SM_SHARED_BYTES / shared));
    });
}

CUDA_API cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, const Function *function, int threads,
                                                     std::size_t shared_bytes) {
    return cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(blocks, function, threads, shared_bytes, 0);
}
