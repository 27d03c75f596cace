// The operands of reductions on their way in.
#pragma once

#include <cstddef>

#include "adi/base/layout.hpp"
#include "mpi/coll/data.hpp"
#include "mpi/coll/state.hpp"
#include "mpi/core/op.hpp"

namespace mpi::coll {

/// An operand that comes as a message, and is combined with one that is here. Long ones of
/// predefined operations are combined piece by piece as the device brings them, out of its memory
/// into the result: nothing lies in between, and each piece is in the nearest cache.
class Combine final : public adi::Layout {
  public:
    /// Which operand is what came? The lower ranks' is the first one.
    enum class Came { first, second };

    /// result = came op own, or own op came: `count` elements. `own` may be `result`. `spare` holds
    /// the operand where that must come first as a whole.
    Combine(const Op& op, const Datatype& type, Count count, Came came, const void* own,
            void* result, Scratch& spare);
    /// Was there memory?
    explicit operator bool() const { return has_room_; }

    /// Receives the message by `get(buffer)` and combines it: a function that returns a Status when
    /// the message is in the buffer. Not called when there was no memory.
    template <class Get>
    Status take(Get&& get) const {
        if (!has_room_) return out_of_memory();
        const Status status = get(buffer());
        finish();
        return status;
    }
    /// The same in two steps, for who waits in between: where the message is to be received,
    adi::Buffer buffer() const;
    /// and that it is there.
    void finish() const;

    /// The pieces of a message come in order.
    void unpack(void* base, std::uint64_t count, std::uint64_t offset, const std::byte* from,
                std::uint64_t n) const override;
    /// Nothing is sent from here.
    void pack(const void*, std::uint64_t, std::uint64_t, std::byte*, std::uint64_t) const override;

  private:
    void combine(std::uint64_t at_byte, const std::byte* from, std::uint64_t n) const;

    const Op& op_;
    const Datatype& type_;
    Count count_;
    Came came_;
    const void* own_;
    void* result_;
    bool streams_;
    bool has_room_ = true;
    void* place_;  ///< of what comes, unless it streams
    static constexpr std::uint64_t kElement = 64;
    alignas(16) mutable std::byte broken_[kElement];  ///< the start of an element cut in two
};

}  // namespace mpi::coll
