// The constructors of derived datatypes (MPI-5.0 §5.1.2): work out the bounds, and build the shape
// from the shapes of the old types.
//
// Shapes are canonical as soon as they are made, from parts that already are; that costs no more
// than reading the arguments, and leaves nothing to do for MPI_Type_commit.

#include <algorithm>
#include <exception>
#include <limits>
#include <unordered_map>
#include <utility>

#include "bodies.hpp"
#include "mpi/core/error.hpp"
#include "mpi/datatype/contents.hpp"

namespace mpi {
namespace {

/// Wide enough for any sum of two products of 64-bit integers.
__extension__ using Wide = __int128;

bool fits(Wide value) {
    return value >= std::numeric_limits<Count>::min() && value <= std::numeric_limits<Count>::max();
}

/// Collects the blocks of a type under construction and what follows from them.
///
/// Bounds are by the standard's definition over the whole type map (MPI-5.0 §5.1): from the
/// lowest to the highest byte of data, padded to a multiple of the strictest alignment inside,
/// unless bounds set by MPI_Type_create_resized are among the parts; then those alone count.
class Builder {
  public:
    void reserve(Count blocks) { parts_.reserve(static_cast<std::size_t>(blocks)); }

    /// `outer` blocks, `outer_stride` bytes apart, of `inner` elements of `type`; the first at
    /// `at`. False when a size or displacement does not fit 64 bits.
    [[nodiscard]] bool add(Wide at, Count outer, Wide outer_stride, Count inner,
                           const Datatype& type) {
        if (outer == 0 || inner == 0) return true;
        if (type.elements == 0 && !type.explicit_bounds) return true;
        if (outer == 1) outer_stride = 0;
        if (!fits(at) || !fits(outer_stride)) return false;
        const Wide outer_span = (outer - Wide{1}) * outer_stride;
        const Wide inner_span = (inner - Wide{1}) * type.extent;
        if (!fits(outer_span) || !fits(inner_span)) return false;
        if (!count_elements(outer, inner, type)) return false;
        const Wide low = at + std::min<Wide>(outer_span, 0) + std::min<Wide>(inner_span, 0);
        const Wide high = at + std::max<Wide>(outer_span, 0) + std::max<Wide>(inner_span, 0);
        if (type.explicit_bounds) {
            include(marks_, low + type.lb, high + type.lb + type.extent);
        }
        if (type.size == 0) return true;
        include(data_, low + type.true_lb, high + type.true_lb + type.true_extent);
        if (!in_range(data_)) return false;
        alignment_ = std::max(alignment_, type.alignment);
        add_shape(static_cast<Count>(at), outer, static_cast<Count>(outer_stride), inner, type);
        return true;
    }

    /// Fills in the new type. False as for add().
    [[nodiscard]] bool finish(Datatype& type) {
        type.size = size_;
        type.elements = elements_;
        type.element_size = element_size_;
        type.alignment = alignment_;
        Bounds bounds = marks_;
        if (!marks_.any) {
            bounds = data_;
            const Wide excess = (bounds.high - bounds.low) % alignment_;
            if (excess != 0) bounds.high += alignment_ - excess;
        }
        if (!in_range(bounds) || !in_range(data_)) return false;
        type.explicit_bounds = marks_.any;
        type.lb = static_cast<Aint>(bounds.low);
        type.extent = static_cast<Aint>(bounds.high - bounds.low);
        type.true_lb = static_cast<Aint>(data_.low);
        type.true_extent = static_cast<Aint>(data_.high - data_.low);
        type.shape = parts_.size() == 1 ? std::move(parts_[0]) : make_list(std::move(parts_));
        type.dense =
            !type.shape.node && type.shape.at == 0 && type.lb == 0 && type.extent == type.size;
        return true;
    }

  private:
    struct Bounds {
        bool any = false;
        Wide low = 0;
        Wide high = 0;
    };

