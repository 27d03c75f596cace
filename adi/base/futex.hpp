// Sleeping on a word of (possibly shared) memory, and how to be gentle while spinning.
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <climits>
#include <cstdint>

namespace adi {

/// Sleeps while *word == value, at most `timeout_ns` (< 0: without limit). Returns early without a
/// reason at times. The word may be shared between processes.
inline void futex_wait(std::uint32_t* word, std::uint32_t value, std::int64_t timeout_ns = -1) {
    timespec ts{timeout_ns / 1'000'000'000, timeout_ns % 1'000'000'000};
    syscall(SYS_futex, word, FUTEX_WAIT, value, timeout_ns < 0 ? nullptr : &ts, nullptr, 0);
}

/// Ends the sleep of everybody who waits on the word.
inline void futex_wake(std::uint32_t* word) {
    syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

/// Tells the core that this is a spin loop.
inline void cpu_relax() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

}  // namespace adi
