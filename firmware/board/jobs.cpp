// Jobs: packets that do not leave from their slot are made in a buffer, filled by DMA, and wait for
// the wire.
#include "firmware/board/program.hpp"

namespace firmware {

/// Not when the DMA engine, which has enough to do, might have to wait: queued_done() comes here
/// too.
void ControlProgram::pump_when_quiet() {
    if (pump_due_ != 0 && dma_tail_ - dma_head_ < 2 && !engines_due()) pump();
}

/// A transfer is done with others behind it: queued_done() is soon called.
bool ControlProgram::engines_due() {
    return (stop_ & kStopDma) != 0 && (hw::get(REG_ISR) & (ISR_DMA | ISR_RECV) & mask_) != 0;
}

/// Header of the packet at the channel's cursor, which goes on: all but type, length and user
/// words. `local`: a buffer for a packet to this very board.
FM_INLINE ControlProgram::Job& ControlProgram::new_job(Endpoint* e, uint32_t node, fm_wire* local) {
    Channel& c = e->channels[node];
    Peer& p = e->peers[node];
    uint32_t number = job_tail_;
    job_tail_ = number + 1;
    number &= kJobs - 1;
    Job& job = *hw::opaque(&jobs_[number]);
    fm_wire* wire = local != nullptr ? local : job_buffer(number);
    job.wire = wire;
    job.local = local != nullptr ? 1 : 0;
    job.channel = &c;
    job.peer = &p;
    job.ready = 0;
    ++p.jobs;
    uint32_t sequence = p.cursor;
    p.cursor = sequence + 1;
    wire->key = c.key.raw;
    wire->source = fm_be32(static_cast<uint32_t>(c.from) << 16 | sequence);
    return job;
}

/// Fetches a job's payload, which lies within one page.
FM_INLINE void ControlProgram::fetch(Job* job, uint32_t page, uint32_t offset, uint32_t bytes,
                                     uint32_t what) {
    fm_wire* wire = job->wire;
    if ((page & FM_PAGE_VALID) == 0) bytes = 0;  // taken away meanwhile; see deposit()
    wire->length = fm_be32(bytes << 16);
    if (bytes == 0) {
        job->ready = 1;
        mask_ |= ISR_SEND;
        return;
    }
    queue_dma(page - FM_PAGE_VALID + offset, hw::address(wire) + kHeader, words_up(bytes), what);
}

/// The packet at the cursor, which begins `start` bytes into the put in `r`, is the next that
/// fetch_put() makes.
FM_INLINE void ControlProgram::seek_put(Endpoint* e, uint32_t node, const Record& r,
                                        uint32_t start) {
    Channel* c = &e->channels[node];
    Peer* p = &e->peers[node];
    uint32_t offset = r.offset + start;
    put_.id = id(e, node);
    put_.channel = c;
    put_.peer = p;
    put_.type = c->type ^ (FM_KIND_DATA ^ FM_KIND_DEPOSIT) << 8;
    put_.key = c->key;
    put_.source = static_cast<uint32_t>(c->from) << 16;
    put_.what = kDmaFetch | e->index << 24;
    put_.sequence = p->cursor;
    put_.left = r.length - start;
    put_.entry = e->pages + (r.page + offset / FM_PAGE_BYTES);
    put_.offset = offset % FM_PAGE_BYTES;
    put_.chunk = 1U << r.shift;
    put_.window = r.window;
    put_.at = r.window_offset + start;
}

/// The next packet of put_, if that is next in its channel and there is room. False: not so, or it
/// was the last.
bool ControlProgram::fetch_put() {
    Peer* p = put_.peer;
    uint32_t sequence = put_.sequence, tail = job_tail_;
    if (p->cursor != sequence || tail - job_head_ == kJobs || !in_window(p)) return false;
    uint32_t offset = put_.offset, left = put_.left, at = put_.at, chunk = put_.chunk;
    uint32_t bytes = chunk - (offset & (chunk - 1));
    if (bytes > left) bytes = left;
    uint32_t number = tail & (kJobs - 1);
    Job* job = hw::opaque(&jobs_[number]);
    fm_wire* wire = hw::opaque(job_buffer(number));
    job->wire = wire;
    job->channel = put_.channel;
    job->peer = p;
    job->ready = 0;
    job->local = 0;
    job_tail_ = tail + 1;
    ++p->jobs;
    p->cursor = sequence + 1;
    left -= bytes;
    put_.left = left;
    put_.sequence = (sequence + 1) & 0xffff;
    wire->type = fm_be32(put_.type);
    wire->key = fm_be32(put_.key);
    wire->source = fm_be32(put_.source | sequence);
    wire->user[0] = fm_be32(put_.window);
    wire->user[1] = fm_be32(left == 0 ? at | 1 : at);
    put_.at = at + bytes;
    const uint32_t* entry = put_.entry;
    uint32_t page = fm_be32(*entry), next = offset + bytes;
    if (next == FM_PAGE_BYTES) {
        next = 0;
        put_.entry = entry + 1;
    }
    put_.offset = next;
    if (left == 0) put_.id = kNobody;
    fetch(job, page, offset, bytes, put_.what | number);
    return left != 0;
}

/// Makes jobs of what channels have to send, a packet of each in turn.
void ControlProgram::pump() {
    pump_due_ = 0;
    uint32_t left = work_.size();
    if (left == 1 && work_.first() == put_.id) {  // the usual, when there is much to do
        while (fetch_put()) {
            await_transfer();
            if ((hw::get(REG_ISR) & (ISR_DMA | ISR_RECV) & mask_) != 0) {
                pump_due_ = 1;
                return;
            }
        }
    }
    while (left != 0 && job_tail_ - job_head_ < kJobs) {
        uint32_t channel = work_.pop(), node = channel & 0xff;
        Endpoint* e = endpoint_at(channel >> 8);
        Peer& p = e->peers[node];
        p.owed = p.owed & ~kPeerWork;
        if (e->key == 0 || !may_send(e, node)) {
            --left;
            continue;
        }
        if (!make_job(e, node)) {
            add_work(e, node);
            --left;
        } else if (may_send(e, node)) {
            add_work(e, node);
        } else {
            --left;
        }
        if (left != 0 && engines_due()) {
            pump_due_ = 1;
            return;
        }
    }
}

/// Does the channel wait, and not for an acknowledgement? A node that does not answer gets one
/// packet at a time.
bool ControlProgram::may_send(Endpoint* e, uint32_t node) {
    const Peer& p = e->peers[node];
    return p.cursor != static_cast<uint16_t>(e->channels[node].sequence + 1) && in_window(&p);
}

/// The packet at the channel's cursor. False when a buffer is missing.
bool ControlProgram::make_job(Endpoint* e, uint32_t node) {
    Channel& c = e->channels[node];
    Peer& p = e->peers[node];
    if (put_.id == id(e, node) && put_.sequence == p.cursor) {
        fetch_put();
        return true;
    }
    uint32_t sequence = p.cursor, done = e->done, number = e->number;
    uint32_t i = done + (((c.skip >> kHintShift) - done) & (FM_SEND_SLOTS - 1));
    if (i - done >= number - done) i = done;
    for (uint32_t left = number - done; left != 0; --left) {
        uint32_t slot = i & (FM_SEND_SLOTS - 1);
        Record& r = e->records[slot];
        uint32_t last = r.last, behind = static_cast<uint16_t>(last - sequence);
        if (last >> 16 == node && behind < r.packets) {
            c.skip = (c.skip & 0xffff) | slot << kHintShift;
            return emit_job(e, node, &r, slot, r.packets - 1U - behind);
        }
        if (++i == number) i = done;
    }
    p.cursor = c.sequence + 1U;  // nothing in the slots: done with
    return true;
}

/// Packet `index` of a slot, the one at the channel's cursor: header and payload. A payload in a
/// page is fetched, and the job ready only when it is here. False when a buffer is missing.
bool ControlProgram::emit_job(Endpoint* e, uint32_t node, Record* r, uint32_t slot,
                              uint32_t index) {
    const Channel& c = e->channels[node];
    fm_wire* local = nullptr;
    uint32_t op = r->op;
    if (board_of(&c) == board_) {
        local = take_free();
        if (local == nullptr) return false;
    }
    if (op == FM_OP_PUT && local == nullptr) {
        uint32_t start = 0;
        if (index != 0) start = put_piece(r->length, r->offset, r->shift, index).start;
        seek_put(e, node, *r, start);
        fetch_put();
        return true;
    }
    const fm_slot& s = e->region->slots[slot];
    Job& job = new_job(e, node, local);
    fm_wire* wire = job.wire;
    wire->type = c.type.raw;
    wire->user[0] = s.wire.user[0];
    wire->user[1] = s.wire.user[1];
    if (op == FM_OP_INLINE) {
        fill_inline(&job, s);
        return true;
    }
    uint32_t offset = r->offset, bytes = r->length, page = r->page;
    if (op == FM_OP_PUT) {
        Piece piece = put_piece(bytes, offset, r->shift, index);
        wire->type = fm_be32(c.type ^ (FM_KIND_DATA ^ FM_KIND_DEPOSIT) << 8);
        wire->user[0] = r->window.raw;
        wire->user[1] =
            fm_be32((r->window_offset + piece.start) | (index + 1 == r->packets ? 1 : 0));
        offset += piece.start;
        page += offset / FM_PAGE_BYTES;
        offset %= FM_PAGE_BYTES;
        bytes = piece.bytes;
    }
    fetch(&job, fm_be32(e->pages[page]), offset, bytes,
          kDmaFetch | e->index << 24 | ((job_tail_ - 1) & (kJobs - 1)));
    return true;
}

/// A slot's own payload. The fast path keeps no copy of the slot: its length is checked again.
void ControlProgram::fill_inline(Job* job, const fm_slot& s) {
    fm_wire& wire = *job->wire;
    uint32_t bytes = hw::read(s.length);
    if (!inline_fits(bytes)) bytes = 0;
    wire.length = fm_be32(bytes << 16);
    const auto* source = reinterpret_cast<const uint32_t*>(s.payload);
    auto* target = reinterpret_cast<uint32_t*>(job->wire + 1);
    for (uint32_t i = words_up(bytes) / 4; i != 0; --i) *target++ = *source++;
    job->ready = 1;
    mask_ |= ISR_SEND;
}

}  // namespace firmware
