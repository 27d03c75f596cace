// Collectives on a communicator that lies on several hosts, some with several of its ranks: in two
// levels. The ranks of a host work together in shared memory, and one of them, the host's leader,
// with the leaders of the other hosts by messages. So what goes over the network goes once per
// host, not once per rank, and there are fewer messages in all.
//
// The levels are communicators of the library's own, on which the collectives of this folder run.
// Only blocking calls use them: nonblocking ones have no shared memory to gain from.
#pragma once

#include <vector>

#include "mpi/coll/data.hpp"
#include "mpi/core/comm.hpp"
#include "mpi/core/op.hpp"

namespace mpi::coll {

class Hosts {
  public:
    /// The levels of a communicator, or null when it has none: it lies on one host, or no host has
    /// two of its ranks; and on a fiber. Collective: the ranks come to one answer, and may exchange
    /// messages to find it. To be asked when Shared::of() has said no.
    static Hosts* of(Comm& comm);
    /// The same for those who asked Shared::if_worthwhile(): null as long as that says no only
    /// because it is early.
    static Hosts* if_worthwhile(Comm& comm);
    ~Hosts();

    int count() const { return count_; }
    /// Have all hosts the same power of two of ranks, one host after the other?
    bool even() const {
        return each_ != 0 && (each_ & (each_ - 1)) == 0 && comm_.size % each_ == 0;
    }
    /// Ranks of a host, on average.
    int mean_size() const { return comm_.size / count_; }
    /// The ranks of this host; its rank 0 is the leader.
    Comm& local() const { return *local_; }
    bool leads() const { return leaders_ != nullptr; }
    /// The leaders, by host; only on a leader.
    Comm& leaders() const { return *leaders_; }

    int own_host() const { return own_host_; }
    int host_of(int rank) const {
        return each_ != 0 ? rank / each_ : host_of_[static_cast<std::size_t>(rank)];
    }
    /// A rank of this host in local().
    int local_rank(int rank) const { return local_->group->rank_of(comm_.process(rank)); }
    /// Do the ranks of each host follow each other, and hosts too? Then ranks [first(h),
    /// first(h) + size(h)) are host h's.
    bool in_order() const { return in_order_; }
    int first(int host) const {
        return each_ != 0 ? host * each_ : first_[static_cast<std::size_t>(host)];
    }
    int size(int host) const {
        if (each_ == 0) return size_[static_cast<std::size_t>(host)];
        return host + 1 < count_ ? each_ : comm_.size - host * each_;
    }

  private:
    explicit Hosts(Comm& comm) : comm_(comm) {}
    static Hosts* make(Comm& comm);
    bool find_equal();
    bool find_any();
    void build();
    Comm* level(Processes members, Side side) const;

    Comm& comm_;
    Comm* local_ = nullptr;
    Comm* leaders_ = nullptr;
    int count_ = 0;
    /// Host h has ranks [h * each_, (h + 1) * each_), the last one perhaps fewer; else 0, and the
    /// lists say it.
    int each_ = 0;
    std::vector<int> host_of_;  ///< by rank
    std::vector<int> first_;    ///< by host: its lowest rank
    std::vector<int> size_;
    int own_host_ = 0;
    bool in_order_ = true;
};

Status hosts_barrier(Hosts& hosts);
Status hosts_bcast(Hosts& hosts, void* buffer, Count count, Datatype& type, int root);
/// `own` may be `recvbuf`. hosts_may_reduce() holds.
Status hosts_allreduce(Hosts& hosts, const void* own, void* recvbuf, Count count, Datatype& type,
                       Op& op);
Status hosts_reduce(Hosts& hosts, const void* own, void* recvbuf, Count count, Datatype& type,
                    Op& op, int root, Comm& comm);
inline bool hosts_may_reduce(const Hosts& hosts, const Op& op) {
    return op.commutative || hosts.in_order();
}
/// Equal blocks; hosts.in_order() holds. This rank's block lies in its place.
Status hosts_allgather(Hosts& hosts, void* recvbuf, Count count, Datatype& type, int rank);
/// Equal blocks of `block` packed bytes; hosts.in_order() holds.
Status hosts_alltoall(Hosts& hosts, const Blocks& out, const Blocks& in, std::uint64_t block,
                      Comm& comm);

}  // namespace mpi::coll
