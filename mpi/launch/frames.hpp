// What mpirun and its proxies say to each other, as bytes: frames of a length, a type and fields.
// Both ends are the same version of the same program with the same frames (`hello` sees to that),
// yet nothing that comes is believed before it is checked.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "mpi/launch/machine.hpp"
#include "mpi/launch/plan.hpp"
#include "mpi/launch/rank_state.hpp"

namespace launch {

/// Counts what is said by frames: their numbers, fields, and what these mean. Who changes one of
/// them raises it by one.
inline constexpr int kControlProtocol = 1;

enum class Frame : std::uint8_t {
    // Down.
    spread = 1,    ///< host's own number, hosts to start from there
    job,           ///< the plan
    input,         ///< rank, bytes
    release,       ///< values
    signal,        ///< number
    hold,          ///< 0 or 1
    close_output,  ///< rank, is_stderr
    join_fabric,   ///< where the first host's Myrinet listens
    rank_lost,     ///< rank
    invite,        ///< rank, who wants it to connect
    ask_states,
    end,
    // Both ways.
    beat,
    // Up: the events of HostEvents, and the fence.
    hello = 32,  ///< version, machine
    ready,
    fabric,  ///< where this host's Myrinet listens
    lost,
    note,
    started,
    start_failed,
    exited,
    output,
    input_taken,
    phase,
    waiting,
    absent,
    abort,
    broken,
    fence,
    state,
    ended,
    way_lost,    ///< rank, peer, why
    way_wanted,  ///< rank, peer
};

/// Both ends begin with it, so that what a shell prints before is told from what counts.
inline constexpr std::string_view kGreeting = "\nFATHOM-PROXY-1\n";
/// A job's plan and all values of its bootstrap fit in.
inline constexpr std::uint32_t kMostFrameBytes = std::uint32_t{1} << 30;

/// No host has more CPUs, nor numbers above.
inline constexpr int kMostCpus = 1 << 16;

class Writer {
  public:
    Writer& number(std::int64_t value) {
        for (int shift = 0; shift < 64; shift += 8) {
            bytes_ += static_cast<char>(static_cast<std::uint64_t>(value) >> shift & 0xff);
        }
        return *this;
    }
    Writer& text(std::string_view value) {
        number(static_cast<std::int64_t>(value.size()));
        bytes_ += value;
        return *this;
    }
    Writer& values(const Values& values);
    Writer& plan(const JobPlan& plan);
    Writer& machine(const Machine& machine);
    Writer& state(const RankState& state);
    const std::string& bytes() const { return bytes_; }

  private:
    std::string bytes_;
};

/// Fields come in the order in which they were written. After the first that is not there, or out
/// of its range, all are empty and good() is false.
class Reader {
  public:
    explicit Reader(std::string_view bytes) : rest_(bytes) {}
    std::int64_t number(std::int64_t least, std::int64_t most);
    int integer(int least, int most) { return static_cast<int>(number(least, most)); }
    std::string_view text();
    Values values();
    JobPlan plan();
    Machine machine();
    RankState state();
    /// What was read makes no sense: as if a field were out of its range.
    void refuse() {
        good_ = false;
        rest_ = {};
    }
    bool good() const { return good_; }
    /// All was read, and nothing was wrong.
    bool done() const { return good_ && rest_.empty(); }

  private:
    /// A count of things that take at least `each` bytes.
    std::size_t count(std::size_t each);

    std::string_view rest_;
    bool good_ = true;
};

}  // namespace launch
