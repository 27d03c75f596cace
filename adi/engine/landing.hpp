// Zero copy, the receiver's side: which of a receive's memory is open for its sender's puts.
#pragma once

#include <array>
#include <cstdint>

#include "adi/device.hpp"

namespace adi {

/// Belongs to a receive whose message comes by puts (Request::landing), from the match to the end.
/// Devices register a bounded amount of memory at a time, so a long message lands in windows, two
/// at a time: while one is filled the sender already has the next.
struct Landing {
    static constexpr std::size_t kWindows = 2;
    struct Window {
        std::uint64_t offset = 0;  ///< in the message
        std::uint64_t bytes = 0;
        std::uint64_t head_bytes = 0;
        MemoryKey key;
    };

    Landing* next = nullptr;  ///< in the list of spare ones
    std::array<Window, kWindows> windows;
    std::size_t first = 0;  ///< the oldest open window: grants are answered in order
    std::size_t open = 0;
    std::uint64_t granted_bytes = 0;  ///< of the message, from its start, its lead included
    std::uint32_t sender_cookie = 0;
};

}  // namespace adi
