// A board as the clock sees it.
#pragma once

#include "firmware/emulator/driver.hpp"
#include "firmware/emulator/simulation.hpp"

namespace emulator {

class BoardProcessor final : public Processor {
  public:
    /// A board whose driver says whether processes store into it; the driver outlives this.
    explicit BoardProcessor(Driver& driver) : board_(driver.board()), driver_(&driver) {}
    /// One without a driver. `shared`: somebody stores into it while the clock stands.
    BoardProcessor(Board& board, bool shared) : board_(board), shared_(shared) {}

    bool idle() const override { return board_.idle(); }
    bool asleep() const override { return board_.asleep(); }
    bool shared() const override { return driver_ != nullptr ? driver_->in_use() : shared_; }
    void run(std::uint64_t instructions) override { board_.run(instructions); }
    void run_until(Time until) override { board_.run_until(until); }
    Time now() const override { return board_.now(); }
    void stop_at(Time until) override { board_.stop_at(until); }

  private:
    Board& board_;
    const Driver* driver_ = nullptr;
    const bool shared_ = false;
};

}  // namespace emulator
