#include "mpi/coll/shared_reduce.hpp"

#include <algorithm>

#include "mpi/coll/select.hpp"

namespace mpi::coll {
namespace {

using Kind = Shared::Kind;

}  // namespace

/// result = operand 0 op … op operand (below - 1) op result, over elements [first, first + n) of
/// operands of `of` elements.
void SharedReduction::fold(int below, void* result, Count first, Count n, Count of) const {
    for (int i = below; i-- > 0;) op_.apply(at(operand(i, of), first, type_), result, n, type_);
}

/// Two ranks: each sees the other's operand and computes for itself.
void SharedReduction::exchange(const void* own, void* result, Count first, Count n) {
    shared_.begin();
    shared_.ready();
    put(own, first, n);
    shared_.meet();
    void* to = at(result, first, type_);
    if (rank_ == 0) {
        move(operand(1, n), to, n);
    } else if (own != result) {
        move(at(own, first, type_), to, n);
    }
    op_.apply(operand(0, n), to, n, type_);
    shared_.end(Kind::synchronizing);
}

/// The last rank to come combines all operands, in the last rank's slot.
void SharedReduction::reduce_by_last(const void* own, void* result, Count first, Count n) {
    shared_.begin();
    shared_.ready();
    put(own, first, n);
    void* sum = operand(size_ - 1, n);
    if (shared_.arrive()) {
        fold(size_ - 1, sum, 0, n, n);
        shared_.release();
    } else {
        shared_.await_release();
    }
    move(sum, at(result, first, type_), n);
    shared_.end(Kind::synchronizing);
}

/// Each rank combines a part of the operands, in the last rank's slots. `root` gets the result, or,
/// when it is negative, everyone does.
void SharedReduction::reduce_by_parts(const void* own, void* result, Count first, Count n,
                                      int root) {
    shared_.begin_batch();
    shared_.ready();
    std::byte* const sum = shared_.payload(size_ - 1);
    move(at(own, first, type_), shared_.payload(rank_), n);
    shared_.meet();
    const Count start = n * rank_ / size_, end = n * (rank_ + 1) / size_;
    for (int i = size_ - 1; i-- > 0;) {
        op_.apply(at(shared_.payload(i), start, type_), at(sum, start, type_), end - start, type_);
    }
    shared_.begin();  // within the batch: its payload stays
    shared_.meet();
    if (root < 0 || root == rank_) move(sum, at(result, first, type_), n);
    shared_.end_batch(Kind::synchronizing);
}

Status SharedReduction::allreduce(const void* own, void* result, Count count) {
    const bool parts = size_ > 2 && select::shared_allreduce_by_parts(
                                        static_cast<std::uint64_t>(count * type_.extent));
    const Count most =
        parts ? static_cast<Count>(Shared::kBatchBytes) / type_.extent : slot_elements();
    for (Count first = 0; first < count; first += most) {
        const Count n = std::min(most, count - first);
        if (size_ == 2) {
            exchange(own, result, first, n);
        } else if (parts) {
            reduce_by_parts(own, result, first, n, -1);
        } else {
            reduce_by_last(own, result, first, n);
        }
    }
    return shared_.outcome();
}

/// The root combines the operands that it finds in the others' slots.
void SharedReduction::reduce_at_root(const void* own, void* result, Count first, Count n,
                                     int root) {
    shared_.begin();
    if (rank_ != root) {
        shared_.ready();
        put(own, first, n);
        shared_.collect(root);
        return shared_.end(Kind::rooted);
    }
    // In place, the result grows where the own operand is.
    const bool apart = own == result && root != size_ - 1;
    if (apart) {
        shared_.ready();
        put(own, first, n);
    }
    const void* mine = apart ? operand(root, n) : at(own, first, type_);
    shared_.collect(root);
    void* to = at(result, first, type_);
    const void* last = root == size_ - 1 ? mine : operand(size_ - 1, n);
    if (last != to) move(last, to, n);
    for (int i = size_ - 1; i-- > 0;) op_.apply(i == root ? mine : operand(i, n), to, n, type_);
    shared_.end(Kind::rooted);
}

Status SharedReduction::reduce(const void* own, void* result, Count count, int root) {
    const bool parts = size_ > 2 && select::shared_reduce_by_parts(
                                        static_cast<std::uint64_t>(count * type_.extent));
    const Count most =
        parts ? static_cast<Count>(Shared::kBatchBytes) / type_.extent : slot_elements();
    for (Count first = 0; first < count; first += most) {
        const Count n = std::min(most, count - first);
        if (parts) {
            reduce_by_parts(own, result, first, n, root);
        } else {
            reduce_at_root(own, result, first, n, root);
        }
    }
    return shared_.outcome();
}

Status SharedReduction::reduce_part(const void* own, void* result, Count total, Count first,
                                    Count count) {
    shared_.begin();
    shared_.ready();
    put(own, 0, total);
    shared_.meet();
    if (count > 0) {
        move(at(operand(size_ - 1, total), first, type_), result, count);
        fold(size_ - 1, result, first, count, total);
    }
    shared_.end(Kind::synchronizing);
    return shared_.outcome();
}

Status SharedReduction::scan(const void* own, void* result, Count count) {
    shared_.begin();
    shared_.ready();
    put(own, 0, count);
    shared_.meet();
    if (own != result) move(own, result, count);
    fold(rank_, result, 0, count, count);
    shared_.end(Kind::synchronizing);
    return shared_.outcome();
}

Status SharedReduction::exscan(const void* own, void* result, Count count) {
    shared_.begin();
    shared_.ready();
    put(own, 0, count);
    shared_.meet();
    if (rank_ > 0) {
        move(operand(rank_ - 1, count), result, count);
        fold(rank_ - 1, result, 0, count, count);
    }
    shared_.end(Kind::synchronizing);
    return shared_.outcome();
}

}  // namespace mpi::coll
