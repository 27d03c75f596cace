// The host DMA engine: one queue for both directions, served in order.
#include "firmware/board/program.hpp"

namespace firmware {

// There is always a place: a receive buffer is in at most two transfers, a job in one, and the
// event in one.
static_assert(2 * kReceiveBuffers + kJobs + 1 <= 16);

/// What comes now goes behind it.
void ControlProgram::queue_waiting() {
    uint32_t wire = waiting_;
    if (wire == 0) return;
    waiting_ = 0;
    DmaOp* op = dma_end_;
    *op = {waiting_bus_, wire, waiting_bytes_, kDmaRing | waiting_endpoint_->index << 24 | wire};
    dma_end_ = behind(op);
    ++dma_tail_;
    stop_ |= kStopDma;
}

void ControlProgram::queue_dma(uint32_t bus, uint32_t sram, uint32_t bytes, uint32_t what) {
    queue_waiting();
    DmaOp* op = dma_end_;
    *op = {bus, sram, bytes, what};
    DmaOp* end = behind(op);
    uint32_t stop = stop_;
    if ((stop & ~kStopLong) == 0) {
        start_dma(*op);
        dma_next_ = end;
    }
    stop_ = stop | kStopDma;
    dma_end_ = end;
    ++dma_tail_;
}

/// A transfer ends soon: waits for that, with the words of `op`, the next one, at hand. pump() is
/// left to queued_done(), when that one ends.
void ControlProgram::await_transfer(DmaOp* op) {
    DmaOp next = *op;
    uint32_t patience = kAwait;
    while ((hw::get(REG_ISR) & ISR_DMA) == 0)
        if (--patience == 0) return;
    follow(op, next);
}

/// Nothing else is due, and no other endpoint than `e` is open: the same, until something comes.
void ControlProgram::await_transfer_alone(Endpoint* e) {
    DmaOp* op = dma_next_;
    DmaOp next = *op;
    const fm_slot* s = e->slot;
    uint32_t mask = mask_, expected = e->lap;
    do {
        uint32_t due = hw::get(REG_ISR) & mask, lap = hw::read(s->lap);
        if (due != 0) {
            if ((due & ISR_DMA) != 0) {
                follow(op, next);
                if (pump_due_ != 0) pump();
            }
            return;
        }
        if (lap == expected) return;
    } while (hw::kWaits);
}

/// A transfer has ended: `op`, which is `next`, is started.
FM_INLINE void ControlProgram::follow(DmaOp* op, const DmaOp& next) {
    bool failed = hw::get(REG_DMA_STS) != 0;
    hw::set(REG_EAR, next.bus);
    hw::set(REG_LAR, next.sram);
    hw::set(REG_DMA_DIR, next.what >> 31);
    hw::start(REG_DMA_CTR, next.bytes);
    uint32_t wire = stop_, what = dma_what_;
    dma_what_ = next.what;
    next_started(op, wire);
    finish_transfer(wire, what, failed);
}

/// After the one at the head, or receive()'s own with others behind it; the next one is under way.
void ControlProgram::queued_done(uint32_t wire, uint32_t what, bool failed) {
    finish_transfer(wire, what, failed);
    // There is no better time to make jobs than now.
    if (pump_due_ != 0) pump();
}

void ControlProgram::finish_transfer(uint32_t wire, uint32_t what, bool failed) {
    if (wire > kStopFlags) {
        free_receive(wire & ~uint32_t{kStopFlags});
        count(counters()->dma_to_host);
        if (hw::read(direct_->region->interrupt) != 0) interrupt(direct_);
        return;
    }
    if (static_cast<int32_t>(what) < 0) {
        uint32_t number = what & (kJobs - 1);
        Job* job = hw::opaque(&jobs_[number]);
        // The process took its memory away: nothing is sent, but the sequence goes on.
        if (failed) job->wire->length = 0;
        job->ready = 1;
        if (!start_ready(job, number)) serve_engine();
        count(counters()->dma_from_host);
        return;
    }
    if ((what & kDmaKind) == kDmaDeposit) {
        free_receive(what & (FM_SRAM_BYTES - 1));
        count(counters()->dma_to_host);
        return;
    }
    Endpoint* e = endpoint_at(what >> 24 & (FM_ENDPOINTS - 1));
    switch (what & kDmaKind) {
        case kDmaEvent: event_busy_ = 0; break;
        case kDmaPart: break;
        default: free_receive(what & (FM_SRAM_BYTES - 1));
    }
    count(counters()->dma_to_host);
    uint32_t kind = what & kDmaKind;
    if ((kind == kDmaRing || kind == kDmaEvent) && hw::read(e->region->interrupt) != 0)
        interrupt(e);
    if (kind == kDmaEvent && telling_ != 0) tell_all();
}

}  // namespace firmware
