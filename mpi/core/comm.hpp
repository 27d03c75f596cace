// Communicators (MPI-5.0 §7.4).
#pragma once

#include <mpi.h>

#include <cstdint>
#include <memory>
#include <string>

#include "mpi/core/attribute.hpp"
#include "mpi/core/errhandler.hpp"
#include "mpi/core/group.hpp"
#include "mpi/core/object.hpp"

namespace mpi {

namespace coll {
struct State;  // what the collectives keep per communicator; owned by mpi/coll
void destroy(State* state);
}  // namespace coll
namespace pt2pt {
class SendBuffer;
}

namespace topo {
class Topology;  // mpi/topo/topology.hpp
}  // namespace topo

/// Contexts that come with a communicator's own, for messages of the library: added to it.
enum class Side : std::uint32_t {
    host = 1U << 27,     ///< the ranks of one host (mpi/coll/hosts.hpp)
    hosts = 1U << 28,    ///< the leaders of the hosts
    local = 1U << 29,    ///< an intercommunicator's local communicator
    group = 1U << 30,    ///< MPI_Comm_create_group; between an intercommunicator's leaders
    leaders = 1U << 31,  ///< MPI_Intercomm_create: between the leaders
};

/// A communicator. A context is an integer that the ADI matches on: point-to-point traffic uses
/// `context`, collectives use `context + 1`, so neither ever sees the other's messages. References
/// are held by the handle and by every request that is active on the communicator.
///
/// In an intercommunicator a process speaks to the ranks of the remote group, whose members do not
/// speak to each other there: the two groups share the context. What the processes of one side do
/// together they do on `local`.
struct Comm : Object {
    int rank = 0;       ///< of this process in its own group
    int size = 0;       ///< of that group
    int peer_size = 0;  ///< ranks that can be sent to and received from: `size`, or the remote one
    std::uint32_t context = 0;
    bool world_order = false;  ///< peer i is process i: no translation needed
    bool broken = false;       ///< a member is lost (mpi/core/failure.hpp)
    Group* group = nullptr;    ///< this process's group; one reference held
    Group* peers = nullptr;    ///< peer → process: `group`, or the remote one, held once
    Comm* local = nullptr;     ///< of an intercommunicator: one of `group`, owned; else null
    Errhandler* errhandler = nullptr;  ///< one reference held
    coll::State* coll = nullptr;       ///< made at the first collective that needs it
    std::int32_t negotiations = 0;     ///< begun on it, the same number on all members
    std::shared_ptr<const topo::Topology> topology;  ///< null when there is none
    std::shared_ptr<pt2pt::SendBuffer> send_buffer;  ///< MPI_Comm_attach_buffer
    AttributeList attributes;
    std::uint8_t hints = 0;  ///< see mpi/comm/hints.cpp
    std::string name;

    bool is_inter() const { return local != nullptr; }
    /// The process of a valid rank to send to or receive from.
    Process process(int r) const {
        return world_order ? static_cast<Process>(r) : peers->members[static_cast<std::size_t>(r)];
    }
    std::uint32_t coll_context() const { return context + 1; }
    std::uint32_t side_context(Side side) const {
        return context | static_cast<std::uint32_t>(side);
    }
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

/// The same for an intercommunicator between `group`, of which this process is a member, and
/// `remote`, the references of both taken over or left alone.
Comm* make_intercomm(Group* group, Group* remote, std::uint32_t context, Errhandler* errhandler);

/// Gives a communicator that was made with context 0 its context.
void set_context(Comm& comm, std::uint32_t context);

inline void retain(Comm* comm) {
    ++comm->refs;
}
/// Gives back the context and destroys the communicator, which has no reference any more.
void destroy_comm(Comm* comm);
/// Drops one reference; the last one destroys the communicator. Not for the last reference of
/// MPI_COMM_WORLD and MPI_COMM_SELF.
inline void release(Comm* comm) {
    if (--comm->refs == 0) destroy_comm(comm);
}

}  // namespace mpi
