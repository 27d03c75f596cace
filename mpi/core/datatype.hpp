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
#include "mpi/core/machine.hpp"
#include "mpi/core/object.hpp"
#include "mpi/datatype/shape.hpp"

namespace mpi {

using Count = std::int64_t;
using Aint = std::intptr_t;

struct Contents;  // a derived type's constructor call, see mpi/datatype/contents.hpp

class Datatype;

/// What a datatype is, apart from being an object: sizes, bounds and layout of one element, all in
/// bytes.
struct Description {
    Count size = 0;        ///< bytes of data
    Aint lb = 0;           ///< lower bound
    Aint extent = 0;       ///< upper bound - lower bound: the stride between elements
    Aint true_lb = 0;      ///< lowest byte of data
    Aint true_extent = 0;  ///< highest byte of data + 1 - true_lb
    /// `n` elements are one run of n * size bytes that starts at base (lb = 0, extent = size, no
    /// gaps, in order): the fast path of every transfer.
    bool dense = false;
    bool explicit_bounds = false;  ///< lb and extent were set by the user: no padding is added

    std::uint32_t alignment = 1;      ///< greatest alignment of the basic types inside
    Count elements = 0;               ///< basic elements
    Count element_size = 0;           ///< bytes of each basic element, 0 when they differ
    Count external_size = 0;          ///< bytes in the representation external32
    const Datatype* basic = nullptr;  ///< the predefined type of all basic elements, if it is one

    Shape shape;  ///< where the bytes lie
};

/// A datatype, predefined or derived. Immutable after commit, except for its reference count.
class Datatype final : public Object, public adi::Layout, public Description {
  public:
    Datatype();
    ~Datatype();
    Datatype(const Datatype&) = delete;
    Datatype& operator=(const Datatype&) = delete;

    bool committed = false;
    bool predefined = false;
    Category category = Category::derived;
    Machine machine = Machine::none;

    std::shared_ptr<Contents> contents;  ///< null for named predefined types
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
/// Destroys a derived type, which has no reference any more.
void destroy_type(Datatype* type);
/// Drops one reference; the last one destroys a derived type.
inline void release(Datatype* type) {
    if (!type->predefined && --type->refs == 0) destroy_type(type);
}

/// The handle of a type that a constructor has just made; `large`: by the constructor's variant for
/// large counts, which MPI_Type_get_envelope_c tells.
MPI_Datatype encode_new(Datatype* type, bool large);

/// Binds the predefined datatypes' handles; called once by MPI_Init.
void predefine_datatypes();

}  // namespace mpi
