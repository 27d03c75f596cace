#include "adi/base/host.hpp"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>

namespace adi {
namespace {

int affinity_cpus(pid_t pid) {
    cpu_set_t* set = CPU_ALLOC(4096);
    const std::size_t bytes = CPU_ALLOC_SIZE(4096);
    const int n = sched_getaffinity(pid, bytes, set) == 0 ? CPU_COUNT_S(bytes, set) : 0;
    CPU_FREE(set);
    return n;
}

/// Whole CPUs that a cgroup quota allows, 0 for no limit.
int cgroup_quota() {
    long long quota = 0, period = 0;
    if (std::ifstream v2("/sys/fs/cgroup/cpu.max"); v2 >> quota >> period) {
        if (period > 0) return static_cast<int>(std::max<long long>(1, quota / period));
    }
    std::ifstream q("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
    std::ifstream p("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
    if (q >> quota && p >> period && quota > 0 && period > 0) {
        return static_cast<int>(std::max<long long>(1, quota / period));
    }
    return 0;
}

/// A name of this host that its peers, and only they, share: containers have host names of their
/// own, and processes of one boot but different IPC worlds differ in it too.
std::string host_identity() {
    std::string boot_id;
    std::ifstream("/proc/sys/kernel/random/boot_id") >> boot_id;
    char space[64] = "";
    const ssize_t n = readlink("/proc/self/ns/pid", space, sizeof space - 1);
    return host_name() + "/" + boot_id + "/" +
           std::string(space, n > 0 ? static_cast<std::size_t>(n) : 0);
}

}  // namespace

std::string host_name() {
    char name[256] = "";
    if (gethostname(name, sizeof name - 1) != 0 || *name == '\0') return "localhost";
    return name;
}

int own_cpus() {
    const int cpus = std::max(affinity_cpus(0), 1);
    const int quota = cgroup_quota();
    return quota > 0 ? std::min(cpus, quota) : cpus;
}

int available_cpus() {
    const int cpus = std::max({affinity_cpus(0), affinity_cpus(getppid()), 1});
    const int quota = cgroup_quota();
    return quota > 0 ? std::min(cpus, quota) : cpus;
}

void take_own_cpu(std::size_t index, std::size_t processes) {
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
    const auto cpus = static_cast<std::size_t>(CPU_COUNT(&allowed));
    if (cpus < processes || CPU_COUNT(&allowed) < affinity_cpus(getppid())) return;
    std::size_t skip = index * cpus / processes;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
        if (!CPU_ISSET(cpu, &allowed) || skip-- != 0) continue;
        cpu_set_t own;
        CPU_ZERO(&own);
        CPU_SET(cpu, &own);
        if (sched_setaffinity(0, sizeof own, &own) == 0) {
            sched_setaffinity(0, sizeof allowed, &allowed);
        }
        return;
    }
}

Result<std::vector<Peer>> local_peers(Bootstrap& boot) {
    const int size = boot.size();
    std::vector<Peer> local;
    if (size == 1) return std::vector<Peer>{0};
    if (const std::vector<int> ranks = boot.local_ranks(); !ranks.empty()) {
        for (const int rank : ranks) local.push_back(static_cast<Peer>(rank));
        return local;
    }
    const std::string mine = host_identity();
    const auto key = [](int r) { return "fathom-host-" + std::to_string(r); };
    if (Result<bool> put = boot.put(key(boot.rank()), mine); !put) {
        return {put.status(), put.message()};
    }
    if (Result<bool> fence = boot.fence(); !fence) return {fence.status(), fence.message()};
    for (int r = 0; r < size; ++r) {
        Result<std::string> theirs = boot.get(r, key(r));
        if (!theirs) return {theirs.status(), theirs.message()};
        if (*theirs == mine) local.push_back(static_cast<Peer>(r));
    }
    return local;
}

}  // namespace adi
