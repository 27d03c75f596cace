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
    dma_[dma_tail_++ & (kDmaOps - 1)] = {waiting_bus_, wire, waiting_bytes_,
                                         kDmaRing | waiting_endpoint_->index << 24 | wire};
    stop_ |= kStopDma;
}

void ControlProgram::queue_dma(uint32_t bus, uint32_t sram, uint32_t bytes, uint32_t what) {
    queue_waiting();
    DmaOp& op = dma_[dma_tail_++ & (kDmaOps - 1)];
    op = {bus, sram, bytes, what};
    if ((stop_ & ~kStopLong) == 0) start_dma(op);
    stop_ |= kStopDma;
}

/// After the one at the head, or receive()'s own with others behind it; the next one is under way.
void ControlProgram::queued_done(uint32_t wire, bool failed) {
    finish_transfer(wire, failed);
    // There is no better time to make jobs than now.
    if (pump_due_ != 0) pump();
}

void ControlProgram::finish_transfer(uint32_t wire, bool failed) {
    if (wire > kStopFlags) {
        free_receive(wire & ~uint32_t{kStopFlags});
        count(counters()->dma_to_host);
        if (hw::read(direct_->region->interrupt) != 0) interrupt(direct_);
        return;
    }
    uint32_t what = dma_[(dma_head_ - 1) & (kDmaOps - 1)].what;
    Endpoint* e = endpoint(what >> 24 & (FM_ENDPOINTS - 1));
    switch (what & kDmaKind) {
        case kDmaFetch: {
            Job& job = jobs_[what & (kJobs - 1)];
            // The process took its memory away: nothing is sent, but the sequence goes on.
            if (failed) job.wire->length = 0;
            job.ready = 1;
            serve_engine();
            count(counters()->dma_from_host);
            return;
        }
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
