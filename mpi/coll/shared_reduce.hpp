// Reductions through a communicator's shared memory (shared.hpp).
#pragma once

#include "mpi/coll/data.hpp"
#include "mpi/coll/shared.hpp"
#include "mpi/core/op.hpp"

namespace mpi::coll {

/// A reduction by all ranks of a communicator. The operands are combined in the order of the ranks,
/// so that every rank gets the same bits, in every run.
class SharedReduction {
  public:
    /// Can slots hold elements of this type? All ranks give the same datatype (MPI-5.0 §6.9.1).
    static bool suits(const Datatype& type) {
        return (type.predefined || type.dense) && type.lb == 0 && type.extent > 0 &&
               type.extent <= 256;
    }

    SharedReduction(Shared& shared, const Op& op, const Datatype& type)
        : shared_(shared), op_(op), type_(type), rank_(shared.rank()), size_(shared.size()) {}

    /// `own` may be `result` (MPI_IN_PLACE). For reduce, `result` is null except at the root.
    Status allreduce(const void* own, void* result, Count count);
    Status reduce(const void* own, void* result, Count count, int root);
    /// The part [first, first + count) of the `total` elements, which fit a slot.
    Status reduce_part(const void* own, void* result, Count total, Count first, Count count);
    /// Of the ranks up to and including this one; `count` elements fit a slot.
    Status scan(const void* own, void* result, Count count);
    /// Of the ranks before this one; rank 0 has no result.
    Status exscan(const void* own, void* result, Count count);

    Count slot_elements() const { return static_cast<Count>(Shared::kSlotBytes) / type_.extent; }

  private:
    void* operand(int rank, Count n) const {
        return shared_.data(rank, static_cast<std::uint64_t>(n * type_.extent));
    }
    void move(const void* from, void* to, Count n) const {
        // The same type and count: nothing can be truncated.
        (void)copy(make_buffer(from, n, type_), make_buffer(to, n, type_));
    }
    void put(const void* own, Count first, Count n) const {
        move(at(own, first, type_), operand(rank_, n), n);
    }
    void exchange(const void* own, void* result, Count first, Count n);
    void reduce_by_last(const void* own, void* result, Count first, Count n);
    void reduce_by_parts(const void* own, void* result, Count first, Count n, int root);
    void reduce_at_root(const void* own, void* result, Count first, Count n, int root);
    void fold(int below, void* result, Count first, Count n, Count of) const;

    Shared& shared_;
    const Op& op_;
    const Datatype& type_;
    int rank_, size_;
};

}  // namespace mpi::coll
