// Helpers for data in users' buffers: places, local copies, temporaries that have the layout of a
// datatype.
#pragma once

#include "mpi/coll/state.hpp"
#include "mpi/core/datatype.hpp"
#include "mpi/core/error.hpp"
#include "mpi/core/int_array.hpp"

namespace mpi::coll {

/// The address of element `index` of a buffer. Computed by integers: base may be MPI_BOTTOM.
inline void* at(const void* base, Count index, const Datatype& type) {
    const auto offset =
        static_cast<std::uintptr_t>(index) * static_cast<std::uintptr_t>(type.extent);
    return reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(base) + offset);
}

/// Elements [first, first + count) of a buffer.
inline adi::Buffer elements(const void* base, Count first, Count count, const Datatype& type) {
    return make_buffer(at(base, first, type), count, type);
}

/// A message from a rank to itself: `to` holds at least as much as `from` (else it is truncated).
/// The two do not overlap.
Status copy(const adi::Buffer& from, const adi::Buffer& to);

/// No memory for a collective's temporary buffers.
[[gnu::cold]] Status out_of_memory();

/// `count` elements of a datatype in scratch memory, addressed as a user's buffer would be: base()
/// is where the buffer argument would point, gaps and lower bounds included.
class Elements {
  public:
    Elements(Scratch& scratch, Count count, const Datatype& type);
    explicit operator bool() const { return base_ != 0; }
    void* base() const { return reinterpret_cast<void*>(base_); }

  private:
    static constexpr Aint kSlack = alignof(std::max_align_t);

    std::uintptr_t base_ = 0;
};

/// A buffer of one block per rank: equal blocks one after the other, blocks of given lengths at
/// given places, or blocks that have datatypes of their own too. Lengths are in elements.
class Blocks {
  public:
    /// Rank i's block is elements [i * count, (i + 1) * count).
    Blocks(const void* base, Count count, const Datatype& type)
        : base_(base), count_(count), type_(&type) {}
    /// Rank i's block is counts[i] elements from element displs[i] on.
    Blocks(const void* base, IntArray counts, IntArray displs, const Datatype& type)
        : base_(base), counts_(counts), displs_(displs), type_(&type) {}
    /// Rank i's block is counts[i] elements of types[i] from byte displs[i] on.
    Blocks(const void* base, IntArray counts, IntArray displs, DatatypeArray types)
        : base_(base), counts_(counts), displs_(displs), types_(types) {}

    Count count(int rank) const { return counts_ ? counts_[rank] : count_; }
    std::uint64_t bytes(int rank) const {
        return static_cast<std::uint64_t>(count(rank)) *
               static_cast<std::uint64_t>(type_of(rank).size);
    }
    adi::Buffer block(int rank) const {
        if (types_) {
            const auto start = reinterpret_cast<std::uintptr_t>(base_) +
                               static_cast<std::uintptr_t>(displs_[rank]);
            return make_buffer(reinterpret_cast<void*>(start), counts_[rank], types_[rank]);
        }
        return elements(base_, displs_ ? displs_[rank] : rank * count_, count(rank), *type_);
    }
    bool equal() const { return !counts_; }
    /// The blocks of ranks [first, first + n) as one buffer; equal() holds.
    adi::Buffer range(int first, int n) const {
        return elements(base_, first * count_, n * count_, *type_);
    }

  private:
    const Datatype& type_of(int rank) const { return types_ ? types_[rank] : *type_; }

    const void* base_;
    Count count_ = 0;
    IntArray counts_;
    IntArray displs_;
    DatatypeArray types_;
    const Datatype* type_ = nullptr;  ///< of all blocks, unless there are types_
};

}  // namespace mpi::coll
