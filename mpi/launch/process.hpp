// What mpirun and its proxies do with themselves as processes.
#pragma once

#include <string>
#include <vector>

#include "mpi/launch/spawn.hpp"

namespace launch {

/// Makes sure that there are standard streams: a pipe must never take the number of one.
void open_standard_streams();

/// Blocks all signals, and returns how this process found them.
InheritedState take_over_signals();

/// A program of this installation: the first of `places`, relative to the folder of this one, that
/// can be executed; or empty. In a build tree folders differ from those installed.
std::string find_beside(const std::vector<std::string>& places);

}  // namespace launch
