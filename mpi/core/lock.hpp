// The lock of the MPI layer: taken and given back by every call, mostly by one thread after
// another.
#pragma once

#include <atomic>
#include <cstdint>

#include "adi/base/futex.hpp"

namespace mpi {

/// A mutex without an owner and without turns: who comes first when it is free has it, so that a
/// thread that only enters and leaves makes no system call. One that finds it taken looks again for
/// about a microsecond, which is longer than most calls, and then sleeps.
class Lock {
  public:
    void lock() {
        if (!try_lock()) [[unlikely]]
            lock_slowly();
    }

    void unlock() {
        if (word_.exchange(kFree, std::memory_order_release) == kSleepers) [[unlikely]]
            adi::futex_wake(reinterpret_cast<std::uint32_t*>(&word_), 1);
    }

    /// Does a thread wait for it?
    bool wanted() const { return wanting_.load(std::memory_order_relaxed) != 0; }

  private:
    enum State : std::uint32_t { kFree, kTaken, kSleepers /* taken; and somebody may sleep */ };

    /// Pairs with the release in unlock().
    bool try_lock() {
        std::uint32_t expected = kFree;
        return word_.compare_exchange_strong(expected, kTaken, std::memory_order_acquire,
                                             std::memory_order_relaxed);
    }

    [[gnu::noinline]] void lock_slowly() {
        constexpr int kLooks = 50;
        wanting_.fetch_add(1, std::memory_order_relaxed);
        for (int i = 0; i < kLooks; ++i) {
            adi::cpu_relax();
            if (word_.load(std::memory_order_relaxed) == kFree && try_lock()) return stop_wanting();
        }
        // Pairs with the release in unlock(), too.
        while (word_.exchange(kSleepers, std::memory_order_acquire) != kFree) {
            adi::futex_wait(reinterpret_cast<std::uint32_t*>(&word_), kSleepers);
        }
        stop_wanting();
    }
    void stop_wanting() { wanting_.fetch_sub(1, std::memory_order_relaxed); }

    std::atomic<std::uint32_t> word_{kFree};
    std::atomic<std::uint32_t> wanting_{0};
};

}  // namespace mpi
