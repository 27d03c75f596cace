// MPI_Reduce.
#include <utility>

#include "bodies.hpp"
#include "mpi/coll/halving.hpp"
#include "mpi/coll/hosts.hpp"
#include "mpi/coll/inter.hpp"
#include "mpi/coll/select.hpp"
#include "mpi/coll/shared_reduce.hpp"
#include "mpi/coll/tree.hpp"

namespace mpi {
namespace coll {
namespace {

/// Along a binomial tree. A node's subtree is a run of ranks that follow it, so operands are
/// combined in the order of the nodes; for an operation that does not commute the tree is rooted at
/// rank 0, where nodes are ranks. `result` is where the tree's root wants the result, null
/// elsewhere.
Status reduce_binomial(const void* own, void* result, Count count, const Datatype& type,
                       const Op& op, int tree_root, Comm& comm) {
    const Channel channel(comm, Tag::reduce);
    const Tree tree(comm.rank, tree_root, comm.size);
    if (tree.span() == 1) return channel.send(tree.parent(), elements(own, 0, count, type));
    State* state = state_of(comm);
    if (state == nullptr) return out_of_memory();
    const Elements a(state->operand, count, type), b(state->partial, count, type);
    if (!a || !b) return out_of_memory();
    // `partial`, what this node has so far, and `next`, where the next operand comes, take turns.
    const void* partial = own;
    void* next = a.base();
    void* spare = result != nullptr ? result : b.base();
    int children = 0;
    tree.for_children([&children](int, int) { ++children; });
    // Let the last one be `result`. (In place that is the operand: then only by luck.)
    if (result != nullptr && own != result && children % 2 == 1) std::swap(next, spare);
    Outcome outcome;
    tree.for_children([&](int node, int) {
        // What comes second and goes elsewhere needs no room of its own.
        const Combine child(op, type, count, Combine::Came::second, partial, next, state->packed);
        outcome.add(child.take(
            [&](const adi::Buffer& in) { return channel.recv(tree.rank_of(node), in); }));
        partial = next;
        std::swap(next, spare);
    });
    const adi::Buffer reduced = elements(partial, 0, count, type);
    if (tree.node() != 0) {
        outcome.add(channel.send(tree.parent(), reduced));
    } else if (partial != result) {
        outcome.add(copy(reduced, elements(result, 0, count, type)));
    }
    return outcome.status();
}

/// The tree is rooted at rank 0, which sends the result on to the root.
Status reduce_in_order(const void* own, void* recvbuf, Count count, const Datatype& type,
                       const Op& op, int root, Comm& comm) {
    if (root == 0) return reduce_binomial(own, recvbuf, count, type, op, 0, comm);
    if (comm.rank != 0) {
        Outcome outcome;
        outcome.add(reduce_binomial(own, nullptr, count, type, op, 0, comm));
        if (comm.rank == root) {
            outcome.add(Channel(comm, Tag::reduce).recv(0, elements(recvbuf, 0, count, type)));
        }
        return outcome.status();
    }
    State* state = state_of(comm);
    if (state == nullptr) return out_of_memory();
    const Elements result(state->packed, count, type);
    if (!result) return out_of_memory();
    Outcome outcome;
    outcome.add(reduce_binomial(own, result.base(), count, type, op, 0, comm));
    outcome.add(Channel(comm, Tag::reduce).send(root, elements(result.base(), 0, count, type)));
    return outcome.status();
}

/// Rabenseifner: a reduce-scatter, whose pieces go straight to the root.
Status reduce_long(const void* own, void* recvbuf, Count count, const Datatype& type, const Op& op,
                   int root, Comm& comm) {
    State* state = state_of(comm);
    if (state == nullptr) return out_of_memory();
    const Elements apart(state->partial, comm.rank == root ? 0 : count, type);
    if (!apart) return out_of_memory();
    void* work = comm.rank == root ? recvbuf : apart.base();
    Halving halving(comm, Tag::reduce, op, type, count, own, work, state->operand);
    Outcome outcome;
    outcome.add(halving.reduce_scatter());
    outcome.add(halving.gather(root, comm));
    return outcome.status();
}

}  // namespace
}  // namespace coll

Status reduce(const void* sendbuf, void* recvbuf, Count count, Datatype& datatype, Op& op, int root,
              Comm& comm) {
    const void* own = sendbuf == MPI_IN_PLACE ? recvbuf : sendbuf;
    if (count == 0 || datatype.size == 0) return Status::ok;
    if (comm.is_inter()) {
        return coll::inter::reduce(sendbuf, recvbuf, count, datatype, op, root, comm);
    }
    if (comm.size == 1) {
        if (own == recvbuf) return Status::ok;
        return coll::copy(make_buffer(own, count, datatype), make_buffer(recvbuf, count, datatype));
    }
    const auto bytes =
        static_cast<std::uint64_t>(count) * static_cast<std::uint64_t>(datatype.size);
    if (coll::SharedReduction::suits(datatype) &&
        coll::select::reduce_is_shared(bytes, comm.size)) {
        if (coll::Shared* shared = coll::Shared::of(comm)) {
            return coll::SharedReduction(*shared, op, datatype).reduce(own, recvbuf, count, root);
        }
    }
    if (coll::Hosts* hosts = coll::Hosts::of(comm);
        hosts && coll::hosts_may_reduce(*hosts, op) &&
        coll::select::reduce_is_by_hosts(bytes, count, comm.size, hosts->even())) {
        return coll::hosts_reduce(*hosts, own, recvbuf, count, datatype, op, root, comm);
    }
    if (coll::select::reduce_is_long(bytes, count, comm.size)) {
        return coll::reduce_long(own, recvbuf, count, datatype, op, root, comm);
    }
    if (!op.commutative) {
        return coll::reduce_in_order(own, recvbuf, count, datatype, op, root, comm);
    }
    void* result = comm.rank == root ? recvbuf : nullptr;
    return coll::reduce_binomial(own, result, count, datatype, op, root, comm);
}

}  // namespace mpi
