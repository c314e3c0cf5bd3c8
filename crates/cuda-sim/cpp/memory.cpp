// Device memory, page-locked host memory, copies.
//
// A device address is a host address. Every block is as large as was asked for
// and full of 0xFF bytes, so that what nobody has written is not a number.
#include "driver.h"

#include <cstdlib>
#include <cstring>

using namespace cuda_sim;

namespace {

constexpr std::size_t ALIGNMENT = 256;

std::uint64_t address(const void *pointer) { return reinterpret_cast<std::uint64_t>(pointer); }
unsigned char *pointer(std::uint64_t address) { return reinterpret_cast<unsigned char *>(address); }

void *new_block(std::size_t size) {
    void *block = nullptr;
    if (posix_memalign(&block, ALIGNMENT, size) != 0) throw Failure{OUT_OF_MEMORY, ""};
    std::memset(block, 0xFF, size);
    return block;
}

std::uint64_t allocate(Context &context, std::size_t size) {
    if (size == 0) throw Failure{INVALID_VALUE, "an allocation of no bytes"};
    std::size_t total = static_cast<std::size_t>(knobs().memory) << 20;
    // Memory that streams will free is free once they have come so far.
    if (context.used + size > total) wait_for_all(context);
    if (context.used + size > total) throw Failure{OUT_OF_MEMORY, ""};
    std::uint64_t block = address(new_block(size));
    context.memory.add(block, size);
    context.used += size;
    counts().allocations++;
    return block;
}

void free_block(Context &context, std::uint64_t block) {
    context.used -= context.memory.remove(block);
    std::free(pointer(block));
    counts().frees++;
}

// Checks a copy or fill: when it is asked for, and when it is done, for its
// memory may be gone by then.
void check(Context &context, std::uint64_t device, std::size_t size, Result code = INVALID_VALUE) {
    if (context.memory.holds(device, size)) return;
    throw Failure{code, "a copy or fill of " + std::to_string(size) + " bytes outside of device memory"};
}

void to_device(Context &context, std::uint64_t device, const void *host, std::size_t size) {
    check(context, device, size, ILLEGAL_ADDRESS);
    std::memcpy(pointer(device), host, size);
    counts().bytes_to_device += size;
}

void to_host(Context &context, void *host, std::uint64_t device, std::size_t size) {
    check(context, device, size, ILLEGAL_ADDRESS);
    std::memcpy(host, pointer(device), size);
    counts().bytes_to_host += size;
}

void between(Context &context, std::uint64_t to, std::uint64_t from, std::size_t size) {
    check(context, to, size, ILLEGAL_ADDRESS);
    check(context, from, size, ILLEGAL_ADDRESS);
    std::memmove(pointer(to), pointer(from), size);
}

void fill(Context &context, std::uint64_t device, unsigned char value, std::size_t size) {
    check(context, device, size, ILLEGAL_ADDRESS);
    std::memset(pointer(device), value, size);
}

// The context of a call that waits for the null stream.
Context &synchronous() {
    Context &context = current();
    forbid_during_capture(context);
    wait_for(context, context.legacy);
    return context;
}

} // namespace

CUDA_API cuMemAlloc_v2(std::uint64_t *block, std::size_t size) {
    return call([&] {
        Context &context = current();
        forbid_during_capture(context);
        *block = allocate(context, size);
    });
}

// The block is there at once; only its stream may use it before the stream is
// waited for.
CUDA_API cuMemAllocAsync(std::uint64_t *block, std::size_t size, Stream *handle) {
    return call([&] {
        Context &context = current();
        forbid_in_capture(context.stream(handle));
        *block = allocate(context, size);
    });
}

CUDA_API cuMemFree_v2(std::uint64_t block) {
    return call([&] {
        Context &context = current();
        forbid_during_capture(context);
        wait_for_all(context);
        free_block(context, block);
    });
}

CUDA_API cuMemFreeAsync(std::uint64_t block, Stream *handle) {
    return call([&] {
        Context &context = current();
        Stream &stream = context.stream(handle);
        forbid_in_capture(stream);
        if (!context.memory.holds(block, 1)) throw Failure{INVALID_VALUE, "free of an address that was not allocated"};
        enqueue(context, stream, [block](Context &context) { free_block(context, block); });
    });
}

CUDA_API cuMemHostAlloc(void **block, std::size_t size, unsigned) {
    return call([&] {
        forbid_during_capture(current());
        if (size == 0) throw Failure{INVALID_VALUE, "an allocation of no bytes"};
        *block = new_block(size);
        pinned().add(address(*block), size);
    });
}

CUDA_API cuMemFreeHost(void *block) {
    return call([&] {
        // Work that is left may still read or write it.
        Context *context = bound();
        if (context != nullptr && context->lost == SUCCESS) wait_for_all(*context);
        pinned().remove(address(block));
        std::free(block);
    });
}

CUDA_API cuMemcpyHtoD_v2(std::uint64_t device, const void *host, std::size_t size) {
    return call([&] {
        Context &context = synchronous();
        check(context, device, size);
        to_device(context, device, host, size);
    });
}

CUDA_API cuMemcpyDtoH_v2(void *host, std::uint64_t device, std::size_t size) {
    return call([&] {
        Context &context = synchronous();
        check(context, device, size);
        to_host(context, host, device, size);
    });
}

CUDA_API cuMemcpyDtoD_v2(std::uint64_t to, std::uint64_t from, std::size_t size) {
    return call([&] {
        Context &context = synchronous();
        check(context, to, size);
        check(context, from, size);
        between(context, to, from, size);
    });
}

CUDA_API cuMemsetD8_v2(std::uint64_t device, unsigned char value, std::size_t size) {
    return call([&] {
        Context &context = synchronous();
        check(context, device, size);
        fill(context, device, value, size);
    });
}

// Page-locked memory is read when the stream comes to it, other memory now; a
// graph reads either whenever it runs.
CUDA_API cuMemcpyHtoDAsync_v2(std::uint64_t device, const void *host, std::size_t size, Stream *handle) {
    return call([&] {
        Context &context = current();
        Stream &stream = context.stream(handle);
        check(context, device, size);
        if (pinned().holds(address(host), size) || stream.capture != nullptr) {
            enqueue(context, stream, [=](Context &context) { to_device(context, device, host, size); });
            return;
        }
        auto bytes = static_cast<const unsigned char *>(host);
        auto copy = std::make_shared<std::vector<unsigned char>>(bytes, bytes + size);
        enqueue(context, stream, [=](Context &context) { to_device(context, device, copy->data(), size); });
    });
}

// Also into memory that is not page-locked only when the stream comes to it,
// where a real driver would have waited: a forgotten wait must not go unseen.
CUDA_API cuMemcpyDtoHAsync_v2(void *host, std::uint64_t device, std::size_t size, Stream *handle) {
    return call([&] {
        Context &context = current();
        check(context, device, size);
        enqueue(context, context.stream(handle), [=](Context &context) { to_host(context, host, device, size); });
    });
}

CUDA_API cuMemcpyDtoDAsync_v2(std::uint64_t to, std::uint64_t from, std::size_t size, Stream *handle) {
    return call([&] {
        Context &context = current();
        check(context, to, size);
        check(context, from, size);
        enqueue(context, context.stream(handle), [=](Context &context) { between(context, to, from, size); });
    });
}

CUDA_API cuMemsetD8Async(std::uint64_t device, unsigned char value, std::size_t size, Stream *handle) {
    return call([&] {
        Context &context = current();
        check(context, device, size);
        enqueue(context, context.stream(handle), [=](Context &context) { fill(context, device, value, size); });
    });
}
