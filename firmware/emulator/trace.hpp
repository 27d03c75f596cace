// A trace of what the emulator does, for ui.perfetto.dev: per board a process with the lanes host,
// PIO, LANai, wire, DMA, handler (host, PIO and handler in modelled time only). Whoever traces
// holds a `Trace*` that is null when tracing is off, so that off costs one test.
#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "adi/base/status.hpp"
#include "firmware/emulator/cable.hpp"
#include "firmware/protocol/attach.h"

namespace emulator {

class Trace {
  public:
    enum class Lane : std::uint8_t { host, pio, lanai, wire, dma, handler };
    static constexpr std::size_t kLanes = 6;

    /// Makes the file. The trace is whole once the object is gone; a reader also takes one that was
    /// cut short.
    static adi::Result<std::unique_ptr<Trace>> open(const std::string& path);
    ~Trace();
    Trace(const Trace&) = delete;
    Trace& operator=(const Trace&) = delete;

    /// Something that took time. `bytes` is shown when it is not negative. Spans of one lane may
    /// overlap (full duplex); they are drawn below each other.
    void span(std::uint32_t board, Lane lane, std::string_view name, Time begin, Time end,
              std::int64_t bytes = -1);
    /// A moment.
    void mark(std::uint32_t board, Lane lane, std::string_view name, Time when);

    std::uint64_t events() const { return events_; }

  private:
    explicit Trace(std::FILE* file) : file_(file) {}
    void lane(std::uint32_t board, Lane lane);
    void begin_event();
    void text(std::string_view words);

    std::FILE* file_;
    std::uint64_t events_ = 0;
    std::array<std::uint8_t, 256> named_{};  // by board: bit per lane that was announced
};

/// Takes what a process has told (firmware/protocol/attach.h) into the lanes of its board. Believes
/// none of it.
void take_host_trace(fm_host_trace& from, std::uint32_t board, Trace& trace);

}  // namespace emulator
