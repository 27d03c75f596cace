// Which process takes which place of a grid, so that neighbours are near each other.
#pragma once

#include <compare>
#include <vector>

#include "mpi/topo/topology.hpp"

namespace mpi::topo {

/// Where a process runs: processes with the same host, and on it with the same NUMA domain, are
/// near. The numbers mean nothing else.
struct Locality {
    int host = 0;
    int numa = 0;
    auto operator<=>(const Locality&) const = default;
};

/// The rank in the grid of each process of `localities`; those from the grid's size on keep theirs
/// and are not in it. The processes of a host get a block of the grid with as few links to others
/// as possible, and those of a NUMA domain a block of that. When that saves no link between hosts
/// or domains, everybody keeps his rank.
std::vector<int> arrange(const Cart& cart, const std::vector<Locality>& localities);

/// Links of the grid between hosts, and within hosts between NUMA domains, when process p has
/// rank ranks[p].
struct Cut {
    long long hosts = 0;
    long long numas = 0;
    auto operator<=>(const Cut&) const = default;
};
Cut cut_of(const Cart& cart, const std::vector<Locality>& localities,
           const std::vector<int>& ranks);

}  // namespace mpi::topo
