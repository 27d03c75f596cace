// Process groups (MPI-5.0 §7.3).
//
// A group handle always has an object of its own: MPI_Comm_group copies the list rather than share
// the communicator's group, so that a freed handle is known as freed. processes.hpp tells what a
// list costs.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "mpi/core/object.hpp"
#include "mpi/core/processes.hpp"

namespace mpi {

namespace pt2pt {
class SendBuffer;
}

/// An ordered set of processes. Immutable once made.
struct Group : Object {
    Processes members;  ///< rank in the group → process; no process twice
    int rank = -1;      ///< this process's rank, or -1 when it is no member
    /// Where the session that the group comes from keeps its buffer for buffered sends, which
    /// serves the communicators made from it too (MPI-5.0 §3.6); null in the world model.
    std::shared_ptr<std::shared_ptr<pt2pt::SendBuffer>> session_buffer;

    int size() const { return static_cast<int>(members.size()); }
    /// Rank of `process` in this group or -1: O(1) where the processes lie at equal distances. Else
    /// the first call looks at the whole group once, and each takes O(log size).
    int rank_of(Process process) const;

  private:
    enum class Order : std::uint8_t { unknown, ascending, permuted };
    void find_order() const;

    mutable Order order_ = Order::unknown;
    mutable std::vector<std::uint32_t> by_process_;  ///< permuted: ranks in order of processes
};

template <>
struct HandleTraits<Group> {
    static constexpr Kind kind = Kind::group;
    static constexpr Id first = 0x108, count = 2;
};

/// Makes a group of `members` (moved in) with this process's rank filled in; null when out of
/// memory. The caller owns one reference. The group belongs to the session of `from`.
Group* make_group(Processes members, const Group& from);

inline void retain(Group* group) {
    ++group->refs;
}
/// Drops one reference; the last one destroys a group that make_group() made.
void release(Group* group);

/// Binds MPI_GROUP_EMPTY; called once by MPI_Init.
void predefine_groups();

}  // namespace mpi
