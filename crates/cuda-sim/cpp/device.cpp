// Initialisation, devices, contexts, names of errors.
#include "driver.h"

#include <cstdio>
#include <cstring>

using namespace cuda_sim;

namespace {

bool initialised = false;

// The primary contexts of the devices. They are never destroyed, for threads
// may keep them bound.
Context &primary(int device) {
    if (!initialised) throw Failure{NOT_INITIALIZED, "cuInit was not called"};
    if (device < 0 || device >= knobs().devices) throw Failure{INVALID_DEVICE, ""};
    static std::map<int, Context> contexts;
    Context &context = contexts[device];
    context.device = device;
    return context;
}

std::size_t total_memory() { return static_cast<std::size_t>(knobs().memory) << 20; }

struct Attribute {
    int number; // CUdevice_attribute
    int value;
};
// Those that knobs decide stand in cuDeviceGetAttribute.
constexpr Attribute ATTRIBUTES[] = {
    {1, 1024},       // threads of a block
    {2, 1024},       // x, y and z of a block
    {3, 1024},
    {4, 64},
    {5, 0x7fffffff}, // x, y and z of a grid
    {6, 65535},
    {7, 65535},
    {8, 48 << 10},   // bytes of shared memory of a block
    {10, 32},        // threads of a warp
    {12, 65536},     // registers of a block
    {16, 8},         // multiprocessors
    {31, 1},         // kernels may run at the same time
    {38, 4 << 20},   // bytes of the second cache
    {39, 2048},      // threads of a multiprocessor
    {40, 1},         // copies may run beside kernels
    {41, 1},         // unified addressing
    {81, 100 << 10}, // bytes of shared memory of a multiprocessor
    {82, 65536},     // registers of a multiprocessor
    {97, 48 << 10},  // bytes of shared memory of a block, if it asks for more
    {106, 32},       // blocks of a multiprocessor
};

struct ErrorText {
    Result code;
    const char *name, *text;
};
constexpr ErrorText ERRORS[] = {
    {SUCCESS, "CUDA_SUCCESS", "no error"},
    {INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {NOT_INITIALIZED, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {NO_DEVICE, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
    {NO_BINARY_FOR_GPU, "CUDA_ERROR_NO_BINARY_FOR_GPU", "no kernel image is available for execution on the device"},
    {INVALID_PTX, "CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed"},
    {UNSUPPORTED_PTX_VERSION, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION",
     "the provided PTX was compiled with an unsupported toolchain."},
    {FILE_NOT_FOUND, "CUDA_ERROR_FILE_NOT_FOUND", "file not found"},
    {INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
    {NOT_FOUND, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {NOT_READY, "CUDA_ERROR_NOT_READY", "device not ready"},
    {ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"},
    {LAUNCH_TIMEOUT, "CUDA_ERROR_LAUNCH_TIMEOUT", "the launch timed out and was terminated"},
    {MISALIGNED_ADDRESS, "CUDA_ERROR_MISALIGNED_ADDRESS", "misaligned address"},
    {LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
    {NOT_SUPPORTED, "CUDA_ERROR_NOT_SUPPORTED", "operation not supported"},
    {CAPTURE_UNSUPPORTED, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED", "operation not permitted when stream is capturing"},
    {CAPTURE_INVALIDATED, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED",
     "operation failed due to a previous error during capture"},
    {CAPTURE_UNMATCHED, "CUDA_ERROR_STREAM_CAPTURE_UNMATCHED", "capture was not initiated in this stream"},
    {CAPTURE_ISOLATION, "CUDA_ERROR_STREAM_CAPTURE_ISOLATION",
     "dependency created on uncaptured work in another stream"},
    {CAPTURED_EVENT, "CUDA_ERROR_CAPTURED_EVENT", "operation not permitted on an event last recorded in a capturing stream"},
    {CAPTURE_WRONG_THREAD, "CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD",
     "attempt to terminate a thread-local capture sequence from another thread"},
};

const ErrorText *error_text(Result code) {
    for (const ErrorText &error : ERRORS) {
        if (error.code == code) return &error;
    }
    return nullptr;
}

} // namespace

CUDA_API cuInit(unsigned) {
    return call([] {
        if (knobs().devices == 0) throw Failure{NO_DEVICE, ""};
        initialised = true;
    });
}

CUDA_API cuDriverGetVersion(int *version) {
    return call([&] { *version = static_cast<int>(knobs().driver); });
}

CUDA_API cuDeviceGetCount(int *count) {
    return call([&] { *count = static_cast<int>(knobs().devices); });
}

CUDA_API cuDeviceGet(int *device, int ordinal) {
    return call([&] { *device = primary(ordinal).device; });
}

CUDA_API cuDeviceGetName(char *name, int space, int device) {
    return call([&] {
        primary(device);
        std::snprintf(name, static_cast<std::size_t>(space), "device: simulated");
    });
}

CUDA_API cuDeviceGetUuid_v2(void *uuid, int device) {
    return call([&] {
        std::memset(uuid, primary(device).device, 16);
    });
}

CUDA_API cuDeviceGetUuid(void *uuid, int device) { return cuDeviceGetUuid_v2(uuid, device); }

CUDA_API cuDeviceTotalMem_v2(std::size_t *bytes, int device) {
    return call([&] {
        primary(device);
        *bytes = total_memory();
    });
}

CUDA_API cuDeviceGetAttribute(int *value, int number, int device) {
    return call([&] {
        primary(device);
        switch (number) {
        case 75: *value = static_cast<int>(knobs().capability / 10); return;
        case 76: *value = static_cast<int>(knobs().capability % 10); return;
        case 115: *value = knobs().pools != 0; return;
        }
        for (const Attribute &attribute : ATTRIBUTES) {
            if (attribute.number != number) continue;
            *value = attribute.value;
            return;
        }
        throw Failure{INVALID_VALUE, "device attribute " + std::to_string(number) + " is not simulated"};
    });
}

CUDA_API cuDevicePrimaryCtxRetain(Context **context, int device) {
    return call([&] {
        *context = &primary(device);
        (*context)->retained++;
    });
}

// The last release frees everything, so a device that was lost can be used anew.
CUDA_API cuDevicePrimaryCtxRelease_v2(int device) {
    return call([&] {
        Context &context = primary(device);
        if (context.retained == 0) throw Failure{INVALID_CONTEXT, "release of a context that is not retained"};
        if (--context.retained == 0) reset(context);
    });
}

CUDA_API cuCtxGetCurrent(Context **context) {
    return call([&] { *context = bound(); });
}

CUDA_API cuCtxSetCurrent(Context *context) {
    return call([&] { bound() = context; });
}

CUDA_API cuCtxSynchronize() {
    return call([] { wait_for_all(current()); });
}

CUDA_API cuCtxGetStreamPriorityRange(int *least, int *greatest) {
    return call([&] {
        current();
        *least = *greatest = 0;
    });
}

CUDA_API cuMemGetInfo_v2(std::size_t *free, std::size_t *total) {
    return call([&] {
        std::size_t used = current().used;
        *total = total_memory();
        *free = *total > used ? *total - used : 0;
    });
}

CUDA_API cuGetErrorName(Result code, const char **name) {
    const ErrorText *error = error_text(code);
    *name = error == nullptr ? nullptr : error->name;
    return error == nullptr ? INVALID_VALUE : SUCCESS;
}

CUDA_API cuGetErrorString(Result code, const char **text) {
    const ErrorText *error = error_text(code);
    *text = error == nullptr ? nullptr : error->text;
    return error == nullptr ? INVALID_VALUE : SUCCESS;
}
