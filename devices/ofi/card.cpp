#include "devices/ofi/card.hpp"

#include <sodium.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "adi/base/hex.hpp"

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
    crypto_auth_hmacsha256_state state;
    const auto add = [&](const void* bytes, std::size_t n) {
        crypto_auth_hmacsha256_update(&state, static_cast<const unsigned char*>(bytes), n);
    };
    crypto_auth_hmacsha256_init(&state, reinterpret_cast<const unsigned char*>(secret.data()),
                                secret.size());
    constexpr std::string_view kRole = "fathom ofi frame";
    add(kRole.data(), kRole.size());
    add(&from, sizeof from);
    add(&to, sizeof to);
    add(card.data(), card.size());
    std::array<std::uint8_t, crypto_auth_hmacsha256_BYTES> whole;
    crypto_auth_hmacsha256_final(&state, whole.data());
    Proof proof;
    std::memcpy(proof.data(), whole.data(), proof.size());
    return proof;
}

bool same(const Proof& a, const Proof& b) {
    return sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace dev::ofi
