// Builder: what every constructor of datatypes works with. It collects blocks of old types, and
// works out bounds, counts and shape of the new one.
//
// Shapes are canonical as soon as they are made, from parts that already are; that costs no more
// than reading the arguments, and leaves nothing to do for MPI_Type_commit.
#pragma once

#include <algorithm>
#include <exception>
#include <initializer_list>
#include <limits>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "mpi/core/datatype.hpp"
#include "mpi/core/error.hpp"
#include "mpi/datatype/contents.hpp"

namespace mpi {

/// Wide enough for any sum of two products of 64-bit integers.
__extension__ using Wide = __int128;

inline bool fits(Wide value) {
    return value >= std::numeric_limits<Count>::min() && value <= std::numeric_limits<Count>::max();
}

/// See Description::dense.
inline bool is_dense(const Description& type) {
    return !type.shape.node && type.shape.at == 0 && type.lb == 0 && type.extent == type.size;
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
                           const Description& type) {
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
    [[nodiscard]] bool finish(Description& type) {
        type.size = size_;
        type.elements = elements_;
        type.element_size = element_size_;
        type.basic = basic_;
        type.external_size = external_size_;
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
        type.dense = is_dense(type);
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

    bool count_elements(Count outer, Count inner, const Description& type) {
        Count copies;
        Count bytes;
        Count elements;
        if (__builtin_mul_overflow(outer, inner, &copies) ||
            __builtin_mul_overflow(copies, type.size, &bytes) ||
            __builtin_mul_overflow(copies, type.elements, &elements)) {
            return false;
        }
        if (elements != 0) {
            const bool first = elements_ == 0;
            element_size_ = first || element_size_ == type.element_size ? type.element_size : 0;
            basic_ = first || basic_ == type.basic ? type.basic : nullptr;
            external_size_ += copies * type.external_size;  // never more than the size here
        }
        return !__builtin_add_overflow(size_, bytes, &size_) &&
               !__builtin_add_overflow(elements_, elements, &elements_);
    }

    void add_shape(Count at, Count outer, Count outer_stride, Count inner,
                   const Description& type) {
        const Shape part =
            make_loop(static_cast<std::uint64_t>(outer), outer_stride, block(inner, type));
        parts_.push_back(shifted(part, at));
    }

    /// `length` consecutive elements. Blocks of equal length share their node: that saves memory
    /// and lets a list see that they are equal.
    Shape block(Count length, const Description& type) {
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
    const Description* block_type_ = nullptr;
    Bounds data_;
    Bounds marks_;
    Count size_ = 0;
    Count elements_ = 0;
    Count element_size_ = 0;
    Count external_size_ = 0;
    const Datatype* basic_ = nullptr;
    std::uint32_t alignment_ = 1;
};

/// The error of sizes and displacements that 64 bits cannot hold.
[[gnu::cold]] Status too_large();

std::unique_ptr<Contents> make_contents(int combiner, std::initializer_list<Count> integers);

/// Makes the object of `description`; holds a reference to each old type in `contents`.
Status make_type(Description description, std::unique_ptr<Contents> contents, Datatype*& newtype);
/// The same of what a builder collected.
Status make_type(Builder& builder, std::unique_ptr<Contents> contents, Datatype*& newtype);

/// Runs a constructor; memory that is not there is an error, not an exception.
template <class Body>
Status guarded(Body body) {
    try {
        return body();
    } catch (const std::exception&) {
        return fail(Status::no_mem, "no memory to describe the datatype");
    }
}

}  // namespace mpi
