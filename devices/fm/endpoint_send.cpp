// Messages out: slots, credits, packets.
#include <algorithm>
#include <cstring>

#include "adi/base/copy.hpp"
#include "devices/fm/endpoint.hpp"

namespace dev::fm {

using adi::Status;

namespace {

/// Longer messages are fetched by the board; up to here stores are quicker, copy and fetch saved.
constexpr std::uint64_t kStagedFrom = 4096;

/// A long message's packets: a quarter of it, so that the host's copy, both boards' DMA and the
/// wire work at the same time on it; not so short that the firmware's time per packet shows, and
/// no longer than they may be. Multiples of 64 keep the copies aligned.
std::uint32_t staged_packet_bytes(std::uint64_t length) {
    constexpr std::uint64_t kLeast = 2048;
    const std::uint64_t wanted = std::clamp<std::uint64_t>(length / 4, kLeast, FM_PACKET_BYTES);
    // Packets alike: a message a little longer than so many has no short one at its end, which
    // would cost as much as any.
    const std::uint64_t packets = std::max<std::uint64_t>((length + wanted / 2) / wanted, 1);
    const std::uint64_t even = ((length + packets - 1) / packets + 63) / 64 * 64;
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(even, FM_PACKET_BYTES));
}

std::uint64_t packets_of(std::uint64_t bytes, std::uint32_t packet_bytes) {
    return bytes == 0 ? 1 : (bytes + packet_bytes - 1) / packet_bytes;
}

/// Buffer::read(), without a call for a few bytes.
void read(const adi::Buffer& source, std::uint64_t offset, std::byte* to, std::uint32_t bytes) {
    constexpr std::uint32_t kFew = 96;
    if (source.layout == nullptr && bytes <= kFew) {
        adi::copy_short(to, static_cast<const std::byte*>(source.base) + offset, bytes);
    } else {
        source.read(offset, to, bytes);
    }
}

}  // namespace

// --- credits and slots ------------------------------------------------------------------------

std::uint32_t Endpoint::free_credits(const Peer& peer) const {
    const std::uint32_t used = static_cast<std::uint16_t>(peer.sent - peer.returned);
    return credits_ - used - peer.reserved;
}

bool Endpoint::take_credit(OutMessage& message, Peer& peer) {
    if (message.reserved > 0) {
        --message.reserved;
        --peer.reserved;
    } else if (free_credits(peer) == 0) {
        return false;
    }
    ++peer.sent;
    return true;
}

