// Communicators (MPI-5.0 §7.4).
#pragma once

#include <mpi.h>

#include <cstdint>
#include <string>

#include "mpi/core/errhandler.hpp"
#include "mpi/core/group.hpp"
#include "mpi/core/object.hpp"

namespace mpi {

namespace coll {
struct State;  // what the collectives keep per communicator; owned by mpi/coll
void destroy(State* state);
}  // namespace coll

/// An intracommunicator. A context is an integer that the ADI matches on: point-to-point traffic
/// uses `context`, collectives use `context + 1`, so neither ever sees the other's messages.
/// References are held by the handle and by every request that is active on the communicator.
struct Comm : Object {
    int rank = 0;
    int size = 0;
    std::uint32_t context = 0;
    bool world_order = false;          ///< rank i is process i: no translation needed
    Group* group = nullptr;            ///< rank → process; one reference held
    Errhandler* errhandler = nullptr;  ///< one reference held
    coll::State* coll = nullptr;       ///< made at the first collective that needs it
    std::string name;

    /// The process of a valid rank.
    Process process(int r) const {
        return world_order ? static_cast<Process>(r) : group->members[static_cast<std::size_t>(r)];
    }
    std::uint32_t coll_context() const { return context + 1; }
};

template <>
struct HandleTraits<Comm> {
    static constexpr Kind kind = Kind::comm;
    static constexpr Id first = 0x100, count = 3;
};

/// Fills in a communicator of `group`, of which this process is a member: takes over one reference
/// of the group, shares `errhandler`, has no name.
void set_up_comm(Comm& comm, Group* group, std::uint32_t context, Errhandler* errhandler);

/// Makes a communicator as set_up_comm() does, with a handle and one reference; null, with the
/// group's reference still the caller's, when there is no room for more.
Comm* make_comm(Group* group, std::uint32_t context, Errhandler* errhandler);

inline void retain(Comm* comm) {
    ++comm->refs;
}
/// Drops one reference; the last one gives back the context and destroys the communicator. Not for
/// the last reference of MPI_COMM_WORLD and MPI_COMM_SELF.
void release(Comm* comm);

}  // namespace mpi
