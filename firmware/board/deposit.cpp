// Deposits: packets of a put, stored where a window of the endpoint's is.
#include "firmware/board/program.hpp"

namespace firmware {

/// What is believed of the window from now on. False: `node` has none of that key.
bool ControlProgram::find_window(Endpoint* e, uint32_t node, uint32_t key) {
    const fm_window& shared = e->region->windows[key & (FM_WINDOWS - 1)];
    fm_window window{hw::read(shared.key), hw::read(shared.page), hw::read(shared.offset),
                     hw::read(shared.length)};
    if (!window_fits(window, key, node)) return false;
    e->window_key = key;
    e->window_node = node;
    e->window_base = (window.page & 0xffff) * FM_PAGE_BYTES + window.offset;
    e->window_length = window.length;
    return true;
}

/// A deposit into a window and pages that are there: its transfers are queued.
FM_INLINE bool ControlProgram::take_deposit(Endpoint* e, uint32_t node, const fm_wire* packet,
                                            uint32_t bytes) {
    uint32_t key = fm_be32(packet->user[0]), at = fm_be32(packet->user[1]) & ~1U;
    if (((key ^ e->window_key) | (node ^ e->window_node)) != 0 && !find_window(e, node, key))
        return false;
    uint32_t room = e->window_length;
    uint32_t wrong = ((at | bytes) & 3) | hw::shifted<-12>(bytes - 1) |
                     (hw::read(e->region->windows[key & (FM_WINDOWS - 1)].key) ^ key);
    if (wrong != 0 || at > room || bytes > room - at) return false;
    uint32_t place = e->window_base + at, offset = place % FM_PAGE_BYTES;
    uint32_t first = FM_PAGE_BYTES - offset, from = hw::address(packet);
    const uint32_t* entry = e->pages + place / FM_PAGE_BYTES;
    uint32_t page = fm_be32(*entry), what = e->index << 24 | from;
    if ((page & FM_PAGE_VALID) == 0) return false;
    uint32_t bus = page - FM_PAGE_VALID + offset;
    from += kHeader;
    if (bytes > first) {
        page = fm_be32(entry[1]);
        if ((page & FM_PAGE_VALID) == 0) return false;
        queue_dma(bus, from, first, kDmaPart | what);
        bus = page - FM_PAGE_VALID;
        from += first;
        bytes -= first;
    }
    queue_dma(bus, from, bytes, kDmaDeposit | what);
    count(counters()->deposits);
    return true;
}

/// The next packet of a channel that receive() left alone: it is a deposit, or the bus is busy with
/// other things. False: it is none, or not the usual, and nothing was done.
bool ControlProgram::take_next(fm_wire* packet, uint32_t end) {
    uint32_t from = hw::address(packet);
    uint32_t type = fm_be32(packet->type), source = fm_be32(packet->source);
    uint32_t length = fm_be32(packet->length);
    Endpoint* e = endpoint_at(type & (FM_ENDPOINTS - 1));
    uint32_t node = hw::shifted<-24>(hw::shifted<8>(source));
    Channel* c = &e->channels[node];
    uint32_t bytes = length >> 16, kind = type ^ c->rx_type;
    uint32_t wrong = (fm_be32(packet->key) ^ c->key) |
                     (end - 1 - (from + kHeader + hw::words(bytes + 3))) |
                     *hw::at<uint8_t>(end - 1) | (stop_ & kStopLong);
    uint32_t off = source ^ c->rx_source;
    if (kind == (FM_KIND_DATA ^ FM_KIND_ACK) << 8 && (wrong | off >> 16) == 0) {
        take_ack(e, node, length);
        free_receive(from);
        return true;
    }
    if ((wrong | off) != 0) return false;
    if (kind == (FM_KIND_DATA ^ FM_KIND_DEPOSIT) << 8) {
        if (!take_deposit(e, node, packet, bytes)) return false;
        await_transfer();
        accept_deposit(e, node, c, source, length, (fm_be32(packet->user[1]) & 1) != 0);
        return true;
    }
    if (kind != 0 || bytes > FM_PACKET_BYTES ||
        !to_ring(e, packet, kDmaRing | e->index << 24 | from))
        return false;
    await_transfer();
    accept(e, c, source, length & 0xffff, false);
    return true;
}

/// An acknowledgement that came by itself.
FM_INLINE void ControlProgram::take_ack(Endpoint* e, uint32_t node, uint32_t ack) {
    Peer* p = &e->peers[node];
    if (p->stall > 1) p->stall = 1;  // it is there
    if (acknowledges(ack, p->acked, e->channels[node].sequence + 1U)) acked(e, node, ack & 0xffff);
    count(counters()->acks_received);
}

/// As accept(), of a deposit. It is no answer to anything, so that the oldest slot alone is not
/// looked for. Acknowledged twice as often as other packets, being long.
void ControlProgram::accept_deposit(Endpoint* e, uint32_t node, Channel* c, uint32_t source,
                                    uint32_t ack, bool last) {
    Peer* p = &e->peers[node];
    uint32_t expected = source + 1;
    c->expected = expected;
    *hw::at<Be16>(hw::address(&c->rx_source) + 2) = expected;
    count(counters()->received);
    if (p->stall > 1) p->stall = 1;  // it is there
    if (hw::shifted<16>(ack ^ p->acked) != 0 && acknowledges(ack, p->acked, c->sequence + 1U))
        acked(e, node, ack & 0xffff);
    // The sender's slot is done with when the last is acknowledged: it need not wait.
    uint32_t owed = p->owed + (last ? kOweAtOnce : 2 * kOwe);
    p->owed = owed;
    if (owed >= kOweAtOnce) owe(e, node, 0);
    // No transfer to the ring follows, whose end would look at this.
    if (hw::read(e->region->interrupt) != 0) interrupt(e);
}

/// The same of a packet that take_next() left alone; a deposit that cannot be is refused. True when
/// a transfer holds the buffer.
bool ControlProgram::deposit(Endpoint* e, uint32_t node, const fm_wire* packet) {
    uint32_t bytes = fm_be32(packet->length) >> 16;
    if (bytes == 0) return false;  // its sender's memory was gone
    if (take_deposit(e, node, packet, bytes)) return true;
    count(counters()->bad_deposits);
    acknowledge(e, node, FM_KIND_NAK, FM_NAK_DEPOSIT);
    return false;
}

}  // namespace firmware
