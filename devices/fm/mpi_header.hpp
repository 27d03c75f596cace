// How the header of a message of MPI travels: most are short of 24 bytes by what is zero in them,
// and what the packet says anyhow. FORMAT.md draws the three forms.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "adi/device.hpp"

namespace dev::fm {

struct MpiHeader {
    /// The handler's id names the form in its upper 4 bits; in the shorter ones kind and context
    /// follow.
    static constexpr std::uint32_t kFull = 0x4d504931;
    static constexpr std::uint32_t kWhole =
        0xc;  ///< the message is one packet, which says how long
    static constexpr std::uint32_t kShort = 0xd;
    static constexpr std::uint32_t kMostBytes = sizeof(adi::Header);

    std::uint32_t handler = kFull;
    std::uint32_t bytes = 0;
    std::array<std::uint32_t, kMostBytes / 4> words{};

    /// `whole`: the message is sent as one packet.
    static MpiHeader pack(const adi::Header& h, bool whole) {
        MpiHeader packed;
        if ((h.flags | h.zero | h.cookie) != 0 || h.kind > 0xf || h.context > 0xffffff) {
            packed.bytes = sizeof h;
            std::memcpy(packed.words.data(), &h, sizeof h);
            return packed;
        }
        const std::uint32_t form = whole ? kWhole : kShort;
        packed.handler = form << 28 | std::uint32_t{h.kind} << 24 | h.context;
        packed.bytes = whole ? 8 : 12;
        packed.words[0] = static_cast<std::uint32_t>(h.source);
        packed.words[1] = static_cast<std::uint32_t>(h.tag);
        packed.words[2] = h.bytes;
        return packed;
    }

    /// How long the form is that a handler's id names; 0: none of MPI's.
    static std::uint32_t bytes_of(std::uint32_t handler) {
        if (handler == kFull) return kMostBytes;
        if (handler >> 28 == kWhole) return 8;
        return handler >> 28 == kShort ? 12 : 0;
    }

    /// All `bytes` have come; with so many bytes behind them in their packet.
    adi::Header unpack(std::uint32_t behind) const {
        adi::Header h;
        if (handler == kFull) {
            std::memcpy(static_cast<void*>(&h), words.data(), sizeof h);
            return h;
        }
        h.context = handler & 0xffffff;
        h.kind = handler >> 24 & 0xf;
        h.source = static_cast<std::int32_t>(words[0]);
        h.tag = static_cast<std::int32_t>(words[1]);
        h.bytes = handler >> 28 == kWhole ? behind : words[2];
        return h;
    }
};

}  // namespace dev::fm
