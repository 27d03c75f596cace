// Rabenseifner's algorithm: the long reductions as a reduce-scatter, after which each rank holds
// one piece of the result, and whatever gathers the pieces.
//
// Ranks beyond the largest power of two are folded in first: each even one among the first 2 * rem
// hands its data to its odd neighbour. The rest, renumbered, halve the vector while the distance
// doubles, so that partners always stand for adjacent runs of ranks and the operands' order is
// kept.
#pragma once

#include <algorithm>

#include "mpi/coll/combine.hpp"
#include "mpi/coll/message.hpp"
#include "mpi/core/op.hpp"

namespace mpi::coll {

/// How p ranks become a power of two.
class Folding {
  public:
    explicit Folding(const Comm& comm) : size_(comm.size), rank_(comm.rank) {
        while (power_ * 2 <= size_) power_ *= 2;
        rem_ = size_ - power_;
    }

    int power() const { return power_; }
    /// This rank gave its data away and waits for the result.
    bool folded() const { return has_neighbour() && rank_ % 2 == 0; }
    /// This rank speaks for its even neighbour too.
    bool doubled() const { return has_neighbour() && rank_ % 2 == 1; }
    int neighbour() const { return rank_ ^ 1; }
    /// This rank's number among those that take part; it is not folded().
    int number() const { return has_neighbour() ? rank_ / 2 : rank_ - rem_; }
    int rank_of(int number) const { return number < rem_ ? 2 * number + 1 : number + rem_; }
    /// The lowest rank that `number` speaks for; number may be power().
    int first_rank_of(int number) const { return number < rem_ ? 2 * number : number + rem_; }

  private:
    bool has_neighbour() const { return rank_ < 2 * rem_; }

    int size_, rank_;
    int power_ = 1;
    int rem_ = 0;
};

/// One reduction of `count` elements. `own` is this rank's operand, and may be `work`, where the
/// result grows. Calls are made in the order in which they are declared, by all ranks.
class Halving {
  public:
    Halving(const Comm& comm, Tag tag, const Op& op, const Datatype& type, Count count,
            const void* own, void* work, Scratch& spare)
        : channel_(comm, tag),
          folding_(comm),
          op_(op),
          type_(type),
          count_(count),
          so_far_(own),
          work_(work),
          spare_(spare) {}

    /// Folds, and leaves in `work` the piece of this rank's number, unless this rank is folded().
    Status reduce_scatter();
    /// Gives every rank the whole result in `work`.
    Status allgather();
    /// Gives `root` the whole result in its `work`.
    Status gather(int root, const Comm& comm);

  private:
    struct Range {
        Count first, count;
    };
    /// The elements that `number` is left with after `levels` halvings.
    Range piece(int number, int levels) const;
    adi::Buffer buffer(const void* base, Range r) const {
        return elements(base, r.first, r.count, type_);
    }
    /// What comes from another rank, a lower one or not, for the range `r`.
    Combine incoming(Range r, bool lower);

    Channel channel_;
    Folding folding_;
    const Op& op_;
    const Datatype& type_;
    Count count_;
    const void* so_far_;  ///< the operand, and then `work`
    void* work_;
    Scratch& spare_;
};

}  // namespace mpi::coll
