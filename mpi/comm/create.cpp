// Making communicators (MPI-5.0 §7.4.2, §7.6). The members of the parent agree on a context; those
// that go into the new communicator keep it. Communicators made by one call have no process in
// common, so they share the context.
#include "mpi/comm/create.hpp"

#include <algorithm>
#include <vector>

#include "mpi/attr/attributes.hpp"
#include "mpi/coll/operation.hpp"
#include "mpi/core/call.hpp"
#include "mpi/gen/bodies.hpp"

namespace mpi {

Status no_memory_for_comm() {
    return fail(Status::no_mem, "no memory for a communicator");
}

Group* new_group(Processes members, const Group& from) {
    Group* group = make_group(std::move(members), from);
    if (group == nullptr) static_cast<void>(no_memory_for_comm());
    return group;
}

Status check_members(const Comm& comm, const Group& group) {
    for (int i = 0; i < group.size(); ++i) {
        const Process process = group.members[static_cast<std::size_t>(i)];
        if (comm.group->rank_of(process) >= 0) continue;
        return fail(Status::group,
                    "rank %d of the group, rank %u of MPI_COMM_WORLD, is no member of the "
                    "communicator%s",
                    i, process, comm.is_inter() ? "'s local group" : "");
    }
    return Status::ok;
}

Turn next_turn(Comm& comm) {
    const Process first = std::min(comm.group->members[0], comm.peers->members[0]);
    return {comm.context, first, comm.negotiations++};
}

namespace {

/// Of this process, and under way on fibers.
int pending_negotiations = 0;

Status agree(const Turn& turn, bool alone, Exchange& exchange, std::uint32_t& context) {
    const bool on_fiber = engine().fiber() != nullptr;
    const bool others_may = thread_multiple || on_fiber || pending_negotiations > 0;
    if (on_fiber) ++pending_negotiations;
    const Status s = context_pool().agree(turn, !others_may || alone, exchange, &context);
    if (on_fiber) --pending_negotiations;
    return s;
}

/// Makes what groups describe; takes their references over, or not when it returns null.
Comm* make(const Groups& groups, std::uint32_t context, Errhandler* errhandler) {
    return groups.remote == nullptr
               ? make_comm(groups.group, context, errhandler)
               : make_intercomm(groups.group, groups.remote, context, errhandler);
}

void drop(const Groups& groups) {
    if (groups.group != nullptr) release(groups.group);
    if (groups.remote != nullptr) release(groups.remote);
}

/// The groups of a communicator, once more.
Groups groups_of(Comm& comm) {
    const Groups groups{comm.group, comm.is_inter() ? comm.peers : nullptr};
    retain(groups.group);
    if (groups.remote != nullptr) retain(groups.remote);
    return groups;
}

}  // namespace

Status make_agreed(const Turn& turn, bool alone, Exchange& exchange, Groups groups,
                   Errhandler* errhandler, Comm*& newcomm) {
    std::uint32_t context = 0;
    Status s = agree(turn, alone, exchange, context);
    if (s == Status::ok && groups.group != nullptr) {
        newcomm = make(groups, context, errhandler);
        if (newcomm != nullptr) return Status::ok;
        s = no_memory_for_comm();
    }
    if (context != 0) context_pool().give_back(context);
    drop(groups);
    return s;
}

Status make_from(Comm& parent, Groups groups, Comm*& newcomm) {
    const Turn turn = next_turn(parent);
    if (parent.is_inter()) {
        Bridge bridge(parent, turn.number);
        return make_agreed(turn, false, bridge, groups, parent.errhandler, newcomm);
    }
    CommExchange exchange(parent);
    return make_agreed(turn, parent.size == 1, exchange, groups, parent.errhandler, newcomm);
}

Status agree_from(Comm& parent, const Turn& turn, std::uint32_t& context) {
    if (parent.is_inter()) {
        Bridge bridge(parent, turn.number);
        return agree(turn, false, bridge, context);
    }
    CommExchange exchange(parent);
    return agree(turn, parent.size == 1, exchange, context);
}

namespace {

/// A process's wish in MPI_Comm_split.
struct Place {
    int color;
    int key;
};

/// The processes of those with this colour, ordered by key, then by rank in `group`.
std::vector<Process> members_of(int color, const std::vector<Place>& places, const Group& group) {
    std::vector<std::size_t> ranks;
    for (std::size_t r = 0; r < places.size(); ++r) {
        if (places[r].color == color) ranks.push_back(r);
    }
    std::stable_sort(ranks.begin(), ranks.end(), [&places](std::size_t a, std::size_t b) {
        return places[a].key < places[b].key;
    });
    std::vector<Process> members;
    members.reserve(ranks.size());
    for (const std::size_t r : ranks) members.push_back(group.members[r]);
    return members;
}

/// The groups of both sides, or none when one of them is empty or this process in neither.
Status both_sides(Processes mine, Processes theirs, const Group& from,
                  Groups& groups) {
    if (theirs.empty()) return Status::ok;
    Group* group = new_group(std::move(mine), from);
    if (group == nullptr) return Status::no_mem;
    Group* remote = group->rank >= 0 ? new_group(std::move(theirs), from) : nullptr;
    if (remote == nullptr) {
        const bool failed = group->rank >= 0;
        release(group);
        return failed ? Status::no_mem : Status::ok;
    }
    groups = {group, remote};
    return Status::ok;
}

}  // namespace

namespace {

/// What a duplicate has of its parent besides the groups.
Status inherit(Comm& comm, Comm& copy) {
    copy.topology = comm.topology;
    copy.hints = comm.hints;
    return copy_attributes(comm, copy);
}

}  // namespace

Status comm_dup(Comm& comm, Comm*& newcomm) {
    if (Status s = make_from(comm, groups_of(comm), newcomm); s != Status::ok) return s;
    if (Status s = inherit(comm, *newcomm); s != Status::ok) {
        release(newcomm);
        newcomm = nullptr;
        return s;
    }
    return Status::ok;
}

Status comm_dup_with_info(Comm& comm, const Info* info, Comm*& newcomm) {
    if (Status s = comm_dup(comm, newcomm); s != Status::ok) return s;
    newcomm->hints = merged_hints(0, info);
    return Status::ok;
}

/// The duplicate is made at once, with all that it inherits; its context follows.
Status comm_idup(Comm& comm, MPI_Comm* newcomm, Request*& request) {
    const Turn turn = next_turn(comm);
    const Groups groups = groups_of(comm);
    Comm* copy = make(groups, 0, comm.errhandler);
    if (copy == nullptr) {
        drop(groups);
        return no_memory_for_comm();
    }
    Status s = inherit(comm, *copy);
    if (s == Status::ok) {
        s = coll::start_on_fiber(comm, request, [&parent = comm, copy, turn] {
            std::uint32_t context = 0;
            if (Status failed = agree_from(parent, turn, context); failed != Status::ok) {
                return failed;
            }
            set_context(*copy, context);
            return Status::ok;
        });
    }
    if (s != Status::ok) {
        release(copy);
        return s;
    }
    *newcomm = handle_of<MPI_Comm>(*copy);
    return Status::ok;
}

Status comm_idup_with_info(Comm& comm, const Info* info, MPI_Comm* newcomm, Request*& request) {
    if (Status s = comm_idup(comm, newcomm, request); s != Status::ok) return s;
    find<Comm>(*newcomm)->hints = merged_hints(0, info);
    return Status::ok;
}

Status comm_create(Comm& comm, Group& group, Comm*& newcomm) {
    if (Status s = check_members(comm, group); s != Status::ok) return s;
    return with_memory_for_comm([&] {
        Groups groups;
        if (comm.is_inter()) {
            std::vector<Process> theirs;
            if (Status s = Bridge(comm).swap(group.members.list(), theirs); s != Status::ok) return s;
            if (Status s = both_sides(group.members, std::move(theirs), group, groups);
                s != Status::ok) {
                return s;
            }
        } else if (group.rank >= 0) {
            groups.group = new_group(group.members, group);
            if (groups.group == nullptr) return Status::no_mem;
        }
        return make_from(comm, groups, newcomm);
    });
}

Status comm_split(Comm& comm, int color, int key, Comm*& newcomm) {
    if (color < 0 && color != MPI_UNDEFINED) {
        return fail(Status::arg, "color is %d, must be at least 0 or MPI_UNDEFINED", color);
    }
    return with_memory_for_comm([&] {
        const Place mine{color, key};
        std::vector<Place> places(static_cast<std::size_t>(comm.size)), theirs;
        Datatype& type = *find<Datatype>(MPI_INT);
        Comm& own = comm.is_inter() ? *comm.local : comm;
        if (Status s = allgather(&mine, 2, type, places.data(), 2, type, own); s != Status::ok) {
            return s;
        }
        if (comm.is_inter()) {
            if (Status s = Bridge(comm).swap(places, theirs); s != Status::ok) return s;
        }
        Groups groups;
        if (color != MPI_UNDEFINED && comm.is_inter()) {
            if (Status s = both_sides(members_of(color, places, *comm.group),
                                      members_of(color, theirs, *comm.peers), *comm.group, groups);
                s != Status::ok) {
                return s;
            }
        } else if (color != MPI_UNDEFINED) {
            groups.group = new_group(members_of(color, places, *comm.group), *comm.group);
            if (groups.group == nullptr) return Status::no_mem;
        }
        return make_from(comm, groups, newcomm);
    });
}

}  // namespace mpi
