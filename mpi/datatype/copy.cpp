// Walks a shape and copies its bytes, in either direction. One template serves both: what differs
// is only which of the two sides is written.
//
// Memory is addressed by integers, since with MPI_BOTTOM the base is null and displacements are
// addresses; unsigned arithmetic wraps, so that negative displacements need no care.

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <type_traits>

#include "mpi/datatype/shape.hpp"

namespace mpi {
namespace {

using Address = std::uintptr_t;
using Size = std::uint64_t;

/// `count` parts, `stride` apart: a loop node, or the elements of a message.
struct Loop {
    Size count;
    std::int64_t stride;
    Size part_bytes;
    const Node* part;  ///< null: runs
};

Loop loop_of(const Node& node) {
    return {node.count, node.stride, node.part_bytes, node.part.get()};
}

Address step(Address from, Size times, std::int64_t stride) {
    return from + times * static_cast<Address>(stride);
}

/// Calls body() `n` times, four in a row: the tightest loops would otherwise run at half speed
/// wherever the compiler happens to place them across a cache line.
template <class Body>
void repeat(Size n, Body body) {
    for (; n >= 4; n -= 4) {
        body();
        body();
        body();
        body();
    }
    for (; n != 0; --n) body();
}

template <bool kPack>
struct Walk {
    using Packed = std::conditional_t<kPack, std::byte, const std::byte>;

    static void move(Address memory, Packed* packed, Size n) {
        if constexpr (kPack) {
            std::memcpy(packed, reinterpret_cast<const void*>(memory), n);
        } else {
            std::memcpy(reinterpret_cast<void*>(memory), packed, n);
        }
    }

    // Movers copy one run, with the length known to the compiler as far as possible.

    /// Exactly kBytes.
    template <Size kBytes>
    struct Fixed {
        static constexpr Size bytes = kBytes;
        void operator()(Address memory, Packed* packed) const { move(memory, packed, kBytes); }
    };
    /// kHalf to 2 * kHalf bytes, as two copies that overlap.
    template <Size kHalf>
    struct Overlapping {
        Size bytes;
        void operator()(Address memory, Packed* packed) const {
            move(memory, packed, kHalf);
            move(memory + (bytes - kHalf), packed + (bytes - kHalf), kHalf);
        }
    };
    struct Long {
        Size bytes;
        void operator()(Address memory, Packed* packed) const { move(memory, packed, bytes); }
    };

    /// Calls body(mover) with the best mover for runs of `n` bytes.
    template <class Body>
    static Packed* with_mover(Size n, Body body) {
        switch (n) {
            case 1: return body(Fixed<1>{});
            case 2: return body(Fixed<2>{});
            case 4: return body(Fixed<4>{});
            case 8: return body(Fixed<8>{});
            case 12: return body(Fixed<12>{});
            case 16: return body(Fixed<16>{});
            case 24: return body(Fixed<24>{});
            case 32: return body(Fixed<32>{});
            default: break;
        }
        if (n > 128) return body(Long{n});
        if (n >= 64) return body(Overlapping<64>{n});
        if (n >= 32) return body(Overlapping<32>{n});
        if (n >= 16) return body(Overlapping<16>{n});
        if (n >= 8) return body(Overlapping<8>{n});
        if (n >= 4) return body(Overlapping<4>{n});
        return body(Overlapping<2>{n});
    }

    /// One run of any length, without a call for short ones.
    static Packed* run(Address memory, Packed* packed, Size n) {
        return with_mover(n, [=](auto mover) {
            mover(memory, packed);
            return packed + mover.bytes;
        });
    }

    /// `count` runs with both strides known to the compiler, which then can use vector
    /// instructions; every other number of an array is common enough for that.
    template <Size kBytes, Size kStride>
    static Packed* fixed_stride(Size count, Address memory, Packed* packed) {
        for (Size i = 0; i < count; ++i) {
            Fixed<kBytes>{}(memory + i * kStride, packed + i * kBytes);
        }
        return packed + count * kBytes;
    }

    /// `outer` rows of `inner` runs of n bytes.
    static Packed* nest(Size outer, std::int64_t outer_stride, Size inner,
                        std::int64_t inner_stride, Size n, Address memory, Packed* packed) {
        if (outer == 1 && inner_stride == 16 && n == 8) {
            return fixed_stride<8, 16>(inner, memory, packed);
        }
        if (outer == 1 && inner_stride == 8 && n == 4) {
            return fixed_stride<4, 8>(inner, memory, packed);
        }
        return with_mover(n, [=](auto mover) {
            Packed* p = packed;
            Address row = memory;
            for (Size i = 0; i < outer; ++i, row = step(row, 1, outer_stride)) {
                Address m = row;
                repeat(inner, [&] {
                    mover(m, p);
                    m = step(m, 1, inner_stride);
                    p += mover.bytes;
                });
            }
            return p;
        });
    }

