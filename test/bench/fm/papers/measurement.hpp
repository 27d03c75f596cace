// What is measured of a system: a ping-pong, a stream, streams both ways.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "messages.hpp"

namespace fm_bench {

/// One measurement: a pair of its own, with a buffer to send and one to receive on each node. The
/// contents are checked; a wrong byte ends the program.
class Measurement {
  public:
    /// `trace`: a file to write, or empty. The buffers begin `offset` bytes into a page.
    Measurement(const System& system, std::size_t bytes, const std::string& trace = {},
                std::size_t offset = 0);

    /// Half a round trip, as BIP's authors measure: send, then receive; and the other way round.
    double ping_pong_us(int count);
    /// Node 0 streams, until node 1 has taken the last one: for each message.
    double stream_us(int count);
    /// Both do.
    double exchange_us(int count);

  private:
    void send(unsigned node);
    void receive(unsigned node);
    void check(unsigned node);

    const std::size_t bytes_;
    Pair pair_;
    std::unique_ptr<Messages> messages_[Pair::kNodes];
    std::span<std::byte> out_[Pair::kNodes], in_[Pair::kNodes];
};

}  // namespace fm_bench