    static void include(Bounds& bounds, Wide low, Wide high) {
        bounds.low = bounds.any ? std::min(bounds.low, low) : low;
        bounds.high = bounds.any ? std::max(bounds.high, high) : high;
        bounds.any = true;
    }
    static bool in_range(const Bounds& bounds) {
        return fits(bounds.low) && fits(bounds.high) && fits(bounds.high - bounds.low);
    }

    bool count_elements(Count outer, Count inner, const Datatype& type) {
        Count copies;
        Count bytes;
        Count elements;
        if (__builtin_mul_overflow(outer, inner, &copies) ||
            __builtin_mul_overflow(copies, type.size, &bytes) ||
            __builtin_mul_overflow(copies, type.elements, &elements)) {
            return false;
        }
        if (elements != 0) {
            const bool same = elements_ == 0 || element_size_ == type.element_size;
            element_size_ = same ? type.element_size : 0;
        }
        return !__builtin_add_overflow(size_, bytes, &size_) &&
               !__builtin_add_overflow(elements_, elements, &elements_);
    }

    void add_shape(Count at, Count outer, Count outer_stride, Count inner, const Datatype& type) {
        const Shape part =
            make_loop(static_cast<std::uint64_t>(outer), outer_stride, block(inner, type));
        parts_.push_back(shifted(part, at));
    }

    /// `length` consecutive elements. Blocks of equal length share their node: that saves memory
    /// and lets a list see that they are equal.
    Shape block(Count length, const Datatype& type) {
        const auto n = static_cast<std::uint64_t>(length);
        if (length == 1 || type.dense) return make_loop(n, type.extent, type.shape);
        if (&type != block_type_) blocks_.clear();
        block_type_ = &type;
        Shape& known = blocks_[length];
        if (known.bytes == 0) known = make_loop(n, type.extent, type.shape);
        return known;
    }

