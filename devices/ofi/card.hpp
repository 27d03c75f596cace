// What a process publishes, and what proves that a frame is from a process of the job.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adi/device.hpp"

namespace dev::ofi {

/// A process's business card: its provider, and the endpoint's address as the provider gives it.
struct Card {
    std::string provider;
    std::vector<std::uint8_t> address;
    /// By tags of so many bits the provider matches, for all that this process sends and receives;
    /// 0: it does not.
    unsigned tag_bits = 0;
    /// "tcp+ofi_rxm/0200c3a1…", "shm/6669…/64": printable, without spaces, '=' or ';'.
    std::string text() const;
    static std::optional<Card> parse(std::string_view text);
};
/// A business card has no more room.
inline constexpr std::size_t kMostCardBytes = 512;

/// In each frame: that who sent it knows the job's secret. It depends on who sends and on who
/// receives, and for one pair never changes.
using Proof = std::array<std::uint8_t, 16>;
/// Of frames from rank `from` to rank `to`, whose card is `card`: the beginning of an HMAC-SHA-256
/// with the secret as the key.
Proof make_proof(std::string_view secret, adi::Peer from, adi::Peer to, std::string_view card);

}  // namespace dev::ofi
