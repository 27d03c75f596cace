// When a device looks again that needs a system call for it.
#pragma once

#include <algorithm>
#include <chrono>

namespace dev {

/// The pause between two looks is a part of the time for which nothing came, so that looks in vain
/// cost other devices little; and at most kLongest.
class LookPause {
  public:
    using Clock = std::chrono::steady_clock;

    /// There is something to see to: the next look is due at once.
    void end() { ended_ = true; }
    /// The look found something.
    void found() { last_event_ = next_ = Clock::now(); }
    /// Shall the device look now? `anyway`: yes.
    bool over(bool anyway) {
        if (anyway || ended_) {
            ended_ = false;
            return true;
        }
        const Clock::time_point now = Clock::now();
        if (now < next_) return false;
        next_ = now + std::min<Clock::duration>((now - last_event_) / kShare, kLongest);
        return true;
    }

  private:
    static constexpr int kShare = 32;
    static constexpr std::chrono::microseconds kLongest{20};

    bool ended_ = true;
    Clock::time_point last_event_ = Clock::now(), next_;
};

}  // namespace dev
