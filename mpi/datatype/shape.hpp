// Shape: where the bytes of one element of a datatype lie in memory, in packed order.
//
// A shape is a small tree in canonical form. Its leaves are contiguous runs; above them stand
// loops (equal parts at a constant stride) and lists (parts at any displacement). The three
// functions that make shapes keep them canonical, so that one memory layout has few forms however
// it was constructed:
//
//   - adjacent runs are one run; a loop of touching runs is one run;
//   - a loop over a loop that continues it is one loop;
//   - a list whose parts are equal and equally spaced is a loop; a list of one part is the part;
//   - small lists and short loops inside a list are spliced into it.
//
// So a vector of a million blocks takes one node, a face of a 3-D array two, and only a truly
// irregular type pays memory per block. Shapes are immutable and shared between the types that
// are built on each other, by any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace mpi {

struct Node;

/// `bytes` packed bytes. The first one in packed order lies `at` bytes from the element's base,
/// which may be any distance in either direction: with MPI_BOTTOM it is an address.
struct Shape {
    std::int64_t at = 0;
    std::uint64_t bytes = 0;
    std::shared_ptr<const Node> node;  ///< null: one run
};

/// An inner node. Displacements inside are relative to the node's first byte in packed order.
struct Node {
    enum class Kind : std::uint8_t {
        loop,    ///< `count` parts of part_bytes, each `stride` after the one before
        blocks,  ///< runs of part_bytes each, at at[i]
        runs,    ///< runs of any length, at at[i]
        mixed,   ///< parts at at[i], each a run or a node
    };
    Kind kind = Kind::loop;
    std::uint64_t count = 0;           ///< of parts, at least 2
    std::uint64_t part_bytes = 0;      ///< loop and blocks: packed bytes of every part
    std::int64_t stride = 0;           ///< loop
    std::shared_ptr<const Node> part;  ///< loop: what is repeated, null for a run

    std::vector<std::int64_t> at;  ///< lists: where each part's first byte lies; at[0] is 0
    /// runs and mixed: packed offset of each part, and one more entry, the total. A position in
    /// the packed stream is found by binary search.
    std::vector<std::uint64_t> start;
    std::vector<std::shared_ptr<const Node>> parts;  ///< mixed: null for a run
};

/// One run of `bytes` at `at`.
Shape make_run(std::int64_t at, std::uint64_t bytes);

/// `count` copies of `part`, each `stride` bytes after the one before.
Shape make_loop(std::uint64_t count, std::int64_t stride, const Shape& part);

/// The parts one after the other in packed order, each at its own displacement.
/// The caller has checked that no displacement or distance between two bytes overflows.
Shape make_list(std::vector<Shape> parts);

/// `shape` moved by `by` bytes.
inline Shape shifted(Shape shape, std::int64_t by) {
    shape.at += by;
    return shape;
}

/// Copies packed bytes [offset, offset + n) of `count` elements of `shape`, `extent` bytes apart,
/// from memory at `base` to `to`. Starts up in O(depth + log of the longest list).
void pack_shape(const Shape& shape, std::int64_t extent, const void* base, std::uint64_t count,
                std::uint64_t offset, std::byte* to, std::uint64_t n);
/// The reverse: stores `n` packed bytes.
void unpack_shape(const Shape& shape, std::int64_t extent, void* base, std::uint64_t count,
                  std::uint64_t offset, const std::byte* from, std::uint64_t n);

}  // namespace mpi
