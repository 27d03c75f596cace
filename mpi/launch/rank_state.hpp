// What ranks do, told to a person who wants to know why a job does not go on.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "adi/boot/board.hpp"

namespace launch {

/// What one rank does, as it stands on its host's board (adi/boot/board.hpp).
struct RankState : adi::BoardState {
    int rank = 0;
    bool looks = false;         ///< calls MPI, which finds nothing
    std::int64_t since_ms = 0;  ///< how long it has waited; or ago the last long wait ended
};

/// One line for all ranks that do the same, the largest group first; the last line names the ranks
/// that do something else than most.
std::vector<std::string> describe_states(const std::vector<RankState>& states);

}  // namespace launch
