// Process groups (MPI-5.0 §7.3).
#pragma once

#include <cstdint>
#include <vector>

#include "mpi/core/object.hpp"

namespace mpi {

/// A process of the job: its rank in MPI_COMM_WORLD, which is also the ADI's peer number.
using Process = std::uint32_t;

/// An ordered set of processes. Immutable once made, shared by reference count between the group
/// handles and communicators that use it.
struct Group : Object {
    std::vector<Process> members;  ///< rank in the group → process
    int rank = -1;                 ///< this process's rank, or -1 when it is no member

    int size() const { return static_cast<int>(members.size()); }
    /// Rank of `process` in this group or -1. Linear only for groups that are not identity maps.
    int rank_of(Process process) const;
};

template <>
struct HandleTraits<Group> {
    static constexpr Kind kind = Kind::group;
    static constexpr Id first = 0x108, count = 2;
};

/// Makes a group of `members` (moved in) with this process's rank filled in; null when out of
/// memory. The caller owns one reference.
Group* make_group(std::vector<Process> members);
/// Drops one reference; the last one destroys the group.
void release(Group* group);

}  // namespace mpi
