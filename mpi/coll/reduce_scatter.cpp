// MPI_Reduce_scatter and MPI_Reduce_scatter_block.
#include "bodies.hpp"
#include "mpi/coll/halving.hpp"
#include "mpi/coll/inter.hpp"
#include "mpi/coll/select.hpp"
#include "mpi/coll/shared_reduce.hpp"

namespace mpi {
namespace coll {
namespace {

/// The lengths of the parts, in elements: given one by one, or all the same.
class Parts {
  public:
    explicit Parts(IntArray counts) : counts_(counts) {}
    explicit Parts(Count count) : count_(count) {}

    bool equal() const { return !counts_; }
    IntArray counts() const { return counts_; }
    Count count(int rank) const { return counts_ ? counts_[rank] : count_; }
    /// The elements before rank's part; for the number of ranks, all.
    Count before(int rank) const {
        if (!counts_) return rank * count_;
        Count sum = 0;
        for (int i = 0; i < rank; ++i) sum += counts_[i];
        return sum;
    }

  private:
    IntArray counts_;
    Count count_ = 0;
};

/// The arguments of a call. `input` is the whole vector, part after part.
struct Call {
    const void* input;
    void* recvbuf;
    Parts parts;
    Datatype& type;
    Op& op;
    Comm& comm;

