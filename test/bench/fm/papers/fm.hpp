// Fast Messages on a host: messages cut into packets, which are stored into the board's slots as
// they are gathered; credits; packets taken out of the ring and copied to where a handler says.
#pragma once

#include <cstddef>
#include <cstdint>

#include "firmware/papers/layout.hpp"
#include "messages.hpp"

namespace fm_bench {

class FastMessages : public Messages {
  public:
    FastMessages(Pair& pair, unsigned node, const firmware::papers::Ring& ring);

    void send(const std::byte* from, std::size_t bytes) override;
    void post(std::byte* to, std::size_t bytes) override;
    void wait() override;

  protected:
    void begin_message(std::size_t bytes);
    void send_piece(const std::byte* from, std::size_t bytes);
    void end_message();

    /// Where a handler wants its message, but for the first bytes, which it has taken itself.
    struct Destination {
        std::byte* to;
        std::size_t taken;
    };
    /// A handler starts: the first packet of a message of `total` bytes is there.
    virtual Destination on_message(const std::byte* payload, std::size_t total);
    /// All its bytes are in place.
    virtual void on_end() { ++arrived_; }

    /// Takes a packet, or waits for the board to write one.
    void progress();

    Host& host_;
    std::uint64_t arrived_ = 0;

  private:
    void open_packet();
    void publish_packet();
    std::uint32_t store_header(std::uint32_t kind, std::uint32_t payload);
    void return_credits();
    bool extract();
    void take(const firmware::papers::Header& header, const std::byte* payload);

    const firmware::papers::Ring ring_;
    const unsigned node_;
    const std::uint32_t window_;

    // Sending.
    std::uint32_t credits_, published_ = 0, taken_ = 0, slot_ = 0;
    std::size_t left_ = 0, total_ = 0;           // of the message
    std::uint32_t fill_ = 0, packet_bytes_ = 0;  // of the packet that is open
    std::uint32_t place_ = 0;                    // of its payload, in SRAM

    // Receiving.
    std::span<std::byte> slots_;
    std::uint32_t at_ = 0, lap_ = 1, owed_ = 0;
    Destination destination_{};
    std::size_t received_ = 0;  // of the message that is coming
    std::byte* to_ = nullptr;
    std::uint64_t waited_ = 0;
};

}  // namespace fm_bench