    /// All of a loop.
    static Packed* whole(const Loop& loop, Address memory, Packed* packed) {
        const Node* part = loop.part;
        if (part == nullptr) {
            return nest(1, 0, loop.count, loop.stride, loop.part_bytes, memory, packed);
        }
        if (part->kind == Node::Kind::loop && !part->part) {
            return nest(loop.count, loop.stride, part->count, part->stride, part->part_bytes,
                        memory, packed);
        }
        if (const Size rows = rows_of_columns(loop); rows != 0) {
            return columns(loop, rows, memory, packed);
        }
        for (Size i = 0; i < loop.count; ++i) {
            packed = whole(*part, step(memory, i, loop.stride), packed);
        }
        return packed;
    }

    /// An array of small structs is copied member by member, some structs at a time, so that each
    /// member's length is looked at once: how many structs, or 0 when that does not pay.
    static Size rows_of_columns(const Loop& loop) {
        const Node& list = *loop.part;
        const bool runs = list.kind == Node::Kind::runs || list.kind == Node::Kind::blocks;
        if (!runs || loop.count < kMinRows || loop.part_bytes > list.count * kShortRun) return 0;
        const auto span = static_cast<Size>(std::abs(loop.stride)) + loop.part_bytes;
        const Size rows = kCacheBytes / std::max<Size>(span, 1);
        return rows < kMinRows ? 0 : std::min(rows, kMaxRows);
    }
    static constexpr Size kMinRows = 8;
    static constexpr Size kMaxRows = 256;
    static constexpr Size kShortRun = 64;
    static constexpr Size kCacheBytes = 16384;  // of both sides, half of a small first-level cache

    static Packed* columns(const Loop& loop, Size rows, Address memory, Packed* packed) {
        const Node& list = *loop.part;
        for (Size left = loop.count; left != 0; left -= rows) {
            rows = std::min(rows, left);
            for (Size i = 0; i < list.count; ++i) {
                const bool equal = list.kind == Node::Kind::blocks;
                const Size start = equal ? i * list.part_bytes : list.start[i];
                const Size n = equal ? list.part_bytes : list.start[i + 1] - start;
                with_mover(n, [=](auto mover) {
                    Packed* p = packed + start;
                    Address m = memory + static_cast<Address>(list.at[i]);
                    repeat(rows, [&] {
                        mover(m, p);
                        m = step(m, 1, loop.stride);
                        p += loop.part_bytes;
                    });
                    return p;
                });
            }
            memory = step(memory, rows, loop.stride);
            packed += rows * loop.part_bytes;
        }
        return packed;
    }

    /// Parts [first, last) of a node.
    static Packed* whole_parts(const Node& node, Size first, Size last, Address memory,
                               Packed* packed) {
        const std::int64_t* at = node.at.data();
        const Size* start = node.start.data();
        switch (node.kind) {
            case Node::Kind::loop: {
                Loop loop = loop_of(node);
                loop.count = last - first;
                return whole(loop, step(memory, first, node.stride), packed);
            }
            case Node::Kind::blocks:
                return with_mover(node.part_bytes, [=](auto mover) {
                    Packed* p = packed;
                    const std::int64_t* next = at + first;
                    repeat(last - first, [&] {
                        mover(memory + static_cast<Address>(*next++), p);
                        p += mover.bytes;
                    });
                    return p;
                });
            case Node::Kind::runs:
                for (Size i = first; i < last; ++i) {
                    packed =
                        run(memory + static_cast<Address>(at[i]), packed, start[i + 1] - start[i]);
                }
                return packed;
            case Node::Kind::mixed:
                for (Size i = first; i < last; ++i) {
                    const Address part = memory + static_cast<Address>(at[i]);
                    packed = node.parts[i] ? whole(*node.parts[i], part, packed)
                                           : run(part, packed, start[i + 1] - start[i]);
                }
                return packed;
        }
        return packed;
    }

    static Packed* whole(const Node& node, Address memory, Packed* packed) {
        return whole_parts(node, 0, node.count, memory, packed);
    }

    /// Packed bytes [from, to) of a part that is `bytes` long.
    static Packed* range(const Node* node, Size bytes, Address memory, Packed* packed, Size from,
                         Size to) {
        if (from >= to) return packed;
        if (node == nullptr) {
            move(memory + from, packed, to - from);
            return packed + (to - from);
        }
        if (from == 0 && to == bytes) return whole(*node, memory, packed);
        switch (node->kind) {
            case Node::Kind::loop: return range(loop_of(*node), memory, packed, from, to);
            case Node::Kind::blocks: return blocks_range(*node, memory, packed, from, to);
            default: return list_range(*node, memory, packed, from, to);
        }
    }

