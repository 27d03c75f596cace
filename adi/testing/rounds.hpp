// How long a fuzz test goes on: some rounds for who builds, a time for who looks for more.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>

#include "adi/base/config.hpp"

namespace adi::testing {

class Rounds {
  public:
    /// So many, or FATHOM_FUZZ_FACTOR times as many; or those that FATHOM_FUZZ_SECONDS have room
    /// for.
    explicit Rounds(std::int64_t usual)
        : most_(usual * config_number("FATHOM_FUZZ_FACTOR", 1, 1, 1'000'000)),
          seconds_(config_number("FATHOM_FUZZ_SECONDS", 0, 0, 1'000'000)),
          end_(Clock::now() + std::chrono::seconds(seconds_)) {}
    ~Rounds() {
        if (seconds_ > 0) std::printf("%lld inputs\n", static_cast<long long>(number_ + 1));
    }
    Rounds(const Rounds&) = delete;
    Rounds& operator=(const Rounds&) = delete;

    /// Is there another one?
    bool next() {
        ++number_;
        return seconds_ > 0 ? Clock::now() < end_ : number_ < most_;
    }
    /// Of the round that next() has begun, from 0.
    std::int64_t number() const { return number_; }

  private:
    using Clock = std::chrono::steady_clock;
    const std::int64_t most_, seconds_;
    const Clock::time_point end_;
    std::int64_t number_ = -1;
};

}  // namespace adi::testing
