// A host as ranks are placed on it: its CPUs, and which parts of the host each is in.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "adi/base/hardware.hpp"
#include "mpi/launch/place_policy.hpp"

namespace launch {

struct Cpu {
    int number = 0;  ///< the system's
    /// By Level, the number of the part that it is in. A host without such parts has one for each
    /// next larger part (or, of cores, for each CPU).
    std::array<int, kLevels> part{};

    int part_of(Level level) const { return part[static_cast<std::size_t>(level)]; }
};

struct Machine {
    int available = 0;      ///< CPUs that processes can use at a time: affinity, bounded by quotas
    std::vector<Cpu> cpus;  ///< those that may be used, in the hardware's order; empty: not known

    /// The parts of a level, in their order.
    std::vector<int> parts(Level level) const;
    /// What is left of it with these cores only (or hardware threads), counted from 0.
    Machine restricted_to(const std::vector<int>& numbers, Level level) const;
};

/// From what hwloc tells; all of it available.
Machine make_machine(const std::vector<adi::HardwareCpu>& cpus);

/// This host, with its parts where `with_parts`: that takes some milliseconds.
Machine this_machine(bool with_parts);

/// As Open MPI says it: "bound to socket 0[core 0[hwt 0]], socket 0[core 1[hwt 0]]: [B/B/.][./.]".
/// `cpus` are system numbers; empty: not bound.
std::string describe_binding(const Machine& machine, const std::vector<int>& cpus);

}  // namespace launch