    std::vector<Shape> parts_;
    std::unordered_map<Count, Shape> blocks_;  ///< of block_type_, by length
    const Datatype* block_type_ = nullptr;
    Bounds data_;
    Bounds marks_;
    Count size_ = 0;
    Count elements_ = 0;
    Count element_size_ = 0;
    std::uint32_t alignment_ = 1;
};

Status too_large() {
    return fail(Status::value_too_large,
                "the datatype's size, extent or displacements do not fit 64 bits");
}

std::unique_ptr<Contents> make_contents(int combiner, std::initializer_list<Count> integers) {
    auto contents = std::make_unique<Contents>();
    contents->combiner = combiner;
    for (const Count value : integers) contents->integers.push(value);
    return contents;
}

/// Makes the object of what was collected; holds a reference to each old type.
Status make_type(Builder& builder, std::unique_ptr<Contents> contents, Datatype*& newtype) {
    Datatype* type = table<Datatype>().create();
    if (type == nullptr) return fail(Status::no_mem, "no memory for a datatype");
    if (!builder.finish(*type)) {
        table<Datatype>().destroy(type);
        return too_large();
    }
    for (Datatype* part : contents->types) retain(part);
    type->contents = std::move(contents);
    newtype = type;
    return Status::ok;
}

/// Runs a constructor; memory that is not there is an error, not an exception.
template <class Body>
Status guarded(Body body) {
    try {
        return body();
    } catch (const std::exception&) {
        return fail(Status::no_mem, "no memory to describe the datatype");
    }
}

/// Vectors; `stride` is what the user gave, `unit` its bytes.
Status make_vector(int combiner, Count count, Count blocklength, Count stride, Count unit,
                   Datatype& oldtype, Datatype*& newtype) {
    return guarded([&] {
        Builder builder;
        if (!builder.add(0, count, Wide{stride} * unit, blocklength, oldtype)) return too_large();
        auto contents = make_contents(combiner, {count, blocklength});
        if (combiner == MPI_COMBINER_HVECTOR) {
            contents->addresses.push_back(stride);
        } else {
            contents->integers.push(stride);
        }
        contents->types.push_back(&oldtype);
        return make_type(builder, std::move(contents), newtype);
    });
}

/// Indexed types; displacements are what the user gave, `unit` their bytes. A block of elements
/// with gaps that begins where the one before ends is joined to it; runs are joined by make_list().
Status make_indexed(int combiner, Count count, IntArray lengths, IntArray displacements, Count unit,
                    Datatype& oldtype, Datatype*& newtype) {
    return guarded([&] {
        auto contents = make_contents(combiner, {count});
        contents->types.push_back(&oldtype);
        contents->integers.reserve(static_cast<std::size_t>(2 * count + 1));
        for (Count i = 0; i < count; ++i) contents->integers.push(lengths[i]);
        for (Count i = 0; i < count; ++i) {
            if (combiner == MPI_COMBINER_HINDEXED) {
                contents->addresses.push_back(displacements[i]);
            } else {
                contents->integers.push(displacements[i]);
            }
        }
        Builder builder;
        builder.reserve(count);
        Wide at = 0;
        Count length = 0;
        for (Count i = 0; i < count; ++i) {
            if (lengths[i] == 0) continue;
            const Wide next = Wide{displacements[i]} * unit;
            Count joined;
            if (!oldtype.dense && length != 0 && next - at == Wide{length} * oldtype.extent &&
                !__builtin_add_overflow(length, lengths[i], &joined)) {
                length = joined;
                continue;
            }
            if (!builder.add(at, 1, 0, length, oldtype)) return too_large();
            at = next;
            length = lengths[i];
        }
        if (!builder.add(at, 1, 0, length, oldtype)) return too_large();
        return make_type(builder, std::move(contents), newtype);
    });
}

}  // namespace

Status type_contiguous(Count count, Datatype& oldtype, Datatype*& newtype) {
    return guarded([&] {
        Builder builder;
        if (!builder.add(0, 1, 0, count, oldtype)) return too_large();
        auto contents = make_contents(MPI_COMBINER_CONTIGUOUS, {count});
        contents->types.push_back(&oldtype);
        return make_type(builder, std::move(contents), newtype);
    });
}

Status type_vector(Count count, Count blocklength, Count stride, Datatype& oldtype,
                   Datatype*& newtype) {
    return make_vector(MPI_COMBINER_VECTOR, count, blocklength, stride, oldtype.extent, oldtype,
                       newtype);
}

Status type_create_hvector(Count count, Count blocklength, Aint stride, Datatype& oldtype,
                           Datatype*& newtype) {
    return make_vector(MPI_COMBINER_HVECTOR, count, blocklength, stride, 1, oldtype, newtype);
}

Status type_indexed(Count count, IntArray array_of_blocklengths, IntArray array_of_displacements,
                    Datatype& oldtype, Datatype*& newtype) {
    return make_indexed(MPI_COMBINER_INDEXED, count, array_of_blocklengths, array_of_displacements,
                        oldtype.extent, oldtype, newtype);
}

Status type_create_hindexed(Count count, IntArray array_of_blocklengths,
                            IntArray array_of_displacements, Datatype& oldtype,
                            Datatype*& newtype) {
    return make_indexed(MPI_COMBINER_HINDEXED, count, array_of_blocklengths, array_of_displacements,
                        1, oldtype, newtype);
}

Status type_create_struct(Count count, IntArray array_of_blocklengths,
                          IntArray array_of_displacements, DatatypeArray array_of_types,
                          Datatype*& newtype) {
    return guarded([&] {
        Builder builder;
        builder.reserve(count);
        auto contents = make_contents(MPI_COMBINER_STRUCT, {count});
        contents->integers.reserve(static_cast<std::size_t>(count + 1));
        contents->addresses.reserve(static_cast<std::size_t>(count));
        contents->types.reserve(static_cast<std::size_t>(count));
        for (Count i = 0; i < count; ++i) {
            const Count length = array_of_blocklengths[i];
            const Count at = array_of_displacements[i];
            Datatype& type = array_of_types[i];
            if (!builder.add(at, 1, 0, length, type)) return too_large();
            contents->integers.push(length);
            contents->addresses.push_back(at);
            contents->types.push_back(&type);
        }
        return make_type(builder, std::move(contents), newtype);
    });
}

}  // namespace mpi
