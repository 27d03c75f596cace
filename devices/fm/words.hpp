// The two user words of a packet, which the firmware carries and does not look at. FORMAT.md draws
// them.
#pragma once

#include <cstdint>

namespace dev::fm {

struct Words {
    static constexpr std::uint8_t kFirst = 1;  ///< a message begins with this packet
    static constexpr std::uint8_t kLast = 2;   ///< and ends with it
    static constexpr std::uint8_t kWhole = kFirst | kLast;
    static constexpr std::uint8_t kCredit = 4;  ///< no part of a message: the credits count

    std::uint8_t flags = 0;
    std::uint8_t serial = 0;    ///< of the message, modulo 256
    std::uint16_t credits = 0;  ///< packets of the addressee that were consumed here, modulo 65536
    /// With kFirst the handler; else the offset of the first byte in the message, modulo 2^32.
    std::uint32_t second = 0;

    std::uint32_t first() const {
        return std::uint32_t{flags} << 24 | std::uint32_t{serial} << 16 | credits;
    }
    /// The part of first() that all packets of a message have, and its first one.
    static constexpr std::uint32_t begin(std::uint8_t flags, std::uint8_t serial) {
        return std::uint32_t{flags} << 24 | std::uint32_t{serial} << 16;
    }
    static constexpr std::uint32_t kLastBit = std::uint32_t{kLast} << 24;
    static constexpr std::uint32_t kSerialBits = 0xff0000;
    static Words from(std::uint32_t first, std::uint32_t second) {
        return {static_cast<std::uint8_t>(first >> 24), static_cast<std::uint8_t>(first >> 16),
                static_cast<std::uint16_t>(first), second};
    }
};

}  // namespace dev::fm
