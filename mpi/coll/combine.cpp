#include "mpi/coll/combine.hpp"

#include <algorithm>
#include <cstring>

namespace mpi::coll {
namespace {

/// Below, one call of the operation is cheaper than the pieces.
constexpr Count kShortBytes = 4096;
/// What is combined at a time stays in the first-level cache.
constexpr std::uint64_t kPieceBytes = 4096;

}  // namespace

Combine::Combine(const Op& op, const Datatype& type, Count count, Came came, const void* own,
                 void* result, Scratch& spare)
    : op_(op), type_(type), count_(count), came_(came), own_(own), result_(result), place_(result) {
    streams_ = op.predefined && type.dense && type.lb == 0 && type.size == type.extent &&
               type.size <= static_cast<Count>(kElement) && count * type.size > kShortBytes;
    if (streams_ || (came == Came::second && own != result)) return;
    const Elements room(spare, count, type);
    has_room_ = static_cast<bool>(room);
    place_ = room.base();
}

adi::Buffer Combine::buffer() const {
    if (!streams_) return elements(place_, 0, count_, type_);
    return {result_, static_cast<std::uint64_t>(count_ * type_.size), this, 1};
}

void Combine::finish() const {
    if (streams_ || count_ == 0) return;
    const adi::Buffer result = elements(result_, 0, count_, type_);
    // The same type and count: nothing can be truncated.
    if (came_ == Came::first) {
        if (own_ != result_) (void)copy(elements(own_, 0, count_, type_), result);
        op_.apply(place_, result_, count_, type_);
    } else {
        op_.apply(own_, place_, count_, type_);
        if (place_ != result_) (void)copy(buffer(), result);
    }
}

/// Whole elements, from byte `at` of the operands on.
void Combine::combine(std::uint64_t at, const std::byte* from, std::uint64_t n) const {
    auto* const result = static_cast<std::byte*>(result_) + at;
    const auto* const own = static_cast<const std::byte*>(own_) + at;
    const auto elements = static_cast<Count>(n) / type_.size;
    if (came_ == Came::first) {
        if (own != result) std::memcpy(result, own, n);
        return op_.apply(from, result, elements, type_);
    }
    if (own != result) {
        std::memcpy(result, from, n);
        return op_.apply(own, result, elements, type_);
    }
    alignas(64) std::byte piece[kPieceBytes];
    std::memcpy(piece, from, n);
    op_.apply(result, piece, elements, type_);
    std::memcpy(result, piece, n);
}

void Combine::unpack(void*, std::uint64_t, std::uint64_t offset, const std::byte* from,
                     std::uint64_t n) const {
    const auto size = static_cast<std::uint64_t>(type_.size);
    while (n > 0) {
        const std::uint64_t inside = offset % size;
        std::uint64_t part = std::min(n, kPieceBytes);
        if (inside != 0 || n < size) {
            part = std::min(n, size - inside);
            std::memcpy(broken_ + inside, from, part);
            if (inside + part == size) combine(offset - inside, broken_, size);
        } else {
            part -= part % size;
            combine(offset, from, part);
        }
        offset += part;
        from += part;
        n -= part;
    }
}

void Combine::pack(const void*, std::uint64_t, std::uint64_t, std::byte*, std::uint64_t) const {}

}  // namespace mpi::coll
