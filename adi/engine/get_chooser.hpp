// Which way is faster for a long message on this machine: that the receiver fetches it (get), or
// that the sender streams it? That depends on the kernel, the caches and how many processes share
// the cores, so it is found out with the first real messages of each size.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace adi {

/// Per power of two of the length: the best time per byte seen of either way. Each is tried twice;
/// then the better one is used, and the other tried again every 64th time, since the machine may
/// change. Streams overlap, so they are measured by busy periods: from the moment when one is under
/// way until none is.
class GetChooser {
  public:
    enum class Way : std::uint8_t { get, stream };

    Way choose(std::uint64_t bytes) {
        Size& s = size_of(bytes);
        const auto n = ++s.messages;
        if (n <= 4) return n % 2 == 0 ? Way::get : Way::stream;
        // What could not be measured yet counts as 0: it is tried until it is.
        const Way better = s.get_ns < s.stream_ns ? Way::get : Way::stream;
        if (n % 64 != 0) return better;
        return better == Way::get ? Way::stream : Way::get;
    }

    /// A message was fetched in `ns`.
    void got(std::uint64_t bytes, std::int64_t ns) {
        note(size_of(bytes).get_ns, ns, bytes);
        mixed_ = streams_ > 0;
    }

    /// A message was asked for, at `now_ns`; stream_done() follows when it is here.
    void stream_started(std::int64_t now_ns) {
        if (streams_++ != 0) return;
        period_start_ns_ = now_ns;
        period_bytes_ = 0;
        mixed_ = false;
    }
    void stream_done(std::uint64_t bytes, std::int64_t now_ns) {
        period_bytes_ += bytes;
        if (--streams_ != 0 || mixed_) return;
        note(size_of(bytes).stream_ns, now_ns - period_start_ns_, period_bytes_);
    }

  private:
    struct Size {
        std::uint32_t messages = 0;
        double get_ns = 0;  ///< best time per byte; 0: none yet
        double stream_ns = 0;
    };
    /// The best time fades slowly.
    static void note(double& best, std::int64_t ns, std::uint64_t bytes) {
        const double per_byte = static_cast<double>(ns) / static_cast<double>(bytes);
        best = best == 0 ? per_byte : std::min(per_byte, best * 1.05);
    }
    Size& size_of(std::uint64_t bytes) {
        return sizes_[static_cast<std::size_t>(std::bit_width(bytes)) % 64];
    }
    std::array<Size, 64> sizes_{};
    int streams_ = 0;     ///< under way
    bool mixed_ = false;  ///< the period also spent time on fetching
    std::int64_t period_start_ns_ = 0;
    std::uint64_t period_bytes_ = 0;
};

}  // namespace adi
