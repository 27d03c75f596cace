// MPI_Scatter and MPI_Scatterv: gather.cpp turned round.
#include <algorithm>

#include "bodies.hpp"
#include "mpi/coll/data.hpp"
#include "mpi/coll/inter.hpp"
#include "mpi/coll/message.hpp"
#include "mpi/coll/select.hpp"
#include "mpi/coll/shared_data.hpp"
#include "mpi/coll/tree.hpp"

namespace mpi {
namespace coll {
namespace {

/// The root sends straight to every rank.
Status scatter_linear(const Blocks& blocks, const adi::Buffer& own, int root, Comm& comm) {
    const Channel channel(comm, Tag::scatter);
    if (comm.rank != root) return channel.recv(root, own);
    State* state = state_of(comm);
    if (state == nullptr) return out_of_memory();
    const auto requests = state->requests(comm.size);
    if (requests.empty()) return out_of_memory();
    std::size_t used = 0;
    for (int i = 0; i < comm.size; ++i) {
        if (i != root) channel.isend(requests[used++], i, blocks.block(i));
    }
    return Channel::wait_all(requests.first(used));
}

/// Along a binomial tree: a node gets its subtree's blocks, packed, and deals them out.
class ScatterBinomial {
  public:
    ScatterBinomial(const Blocks& blocks, const adi::Buffer& own, int root, Comm& comm)
        : channel_(comm, Tag::scatter),
          tree_(comm.rank, root, comm.size),
          blocks_(blocks),
          own_(own),
          comm_(comm),
          at_root_(comm.rank == root) {
        block_ = at_root_ ? blocks.bytes(root) : own.bytes;
    }

    Status run() {
        if (tree_.span() == 1) return channel_.recv(tree_.parent(), own_);
        State* state = state_of(comm_);
        const auto bytes = block_ * static_cast<std::uint64_t>(tree_.span());
        packed_ = state != nullptr ? state->packed.get(bytes) : nullptr;
        if (packed_ == nullptr) return out_of_memory();
        Outcome outcome;
        if (!at_root_) {
            outcome.add(channel_.recv(tree_.parent(), place(tree_.node(), tree_.span())));
            own_.write(0, packed_, block_);
        }
        tree_.for_children_down([&](int node, int n) {
            outcome.add(channel_.send(tree_.rank_of(node), subtree(node, n)));
        });
        return outcome.status();
    }

  private:
    adi::Buffer place(int node, int n) const {
        return adi::contiguous(packed_ + static_cast<std::uint64_t>(node - tree_.node()) * block_,
                               static_cast<std::uint64_t>(n) * block_);
    }
    /// The blocks of nodes [node, node + n). At the root they lie in the user's buffer by rank, in
    /// one run, or in two when the ranks wrap around: then they are packed.
    adi::Buffer subtree(int node, int n) const {
        if (!at_root_) return place(node, n);
        const int rank = tree_.rank_of(node);
        if (rank + n <= comm_.size) return blocks_.range(rank, n);
        const adi::Buffer head = blocks_.range(rank, comm_.size - rank);
        const adi::Buffer tail = blocks_.range(0, n - (comm_.size - rank));
        const adi::Buffer to = place(node, n);
        head.read(0, to.base, head.bytes);
        tail.read(0, static_cast<std::byte*>(to.base) + head.bytes, tail.bytes);
        return to;
    }

    Channel channel_;
    Tree tree_;
    const Blocks& blocks_;
    adi::Buffer own_;
    Comm& comm_;
    bool at_root_;
    std::uint64_t block_;
    std::byte* packed_ = nullptr;
};

/// The root's own block, which does not travel.
Status keep_own(const Blocks& blocks, const void* recvbuf, const adi::Buffer& own, int root,
                const Comm& comm) {
    if (comm.rank != root || recvbuf == MPI_IN_PLACE) return Status::ok;
    return copy(blocks.block(root), own);
}

}  // namespace
}  // namespace coll

Status scatter(const void* sendbuf, Count sendcount, Datatype& sendtype, void* recvbuf,
               Count recvcount, Datatype& recvtype, int root, Comm& comm) {
    const coll::Blocks blocks(sendbuf, sendcount, sendtype);
    const adi::Buffer own = make_buffer(recvbuf, recvcount, recvtype);
    if (comm.is_inter()) return coll::inter::scatter(blocks, own, root, comm);
    coll::Outcome outcome;
    outcome.add(coll::keep_own(blocks, recvbuf, own, root, comm));
    const std::uint64_t bytes = comm.rank == root ? blocks.bytes(root) : own.bytes;
    if (comm.size == 1 || bytes == 0) return outcome.status();
    if (coll::select::fits_epoch(bytes * static_cast<std::uint64_t>(comm.size), comm.size)) {
        if (coll::Shared* shared = coll::Shared::if_worthwhile(comm)) {
            outcome.add(coll::shared_scatter(*shared, blocks, own, root));
            return outcome.status();
        }
    }
    outcome.add(coll::select::gather_is_short(bytes, comm.size)
                    ? coll::ScatterBinomial(blocks, own, root, comm).run()
                    : coll::scatter_linear(blocks, own, root, comm));
    return outcome.status();
}

Status scatterv(const void* sendbuf, IntArray sendcounts, IntArray displs, Datatype& sendtype,
                void* recvbuf, Count recvcount, Datatype& recvtype, int root, Comm& comm) {
    const coll::Blocks blocks(sendbuf, sendcounts, displs, sendtype);
    const adi::Buffer own = make_buffer(recvbuf, recvcount, recvtype);
    if (comm.is_inter()) return coll::inter::scatter(blocks, own, root, comm);
    coll::Outcome outcome;
    outcome.add(coll::keep_own(blocks, recvbuf, own, root, comm));
    if (comm.size > 1) outcome.add(coll::scatter_linear(blocks, own, root, comm));
    return outcome.status();
}

}  // namespace mpi
