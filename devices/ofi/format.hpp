// The bytes of a frame (FORMAT.md draws them). Little-endian, as the machines are that run it.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "adi/device.hpp"
#include "devices/ofi/card.hpp"

namespace dev::ofi {

static_assert(std::endian::native == std::endian::little);

enum class FrameKind : std::uint32_t {
    message = 1,  ///< then an adi::Header, then its payload, or the first of it
    more = 2,     ///< then more of the payload of the last message
    window = 3,   ///< then a WindowBody: memory that the receiver may put into
    ack = 4,      ///< nothing more; it has no place in the order
    matched = 5,  ///< as message, whole; by its tag; it has no place in the order
};

/// What every frame begins with; a frame is one message of libfabric's.
struct Prefix {
    FrameKind kind = FrameKind::ack;
    std::uint32_t from = 0;      ///< the sender's rank
    std::uint32_t sequence = 0;  ///< counts the frames of the pair but the acks
    std::uint32_t puts = 0;      ///< so many puts were begun before it: to be shown after them
    std::uint64_t taken = 0;     ///< so many bytes of the receiver's frames have been shown
    Proof proof{};
};
/// Where the provider names remote memory by its address there: what the value of a MemoryKey
/// stands for from now on.
struct WindowBody {
    std::uint64_t name = 0;
    std::uint64_t address = 0;
    std::uint64_t key = 0;
};
static_assert(sizeof(Prefix) == 40 && sizeof(WindowBody) == 24);
static_assert(std::is_trivially_copyable_v<adi::Header>);

/// A window's name is its place in a table of so many, and above that a number used once.
inline constexpr std::uint64_t kMostWindows = 1 << 20;

inline constexpr std::size_t kMessageBytes = sizeof(Prefix) + sizeof(adi::Header);
/// No frame is longer.
inline constexpr std::size_t kFrameBytes = 16 * 1024;
inline constexpr std::uint32_t kShortBytes = kFrameBytes - kMessageBytes;
/// What may be on the way to a peer, or wait there, before it has said that it took some.
inline constexpr std::uint64_t kCreditBytes = std::uint64_t{1} << 20;

}  // namespace dev::ofi
