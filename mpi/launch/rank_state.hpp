// What ranks do, told to a person who wants to know why a job does not go on.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "adi/boot/board.hpp"

namespace launch {

/// What one rank does, as it stands on its host's board (adi/boot/board.hpp).
struct RankState {
    int rank = 0;
    adi::BoardPhase phase = adi::BoardPhase::none;
    bool waits = false;
    bool looks = false;            ///< calls MPI, which finds nothing
    std::int64_t since_ms = 0;     ///< how long it has waited; or ago the last long wait ended
    std::uint32_t unexpected = 0;  ///< messages that nobody has received
    std::uint32_t posted = 0;      ///< receives without a message
    std::string call;              ///< of the wait; empty: there was no long one
};

/// One line for all ranks that do the same, the largest group first; the last line names the ranks
/// that do something else than most.
std::vector<std::string> describe_states(const std::vector<RankState>& states);

}  // namespace launch