    bool in_place() const { return input == recvbuf; }
    Count before(int rank) const { return parts.before(rank); }
    adi::Buffer part(const void* vector, int rank) const {
        return elements(vector, before(rank), parts.count(rank), type);
    }
    adi::Buffer own(const void* base) const {
        return elements(base, 0, parts.count(comm.rank), type);
    }
};

/// Each rank gets its part from all others and combines it. The parts come from ranks at growing
/// distance below, wrapping around: so those of the lower ranks are put before what is there one by
/// one. Those of the higher ranks, which come after, are put before it too if the operation
/// commutes, and else combined apart and put behind it.
Status pairwise(const Call& call) {
    const int size = call.comm.size, rank = call.comm.rank;
    const Count count = call.parts.count(rank);
    State* state = state_of(call.comm);
    if (state == nullptr) return out_of_memory();
    const Elements high(state->partial, call.op.commutative ? 0 : count, call.type);
    // In place, recvbuf's elements are still to be sent while the result grows.
    const Elements apart(state->packed, call.in_place() ? count : 0, call.type);
    if (!high || !apart) return out_of_memory();
    void* low = call.in_place() ? apart.base() : call.recvbuf;
    const void* result = at(call.input, call.before(rank), call.type);
    const Channel channel(call.comm, Tag::reduce_scatter);
    Outcome outcome;
    for (int distance = 1; distance < size; ++distance) {
        const int to = (rank + distance) % size;
        const int from = (rank - distance + size) % size;
        const adi::Buffer out = call.part(call.input, to);
        const bool apart_from_low = from > rank && !call.op.commutative;
        if (apart_from_low && from == size - 1) {
            outcome.add(channel.sendrecv(to, out, from, call.own(high.base())));
            continue;
        }
        void* const place = apart_from_low ? high.base() : low;
        const Combine combine(call.op, call.type, count, Combine::Came::first,
                              apart_from_low ? place : result, place, state->operand);
        outcome.add(combine.take(
            [&](const adi::Buffer& in) { return channel.sendrecv(to, out, from, in); }));
        if (!apart_from_low) result = low;
    }
    if (rank != size - 1 && !call.op.commutative && count != 0) {
        call.op.apply(result, high.base(), count, call.type);
        result = high.base();
    }
    if (result != call.recvbuf) outcome.add(copy(call.own(result), call.own(call.recvbuf)));
    return outcome.status();
}

/// Recursive halving, for operations that commute: partners at half the distance each time exchange
/// the half of the vector that the other one's side wants.
Status recursive_halving(const Call& call) {
    const Count total = call.before(call.comm.size);
    State* state = state_of(call.comm);
    if (state == nullptr) return out_of_memory();
    const Elements work(state->partial, total, call.type);
    if (!work) return out_of_memory();
    const Channel channel(call.comm, Tag::reduce_scatter);
    const Folding folding(call.comm);
    const auto whole = [&](const void* base) { return elements(base, 0, total, call.type); };
    Outcome outcome;
    if (folding.folded()) {
        outcome.add(channel.send(folding.neighbour(), whole(call.input)));
        outcome.add(channel.recv(folding.neighbour(), call.own(call.recvbuf)));
        return outcome.status();
    }
    const void* so_far = call.input;
    const auto incoming = [&](Count first, Count count) {
        return Combine(call.op, call.type, count, Combine::Came::first,
                       at(so_far, first, call.type), at(work.base(), first, call.type),
                       state->operand);
    };
    if (folding.doubled()) {
        outcome.add(incoming(0, total).take(
            [&](const adi::Buffer& in) { return channel.recv(folding.neighbour(), in); }));
        so_far = work.base();
    }
    const int number = folding.number();
    for (int low = 0, span = folding.power() / 2; span > 0; span /= 2) {
        const bool upper = number >= low + span;
        const Count start = call.before(folding.first_rank_of(low));
        const Count middle = call.before(folding.first_rank_of(low + span));
        const Count end = call.before(folding.first_rank_of(low + 2 * span));
        const Count mine = upper ? middle : start,
                    mine_count = upper ? end - middle : middle - start;
        const Count theirs = upper ? start : middle;
        const int partner = folding.rank_of(number ^ span);
        const adi::Buffer out = elements(so_far, theirs, end - start - mine_count, call.type);
        outcome.add(incoming(mine, mine_count).take([&](const adi::Buffer& in) {
            return channel.sendrecv(partner, out, partner, in);
        }));
        so_far = work.base();
        if (upper) low += span;
    }
    outcome.add(copy(call.part(work.base(), call.comm.rank), call.own(call.recvbuf)));
    if (folding.doubled()) {
        const int even = folding.neighbour();
        outcome.add(channel.send(even, call.part(work.base(), even)));
    }
    return outcome.status();
}

/// On an intercommunicator: rank 0 of this group deals out what the remote group combined. The
/// parts are those of this group's processes; the two groups' parts add up to the same.
Status reduce_scatter_inter(const Call& call, Count total) {
    void* combined = nullptr;
    Outcome outcome;
    outcome.add(inter::reduce_remote(call.input, total, call.type, call.op, call.comm, combined));
    Comm& local = *call.comm.local;
    const Count own = call.parts.count(local.rank);
    if (call.parts.equal()) {
        outcome.add(scatter(combined, own, call.type, call.recvbuf, own, call.type, 0, local));
        return outcome.status();
    }
    IntArray places;
    if (local.rank == 0) {
        const auto ranks = static_cast<std::size_t>(local.size);
        State* state = state_of(call.comm);
        std::byte* memory =
            state != nullptr ? state->packed.get(ranks * sizeof(std::int64_t)) : nullptr;
        if (memory == nullptr) return out_of_memory();
        auto* place = reinterpret_cast<std::int64_t*>(memory);
        for (int i = 0; i < local.size; ++i) place[i] = call.before(i);
        places = IntArray(place);
    }
    outcome.add(scatterv(combined, call.parts.counts(), places, call.type, call.recvbuf, own,
                         call.type, 0, local));
    return outcome.status();
}

Status reduce_scatter_parts(const Call& call) {
    const Comm& comm = call.comm;
    const Count total = call.before(comm.size);
    if (total == 0 || call.type.size == 0) return Status::ok;
    if (comm.is_inter()) return reduce_scatter_inter(call, total);
    if (comm.size == 1) {
        return call.in_place() ? Status::ok : copy(call.own(call.input), call.own(call.recvbuf));
    }
    // One slot holds the whole vector.
    if (SharedReduction::suits(call.type) &&
        select::fits_epoch(static_cast<std::uint64_t>(total * call.type.extent), comm.size)) {
        if (Shared* shared = Shared::of(call.comm)) {
            return SharedReduction(*shared, call.op, call.type)
                .reduce_part(call.input, call.recvbuf, total, call.before(comm.rank),
                             call.parts.count(comm.rank));
        }
    }
    const auto bytes =
        static_cast<std::uint64_t>(total) * static_cast<std::uint64_t>(call.type.size);
    if (!call.op.commutative || select::reduce_scatter_is_long(bytes, comm.size)) {
        return pairwise(call);
    }
    return recursive_halving(call);
}

}  // namespace
}  // namespace coll

Status reduce_scatter(const void* sendbuf, void* recvbuf, IntArray recvcounts, Datatype& datatype,
                      Op& op, Comm& comm) {
    const void* input = sendbuf == MPI_IN_PLACE ? recvbuf : sendbuf;
    return coll::reduce_scatter_parts(
        {input, recvbuf, coll::Parts(recvcounts), datatype, op, comm});
}

Status reduce_scatter_block(const void* sendbuf, void* recvbuf, Count recvcount, Datatype& datatype,
                            Op& op, Comm& comm) {
    const void* input = sendbuf == MPI_IN_PLACE ? recvbuf : sendbuf;
    return coll::reduce_scatter_parts({input, recvbuf, coll::Parts(recvcount), datatype, op, comm});
}

}  // namespace mpi
