// Which way is faster for a long message on this machine: that the receiver fetches it (get), or
// that the sender streams it? That depends on the kernel, the caches and how many processes share
// the cores, so it is found out with the first real messages of each size.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace adi {

/// Per power of two of the length: the best time seen of either way. Each is tried twice; then the
/// better one is used, and the other tried again every 64th time, since the machine may change.
class GetChooser {
  public:
    enum class Way : std::uint8_t { get, stream };

    Way choose(std::uint64_t bytes) {
        Size& s = size_of(bytes);
        const auto n = ++s.messages;
        const Way tried = n % 2 == 0 ? Way::get : Way::stream;
        if (n <= 4) return tried;
        const Way better = s.ns[0] <= s.ns[1] ? Way::get : Way::stream;
        if (n % 64 != 0) return better;
        return better == Way::get ? Way::stream : Way::get;
    }

    /// A message of that length took `ns` that way. The best time fades slowly.
    void note(Way way, std::uint64_t bytes, std::int64_t ns) {
        const double per_byte = static_cast<double>(ns) / static_cast<double>(bytes);
        double& best = size_of(bytes).ns[way == Way::get ? 0 : 1];
        best = std::min(per_byte, best * 1.05);
    }

  private:
    struct Size {
        std::uint32_t messages = 0;
        std::array<double, 2> ns{1e9, 1e9};  ///< per byte: by get, by stream
    };
    Size& size_of(std::uint64_t bytes) {
        return sizes_[static_cast<std::size_t>(std::bit_width(bytes)) % 64];
    }
    std::array<Size, 64> sizes_{};
};

}  // namespace adi
