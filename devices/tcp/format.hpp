// The bytes of a connection (FORMAT.md draws them). Little-endian, as the machines are that run it.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "adi/device.hpp"

namespace dev::tcp {

static_assert(std::endian::native == std::endian::little);

// --- the greeting --------------------------------------------------------------------------------

inline constexpr std::uint64_t kMagic = 0x31504354'4d485446;  // "FTHMTCP1"
inline constexpr std::size_t kNonceBytes = 32;
inline constexpr std::size_t kProofBytes = 32;
using Nonce = std::array<std::uint8_t, kNonceBytes>;
using Proof = std::array<std::uint8_t, kProofBytes>;

/// First, from who connects.
struct Hello {
    std::uint64_t magic = kMagic;
    std::uint32_t from = 0;  ///< ranks
    std::uint32_t to = 0;
    std::uint64_t process = 0;  ///< a number that each process draws for itself when it begins
    Nonce nonce{};
};
/// Then, from who listens.
struct Challenge {
    Nonce nonce{};
};
/// Then, from who connects: it knows the secret, and has had so much of the other's stream.
struct Claim {
    std::uint64_t received = 0;
    Proof proof{};
};
enum class Verdict : std::uint32_t {
    accepted = 0,
    crossed = 1,  ///< the other way round a connection is being made, and that one counts
    unknown = 2,  ///< the rank was another process when the two first met
};
/// Last, from who listens. After an accepting one frames follow, both ways.
struct Answer {
    Verdict verdict = Verdict::accepted;
    std::uint32_t zero = 0;
    std::uint64_t process = 0;
    std::uint64_t received = 0;
    Proof proof{};
};
static_assert(sizeof(Hello) == 56 && sizeof(Claim) == 40 && sizeof(Answer) == 56);

// --- frames --------------------------------------------------------------------------------------

enum class FrameKind : std::uint32_t {
    message = 1,  ///< then an adi::Header, then its payload, or the first of it
    more = 2,     ///< then more of the payload of the last message
    put = 3,      ///< then a PutHeader, then the bytes
    ack = 4,      ///< nothing more
    leave = 5,    ///< nothing more, now or later: the end of this socket is no fault
};

/// What every frame begins with. Both streams of a connection are counted in bytes, from its first
/// frame on, over all the sockets that it may have one after another.
struct Prefix {
    FrameKind kind = FrameKind::ack;
    std::uint32_t bytes = 0;     ///< of payload in this frame
    std::uint64_t received = 0;  ///< so much of the other stream has come: an acknowledgement
};
struct PutHeader {
    std::uint64_t key = 0;
    std::uint64_t zero = 0;
};
static_assert(sizeof(Prefix) == 16 && sizeof(PutHeader) == 16);
static_assert(std::is_trivially_copyable_v<adi::Header>);

inline constexpr std::size_t kMostFrameHeader = sizeof(Prefix) + sizeof(adi::Header);
/// A frame of up to so much payload is shown when it has come whole.
inline constexpr std::uint32_t kShortBytes = 4096;
/// No frame is longer; a larger number is garbage.
inline constexpr std::uint32_t kMostFrameBytes = std::uint32_t{1} << 30;

}  // namespace dev::tcp