    /// Packed bytes [from, to) of a loop, from < to: the end of one part, whole parts, and the
    /// beginning of another.
    static Packed* range(Loop loop, Address memory, Packed* packed, Size from, Size to) {
        const Size part_bytes = loop.part_bytes;
        Size first = from / part_bytes;
        const Size last = to / part_bytes;
        const Size head = from - first * part_bytes;
        const Size tail = to - last * part_bytes;
        if (first == last) {
            return range(loop.part, part_bytes, step(memory, first, loop.stride), packed, head,
                         tail);
        }
        if (head != 0) {
            packed = range(loop.part, part_bytes, step(memory, first, loop.stride), packed, head,
                           part_bytes);
            ++first;
        }
        loop.count = last - first;
        packed = whole(loop, step(memory, first, loop.stride), packed);
        return range(loop.part, part_bytes, step(memory, last, loop.stride), packed, 0, tail);
    }

    static Packed* blocks_range(const Node& node, Address memory, Packed* packed, Size from,
                                Size to) {
        const Size n = node.part_bytes;
        const auto at = [&](Size i) { return memory + static_cast<Address>(node.at[i]); };
        Size first = from / n;
        const Size last = to / n;
        const Size head = from - first * n;
        const Size tail = to - last * n;
        if (first == last) return range(nullptr, n, at(first), packed, head, tail);
        if (head != 0) packed = range(nullptr, n, at(first++), packed, head, n);
        packed = whole_parts(node, first, last, memory, packed);
        return tail == 0 ? packed : range(nullptr, n, at(last), packed, 0, tail);
    }

    static Packed* list_range(const Node& node, Address memory, Packed* packed, Size from,
                              Size to) {
        const auto index = [&](Size offset) {
            const auto after = std::upper_bound(node.start.begin(), node.start.end(), offset);
            return static_cast<Size>(after - node.start.begin()) - 1;
        };
        const auto part = [&](Size i, Size begin, Size end) {
            const Node* child = node.parts.empty() ? nullptr : node.parts[i].get();
            return range(child, node.start[i + 1] - node.start[i],
                         memory + static_cast<Address>(node.at[i]), packed, begin, end);
        };
        Size first = index(from);
        const Size last = index(to);  // node.count when `to` is the end
        const Size head = from - node.start[first];
        const Size tail = to - node.start[last];
        if (first == last) return part(first, head, tail);
        if (head != 0) {
            packed = part(first, head, node.start[first + 1] - node.start[first]);
            ++first;
        }
        packed = whole_parts(node, first, last, memory, packed);
        return tail == 0 ? packed : part(last, 0, tail);
    }

    /// Packed bytes [offset, offset + n) of a message of `count` elements.
    static void message(const Shape& shape, std::int64_t extent, Address base, Size count,
                        Size offset, Packed* packed, Size n) {
        if (n == 0) return;
        Loop loop{count, extent, shape.bytes, shape.node.get()};
        const Address memory = base + static_cast<Address>(shape.at);
        if (loop.part == nullptr && extent == static_cast<std::int64_t>(shape.bytes)) {
            move(memory + offset, packed, n);
            return;
        }
        if (count == 1) {
            range(loop.part, shape.bytes, memory, packed, offset, offset + n);
            return;
        }
        if (loop.part != nullptr && loop.part->kind == Node::Kind::loop &&
            continues(*loop.part, extent)) {
            loop = loop_of(*loop.part);
            loop.count *= count;
        }
        if (offset == 0 && n == count * shape.bytes) {
            whole(loop, memory, packed);
        } else {
            range(loop, memory, packed, offset, offset + n);
        }
    }

    /// Does the element after a loop go on with the loop's own stride?
    static bool continues(const Node& loop, std::int64_t extent) {
        return step(0, loop.count, loop.stride) == static_cast<Address>(extent);
    }
};

}  // namespace

void pack_shape(const Shape& shape, std::int64_t extent, const void* base, std::uint64_t count,
                std::uint64_t offset, std::byte* to, std::uint64_t n) {
    Walk<true>::message(shape, extent, reinterpret_cast<Address>(base), count, offset, to, n);
}

void unpack_shape(const Shape& shape, std::int64_t extent, void* base, std::uint64_t count,
                  std::uint64_t offset, const std::byte* from, std::uint64_t n) {
    Walk<false>::message(shape, extent, reinterpret_cast<Address>(base), count, offset, from, n);
}

}  // namespace mpi
