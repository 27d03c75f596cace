// What the engines of two processes say to each other. Little-endian hosts of one job only.
#pragma once

#include <cstdint>

#include "adi/device.hpp"

namespace adi {

/// Header.kind. `eager` and `rts` are matched by (context, source, tag); the rest name an
/// operation at the receiving end by Header.cookie.
enum class MessageKind : std::uint8_t {
    eager = 1,     ///< the payload is the message; with kSync the receiver answers `ack`
    rts,           ///< request to send; payload RtsPayload; cookie = the sender's operation
    cts,           ///< clear to send; payload CtsPayload; cookie = the sender's operation
    data,          ///< a part of the message at data_offset(); cookie = the receiver's operation
    fin,           ///< the receiver fetched the message itself; cookie = the sender's operation
    ack,           ///< a synchronous eager message was matched; cookie = the sender's operation
    cancel,        ///< forget my unmatched message `cookie`
    cancel_reply,  ///< flags: kCancelled when it was still unmatched, else 0
    grant,         ///< the sender may put; payload GrantPayload; cookie = the sender's operation
    put_done,      ///< it did; payload PutDonePayload; cookie = the receiver's operation
    /// The beginning of the message that the rts just before announced, and matched in its place;
    /// the receiver answers for the rest as to an rts; cookie = the sender's operation
    lead,
};

static_assert(kLastMatchedKind == static_cast<std::uint8_t>(MessageKind::rts));

inline constexpr std::uint8_t kSync = 1;       ///< eager: answer `ack` when matched
inline constexpr std::uint8_t kCancelled = 2;  ///< cancel_reply
inline constexpr std::uint8_t kGettable = 4;   ///< rts: the source is contiguous at `address`
inline constexpr std::uint8_t kDeclined = 8;   ///< put_done: nothing was put, data follows instead
inline constexpr std::uint8_t kLeads = 16;     ///< rts: the next message of this peer is its lead

struct RtsPayload {
    std::uint64_t total_bytes;
    std::uint64_t address;
};
struct CtsPayload {
    std::uint64_t accept_bytes;  ///< ≤ total_bytes: what the receiver's buffer takes
    std::uint32_t receiver_cookie;
    std::uint32_t zero;
};
/// Bytes [offset, offset + bytes) of the message are wanted by a put. `head_bytes` of them, and
/// what is left behind `key_bytes` more, stand outside of the registered memory because of
/// put_align; they come with put_done. Grants are answered in order, and cover the message from its
/// start, or from where its lead ends.
struct GrantPayload {
    std::uint64_t accept_bytes;  ///< as in CtsPayload, the same in all grants of a message
    std::uint64_t offset;
    std::uint64_t bytes;
    std::uint64_t key;
    std::uint64_t key_bytes;
    std::uint32_t receiver_cookie;
    std::uint32_t head_bytes;
};
struct PutDonePayload {
    std::uint64_t offset;  ///< of the grant
    std::uint64_t bytes;
    std::byte head[kMostPutAlign];
    std::byte tail[kMostPutAlign];
};
inline constexpr std::size_t kMostControlBytes = sizeof(GrantPayload);
static_assert(sizeof(PutDonePayload) <= kMostControlBytes);

/// `data` messages are not matched: their context and source carry the payload's offset.
inline void set_data_offset(Header& h, std::uint64_t offset) {
    h.context = static_cast<std::uint32_t>(offset);
    h.source = static_cast<std::int32_t>(static_cast<std::uint32_t>(offset >> 32));
}
inline std::uint64_t data_offset(const Header& h) {
    return h.context | (static_cast<std::uint64_t>(static_cast<std::uint32_t>(h.source)) << 32);
}

inline constexpr std::int32_t kAnySource = -1;
inline constexpr std::int32_t kAnyTag = -2;

/// What a message is matched on; in a posted receive source and tag may be wildcards.
struct Match {
    std::uint32_t context = 0;
    std::int32_t source = 0;
    std::int32_t tag = 0;
};

/// The header of a message that is matched, with nothing to answer.
inline Header header_of(const Match& match, MessageKind kind, std::uint64_t bytes) {
    return {match.context,
            match.source,
            match.tag,
            static_cast<std::uint8_t>(kind),
            0,
            0,
            static_cast<std::uint32_t>(bytes),
            0};
}

}  // namespace adi
