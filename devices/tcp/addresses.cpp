#include "devices/tcp/addresses.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>

namespace dev::tcp {

namespace {

sockaddr_in& v4(sockaddr_storage& s) {
    return reinterpret_cast<sockaddr_in&>(s);
}
const sockaddr_in& v4(const sockaddr_storage& s) {
    return reinterpret_cast<const sockaddr_in&>(s);
}
sockaddr_in6& v6(sockaddr_storage& s) {
    return reinterpret_cast<sockaddr_in6&>(s);
}
const sockaddr_in6& v6(const sockaddr_storage& s) {
    return reinterpret_cast<const sockaddr_in6&>(s);
}

struct Bits {
    const unsigned char* bytes;
    int count;
};
Bits bits_of(const Address& a) {
    if (a.family() == AF_INET) {
        return {reinterpret_cast<const unsigned char*>(&v4(a.storage).sin_addr), 32};
    }
    return {v6(a.storage).sin6_addr.s6_addr, 128};
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (!text.empty()) {
        const std::size_t at = text.find(separator);
        if (at != 0) parts.push_back(text.substr(0, at));
        text = at == std::string_view::npos ? std::string_view{} : text.substr(at + 1);
    }
    return parts;
}

template <class Number>
std::optional<Number> parse_number(std::string_view text, Number most) {
    Number value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value > most) return {};
    return value;
}

std::optional<Address> parse_plain(std::string_view text) {
    const std::string word(text);
    Address a;
    if (word.find('\0') != std::string::npos) return {};
    if (::inet_pton(AF_INET, word.c_str(), &v4(a.storage).sin_addr) == 1) {
        a.storage.ss_family = AF_INET;
        return a;
    }
    if (::inet_pton(AF_INET6, word.c_str(), &v6(a.storage).sin6_addr) == 1) {
        a.storage.ss_family = AF_INET6;
        return a;
    }
    return {};
}

/// Does a word of FATHOM_TCP_INTERFACE mean this one?
bool names(std::string_view word, const Interface& interface) {
    if (word == interface.name) return true;
    const std::size_t slash = word.find('/');
    const std::optional<Address> network = parse_plain(word.substr(0, slash));
    if (!network || network->family() != interface.address.family()) return false;
    int bits = bits_of(*network).count;
    if (slash != std::string_view::npos) {
        const auto given = parse_number<int>(word.substr(slash + 1), bits);
        if (!given || *given < 0) return false;
        bits = *given;
    }
    return network->shares(interface.address, bits);
}

}  // namespace

std::uint16_t Address::port() const {
    return ntohs(family() == AF_INET ? v4(storage).sin_port : v6(storage).sin6_port);
}

void Address::set_port(std::uint16_t port) {
    (family() == AF_INET ? v4(storage).sin_port : v6(storage).sin6_port) = htons(port);
}

std::string Address::text() const {
    char plain[INET6_ADDRSTRLEN] = "?";
    const bool is_v4 = family() == AF_INET;
    const void* raw = is_v4 ? static_cast<const void*>(&v4(storage).sin_addr)
                            : static_cast<const void*>(&v6(storage).sin6_addr);
    ::inet_ntop(family(), raw, plain, sizeof plain);
    const std::string host = is_v4 ? plain : '[' + std::string(plain) + ']';
    return host + ':' + std::to_string(port());
}

std::optional<Address> Address::parse(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return {};
    std::string_view host = text.substr(0, colon);
    const bool bracketed = host.size() >= 2 && host.starts_with('[') && host.ends_with(']');
    if (bracketed) host = host.substr(1, host.size() - 2);
    std::optional<Address> address = parse_plain(host);
    const auto port = parse_number<std::uint32_t>(text.substr(colon + 1), 65535);
    if (!address || !port || bracketed != (address->family() == AF_INET6)) return {};
    address->set_port(static_cast<std::uint16_t>(*port));
    return address;
}

bool Address::shares(const Address& other, int bits) const {
    if (family() != other.family()) return false;
    const Bits a = bits_of(*this), b = bits_of(other);
    bits = std::min(bits, a.count);
    if (std::memcmp(a.bytes, b.bytes, static_cast<std::size_t>(bits / 8)) != 0) return false;
    return bits % 8 == 0 || (a.bytes[bits / 8] ^ b.bytes[bits / 8]) >> (8 - bits % 8) == 0;
}

std::vector<Interface> list_interfaces() {
    std::vector<Interface> found;
    ifaddrs* all = nullptr;
    if (::getifaddrs(&all) != 0) return found;
    for (const ifaddrs* at = all; at != nullptr; at = at->ifa_next) {
        if (at->ifa_addr == nullptr || at->ifa_netmask == nullptr || (at->ifa_flags & IFF_UP) == 0)
            continue;
        const int family = at->ifa_addr->sa_family;
        if (family != AF_INET && family != AF_INET6) continue;
        Interface i;
        i.name = at->ifa_name;
        i.address.storage.ss_family = static_cast<sa_family_t>(family);
        std::memcpy(&i.address.storage, at->ifa_addr, i.address.size());
        i.address.set_port(0);
        Address mask;
        mask.storage.ss_family = static_cast<sa_family_t>(family);
        std::memcpy(&mask.storage, at->ifa_netmask, mask.size());
        mask.storage.ss_family = static_cast<sa_family_t>(family);
        const Bits bits = bits_of(mask);
        for (int byte = 0; byte < bits.count / 8; ++byte)
            i.prefix_bits += std::popcount(bits.bytes[byte]);
        // By the address: a host may have its own one on the loopback interface.
        i.loopback = family == AF_INET ? bits_of(i.address).bytes[0] == 127
                                       : IN6_IS_ADDR_LOOPBACK(&v6(i.address.storage).sin6_addr);
        i.link_local = family == AF_INET6 ? IN6_IS_ADDR_LINKLOCAL(&v6(i.address.storage).sin6_addr)
                                          : bits_of(i.address).bytes[0] == 169 &&
                                                bits_of(i.address).bytes[1] == 254;
        found.push_back(i);
    }
    ::freeifaddrs(all);
    return found;
}

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
