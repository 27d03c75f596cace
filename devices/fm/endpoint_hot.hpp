// The short path of an endpoint: what a message of one packet passes, at either end. Inline, so
// that the compiler sees through it from the caller's function to the board; and each function here
// ends in a call or makes none, so that it needs no stack. What is not usual, modelled time too, is
// left to functions that are not inline (…_any), after as few tests as can be.
//
// Included by endpoint.hpp.
#pragma once

#include <algorithm>
#include <cstring>

#include "adi/base/copy.hpp"
#include "devices/fm/endpoint.hpp"

namespace dev::fm {

/// So many bytes are copied without a call.
constexpr std::uint64_t kFewBytes = 96;

/// memcpy(), without a call for a few bytes.
inline void copy_bytes(void* to, const void* from, std::uint64_t bytes) {
    if (bytes <= kFewBytes) {
        adi::copy_short(to, from, bytes);
    } else {
        std::memcpy(to, from, bytes);
    }
}

inline void store_pair(std::uint32_t* to, std::uint32_t first, std::uint32_t second) {
    const std::uint64_t both = fm_be32_pair(first, second);
    std::memcpy(to, &both, sizeof both);
}

// --- packets out --------------------------------------------------------------------------------

/// Is there all that a packet to the peer needs? If not, make_way() sees what can be done.
inline bool Endpoint::ready(const Peer& peer) const {
    return peer.out == nullptr && !peer.lost && peer.waiting_puts == 0 && peer.limit != peer.sent &&
           open_ == nullptr && next_slot_ - done_slot_ < FM_SEND_SLOTS;
}

/// Where the next packet is gathered.
inline std::byte* Endpoint::room(bool staged) const {
    const std::uint32_t i = next_slot_ % FM_SEND_SLOTS;
    if (staged) [[unlikely]]
        return board_->staging(i);
    return reinterpret_cast<std::byte*>(sram_->slots[i].payload);
}

/// The next slot, its payload in place, to the board.
inline void Endpoint::hand_over(bool staged, Node node, Peer& peer, std::uint32_t bytes,
                                std::uint32_t first, std::uint32_t second) {
    const std::uint16_t credits = peer.consumed;
    const std::uint32_t i = next_slot_ % FM_SEND_SLOTS;
    fm_slot& slot = sram_->slots[i];
    const std::uint32_t op = staged ? FM_OP_PAGE : FM_OP_INLINE;
    peer.told = credits;
    if (staged) [[unlikely]]
        store_pair(&slot.page, board_->ring_slots() + i, 0);
    store_pair(&slot.command, op << 24 | node, bytes);
    store_pair(slot.wire.user, first | credits, second);
    if (clock_ != nullptr) [[unlikely]]
        return launch_timed(slot, staged, bytes);
    Board::publish_now(&slot.lap, next_slot_ / FM_SEND_SLOTS + 1);
    ++next_slot_;
    ++counters_.packets_sent;
    board_->kick();
}

inline adi::Status Endpoint::try_send(Node node, std::uint32_t handler, const void* head,
                                      std::uint32_t head_bytes, const adi::Buffer& payload,
                                      std::uint64_t offset, std::uint32_t bytes) {
    if (node >= nodes_ || bytes > kFewBytes || head_bytes > kFewBytes ||
        payload.layout != nullptr || !ready(peers_[node]) || clock_ != nullptr ||
        strategy_ == Strategy::dma) [[unlikely]] {
        return send_any(node, handler, head, head_bytes, payload, offset, bytes);
    }
    Peer& peer = peers_[node];
    std::byte* to = room(false);
    adi::copy_short(to, head, head_bytes);
    adi::copy_short(to + head_bytes, static_cast<const std::byte*>(payload.base) + offset, bytes);
    ++peer.sent;
    hand_over(false, node, peer, head_bytes + bytes, Words::begin(Words::kWhole, peer.serial_out++),
              handler);
    return adi::Status::ok;
}

// --- messages out -------------------------------------------------------------------------------

inline bool Endpoint::begin_short(OutMessage& message, Node node, std::uint64_t length,
                                  std::uint32_t handler, bool whole) {
    Peer& peer = peers_[node];
    if (length >= short_below_ || !ready(peer) || clock_ != nullptr) [[unlikely]]
        return false;
    message.node = node;
    message.length = length;
    message.staged = false;
    message.whole = whole;
    message.packet_bytes = pio_bytes_;
    message.reserved = 0;
    open(message, peer, handler);
    open_slot(message, static_cast<std::uint32_t>(length));
    return true;
}

inline adi::Status Endpoint::try_begin(OutMessage& message, Node node, std::uint64_t length,
                                       std::uint32_t handler, bool whole) {
    if (node < nodes_ && begin_short(message, node, length, handler, whole)) [[likely]]
        return adi::Status::ok;
    return begin_any(message, node, length, handler, whole);
}

/// The message is the peer's open one, and has a credit for its first packet.
inline void Endpoint::open(OutMessage& message, Peer& peer, std::uint32_t handler) {
    message.open = true;
    message.ended = false;
    message.sent = 0;
    message.peer = &peer;
    message.first_word = Words::begin(Words::kFirst, peer.serial_out);
    message.second_word = handler;
    peer.out = &message;
    ++peer.sent;
}

/// Gives the message, which has a credit for it, the next slot.
inline void Endpoint::open_slot(OutMessage& message, std::uint32_t room_bytes) {
    open_ = &message;
    message.slot = room(message.staged);
    message.filled = 0;
    message.room = room_bytes;
}

/// So many bytes have been gathered.
inline void Endpoint::took(OutMessage& message, std::uint32_t bytes) {
    message.filled += bytes;
    message.sent += bytes;
    message.room -= bytes;
    if (message.room == 0) publish(message, message.sent == message.length);
}

inline bool Endpoint::piece_short(OutMessage& message, const void* from, std::uint64_t bytes) {
    if (bytes - 1 >= message.room || bytes > kFewBytes || clock_ != nullptr) [[unlikely]]
        return false;
    adi::copy_short(message.slot + message.filled, from, bytes);
    took(message, static_cast<std::uint32_t>(bytes));
    return true;
}

inline std::uint64_t Endpoint::try_piece(OutMessage& message, const adi::Buffer& source,
                                         std::uint64_t offset, std::uint64_t bytes) {
    if (source.layout == nullptr &&
        piece_short(message, static_cast<const std::byte*>(source.base) + offset, bytes)) {
        return bytes;
    }
    return piece_any(message, source, offset, bytes);
}

inline void Endpoint::publish(OutMessage& message, bool last) {
    const std::uint32_t bytes = message.filled;
    const std::uint32_t second = message.second_word;
    std::uint32_t first = message.first_word;
    open_ = nullptr;
    message.filled = 0;
    message.room = 0;
    if (last) {
        first |= Words::kLastBit;
        message.ended = true;
        ++message.peer->serial_out;
    } else {
        message.first_word &= Words::kSerialBits;
        message.second_word = static_cast<std::uint32_t>(message.sent);
    }
    hand_over(message.staged, message.node, *message.peer, bytes, first, second);
}

inline bool Endpoint::end_short(OutMessage& message) {
    if (!message.ended) [[unlikely]]
        return false;
    close(message);
    return true;
}

inline adi::Status Endpoint::try_end(OutMessage& message) {
    return end_short(message) ? adi::Status::ok : end_any(message);
}

inline void Endpoint::close(OutMessage& message) {
    Peer& peer = *message.peer;
    peer.limit = static_cast<std::uint16_t>(peer.limit + message.reserved);
    peer.out = nullptr;
    message.open = false;
    message.ended = false;
}

// --- packets in ---------------------------------------------------------------------------------

/// The next packet's page, or null if it has not come.
inline const std::byte* Endpoint::arrived() const {
    const std::byte* page = board_->ring(next_ring_ & ring_mask_);
    const auto* footer =
        reinterpret_cast<const fm_footer*>(page + FM_PAGE_BYTES - sizeof(fm_footer));
    return board_->host_read(&footer->lap) == (next_ring_ >> ring_shift_) + 1 ? page : nullptr;
}

/// The same, in modelled time when that has got so far.
inline const std::byte* Endpoint::look() {
    if (clock_ != nullptr) [[unlikely]]
        clock_->look();
    return arrived();
}

template <std::derived_from<Sink> S>
inline int Endpoint::extract(S& sink, std::uint64_t max_bytes, int max_packets) {
    if (extracting_ || live_puts_ > 0 || clock_ != nullptr) [[unlikely]]
        return extract_any(sink, max_bytes, max_packets);
    const std::byte* page = arrived();
    if (page == nullptr || max_bytes == 0) return find_nothing(sink);
    return take(sink, page, max_bytes, max_packets);
}

template <class S>
int Endpoint::extract_any(S& sink, std::uint64_t max_bytes, int max_packets) {
    if (extracting_) return 0;
    const std::size_t ended = live_puts_ > 0 ? end_puts() : 0;
    const std::byte* page = look();
    int events = page != nullptr && max_bytes > 0 ? take(sink, page, max_bytes, max_packets) : 0;
    if (live_puts_ > 0) {
        issue_puts();
        // The firmware tells that a put was refused before it ends the slot: what had ended before
        // the ring was seen empty has its verdict.
        if (arrived() == nullptr) {
            extracting_ = true;
            events += report_puts(sink, ended);
            extracting_ = false;
        }
    }
    return events > 0 ? events : find_nothing(sink);
}

/// The packet at `page`, and those behind it.
template <class S>
[[gnu::noinline]] int Endpoint::take(S& sink, const std::byte* page, std::uint64_t max_bytes,
                                     int max_packets) {
    extracting_ = true;
    int left = max_packets;
    do {
        const std::uint32_t bytes = on_arrival(sink, page);
        ++next_ring_;
        if (next_ring_ - freed_ring_ >= ring_lag_) [[unlikely]]
            free_ring();
        --left;
        if (attention_) [[unlikely]] {
            if (!attend(sink)) break;
        }
        if (bytes >= max_bytes || left <= 0) break;
        max_bytes -= bytes;
        page = look();
    } while (page != nullptr);
    idle_waits_ = 0;
    extracting_ = false;
    return max_packets - left;
}

/// One packet; returns its payload's length.
template <class S>
[[gnu::always_inline]] inline std::uint32_t Endpoint::on_arrival(S& sink, const std::byte* page) {
    if (clock_ != nullptr) [[unlikely]]
        clock_->charge(Clock::Work::fm_packet);
    const std::byte* end = page + FM_PAGE_BYTES - sizeof(fm_footer);
    const std::uint32_t length = fm_be32(reinterpret_cast<const fm_footer*>(end)->length);
    const std::uint32_t bytes = length >> 16;
    if (bytes > FM_PACKET_BYTES) [[unlikely]] {
        ++counters_.bad_packets;
        return 0;
    }
    retire(done_slot_ + static_cast<std::uint16_t>(length - done_slot_));
    const std::byte* data = end - (bytes + 3) / 4 * 4;
    const auto& wire = *reinterpret_cast<const fm_wire*>(data - sizeof(fm_wire));
    const std::uint32_t kind = fm_be32(wire.type) >> 8 & 0xff;
    const Node node = fm_be32(wire.source) >> 16 & 0xff;
    if (kind != FM_KIND_DATA || node >= nodes_) [[unlikely]]
        return on_other(wire);
    on_data(sink, node, fm_be32(wire.user[0]), fm_be32(wire.user[1]), data, bytes);
    return bytes;
}

/// Learns that slots are completed, if that is a count of ours.
inline void Endpoint::retire(std::uint32_t done) {
    if (done - done_slot_ > next_slot_ - done_slot_) [[unlikely]]
        return;
    if (put_slots_ > 0) [[unlikely]]
        retire_puts(done);
    done_slot_ = done;
}

template <class S>
[[gnu::always_inline]] inline void Endpoint::on_data(S& sink, Node node, std::uint32_t first_word,
                                                     std::uint32_t second, const std::byte* data,
                                                     std::uint32_t bytes) {
    Peer& peer = peers_[node];
    const auto credits = static_cast<std::uint16_t>(first_word);
    // A whole message, and the one that is due?
    if (first_word >> 16 != peer.due || !gave(peer, credits)) [[unlikely]]
        return on_part(sink, node, Words::from(first_word, second), data, bytes);
    peer.due = Words::kWhole << 8 | ((peer.due + 1) & 0xff);
    show(sink, peer, credits, {node, second, true, true, 0, data, bytes});
}

/// What is no whole message, or wrong.
template <class S>
[[gnu::noinline]] void Endpoint::on_part(S& sink, Node node, Words words, const std::byte* data,
                                         std::uint32_t bytes) {
    Peer& peer = peers_[node];
    if (peer.lost) return;
    if (const char* wrong = check(words, peer, bytes)) return on_fault(node, wrong);
    if (words.flags == Words::kCredit) return take_back(peer, words.credits);
    const bool first = (words.flags & Words::kFirst) != 0;
    const bool last = (words.flags & Words::kLast) != 0;
    const std::uint64_t offset = first ? 0 : peer.in_offset;
    peer.in_offset = offset + bytes;
    const std::uint32_t serial = words.serial;
    peer.due = last ? Words::kWhole << 8 | ((serial + 1) & 0xff) : Peer::kWithin | serial;
    show(sink, peer, words.credits,
         {node, first ? words.second : 0, first, last, offset, data, bytes});
}

/// Were so many credits given to the peer that it can give these back?
inline bool Endpoint::gave(const Peer& peer, std::uint16_t credits) const {
    return static_cast<std::uint16_t>(credits - peer.returned) <=
           static_cast<std::uint16_t>(peer.sent - peer.returned);
}

inline void Endpoint::take_back(Peer& peer, std::uint16_t credits) {
    peer.limit = static_cast<std::uint16_t>(peer.limit + credits - peer.returned);
    peer.returned = credits;
}

template <class S>
[[gnu::always_inline]] inline void Endpoint::show(S& sink, Peer& peer, std::uint16_t credits,
                                                  const Packet& packet) {
    take_back(peer, credits);
    ++counters_.packets_received;
    // Counted before it is shown, so that an answer takes the credit back with it. The slot itself
    // is free later; the ring has room for that (lag_of).
    ++peer.consumed;
    sink.on_packet(packet);
    if (static_cast<std::uint16_t>(peer.consumed - peer.told) >= credit_debt_) [[unlikely]]
        owe(packet.node);
}

}  // namespace dev::fm
