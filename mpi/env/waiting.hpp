// What this process waits for, told on the launcher's board (adi/boot/board.hpp).
#pragma once

#include <cstdint>

#include "adi/engine/engine.hpp"

namespace mpi {

/// The engine's Hooks::waits and waited: for waits that have taken long already, so that they cost
/// nothing before. The call's name is found on the stack, its arguments are those of what it waits
/// for.
void tell_wait(const adi::Awaited& awaited, std::int64_t since_ns);
void tell_end_of_wait();

}  // namespace mpi
