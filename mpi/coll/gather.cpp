// MPI_Gather and MPI_Gatherv.
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

/// Every rank sends straight to the root.
Status gather_linear(const adi::Buffer& own, const Blocks& blocks, int root, Comm& comm) {
    const Channel channel(comm, Tag::gather);
    if (comm.rank != root) return channel.send(root, own);
    State* state = state_of(comm);
    if (state == nullptr) return out_of_memory();
    const auto requests = state->requests(comm.size);
    if (requests.empty()) return out_of_memory();
    std::size_t used = 0;
    for (int i = 0; i < comm.size; ++i) {
        if (i != root) channel.irecv(requests[used++], i, blocks.block(i));
    }
    return Channel::wait_all(requests.first(used));
}

/// The blocks of nodes [first, first + n) of a tree lie at most in two runs of ranks, since the
/// nodes are the ranks rotated. Calls f(first rank, number of ranks, blocks before) for each.
template <class F>
void for_runs(const Tree& tree, int first, int n, int size, F f) {
    const int rank = tree.rank_of(first);
    const int before_wrap = std::min(n, size - rank);
    f(rank, before_wrap, 0);
    if (before_wrap < n) f(0, n - before_wrap, before_wrap);
}

/// Along a binomial tree: a node collects its subtree's blocks, packed, and passes them on.
Status gather_binomial(const adi::Buffer& own, const Blocks& blocks, int root, Comm& comm) {
    const Channel channel(comm, Tag::gather);
    const Tree tree(comm.rank, root, comm.size);
    if (tree.span() == 1) return channel.send(tree.parent(), own);
    const std::uint64_t block = comm.rank == root ? blocks.bytes(root) : own.bytes;
    const auto packed_bytes = block * static_cast<std::uint64_t>(tree.span());
    State* state = state_of(comm);
    std::byte* packed = state != nullptr ? state->packed.get(packed_bytes) : nullptr;
    if (packed == nullptr) return out_of_memory();
    const auto place = [&](int node, int n) {
        return adi::contiguous(packed + static_cast<std::uint64_t>(node - tree.node()) * block,
                               static_cast<std::uint64_t>(n) * block);
    };
    Outcome outcome;
    if (comm.rank != root) own.read(0, packed, block);
    tree.for_children([&](int node, int n) {
        const int child = tree.rank_of(node);
        if (comm.rank != root || child + n > comm.size) {
            outcome.add(channel.recv(child, place(node, n)));
        } else {
            outcome.add(channel.recv(child, blocks.range(child, n)));
            return;
        }
        if (comm.rank != root) return;
        for_runs(tree, node, n, comm.size, [&](int rank, int ranks, int before) {
            outcome.add(copy(place(node + before, ranks), blocks.range(rank, ranks)));
        });
    });
    if (comm.rank != root)
        outcome.add(channel.send(tree.parent(), place(tree.node(), tree.span())));
    return outcome.status();
}

/// The root's own block, which does not travel.
Status keep_own(const void* sendbuf, const adi::Buffer& own, const Blocks& blocks, int root,
                const Comm& comm) {
    if (comm.rank != root || sendbuf == MPI_IN_PLACE) return Status::ok;
    return copy(own, blocks.block(root));
}

}  // namespace
}  // namespace coll

Status gather(const void* sendbuf, Count sendcount, Datatype& sendtype, void* recvbuf,
              Count recvcount, Datatype& recvtype, int root, Comm& comm) {
    const adi::Buffer own = make_buffer(sendbuf, sendcount, sendtype);
    const coll::Blocks blocks(recvbuf, recvcount, recvtype);
    if (comm.is_inter()) return coll::inter::gather(own, blocks, root, comm);
    coll::Outcome outcome;
    outcome.add(coll::keep_own(sendbuf, own, blocks, root, comm));
    const std::uint64_t bytes = comm.rank == root ? blocks.bytes(root) : own.bytes;
    if (comm.size == 1 || bytes == 0) return outcome.status();
    if (coll::select::fits_epoch(bytes * static_cast<std::uint64_t>(comm.size), comm.size)) {
        if (coll::Shared* shared = coll::Shared::if_worthwhile(comm)) {
            outcome.add(coll::shared_gather(*shared, own, blocks, root));
            return outcome.status();
        }
    }
    outcome.add(coll::select::gather_is_short(bytes, comm.size)
                    ? coll::gather_binomial(own, blocks, root, comm)
                    : coll::gather_linear(own, blocks, root, comm));
    return outcome.status();
}

Status gatherv(const void* sendbuf, Count sendcount, Datatype& sendtype, void* recvbuf,
               IntArray recvcounts, IntArray displs, Datatype& recvtype, int root, Comm& comm) {
    const adi::Buffer own = make_buffer(sendbuf, sendcount, sendtype);
    const coll::Blocks blocks(recvbuf, recvcounts, displs, recvtype);
    if (comm.is_inter()) return coll::inter::gather(own, blocks, root, comm);
    coll::Outcome outcome;
    outcome.add(coll::keep_own(sendbuf, own, blocks, root, comm));
    if (comm.size > 1) outcome.add(coll::gather_linear(own, blocks, root, comm));
    return outcome.status();
}

}  // namespace mpi
