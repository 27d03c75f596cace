// What the driver asks for: open, close, fence.
#include "firmware/board/program.hpp"

namespace firmware {

/// Answers when it is done; asked again each turn until then.
void ControlProgram::command(uint32_t word) {
    uint32_t index = word & 0xffffff;
    bool good = true;
    switch (word >> 24) {
        case FM_COMMAND_OPEN: good = index < FM_ENDPOINTS && open(endpoint(index)); break;
        case FM_COMMAND_CLOSE:
            if (index >= FM_ENDPOINTS)
                good = false;
            else if (!close(endpoint(index)))
                return;
            break;
        case FM_COMMAND_FENCE:
            // Transfers that are queued now may still name a page that was taken away.
            if (fencing_ == 0) {
                fencing_ = 1;
                fence_ = dma_tail_;
            }
            if (static_cast<int32_t>(dma_head_ - fence_) < 0) return;
            fencing_ = 0;
            break;
        case FM_COMMAND_MAP: map_again(); break;
        default: good = false;
    }
    hw::write(page()->result, good ? FM_RESULT_OK : FM_RESULT_BAD);
    hw::set(REG_ISR, kCommanded);  // before the driver may signal the next
    hw::barrier();
    hw::write(page()->command, 0);
}

/// Puts the open endpoints into the ring that turn() goes round; the closed ones lead into it.
void ControlProgram::link_polled() {
    Endpoint* first = nullptr;
    Endpoint* last = nullptr;
    for (uint32_t i = 0; i < FM_ENDPOINTS; ++i) {
        Endpoint* e = endpoint(i);
        if (e->key == 0) continue;
        if (first == nullptr) first = e;
        if (last != nullptr) last->next = e;
        last = e;
    }
    if (first == nullptr) first = last = endpoint(0);
    last->next = first;
    for (uint32_t i = 0; i < FM_ENDPOINTS; ++i)
        if (endpoint(i)->key == 0) endpoint(i)->next = first;
}

/// The last four bytes of a route into a channel; answers its Channel::skip.
uint32_t ControlProgram::route_skip(const fm_route* route, Channel* c) {
    c->route.raw = reinterpret_cast<const uint32_t*>(route->bytes)[3];
    uint32_t hops = route->bytes[0];
    return hops == 0 || hops > 4 ? kSlowRoute : 4 - hops;
}

void ControlProgram::open_channel(Endpoint* e, uint32_t node) {
    const fm_node* nodes = hw::at<fm_node>(FM_SRAM_NODES) + e->index * FM_MAX_NODES;
    uint32_t place = fm_be32(nodes[node].place);
    uint32_t peer = place >> 16 & (FM_ENDPOINTS - 1);
    Channel& c = e->channels[node];
    Peer& p = e->peers[node];
    uint32_t type = static_cast<uint32_t>(FM_WIRE_TYPE) << 16 | FM_KIND_DATA << 8;
    c.type = type | e->index << 4 | peer;
    c.key = e->key;
    c.from = board_ << 8 | e->node;
    c.sequence = 0xffff;
    c.expected = 0;
    c.rx_type = type | peer << 4 | e->index;
    c.rx_source = (place & 0xff000000) | node << 16;
    uint32_t listed =
        p.owed & (kPeerWork | kPeerActive | kPeerUnlisted);  // where its id stands already
    p = {};
    p.owed = listed;
    scratch(e, node).scratch = fm_be32(kNoGap);
    c.skip = route_skip(hw::at<fm_route>(FM_SRAM_ROUTES) + (place >> 24), &c);
    if (place >> 24 == board_) c.skip = kSlowRoute;
    if ((listed & kPeerActive) == 0) c.skip = c.skip | kSlowInactive;
}

bool ControlProgram::open(Endpoint* e) {
    const fm_endpoint_control* control = hw::at<fm_endpoint_control>(FM_SRAM_CONTROL) + e->index;
    uint32_t key = fm_be32(control->key), nodes = fm_be32(control->nodes);
    uint32_t node = fm_be32(control->node), slots = fm_be32(control->ring_slots);
    if (e->key != 0 || key == 0 || nodes == 0 || nodes > FM_MAX_NODES || node >= nodes)
        return false;
    if (slots < 32 || slots > 1024 || (slots & (slots - 1)) != 0) return false;
    for (uint32_t i = 0; i < slots; ++i)
        if ((fm_be32(e->pages[i]) & FM_PAGE_VALID) == 0) return false;
    e->key = key;
    e->node = node;
    e->nodes = nodes;
    e->ring_slots = slots;
    e->ring_known = 0;
    e->ring_lap = 1;
    e->ring_entry = e->pages;
    e->ring_foot = kNoRoom;
    e->number = 0;
    e->done = 0;
    e->sole = kNotSole;
    e->lap = 1;
    e->bad_slots = 0;
    e->slot = e->region->slots;
    e->window_key = 0;
    telling_ &= ~(1U << e->index);
    room(e);
    for (uint32_t n = 0; n < FM_MAX_NODES; ++n) {
        if (n < nodes) {
            open_channel(e, n);
        } else {
            e->channels[n].skip = kSlowUnused;
            e->channels[n].rx_type = e->index ^ 1;
            e->channels[n].rx_source = (n ^ 1) << 16;  // no packet that is looked up here
        }
    }
    for (Record& r : e->records) {
        r.reset();
        r.last = kRecordDone;
    }
    hw::write(e->region->send_done, 0);
    link_polled();
    return true;
}

/// True when nothing of the endpoint is under way any more.
bool ControlProgram::close(Endpoint* e) {
    if (e->key != 0) {
        // Its peers learn what has arrived before they learn that it is closed.
        for (uint32_t node = 0; node < e->nodes; ++node) {
            if ((e->peers[node].owed & kOweAll) != 0) acknowledge(e, node, FM_KIND_ACK, 0);
            Channel& c = e->channels[node];
            c.rx_type = e->index ^ 1;
            // What is queued already leaves the way that it would have.
            c.skip = kSlowUnused | (c.skip & (kSlowRoute | 3));
        }
        put_.id = kNobody;
        e->closed_key = e->key;
        e->key = 0;
        e->ring_foot = kNoRoom;
        e->slot = hw::at<fm_slot>(kNever);
        telling_ &= ~(1U << e->index);
        link_polled();
    }
    // Transfers to its memory, and packets that are read from its slots.
    if (stop_ > kStopFlags && direct_ == e) return false;
    if (waiting_ != 0 && waiting_endpoint_ == e) return false;
    for (uint32_t i = dma_head_; i != dma_tail_; ++i)
        if ((dma_[i & (kDmaOps - 1)].what >> 24 & (FM_ENDPOINTS - 1)) == e->index) return false;
    for (uint32_t i = job_head_; i != job_tail_; ++i)
        if (hw::address(jobs_[i & (kJobs - 1)].channel) - hw::address(e) < sizeof(Endpoint))
            return false;
    return piece_last_ == 0 && (hw::get(REG_ISR) & ISR_SEND) != 0;
}

}  // namespace firmware
