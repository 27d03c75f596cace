#include "devices/fm/lockstep_clock.hpp"

#include <sched.h>

#include <algorithm>
#include <chrono>

#include "adi/base/futex.hpp"

namespace dev::fm {

namespace {

/// Turns to poll and yield before sleeping: the emulator mostly answers within one or two.
constexpr int kSpins = 200;
/// Whoever got the core by a yield and kept it for so long has work of its own: for so many waits
/// from then on it is better to sleep at once. Who is woken has the core sooner than who yields in
/// turn.
constexpr auto kLongYield = std::chrono::microseconds(300);
constexpr unsigned kCrowded = 100;
/// The emulator may have been killed: how long to sleep before looking.
constexpr std::int64_t kLook_ns = 100'000'000;

}  // namespace

template <class Until>
void LockstepClock::sleep_until(std::uint32_t* word, Until until) {
    kick_();
    if (crowded_ > 0) --crowded_;
    for (int i = 0; i < kSpins && crowded_ == 0; ++i) {
        if (until()) return;
        const auto before = std::chrono::steady_clock::now();
        sched_yield();
        if (std::chrono::steady_clock::now() - before > kLongYield) crowded_ = kCrowded;
    }
    const std::atomic_ref<std::uint32_t> asleep(status_.asleep);
    while (!until() && !dead_()) {
        const std::uint32_t value =
            std::atomic_ref<std::uint32_t>(*word).load(std::memory_order_acquire);
        // Either the emulator sees this and wakes, or its store is seen here.
        asleep.store(1, std::memory_order_seq_cst);
        std::atomic_thread_fence(std::memory_order_seq_cst);
        if (!until()) adi::futex_wait(word, value, kLook_ns);
        asleep.store(0, std::memory_order_relaxed);
    }
}

void LockstepClock::tell(unsigned what, std::uint64_t ps, std::uint64_t bytes) {
    const std::atomic_ref<std::uint32_t> head(trace_->head);
    const std::uint32_t number = head.load(std::memory_order_relaxed);
    // Acquires: the emulator is done with the place.
    const std::uint32_t taken =
        std::atomic_ref<std::uint32_t>(trace_->tail).load(std::memory_order_acquire);
    if (number - taken >= FM_TRACE_EVENTS) return;
    fm_trace_event& event = trace_->events[number % FM_TRACE_EVENTS];
    event.begin_ps = clock_;
    event.lasts_ps = static_cast<std::uint32_t>(std::min<std::uint64_t>(ps, ~std::uint32_t{0}));
    event.what = static_cast<std::uint16_t>(what);
    event.bytes = static_cast<std::uint16_t>(std::min<std::uint64_t>(bytes, 0xffff));
    head.store(number + 1, std::memory_order_release);
}

void LockstepClock::join() {
    std::uint32_t from = FM_HOST_AWAY;
    state().compare_exchange_strong(from, FM_HOST_JOINING, std::memory_order_seq_cst);
    sleep_until(&status_.state,
                [this] { return state().load(std::memory_order_acquire) == FM_HOST_RUNNING; });
    // The emulator has set it, before RUNNING.
    clock_ = std::max(clock_, shared_clock().load(std::memory_order_relaxed));
    joined_ = true;
}

void LockstepClock::synchronize() {
    if (!joined_ || state().load(std::memory_order_acquire) != FM_HOST_RUNNING) [[unlikely]]
        join();
    // Releases the accesses before this time; the emulator acquires it.
    shared_clock().store(clock_, std::memory_order_seq_cst);
    const std::atomic_ref<std::uint64_t> fabric(status_.fabric_ps);
    const auto arrived = [&] { return fabric.load(std::memory_order_acquire) >= clock_; };
    if (!arrived()) sleep_until(fm_low_word(&status_.fabric_ps), arrived);
}

void LockstepClock::look() {
    clock_ += costs_.poll;
    synchronize();
    seen_ = written();
}

void LockstepClock::wait() {
    if (!joined_) join();
    if (written() != seen_) {
        seen_ = written();
        return;
    }
    // The clock stays as it was published: what the emulator does after that time releases us.
    std::uint32_t from = FM_HOST_RUNNING;
    if (!state().compare_exchange_strong(from, FM_HOST_WAITING, std::memory_order_seq_cst)) {
        joined_ = false;  // taken for away meanwhile: something may have been missed
        return;
    }
    sleep_until(&status_.state, [this] {
        const std::uint32_t now = state().load(std::memory_order_acquire);
        return now != FM_HOST_WAITING && now != FM_HOST_JOINING;
    });
    clock_ = std::max(clock_, shared_clock().load(std::memory_order_relaxed));
}

void LockstepClock::away() {
    std::uint32_t from = FM_HOST_RUNNING;
    state().compare_exchange_strong(from, FM_HOST_AWAY, std::memory_order_seq_cst);
    joined_ = false;
    kick_();
}

void LockstepClock::call_back() {
    std::uint32_t from = FM_HOST_WAITING;
    if (state().compare_exchange_strong(from, FM_HOST_JOINING, std::memory_order_seq_cst)) kick_();
}

}  // namespace dev::fm
