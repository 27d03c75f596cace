// Datatypes (MPI-5.0 §5): what the rest of the MPI layer knows of them. The constructors and the
// machinery of flattening, packing and unpacking live in mpi/datatype.
#pragma once

#include <mpi.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "adi/base/layout.hpp"
#include "mpi/core/attribute.hpp"
#include "mpi/core/object.hpp"
#include "mpi/datatype/shape.hpp"

namespace mpi {

using Count = std::int64_t;
using Aint = std::intptr_t;

/// The groups of basic datatypes that MPI-5.0 §6.9.2 and §6.9.4 define the reductions on.
enum class Category : std::uint8_t {
    derived,  ///< made by a constructor
    c_integer,
    fortran_integer,
    floating,
    logical,
    complex,
    byte,
    multi_language,  ///< MPI_AINT, MPI_OFFSET, MPI_COUNT
    pair,            ///< a value and its location, for MPI_MINLOC and MPI_MAXLOC
    other,           ///< characters and MPI_PACKED: no reduction is defined
};

/// What a predefined datatype is to the machine: the C type that its bytes are.
enum class Machine : std::uint8_t {
    none,  ///< derived
    i8,
    i16,
    i32,
    i64,
    i128,
    u8,
    u16,
    u32,
    u64,
    f32,
    f64,
    f80,  ///< long double, in 16 bytes
    f128,
    c32,  ///< complex of two f32, and so on
    c64,
    c80,
    c128,
    f32_i32,  ///< struct of two members as a C compiler lays it out, and so on
    f64_i32,
    i64_i32,
    i32_i32,
    i16_i32,
    f80_i32,
    f32_f32,
    f64_f64,
};

struct Contents;  // a derived type's constructor call, see mpi/datatype/contents.hpp

/// A datatype, predefined or derived. Immutable after commit, except for its reference count.
/// Sizes, extents and displacements are in bytes.
class Datatype final : public Object, public adi::Layout {
  public:
    Datatype();
    ~Datatype();
    Datatype(const Datatype&) = delete;
    Datatype& operator=(const Datatype&) = delete;

    Count size = 0;        ///< bytes of data in one element
    Aint lb = 0;           ///< lower bound
    Aint extent = 0;       ///< upper bound - lower bound: the stride between elements
    Aint true_lb = 0;      ///< lowest byte of data
    Aint true_extent = 0;  ///< highest byte of data + 1 - true_lb
    bool committed = false;
    bool predefined = false;
    /// `n` elements are one run of n * size bytes that starts at base (lb = 0, extent = size, no
    /// gaps, in order): the fast path of every transfer.
    bool dense = false;
    bool explicit_bounds = false;  ///< lb and extent were set by the user: no padding is added

    Category category = Category::derived;
    Machine machine = Machine::none;
    std::uint32_t alignment = 1;  ///< greatest alignment of the basic types inside
    Count elements = 0;           ///< basic elements in one element
    Count element_size = 0;       ///< bytes of each basic element, 0 when they differ

    Shape shape;                         ///< where the bytes of one element lie
    std::unique_ptr<Contents> contents;  ///< null for predefined types
    AttributeList attributes;
    std::optional<std::string> name;  ///< that the user gave
    Datatype* next_doomed = nullptr;  ///< for release()

    /// adi::Layout, see there: at memcpy speed for contiguous runs.
    void pack(const void* base, std::uint64_t count, std::uint64_t offset, std::byte* to,
              std::uint64_t n) const override;
    void unpack(void* base, std::uint64_t count, std::uint64_t offset, const std::byte* from,
                std::uint64_t n) const override;

    /// `n` elements are one run of n * size bytes, wherever it starts.
    bool one_run(Count n) const { return !shape.node && (n == 1 || extent == size); }
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
    if (type.dense) [[likely]]
        return {b, bytes, nullptr, 0};
    if (type.one_run(count)) {
        // By integers: base may be MPI_BOTTOM and the displacement an address.
        const auto start =
            reinterpret_cast<std::uintptr_t>(b) + static_cast<std::uintptr_t>(type.shape.at);
        return {reinterpret_cast<void*>(start), bytes, nullptr, 0};
    }
    return {b, bytes, &type, static_cast<std::uint64_t>(count)};
}

inline void retain(Datatype* type) {
    ++type->refs;
}
/// Drops one reference; the last one destroys a derived type.
void release(Datatype* type);

/// Binds the predefined datatypes' handles; called once by MPI_Init.
void predefine_datatypes();

}  // namespace mpi
