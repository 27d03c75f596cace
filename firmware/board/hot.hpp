// The control program's hot paths, inlined into its loop. Counted in LANai instructions: a test of
// the image holds them to their figures (README.md).
#pragma once

#include "firmware/board/program.hpp"

namespace firmware {

// No value lives across a call in it, or it would be on the stack, and stored in each turn. What a
// test needs is loaded before the test before it, so that loads stand in the branches' delay slots.
FM_INLINE Endpoint* ControlProgram::turn(Endpoint* e) {
    uint32_t isr = hw::get(REG_ISR);
    hw::barrier();
    uint32_t due = isr & mask_;
    fm_slot* s = e->slot;
    uint32_t lap = hw::read(s->lap);
    if (due == 0) [[likely]] {
        if (lap == e->lap) [[unlikely]] {
            slot_here(e, s, hw::read(s->command), isr);
            return e->next;
        }
        Endpoint* next = e->next;
        if (next != e) return next;
        if (stop_ == 0) return alone(e);
        if ((stop_ & kStopDma) != 0 && dma_next_ != dma_end_) await_transfer_alone(e);
        return e;
    }
    uint32_t stop = stop_, end = hw::get(REG_RMP);
    if (((due ^ ISR_RECV) | stop) == 0) [[likely]] {
        receive(e, look(armed_, end));
    } else if ((due & ~ISR_DMA) == ISR_RECV) {
        polled_ = e;
        receive_behind(due, end);
    } else {
        polled_ = e;
        if ((due & ISR_DMA) != 0) dma_done();
        if ((due & ~ISR_DMA) == 0) return polled_;
        if ((due & ISR_RECV) != 0) receive_among();
        if ((due & ISR_SEND) != 0) serve_send();
        if ((due & ~(ISR_DMA | ISR_RECV | ISR_SEND)) != 0) events(due);
    }
    // Who waits for the send engine comes first: maybe the rest of a packet that has begun.
    isr = hw::get(REG_ISR) & ISR_SEND & ~mask_;
    hw::barrier();
    e = polled_;
    s = e->slot;
    lap = hw::read(s->lap);
    if (lap == e->lap) [[unlikely]]
        slot_here(e, s, hw::read(s->command), isr);
    return e->next;
}

/// Slot `s`, the next of `e`, has come, with `word` for its command. Nothing is due in `isr`.
FM_INLINE void ControlProgram::slot_here(Endpoint*& e, fm_slot* s, uint32_t word, uint32_t isr) {
    uint32_t free =
        hw::masked<0xffff0000 | ISR_SEND>(isr);  // what is not due is 0 in the upper half
    if (!poll_slot(e, s, word, free)) {
        polled_ = e;
        take_slot(e);
        hw::barrier();
        e = polled_;
    }
}

/// Slot `s` has come, with `word` for its command; `free` is ISR_SEND, or more, when the send
/// engine is free, and else 0. False: it is not for the fast path.
FM_INLINE bool ControlProgram::poll_slot(Endpoint*& e, fm_slot* s, uint32_t word, uint32_t free) {
    uint32_t node = word ^ (FM_OP_INLINE << 24);
    uint32_t length = hw::read(s->length);
    if (node >= FM_MAX_NODES) [[unlikely]]
        return false;
    Channel* c = hw::settled(&e->channels[node]);
    uint32_t skip = hw::read(c->skip.raw);
    if (length > FM_INLINE_BYTES) [[unlikely]]
        return false;
    uint32_t sequence = hw::read(c->sequence) + 1U;
    static_assert(ISR_SEND > 3 && ISR_SEND <= kSlowUnused);
    if (skip >= free) [[unlikely]]  // slow, or the send engine is busy
        return skip < 4;
    send_slot(e, s, c, node, length, skip, sequence);
    return true;
}

// The header, from the channel; what the process wrote, user words and payload, from the slot.
FM_INLINE void ControlProgram::send_slot(Endpoint*& e, fm_slot* s, Channel* c, uint32_t node,
                                         uint32_t length, uint32_t skip, uint32_t sequence) {
    c->sequence = sequence;
    c->length = length;
    hw::set(REG_SA, skip);
    hw::set(REG_SMP, hw::address(c));
    hw::start(REG_SML, hw::address(&c->length));
    // While it leaves.
    uint32_t from = hw::address(s) + offsetof(fm_slot, wire.user);
    uint32_t last = hw::address(s) + hw::words(length + offsetof(fm_slot, payload) - 4 + 3);
    from = hw::settled(from), last = hw::settled(last);
    uint32_t free = hw::get(REG_ISR) & ISR_SEND;
    if (free == 0) [[unlikely]] {
        uint32_t patience = kPatience;
        do free = hw::get(REG_ISR) & ISR_SEND;
        while (free == 0 && --patience != 0);
    }
    if (free != 0) [[likely]] {
        hw::set(REG_SMP, from);
        hw::start(REG_SMLT, last);
    } else {
        piece_from_ = from;
        piece_last_ = last;
        mask_ |= ISR_SEND;
    }
    uint32_t number = e->number;
    e->records[number & (FM_SEND_SLOTS - 1)].last = node << 16 | (sequence & 0xffff);
    Peer* p = &e->peers[node];
    clear_owed(p);
    count(counters()->sent);
    advance_slot(e, s, number, sole_key(p, sequence + 1));
}

// `s` is slot `number`, which is taken; `key` is Endpoint::sole if it is the only one. `e`, which
// is the one polled, is the same afterwards; no value of it lives across the call.
FM_INLINE void ControlProgram::advance_slot(Endpoint*& e, fm_slot* s, uint32_t number,
                                            uint32_t key) {
    ++number;
    e->number = number;
    ++s;
    if ((number & (FM_SEND_SLOTS - 1)) == 0) {
        e->lap = e->lap + 1;
        s = e->region->slots;
    }
    e->slot = s;
    uint32_t flying = number - e->done;
    e->sole = flying == 1 ? key : kNotSole;
    if (flying >= kCrowded) [[unlikely]] {
        polled_ = e;
        crowded(e);
        e = polled_;
    }
}

FM_INLINE void ControlProgram::arm_receive() {
    uint32_t from = free_;
    armed_ = from;
    if (from == 0) [[unlikely]] {
        starved_ = 1;
        mask_ &= ~(ISR_RECV | ISR_BUFF);
        return;
    }
    free_ = *next_free(from);
    receive_into(from);
}

FM_INLINE void ControlProgram::free_receive(uint32_t wire) {
    *next_free(wire) = free_;
    free_ = wire;
    if (starved_ != 0) [[unlikely]]
        feed();
}

FM_INLINE void ControlProgram::receive_into(uint32_t wire) {
    hw::set(REG_RMP, wire);
    hw::start(REG_RML, wire + sizeof(Buffer) - offsetof(Buffer, wire) - 4);
}

FM_INLINE void ControlProgram::start_dma(const DmaOp& op) {
    hw::set(REG_EAR, op.bus);
    hw::set(REG_LAR, op.sram);
    hw::set(REG_DMA_DIR, op.what >> 31);
    hw::start(REG_DMA_CTR, op.bytes);
    dma_what_ = op.what;
}

// First of all the next transfer: the host's bus is the narrowest place.
FM_INLINE void ControlProgram::next_transfer(uint32_t wire) {
    DmaOp* op = dma_next_;
    if (op != dma_end_) [[likely]] {
        start_dma(*op);
        next_started(op, wire);
        return;
    }
    hw::set(REG_ISR, ISR_DMA);
    hw::set(REG_DMA_DIR, 0);
    stop_ = wire & kStopLong;
    if (wire <= kStopFlags) ++dma_head_;
}

FM_INLINE void ControlProgram::next_started(DmaOp* op, uint32_t wire) {
    dma_next_ = behind(op);
    stop_ = wire & kStopFlags;
    if (wire <= kStopFlags) ++dma_head_;
}

// Called by what takes long: a transfer that ends soon, with another behind it, comes first. So the
// bus is idle for a few cycles only.
FM_INLINE void ControlProgram::await_transfer() {
    DmaOp* op = dma_next_;
    if (op != dma_end_ && hw::get(REG_DMA_CTR) <= kVerySoon) await_transfer(op);
}

// A transfer is done: receive()'s own, with nothing behind it, or queued_done()'s.
FM_INLINE void ControlProgram::dma_done() {
    uint32_t wire = stop_;
    if ((wire & kStopFlags) != 0) {
        bool failed = hw::get(REG_DMA_STS) != 0;
        uint32_t what = dma_what_;
        next_transfer(wire);
        queued_done(wire, what, failed);
        return;
    }
    Endpoint* e = direct_;
    uint32_t next = waiting_;
    stop_ = next;
    if (next != 0) {
        hw::set(REG_EAR, waiting_bus_);
        hw::set(REG_LAR, next);
        hw::start(REG_DMA_CTR, waiting_bytes_);
        direct_ = waiting_endpoint_;
        waiting_ = 0;
    } else {
        hw::set(REG_ISR, ISR_DMA);
    }
    transferred(e, wire);
}

// The packet at `wire` is in the ring of `e`.
FM_INLINE void ControlProgram::transferred(Endpoint* e, uint32_t wire) {
    *next_free(wire) = free_;
    free_ = wire;
    if ((starved_ | hw::read(e->region->interrupt)) != 0) [[unlikely]]
        wanted(e);
}

FM_INLINE ControlProgram::Place ControlProgram::place_of(const Endpoint* e) {
    return {e->ring_foot, e->ring_lap.raw, e->done, e->key};
}

/// The endpoint that the packet at `from` is for, if it is for any.
FM_INLINE Endpoint* ControlProgram::destination(uint32_t from) {
    uint32_t type = fm_be32(hw::at<fm_wire>(from)->type);
    return *hw::at<Ref<Endpoint>>(kEndpointTable + hw::shifted<-26>(hw::shifted<28>(type)));
}

// Looks at the packet at `from`; the receive engine has stored up to before `rmp`.
FM_INLINE ControlProgram::Arrival ControlProgram::look(Endpoint* e, const Place& place,
                                                       uint32_t from, uint32_t rmp) {
    auto* wire = hw::at<fm_wire>(from);
    uint32_t type = fm_be32(wire->type);
    uint32_t source = fm_be32(wire->source);
    auto* c = hw::at<Channel>(hw::address(e) + hw::masked<~(uint32_t{sizeof(Channel)} - 1)>(
                                                   hw::shifted<-19>(hw::shifted<8>(source))));
    uint32_t length = *hw::at<Be16>(hw::address(&wire->length));
    uint32_t bytes = hw::words(length + kHeader + 3);  // header and payload
    uint32_t end = from + bytes;                       // of them: the syndrome is there
    uint32_t bus = place.foot - bytes;
    uint32_t wrong = (type ^ c->rx_type) | (source ^ c->rx_source) |
                     (fm_be32(wire->key) ^ place.key) | *hw::at<uint8_t>(end) | (rmp ^ (end + 1)) |
                     hw::shifted<-12>(bus ^ place.foot);
    uint32_t total = bytes + uint32_t{sizeof(fm_footer)};
    return {e, c, from, end, bus, total, length, source, place.done, place.lap, wrong};
}

// Its footer; then all but its transfer.
FM_INLINE void ControlProgram::close_packet(const Arrival& a) {
    *hw::at<Be16>(a.end) = a.length;
    *hw::at<Be16>(a.end + 2) = a.done;
    hw::at<fm_footer>(a.end)->lap = a.lap;
}

FM_INLINE void ControlProgram::transfer(const Arrival& a) {
    hw::set(REG_EAR, a.bus);
    hw::set(REG_LAR, a.from);
    hw::start(REG_DMA_CTR, a.total);  // DMA_DIR is 0: no transfer from the host is under way
    stop_ = a.from;
    direct_ = a.e;
}

FM_INLINE bool ControlProgram::taken(const Arrival& a, bool answer) {
    advance_ring(a.e);
    uint32_t ack = *hw::at<Be16>(a.from + offsetof(fm_wire, length) + 2);
    return accept(a.e, a.c, a.source, ack, answer);
}

// A packet has come. Data in order, for an open endpoint with room, is on its way to the host here;
// the rest is for process(). With the DMA engine free, that is first of all. In a stream, the next
// packet is let in first.
FM_INLINE void ControlProgram::receive(Endpoint* polled, const Arrival& a) {
    if (a.wrong != 0) [[unlikely]] {
        polled_ = polled;
        receive_other();
        return;
    }
    close_packet(a);
    transfer(a);
    polled_ = polled;
    arm_receive();
    // A short one has ended meanwhile.
    if (taken(a, true) && (hw::get(REG_ISR) & ISR_DMA) != 0) {
        hw::set(REG_ISR, ISR_DMA);
        stop_ = 0;
        transferred(a.e, a.from);
    }
}

// A transfer is under way, or has ended and dma_done() has not seen that.
FM_INLINE void ControlProgram::receive_behind(uint32_t due, uint32_t rmp) {
    if (((stop_ & kStopFlags) | waiting_) != 0) {
        if ((due & ISR_DMA) != 0) dma_done();
        if (stop_ != 0) receive_other();
        return;
    }
    uint32_t from = armed_;
    arm_receive();
    Arrival a = look(from, rmp);
    if (a.wrong != 0) [[unlikely]] {
        process_armed(hw::at<fm_wire>(from), rmp);
        return;
    }
    close_packet(a);
    if ((hw::get(REG_ISR) & ISR_DMA) != 0) {
        uint32_t before = stop_;
        Endpoint* e = direct_;
        transfer(a);
        transferred(e, before);
    } else {
        waiting_ = from;
        waiting_bus_ = a.bus;
        waiting_bytes_ = a.total;
        waiting_endpoint_ = a.e;
    }
    taken(a, false);
}

FM_INLINE void ControlProgram::advance_ring(Endpoint* e) {
    uint32_t* entry = e->ring_entry + 1;
    e->ring_entry = entry;
    if (entry != e->ring_stop) [[likely]]
        e->ring_foot = fm_be32(*entry) + (FM_PAGE_BYTES - sizeof(fm_footer) - FM_PAGE_VALID);
    else
        turn_ring(e);
}

// A packet with a number was accepted: moves the number expected, believes the acknowledgement,
// owes one. `answer`: the only slot in flight is looked for first. True when that was all.
FM_INLINE bool ControlProgram::accept(Endpoint* e, Channel* c, uint32_t source, uint32_t ack,
                                      bool answer) {
    bool all = true;
    uint32_t expected = source + 1;
    c->expected = expected;
    *hw::at<Be16>(hw::address(&c->rx_source) + 2) = expected;
    Peer* p = peer(e, c);
    count(counters()->received);
    uint32_t owed = p->owed + kOwe;
    p->owed = owed;
    if (answer && sole_key(p, ack) == e->sole) {
        // Nothing of its record but `last` has been set.
        uint32_t done = e->number;
        p->acked = ack;
        e->sole = kNotSole;
        e->done = done;
        hw::write(e->region->send_done, done);
    } else {
        uint32_t before = p->acked;
        if (ack != before && acknowledges(ack, before, c->sequence + 1U)) {
            acked(e, node_of(source), ack);
            all = false;
        }
    }
    // The usual: it stands in the ring already, and it is not much.
    if (owed >= kOweAtOnce) [[unlikely]] {
        owe(e, node_of(source), 0);
        return false;
    }
    return all;
}

// `next`, when it comes as an acknowledgement from that peer. No two peers of an endpoint are 64
// KiB apart.
FM_INLINE uint32_t ControlProgram::sole_key(const Peer* p, uint32_t next) {
    return hw::address(p) + hw::shifted<16>(next);
}

FM_INLINE Peer* ControlProgram::peer(Endpoint* e, const Channel* c) {
    static_assert(sizeof(Peer) * 2 == sizeof(Channel));
    uint32_t offset = hw::address(c) - hw::address(e->channels);
    return hw::at<Peer>(hw::address(e->peers) + hw::shifted<-1>(offset));
}

FM_INLINE void ControlProgram::clear_owed(Peer* p) {
    *hw::at<uint8_t>(hw::address(&p->owed) + 2) = 0;  // kOweAll
}

}  // namespace firmware
