// A board, with its driver, as the clock sees it.
#pragma once

#include "firmware/emulator/driver.hpp"
#include "firmware/emulator/simulation.hpp"

namespace emulator {

class BoardProcessor final : public Processor {
  public:
    /// `driver` outlives it.
    explicit BoardProcessor(Driver& driver) : driver_(driver), board_(driver.board()) {}
    bool idle() const override { return board_.idle(); }
    bool asleep() const override { return board_.asleep(); }
    bool shared() const override { return driver_.in_use(); }
    void run(std::uint64_t instructions) override { board_.run(instructions); }
    void run_until(Time until) override { board_.run_until(until); }
    Time now() const override { return board_.now(); }
    void stop_at(Time until) override { board_.stop_at(until); }

  private:
    Driver& driver_;
    Board& board_;
};

}  // namespace emulator
