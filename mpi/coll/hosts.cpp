#include "mpi/coll/hosts.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <new>

#include "bodies.hpp"
#include "mpi/coll/message.hpp"
#include "mpi/coll/shared.hpp"
#include "mpi/coll/state.hpp"
#include "mpi/comm/exchange.hpp"
#include "mpi/core/process.hpp"

namespace mpi::coll {

Hosts* Hosts::of(Comm& comm) {
    if (engine().fiber() != nullptr) return nullptr;
    State* state = own_state_of(comm);
    if (state == nullptr) return nullptr;
    // What make() exchanges goes by collectives, which would decide it in the midst of that.
    if (!state->shared_decided) (void)Shared::of(comm);
    if (!state->hosts_decided) {
        state->hosts_decided = true;  // before make(): the exchange that it makes is a collective
        state->hosts = make(comm);
    }
    return state->hosts;
}

Hosts* Hosts::if_worthwhile(Comm& comm) {
    if (comm.broken) [[unlikely]]
        return nullptr;  // messages fail at once
    if (engine().fiber() != nullptr) return nullptr;
    const State* state = own_state_of(comm);
    return state != nullptr && state->shared_decided ? of(comm) : nullptr;
}

Hosts* Hosts::make(Comm& comm) {
    try {
        std::unique_ptr<Hosts> hosts(new Hosts(comm));
        if (!hosts->find_equal() && !hosts->find_any()) return nullptr;
        if (hosts->count() == 1 || hosts->count() == comm.size) return nullptr;
        hosts->build();
        return hosts.release();
    } catch (const std::bad_alloc&) {
        // The others go on in two levels, and this rank cannot: as good as lost.
        return nullptr;
    }
}

/// Most jobs have their ranks host by host, as many on each: the ranks find that out by two short
/// exchanges, and need no lists. False on all of them when it is not so.
bool Hosts::find_equal() {
    const auto here = [this](int rank) { return engine().mappable(comm_.process(rank)); };
    int first = comm_.rank, end = comm_.rank + 1;
    while (first > 0 && here(first - 1)) --first;
    while (end < comm_.size && here(end)) ++end;
    // The last host may have fewer, and has no say.
    const auto number = static_cast<std::uint64_t>(end - first);
    const bool last = end == comm_.size && first > 0;
    std::array<std::uint64_t, 2> words{last ? ~std::uint64_t{0} : number,
                                       last ? ~std::uint64_t{0} : ~number};
    CommExchange exchange(comm_);
    if (exchange.combine(words) != Status::ok || words[0] != ~words[1]) return false;
    // All know the number now. Does it fit this host, and is no other run of ranks on it?
    const int each = static_cast<int>(words[0]);
    bool fits = first % each == 0 && end - first <= each;
    for (int other = 0; other < comm_.size && fits; other += each) {
        fits = other == first || !here(other);
    }
    words = {fits ? std::uint64_t{1} : 0, 0};
    if (exchange.combine(words) != Status::ok || words[0] == 0) return false;
    each_ = each;
    count_ = (comm_.size + each - 1) / each;
    return true;
}

/// Every rank tells all others which is the lowest rank on its host.
bool Hosts::find_any() {
    const int size = comm_.size;
    std::vector<int> lowest(static_cast<std::size_t>(size));
    int& mine = lowest[static_cast<std::size_t>(comm_.rank)];
    while (!engine().mappable(comm_.process(mine))) ++mine;
    Datatype& type = *find<Datatype>(MPI_INT);
    if (allgather(MPI_IN_PLACE, 0, type, lowest.data(), 1, type, comm_) != Status::ok) return false;
    host_of_.resize(static_cast<std::size_t>(size));
    for (int rank = 0; rank < size; ++rank) {
        const int first = lowest[static_cast<std::size_t>(rank)];
        if (first < 0 || first > rank) return false;
        if (first == rank) {
            host_of_[static_cast<std::size_t>(rank)] = count_++;
            first_.push_back(rank);
            size_.push_back(1);
            continue;
        }
        const int host = host_of(first);
        host_of_[static_cast<std::size_t>(rank)] = host;
        in_order_ = in_order_ && rank == first + size_[static_cast<std::size_t>(host)];
        ++size_[static_cast<std::size_t>(host)];
    }
    return true;
}

void Hosts::build() {
    own_host_ = host_of(comm_.rank);
    const bool leads = first(own_host_) == comm_.rank;
    if (each_ != 0 && comm_.world_order) {
        const auto each = static_cast<Process>(each_);
        local_ = level(Processes(static_cast<Process>(first(own_host_)),
                                 static_cast<std::size_t>(size(own_host_))),
                       Side::host);
        if (leads) {
            leaders_ = level(Processes(0, static_cast<std::size_t>(count_), each), Side::hosts);
        }
    } else {
        std::vector<Process> here, leading;
        for (int rank = 0; rank < comm_.size; ++rank) {
            if (host_of(rank) == own_host_) here.push_back(comm_.process(rank));
        }
        for (int host = 0; host < count_; ++host) leading.push_back(comm_.process(first(host)));
        local_ = level(std::move(here), Side::host);
        if (leads) leaders_ = level(std::move(leading), Side::hosts);
    }
    if (local_ == nullptr || (leads && leaders_ == nullptr)) throw std::bad_alloc();
}

Comm* Hosts::level(Processes members, Side side) const {
    Group* group = make_group(std::move(members), *comm_.group);
    if (group == nullptr) return nullptr;
    Comm* made = make_comm(group, comm_.side_context(side), comm_.errhandler);
    if (made == nullptr) mpi::release(group);
    return made;
}

Hosts::~Hosts() {
    if (local_ != nullptr) mpi::release(local_);
    if (leaders_ != nullptr) mpi::release(leaders_);
}

// --- the collectives -----------------------------------------------------------------------------

Status hosts_barrier(Hosts& hosts) {
    Outcome outcome;
    outcome.add(mpi::barrier(hosts.local()));
    if (hosts.leads()) outcome.add(mpi::barrier(hosts.leaders()));
    outcome.add(mpi::barrier(hosts.local()));
    return outcome.status();
}

/// On the root's host all have it first, the leader too; the leaders pass it on.
Status hosts_bcast(Hosts& hosts, void* buffer, Count count, Datatype& type, int root) {
    const int home = hosts.host_of(root);
    Outcome outcome;
    if (hosts.own_host() == home) {
        outcome.add(mpi::bcast(buffer, count, type, hosts.local_rank(root), hosts.local()));
    }
    if (hosts.leads()) outcome.add(mpi::bcast(buffer, count, type, home, hosts.leaders()));
    if (hosts.own_host() != home) {
        outcome.add(mpi::bcast(buffer, count, type, 0, hosts.local()));
    }
    return outcome.status();
}

Status hosts_allreduce(Hosts& hosts, const void* own, void* recvbuf, Count count, Datatype& type,
                       Op& op) {
    Outcome outcome;
    const bool in_place = own == recvbuf && hosts.leads();
    outcome.add(
        mpi::reduce(in_place ? MPI_IN_PLACE : own, recvbuf, count, type, op, 0, hosts.local()));
    if (hosts.leads()) {
        outcome.add(mpi::allreduce(MPI_IN_PLACE, recvbuf, count, type, op, hosts.leaders()));
    }
    outcome.add(mpi::bcast(recvbuf, count, type, 0, hosts.local()));
    return outcome.status();
}

/// The leader of the root's host gives the root the result, unless it is the root.
Status hosts_reduce(Hosts& hosts, const void* own, void* recvbuf, Count count, Datatype& type,
                    Op& op, int root, Comm& comm) {
    const int home = hosts.host_of(root);
    const bool is_root = comm.rank == root;
    Outcome outcome;
    if (!hosts.leads()) {
        outcome.add(mpi::reduce(own, nullptr, count, type, op, 0, hosts.local()));
        if (is_root) {
            outcome.add(Channel(comm, Tag::reduce)
                            .recv(hosts.first(home), elements(recvbuf, 0, count, type)));
        }
        return outcome.status();
    }
    State* state = state_of(comm);
    if (state == nullptr) return out_of_memory();
    const Elements partial(state->operand, count, type);
    if (!partial) return out_of_memory();
    void* result = is_root ? recvbuf : partial.base();
    const bool in_place = own == result;
    outcome.add(
        mpi::reduce(in_place ? MPI_IN_PLACE : own, result, count, type, op, 0, hosts.local()));
    const bool home_leader = hosts.own_host() == home;
    outcome.add(mpi::reduce(home_leader ? MPI_IN_PLACE : result, result, count, type, op, home,
                            hosts.leaders()));
    if (home_leader && !is_root) {
        outcome.add(Channel(comm, Tag::reduce).send(root, elements(result, 0, count, type)));
    }
    return outcome.status();
}

Status hosts_allgather(Hosts& hosts, void* recvbuf, Count count, Datatype& type, int rank) {
    Outcome outcome;
    void* own = at(recvbuf, rank * count, type);
    if (hosts.leads()) {
        outcome.add(mpi::gather(MPI_IN_PLACE, 0, type, own, count, type, 0, hosts.local()));
        std::vector<Count> counts, places;
        for (int host = 0; host < hosts.count(); ++host) {
            counts.push_back(hosts.size(host) * count);
            places.push_back(hosts.first(host) * count);
        }
        outcome.add(mpi::allgatherv(MPI_IN_PLACE, 0, type, recvbuf, IntArray(counts.data()),
                                    IntArray(places.data()), type, hosts.leaders()));
    } else {
        outcome.add(mpi::gather(own, count, type, nullptr, 0, type, 0, hosts.local()));
    }
    const Count all = (hosts.first(hosts.count() - 1) + hosts.size(hosts.count() - 1)) * count;
    outcome.add(mpi::bcast(recvbuf, all, type, 0, hosts.local()));
    return outcome.status();
}

namespace {

/// The leader's part of an alltoall: `rows` has a row of blocks, for all ranks in order, of each
/// rank of this host; it becomes a row from all ranks for each rank of this host.
class LeadersAlltoall {
  public:
    LeadersAlltoall(Hosts& hosts, std::uint64_t block, int ranks)
        : hosts_(hosts), block_(block), row_(block * static_cast<std::uint64_t>(ranks)) {}

