#include "mpi/coll/data.hpp"

#include <algorithm>
#include <array>

#include "mpi/coll/message.hpp"

namespace mpi::coll {

Status Channel::failed(const adi::Request& r) {
    if (r.status != adi::Status::truncated) return from_adi(r.status);
    return fail(Status::truncate,
                "rank %d sent %llu bytes for a place of %llu: the counts or datatypes of the ranks "
                "do not agree",
                r.source, static_cast<unsigned long long>(r.total_bytes),
                static_cast<unsigned long long>(r.accept_bytes));
}

Status out_of_memory() {
    return fail(Status::no_mem, "no memory for the temporary buffers of a collective operation");
}

Status copy(const adi::Buffer& from, const adi::Buffer& to) {
    const std::uint64_t bytes = std::min(from.bytes, to.bytes);
    if (to.layout == nullptr) {
        if (bytes != 0 && from.base != to.base) from.read(0, to.base, bytes);
    } else if (from.layout == nullptr) {
        to.write(0, from.base, bytes);
    } else {
        std::array<std::byte, 4096> piece;
        for (std::uint64_t done = 0; done < bytes;) {
            const std::uint64_t n = std::min<std::uint64_t>(bytes - done, piece.size());
            from.read(done, piece.data(), n);
            to.write(done, piece.data(), n);
            done += n;
        }
    }
    if (from.bytes <= to.bytes) [[likely]]
        return Status::ok;
    return fail(Status::truncate, "this rank's own block has %llu bytes, its place %llu",
                static_cast<unsigned long long>(from.bytes),
                static_cast<unsigned long long>(to.bytes));
}

Elements::Elements(Scratch& scratch, Count count, const Datatype& type) {
    // Extents may be negative: then the last element is the lowest in memory.
    const Aint last = count > 0 ? static_cast<Aint>(count - 1) * type.extent : 0;
    const Aint lowest = type.true_lb + std::min<Aint>(last, 0);
    const Aint span = type.true_extent + std::max(last, -last);
    std::byte* memory = scratch.get(static_cast<std::uint64_t>(span) + kSlack);
    if (memory == nullptr) return;
    // The data gets the alignment that it would have with a buffer aligned for any type, since a
    // user's function reads it as the language's types.
    const Aint shift = (lowest % kSlack + kSlack) % kSlack;
    base_ = reinterpret_cast<std::uintptr_t>(memory) + static_cast<std::uintptr_t>(shift - lowest);
}

}  // namespace mpi::coll
