// What the control program remembers in the private part of SRAM, and where.
#pragma once

#include "firmware/board/access.hpp"
#include "firmware/protocol/map_format.h"

namespace firmware {

using hw::Be16;
using hw::Be32;
using hw::Ref;

constexpr uint32_t kHeader = sizeof(fm_wire);

/// One direction to, and one from, a node of an endpoint's job. The first five words are what is
/// sent, as they lie here: the end of the route, and the wire header up to its user words. So a
/// packet that a slot holds whole is sent with two stores into this header.
struct Channel {
    Be32 route;  ///< last four route bytes
    Be32 type;   ///< of DATA
    Be32 key;
    Be16 from;       ///< this board << 8 | this endpoint's node
    Be16 sequence;   ///< the last one given away
    Be16 length;     ///< scratch: of the packet being sent
    Be16 expected;   ///< sequence number expected from the node: the acknowledgement
    Be32 skip;       ///< bytes of `route` that are not sent; or kSlow*: not the fast path
    Be32 rx_type;    ///< type of the node's DATA
    Be32 rx_source;  ///< its place, node, and the sequence number expected: the source word that is
                     ///< right
};
static_assert(sizeof(Channel) == 32);

/// Reasons for a channel to be off the fast send path; Channel::skip is then above 3.
enum : uint32_t {
    kSlowQueued = 1U << 12,    ///< packets wait, or are to be sent again: keep the order
    kSlowInactive = 1U << 11,  ///< not in the list that the retransmit timer looks at
    kSlowRoute = 1U << 10,     ///< none, more than four bytes, or to this very board
    kSlowLost = 1U << 9,       ///< given up
    kSlowUnused = 1U << 8,     ///< no such node
    kHintShift = 16  ///< above, while kSlowQueued: the slot that the cursor is in, or one before it
};

/// The rest of a channel. The first two are words because every packet changes them: one load
/// reaches a word of an Endpoint, not a half.
struct Peer {
    Be32 acked;     ///< first sequence number not acknowledged
    Be32 owed;      ///< kOwe for each packet accepted and not yet acknowledged; kPeer*
    Be16 cursor;    ///< while kSlowQueued: next sequence number to transmit
    uint8_t jobs;   ///< packets in the queue to the wire
    uint8_t stall;  ///< retransmit checks without progress
    uint32_t reserved;
};
static_assert(sizeof(Peer) == 16);
enum : uint32_t {
    kPeerWork = 1,      ///< in the ring of channels that have something to send
    kPeerActive = 2,    ///< in the list of the retransmit timer
    kPeerTellLost = 4,  ///< an event for the host is due
    kPeerTellPut = 8,
    kOwe = 0x100,
    kOweAtOnce = 0x1000,  ///< so much is acknowledged at once
    kOweAll = 0xff00,
    kPeerUnlisted = 0x10000  ///< not in the ring of owed acknowledgements
};
/// In fm_node::scratch, of what is rarely needed: low half, the gap before this number was
/// reported; high half, Peer::acked at the last check for progress.
constexpr uint32_t kNoGap = 0xffff;

/// What became of a send slot, until all of it is acknowledged. Copied from the slot, which the
/// process can change: what was checked is what is used.
struct Record {
    Be32 last;     ///< node << 16 | sequence number of the last packet; or kRecordDone
    Be16 packets;  ///< 1 but for puts
    Be16 op;
    Be32 length;
    Be32 page;
    Be32 offset;
    Be32 window;
    Be32 window_offset;
    Be32 shift;  ///< of a put: bytes of a packet, as a shift

    /// What the fast path, which sets `last` alone, takes for granted.
    FM_INLINE void reset() {
        packets = 1;
        op = FM_OP_INLINE;
    }
};
static_assert(sizeof(Record) == 32);
constexpr uint32_t kRecordDone = 0xffffffff;

/// Endpoint::sole when no slot is in flight, or several, or one that did not go the fast path.
constexpr uint32_t kNotSole = 0xffffffff;
constexpr uint32_t kNoRoom = 1;  // what ends there begins in another page

struct Endpoint {
    Channel channels[FM_MAX_NODES];  ///< first: no offset to add
    Peer peers[FM_MAX_NODES];
    Record records[FM_SEND_SLOTS];
    Ref<Endpoint> next;  ///< ring of those that are polled
    Ref<fm_slot> slot;   ///< the next to be sent; or one that never comes, when all are in flight
    Be32 lap;            ///< its lap word, when it is there
    Be32 number;         ///< its number, free-running
    Be32 done;           ///< slots completed, free-running; published in the region
    Be32 sole;           ///< sole_key() of the only slot in flight; or kNotSole
    Be32 ring_foot;      ///< bus address of the next receive page's footer; kNoRoom: none seen
    Be32 ring_lap;
    Ref<uint32_t> ring_entry;  ///< that page's page table entry
    Ref<uint32_t>
        ring_stop;    ///< the entry there is not the next: ring's end, or not known to be free
    Be32 ring_left;   ///< pages known to be free from the ring's beginning on
    Be32 ring_known;  ///< number of the first page not known to be free, free-running
    Be32 ring_slots;
    Ref<uint32_t> pages;  ///< the page table
    Ref<fm_endpoint> region;
    Be32 index;
    Be32 key;  ///< 0: closed
    Be32 node;
    Be32 nodes;
    Be32 closed_key;  ///< the last job's: its packets are answered
    Be32 bad_slots;   ///< to be told
    Be32 bad_slot;
    Be32 window_key;  ///< of the window of the last deposit, as it was checked; 0: none
    Be32 window_node;
    Be32 window_base;  ///< its place in the page table, in bytes
    Be32 window_length;
    Be32 reserved[6];
};
static_assert(sizeof(Endpoint) == 128 + 48 * FM_MAX_NODES + 32 * FM_SEND_SLOTS);

/// A packet, as it is sent and received: header and payload in one piece.
struct Buffer {
    uint8_t
        route[16];  ///< as in fm_route; of a free receive buffer: the next one, in the first word
    fm_wire wire;
    uint8_t payload[FM_DEPOSIT_BYTES];
    fm_footer footer;   ///< place for it behind the longest payload; also for the syndrome
    uint8_t slack[16];  ///< the receive limit lies here
};
static_assert(sizeof(Buffer) == 4160);

/// A packet of the Mapper's that waits for the wire. Route bytes stand at the end of `route`.
struct MapPacket {
    uint8_t route[32];
    fm_map_routes packet;
    uint8_t hops, words;
    uint8_t reserved[2];
};
static_assert(sizeof(MapPacket) == 360);

enum : uint32_t {
    kEndpointTable = 0x40,  ///< Ref<Endpoint>[FM_ENDPOINTS]: low, so that one load reaches an entry

    kReceiveBuffers = 4,
    kJobs = 4,  ///< packets being fetched from the host or waiting for the wire

    kEndpoints = FM_SRAM_PRIVATE - FM_ENDPOINTS * sizeof(Endpoint),
    kBuffers = kEndpoints - (kReceiveBuffers + kJobs) * sizeof(Buffer),
    kControlPacket = kBuffers - 64,  ///< route and header of an acknowledgement
    kEventPacket = kControlPacket - 64,
    kNever = kEventPacket - 64,  ///< an Endpoint's slot that never comes; all zero
    kMapPackets = 8,
    kMapQueue = (kNever - kMapPackets * sizeof(MapPacket)) & ~7U,
    kStackTop = kMapQueue - 8,
    kStackBytes = 0x1400,
    kImageLimit = (kStackTop - kStackBytes) & ~0xfffU
};

}  // namespace firmware
