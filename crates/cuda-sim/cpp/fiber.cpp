// Stack switches for x86-64, and what the sanitizers want to hear about them.
//
// This file is never compiled with -fsanitize=thread: the switches would be
// taken for calls. CUDA_SIM_TSAN says that the kernels are.
#include "fiber.h"

#include <cstdint>
#include <new>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef CUDA_SIM_TSAN
extern "C" {
void *__tsan_get_current_fiber(void);
void *__tsan_create_fiber(unsigned flags);
void __tsan_switch_to_fiber(void *fiber, unsigned flags);
}
#endif

// void cuda_sim_switch(void **left, void *entered): saves the registers that a
// call must keep, and the stack pointer, and takes over those of another stack.
asm(R"(
    .text
    .p2align 4
    .hidden cuda_sim_switch
    .globl cuda_sim_switch
    .type cuda_sim_switch, @function
cuda_sim_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
    .size cuda_sim_switch, .-cuda_sim_switch
)");
extern "C" void cuda_sim_switch(void **left, void *entered);

namespace cuda_on_cpu {

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(CUDA_SIM_TSAN)
constexpr std::size_t STACK = 256 * 1024;
#else
constexpr std::size_t STACK = 64 * 1024;
#endif
constexpr std::size_t LINE = 64;
constexpr std::size_t SHIFTS = 61; // of five lines each: 19 KiB at most

} // namespace

void create(Fiber &fiber) {
    std::size_t page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    void *memory = mmap(nullptr, page + STACK, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    fiber.stack = static_cast<char *>(memory) + page;
    fiber.stack_size = STACK;
    if (mprotect(fiber.stack, STACK, PROT_READ | PROT_WRITE) != 0) throw std::bad_alloc();
#ifdef CUDA_SIM_TSAN
    fiber.tsan = __tsan_create_fiber(0);
#endif
}

void rewind(Fiber &fiber, unsigned number, void (*entry)()) {
#ifdef __SANITIZE_ADDRESS__
    __asan_unpoison_memory_region(fiber.stack, fiber.stack_size);
    fiber.fake_stack = nullptr;
#endif
    // The layout that cuda_sim_switch pops: six registers, then the entry,
    // which finds the stack as a call would leave it.
    char *top = fiber.stack + fiber.stack_size - number % SHIFTS * 5 * LINE;
    auto slots = reinterpret_cast<std::uintptr_t *>(top - LINE);
    for (int slot = 0; slot < 6; slot++) slots[slot] = 0;
    slots[6] = reinterpret_cast<std::uintptr_t>(entry);
    slots[7] = 0;
    fiber.stack_pointer = slots;
}

void adopt([[maybe_unused]] Fiber &fiber) {
#ifdef __SANITIZE_ADDRESS__
    pthread_attr_t attributes;
    void *stack = nullptr;
    pthread_getattr_np(pthread_self(), &attributes);
    pthread_attr_getstack(&attributes, &stack, &fiber.stack_size);
    pthread_attr_destroy(&attributes);
    fiber.stack = static_cast<char *>(stack);
#endif
#ifdef CUDA_SIM_TSAN
    fiber.tsan = __tsan_get_current_fiber();
#endif
}

void entered() {
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(nullptr, nullptr, nullptr);
#endif
}

void switch_fiber(Fiber &from, Fiber &to) {
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_start_switch_fiber(&from.fake_stack, to.stack, to.stack_size);
#endif
#ifdef CUDA_SIM_TSAN
    // Without synchronisation: only barriers order the threads of a block.
    __tsan_switch_to_fiber(to.tsan, 1);
#endif
    cuda_sim_switch(&from.stack_pointer, to.stack_pointer);
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(from.fake_stack, nullptr, nullptr);
#endif
}

} // namespace cuda_on_cpu
