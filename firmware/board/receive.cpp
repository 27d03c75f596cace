// What came from the wire, or from this board itself, and is not simply the next packet of data.
#include "firmware/board/program.hpp"

namespace firmware {

/// Is there a place for a packet in the host's ring? Looks again when there was none.
bool ControlProgram::room(Endpoint* e) {
    if (e->ring_foot != kNoRoom) return true;
    // A process that claims to have consumed what never came has no room.
    uint32_t held = e->ring_known - hw::read(e->region->consumed);
    if (held >= e->ring_slots) return false;
    uint32_t left = e->ring_slots - held;
    e->ring_known = e->ring_known + left;
    set_ring(e, e->ring_entry, left);
    return true;
}

/// The next page is that of `entry`; it and those behind it, `left` in all, are free.
void ControlProgram::set_ring(Endpoint* e, uint32_t* entry, uint32_t left) {
    auto to_end = static_cast<uint32_t>(e->pages + e->ring_slots - entry);
    uint32_t first = left < to_end ? left : to_end;
    e->ring_entry = entry;
    e->ring_stop = entry + first;
    e->ring_left = left - first;
    e->ring_foot = fm_be32(*entry) + (FM_PAGE_BYTES - sizeof(fm_footer) - FM_PAGE_VALID);
}

/// The next page is not the one behind the last.
void ControlProgram::turn_ring(Endpoint* e) {
    if (e->ring_entry == e->pages + e->ring_slots) {
        e->ring_entry = e->pages;
        e->ring_lap = e->ring_lap + 1;
    }
    if (e->ring_left != 0) {
        set_ring(e, e->pages, e->ring_left);
    } else {
        e->ring_foot = kNoRoom;
        room(e);
    }
}

/// Puts a packet into the host's ring. There is room. The footer overwrites what follows the
/// payload.
bool ControlProgram::to_ring(Endpoint* e, fm_wire* wire, uint32_t what) {
    if (!room(e)) return false;
    uint32_t length = fm_be32(wire->length);
    uint32_t bytes = words_up(length >> 16), from = hw::address(wire);
    auto* footer = hw::at<fm_footer>(from + kHeader + bytes);
    footer->length = fm_be32((length & 0xffff0000) | (e->done & 0xffff));
    footer->lap = e->ring_lap.raw;
    uint32_t total = bytes + kHeader + sizeof(fm_footer);
    queue_dma(e->ring_foot - bytes - kHeader, from, total, what);
    advance_ring(e);
    return true;
}

/// An acknowledgement is owed: it rides on the next packet to the node, or goes by itself when much
/// is owed or time has passed.
void ControlProgram::owe(Endpoint* e, uint32_t node, uint32_t weight) {
    Peer& p = e->peers[node];
    uint32_t owed = p.owed + weight;
    p.owed = owed;
    if ((owed & kOweAll) >= kOweAtOnce) {
        acknowledge(e, node, FM_KIND_ACK, 0);
    } else if ((owed & kPeerUnlisted) != 0) {
        p.owed = owed & ~kPeerUnlisted;
        owed_.push(id(e, node));
        arm_timer();
    }
}

/// A buffer is free again, and somebody has waited for it.
void ControlProgram::feed() {
    starved_ = 0;
    if (armed_ == 0) {
        mask_ |= ISR_RECV | ISR_BUFF;
        arm_receive();
    }
    if (work_.size() != 0) pump();
}

/// A buffer is free and a packet is in the ring of `e`: who has waited for that?
void ControlProgram::wanted(Endpoint* e) {
    if (starved_ != 0) feed();
    if (hw::read(e->region->interrupt) != 0) interrupt(e);
}

/// For a packet of this board to itself: null when the last one has to stay for the wire.
fm_wire* ControlProgram::take_free() {
    uint32_t wire = free_;
    if (wire == 0 || *next_free(wire) == 0) {
        starved_ = 1;
        return nullptr;
    }
    free_ = *next_free(wire);
    return hw::at<fm_wire>(wire);
}

/// A packet has come, and not only that.
void ControlProgram::receive_among() {
    uint32_t rmp = hw::get(REG_RMP);
    if (stop_ == 0)
        receive(polled_, look(armed_, rmp));
    else
        receive_behind(0, rmp);
}

/// A packet that receive() left alone.
void ControlProgram::receive_other() {
    fm_wire* wire = hw::at<fm_wire>(armed_);
    uint32_t end = hw::get(REG_RMP);
    // It lacks nothing but the DMA engine, which is soon free: then receive() is quicker.
    if (stop_ > kStopFlags && (stop_ & kStopFlags) == 0 && hw::get(REG_DMA_CTR) <= kSoon) return;
    arm_receive();
    process_armed(wire, end);
}

/// The same, with the next buffer armed.
void ControlProgram::process_armed(fm_wire* wire, uint32_t end) {
    await_transfer();
    if (take_next(wire, end)) return;
    if ((stop_ & kStopLong) == 0) {
        process(wire, end);
        return;
    }
    stop_ &= ~kStopLong;
    count(counters()->bad_packets);
    free_receive(hw::address(wire));
}

void ControlProgram::process(fm_wire* wire, uint32_t end) {
    if (!process_packet(wire, end)) free_receive(hw::address(wire));
}

/// True when the buffer is being transferred to the host.
bool ControlProgram::process_packet(fm_wire* packet, uint32_t end) {
    const fm_wire& wire = *packet;
    uint32_t bytes = end - hw::address(packet);  // with the syndrome
    if (bytes <= kHeader || bytes > kHeader + FM_DEPOSIT_BYTES + 1) {
        count(counters()->bad_packets);
        return false;
    }
    if (*hw::at<uint8_t>(end - 1) != 0) {
        count(counters()->crc_errors);
        return false;
    }
    uint32_t type = fm_be32(wire.type), source = fm_be32(wire.source);
    uint32_t kind = type >> 8 & 0xff, length = fm_be32(wire.length) >> 16;
    if (type >> 16 == FM_WIRE_TYPE_MAP || type >> 16 == FM_WIRE_TYPE_PROBE) {
        map_packet(packet, bytes - 1);
        return false;
    }
    uint32_t longest = 0;
    if (kind == FM_KIND_DATA) longest = FM_PACKET_BYTES;
    if (kind == FM_KIND_DEPOSIT) longest = FM_DEPOSIT_BYTES;
    if (type >> 16 != FM_WIRE_TYPE || kind < FM_KIND_DATA || kind > FM_KIND_ASK ||
        kind == FM_KIND_EVENT || length > longest || bytes != kHeader + words_up(length) + 1) {
        count(counters()->bad_packets);
        return false;
    }
    Endpoint* e = endpoint(type & (FM_ENDPOINTS - 1));
    if (e->key == 0 || fm_be32(wire.key) != e->key) {
        count(counters()->refused);
        answer_closed(e, wire, kind);
        return false;
    }
    if (kind == FM_KIND_NAK && fm_be32(wire.user[0]) == FM_NAK_CLOSED) {
        closed_by_peer(e, type, source);
        return false;
    }
    uint32_t node = source >> 16 & 0xff;
    const Channel& c = e->channels[node];
    if (((type ^ c.rx_type) & 0xffff00ff) != 0 || ((source ^ c.rx_source) & 0xffff0000) != 0 ||
        node >= e->nodes) {
        count(counters()->bad_packets);
        return false;
    }
    return process_open(e, packet, kind);
}

/// A packet from a node of the job.
bool ControlProgram::process_open(Endpoint* e, fm_wire* wire, uint32_t kind) {
    uint32_t source = fm_be32(wire->source), ack = fm_be32(wire->length) & 0xffff;
    uint32_t node = source >> 16 & 0xff;
    Channel& c = e->channels[node];
    Peer& p = e->peers[node];
    if (p.stall > 1) p.stall = 1;  // it is there
    if (kind == FM_KIND_DATA || kind == FM_KIND_DEPOSIT) {
        if (in_order(e, node, source)) {
            if (kind == FM_KIND_DEPOSIT) {
                bool taken = deposit(e, node, wire);
                accept_deposit(e, node, &c, source, ack, (fm_be32(wire->user[1]) & 1) != 0);
                return taken;
            }
            if (to_ring(e, wire, kDmaRing | e->index << 24 | hw::address(wire))) {
                accept(e, &c, source, ack, true);
                return true;
            }
            // Not accepted, and its sender learns that the node is alive.
            count(counters()->ring_full);
            owe(e, node, kOweAtOnce);
            return false;
        }
    }
    if (acknowledges(ack, p.acked, c.sequence + 1U)) acked(e, node, ack);
    if (kind == FM_KIND_ACK || kind == FM_KIND_GAP || kind == FM_KIND_ASK)
        count(counters()->acks_received);
    if (kind == FM_KIND_ASK) owe(e, node, kOweAtOnce);
    if (kind == FM_KIND_GAP && (c.skip & kSlowLost) == 0) resend(e, node);
    if (kind == FM_KIND_NAK && fm_be32(wire->user[0]) == FM_NAK_DEPOSIT) {
        p.owed = p.owed | kPeerTellPut;
        telling_ |= 1U << e->index;
        tell(e);
    }
    return false;
}

/// Is it the next one? If not, its sender is told so.
bool ControlProgram::in_order(Endpoint* e, uint32_t node, uint32_t source) {
    int32_t off = ahead(source, e->channels[node].expected);
    if (off == 0) return true;
    if (off < 0) {
        count(counters()->duplicates);
        owe(e, node, kOweAtOnce);  // the acknowledgement was lost, or is late
    } else {
        count(counters()->gaps);
        fm_node& known = scratch(e, node);
        uint32_t expected = e->channels[node].expected, word = fm_be32(known.scratch);
        if ((word & 0xffff) != expected) {
            known.scratch = fm_be32((word & 0xffff0000) | expected);
            acknowledge(e, node, FM_KIND_GAP, 0);
        }
    }
    return false;
}

/// A packet for no open endpoint. If its job's process is gone, the sender is told, but of what had
/// arrived before, that it did.
void ControlProgram::answer_closed(Endpoint* e, const fm_wire& wire, uint32_t kind) {
    const fm_endpoint_control* control = hw::at<fm_endpoint_control>(FM_SRAM_CONTROL) + e->index;
    if (kind != FM_KIND_DATA && kind != FM_KIND_DEPOSIT) return;
    uint32_t state = fm_be32(control->state);
    // The job's process is there, and its endpoint opens soon: the command may not have been seen.
    if (state == FM_ENDPOINT_RESERVED || (state == FM_ENDPOINT_OPEN && control->key == wire.key))
        return;
    uint32_t type = fm_be32(wire.type), source = fm_be32(wire.source), key = fm_be32(wire.key);
    uint32_t peer = type >> 4 & (FM_ENDPOINTS - 1);
    const Channel& c = e->channels[source >> 16 & 0xff];
    Control answer{
        static_cast<uint32_t>(FM_WIRE_TYPE) << 16 | FM_KIND_NAK << 8 | e->index << 4 | peer,
        key,
        board_ << 24,
        0,
        FM_NAK_CLOSED,
        source >> 24};
    if (e->key == 0 && key == e->closed_key && (c.type & (FM_ENDPOINTS - 1)) == peer &&
        ((source ^ c.rx_source) & 0xffff0000) == 0 && ahead(source, c.expected) < 0) {
        answer.type = (answer.type & 0xffff00ff) | FM_KIND_ACK << 8;
        answer.source = static_cast<uint32_t>(c.from) << 16;
        answer.length = c.expected;
    }
    queue_control(answer);
}

/// The other side says that the process there is gone.
void ControlProgram::closed_by_peer(Endpoint* e, uint32_t type, uint32_t source) {
    uint32_t peer = type >> 4 & (FM_ENDPOINTS - 1);
    for (uint32_t node = 0; node < e->nodes; ++node) {
        const Channel& c = e->channels[node];
        if (c.rx_source >> 24 == source >> 24 && (c.type & (FM_ENDPOINTS - 1)) == peer) {
            give_up(e, node);
            return;
        }
    }
    count(counters()->bad_packets);
}

}  // namespace firmware
