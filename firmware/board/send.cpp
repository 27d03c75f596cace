// From slots to the wire, by way of jobs; acknowledgements.
#include "firmware/board/program.hpp"

namespace firmware {

/// Is there nothing but jobs for the send engine?
FM_INLINE bool ControlProgram::nothing_short() const {
    return ((control_head_ ^ control_tail_) | (map_head_ ^ map_tail_) | map_wants_ | map_sending_ |
            piece_last_) == 0;
}

/// May a short packet leave at once?
FM_INLINE bool ControlProgram::send_free() const {
    return (hw::get(REG_ISR) & ISR_SEND) != 0 &&
           (piece_last_ | job_sending_ | map_sending_ | (control_head_ ^ control_tail_)) == 0;
}

/// Starts a job whose route is short. False: nothing was done.
FM_INLINE bool ControlProgram::start_direct(Job* job) {
    Channel* c = job->channel;
    uint32_t skip = c->skip;
    if ((skip & kSlowRoute) != 0) return false;
    fm_wire* packet = job->wire;
    uint32_t bytes = fm_be32(packet->length) >> 16, wire = hw::address(packet);
    packet->length = fm_be32(bytes << 16 | c->expected);
    *hw::at<Be32>(wire - 4) = c->route;
    hw::set(REG_SA, skip & 3);
    hw::set(REG_SMP, wire - 4);
    hw::start(REG_SMLT, wire + kHeader + words_up(bytes) - 4);
    clear_owed(job->peer);
    job_sending_ = 1;
    return true;
}

/// Takes the next slot when it is not for the fast path: checks it, and queues what it asks for.
void ControlProgram::take_slot(Endpoint* e) {
    // What is being fetched is to leave as soon as it is here.
    if ((stop_ & kStopDma) != 0 && static_cast<int32_t>(dma_what_) < 0 &&
        hw::get(REG_DMA_CTR) <= kVerySoon)
        return;
    fm_slot* s = e->slot;
    uint32_t word = hw::read(s->command), number = e->number;
    uint32_t op = word >> 24, node = word & 0xffffff, slot = number & (FM_SEND_SLOTS - 1);
    Record& r = e->records[slot];
    if (node >= e->nodes || !check_slot(e, s, op, &r)) {
        refuse_slot(e);
        return;
    }
    Channel& c = e->channels[node];
    Peer& p = e->peers[node];
    if ((c.skip & (kSlowLost | kSlowInactive)) != 0) {
        if ((c.skip & kSlowLost) != 0) {
            complete_slot(e);
            return;
        }
        activate(e, node);
    }
    uint32_t skip = c.skip;
    if (op == FM_OP_INLINE && skip < 4) return;  // the fast path takes it in the next turn
    uint32_t packets = r.packets, first = c.sequence + 1U;
    if (static_cast<uint16_t>(first - p.acked) + packets > kOutstanding) return;  // later
    uint32_t last = (first + packets - 1) & 0xffff;
    c.sequence = last;
    r.last = node << 16 | last;
    counters()->sent = fm_be32(fm_be32(counters()->sent) + packets);
    advance_slot(e, s, number, kNotSole);
    // Nothing waits before it: it need not be looked for.
    bool next = true;
    if ((skip & kSlowQueued) == 0) {
        c.skip = skip | kSlowQueued | slot << kHintShift;
        p.cursor = first;
    } else {
        next = p.cursor == static_cast<uint16_t>(first) && in_window(&p);
    }
    if (next && job_tail_ - job_head_ < kJobs && emit_job(e, node, &r, slot, 0) && packets == 1)
        return;
    add_work(e, node);
    pump();
}

/// A slot that makes no sense is done with, and the process is told.
void ControlProgram::refuse_slot(Endpoint* e) {
    count(counters()->bad_descriptors);
    e->bad_slots = e->bad_slots + 1;
    e->bad_slot = e->number;
    complete_slot(e);
    telling_ |= 1U << e->index;
    tell(e);
}

/// Does the slot make sense? Then what it says, as it will be used, is in the record.
bool ControlProgram::check_slot(Endpoint* e, const fm_slot* s, uint32_t op, Record* r) {
    uint32_t length = hw::read(s->length), page = hw::read(s->page), offset = hw::read(s->offset);
    uint32_t packets = 1;
    if (op == FM_OP_PAGE) {
        if (!page_fits(length, page, offset)) return false;
        if (length != 0 && (fm_be32(e->pages[page]) & FM_PAGE_VALID) == 0) return false;
    } else if (op == FM_OP_PUT) {
        uint32_t window_offset = hw::read(s->window_offset);
        if (!put_fits(length, page, offset, window_offset)) return false;
        // Behind others nothing has to be filled, and long packets are the fewest.
        uint32_t shift = job_head_ == job_tail_ ? put_shift(length) : put_shift(~0U);
        r->shift = shift;
        packets = put_packets(length, offset, shift);
        r->window = hw::read(s->window);
        r->window_offset = window_offset;
    } else if (op != FM_OP_INLINE || !inline_fits(length)) {
        return false;
    }
    r->packets = packets;
    r->op = op;
    r->length = length;
    r->page = page;
    r->offset = offset;
    return true;
}

/// Few slots are left, or none. Packets to many nodes, few to each, would wait for all their
/// timers: so the oldest slot's node is asked for its acknowledgement.
void ControlProgram::crowded(Endpoint* e) {
    uint32_t done = e->done, flying = e->number - done;
    if (flying == FM_SEND_SLOTS) e->slot = hw::at<fm_slot>(kNever);
    uint32_t node = e->records[done & (FM_SEND_SLOTS - 1)].last >> 16;
    if (flying == kCrowded && node < e->nodes) acknowledge(e, node, FM_KIND_ASK, 0);
}

void ControlProgram::complete_slot(Endpoint* e) {
    uint32_t number = e->number, slot = number & (FM_SEND_SLOTS - 1);
    e->records[slot].last = kRecordDone;
    advance_slot(e, &e->region->slots[slot], number, kNotSole);
    complete(e, kNobody, 0);
}

/// Slots for `node` whose packets before `next` have arrived are done with. They are completed in
/// their order, whatever the order of the acknowledgements.
void ControlProgram::complete(Endpoint* e, uint32_t node, uint32_t next) {
    uint32_t done = e->done, number = e->number, first = done;
    // The usual while a put goes on: the oldest is this node's, and so are none that are over.
    uint32_t oldest = e->records[done & (FM_SEND_SLOTS - 1)].last;
    if (oldest >> 16 == node && ahead(oldest, next) >= 0) return;
    for (; done != number; ++done) {  // the usual: the oldest are this node's
        Record& r = e->records[done & (FM_SEND_SLOTS - 1)];
        uint32_t last = r.last;
        if (last >> 16 != node || ahead(last, next) >= 0) break;
        r.last = kRecordDone;
        r.reset();
    }
    bool all = true;  // before this one
    for (uint32_t i = done; i != number; ++i) {
        Record& r = e->records[i & (FM_SEND_SLOTS - 1)];
        uint32_t last = r.last;
        if (last != kRecordDone) {
            bool mine = last >> 16 == node;
            if (mine && ahead(last, next) >= 0) break;
            if (!mine) {
                all = false;
                continue;
            }
            r.last = kRecordDone;
        }
        if (!all) continue;
        r.reset();
        done = i + 1;
    }
    if (done == first) return;
    e->done = done;
    hw::write(e->region->send_done, done);
    e->slot = &e->region->slots[number & (FM_SEND_SLOTS - 1)];
    if (hw::read(e->region->interrupt) != 0) interrupt(e);
}

/// The retransmit timer looks at the channel from now on.
void ControlProgram::activate(Endpoint* e, uint32_t node) {
    Peer& p = e->peers[node];
    if ((p.owed & kPeerActive) != 0) return;
    p.owed = p.owed | kPeerActive;
    p.stall = 0;
    Channel& c = e->channels[node];
    c.skip = c.skip & ~kSlowInactive;
    active_.push(id(e, node));
    arm_timer();
}

void ControlProgram::add_work(Endpoint* e, uint32_t node) {
    Peer& p = e->peers[node];
    if ((p.owed & kPeerWork) != 0) return;
    p.owed = p.owed | kPeerWork;
    work_.push(id(e, node));
}

/// Nothing of the channel waits any more: the fast path is right again.
void ControlProgram::clean(Channel* c) {
    c->skip = c->skip & (0xffff & ~kSlowQueued);
}

/// Everything that is not acknowledged is sent again.
void ControlProgram::resend(Endpoint* e, uint32_t node) {
    Channel& c = e->channels[node];
    Peer& p = e->peers[node];
    uint32_t next = (c.skip & kSlowQueued) != 0 ? p.cursor : c.sequence + 1U;
    uint32_t again = static_cast<uint16_t>(next - p.acked);
    if (static_cast<uint16_t>(c.sequence + 1 - p.acked) == 0) return;
    counters()->retransmitted = fm_be32(fm_be32(counters()->retransmitted) + again);
    e->sole = kNotSole;
    p.cursor = p.acked;
    put_.id = kNobody;
    c.skip = (c.skip & 0xffff) | kSlowQueued | (e->done & (FM_SEND_SLOTS - 1)) << kHintShift;
    add_work(e, node);
    pump();
}

/// Gives the send engine what waits for it, if it is free. Then SEND is in the mask if and only if
/// something goes on when it is free again, and is not on its way from the host.
void ControlProgram::serve_send() {
    await_transfer();
    serve_engine();
    pump_when_quiet();
}

/// The usual when job `number` has been fetched: the engine is free, and it is the next.
bool ControlProgram::start_ready(Job* job, uint32_t number) {
    uint32_t sending = job_sending_;
    if ((hw::get(REG_ISR) & ISR_SEND) == 0 || !nothing_short() ||
        ((job_head_ + sending - number) & (kJobs - 1)) != 0 || !start_direct(job))
        return false;
    mask_ |= ISR_SEND;
    if (sending != 0) finish_job(true);
    return true;
}

void ControlProgram::serve_engine() {
    mask_ |= ISR_SEND;
    if ((hw::get(REG_ISR) & ISR_SEND) == 0) return;
    if (piece_last_ != 0) {
        hw::set(REG_SMP, piece_from_);
        hw::start(REG_SMLT, piece_last_);
        piece_last_ = 0;
        return;
    }
    bool urgent = control_head_ != control_tail_ || map_head_ != map_tail_ || map_wants_ != 0;
    if (job_sending_ != 0) {
        // First of all the next job: the wire does not wait for what is to be done after the last.
        uint32_t next = job_head_ + 1;
        Job& job = jobs_[next & (kJobs - 1)];
        bool more = !urgent && next != job_tail_ && job.ready != 0 && start_direct(&job);
        finish_job(more);
        if (more) return;
    }
    if (map_sending_ != 0) {
        map_sending_ = 0;
        ++map_head_;
    }
    if (urgent && serve_short()) return;
    if (job_head_ != job_tail_) {
        Job& job = jobs_[job_head_ & (kJobs - 1)];
        if (job.ready != 0) {
            start_job(&job);
            return;
        }
    }
    if (control_head_ == control_tail_ && map_head_ == map_tail_ && map_wants_ == 0)
        mask_ &= ~ISR_SEND;
}

/// Short packets, which go before jobs. The engine is free; true when it is not any more.
bool ControlProgram::serve_short() {
    if (control_head_ != control_tail_) {
        const Control& control = controls_[control_head_ & (kControls - 1)];
        if (control.board != board_ || free_ != 0) {
            ++control_head_;
            start_control(control);
            return (hw::get(REG_ISR) & ISR_SEND) == 0;
        }
    }
    if (map_head_ != map_tail_) {
        start_map_packet();
        return true;
    }
    if (map_wants_ != 0) map_turn();
    return false;
}

void ControlProgram::start_job(Job* job) {
    if (start_direct(job)) return;
    Channel& c = *job->channel;
    fm_wire* packet = job->wire;
    uint32_t bytes = fm_be32(packet->length) >> 16;
    uint32_t wire = hw::address(packet), after = wire + kHeader + words_up(bytes);
    packet->length = fm_be32(bytes << 16 | c.expected);
    clear_owed(job->peer);
    if (job->local != 0) {
        finish_job(false);
        *hw::at<uint8_t>(after) = 0;
        process(packet, after + 1);
        return;
    }
    const fm_route* route = hw::at<fm_route>(FM_SRAM_ROUTES) + board_of(&c);
    uint32_t hops = route->bytes[0];
    if (hops == 0 || hops > FM_MAX_ROUTE) {  // the time-out finds a route later, or gives up
        finish_job(false);
        return;
    }
    *hw::at<fm_route>(wire - uint32_t{sizeof(fm_route)}) = *route;
    job_sending_ = 1;
    hw::set(REG_SA, words_up(hops) - hops);
    hw::set(REG_SMP, wire - words_up(hops));
    hw::start(REG_SMLT, after - 4);
}

/// The job at the head has left; `more`: the next one is leaving.
void ControlProgram::finish_job(bool more) {
    uint32_t head = job_head_;
    const Job& job = *hw::opaque(&jobs_[head & (kJobs - 1)]);
    job_head_ = head + 1;
    job_sending_ = more ? 1 : 0;
    Channel* c = job.channel;
    Peer* p = job.peer;
    uint32_t left = p->jobs - 1U;
    p->jobs = static_cast<uint8_t>(left);
    if (left == 0 && p->cursor == static_cast<uint16_t>(c->sequence + 1)) clean(c);
    pump_due_ = work_.size();
}

void ControlProgram::acknowledge(Endpoint* e, uint32_t node, uint32_t kind, uint32_t reason) {
    const Channel& c = e->channels[node];
    clear_owed(&e->peers[node]);
    if ((c.skip & kSlowRoute) == 0 && send_free()) {
        auto* wire = hw::at<fm_wire>(kControlPacket + sizeof(fm_route));
        uint32_t at = hw::address(wire);
        *hw::at<Be32>(at - 4) = c.route;
        wire->type = fm_be32((c.type & 0xffff00ff) | kind << 8);
        wire->key = c.key.raw;
        wire->source = fm_be32(static_cast<uint32_t>(c.from) << 16);
        wire->length = fm_be32(c.expected);
        wire->user[0] = fm_be32(reason);
        wire->user[1] = 0;
        hw::set(REG_SA, c.skip & 3);
        hw::set(REG_SMP, at - 4);
        hw::start(REG_SMLT, at + kHeader - 4);
    } else if (!queue_control({(c.type & 0xffff00ff) | kind << 8, c.key,
                               static_cast<uint32_t>(c.from) << 16, c.expected, reason,
                               board_of(&c)})) {
        return;  // a time-out makes up for it
    }
    count(counters()->acks_sent);
}

/// False: too many wait already, and it is not sent.
bool ControlProgram::queue_control(const Control& control) {
    if (control.board != board_ && send_free()) {
        start_control(control);
        return true;
    }
    if (control_tail_ - control_head_ == kControls) return false;
    controls_[control_tail_++ & (kControls - 1)] = control;
    mask_ |= ISR_SEND;
    return true;
}

void ControlProgram::start_control(const Control& control) {
    fm_route* route = hw::at<fm_route>(kControlPacket);
    auto* wire = hw::at<fm_wire>(kControlPacket + sizeof(fm_route));
    bool local = control.board == board_;
    if (local) {
        wire = hw::at<fm_wire>(free_);
        free_ = *next_free(free_);
    }
    wire->type = fm_be32(control.type);
    wire->key = fm_be32(control.key);
    wire->source = fm_be32(control.source);
    wire->length = fm_be32(control.length);
    wire->user[0] = fm_be32(control.reason);
    wire->user[1] = 0;
    uint32_t at = hw::address(wire);
    if (local) {
        *hw::at<uint8_t>(at + kHeader) = 0;
        process(wire, at + kHeader + 1);
        return;
    }
    *route = hw::at<fm_route>(FM_SRAM_ROUTES)[control.board];
    uint32_t hops = route->bytes[0];
    if (hops == 0 || hops > FM_MAX_ROUTE) return;
    hw::set(REG_SA, words_up(hops) - hops);
    hw::set(REG_SMP, at - words_up(hops));
    hw::start(REG_SMLT, at + kHeader - 4);
}

/// Packets up to `next` have arrived at the node: their slots may be completed.
void ControlProgram::acked(Endpoint* e, uint32_t node, uint32_t next) {
    Channel& c = e->channels[node];
    Peer& p = e->peers[node];
    p.acked = next & 0xffff;
    p.stall = 0;
    complete(e, node, next);
    if ((c.skip & kSlowQueued) == 0) return;
    int32_t passed = ahead(next, p.cursor);
    if (passed > 0) {
        p.cursor = next;
        put_.id = kNobody;
        // resend() has counted them; they need not go again.
        uint32_t again = fm_be32(counters()->retransmitted) - static_cast<uint32_t>(passed);
        if ((c.skip & kSlowLost) == 0) counters()->retransmitted = fm_be32(again);
    }
    if (p.cursor != static_cast<uint16_t>(c.sequence + 1)) {
        add_work(e, node);
        if (job_tail_ - job_head_ < kJobs) pump();
    } else if (p.jobs == 0) {
        clean(&c);
    }
}

}  // namespace firmware
