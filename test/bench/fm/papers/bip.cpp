// BIP's library. A short message is stored into a slot, and copied out of the ring at the receiver;
// for a long one the library describes the pages to the board, which does the rest. Looks are at
// host memory alone.
#include <algorithm>
#include <cstddef>
#include <cstring>

#include "firmware/papers/layout.hpp"
#include "messages.hpp"

namespace fm_bench {

namespace {

namespace papers = firmware::papers;

/// The adaptive strategy: short fragments pass sooner through the stages, long ones cost less in
/// all. The best is at the square root of the length times a constant, here the one that is
/// fastest.
std::uint32_t fragment_of(std::size_t bytes) {
    std::uint32_t fragment = 512;
    while (fragment < FM_PAGE_BYTES && std::size_t{fragment} * fragment < 128 * bytes)
        fragment *= 2;
    return fragment;
}

class Bip final : public Messages {
  public:
    Bip(Pair& pair, unsigned node) : host_(pair.host(node)), node_(node) {
        ring_ = host_.memory().allocate(papers::kBip.bytes());
        status_ = host_.memory().allocate(sizeof(papers::Status));
        pair.start_board(node, host_.memory().bus(ring_.data()),
                         host_.memory().bus(status_.data()));
    }

    void send(const std::byte* from, std::size_t bytes) override {
        host_.compute(host_.machine().fm_send_ps, "BIP send");
        if (bytes <= papers::kBip.payload) {
            store_packet(papers::kShort, from, bytes, bytes);
            return;
        }
        store_buffer(papers::kSendBuffer, from, bytes);
        store_packet(papers::kRequest, nullptr, 0, bytes);
        ++sends_;
        wait_for(
            [&] { return load_word(status_.data() + offsetof(papers::Status, sends)) == sends_; });
    }

    void post(std::byte* to, std::size_t bytes) override {
        to_ = to;
        bytes_ = bytes;
        if (bytes <= papers::kBip.payload) return;
        store_buffer(papers::kReceiveBuffer, to, bytes);
        store_packet(papers::kClear, nullptr, 0, 0);
        ++receives_;
    }

    void wait() override {
        if (bytes_ > papers::kBip.payload) {
            wait_for([&] {
                return load_word(status_.data() + offsetof(papers::Status, receives)) == receives_;
            });
            host_.compute(host_.machine().fm_packet_ps, "BIP receive");
            return;
        }
        const std::byte* end = ring_.data() + (at_ + 1) * papers::kBip.stride() - 4;
        wait_for([&] { return load_word(end) >> 16 == (lap_ & 0xffff); });
        host_.compute(host_.machine().fm_packet_ps, "BIP receive");
        host_.copy(to_, end - (load_word(end) & 0xffff) + sizeof(papers::Header), bytes_);
        if (++at_ == papers::kBip.slots) {
            at_ = 0;
            ++lap_;
        }
    }

  private:
    template <class Condition>
    void wait_for(Condition condition) {
        for (;;) {
            host_.look();
            if (condition()) return;
            host_.compute(host_.machine().fm_poll_ps, "BIP poll");
            host_.wait();
        }
    }

    void store_packet(std::uint32_t kind, const std::byte* from, std::size_t bytes,
                      std::size_t total) {
        while (published_ - taken_ == papers::kSlots)
            taken_ = host_.read(papers::kControl + offsetof(papers::Control, taken));
        std::byte packet[4 + sizeof(papers::Header) + papers::kBip.payload];
        const std::uint32_t words[] = {
            1 - node_, papers::type_of(kind), static_cast<std::uint32_t>(bytes),
            node_ << 24 | (published_ & 0xffff), static_cast<std::uint32_t>(total)};
        std::uint32_t stored[std::size(words)];
        std::transform(std::begin(words), std::end(words), stored, fm_be32);
        std::memcpy(packet, stored, sizeof stored);
        if (bytes > 0) std::memcpy(packet + sizeof stored, from, bytes);
        const std::uint32_t slot = published_ % papers::kSlots;
        host_.write(papers::kSendSlots + slot * papers::send_stride(papers::kBip.payload), packet,
                    sizeof stored + bytes);
        host_.publish(papers::kControl + offsetof(papers::Control, sent), ++published_);
    }

    /// Looks the pages up, and stores them.
    void store_buffer(std::uint32_t at, const std::byte* buffer, std::size_t bytes) {
        host_.compute(host_.machine().pin_ps, "pages");
        const std::uint32_t bus = host_.memory().bus(buffer), offset = bus % Memory::kPage;
        std::uint32_t words[sizeof(papers::Buffer) / 4] = {
            1 - node_, static_cast<std::uint32_t>(bytes), fragment_of(bytes), offset};
        std::size_t count = 4;
        for (std::size_t page = 0; page < offset + bytes; page += Memory::kPage)
            words[count++] = bus - offset + static_cast<std::uint32_t>(page);
        std::transform(words, words + count, words, fm_be32);
        host_.write(at, words, 4 * count);
    }

    Host& host_;
    const unsigned node_;
    std::span<std::byte> ring_, status_;
    std::uint32_t published_ = 0, taken_ = 0, sends_ = 0, receives_ = 0;
    std::uint32_t at_ = 0, lap_ = 1;
    std::byte* to_ = nullptr;
    std::size_t bytes_ = 0;
};

}  // namespace

std::unique_ptr<Messages> open_bip(Pair& pair, unsigned node) {
    return std::make_unique<Bip>(pair, node);
}

}  // namespace fm_bench
