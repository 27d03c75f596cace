// Making communicators (MPI-5.0 §7.4.2). The members of the parent agree on a context; those that
// go into the new communicator keep it. Communicators made by one call have no process in common,
// so they share the context.
#include <sched.h>

#include <algorithm>
#include <array>
#include <new>
#include <utility>
#include <vector>

#include "mpi/comm/context.hpp"
#include "mpi/core/call.hpp"
#include "mpi/core/comm.hpp"
#include "mpi/gen/bodies.hpp"

namespace mpi {

namespace {

/// Exchanges by the collectives of the parent communicator.
class CommExchange final : public Exchange {
  public:
    explicit CommExchange(Comm& comm) : comm_(comm) {}

    Status combine(std::span<std::uint64_t> words) override {
        if (comm_.size == 1) return Status::ok;
        return allreduce(MPI_IN_PLACE, words.data(), static_cast<Count>(words.size()),
                         *find<Datatype>(MPI_UINT64_T), *find<Op>(MPI_BAND), comm_);
    }
    void pause() override {
        lock_release();
        sched_yield();
        lock_acquire();
    }

  private:
    Comm& comm_;
};

Status no_memory() {
    return fail(Status::no_mem, "no memory for a communicator");
}

/// Collective over the parent. `group` is that of the new communicator, whose reference is taken
/// over, or null on processes that get none.
Status create_from(Comm& parent, Group* group, Comm*& newcomm) {
    CommExchange exchange(parent);
    std::uint32_t context = 0;
    const bool all_present = !thread_multiple || parent.size == 1;
    Status s = context_pool().agree(parent.context, all_present, exchange, &context);
    if (s == Status::ok && group != nullptr) {
        newcomm = make_comm(group, context, parent.errhandler);
        if (newcomm != nullptr) return Status::ok;
        s = no_memory();
    }
    if (context != 0) context_pool().give_back(context);
    if (group != nullptr) release(group);
    return s;
}

/// A process's wish in MPI_Comm_split.
struct Place {
    int color;
    int key;
};

/// The ranks of those with this colour, ordered by key, then by rank.
std::vector<int> ranks_of(int color, const std::vector<Place>& places) {
    std::vector<int> ranks;
    for (std::size_t r = 0; r < places.size(); ++r) {
        if (places[r].color == color) ranks.push_back(static_cast<int>(r));
    }
    std::sort(ranks.begin(), ranks.end(), [&places](int a, int b) {
        const int key_a = places[static_cast<std::size_t>(a)].key;
        const int key_b = places[static_cast<std::size_t>(b)].key;
        return key_a != key_b ? key_a < key_b : a < b;
    });
    return ranks;
}

/// The group of the given ranks; null when out of memory.
Group* group_of(const Comm& comm, const std::vector<int>& ranks) {
    std::vector<Process> members;
    members.reserve(ranks.size());
    for (const int r : ranks) members.push_back(comm.process(r));
    return make_group(std::move(members));
}

}  // namespace

Status comm_dup(Comm& comm, Comm*& newcomm) {
    retain(comm.group);
    return create_from(comm, comm.group, newcomm);
}

Status comm_create(Comm& comm, Group& group, Comm*& newcomm) {
    for (int i = 0; i < group.size(); ++i) {
        const Process process = group.members[static_cast<std::size_t>(i)];
        if (comm.group->rank_of(process) < 0) {
            return fail(Status::group,
                        "rank %d of the group, rank %u of MPI_COMM_WORLD, is no member of the "
                        "communicator",
                        i, process);
        }
    }
    Group* members = nullptr;
    if (group.rank >= 0) {
        try {
            members = make_group(group.members);
        } catch (const std::bad_alloc&) {
        }
        if (members == nullptr) return no_memory();
    }
    return create_from(comm, members, newcomm);
}

Status comm_split(Comm& comm, int color, int key, Comm*& newcomm) {
    if (color < 0 && color != MPI_UNDEFINED) {
        return fail(Status::arg, "color is %d, must be at least 0 or MPI_UNDEFINED", color);
    }
    Group* members = nullptr;
    try {
        const Place mine{color, key};
        std::vector<Place> places(static_cast<std::size_t>(comm.size));
        Datatype& type = *find<Datatype>(MPI_INT);
        if (Status s = allgather(&mine, 2, type, places.data(), 2, type, comm); s != Status::ok) {
            return s;
        }
        if (color != MPI_UNDEFINED) {
            members = group_of(comm, ranks_of(color, places));
            if (members == nullptr) return no_memory();
        }
    } catch (const std::bad_alloc&) {
        return no_memory();
    }
    return create_from(comm, members, newcomm);
}

}  // namespace mpi
