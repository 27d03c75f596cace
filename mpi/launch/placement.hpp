// Which hosts a job has, and which rank goes where.
#pragma once

#include <string>
#include <vector>

#include "mpi/launch/job.hpp"

namespace launch {

/// The hosts that the options name, in their order, each once; this one when they name none.
Job::Hosts hosts_of(const Options& options);

/// Gives each rank of the plan its host: hosts are filled in order, each with as many ranks as it
/// has slots (`-ppn`; those that were said; else its CPUs); what is left over goes round by round.
/// False: `error` is a sentence.
bool place_ranks(const Options& options, const std::vector<int>& cpus, JobPlan* plan,
                 std::string* error);

}  // namespace launch
