// The environment of a program's ranks.
#pragma once

#include <string>
#include <vector>

#include "mpi/launch/options.hpp"

namespace launch {

/// "NAME=VALUE" strings for one program: what its policy passes on from `inherited` (an environ
/// array) and the assignments, the program's own over the job's. Variables by which a launcher
/// talks to its ranks are never passed on: they would be those of a launcher above mpirun.
std::vector<std::string> make_environment(const char* const* inherited,
                                          const EnvironmentPolicy& policy, const Program& program);

/// Sets one in a list of NAME=VALUE.
void set_variable(const std::string& name, const std::string& value,
                  std::vector<std::string>* environment);

}  // namespace launch
