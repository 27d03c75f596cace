// Datatypes (MPI-5.0 §5): what the rest of the MPI layer knows of them. The constructors and the
// machinery of flattening, packing and unpacking live in mpi/datatype.
#pragma once

#include <mpi.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "adi/base/layout.hpp"
#include "mpi/core/object.hpp"

namespace mpi {

using Count = std::int64_t;
using Aint = std::intptr_t;

struct TypeMap;  // the flattened form, private to mpi/datatype

/// A datatype, predefined or derived. Immutable after commit, except for its reference count.
/// Sizes, extents and displacements are in bytes.
class Datatype final : public Object, public adi::Layout {
  public:
    Datatype();
    ~Datatype();
    Datatype(const Datatype&) = delete;
    Datatype& operator=(const Datatype&) = delete;

    Count size = 0;         ///< bytes of data in one element
    Aint lb = 0;            ///< lower bound
    Aint extent = 0;        ///< upper bound - lower bound: the stride between elements
    Aint true_lb = 0;       ///< lowest byte of data
    Aint true_extent = 0;   ///< highest byte of data + 1 - true_lb
    bool committed = false;
    bool predefined = false;
    /// `n` elements are one run of n * size bytes that starts at base (lb = 0, extent = size, no
    /// gaps, in order): the fast path of every transfer.
    bool dense = false;

    std::unique_ptr<TypeMap> map;  ///< null for predefined types without gaps

    /// adi::Layout, see there: at memcpy speed for contiguous runs.
    void pack(const void* base, std::uint64_t count, std::uint64_t offset, std::byte* to,
              std::uint64_t n) const override;
    void unpack(void* base, std::uint64_t count, std::uint64_t offset, const std::byte* from,
                std::uint64_t n) const override;
};

template <>
struct HandleTraits<Datatype> {
    static constexpr Kind kind = Kind::datatype;
    static constexpr Id first = 0x200, count = 0x100;
};

/// The user's `count` elements of `type` at `base` as the ADI sees them. Negative counts and
/// uncommitted types were refused before.
inline adi::Buffer make_buffer(const void* base, Count count, const Datatype& type) {
    void* b = const_cast<void*>(base);
    const auto bytes = static_cast<std::uint64_t>(count) * static_cast<std::uint64_t>(type.size);
    if (type.dense) [[likely]] return {b, bytes, nullptr, 0};
    return {b, bytes, &type, static_cast<std::uint64_t>(count)};
}

inline void retain(Datatype* type) { ++type->refs; }
/// Drops one reference; the last one destroys a derived type.
void release(Datatype* type);

/// Binds the predefined datatypes' handles; called once by MPI_Init.
void predefine_datatypes();

}  // namespace mpi