void Endpoint::give_credit_back(OutMessage& message, Peer& peer) {
    --peer.sent;
    if (!message.whole) return;
    ++message.reserved;
    ++peer.reserved;
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

void Endpoint::retire(std::uint32_t done) {
    if (done - done_slot_ > next_slot_ - done_slot_) return;  // no count of ours
    if (put_slots_ == 0) [[likely]] {
        done_slot_ = done;
        return;
    }
    for (; done_slot_ != done; ++done_slot_) {
        Slot& ended = slots_[done_slot_ % FM_SEND_SLOTS];
        if (ended.put != nullptr) [[unlikely]]
            end_slot(ended);
    }
}

// --- the open slot ----------------------------------------------------------------------------
// The firmware takes slots in their order, so a message that is not gathered to the end must not
// keep one from others. At most one slot is open; when another message needs one, the open
// one leaves with what it has, as a short packet.

bool Endpoint::acquire(OutMessage& message) {
    Peer& peer = peers_[message.node];
    if (message.reserved == 0 && free_credits(peer) == 0) return false;
    if (open_ != nullptr) flush_open();
    if (!has_slot() || !take_credit(message, peer)) return false;
    open_ = &message;
    message.has_slot = true;
    message.filled = 0;
    if (!message.kept.empty()) {
        std::memcpy(room(message.staged), message.kept.data(), message.kept.size());
        message.filled = static_cast<std::uint32_t>(message.kept.size());
        message.kept.clear();
    }
    return true;
}

void Endpoint::flush_open() {
    OutMessage& message = *open_;
    Peer& peer = peers_[message.node];
    const bool useless = message.filled == 0 || peer.lost;
    if (!useless && secure_rest(message)) {
        publish(message, false);
        return;
    }
    if (!useless) message.kept.assign(room(message.staged), room(message.staged) + message.filled);
    give_credit_back(message, peer);
    message.has_slot = false;
    message.filled = 0;
    open_ = nullptr;
}

/// May a packet go early? It costs a credit more, and a message that was promised all of its
/// credits must have enough left.
bool Endpoint::secure_rest(OutMessage& message) {
    if (!message.whole) return true;
    const std::uint64_t rest = packets_of(message.length - message.sent, message.packet_bytes);
    if (message.reserved >= rest) return true;
    Peer& peer = peers_[message.node];
    if (free_credits(peer) == 0) return false;
    ++message.reserved;
    ++peer.reserved;
    return true;
}

std::byte* Endpoint::room(bool staged) const {
    const std::uint32_t i = next_slot_ % FM_SEND_SLOTS;
    if (staged) return board_->staging(i);
    return reinterpret_cast<std::byte*>(sram_->slots[i].payload);
}

void Endpoint::publish(OutMessage& message, bool last) {
    Peer& peer = peers_[message.node];
    Words words;
    words.serial = peer.serial_out;
    words.second = message.started ? static_cast<std::uint32_t>(message.sent - message.filled)
                                   : message.handler;
    words.flags = static_cast<std::uint8_t>((message.started ? 0 : Words::kFirst) |
                                            (last ? Words::kLast : 0));
    hand_over(message.staged, message.node, message.filled, words);
    message.started = true;
    message.has_slot = false;
    message.filled = 0;
    open_ = nullptr;
    if (last) {
        message.ended = true;
        ++peer.serial_out;
    }
}

void Endpoint::hand_over(bool staged, Node node, std::uint32_t bytes, Words words) {
    Peer& peer = peers_[node];
    words.credits = peer.consumed;
    peer.told = peer.consumed;
    const std::uint32_t i = next_slot_ % FM_SEND_SLOTS;
    fm_slot& slot = sram_->slots[i];
    const std::uint32_t op = staged ? FM_OP_PAGE : FM_OP_INLINE;
    slot.command = fm_be32(op << 24 | node);
    slot.length = fm_be32(bytes);
    std::uint64_t stored = 16;  // these two, and the user words
    if (staged) {
        slot.page = fm_be32(board_->ring_slots() + i);
        slot.offset = 0;
        stored += 8;
    } else {
        stored += bytes;
    }
    slot.wire.user[0] = fm_be32(words.first());
    slot.wire.user[1] = fm_be32(words.second);
    // One charge for all of these stores, the payload's included: they combine.
    if (clock_ != nullptr) [[unlikely]]
        clock_->pio_write(stored);
    board_->publish(&slot.lap, next_slot_ / FM_SEND_SLOTS + 1);
    ++next_slot_;
    ++counters_.packets_sent;
    board_->kick();
}

bool Endpoint::send_credits(Node node) {
    if (open_ != nullptr) flush_open();
    if (!has_slot()) return false;
    Words words;
    words.flags = Words::kCredit;
    hand_over(false, node, 0, words);
    ++counters_.credit_packets_sent;
    return true;
}

// --- messages ---------------------------------------------------------------------------------

Status Endpoint::try_send(Node node, std::uint32_t handler, const void* head,
                          std::uint32_t head_bytes, const adi::Buffer& payload,
                          std::uint64_t offset, std::uint32_t bytes) {
    const std::uint64_t all = std::uint64_t{head_bytes} + bytes;
    if (node >= nodes_ || all > kShortBytes) return Status::bad_argument;
    Peer& peer = peers_[node];
    if (peer.lost) [[unlikely]]
        return Status::peer_failed;
    if (peer.out != nullptr || peer.waiting_puts > 0 || free_credits(peer) == 0) {
        return Status::again;
    }
    if (open_ != nullptr) flush_open();
    if (!has_slot()) return Status::again;
    const bool staged = strategy_ == Strategy::dma;
    std::byte* to = room(staged);
    adi::copy_short(to, head, head_bytes);
    read(payload, offset, to + head_bytes, bytes);
    if (clock_ != nullptr) [[unlikely]] {
        clock_->charge(Clock::Work::fm_send);
        clock_->charge(Clock::Work::fm_piece);
        if (staged) clock_->charge_copy(all);
    }
    ++peer.sent;
    const Words words{Words::kFirst | Words::kLast, peer.serial_out++, 0, handler};
    hand_over(staged, node, static_cast<std::uint32_t>(all), words);
    return Status::ok;
}

Status Endpoint::try_begin(OutMessage& message, Node node, std::uint64_t length,
                           std::uint32_t handler, bool whole) {
    if (node >= nodes_) return Status::bad_argument;
    Peer& peer = peers_[node];
    if (peer.lost) return Status::peer_failed;
    if (peer.out != nullptr || peer.waiting_puts > 0) return Status::again;
    const bool staged =
        strategy_ == Strategy::dma || (strategy_ == Strategy::adapt && length > kStagedFrom);
    const std::uint32_t packet_bytes = staged ? staged_packet_bytes(length) : pio_bytes_;
    const std::uint64_t needed = whole ? packets_of(length, packet_bytes) : 1;
    if (free_credits(peer) < needed || !has_slot()) return Status::again;
    message.node = node;
    message.handler = handler;
    message.length = length;
    message.sent = 0;
    message.packet_bytes = packet_bytes;
    message.filled = 0;
    message.reserved = 0;
    message.open = true;
    message.has_slot = false;
    message.started = false;
    message.ended = false;
    message.whole = whole;
    message.staged = staged;
    message.kept.clear();
    if (whole) {
        message.reserved = static_cast<std::uint32_t>(needed);
        peer.reserved = static_cast<std::uint16_t>(peer.reserved + needed);
    }
    peer.out = &message;
    if (clock_ != nullptr) [[unlikely]]
        clock_->charge(Clock::Work::fm_send);
    return Status::ok;
}

std::uint64_t Endpoint::try_piece(OutMessage& message, const adi::Buffer& source,
                                  std::uint64_t offset, std::uint64_t bytes) {
    if (!message.open || peers_[message.node].lost) return 0;
    const std::uint64_t wanted = std::min(bytes, message.length - message.sent);
    std::uint64_t taken = 0;
    while (taken < wanted) {
        if (!message.has_slot && !acquire(message)) break;
        const auto part = static_cast<std::uint32_t>(
            std::min<std::uint64_t>(wanted - taken, message.packet_bytes - message.filled));
        read(source, offset + taken, room(message.staged) + message.filled, part);
        if (clock_ != nullptr) [[unlikely]] {
            clock_->charge(Clock::Work::fm_piece);
            if (message.staged) clock_->charge_copy(part);
        }
        message.filled += part;
        message.sent += part;
        taken += part;
        if (message.sent == message.length) {
            publish(message, true);
        } else if (message.filled == message.packet_bytes) {
            publish(message, false);
        }
    }
    return taken;
}

Status Endpoint::try_end(OutMessage& message) {
    if (!message.open) return Status::bad_argument;
    if (peers_[message.node].lost) {
        abandon(message);
        return Status::peer_failed;
    }
    if (!message.ended) {
        if (!message.has_slot && !acquire(message)) return Status::again;
        publish(message, true);
    }
    close(message);
    return Status::ok;
}

void Endpoint::abandon(OutMessage& message) {
    if (!message.open) return;
    if (open_ == &message) {
        message.filled = 0;
        flush_open();
    }
    close(message);
}

void Endpoint::close(OutMessage& message) {
    Peer& peer = peers_[message.node];
    peer.reserved = static_cast<std::uint16_t>(peer.reserved - message.reserved);
    peer.out = nullptr;
    message.reserved = 0;
    message.kept.clear();
    message.open = false;
}

bool Endpoint::idle() {
    if (open_ != nullptr || !puts_.empty() || !ended_puts_.empty()) return false;
    if (next_slot_ != done_slot_) refresh_slots();
    return next_slot_ == done_slot_;
}

}  // namespace dev::fm
