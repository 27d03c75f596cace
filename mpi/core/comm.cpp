#include "mpi/core/comm.hpp"

#include <algorithm>

#include "mpi/comm/context.hpp"
#include "mpi/core/failure.hpp"
#include "mpi/core/process.hpp"

namespace mpi {

namespace {

constexpr auto kLocal = static_cast<std::uint32_t>(Side::local);
/// Communicators of the library's own, whose context is another one's.
constexpr auto kBorrowed =
    kLocal | static_cast<std::uint32_t>(Side::host) | static_cast<std::uint32_t>(Side::hosts);

void set_peers(Comm& comm, Group* peers) {
    comm.peers = peers;
    comm.peer_size = peers->size();
    comm.world_order = peers->members.is_identity();
}

/// Has the network match what goes among the members, where it can; all of them find the same.
void choose_matching(Comm& comm) {
    static_assert(2 * ContextPool::kContexts <= adi::kNetworkContexts);
    if (comm.context == 0 || (comm.context & kBorrowed) != 0) return;
    if (comm.size + comm.peer_size == 2) return;  // messages to oneself, or of one pair
    const auto sources = static_cast<std::size_t>(std::max(comm.size, comm.peer_size));
    const auto all_matched = [sources](const Processes& members) {
        return std::all_of(members.begin(), members.end(), [sources](Process process) {
            return engine().network_matches(process, sources);
        });
    };
    if (all_matched(comm.group->members) && all_matched(comm.peers->members)) {
        comm.context |= adi::kNetworkContext;
    }
}

}  // namespace

void set_up_comm(Comm& comm, Group* group, std::uint32_t context, Errhandler* errhandler) {
    comm.rank = group->rank;
    comm.size = group->size();
    comm.context = context;
    comm.group = group;
    set_peers(comm, group);
    comm.errhandler = errhandler;
    retain(errhandler);
    check_members(comm);
    choose_matching(comm);
}

Comm* make_comm(Group* group, std::uint32_t context, Errhandler* errhandler) {
    Comm* comm = table<Comm>().create();
    if (comm != nullptr) set_up_comm(*comm, group, context, errhandler);
    return comm;
}

Comm* make_intercomm(Group* group, Group* remote, std::uint32_t context, Errhandler* errhandler) {
    Comm* local = make_comm(group, context | kLocal, errhandler);
    if (local == nullptr) return nullptr;
    retain(group);  // twice: the caller's reference is taken over only when all is well
    Comm* comm = make_comm(group, 0, errhandler);
    if (comm == nullptr) {
        release(local);
        return nullptr;
    }
    set_peers(*comm, remote);
    check_members(*comm);
    comm->local = local;
    set_context(*comm, context);
    return comm;
}

void set_context(Comm& comm, std::uint32_t context) {
    comm.context = context;
    choose_matching(comm);
    if (comm.local != nullptr) comm.local->context = context | kLocal;
}

void destroy_comm(Comm* comm) {
    if (comm->coll != nullptr) coll::destroy(comm->coll);
    if (comm->local != nullptr) release(comm->local);
    if (comm->peers != comm->group) release(comm->peers);
    release(comm->group);
    release(comm->errhandler);
    if (comm->context != 0 && (comm->context & kBorrowed) == 0) {
        context_pool().give_back(comm->context & ~adi::kNetworkContext);
    }
    table<Comm>().destroy(comm);
}

}  // namespace mpi
