// What this host is: who else of the job runs on it, and how many CPUs they may use.
#pragma once

#include <string>
#include <vector>

#include "adi/boot/boot.hpp"
#include "adi/device.hpp"

namespace adi {

/// This host's name as people know it; "localhost" when it has none.
std::string host_name();

/// The peers on this host, ascending, this process included. Asks the launcher;
/// where it does not say, exchanges host names (one fence).
Result<std::vector<Peer>> local_peers(Bootstrap& boot);

/// CPUs that this process may use: its affinity, bounded by the cgroup's quota.
int own_cpus();

/// CPUs that the processes of this job on this host may use together: the launcher's affinity (a
/// rank's own may be narrower because the launcher bound it), bounded by the cgroup's quota.
int available_cpus();

/// Moves this process, the `index`-th of `processes` on this host, to a CPU of its own when there
/// are enough, and then leaves it free again: a place, not a binding. The kernel may start several
/// ranks on one CPU and take a second to notice. Does nothing for a process that somebody bound.
void take_own_cpu(std::size_t index, std::size_t processes);

}  // namespace adi
