#include "adi/base/fiber.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <boost/context/detail/fcontext.hpp>
#include <cstdint>
#include <new>

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#define FATHOM_ASAN 1
#else
#define FATHOM_ASAN 0
#endif
#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
#include <sanitizer/tsan_interface.h>
#define FATHOM_TSAN 1
#else
#define FATHOM_TSAN 0
#endif

namespace adi {
namespace {

namespace context = boost::context::detail;

std::size_t guard_bytes() {
    static const auto bytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    return bytes;
}

/// The fiber's own data lies at the top of its stack, aligned as the ABI wants the stack to be.
constexpr std::size_t kTopBytes = (sizeof(Fiber) + 63) / 64 * 64;

std::byte* bottom_of(Fiber* fiber, std::size_t stack_bytes) {
    return reinterpret_cast<std::byte*>(fiber) + kTopBytes - stack_bytes;
}
/// Of a pool's fiber.
std::byte* bottom_of(Fiber* fiber) {
    return bottom_of(fiber, FiberPool::kStackBytes);
}

/// The lowest byte of a new stack, above its guard page; null when there is no more.
std::byte* map_stack() {
    const std::size_t guard = guard_bytes();
    void* memory = mmap(nullptr, guard + FiberPool::kStackBytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED) return nullptr;
    if (mprotect(memory, guard, PROT_NONE) != 0) {
        munmap(memory, guard + FiberPool::kStackBytes);
        return nullptr;
    }
    return static_cast<std::byte*>(memory) + guard;
}

// What the sanitizers are told. Nothing, in other builds.

/// Before a switch to a stack. `fake` keeps what the address sanitizer knows of the stack that is
/// left; null when nobody comes back to it.
void leaving([[maybe_unused]] void** fake, [[maybe_unused]] const void* to_stack,
             [[maybe_unused]] std::size_t to_bytes, [[maybe_unused]] void* to_tsan) {
#if FATHOM_ASAN
    __sanitizer_start_switch_fiber(fake, to_stack, to_bytes);
#endif
#if FATHOM_TSAN
    __tsan_switch_to_fiber(to_tsan, 0);
#endif
}

/// After one; tells which stack was left.
void arrived([[maybe_unused]] void* fake, [[maybe_unused]] const void** from_stack,
             [[maybe_unused]] std::size_t* from_bytes) {
#if FATHOM_ASAN
    __sanitizer_finish_switch_fiber(fake, from_stack, from_bytes);
#endif
}

}  // namespace

/// The first function on every fiber.
struct Fiber::Start {
    static void run(context::transfer_t from) {
        Fiber& fiber = *static_cast<Fiber*>(from.data);
        arrived(nullptr, &fiber.resumer_stack_, &fiber.resumer_stack_bytes_);
        fiber.resumer_ = from.fctx;
        fiber.entry_(fiber.argument_);
        fiber.ended_ = true;
        fiber.suspend();
        __builtin_unreachable();
    }
};

bool Fiber::resume() {
#if FATHOM_TSAN
    resumer_tsan_ = __tsan_get_current_fiber();
#endif
    void* fake = nullptr;
    leaving(&fake, bottom_of(this, stack_bytes_), stack_bytes_, self_tsan_);
    const context::transfer_t back = context::jump_fcontext(context_, this);
    const void* unused_stack = nullptr;
    std::size_t unused_bytes = 0;
    arrived(fake, &unused_stack, &unused_bytes);
    context_ = back.fctx;
    return ended_;
}

void Fiber::suspend() {
    void* fake = nullptr;
    leaving(ended_ ? nullptr : &fake, resumer_stack_, resumer_stack_bytes_, resumer_tsan_);
    const context::transfer_t from = context::jump_fcontext(resumer_, nullptr);
    // Another thread may be the one that resumed it.
    arrived(fake, &resumer_stack_, &resumer_stack_bytes_);
    resumer_ = from.fctx;
}

Fiber* Fiber::make_on(std::byte* stack, std::size_t bytes, Entry entry, void* argument) {
    std::byte* top = stack + bytes - kTopBytes;
#if FATHOM_ASAN
    // Functions that never returned left their marks.
    __asan_unpoison_memory_region(stack, bytes);
#endif
    auto* fiber = new (top) Fiber(entry, argument, bytes);
    fiber->context_ =
        context::make_fcontext(top, static_cast<std::size_t>(top - stack), Start::run);
#if FATHOM_TSAN
    fiber->self_tsan_ = __tsan_create_fiber(0);
#endif
    return fiber;
}

void Fiber::unmake([[maybe_unused]] Fiber* fiber) {
#if FATHOM_TSAN
    __tsan_destroy_fiber(fiber->self_tsan_);
#endif
}

Fiber* FiberPool::make(Fiber::Entry entry, void* argument) {
    std::byte* bottom = nullptr;
    if (spare_ != nullptr) {
        bottom = bottom_of(spare_);
        spare_ = spare_->next_;
        --spare_count_;
    } else {
        bottom = map_stack();
        if (bottom == nullptr) return nullptr;
#if FATHOM_ASAN
        // What a suspended fiber alone points to is no leak.
        __lsan_register_root_region(bottom, kStackBytes);
#endif
    }
    return Fiber::make_on(bottom, kStackBytes, entry, argument);
}

void FiberPool::recycle(Fiber* fiber) {
    Fiber::unmake(fiber);
    if (spare_count_ < kMostSpare) {
        fiber->next_ = spare_;
        spare_ = fiber;
        ++spare_count_;
        return;
    }
    unmap(fiber);
}

void FiberPool::unmap(Fiber* fiber) {
    std::byte* bottom = bottom_of(fiber);
#if FATHOM_ASAN
    __lsan_unregister_root_region(bottom, kStackBytes);
    __asan_unpoison_memory_region(bottom, kStackBytes);  // others will map what they like there
#endif
    munmap(bottom - guard_bytes(), guard_bytes() + kStackBytes);
}

FiberPool::~FiberPool() {
    while (spare_ != nullptr) {
        Fiber* fiber = spare_;
        spare_ = fiber->next_;
        unmap(fiber);
    }
}

}  // namespace adi
