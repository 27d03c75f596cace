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

/// Makes jobs of what channels have to send, a packet of each in turn.
void ControlProgram::pump() {
    pump_due_ = 0;
    for (uint32_t left = work_.size(); left != 0 && job_tail_ - job_head_ < kJobs;) {
        uint32_t channel = work_.pop(), node = channel & 0xff;
        Endpoint* e = endpoint(channel >> 8);
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
    uint32_t cursor = p.cursor;
    if (cursor == static_cast<uint16_t>(e->channels[node].sequence + 1)) return false;
    return static_cast<uint16_t>(cursor - p.acked) < (p.stall > 2 ? 1 : kPutWindow);
}

/// The packet at the channel's cursor. False when a buffer is missing.
bool ControlProgram::make_job(Endpoint* e, uint32_t node) {
    Channel& c = e->channels[node];
    Peer& p = e->peers[node];
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
    Channel& c = e->channels[node];
    Peer& p = e->peers[node];
    uint32_t number = job_tail_ & (kJobs - 1);
    Job& job = jobs_[number];
    job.wire = &hw::at<Buffer>(kBuffers)[kReceiveBuffers + number].wire;
    job.local = board_of(&c) == board_;
    if (job.local != 0) {
        job.wire = take_free();
        if (job.wire == nullptr) return false;
    }
    job.channel = id(e, node);
    job.ready = 0;
    ++job_tail_;
    ++p.jobs;
    uint32_t sequence = p.cursor;
    p.cursor = sequence + 1;
    fm_wire& wire = *job.wire;
    wire.type = c.type.raw;
    wire.key = c.key.raw;
    wire.source = fm_be32(static_cast<uint32_t>(c.from) << 16 | sequence);
    const fm_slot& s = e->region->slots[slot];
    uint32_t op = r->op, from = r->offset, bytes = r->length;
    if (op == FM_OP_INLINE) {
        fill_inline(&job, s);
        return true;
    }
    if (op == FM_OP_PUT) {
        Piece piece = put_piece(bytes, from, r->chunk, index);
        bool last = index + 1 == r->packets;
        wire.type = fm_be32((c.type & 0xffff00ff) | FM_KIND_DEPOSIT << 8);
        wire.user[0] = r->window.raw;
        wire.user[1] = fm_be32((r->window_offset + piece.start) | (last ? 1 : 0));
        from += piece.start;
        bytes = piece.bytes;
    } else {
        wire.user[0] = s.wire.user[0];
        wire.user[1] = s.wire.user[1];
    }
    uint32_t page = fm_be32(e->pages[r->page + from / FM_PAGE_BYTES]);
    if ((page & FM_PAGE_VALID) == 0) bytes = 0;  // taken away meanwhile; see deposit()
    wire.length = fm_be32(bytes << 16);
    if (bytes == 0) {
        job.ready = 1;
        mask_ |= ISR_SEND;
        return true;
    }
    queue_dma(page - FM_PAGE_VALID + from % FM_PAGE_BYTES, hw::address(&wire) + kHeader,
              words_up(bytes), kDmaFetch | e->index << 24 | number);
    return true;
}

/// A slot's own payload. The fast path keeps no copy of the slot: its length is checked again.
void ControlProgram::fill_inline(Job* job, const fm_slot& s) {
    fm_wire& wire = *job->wire;
    uint32_t bytes = hw::read(s.length);
    if (!inline_fits(bytes)) bytes = 0;
    wire.length = fm_be32(bytes << 16);
    wire.user[0] = s.wire.user[0];
    wire.user[1] = s.wire.user[1];
    const auto* source = reinterpret_cast<const uint32_t*>(s.payload);
    auto* target = reinterpret_cast<uint32_t*>(job->wire + 1);
    for (uint32_t i = words_up(bytes) / 4; i != 0; --i) *target++ = *source++;
    job->ready = 1;
    mask_ |= ISR_SEND;
}

}  // namespace firmware