    /// `packed` has as much room.
    Status run(std::byte* rows, std::byte* packed) {
        const int here = hosts_.size(hosts_.own_host());
        std::vector<Count> counts, places;
        Count place = 0;
        for (int host = 0; host < hosts_.count(); ++host) {
            counts.push_back(static_cast<Count>(block_) * hosts_.size(host) * here);
            places.push_back(place);
            place += counts.back();
        }
        // For each host: its ranks' blocks, and of each those of this host's ranks in order.
        for_each(
            [&](std::byte* in_row, std::byte* in_pack) { std::memcpy(in_pack, in_row, block_); },
            rows, packed, true);
        Datatype& byte = *find<Datatype>(MPI_BYTE);
        const Status s = mpi::alltoallv(packed, IntArray(counts.data()), IntArray(places.data()),
                                        byte, rows, IntArray(counts.data()),
                                        IntArray(places.data()), byte, hosts_.leaders());
        std::memcpy(packed, rows, static_cast<std::size_t>(place));
        // What came from each host: for each rank here, the blocks of that host's ranks in order.
        for_each(
            [&](std::byte* in_row, std::byte* in_pack) { std::memcpy(in_row, in_pack, block_); },
            rows, packed, false);
        return s;
    }

  private:
    /// Pairs the block between rank `there` of a host and rank `here` of this one in a row of
    /// `here` with its place in the pack, which is by host, then by the rank that receives, then by
    /// the one that sends.
    template <class F>
    void for_each(F&& f, std::byte* rows, std::byte* packed, bool sending) {
        const int here = hosts_.size(hosts_.own_host());
        std::byte* pack = packed;
        for (int host = 0; host < hosts_.count(); ++host) {
            const int there = hosts_.size(host);
            for (int to = 0; to < (sending ? there : here); ++to) {
                for (int from = 0; from < (sending ? here : there); ++from) {
                    const int local = sending ? from : to;
                    const int other = hosts_.first(host) + (sending ? to : from);
                    f(rows + row_ * static_cast<std::uint64_t>(local) +
                          block_ * static_cast<std::uint64_t>(other),
                      pack);
                    pack += block_;
                }
            }
        }
    }

