// The bytes that the papers' control programs share with their hosts: SRAM, packets, rings in host
// memory. Words are big-endian, the board's order. No program trusts less than its paper did: hosts
// write what they like, and what comes from the wire is right when its CRC is.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "firmware/protocol/layout.h"

namespace firmware::papers {

constexpr uint32_t kNodes = 16;  ///< of a job, one to a board

/// Where things are in SRAM, below them the program.
constexpr uint32_t kControl = FM_SRAM_PRIVATE, kSendSlots = kControl + 0x4000,
                   kReceiveSlots = kControl + 0x30000, kEnd = FM_SRAM_BYTES;

/// Host and LANai. `go` is stored last.
struct Control {
    uint32_t go;              ///< host: what follows up to `status_bus` is there
    uint32_t node;            ///< host: this board's
    uint32_t skip;            ///< host: 4 less the bytes of a route: all are of one length
    uint32_t routes[kNodes];  ///< host: right-aligned
    uint32_t ring_bus;        ///< host: where the ring is in its memory
    uint32_t status_bus;      ///< host: and a Status (BIP)
    uint32_t sent;            ///< host: packets that it has put into slots, ever
    uint32_t taken;           ///< LANai: of these, those whose slots are free again
    uint32_t dropped;         ///< LANai: packets with a bad CRC
    uint32_t sends;           ///< host: long messages that it has described in `send`, ever (BIP)
    uint32_t receives;        ///< host: the same of `receive`
};

/// A packet on the wire, before its payload. The first bytes are laid out as Fathom's own are, so
/// that a trace of the network can name it.
struct Header {
    uint32_t type;    ///< FM_WIRE_TYPE << 16 | a kind << 8
    uint32_t length;  ///< FM: payload bytes << 16 | credits. BIP: payload bytes, words; of a
                      ///< fragment: where in the message it begins
    uint32_t source;  ///< node << 24 | number
    uint32_t total;   ///< bytes of the whole message
};
static_assert(sizeof(Header) == 16);

/// A slot of a ring of receive slots, in SRAM and in host memory alike, for payloads of at most
/// `payload` bytes:
///     SRAM   bytes of the packet (header and payload) | packet | footer | what it does not fill
///     host   what the packet does not fill | packet | footer
/// A DMA writes upwards, so the host polls the slot's last word, the footer: lap << 16 | bytes.
struct Ring {
    uint32_t payload, slots;

    constexpr uint32_t packet() const { return sizeof(Header) + payload; }
    constexpr uint32_t stride() const { return 4 + packet() + 4; }
    constexpr uint32_t bytes() const { return slots * stride(); }
};
/// A send slot: the number of the node, for which the LANai puts the route; header; payload.
constexpr uint32_t send_stride(uint32_t payload) {
    return 4 + sizeof(Header) + payload;
}
constexpr uint32_t kSlots = 64;  ///< of a board for sending

/// Fast Messages: FM 1.x has packets of 128 bytes, FM 2.x longer ones.
constexpr Ring kFm1{128, 64}, kFm2{1024, 64};

// --- BIP -----------------------------------------------------------------------------------------

/// Short messages: in one packet, by a ring. Long ones: in fragments, of a page at most.
constexpr Ring kBip{256, 64};
constexpr uint32_t kPages = 264;  ///< of a long message's buffer

/// A long message's memory: its pages, and where in the first one it begins.
struct Buffer {
    uint32_t node;      ///< send: whom to
    uint32_t bytes;     ///< words
    uint32_t fragment;  ///< send: most bytes of a fragment, a power of two
    uint32_t offset;
    uint32_t pages[kPages];  ///< bus addresses
};
constexpr uint32_t kSendBuffer = kSendSlots + kSlots * send_stride(kBip.payload),
                   kReceiveBuffer = kSendBuffer + sizeof(Buffer);

/// In host memory, written by the LANai: long messages that are done with, ever.
struct Status {
    uint32_t sends, receives;
};

/// Kinds of packets, by the names that a trace has for them.
enum : uint32_t { kShort = 1, kFragment = 2, kClear = 3, kRequest = 6 };

constexpr uint32_t type_of(uint32_t kind) {
    return uint32_t{FM_WIRE_TYPE} << 16 | kind << 8;
}

static_assert(sizeof(Control) <= kSendSlots - kControl);
static_assert(kSendSlots + kSlots * send_stride(kFm2.payload) <= kReceiveSlots);
static_assert(kReceiveBuffer + sizeof(Buffer) <= kReceiveSlots);
static_assert(kReceiveSlots + kFm2.bytes() <= kEnd);

}  // namespace firmware::papers
