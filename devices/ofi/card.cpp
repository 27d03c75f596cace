#include "devices/ofi/card.hpp"

#include <algorithm>
#include <utility>

#include "adi/base/hex.hpp"
#include "adi/base/hmac.hpp"
#include "adi/base/number.hpp"

namespace dev::ofi {

std::string Card::text() const {
    std::string text = provider;
    std::replace(text.begin(), text.end(), ';', '+');
    text += '/' + adi::to_hex(address);
    return tag_bits == 0 ? text : text + '/' + std::to_string(tag_bits);
}

std::optional<Card> Card::parse(std::string_view text) {
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos || slash == 0 || text.size() > kMostCardBytes) return {};
    Card card;
    card.provider = text.substr(0, slash);
    std::replace(card.provider.begin(), card.provider.end(), '+', ';');
    std::string_view rest = text.substr(slash + 1);
    if (const std::size_t second = rest.find('/'); second != std::string_view::npos) {
        const std::optional<unsigned> bits = adi::parse_number<unsigned>(rest.substr(second + 1));
        if (!bits || *bits == 0 || *bits > 64) return {};
        card.tag_bits = *bits;
        rest = rest.substr(0, second);
    }
    std::optional<std::vector<std::uint8_t>> address = adi::from_hex(rest);
    if (!address || address->empty()) return {};
    card.address = std::move(*address);
    return card;
}

Proof make_proof(std::string_view secret, adi::Peer from, adi::Peer to, std::string_view card) {
    constexpr std::string_view kRole = "fathom ofi frame";
    return adi::Hmac(secret)
        .add(kRole)
        .add_value(from)
        .add_value(to)
        .add(card)
        .finish<sizeof(Proof)>();
}

}  // namespace dev::ofi
