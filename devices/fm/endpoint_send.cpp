// Messages out: slots, credits, packets.
#include <algorithm>
#include <chrono>
#include <cstring>

#include "devices/fm/endpoint.hpp"

namespace dev::fm {

using adi::Status;
using namespace std::chrono_literals;

namespace {

/// A long message's packets: a quarter of it, so that the host's copy, both boards' DMA and the
/// wire work at the same time on it; not so short that the firmware's time per packet shows, and
/// no longer than they may be. Multiples of 64 keep the copies aligned.
std::uint32_t staged_packet_bytes(std::uint64_t length) {
    constexpr std::uint64_t kLeast = 2048;
    const std::uint64_t wanted = std::clamp<std::uint64_t>(length / 4, kLeast, FM_PACKET_BYTES);
    // Packets alike: a message a little longer than so many has no short one at its end, which
    // would cost as much as any.
    const std::uint64_t packets =
        std::max({(length + wanted / 2) / wanted, (length + FM_PACKET_BYTES - 1) / FM_PACKET_BYTES,
                  std::uint64_t{1}});
    return static_cast<std::uint32_t>(((length + packets - 1) / packets + 63) / 64 * 64);
}

std::uint64_t packets_of(std::uint64_t bytes, std::uint32_t packet_bytes) {
    return bytes == 0 ? 1 : (bytes + packet_bytes - 1) / packet_bytes;
}

}  // namespace

// --- credits and slots ------------------------------------------------------------------------

/// Makes the peer ready() if that can be, else says why not.
Status Endpoint::make_way(Peer& peer) {
    if (peer.lost) return Status::peer_failed;
    if (peer.out != nullptr || peer.waiting_puts > 0) return Status::again;
    if (peer.credits() == 0) {
        starve(peer);
        return Status::again;
    }
    if (open_ != nullptr) flush_open();
    return has_slot() ? Status::ok : Status::again;
}

bool Endpoint::take_credit(OutMessage& message) {
    Peer& peer = *message.peer;
    if (message.reserved > 0) {
        --message.reserved;
        ++peer.limit;
    } else if (peer.credits() == 0) {
        return false;
    }
    ++peer.sent;
    return true;
}

void Endpoint::give_credit_back(OutMessage& message) {
    Peer& peer = *message.peer;
    --peer.sent;
    if (!message.whole) return;
    ++message.reserved;
    --peer.limit;
}

bool Endpoint::has_slot() {
    if (next_slot_ - done_slot_ < FM_SEND_SLOTS) return true;
    refresh_slots();
    return next_slot_ - done_slot_ < FM_SEND_SLOTS;
}

void Endpoint::refresh_slots() {
    const std::uint32_t before = done_slot_;
    retire(board_->pio_read(&sram_->send_done));
    if (done_slot_ == before) look_for_death_at_times();
}

void Endpoint::retire_puts(std::uint32_t done) {
    for (std::uint32_t at = done_slot_; at != done; ++at) {
        Slot& ended = slots_[at % FM_SEND_SLOTS];
        if (ended.put != nullptr) end_slot(ended);
    }
}

// --- the open slot ----------------------------------------------------------------------------
// The firmware takes slots in their order, so a message that is not gathered to the end must not
// keep one from others. At most one slot is open; when another message needs one, the open
// one leaves with what it has, as a short packet.

bool Endpoint::acquire(OutMessage& message) {
    if (message.reserved == 0 && message.peer->credits() == 0) {
        starve(*message.peer);
        return false;
    }
    if (open_ != nullptr) flush_open();
    if (!has_slot() || !take_credit(message)) return false;
    const auto kept = static_cast<std::uint32_t>(message.kept.size());
    open_slot(message, static_cast<std::uint32_t>(std::min<std::uint64_t>(
                           message.packet_bytes - kept, message.length - message.sent)));
    if (kept > 0) {
        std::memcpy(message.slot, message.kept.data(), kept);
        message.kept.clear();
        message.filled = kept;
    }
    return true;
}

void Endpoint::flush_open() {
    OutMessage& message = *open_;
    const bool useless = message.filled == 0 || message.peer->lost;
    if (!useless && secure_rest(message)) {
        publish(message, false);
        return;
    }
    if (!useless) message.kept.assign(message.slot, message.slot + message.filled);
    give_credit_back(message);
    message.filled = 0;
    message.room = 0;
    open_ = nullptr;
}

/// May a packet go early? It costs a credit more, and a message that was promised all of its
/// credits must have enough left.
bool Endpoint::secure_rest(OutMessage& message) {
    if (!message.whole) return true;
    const std::uint64_t rest = packets_of(message.length - message.sent, message.packet_bytes);
    if (message.reserved >= rest) return true;
    if (message.peer->credits() == 0) return false;
    ++message.reserved;
    --message.peer->limit;
    return true;
}

/// The stores to a slot, and its last one, which hands it over.
void Endpoint::launch_timed(fm_slot& slot, bool staged, std::uint32_t bytes) {
    // Command and length, the user words; a page and its offset, or the payload. One charge for
    // all of them: they combine.
    clock_->pio_write(16 + (staged ? 8 : bytes));
    board_->publish(&slot.lap, next_slot_ / FM_SEND_SLOTS + 1);
    ++next_slot_;
    ++counters_.packets_sent;
    board_->kick();
}

bool Endpoint::send_credits(Node node) {
    if (open_ != nullptr) flush_open();
    if (!has_slot()) return false;
    hand_over(false, node, peers_[node], 0, Words::begin(Words::kCredit, 0), 0);
    ++counters_.credit_packets_sent;
    return true;
}

// --- probes -----------------------------------------------------------------------------------
// The firmware notices a dead node by packets that are not acknowledged. Who has no credits and
// nothing under way sends none, so it would wait for ever for a node that died without extracting.

/// Asks here, too, since a slot may be free for it now: who always sends finds none when it sleeps.
void Endpoint::starve(Peer& peer) {
    peer.starved = true;
    starving_ = true;
    probe_starved();
}

/// Asks starved peers' boards, at times. In modelled time nobody dies.
void Endpoint::probe_starved() {
    if (clock_ != nullptr || live_puts_ > 0) return;
    const std::int64_t now = std::chrono::steady_clock::now().time_since_epoch() / 1ns;
    if (now - probed_ns_ < probe_ns_) return;
    for (; probe_next_ < nodes_; ++probe_next_) {
        Peer& peer = peers_[probe_next_];
        if (peer.starved && !peer.lost && peer.credits() == 0 && !send_probe(probe_next_)) return;
        peer.starved = false;
    }
    probe_next_ = 0;
    probed_ns_ = now;
    starving_ = false;
}

/// A packet that the peer's board acknowledges, and its ring does not see: a put from a page that
/// is not there goes without payload, and is dropped. The closed endpoint of a dead process answers
/// that it is closed. (If that page is there the put is refused, for its window: no put of ours is
/// under way that this could be taken for.)
bool Endpoint::send_probe(Node node) {
    if (open_ != nullptr) flush_open();
    if (!has_slot()) return false;
    fm_slot& slot = sram_->slots[next_slot_ % FM_SEND_SLOTS];
    store_pair(&slot.command, std::uint32_t{FM_OP_PUT} << 24 | node, kPutAlign);
    store_pair(&slot.page, FM_PAGES - 1, 0);
    store_pair(&slot.window, 0, 0);
    board_->publish(&slot.lap, next_slot_ / FM_SEND_SLOTS + 1);
    ++next_slot_;
    ++counters_.probes_sent;
    board_->kick();
    return true;
}

// --- messages ---------------------------------------------------------------------------------

Status Endpoint::send_any(Node node, std::uint32_t handler, const void* head,
                          std::uint32_t head_bytes, const adi::Buffer& payload,
                          std::uint64_t offset, std::uint32_t bytes) {
    const std::uint64_t all = std::uint64_t{head_bytes} + bytes;
    if (node >= nodes_ || all > kShortBytes) return Status::bad_argument;
    Peer& peer = peers_[node];
    if (const Status s = make_way(peer); s != Status::ok) return s;
    const bool staged = strategy_ == Strategy::dma;
    std::byte* to = room(staged);
    copy_bytes(to, head, head_bytes);
    payload.read(offset, to + head_bytes, bytes);
    if (clock_ != nullptr) {
        clock_->charge(Clock::Work::fm_send);
        clock_->charge(Clock::Work::fm_piece);
        if (staged) clock_->charge_copy(all);
    }
    ++peer.sent;
    hand_over(staged, node, peer, static_cast<std::uint32_t>(all),
              Words::begin(Words::kWhole, peer.serial_out++), handler);
    return Status::ok;
}

Status Endpoint::begin_any(OutMessage& message, Node node, std::uint64_t length,
                           std::uint32_t handler, bool whole) {
    if (node >= nodes_) return Status::bad_argument;
    Peer& peer = peers_[node];
    if (const Status s = make_way(peer); s != Status::ok) return s;
    message.node = node;
    message.length = length;
    message.staged = length >= staged_from_;
    message.packet_bytes = message.staged ? staged_packet_bytes(length) : pio_bytes_;
    message.whole = whole;
    const std::uint64_t more = whole ? packets_of(length, message.packet_bytes) - 1 : 0;
    if (peer.credits() <= more) return Status::again;
    message.reserved = static_cast<std::uint32_t>(more);
    peer.limit = static_cast<std::uint16_t>(peer.limit - more);
    open(message, peer, handler);
    open_slot(message,
              static_cast<std::uint32_t>(std::min<std::uint64_t>(message.packet_bytes, length)));
    charge(Clock::Work::fm_send);
    return Status::ok;
}

std::uint64_t Endpoint::piece_any(OutMessage& message, const adi::Buffer& source,
                                  std::uint64_t offset, std::uint64_t bytes) {
    if (!message.open || message.peer->lost) return 0;
    const std::uint64_t wanted = std::min(bytes, message.length - message.sent);
    std::uint64_t taken = 0;
    while (taken < wanted) {
        if (message.room == 0 && !acquire(message)) break;
        const auto part =
            static_cast<std::uint32_t>(std::min<std::uint64_t>(wanted - taken, message.room));
        source.read(offset + taken, message.slot + message.filled, part);
        if (clock_ != nullptr) {
            clock_->charge(Clock::Work::fm_piece);
            if (message.staged) clock_->charge_copy(part);
        }
        took(message, part);
        taken += part;
    }
    return taken;
}

Status Endpoint::end_any(OutMessage& message) {
    if (!message.open) return Status::bad_argument;
    if (message.peer->lost) {
        abandon(message);
        return Status::peer_failed;
    }
    if (open_ != &message && !acquire(message)) return Status::again;
    publish(message, true);
    close(message);
    return Status::ok;
}

void Endpoint::abandon(OutMessage& message) {
    if (!message.open) return;
    if (open_ == &message) {
        message.filled = 0;
        flush_open();
    }
    message.kept.clear();
    close(message);
}

bool Endpoint::idle() {
    const bool gathering = open_ != nullptr && open_->filled > 0;
    if (gathering || !puts_.empty() || !ended_puts_.empty()) return false;
    if (next_slot_ != done_slot_) refresh_slots();
    return next_slot_ == done_slot_;
}

}  // namespace dev::fm
