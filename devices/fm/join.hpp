// How a process of a job finds its board: by the environment that mpirun --device fm sets. Shared
// by the fm device and the FM library.
//
//   FATHOM_FM_BOARD=emulator:NAME   the local socket of fm-fabric
//   FATHOM_FM_KEY=NUMBER            the job's key, 1 to 2^32 - 1, the same in all of its processes
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "adi/base/status.hpp"
#include "devices/fm/board.hpp"

namespace dev::fm {

/// What the environment says.
struct BoardPlace {
    std::string emulator;  ///< its name
    std::uint32_t key = 0;
};

/// `unsupported` when it names no board; `bad_argument` when it makes no sense.
adi::Result<BoardPlace> board_from_environment();

/// Opens the endpoint of node `node` of `nodes` there. Afterwards place() goes to all other nodes,
/// theirs come here, and Board::connect opens it for traffic.
adi::Result<std::unique_ptr<Board>> open_board(const BoardPlace& where, std::uint32_t node,
                                               std::uint32_t nodes);

/// A place as text for a business card, and back; false when it is none.
std::string place_to_text(std::uint32_t place);
bool place_from_text(const std::string& text, std::uint32_t* place);

}  // namespace dev::fm
