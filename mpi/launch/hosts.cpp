#include "mpi/launch/hosts.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>

namespace launch {

namespace {

bool is_interface_address(const std::string& name) {
    in_addr v4 = {};
    in6_addr v6 = {};
    const bool is_v4 = ::inet_pton(AF_INET, name.c_str(), &v4) == 1;
    if (!is_v4 && ::inet_pton(AF_INET6, name.c_str(), &v6) != 1) return false;
    ifaddrs* all = nullptr;
    if (::getifaddrs(&all) != 0) return false;
    bool found = false;
    for (const ifaddrs* at = all; at != nullptr && !found; at = at->ifa_next) {
        if (at->ifa_addr == nullptr) continue;
        if (is_v4 && at->ifa_addr->sa_family == AF_INET) {
            const auto* address = reinterpret_cast<const sockaddr_in*>(at->ifa_addr);
            found = address->sin_addr.s_addr == v4.s_addr;
        } else if (!is_v4 && at->ifa_addr->sa_family == AF_INET6) {
            const auto* address = reinterpret_cast<const sockaddr_in6*>(at->ifa_addr);
            found = std::equal(std::begin(v6.s6_addr), std::end(v6.s6_addr),
                               std::begin(address->sin6_addr.s6_addr));
        }
    }
    ::freeifaddrs(all);
    return found;
}

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

}  // namespace

std::string host_name() {
    char name[256] = "";
    if (::gethostname(name, sizeof name - 1) != 0 || *name == '\0') return "localhost";
    return name;
}

bool is_this_host(const std::string& text) {
    const std::string name = lower(text);
    const std::string own = lower(host_name());
    if (name == "localhost" || name == "ip6-localhost" || name == "::1" || name == own) return true;
    if (name.starts_with("127.") && is_interface_address("127.0.0.1")) return true;
    // node7 and node7.cluster.example are the same host when one of them has no domain.
    const bool either_short =
        (name.find('.') == std::string::npos) != (own.find('.') == std::string::npos);
    if (either_short && name.substr(0, name.find('.')) == own.substr(0, own.find('.'))) return true;
    return is_interface_address(name);
}

std::vector<std::string> host_addresses() {
    std::vector<std::string> found[2];
    ifaddrs* all = nullptr;
    if (::getifaddrs(&all) != 0) return {};
    for (const ifaddrs* at = all; at != nullptr; at = at->ifa_next) {
        if (at->ifa_addr == nullptr || (at->ifa_flags & (IFF_UP | IFF_LOOPBACK)) != IFF_UP)
            continue;
        char text[INET6_ADDRSTRLEN] = "";
        if (at->ifa_addr->sa_family == AF_INET) {
            const auto* address = reinterpret_cast<const sockaddr_in*>(at->ifa_addr);
            ::inet_ntop(AF_INET, &address->sin_addr, text, sizeof text);
            found[0].emplace_back(text);
        } else if (at->ifa_addr->sa_family == AF_INET6) {
            const auto* address = reinterpret_cast<const sockaddr_in6*>(at->ifa_addr);
            // A link's own address says nothing at another link.
            if (IN6_IS_ADDR_LINKLOCAL(&address->sin6_addr)) continue;
            ::inet_ntop(AF_INET6, &address->sin6_addr, text, sizeof text);
            found[1].push_back('[' + std::string(text) + ']');
        }
    }
    ::freeifaddrs(all);
    found[0].insert(found[0].end(), found[1].begin(), found[1].end());
    return found[0];
}

}  // namespace launch
