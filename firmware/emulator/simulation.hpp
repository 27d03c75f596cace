// The emulator's clock: who does what next.
//
// Two modes (chosen once). In *modelled time* everything happens in the order of its modelled time,
// and exactly then: an event queue, boards that run up to the next event, and hosts that time waits
// for (Lockstep). *Fast*: what takes modelled time in the other mode happens as soon as possible,
// in the order in which it was asked for; only timers (firmware's, time-outs, faults that last)
// follow the wall clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <queue>
#include <vector>

#include "firmware/emulator/cable.hpp"

namespace emulator {

/// What components (boards' DMA engines, links, switches) ask of the clock. Implemented by
/// Simulation (firmware/emulator/simulation.cpp); tests of a component may have their own.
class Scheduler {
  public:
    virtual ~Scheduler() = default;
    virtual bool timed() const = 0;
    /// Modelled time: the time of the event that is being handled, or of the board that runs.
    /// Fast: the wall clock since the start.
    virtual Time now() const = 0;
    /// Calls `action` at `when`, not from within this call. Work of the hardware that takes
    /// modelled time: in fast mode `when` is ignored, and it happens soon, in order of the calls.
    virtual void at(Time when, std::function<void()> action) = 0;
    /// Calls `action` at `when` in both modes: timers.
    virtual void timer(Time when, std::function<void()> action) = 0;
};

/// Later than anything.
constexpr Time kNever = std::numeric_limits<Time>::max();

/// A board's processor as the clock sees it.
class Processor {
  public:
    virtual ~Processor() = default;
    /// It polls and none of what it looks at has changed, or it has stopped for good.
    virtual bool idle() const = 0;
    /// It polls, and nothing has woken it: idle() without a look at what others may have stored.
    virtual bool asleep() const = 0;
    /// Other processes may store into its memory.
    virtual bool shared() const = 0;
    /// Fast: executes at most so many instructions.
    virtual void run(std::uint64_t instructions) = 0;
    /// Modelled time: executes the instructions that begin before `until`, or before a nearer bound
    /// that stop_at() sets meanwhile. Turns of an idle loop are skipped. While it is idle its time
    /// may lag; what wakes it brings it along first.
    virtual void run_until(Time until) = 0;
    /// Modelled time: when its next instruction begins.
    virtual Time now() const = 0;
    /// Modelled time, from within run_until(): an event was put at `until`.
    virtual void stop_at(Time until) = 0;
};

/// The clock. One thread; the loop around it is Emulator's.
class Simulation final : public Scheduler {
  public:
    explicit Simulation(bool timed) : timed_(timed) {}

    bool timed() const override { return timed_; }
    Time now() const override;
    void at(Time when, std::function<void()> action) override;
    void timer(Time when, std::function<void()> action) override;

    /// Modelled time that a processor may run ahead of another: at most what a packet's head needs
    /// from one to the other.
    void set_lookahead(Time lookahead) { lookahead_ = lookahead; }
    void add(Processor& processor) { processors_.push_back(&processor); }

    /// Modelled time: everything that happens before `until`, unless stop() is called meanwhile.
    /// Afterwards now() is `until`, or where it stopped, and all processors with shared memory have
    /// got so far: what a process stores then is stored at that time.
    void advance(Time until);
    /// Ends advance() at now(), from within what is being handled.
    void stop();
    /// Modelled time: there is an event, or a processor that works.
    bool pending() const;

    /// Fast: does what is to be done now. False: there was nothing.
    bool turn();
    /// Fast: when the next timer is due; kNever without one.
    Time next_timer() const { return timers_.empty() ? kNever : timers_.top().when; }

  private:
    struct Event {
        Time when;
        std::uint64_t order;  // among those of one time: first come, first served
        std::function<void()> action;
        bool operator<(const Event& other) const {
            return when != other.when ? when > other.when : order > other.order;
        }
    };
    using Queue = std::priority_queue<Event>;

    void handle_first();
    bool run_timers();
    void run(Processor& processor, Time until);

    const bool timed_;
    Time lookahead_ = 0;
    const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
    Time now_ = 0;
    bool stopped_ = false;
    std::uint64_t order_ = 0;
    Processor* running_ = nullptr;
    Time bound_ = kNever;                     // of the processor that runs
    Queue timers_;                            // modelled time: all events
    std::deque<std::function<void()>> soon_;  // fast: what at() got
    std::vector<Processor*> processors_;
    std::vector<bool> active_;  // during advance(), by processor
};

}  // namespace emulator
