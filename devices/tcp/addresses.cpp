#include "devices/tcp/addresses.hpp"

#include <algorithm>

#include "adi/base/number.hpp"

namespace dev::tcp {

namespace {

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (!text.empty()) {
        const std::size_t at = text.find(separator);
        if (at != 0) parts.push_back(text.substr(0, at));
        text = at == std::string_view::npos ? std::string_view{} : text.substr(at + 1);
    }
    return parts;
}

/// Does a word of FATHOM_TCP_INTERFACE mean this one?
bool names(std::string_view word, const Interface& interface) {
    if (word == interface.name) return true;
    const std::size_t slash = word.find('/');
    const std::optional<Address> network = Address::parse_host(word.substr(0, slash));
    if (!network || network->family() != interface.address.family()) return false;
    if (slash == std::string_view::npos) return network->shares(interface.address, 128);
    const auto bits = adi::parse_number_within<int>(word.substr(slash + 1), 0, network->bits());
    return bits && network->shares(interface.address, *bits);
}

}  // namespace

adi::Result<std::vector<Interface>> choose_interfaces(std::vector<Interface> all,
                                                      std::string_view only, bool alone) {
    std::vector<bool> wanted(all.size()), refused(all.size());
    bool any_wanted = false;
    for (std::string_view word : split(only, ',')) {
        const bool negative = word.starts_with('^');
        if (negative) word.remove_prefix(1);
        bool known = false;
        for (std::size_t i = 0; i < all.size(); ++i) {
            if (!names(word, all[i])) continue;
            known = true;
            (negative ? refused : wanted)[i] = true;
        }
        any_wanted = any_wanted || !negative;
        if (!known && !negative) {
            return {adi::Status::bad_argument,
                    "FATHOM_TCP_INTERFACE names \"" + std::string(word) +
                        "\", which is no interface, address or network of this host"};
        }
    }
    // A link's own addresses need to know the link at the other end, which a card cannot say.
    std::vector<Interface> chosen, others;
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (refused[i] || (any_wanted && !wanted[i]) || all[i].link_local) continue;
        const bool good = any_wanted || all[i].loopback == alone;
        (good ? chosen : others).push_back(all[i]);
    }
    return chosen.empty() ? others : chosen;
}

std::string Card::text() const {
    std::string text = host.substr(0, 64);
    for (const Address& address : addresses) {
        const std::string more = ',' + address.text();
        if (text.size() + more.size() <= kMostCardBytes) text += more;
    }
    return text;
}

std::optional<Card> Card::parse(std::string_view text) {
    const std::vector<std::string_view> parts = split(text, ',');
    if (parts.size() < 2 || text.size() > kMostCardBytes) return {};
    Card card;
    card.host = parts[0];
    for (std::size_t i = 1; i < parts.size(); ++i) {
        const std::optional<Address> address = Address::parse(parts[i]);
        if (!address || address->port() == 0) return {};
        card.addresses.push_back(*address);
    }
    return card;
}

std::vector<Address> by_preference(std::vector<Address> theirs, const std::vector<Interface>& mine,
                                   bool same_host) {
    const auto rank = [&](const Address& a) {
        int best = 1;
        for (const Interface& i : mine) {
            if (a.shares(i.address, 128)) return same_host ? 0 : 2;
            if (a.shares(i.address, i.prefix_bits)) best = 0;
        }
        return best;
    };
    std::stable_sort(theirs.begin(), theirs.end(),
                     [&](const Address& a, const Address& b) { return rank(a) < rank(b); });
    return theirs;
}

}  // namespace dev::tcp
