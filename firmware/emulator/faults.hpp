// What is to go wrong in a fabric, and what did. Everything random comes from one seed.
//
// The text of --faults: clauses separated by commas or blanks.
//
//     seed=7                    of the random numbers (1)
//     drop=1e-3                 of the packets on every link and direction, that share is lost ...
//     corrupt=1e-4@left:3       ... gets a burst of wrong bits, at most 8 long (here: on one link)
//     duplicate=1e-4            ... comes twice
//     reorder=1e-4@5            ... comes after the next one (here: on board 5's link)
//     down=left:3@2s+500ms      the link is unplugged at 2 s, and in again 500 ms later
//     remove=right@1s           the switch loses power at 1 s (and for good, without +TIME)
//     reset=right@1s            the switch forgets the packets that are in it
//     slow=5:20us@1s+2s         board 5 takes each packet 20 us late
//
// Times are modelled time, or the wall clock's since the start in fast mode; units s, ms, us, ns.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "adi/base/status.hpp"
#include "firmware/emulator/cable.hpp"

namespace emulator {

/// Small, fast, the same on every machine (splitmix64).
class Random {
  public:
    explicit Random(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next() {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
        return z ^ (z >> 31);
    }
    /// 0..bound-1; bound is small.
    std::uint32_t below(std::uint32_t bound) {
        return static_cast<std::uint32_t>(((next() >> 32) * bound) >> 32);
    }
    /// True with this probability.
    bool chance(double rate) {
        return rate > 0 && static_cast<double>(next() >> 11) * 0x1p-53 < rate;
    }

  private:
    std::uint64_t state_;
};

struct FaultPlan {
    struct Rates {
        double drop = 0;
        double corrupt = 0;
        double duplicate = 0;
        double reorder = 0;
        bool any() const { return drop > 0 || corrupt > 0 || duplicate > 0 || reorder > 0; }
    };
    /// Rates of one link, instead of those of all; negative: as of all.
    struct LinkRates {
        std::string link;
        Rates rates{-1, -1, -1, -1};
    };
    enum class Event : std::uint8_t { down, remove, reset, slow };
    struct Scheduled {
        Event event = Event::down;
        std::string what;  ///< link, switch or board, as in the topology's text
        Time at = 0;
        Time lasts = 0;  ///< 0: for good
        Time delay = 0;  ///< of slow
    };

    std::uint64_t seed = 1;
    Rates all;
    std::vector<LinkRates> links;
    std::vector<Scheduled> scheduled;

    bool any_rate() const;
};

/// Reads the text above; the message of an error quotes the clause. Whether links and switches
/// exist is checked by Network::make.
adi::Result<FaultPlan> parse_faults(std::string_view text);

/// What was injected, by packets (drop ... reorder) and times.
struct FaultCounters {
    std::uint64_t dropped = 0;
    std::uint64_t corrupted = 0;
    std::uint64_t duplicated = 0;
    std::uint64_t reordered = 0;
    std::uint64_t links_down = 0;
    std::uint64_t switches_removed = 0;
    std::uint64_t switches_reset = 0;
    std::uint64_t slowed = 0;  ///< packets
};

}  // namespace emulator
