// A job as it is planned: its programs, and which rank runs where. mpirun makes the plan, and every
// host of the job gets the whole of it.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace launch {

/// What the ranks of one program share.
struct ProgramImage {
    std::string path;       ///< empty: each host looks for argv[0] itself
    std::string directory;  ///< empty: stay
    std::vector<std::string> argv;
    std::vector<std::string> environment;
};

/// What the emulated Myrinet of --device fm is asked for, in the words of fm-fabric.
struct FabricOptions {
    std::vector<std::pair<std::string, std::string>> values;
    std::vector<std::string> flags;
};

struct RankPlan {
    int host = 0;  ///< number of the host
    int appnum = 0;
    std::vector<int> cpus = {};  ///< that it is bound to, by the system's numbers; empty: to none
};

struct JobPlan {
    std::string name;    ///< of the bootstrap's table, unlike that of any other job on these hosts
    std::string secret;  ///< 64 hexadecimal digits, which the processes of this job alone know
    std::vector<ProgramImage> programs;
    std::vector<RankPlan> ranks;
    int stdin_target = 0;  ///< a rank, kStdinAll or kStdinNone
    bool wants_fabric = false;
    FabricOptions fabric;
    std::uint32_t fabric_key = 0;  ///< of this job's endpoints on the boards

    int size() const { return static_cast<int>(ranks.size()); }
    const RankPlan& at(int rank) const { return ranks[static_cast<std::size_t>(rank)]; }
    const ProgramImage& program_of(int rank) const {
        return programs[static_cast<std::size_t>(at(rank).appnum)];
    }
    bool reads_input(int rank) const;
    std::vector<int> ranks_on(int host) const;
    /// Those with ranks, ascending.
    std::vector<int> hosts_used() const;
    /// The reserved value PMI_process_mapping: "(vector,(first host,hosts,ranks on each),...)",
    /// to be read again and again until all ranks have a host.
    std::string process_mapping() const;
};

/// What ranks tell each other through the bootstrap.
using Values = std::vector<std::pair<std::string, std::string>>;

}  // namespace launch
