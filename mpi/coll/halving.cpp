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

/// work = work op incoming in the order of the ranks, over `r`.
void Halving::combine(Range r, bool incoming_is_lower) {
    void* mine = at(work_, r.first, type_);
    void* other = at(incoming_, r.first, type_);
    // Each piece is computed by one rank, so swapping the operands of a commutative operation
    // cannot make ranks differ.
    if (incoming_is_lower || op_.commutative) return op_.apply(other, mine, r.count, type_);
    op_.apply(mine, other, r.count, type_);
    // The same type and count: nothing can be truncated.
    (void)copy(buffer(incoming_, r), buffer(work_, r));
}

Status Halving::reduce_scatter() {
    const Range all{0, count_};
    if (folding_.folded()) return channel_.send(folding_.neighbour(), buffer(work_, all));
    Outcome outcome;
    if (folding_.doubled()) {
        outcome.add(channel_.recv(folding_.neighbour(), buffer(incoming_, all)));
        combine(all, true);
    }
    const int number = folding_.number();
    for (int level = 0; 1 << level < folding_.power(); ++level) {
        const int partner = number ^ 1 << level;
        const int rank = folding_.rank_of(partner);
        const Range mine = piece(number, level + 1);
        outcome.add(channel_.sendrecv(rank, buffer(work_, piece(partner, level + 1)), rank,
                                      buffer(incoming_, mine)));
        combine(mine, partner < number);
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
