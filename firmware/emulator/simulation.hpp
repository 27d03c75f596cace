// The emulator's clock: who does what next.
//
// Two modes (chosen once). In *modelled time* everything happens in the order of its modelled time,
// and exactly then: an event queue, boards that run up to the next event, and hosts that time waits
// for (Lockstep). *Fast*: what takes modelled time in the other mode happens as soon as possible, in
// the order in which it was asked for; only timers (firmware's, time-outs, faults that last) follow
// the wall clock.
#pragma once

#include <cstdint>
#include <functional>

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
    /// Calls `action` at `when`, not from within this call. Work of the hardware that takes modelled
    /// time: in fast mode `when` is ignored, and it happens soon, in order of the calls.
    virtual void at(Time when, std::function<void()> action) = 0;
    /// Calls `action` at `when` in both modes: timers.
    virtual void timer(Time when, std::function<void()> action) = 0;
};

}  // namespace emulator
