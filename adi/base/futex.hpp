// Sleeping on a word of (possibly shared) memory, and how to be gentle while spinning.
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <span>

namespace adi {

inline constexpr std::size_t kMostFutexWords = 4;

/// Sleeps while *word == value, at most `timeout_ns` (< 0: without limit). Returns early without a
/// reason at times. The word may be shared between processes.
inline void futex_wait(std::uint32_t* word, std::uint32_t value, std::int64_t timeout_ns = -1) {
    timespec ts{timeout_ns / 1'000'000'000, timeout_ns % 1'000'000'000};
    syscall(SYS_futex, word, FUTEX_WAIT, value, timeout_ns < 0 ? nullptr : &ts, nullptr, 0);
}

/// A word to sleep on, and what it holds meanwhile.
struct FutexWord {
    std::uint32_t* word = nullptr;
    std::uint32_t value = 0;
};

/// Sleeps while each of the words holds its value, at most `timeout_ns` (< 0: without limit).
/// Returns early without a reason at times.
inline void futex_wait_any(std::span<const FutexWord> words, std::int64_t timeout_ns = -1) {
    if (words.size() == 1) return futex_wait(words[0].word, words[0].value, timeout_ns);
    if (words.empty() || words.size() > kMostFutexWords) return;
    // futex_waitv of Linux 5.16, and its number and structure, which older headers do not have.
    constexpr long kFutexWaitv = 449;
    constexpr std::uint32_t kWord32 = 2;
    struct Entry {
        std::uint64_t value, address;
        std::uint32_t flags, reserved;
    };
    std::array<Entry, kMostFutexWords> entries{};
    for (std::size_t i = 0; i < words.size(); ++i) {
        entries[i] = {words[i].value, reinterpret_cast<std::uintptr_t>(words[i].word), kWord32, 0};
    }
    // Its limit is a point in time.
    timespec until{};
    clock_gettime(CLOCK_MONOTONIC, &until);
    const std::int64_t ns = until.tv_nsec + timeout_ns;
    until.tv_sec += ns / 1'000'000'000;
    until.tv_nsec = ns % 1'000'000'000;
    if (syscall(kFutexWaitv, entries.data(), words.size(), 0, timeout_ns < 0 ? nullptr : &until,
                CLOCK_MONOTONIC) < 0 &&
        errno == ENOSYS) {
        // An older kernel: look at the others now and then.
        futex_wait(words[0].word, words[0].value, 1'000'000);
    }
}

/// Ends the sleep of everybody who waits on the word, or of `most` of them.
inline void futex_wake(std::uint32_t* word, int most = INT_MAX) {
    syscall(SYS_futex, word, FUTEX_WAKE, most, nullptr, nullptr, 0);
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
