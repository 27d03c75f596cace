// MPI_Allreduce.
#include <utility>

#include "bodies.hpp"
#include "mpi/coll/halving.hpp"
#include "mpi/coll/select.hpp"
#include "mpi/coll/shared_reduce.hpp"

namespace mpi {
namespace coll {
namespace {

/// Recursive doubling: partners exchange all they have and both combine it. Both compute the lower
/// ranks' part first, so all ranks get the same bits.
Status allreduce_doubling(const void* own, void* recvbuf, Count count, const Datatype& type,
                          const Op& op, Comm& comm) {
    State* state = state_of(comm);
    if (state == nullptr) return out_of_memory();
    const Elements incoming(state->operand, count, type);
    if (!incoming) return out_of_memory();
    const Channel channel(comm, Tag::allreduce);
    const Folding folding(comm);
    const auto whole = [&](const void* base) { return elements(base, 0, count, type); };
    if (folding.folded()) {
        Outcome outcome;
        outcome.add(channel.send(folding.neighbour(), whole(own)));
        outcome.add(channel.recv(folding.neighbour(), whole(recvbuf)));
        return outcome.status();
    }
    Outcome outcome;
    void* mine = recvbuf;
    void* other = incoming.base();
    if (own != recvbuf) outcome.add(copy(whole(own), whole(recvbuf)));
    if (folding.doubled()) {
        outcome.add(channel.recv(folding.neighbour(), whole(other)));
        op.apply(other, mine, count, type);
    }
    const int number = folding.number();
    for (int distance = 1; distance < folding.power(); distance *= 2) {
        const int partner = number ^ distance;
        const int rank = folding.rank_of(partner);
        outcome.add(channel.sendrecv(rank, whole(mine), rank, whole(other)));
        if (partner < number) {
            op.apply(other, mine, count, type);
        } else {
            op.apply(mine, other, count, type);
            std::swap(mine, other);
        }
    }
    if (mine != recvbuf) outcome.add(copy(whole(mine), whole(recvbuf)));
    if (folding.doubled()) outcome.add(channel.send(folding.neighbour(), whole(recvbuf)));
    return outcome.status();
}

/// Rabenseifner: a reduce-scatter, whose pieces are then gathered everywhere.
Status allreduce_long(const void* own, void* recvbuf, Count count, const Datatype& type,
                      const Op& op, Comm& comm) {
    State* state = state_of(comm);
    if (state == nullptr) return out_of_memory();
    const Elements incoming(state->operand, count, type);
    if (!incoming) return out_of_memory();
    Outcome outcome;
    if (own != recvbuf) {
        outcome.add(copy(elements(own, 0, count, type), elements(recvbuf, 0, count, type)));
    }
    Halving halving(comm, Tag::allreduce, op, type, count, recvbuf, incoming.base());
    outcome.add(halving.reduce_scatter());
    outcome.add(halving.allgather());
    return outcome.status();
}

}  // namespace
}  // namespace coll

Status allreduce(const void* sendbuf, void* recvbuf, Count count, Datatype& datatype, Op& op,
                 Comm& comm) {
    const void* own = sendbuf == MPI_IN_PLACE ? recvbuf : sendbuf;
    if (count == 0 || datatype.size == 0) return Status::ok;
    if (comm.size == 1) {
        if (own == recvbuf) return Status::ok;
        return coll::copy(make_buffer(own, count, datatype), make_buffer(recvbuf, count, datatype));
    }
    const auto bytes =
        static_cast<std::uint64_t>(count) * static_cast<std::uint64_t>(datatype.size);
    if (coll::SharedReduction::suits(datatype) &&
        coll::select::reduce_is_shared(bytes, comm.size)) {
        if (coll::Shared* shared = coll::Shared::of(comm)) {
            return coll::SharedReduction(*shared, op, datatype).allreduce(own, recvbuf, count);
        }
    }
    if (coll::select::reduce_is_long(bytes, count, comm.size)) {
        return coll::allreduce_long(own, recvbuf, count, datatype, op, comm);
    }
    return coll::allreduce_doubling(own, recvbuf, count, datatype, op, comm);
}

}  // namespace mpi
