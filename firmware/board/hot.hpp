// The control program's hot paths, inlined into its loop. Counted in LANai instructions: a test of
// the image holds them to their figures (README.md).
#pragma once

#include "firmware/board/program.hpp"

namespace firmware {

// No value lives across a call in it, or it would be on the stack, and stored in each turn.
FM_INLINE Endpoint* ControlProgram::turn(Endpoint* polled) {
    uint32_t isr = hw::get(REG_ISR);
    hw::barrier();
    uint32_t due = isr & mask_;
    uint32_t word = hw::read(page()->command);
    if ((due | word) != 0) {
        polled_ = polled;
        if ((due & ISR_DMA) != 0) dma_done();
        if ((due & ISR_RECV) != 0) receive();
        uint32_t rare = (due & ~(ISR_DMA | ISR_RECV)) | word;
        if (rare != 0) [[unlikely]] {
            if ((due & ISR_SEND) != 0) serve_send();
            if ((rare & ~ISR_SEND) != 0) events(due);
        }
        // Who waits for the send engine comes first: maybe the rest of a packet that has begun.
        isr = hw::get(REG_ISR) & ~(mask_ & ISR_SEND);
        hw::barrier();
        polled = polled_;
    }
    polled = polled->next;
    if (!poll_slot(polled, isr)) {
        polled_ = polled;
        take_slot(polled);
        hw::barrier();
        polled = polled_;
    }
    return polled;
}

/// False: the slot is not for the fast path.
FM_INLINE bool ControlProgram::poll_slot(Endpoint* e, uint32_t isr) {
    fm_slot* s = e->slot;
    if (hw::read(s->lap) != e->lap) [[likely]]
        return true;
    uint32_t node = hw::read(s->command) ^ (FM_OP_INLINE << 24);
    uint32_t length = hw::read(s->length);
    if (node < FM_MAX_NODES && length <= FM_INLINE_BYTES) [[likely]] {
        Channel* c = &e->channels[node];
        uint32_t skip = c->skip;
        if (skip < 4) [[likely]] {
            if ((isr & ISR_SEND) != 0) send_slot(e, s, c, node, length, skip);
            return true;
        }
    }
    return false;
}

// The header, from the channel; what the process wrote, user words and payload, from the slot.
FM_INLINE void ControlProgram::send_slot(Endpoint* e, fm_slot* s, Channel* c, uint32_t node,
                                         uint32_t length, uint32_t skip) {
    uint32_t sequence = c->sequence + 1U;
    c->sequence = sequence;
    c->length = length;
    hw::set(REG_SA, skip);
    hw::set(REG_SMP, hw::address(c));
    hw::start(REG_SML, hw::address(&c->length));
    // While it leaves.
    uint32_t from = hw::address(s) + offsetof(fm_slot, wire.user);
    uint32_t last = from + 4 + hw::words(length + 3);
    uint32_t patience = kPatience;
    while ((hw::get(REG_ISR) & ISR_SEND) == 0 && --patience != 0) {
    }
    if (patience != 0) [[likely]] {
        hw::set(REG_SMP, from);
        hw::start(REG_SMLT, last);
    } else {
        piece_from_ = from;
        piece_last_ = last;
        mask_ |= ISR_SEND;
    }
    uint32_t number = e->number;
    e->records[number & (FM_SEND_SLOTS - 1)].last = node << 16 | (sequence & 0xffff);
    clear_owed(&e->peers[node]);
    count(counters()->sent);
    advance_slot(e, s, number);
}

// `s` is slot `number`, which is taken.
FM_INLINE void ControlProgram::advance_slot(Endpoint* e, fm_slot* s, uint32_t number) {
    ++number;
    e->number = number;
    ++s;
    if ((number & (FM_SEND_SLOTS - 1)) == 0) {
        e->lap = e->lap + 1;
        s = e->region->slots;
    }
    if (number - e->done == FM_SEND_SLOTS) s = hw::at<fm_slot>(kNever);
    e->slot = s;
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
    free_receive(wire);
    if (hw::read(e->region->interrupt) != 0) [[unlikely]]
        interrupt(e);
}

// A packet has come. Data in order, for an open endpoint with room, while the DMA engine is free,
// is on its way to the host here; the rest is for process().
FM_INLINE void ControlProgram::receive() {
    uint32_t from = armed_;
    auto* wire = hw::at<fm_wire>(from);
    uint32_t end = hw::get(REG_RMP);
    uint32_t type = fm_be32(wire->type);
    uint32_t source = fm_be32(wire->source);
    uint32_t length = fm_be32(wire->length);
    Endpoint* e = *hw::at<Ref<Endpoint>>(kEndpointTable + hw::shifted<-26>(hw::shifted<28>(type)));
    uint32_t node = hw::shifted<-24>(hw::shifted<8>(source));
    Channel* c = &e->channels[node];
    uint32_t bytes = hw::words(hw::shifted<-16>(length) + 3);
    uint32_t syndrome = from + bytes + kHeader;
    uint32_t top = e->ring_top;
    uint32_t done = hw::read(e->done_low.raw);  // here, to fill the branch's delay slot
    uint32_t wrong = (type ^ c->rx_type) | (source ^ c->rx_source) | *hw::at<uint8_t>(syndrome) |
                     (fm_be32(wire->key) ^ c->key) | (end ^ (syndrome + 1)) |
                     hw::shifted<-12>(bytes + FM_PAGE_BYTES - 1 - FM_PACKET_BYTES) |
                     hw::shifted<20>(top);
    uint32_t stop = stop_, total = bytes + kHeader + sizeof(fm_footer);
    auto close = [=] {
        auto* footer = hw::at<fm_footer>(syndrome);
        footer->length = fm_be32((length & 0xffff0000) | done);
        footer->lap = e->ring_lap.raw;
    };
    if ((wrong | stop) == 0) [[likely]] {
        close();
        hw::set(REG_EAR, top - total);
        hw::set(REG_LAR, from);
        hw::start(REG_DMA_CTR, total);  // DMA_DIR is 0: no transfer from the host is under way
        stop_ = from;
        direct_ = e;
    } else if (wrong == 0 && (stop & kStopFlags) == 0 && waiting_ == 0) {
        close();
        waiting_ = from;
        waiting_bus_ = top - total;
        waiting_bytes_ = total;
        waiting_endpoint_ = e;
    } else {
        receive_other(wire, end);
        return;
    }
    arm_receive();
    advance_ring(e);
    accept(e, node, c, source, length);
}

FM_INLINE void ControlProgram::advance_ring(Endpoint* e) {
    uint32_t* entry = e->ring_entry + 1;
    uint32_t left = e->ring_left - 1;
    if (entry == e->ring_end) {
        entry = e->pages;
        e->ring_lap = e->ring_lap + 1;
    }
    e->ring_entry = entry;
    e->ring_left = left;
    if (left != 0) [[likely]] {
        e->ring_top = fm_be32(*entry) + (FM_PAGE_BYTES - FM_PAGE_VALID);
    } else {
        e->ring_top = kNoRoom;
        room(e);
    }
}

// A packet with a number was accepted: moves the number expected, believes the acknowledgement,
// owes one.
FM_INLINE void ControlProgram::accept(Endpoint* e, uint32_t node, Channel* c, uint32_t source,
                                      uint32_t ack) {
    uint32_t expected = source + 1;
    c->expected = expected;
    *hw::at<Be16>(hw::address(&c->rx_source) + 2) = expected;
    Peer* p = &e->peers[node];
    count(counters()->received);
    uint32_t owed = p->owed + kOwe;
    p->owed = owed;
    uint32_t before = p->acked;
    if (hw::shifted<16>(ack ^ before) != 0 && !acked_one(e, node, c, p, before, ack)) {
        if (acknowledges(ack, before, c->sequence + 1U)) acked(e, node, ack & 0xffff);
    }
    // The usual: it stands in the ring already, and it is not much.
    if (((owed ^ kPeerOwed) & (kPeerOwed | (0xffff & -kOweAtOnce))) != 0) owe(e, node, 0);
}

// The only slot in flight, and the channel clean: the answer to a request. False: not so.
FM_INLINE bool ControlProgram::acked_one(Endpoint* e, uint32_t node, const Channel* c, Peer* p,
                                         uint32_t before, uint32_t ack) {
    uint32_t done = e->done, next = done + 1;
    Record* r = &e->records[done & (FM_SEND_SLOTS - 1)];
    uint32_t wrong = (e->number ^ next) | (r->last ^ (node << 16 | before)) |
                     hw::shifted<16>(ack - before - 1) | hw::shifted<-2>(c->skip);
    if (wrong != 0) return false;
    p->acked = ack;
    r->last = kRecordDone;
    r->reset();
    e->done = next;
    e->done_low = next & 0xffff;
    hw::write(e->region->send_done, next);
    return true;
}

FM_INLINE void ControlProgram::clear_owed(Peer* p) {
    *hw::at<uint8_t>(hw::address(&p->owed)) = 0;  // the high half
}

}  // namespace firmware