    Hosts& hosts_;
    std::uint64_t block_, row_;
};

}  // namespace

Status hosts_alltoall(Hosts& hosts, const Blocks& out, const Blocks& in, std::uint64_t block,
                      Comm& comm) {
    State* state = state_of(comm);
    if (state == nullptr) return out_of_memory();
    const std::uint64_t row = block * static_cast<std::uint64_t>(comm.size);
    const auto here = static_cast<std::uint64_t>(hosts.local().size);
    std::byte* own = state->packed.get(row);
    std::byte* rows = hosts.leads() ? state->operand.get(row * here) : nullptr;
    std::byte* packed = hosts.leads() ? state->partial.get(row * here) : nullptr;
    if (own == nullptr || (hosts.leads() && (rows == nullptr || packed == nullptr))) {
        return out_of_memory();
    }
    const auto place = [&](int rank) { return own + block * static_cast<std::uint64_t>(rank); };
    for (int rank = 0; rank < comm.size; ++rank) {
        const adi::Buffer from = out.block(rank);
        from.read(0, place(rank), std::min(block, from.bytes));
    }
    Datatype& byte = *find<Datatype>(MPI_BYTE);
    const auto n = static_cast<Count>(row);
    Outcome outcome;
    outcome.add(mpi::gather(own, n, byte, rows, n, byte, 0, hosts.local()));
    if (hosts.leads()) outcome.add(LeadersAlltoall(hosts, block, comm.size).run(rows, packed));
    outcome.add(mpi::scatter(rows, n, byte, own, n, byte, 0, hosts.local()));
    for (int rank = 0; rank < comm.size; ++rank) in.block(rank).write(0, place(rank), block);
    return outcome.status();
}

}  // namespace mpi::coll
