// Which host, and which CPUs of it, each rank gets. Pure: machines come in as data.
#pragma once

#include <string>
#include <vector>

#include "mpi/launch/machine.hpp"
#include "mpi/launch/options.hpp"
#include "mpi/launch/plan.hpp"

namespace launch {

/// Where one process goes.
struct Spot {
    int host = 0;
    int part = -1;          ///< of the level that is mapped by; -1: anywhere on the host
    std::vector<int> cpus;  ///< system numbers; empty: not bound
};

/// How many processes each host takes before it is full.
std::vector<int> capacities(const PlacePolicy& policy, int per_host,
                            const std::vector<HostEntry>& hosts,
                            const std::vector<Machine>& machines);

/// Spreads `processes` over hosts and their parts, in the order of their numbers. More than the
/// capacities hold go on top, layer by layer. None and a sentence in `error` when they may not.
std::vector<Spot> spread(const PlacePolicy& policy, const std::vector<int>& capacities,
                         const std::vector<HostEntry>& hosts, const std::vector<Machine>& machines,
                         int processes, std::string* error);

/// Gives the spots of one host, in the order in which they were spread, their CPUs. False: CPUs
/// would be shared that may not be, and no spot has got any.
bool bind_spots(const PlacePolicy& policy, const Machine& machine, const std::vector<Spot*>& spots);

/// Puts spots into the order of --rank-by.
void number_spots(const PlacePolicy& policy, const std::vector<Machine>& machines,
                  std::vector<Spot>* spots);

/// All of it: gives each rank of the plan its host and CPUs, and the plan its ranks where their
/// number follows from the places. `machines` has all hosts of the options (one, when they name
/// none); `notes` are lines for people. False: `error` is a sentence.
bool place_ranks(const Options& options, std::vector<Machine> machines, JobPlan* plan,
                 std::vector<std::string>* notes, std::string* error);

}  // namespace launch
