// What a device's business card is published as: behind the number of the bytes that its process
// speaks, so that ranks of different builds refuse each other in words.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "adi/base/number.hpp"
#include "adi/base/status.hpp"

namespace adi {

/// Counts what ranks say to each other: adi::Header, the engine's control messages
/// (adi/engine/protocol.hpp), and of each device its card and its bytes (FORMAT.md beside it). Who
/// changes one of these raises it by one.
inline constexpr int kWireFormat = 2;

inline std::string published(std::string_view card, int format = kWireFormat) {
    return std::to_string(format) + '/' + std::string(card);
}

/// The card in what `rank` has published; where it speaks other bytes, a sentence about that.
inline Result<std::string> card_in(std::string_view text, std::uint32_t rank) {
    const std::size_t end = std::min(text.find('/'), text.size());
    const int format = parse_number<int>(text.substr(0, end)).value_or(0);
    if (end < text.size() && format == kWireFormat) return std::string(text.substr(end + 1));
    return {Status::unsupported, "rank " + std::to_string(rank) +
                                     " has another build of Fathom: it speaks wire format " +
                                     std::to_string(format) + ", and this process " +
                                     std::to_string(kWireFormat) +
                                     "; all ranks of a job need the same"};
}

}  // namespace adi
