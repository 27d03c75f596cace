// Lockstep: in modelled time the emulator and the processes of its hosts share one clock.
//
// Each process has a clock of its own in its fm_host_status. Before it touches the board, or looks
// at memory that the board writes, it publishes its clock and waits until the emulator has done
// everything before that time; the emulator never goes beyond the least clock of those that run. So
// each access happens at its exact time, in the order of time, however fast the processes really
// are. A process with nothing to do waits, and the emulator, which knows when something is written
// for it, says when it goes on. State changes by compare-and-swap: both sides make them.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "firmware/emulator/machine.hpp"
#include "firmware/emulator/simulation.hpp"
#include "firmware/protocol/attach.h"

namespace emulator {

class Lockstep {
  public:
    using WallClock = std::chrono::steady_clock;

    /// A process attached to an endpoint.
    class Host {
      public:
        explicit Host(fm_host_status* status) : status_(status) {}

      private:
        friend Lockstep;
        fm_host_status* status_;
        std::uint64_t seen_ps_ = 0;      // its clock, when it moved last ...
        WallClock::time_point moved_{};  // ... and when that was
    };

    /// `simulation` outlives it. `patience`: how long time waits for a process that does not move.
    explicit Lockstep(Simulation& simulation,
                      WallClock::duration patience = std::chrono::seconds(2))
        : simulation_(simulation), patience_(patience) {}

    Host* add(fm_host_status* status);
    void remove(Host* host);

    /// Time waits for it from now on, whether it has asked to join or not: the processes of a job
    /// begin at the same time.
    void begin(Host& host);
    /// Something was written for the process, now: it goes on if it waited, which ends advance().
    void release(Host& host);

    /// Lets those in who want to join. The time up to which the emulator may go: the least clock of
    /// those that run; kNever when none does.
    Time horizon();
    /// Somebody waits: time may go on to what happens next.
    bool waiting() const;
    /// Tells the processes that everything before now() has happened.
    void publish();

  private:
    void admit(fm_host_status& status, std::uint32_t from, Time now);
    bool stands_still(Host& host, std::uint64_t clock) const;

    Simulation& simulation_;
    WallClock::duration patience_;
    std::vector<std::unique_ptr<Host>> hosts_;
};

/// The costs of the machine's host processor, as processes see them.
fm_host_costs host_costs(const Machine& machine);

}  // namespace emulator
