// A process's side of modelled time on emulated boards (firmware/protocol/attach.h): its clock, and
// the waiting for the emulator to get so far.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

#include "devices/fm/board.hpp"
#include "firmware/protocol/attach.h"

namespace dev::fm {

class LockstepClock final : public Clock {
  public:
    /// Both outlive it. `kick` ends the emulator's sleep; `dead` says that it is gone.
    LockstepClock(fm_host_status& status, const fm_host_costs& costs, std::function<void()> kick,
                  std::function<bool()> dead)
        : status_(status), costs_(costs), kick_(std::move(kick)), dead_(std::move(dead)) {}

    std::int64_t now_ps() const override { return static_cast<std::int64_t>(clock_); }
    void charge_ps(std::int64_t ps) override {
        if (ps > 0) pass(FM_TRACE_COMPUTE, static_cast<std::uint64_t>(ps));
    }
    void charge_copy(std::uint64_t bytes) override {
        pass(FM_TRACE_COPY, costs_.copy_start + bytes * costs_.copy_byte, bytes);
    }
    void charge(Work work) override {
        pass(static_cast<unsigned>(work), costs_.work[static_cast<unsigned>(work)]);
    }
    /// Does not wait: nobody reads these bytes before a word that publishes them.
    void pio_write(std::uint64_t bytes) override {
        pass(FM_TRACE_PIO_WRITE, costs_.pio_write_start + bytes * costs_.pio_write_byte, bytes);
    }
    void pio_write_word() override {
        pass(FM_TRACE_PIO_WORD, costs_.pio_word, 4);
        synchronize();
    }
    void pio_read_word() override {
        pass(FM_TRACE_PIO_READ, costs_.pio_read, 4);
        synchronize();
    }
    void look() override;
    void wait() override;
    void away() override;

    /// From now on what takes time is told to the emulator, which writes it to a trace.
    void trace(fm_host_trace& trace) { trace_ = &trace; }

    /// Any thread: ends wait().
    void call_back();

  private:
    /// Time goes on.
    void pass(unsigned what, std::uint64_t ps, std::uint64_t bytes = 0) {
        if (trace_ != nullptr && ps > 0) [[unlikely]]
            tell(what, ps, bytes);
        clock_ += ps;
    }
    void tell(unsigned what, std::uint64_t ps, std::uint64_t bytes);
    void synchronize();
    void join();
    template <class Until>
    void sleep_until(std::uint32_t* word, Until until);

    std::atomic_ref<std::uint32_t> state() { return std::atomic_ref<std::uint32_t>(status_.state); }
    std::atomic_ref<std::uint64_t> shared_clock() {
        return std::atomic_ref<std::uint64_t>(status_.clock_ps);
    }
    std::uint32_t written() {
        return std::atomic_ref<std::uint32_t>(status_.written).load(std::memory_order_acquire);
    }

    fm_host_status& status_;
    const fm_host_costs costs_;
    fm_host_trace* trace_ = nullptr;
    std::function<void()> kick_;
    std::function<bool()> dead_;
    std::uint64_t clock_ = 0;
    std::uint32_t seen_ = 0;  // `written`, at the last look
    unsigned crowded_ = 0;    // waits left in which not to poll
    bool joined_ = false;     // as far as this process knows
};

}  // namespace dev::fm
