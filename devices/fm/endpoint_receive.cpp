// Packets in: the ring, checks, credits given back, faults.
#include <cstring>

#include "devices/fm/endpoint.hpp"

namespace dev::fm {

using adi::Status;

bool Endpoint::next_packet(const std::byte** page) {
    *page = board_->ring(next_ring_ & ring_mask_);
    if (clock_ != nullptr) [[unlikely]]
        clock_->look();
    const auto* footer =
        reinterpret_cast<const fm_footer*>(*page + FM_PAGE_BYTES - sizeof(fm_footer));
    return board_->host_read(&footer->lap) == (next_ring_ >> ring_shift_) + 1;
}

/// Tells the board which slots are free again: seldom, as it is a store to its memory.
void Endpoint::free_ring() {
    if (next_ring_ - freed_ring_ < board_->ring_slots() / 8) return;
    freed_ring_ = next_ring_;
    board_->publish(&sram_->consumed, next_ring_);
    board_->kick();
}

int Endpoint::extract(Sink& sink, std::uint64_t max_bytes, int max_packets) {
    if (extracting_) return 0;
    extracting_ = true;
    stop_ = false;
    std::size_t ended = 0;
    if (live_puts_ > 0) [[unlikely]]
        ended = end_puts();
    int events = 0;
    std::uint64_t bytes = 0;
    bool drained = false;
    while (bytes < max_bytes && events < max_packets && !stop_) {
        const std::byte* page = nullptr;
        if (!next_packet(&page)) {
            drained = true;
            break;
        }
        ++events;
        bytes += on_arrival(sink, page);
        ++next_ring_;
        free_ring();
        if (attention_) [[unlikely]]
            attend(sink);
    }
    if (live_puts_ > 0) [[unlikely]] {
        issue_puts();
        // The firmware tells that a put was refused before it ends the slot: what had ended before
        // the ring was seen empty has its verdict.
        if (drained) events += report_puts(sink, ended);
    }
    if (events > 0) {
        idle_waits_ = 0;
    } else {
        if (clock_ != nullptr) [[unlikely]]
            clock_->charge(Clock::Work::fm_poll);
        look_for_death_at_times();
        if (attention_) attend(sink);
    }
    extracting_ = false;
    return events;
}

/// What does not happen with most packets: credits to be sent, faults to be reported.
void Endpoint::attend(Sink& sink) {
    pay_credits();
    report_losses(sink);
    attention_ = !owing_.empty();
}

/// One packet; returns its payload's length.
std::uint32_t Endpoint::on_arrival(Sink& sink, const std::byte* page) {
    if (clock_ != nullptr) [[unlikely]]
        clock_->charge(Clock::Work::fm_packet);
    const std::byte* end = page + FM_PAGE_BYTES - sizeof(fm_footer);
    fm_footer footer;
    std::memcpy(&footer, end, sizeof footer);
    const std::uint32_t length = fm_be32(footer.length);
    const std::uint32_t bytes = length >> 16;
    if (bytes > FM_PACKET_BYTES) [[unlikely]] {
        ++counters_.bad_packets;
        return 0;
    }
    retire(done_slot_ + static_cast<std::uint16_t>(length - done_slot_));
    fm_wire wire;
    const std::byte* data = end - (bytes + 3) / 4 * 4;
    std::memcpy(&wire, data - sizeof wire, sizeof wire);
    const std::uint32_t kind = fm_be32(wire.type) >> 8 & 0xff;
    const Node node = fm_be32(wire.source) >> 16 & 0xff;
    if (kind != FM_KIND_DATA || node >= nodes_) [[unlikely]] {
        if (kind == FM_KIND_EVENT) {
            on_event(wire);
        } else {
            ++counters_.bad_packets;
        }
        return 0;
    }
    on_data(sink, node, Words::from(fm_be32(wire.user[0]), fm_be32(wire.user[1])), data, bytes);
    return bytes;
}

void Endpoint::on_data(Sink& sink, Node node, Words words, const std::byte* data,
                       std::uint32_t bytes) {
    Peer& peer = peers_[node];
    if (peer.lost) return;
    if (const char* wrong = check(words, peer, bytes)) [[unlikely]] {
        ++counters_.bad_packets;
        lose(node, Status::corrupt, wrong);
        return;
    }
    peer.returned = words.credits;
    if (words.flags == Words::kCredit) return;
    ++counters_.packets_received;
    // Counted before it is shown, so that an answer takes the credit back with it. The slot itself
    // is free later; the ring has room for that (lag_of).
    ++peer.consumed;
    const bool first = (words.flags & Words::kFirst) != 0;
    const bool last = (words.flags & Words::kLast) != 0;
    if (first) peer.in_offset = 0;
    const Packet packet{node, first ? words.second : 0, first, last, peer.in_offset, data, bytes};
    peer.in_open = !last;
    peer.in_offset += bytes;
    if (last) ++peer.serial_in;
    sink.on_packet(packet);
    if (static_cast<std::uint16_t>(peer.consumed - peer.told) >= credit_debt_ && !peer.owing) {
        peer.owing = true;
        owing_.push_back(node);
        attention_ = true;
    }
}

/// What is wrong with a packet, or null.
const char* Endpoint::check(const Words& words, const Peer& peer, std::uint32_t bytes) const {
    if (static_cast<std::uint16_t>(words.credits - peer.returned) >
        static_cast<std::uint16_t>(peer.sent - peer.returned)) {
        return "a packet gives back credits that were not used";
    }
    if (words.flags == Words::kCredit) return bytes == 0 ? nullptr : "a credit packet has payload";
    if (words.flags > (Words::kFirst | Words::kLast)) return "a packet has unknown flags";
    const bool first = (words.flags & Words::kFirst) != 0;
    if (first == peer.in_open || words.serial != peer.serial_in ||
        (!first && words.second != static_cast<std::uint32_t>(peer.in_offset))) {
        return "a packet does not continue what came before it";
    }
    if (bytes == 0 && (words.flags & Words::kLast) == 0) return "a packet is empty";
    return nullptr;
}

/// Credits that no packet takes back go by themselves.
void Endpoint::pay_credits() {
    while (!owing_.empty()) {
        const Node node = owing_.back();
        Peer& peer = peers_[node];
        const bool due = static_cast<std::uint16_t>(peer.consumed - peer.told) >= credit_debt_;
        if (due && !peer.lost && !send_credits(node)) return;
        peer.owing = false;
        owing_.pop_back();
    }
}

// --- faults -----------------------------------------------------------------------------------

void Endpoint::on_event(const fm_wire& wire) {
    const std::uint32_t what = fm_be32(wire.user[0]);
    const std::uint32_t which = fm_be32(wire.user[1]);
    if (what == FM_EVENT_NODE_LOST && which < nodes_) {
        lose(which, Status::peer_failed, "it is dead or the network has no way to it");
    } else if (what == FM_EVENT_PUT_REFUSED && which < nodes_) {
        fail_puts(which, Status::bad_argument);
    } else if (what == FM_EVENT_BAD_SLOT) {
        lose(self_, Status::internal, "the board refused a send slot");
    } else {
        ++counters_.bad_packets;
    }
}

void Endpoint::lose(Node node, Status why, const char* what) {
    Peer& peer = peers_[node];
    if (peer.lost) return;
    peer.lost = true;
    peer.in_open = false;
    fail_puts(node, Status::peer_failed);
    losses_.push_back({node, why, what});
    attention_ = true;
}

void Endpoint::report_losses(Sink& sink) {
    while (!losses_.empty()) {
        const Loss loss = losses_.back();
        losses_.pop_back();
        sink.on_lost(loss.node, loss.why, loss.what);
    }
}

void Endpoint::look_for_death_at_times() {
    constexpr std::uint32_t kTurns = 1024;
    if (++idle_turns_ % kTurns == 0) look_for_death();
}

void Endpoint::look_for_death() {
    if (!board_->dead()) return;
    for (Node node = 0; node < nodes_; ++node) {
        lose(node, Status::peer_failed, "the board, or its emulator, is gone");
    }
}

}  // namespace dev::fm
