// Intercommunicators (MPI-5.0 §7.6): made of two communicators, asked, and merged into one.
#include <vector>

#include "mpi/comm/create.hpp"
#include "mpi/core/check.hpp"
#include "mpi/gen/bodies.hpp"

namespace mpi {

Status comm_test_inter(Comm& comm, int& flag) {
    flag = comm.is_inter() ? 1 : 0;
    return Status::ok;
}

namespace {

Status needs_intercommunicator(const Comm& comm) {
    if (comm.is_inter()) return Status::ok;
    return fail(Status::comm,
                "the communicator is an intracommunicator, which has no remote group");
}

/// What the processes of a side need to know at the start of MPI_Intercomm_create.
struct Opening {
    int status;  ///< of the leader's arguments
    int remote_leader;
    Process peer;  ///< the remote leader
};

/// The leader's part; `peer_comm` and `remote_leader` are not significant elsewhere.
Status open(MPI_Comm peer_comm, int remote_leader, int tag, Opening& opening, Link& link) {
    Comm* peers = nullptr;
    if (Status s = check::handle("peer_comm", peer_comm, peers); s != Status::ok) return s;
    if (!check::in_range(remote_leader, *peers)) {
        return fail(Status::rank, "remote_leader is %d, must be 0 to %d", remote_leader,
                    peers->peer_size - 1);
    }
    if (!peers->is_inter() && remote_leader == peers->rank) {
        return fail(Status::rank, "remote_leader is %d, the local leader itself", remote_leader);
    }
    link = Link(peers->side_context(Side::leaders), peers->rank, tag);
    opening.remote_leader = remote_leader;
    opening.peer = peers->process(remote_leader);
    return Status::ok;
}

/// Both groups have no process in common; a process sees that for all.
Status check_disjoint(const Group& group, const std::vector<Process>& theirs) {
    for (const Process process : theirs) {
        if (group.rank_of(process) < 0) continue;
        return fail(Status::comm, "rank %u of MPI_COMM_WORLD is in both groups", process);
    }
    return Status::ok;
}

}  // namespace

Status comm_remote_size(Comm& comm, int& size) {
    if (Status s = needs_intercommunicator(comm); s != Status::ok) return s;
    size = comm.peer_size;
    return Status::ok;
}

Status comm_remote_group(Comm& comm, Group*& group) {
    if (Status s = needs_intercommunicator(comm); s != Status::ok) return s;
    return with_memory_for_comm([&] {
        group = new_group(comm.peers->members, *comm.group);
        return group != nullptr ? Status::ok : Status::no_mem;
    });
}

Status intercomm_create(Comm& local_comm, int local_leader, MPI_Comm peer_comm, int remote_leader,
                        int tag, Comm*& newintercomm) {
    if (Status s = check::intracommunicator("local_comm", local_comm); s != Status::ok) return s;
    if (!check::in_range(local_leader, local_comm)) {
        return fail(Status::rank, "local_leader is %d, must be 0 to %d", local_leader,
                    local_comm.size - 1);
    }
    const bool leads = local_comm.rank == local_leader;
    Opening opening{};
    Link link(0, 0, 0);
    Status own = Status::ok;
    if (leads) own = open(peer_comm, remote_leader, tag, opening, link);
    opening.status = static_cast<int>(own);
    if (Status s =
            bcast(&opening, sizeof opening, *find<Datatype>(MPI_BYTE), local_leader, local_comm);
        s != Status::ok) {
        return s;
    }
    if (own != Status::ok) return own;
    if (opening.status != MPI_SUCCESS) {
        return fail(static_cast<Status>(opening.status),
                    "peer_comm or remote_leader is wrong on rank %d, the local leader",
                    local_leader);
    }
    Bridge bridge(local_comm, local_leader, link, opening.peer, opening.remote_leader);
    return join_sides(local_comm, bridge, newintercomm);
}

Status join_sides(Comm& local_comm, Bridge& bridge, Comm*& newintercomm) {
    return with_memory_for_comm([&] {
        const std::vector<Turn> turn{next_turn(local_comm)};
        std::vector<Turn> their_turn;
        std::vector<Process> theirs;
        if (Status s = bridge.swap(turn, their_turn); s != Status::ok) return s;
        if (Status s = bridge.swap(local_comm.group->members.list(), theirs); s != Status::ok) return s;
        if (Status s = check_disjoint(*local_comm.group, theirs); s != Status::ok) return s;
        Group* remote = new_group(std::move(theirs), *local_comm.group);
        if (remote == nullptr) return Status::no_mem;
        retain(local_comm.group);
        return make_agreed(std::min(turn[0], their_turn[0]), false, bridge,
                           {local_comm.group, remote}, local_comm.errhandler, newintercomm);
    });
}

Status intercomm_merge(Comm& intercomm, int high, Comm*& newintracomm) {
    if (Status s = needs_intercommunicator(intercomm); s != Status::ok) return s;
    return with_memory_for_comm([&] {
        // Bit 0: all of this side say high, bit 1: all say low; the same of the other side.
        std::vector<std::uint64_t> mine{high != 0 ? 1U : 2U}, theirs;
        if (Status s = CommExchange(*intercomm.local).combine(mine); s != Status::ok) return s;
        if (Status s = Bridge(intercomm).swap(mine, theirs); s != Status::ok) return s;
        if (mine[0] == 0 || theirs[0] == 0) {
            return fail(Status::arg, "high is not the same on all processes of %s group",
                        mine[0] == 0 ? "the local" : "the remote");
        }
        const Processes& own = intercomm.group->members;
        const Processes& other = intercomm.peers->members;
        const bool first = mine[0] != theirs[0] ? high == 0 : own[0] < other[0];
        std::vector<Process> members = (first ? own : other).list();
        const Processes& rest = first ? other : own;
        members.insert(members.end(), rest.begin(), rest.end());
        Group* group = new_group(std::move(members), *intercomm.group);
        if (group == nullptr) return Status::no_mem;
        return make_from(intercomm, {group}, newintracomm);
    });
}

}  // namespace mpi
