// Packets in: the ring, checks, credits given back, faults.
#include <utility>

#include "devices/fm/endpoint.hpp"

namespace dev::fm {

using adi::Status;

/// Tells the board which slots are free again: seldom, as it is a store to its memory.
void Endpoint::free_ring() {
    freed_ring_ = next_ring_;
    board_->publish(&sram_->consumed, next_ring_);
    board_->kick();
}

/// What does not happen with most packets: credits to be sent, faults to be reported. False: the
/// sink wants extract() to return.
bool Endpoint::attend(Sink& sink) {
    pay_credits();
    report_losses(sink);
    attention_ = !owing_.empty();
    return !std::exchange(stop_, false);
}

/// extract() found nothing: returns 0 as it does.
int Endpoint::find_nothing(Sink& sink) {
    charge(Clock::Work::fm_poll);
    look_for_death_at_times();
    if (attention_) {
        extracting_ = true;
        static_cast<void>(attend(sink));
        extracting_ = false;
    }
    return 0;
}

/// What is no packet of a node of this job.
std::uint32_t Endpoint::on_other(const fm_wire& wire) {
    if ((fm_be32(wire.type) >> 8 & 0xff) == FM_KIND_EVENT) {
        on_event(wire);
    } else {
        ++counters_.bad_packets;
    }
    return 0;
}

void Endpoint::on_fault(Node node, const char* what) {
    ++counters_.bad_packets;
    lose(node, Status::corrupt, what);
}

/// What is wrong with a packet, or null.
const char* Endpoint::check(Words words, const Peer& peer, std::uint32_t bytes) const {
    if (!gave(peer, words.credits)) return "a packet gives back credits that were not used";
    if (words.flags == Words::kCredit) return bytes == 0 ? nullptr : "a credit packet has payload";
    if (words.flags > Words::kWhole) return "a packet has unknown flags";
    const bool first = (words.flags & Words::kFirst) != 0;
    const bool within = (peer.due & Peer::kWithin) != 0;
    if (first == within || words.serial != (peer.due & 0xff) ||
        (within && words.second != static_cast<std::uint32_t>(peer.in_offset))) {
        return "a packet does not continue what came before it";
    }
    if (bytes == 0 && (words.flags & Words::kLast) == 0) return "a packet is empty";
    return nullptr;
}

void Endpoint::owe(Node node) {
    if (std::exchange(peers_[node].owing, true)) return;
    owing_.push_back(node);
    attention_ = true;
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
    peer.due = Peer::kWithin | (peer.due & 0xff);  // on_part() drops what comes
    if (peer.out != nullptr) {
        if (open_ == peer.out) flush_open();
        peer.out->ended = false;  // its end is to tell of the loss
    }
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
    if (++idle_turns_ % kTurns != 0) return;
    look_for_death();
}

void Endpoint::look_for_death() {
    if (!board_->dead()) return;
    for (Node node = 0; node < nodes_; ++node) {
        lose(node, Status::peer_failed, "the board, or its emulator, is gone");
    }
}

}  // namespace dev::fm
