// What a board does, written into a trace.
#pragma once

#include "firmware/emulator/board.hpp"
#include "firmware/emulator/trace.hpp"

namespace emulator {

class TracedBoard final : public BoardWatcher {
  public:
    TracedBoard(std::uint32_t board, Trace& trace) : board_(board), trace_(trace) {}
    void dma(Time begin, Time end, std::uint32_t bytes, bool to_host) override {
        trace_.span(board_, Trace::Lane::dma, to_host ? "to host" : "from host", begin, end, bytes);
    }
    // The network tells of packets, since it knows what they are.
    void sent(Time, Time, std::uint32_t) override {}
    void received(Time, Time, std::uint32_t) override {}
    void worked(Time begin, Time end) override {
        trace_.span(board_, Trace::Lane::lanai, "work", begin, end);
    }

  private:
    std::uint32_t board_;
    Trace& trace_;
};

}  // namespace emulator
