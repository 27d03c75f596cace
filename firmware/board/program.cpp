#include "firmware/board/program.hpp"

namespace firmware {

void ControlProgram::start() {
    fm_board_page* page_ = page();
    board_ = fm_be32(page_->board);
    for (uint32_t i = 0; i < FM_ENDPOINTS; ++i) {
        Endpoint* e = endpoint(i);
        hw::at<Ref<Endpoint>>(kEndpointTable)[i] = e;
        e->index = i;
        e->region = hw::at<fm_endpoint>(FM_SRAM_ENDPOINTS) + i;
        e->pages = hw::at<uint32_t>(FM_SRAM_PAGES) + i * FM_PAGES;
        e->slot = hw::at<fm_slot>(kNever);
        e->lap = 1;
        e->ring_foot = kNoRoom;
        for (Channel& c : e->channels) {
            c.skip = kSlowUnused;
            c.rx_type = i ^ 1;  // no packet of this type is looked up here
        }
        for (Peer& p : e->peers) p.owed = kPeerUnlisted;
        for (Record& r : e->records) r.reset();
    }
    put_.id = kNobody;
    dma_next_ = dma_end_ = dma_;
    link_polled();
    auto* buffers = hw::at<Buffer>(kBuffers);
    for (uint32_t i = 0; i < kReceiveBuffers; ++i) free_receive(hw::address(&buffers[i].wire));
    // Twice a microsecond; 0 in the page means a default. The bounds keep what follows from
    // overflowing.
    uint32_t ack_us = fm_be32(page_->ack_us), retransmit_us = fm_be32(page_->retransmit_us);
    uint32_t give_up_ms = fm_be32(page_->give_up_ms);
    if (ack_us == 0 || ack_us > 1000000) ack_us = 100;
    if (retransmit_us == 0 || retransmit_us > 10000000) retransmit_us = 2000;
    if (give_up_ms == 0 || give_up_ms > 600000) give_up_ms = 2000;
    tick_ = 2 * ack_us;
    uint32_t ticks_per_check = (retransmit_us + ack_us - 1) / ack_us;
    check_ticks_ = ticks_per_check * tick_;
    checked_ = hw::get(REG_RTC);
    // Peer::stall counts to 255: the first time-outs are as short as was asked for, later ones long
    // enough.
    uint32_t checks = give_up_ms * 1000 / (ticks_per_check * ack_us) + 1;
    uint32_t shift = 0;
    while (checks >> shift > 200) ++shift;
    lazy_ = (1U << shift) - 1;
    patience_ = (checks >> shift) + (shift != 0 ? kEagerChecks : 0);
    hw::set(REG_DMA_DIR, 0);
    hw::set(REG_MYRINET, 3);  // NRES and CRC
    hw::set(REG_TIMEOUT, 0);
    hw::set(REG_ISR, ISR_DMA);
    mask_ = ISR_DMA | ISR_RECV | ISR_BUFF | ISR_TIME | ISR_NRES | ISR_LINK | kSignals;
    arm_receive();
    start_mapping();
    page_->version = fm_be32(FM_LAYOUT_VERSION);
    hw::barrier();
    hw::write(page_->magic, FM_MAGIC);
}

/// Nothing is due, the DMA engine is free, and no other endpoint is open: until something comes,
/// all that is needed then stays in registers.
Endpoint* ControlProgram::alone(Endpoint* e) {
    fm_slot* s = e->slot;
    uint32_t mask = mask_, expected = e->lap, from = hw::settled(uint32_t{armed_});
    Place place = place_of(e);
    place = {hw::settled(place.foot), hw::settled(place.lap), hw::settled(place.done),
             hw::settled(place.key)};
    do {
        uint32_t isr = hw::get(REG_ISR), lap = hw::read(s->lap), due = isr & mask;
        if (due != 0) {
            if (due == ISR_RECV) receive(e, look(e, place, from, hw::get(REG_RMP)));
            return e;
        }
        uint32_t word = hw::read(s->command);  // in the branch's delay slot
        if (lap == expected) [[unlikely]] {
            slot_here(e, s, word, isr);
            return e;
        }
    } while (hw::kWaits);
    return e;
}

void ControlProgram::events(uint32_t due) {
    count(counters()->loops);
    if ((due & ISR_TIME) != 0) tick();
    if ((due & ISR_NRES) != 0) link_reset();
    if ((due & ISR_LINK) != 0) {
        hw::set(REG_ISR, ISR_LINK);
        map_again();
    }
    if ((due & (ISR_BUFF | ISR_RECV)) == ISR_BUFF && armed_ != 0) {
        // Longer than any packet: the rest is let in over it, and all of it dropped at its end.
        queue_waiting();
        stop_ |= kStopLong;
        receive_into(armed_);
    }
    hw::set(REG_ISR, due & kSignals & ~kCommanded);  // nobody's
    if ((due & kCommanded) != 0) command(hw::read(page()->command));
}

void ControlProgram::arm_timer() {
    if (timer_on_ != 0) return;
    timer_on_ = 1;
    hw::set(REG_IT, tick_);
}

void ControlProgram::tick() {
    hw::set(REG_ISR, ISR_TIME);
    flush_owed();
    // By the clock, as the timer may be late: an emulator's is, on a machine with other work.
    uint32_t now = hw::get(REG_RTC);
    if (now - checked_ >= check_ticks_) {
        checked_ = now;
        ++checks_;
        check_progress();
    }
    if (telling_ != 0) tell_all();
    timer_on_ = 0;
    if (owed_.size() != 0 || active_.size() != 0 || telling_ != 0) arm_timer();
    arm_mapping();
    if (map_wants_ != 0) map_turn();
}

// Acknowledges what waited for a packet to ride on since the last tick. What came after that waits
// until the next.
void ControlProgram::flush_owed() {
    while (owed_.head != owed_mark_) {
        uint32_t channel = owed_.pop();
        Endpoint* e = endpoint(channel >> 8);
        Peer& p = e->peers[channel & 0xff];
        p.owed = p.owed | kPeerUnlisted;
        if ((p.owed & kOweAll) != 0) acknowledge(e, channel & 0xff, FM_KIND_ACK, 0);
    }
    owed_mark_ = owed_.tail;
}

// Each channel with packets out: no acknowledgement since the last check is a time-out.
void ControlProgram::check_progress() {
    for (uint32_t left = active_.size(); left != 0; --left) {
        uint32_t channel = active_.pop();
        uint32_t node = channel & 0xff;
        Endpoint* e = endpoint(channel >> 8);
        Peer& p = e->peers[node];
        Channel& c = e->channels[node];
        bool out = static_cast<uint16_t>(c.sequence + 1) != p.acked;
        if (!out || e->key == 0) {
            p.owed = p.owed & ~kPeerActive;
            c.skip = c.skip | kSlowInactive;
            continue;
        }
        active_.push(channel);
        fm_node& known = scratch(e, node);
        uint32_t word = fm_be32(known.scratch), acked = p.acked;
        if (word >> 16 != acked) {
            known.scratch = fm_be32(acked << 16 | (word & 0xffff));
            p.stall = 0;
            continue;
        }
        if (p.stall >= kEagerChecks && (checks_ & lazy_) != 0) continue;
        // The first look may have come right after the packet went.
        if (++p.stall == 1) continue;
        if (p.stall > patience_) {
            give_up(e, node);
            continue;
        }
        count(counters()->timeouts);
        if (p.stall == kSuspicious) map_suspect(board_of(&c));
        resend(e, node);
    }
}

/// The node does not answer: what was for it is done with, and the process is told.
void ControlProgram::give_up(Endpoint* e, uint32_t node) {
    Channel& c = e->channels[node];
    if ((c.skip & kSlowLost) != 0) return;
    Peer& p = e->peers[node];
    c.skip = c.skip | kSlowLost;
    acked(e, node, c.sequence + 1U);
    p.cursor = p.acked;
    put_.id = kNobody;
    count(counters()->nodes_lost);
    p.owed = p.owed | kPeerTellLost;
    telling_ |= 1U << e->index;
    tell(e);
}

/// The packets under way are lost. Those with a number are sent again in time.
void ControlProgram::link_reset() {
    hw::set(REG_ISR, ISR_NRES);
    count(counters()->link_resets);
    piece_last_ = 0;
    if (armed_ != 0 && (hw::get(REG_ISR) & ISR_RECV) == 0) {
        stop_ &= ~kStopLong;
        receive_into(armed_);
    }
    mask_ |= ISR_SEND;
}

void ControlProgram::interrupt(Endpoint* e) {
    hw::write(e->region->interrupt, 0);
    count(page()->interrupts[e->index]);
    count(counters()->interrupts);
    hw::start(REG_ISR, ISR_HOST_SIG);
}

void ControlProgram::tell_all() {
    for (uint32_t i = 0; i < FM_ENDPOINTS; ++i)
        if ((telling_ >> i & 1) != 0) tell(endpoint(i));
}

// Puts one event into an endpoint's own ring. The rest follows when that is there, or there is
// room.
void ControlProgram::tell(Endpoint* e) {
    arm_timer();
    if (event_busy_ != 0 || !room(e)) return;
    uint32_t event = 0, value = 0;
    for (uint32_t node = 0; node < FM_MAX_NODES && event == 0; ++node) {
        Be32& flags = e->peers[node].owed;
        value = node;
        if ((flags & kPeerTellLost) != 0) {
            event = FM_EVENT_NODE_LOST;
            flags = flags & ~kPeerTellLost;
        } else if ((flags & kPeerTellPut) != 0) {
            event = FM_EVENT_PUT_REFUSED;
            flags = flags & ~kPeerTellPut;
        }
    }
    if (event == 0 && e->bad_slots != 0) {
        e->bad_slots = 0;
        event = FM_EVENT_BAD_SLOT;
        value = e->bad_slot & 0xffff;
    }
    if (event == 0) {
        telling_ &= ~(1U << e->index);
        return;
    }
    auto* wire = hw::at<fm_wire>(kEventPacket);
    wire->type = fm_be32(FM_WIRE_TYPE << 16 | FM_KIND_EVENT << 8 | e->index << 4 | e->index);
    wire->key = e->key.raw;
    wire->source = fm_be32(board_ << 24 | e->node << 16);
    wire->length = 0;
    wire->user[0] = fm_be32(event);
    wire->user[1] = fm_be32(value);
    event_busy_ = 1;
    to_ring(e, wire, kDmaEvent | e->index << 24);
}

}  // namespace firmware
