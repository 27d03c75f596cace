#include "mpi/coll/halving.hpp"

namespace mpi::coll {

Halving::Range Halving::piece(int number, int levels) const {
    Range r{0, count_};
    for (int level = 0; level < levels; ++level) {
        const Count half = r.count / 2;
        if (number >> level & 1) {
            r = {r.first + half, r.count - half};
        } else {
            r.count = half;
        }
    }
    return r;
}

Combine Halving::incoming(Range r, bool lower) {
    // Each piece is computed by one rank, so swapping the operands of a commutative operation
    // cannot make ranks differ.
    const auto came = lower || op_.commutative ? Combine::Came::first : Combine::Came::second;
    return {op_,   type_, r.count, came, at(so_far_, r.first, type_), at(work_, r.first, type_),
            spare_};
}

Status Halving::reduce_scatter() {
    const Range all{0, count_};
    if (folding_.folded()) return channel_.send(folding_.neighbour(), buffer(so_far_, all));
    Outcome outcome;
    if (folding_.doubled()) {
        outcome.add(incoming(all, true).take(
            [&](const adi::Buffer& in) { return channel_.recv(folding_.neighbour(), in); }));
        so_far_ = work_;
    }
    const int number = folding_.number();
    for (int level = 0; 1 << level < folding_.power(); ++level) {
        const int partner = number ^ 1 << level;
        const int rank = folding_.rank_of(partner);
        const adi::Buffer theirs = buffer(so_far_, piece(partner, level + 1));
        outcome.add(
            incoming(piece(number, level + 1), partner < number).take([&](const adi::Buffer& in) {
                return channel_.sendrecv(rank, theirs, rank, in);
            }));
        so_far_ = work_;
    }
    return outcome.status();
}

Status Halving::allgather() {
    const Range all{0, count_};
    if (folding_.folded()) return channel_.recv(folding_.neighbour(), buffer(work_, all));
    Outcome outcome;
    const int number = folding_.number();
    int level = 0;
    while (1 << level < folding_.power()) ++level;
    while (level-- > 0) {
        const int partner = number ^ 1 << level;
        const int rank = folding_.rank_of(partner);
        outcome.add(channel_.sendrecv(rank, buffer(work_, piece(number, level + 1)), rank,
                                      buffer(work_, piece(partner, level + 1))));
    }
    if (folding_.doubled()) {
        outcome.add(channel_.send(folding_.neighbour(), buffer(work_, all)));
    }
    return outcome.status();
}

Status Halving::gather(int root, const Comm& comm) {
    int levels = 0;
    while (1 << levels < folding_.power()) ++levels;
    if (comm.rank != root) {
        if (folding_.folded()) return Status::ok;
        return channel_.send(root, buffer(work_, piece(folding_.number(), levels)));
    }
    Outcome outcome;
    for (int number = 0; number < folding_.power(); ++number) {
        const int rank = folding_.rank_of(number);
        if (rank == root) continue;
        outcome.add(channel_.recv(rank, buffer(work_, piece(number, levels))));
    }
    return outcome.status();
}

}  // namespace mpi::coll
