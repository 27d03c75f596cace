#include "devices/ofi/card.hpp"

#include <algorithm>
#include <utility>

#include "adi/base/hex.hpp"
#include "adi/base/hmac.hpp"

namespace dev::ofi {

std::string Card::text() const {
    std::string text = provider;
    std::replace(text.begin(), text.end(), ';', '+');
    return text + '/' + adi::to_hex(address);
}

std::optional<Card> Card::parse(std::string_view text) {
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos || slash == 0 || text.size() > kMostCardBytes) return {};
    Card card;
    card.provider = text.substr(0, slash);
    std::replace(card.provider.begin(), card.provider.end(), '+', ';');
    std::optional<std::vector<std::uint8_t>> address = adi::from_hex(text.substr(slash + 1));
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
