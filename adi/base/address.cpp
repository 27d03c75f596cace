#include "adi/base/address.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "adi/base/number.hpp"

namespace adi {

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

const unsigned char* bytes_of(const Address& a) {
    if (a.family() == AF_INET) {
        return reinterpret_cast<const unsigned char*>(&v4(a.storage).sin_addr);
    }
    return v6(a.storage).sin6_addr.s6_addr;
}

}  // namespace

std::uint16_t Address::port() const {
    return ntohs(family() == AF_INET ? v4(storage).sin_port : v6(storage).sin6_port);
}

void Address::set_port(std::uint16_t port) {
    (family() == AF_INET ? v4(storage).sin_port : v6(storage).sin6_port) = htons(port);
}

std::string Address::host_text() const {
    char plain[INET6_ADDRSTRLEN] = "?";
    const bool is_v4 = family() == AF_INET;
    const void* raw = is_v4 ? static_cast<const void*>(&v4(storage).sin_addr)
                            : static_cast<const void*>(&v6(storage).sin6_addr);
    ::inet_ntop(family(), raw, plain, sizeof plain);
    return is_v4 ? plain : '[' + std::string(plain) + ']';
}

std::string Address::text() const {
    return host_text() + ':' + std::to_string(port());
}

std::optional<Address> Address::parse_host(std::string_view text) {
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

std::optional<Address> Address::parse(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return {};
    std::string_view host = text.substr(0, colon);
    const bool bracketed = host.size() >= 2 && host.starts_with('[') && host.ends_with(']');
    if (bracketed) host = host.substr(1, host.size() - 2);
    std::optional<Address> address = parse_host(host);
    const auto port = parse_number_within<std::uint16_t>(text.substr(colon + 1), 0, 65535);
    if (!address || !port || bracketed != (address->family() == AF_INET6)) return {};
    address->set_port(*port);
    return address;
}

bool Address::shares(const Address& other, int first) const {
    if (family() != other.family()) return false;
    const unsigned char *a = bytes_of(*this), *b = bytes_of(other);
    first = std::min(first, bits());
    if (std::memcmp(a, b, static_cast<std::size_t>(first / 8)) != 0) return false;
    return first % 8 == 0 || (a[first / 8] ^ b[first / 8]) >> (8 - first % 8) == 0;
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
        for (int byte = 0; byte < mask.bits() / 8; ++byte)
            i.prefix_bits += std::popcount(bytes_of(mask)[byte]);
        i.loopback = family == AF_INET ? bytes_of(i.address)[0] == 127
                                       : IN6_IS_ADDR_LOOPBACK(&v6(i.address.storage).sin6_addr);
        i.link_local = family == AF_INET6
                           ? IN6_IS_ADDR_LINKLOCAL(&v6(i.address.storage).sin6_addr)
                           : bytes_of(i.address)[0] == 169 && bytes_of(i.address)[1] == 254;
        i.on_loopback = (at->ifa_flags & IFF_LOOPBACK) != 0;
        found.push_back(i);
    }
    ::freeifaddrs(all);
    return found;
}

}  // namespace adi
