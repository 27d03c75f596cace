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
struct Comm : Object {
    int rank = 0;
    int size = 0;
    std::uint32_t context = 0;
    bool world_order = false;       ///< rank i is process i: no translation needed
    Group* group = nullptr;         ///< rank → process; one reference held
    Errhandler* errhandler = nullptr;  ///< one reference held
    coll::State* coll = nullptr;    ///< made at the first collective that needs it
    std::string name;

    /// The process of a valid rank.
    Process process(int r) const {
        return world_order ? static_cast<Process>(r)
                           : group->members[static_cast<std::size_t>(r)];
    }
    std::uint32_t coll_context() const { return context + 1; }
};

template <>
struct HandleTraits<Comm> {
    static constexpr Kind kind = Kind::comm;
    static constexpr Id first = 0x100, count = 3;
};

inline void retain(Comm* comm) { ++comm->refs; }
/// Drops one reference; the last one gives back the context and destroys the communicator.
void release(Comm* comm);

}  // namespace mpi
