#include "fm.hpp"

#include <algorithm>
#include <cstring>

#include "firmware/protocol/layout.h"

namespace fm_bench {

namespace papers = firmware::papers;

namespace {

/// Of the ring's slots, so many are for packets that bring credits back and need none.
constexpr std::uint32_t kSpare = 8;

}  // namespace

FastMessages::FastMessages(Pair& pair, unsigned node, const papers::Ring& ring)
    : host_(pair.host(node)),
      ring_(ring),
      node_(node),
      window_(ring.slots - kSpare),
      credits_(window_),
      slots_(host_.memory().allocate(ring.bytes())) {
    pair.start_board(node, host_.memory().bus(slots_.data()), 0);
}

void FastMessages::send(const std::byte* from, std::size_t bytes) {
    begin_message(bytes);
    send_piece(from, bytes);
    end_message();
}

void FastMessages::post(std::byte* to, std::size_t) {
    to_ = to;
}

void FastMessages::wait() {
    while (arrived_ == waited_) progress();
    ++waited_;
}

// --- sending -------------------------------------------------------------------------------------

void FastMessages::begin_message(std::size_t bytes) {
    host_.compute(host_.machine().fm_send_ps, "FM send");
    left_ = total_ = bytes;
    packet_bytes_ = 0;
    if (bytes == 0) open_packet();
}

void FastMessages::send_piece(const std::byte* from, std::size_t bytes) {
    while (bytes > 0) {
        if (fill_ == packet_bytes_) open_packet();
        const std::size_t n = std::min<std::size_t>(bytes, packet_bytes_ - fill_);
        host_.write(place_ + fill_, from, n);
        fill_ += static_cast<std::uint32_t>(n);
        from += n;
        bytes -= n;
        if (fill_ == packet_bytes_ && left_ > 0) publish_packet();
    }
}

void FastMessages::end_message() {
    publish_packet();
}

/// A credit, a slot, and the header of the message's next packet in it.
void FastMessages::open_packet() {
    while (credits_ == 0) progress();
    --credits_;
    packet_bytes_ = static_cast<std::uint32_t>(std::min<std::size_t>(left_, ring_.payload));
    place_ = store_header(FM_KIND_DATA, packet_bytes_);
    fill_ = 0;
    left_ -= packet_bytes_;
}

void FastMessages::publish_packet() {
    host_.compute(host_.machine().fm_piece_ps, "FM piece");
    host_.publish(papers::kControl + offsetof(papers::Control, sent), ++published_);
    slot_ = (slot_ + 1) % papers::kSlots;
    fill_ = packet_bytes_ = 0;
}

/// Into the next slot, with the credits that are owed. Answers where the payload goes.
std::uint32_t FastMessages::store_header(std::uint32_t kind, std::uint32_t payload) {
    // The LANai's own count is only asked when it has to be: a load over the bus is dear.
    while (published_ - taken_ == papers::kSlots)
        taken_ = host_.read(papers::kControl + offsetof(papers::Control, taken));
    const std::uint32_t words[] = {1 - node_, papers::type_of(kind), payload << 16 | owed_,
                                   node_ << 24 | (published_ & 0xffff),
                                   static_cast<std::uint32_t>(total_)};
    static_assert(sizeof words == 4 + sizeof(papers::Header));
    owed_ = 0;
    std::uint32_t stored[std::size(words)];
    std::transform(std::begin(words), std::end(words), stored, fm_be32);
    const std::uint32_t at = papers::kSendSlots + slot_ * papers::send_stride(ring_.payload);
    host_.write(at, stored, sizeof stored);
    return at + static_cast<std::uint32_t>(sizeof stored);
}

void FastMessages::return_credits() {
    store_header(FM_KIND_ACK, 0);
    publish_packet();
}

// --- receiving -----------------------------------------------------------------------------------

void FastMessages::progress() {
    if (extract()) return;
    host_.compute(host_.machine().fm_poll_ps, "FM poll");
    host_.wait();
}

/// A packet, if there is one.
bool FastMessages::extract() {
    host_.look();
    const std::byte* end = slots_.data() + (at_ + 1) * ring_.stride() - 4;
    const std::uint32_t footer = load_word(end), bytes = footer & 0xffff;
    if (footer >> 16 != (lap_ & 0xffff)) return false;
    host_.compute(host_.machine().fm_packet_ps, "FM packet");
    if (++at_ == ring_.slots) {
        at_ = 0;
        ++lap_;
    }
    const std::byte* from = end - bytes;
    take({load_word(from), load_word(from + 4), load_word(from + 8), load_word(from + 12)},
         from + sizeof(papers::Header));
    return true;
}

void FastMessages::take(const papers::Header& header, const std::byte* payload) {
    credits_ += header.length & 0xffff;
    const std::size_t bytes = header.length >> 16;
    if (header.type == papers::type_of(FM_KIND_ACK)) return;
    if (received_ == 0) {
        host_.compute(host_.machine().fm_handler_ps, "handler");
        destination_ = on_message(payload, header.total);
    }
    const std::size_t skip = received_ == 0 ? destination_.taken : 0;
    if (bytes > skip)
        host_.copy(destination_.to + (received_ + skip - destination_.taken), payload + skip,
                   bytes - skip);
    received_ += bytes;
    if (received_ == header.total) {
        received_ = 0;
        on_end();
    }
    // What was taken may be filled again.
    if (++owed_ >= window_ / 2) return_credits();
}

FastMessages::Destination FastMessages::on_message(const std::byte*, std::size_t) {
    return {to_, 0};
}

std::unique_ptr<Messages> open_fm1(Pair& pair, unsigned node) {
    return std::make_unique<FastMessages>(pair, node, papers::kFm1);
}

std::unique_ptr<Messages> open_fm2(Pair& pair, unsigned node) {
    return std::make_unique<FastMessages>(pair, node, papers::kFm2);
}

}  // namespace fm_bench
