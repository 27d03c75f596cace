// The bytes that local processes share (FORMAT.md draws them). Everything here can be overwritten
// by a faulty peer at any time: readers copy a value once, check it, then use the copy.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "adi/device.hpp"

namespace dev::shm {

inline constexpr std::uint32_t kMagic = 0x46544d31;  // "FTM1"
/// Characters of a name that Linux gives to an abstract Unix socket.
inline constexpr std::size_t kDoorbellBytes = 5;
inline constexpr std::size_t kLine = 64;
inline constexpr std::uint64_t kPage = 4096;
/// Address space per process in the job's one segment; memory is taken only as it is used.
inline constexpr std::uint64_t kRegionBytes = std::uint64_t{16} << 20;

/// Any other number: sleeping. Each announcement has the next one.
enum State : std::uint32_t { kRunning = 0 };

/// Start of a process's region. The inbox follows: per local process one 64-bit offset, in the
/// sender's region, of the ring that carries its messages here; 0 until it has one.
struct RegionHeader {
    // Written once by the owner.
    std::atomic<std::uint32_t> magic;  // release; pairs with the acquire in Shm::connect
    std::uint32_t pid;
    std::uint32_t uses_membarrier;  ///< senders need no fence before they look at `state`
    // Written by the owner when it sleeps, by senders when they wake it.
    alignas(kLine) std::atomic<std::uint32_t> state;
    // Counts inbox entries made; written by senders that connect.
    std::atomic<std::uint32_t> announcements;
    // Written by the owner before it sleeps by descriptors for the first time: the five characters
    // of an abstract Unix datagram socket's name. 0: there is none, it sleeps on `state`.
    std::atomic<std::uint64_t> doorbell;
    alignas(kLine) std::atomic<std::uint64_t> inbox[1];
};
static_assert(offsetof(RegionHeader, state) == kLine);
static_assert(offsetof(RegionHeader, inbox) == 2 * kLine);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

/// Bytes of a region's header and inbox, in whole pages.
constexpr std::uint64_t header_bytes(std::uint32_t processes) {
    const std::uint64_t raw = offsetof(RegionHeader, inbox) + 8 * std::uint64_t{processes};
    return (raw + kPage - 1) / kPage * kPage;
}

enum class CellType : std::uint8_t {
    inline_message = 1,  ///< header and whole payload in the cell
    first_fragment,      ///< header here, first payload in a chunk
    next_fragment,       ///< more payload of the open message
};

inline constexpr std::uint32_t kInlineBytes = 96;

/// A reference to payload in a chunk of the sender's region.
struct ChunkRef {
    std::uint32_t offset_lines;  ///< offset in the sender's region / 64
    std::uint32_t bytes;
};

/// One slot of a ring: two cache lines; a message of up to 32 bytes touches the first alone.
struct alignas(kLine) Cell {
    std::atomic<std::uint32_t> lap;  ///< release store publishes the cell; see Ring
    CellType type;
    std::uint8_t inline_bytes;
    std::uint16_t zero;
    adi::Header header;
    union {
        std::byte data[kInlineBytes];
        ChunkRef chunk;
    };
};
static_assert(sizeof(Cell) == 128 && offsetof(Cell, data) == 32);

/// A ring from one sender to one receiver, in the sender's region. Positions count up for ever;
/// position p lies in cell p % cells and is published by storing first_lap + p / cells + 1. So the
/// receiver finds first_lap + p / cells there before (any other value is corruption), and neither
/// side reads an index that the other writes per message.
struct RingHeader {
    std::uint32_t cells;      ///< a power of two
    std::uint32_t first_lap;  ///< random, so that stray zeros or ones are not a lap
    alignas(kLine) std::atomic<std::uint32_t> consumed;  ///< release by the receiver, now and then
    alignas(kLine) Cell cell[1];
};
static_assert(offsetof(RingHeader, cell) == 2 * kLine);

constexpr std::uint64_t ring_bytes(std::uint32_t cells) {
    return offsetof(RingHeader, cell) + sizeof(Cell) * std::uint64_t{cells};
}

}  // namespace dev::shm
