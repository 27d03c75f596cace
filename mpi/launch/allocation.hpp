// The hosts that a batch system has given to this job, as its variables tell.
#pragma once

#include <string>
#include <vector>

#include "mpi/launch/options.hpp"

namespace launch {

/// Looks for an allocation of Slurm, LSF, PBS or SGE; `manager` (slurm, lsf, pbs, sge) restricts it
/// to one. No hosts: there is none, or `error` says what is wrong with it. Reads the files that the
/// variables name.
Allocation find_allocation(const char* (*lookup)(const char* name), const std::string& manager,
                           std::string* error);

}  // namespace launch
