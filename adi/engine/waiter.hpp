// How a process waits: spin while that is fastest, give the core to others when there are more
// processes than cores, sleep when nothing comes. This is dynamic coscheduling without privileges
// (Sobalvarro, Pakin, Weihl, Chien 1998): the arrival of a message schedules its receiver.
#pragma once

#include <poll.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

#include "adi/base/futex.hpp"
#include "adi/device.hpp"

namespace adi {

/// What a process sleeps on: words, and descriptors, of the devices that something may arrive at.
struct Parks {
    std::array<FutexWord, kMostFutexWords> words;
    std::array<pollfd, kMostFutexWords> fds;
    std::size_t count = 0;
    std::size_t fd_count = 0;
    void add(const Park& park) {
        if (park.fd >= 0 && fd_count < fds.size()) {
            fds[fd_count++] = {park.fd, POLLIN, 0};
        } else if (park.futex_word != nullptr && count < words.size()) {
            words[count++] = {park.futex_word, park.futex_value};
        }
    }
};

/// Whether others want the core that this process waits on, as far as its yields have shown: a
/// yield to nobody takes no time. What a host's processes are told at start is not all: other jobs,
/// other containers, "hosts" that share a machine.
class Crowd {
  public:
    bool wants() const { return long_yields_ >= kCrowded; }
    void yielded(std::int64_t ns) {
        if (ns > kLongYieldNs) {
            long_yields_ = std::min(long_yields_ + kStep, kMost);
        } else if (long_yields_ > 0) {
            --long_yields_;
        }
    }

  private:
    static constexpr std::int64_t kLongYieldNs = 3'000;
    /// Two long yields close to each other make a crowd; some dozen short ones in a row end it.
    static constexpr int kStep = 8, kCrowded = 12, kMost = 32;
    int long_yields_ = 0;
};

/// One wait. Made on the stack of wait_until().
class Waiter {
  public:
    /// A sleep of this length is a long wait, which is told about (LongWait).
    static constexpr int kLongestMs = 100;

    /// Chosen once at start from how many processes share the CPUs.
    struct Policy {
        std::int64_t spin_ns = 10'000;       ///< looking again at once
        std::int64_t patience_ns = 100'000;  ///< then, until here, yielding; then sleeping
    };

    Waiter(const Policy& policy, Crowd& crowd) : policy_(policy), crowd_(crowd) {}

    /// Something came in: be patient anew.
    void progressed() {
        looks_ = 0;
        yields_ = false;
    }

    /// Between two looks that found nothing: spins, or yields without the caller's lock; false when
    /// it is time to sleep. Yielding costs little on a core of one's own and everything is gained
    /// by it on a core that others want.
    bool spin(void (*unlock)(), void (*lock)()) {
        if (!yields_ && spins_on()) return true;
        const std::int64_t before = now_ns();
        if (unlock != nullptr) unlock();
        sched_yield();
        const std::int64_t now = now_ns();
        if (lock != nullptr) lock();
        crowd_.yielded(now - before);
        return now - start_ns_ < policy_.patience_ns;
    }

    /// Sleeps until woken, or for kLongestMs if it is `limited`, without the caller's lock.
    static void sleep(Parks parks, bool limited, void (*unlock)(), void (*lock)()) {
        if (unlock != nullptr) unlock();
        if (parks.fd_count == 0) {
            futex_wait_any(std::span(parks.words.data(), parks.count),
                           limited ? std::int64_t{kLongestMs} * 1'000'000 : -1);
        } else {
            // A word of a device that has no descriptor is looked at now and then. The longer limit
            // is for peers that cannot ring the doorbell, from another network namespace.
            constexpr int kWithWordsMs = 1;
            ::poll(parks.fds.data(), parks.fd_count, parks.count > 0 ? kWithWordsMs : kLongestMs);
        }
        if (lock != nullptr) lock();
    }

    /// Lets another thread have the caller's lock, if it waits for that.
    static void give_way(void (*unlock)(), void (*lock)()) {
        unlock();
        lock();
    }

    static std::int64_t now_ns() {
        return std::chrono::duration_cast<std::chrono::nanoseconds>(
                   std::chrono::steady_clock::now().time_since_epoch())
            .count();
    }

  private:
    /// Is it still better to look again at once than to yield? The answer of a peer that has its
    /// core for itself comes within the first looks: they have neither a pause nor a look at the
    /// clock between them, either of which takes as long as the handing over of a cache line. Later
    /// ones have the pause, and every 64th reads the clock.
    bool spins_on() {
        constexpr std::uint32_t kQuickLooks = 32;
        const std::uint32_t looks = looks_++;
        const bool may_spin = policy_.spin_ns > 0 && !crowd_.wants();
        if (may_spin && looks < kQuickLooks) return true;
        if (may_spin && looks % 64 != kQuickLooks) {
            cpu_relax();
            return true;
        }
        const std::int64_t now = now_ns();
        if (looks <= kQuickLooks) start_ns_ = now;
        if (may_spin && now - start_ns_ < policy_.spin_ns) return true;
        yields_ = true;
        return false;
    }

    Policy policy_;
    Crowd& crowd_;
    std::uint32_t looks_ = 0;
    std::int64_t start_ns_ = 0;
    bool yields_ = false;
};

}  // namespace adi
