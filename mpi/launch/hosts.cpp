#include "mpi/launch/hosts.hpp"

#include <algorithm>
#include <cctype>
#include <optional>

#include "adi/base/address.hpp"
#include "adi/base/host.hpp"

namespace launch {

namespace {

bool is_interface_address(const std::string& name) {
    const std::optional<adi::Address> address = adi::Address::parse_host(name);
    const std::vector<adi::Interface> all = adi::list_interfaces();
    return address && std::any_of(all.begin(), all.end(), [&](const adi::Interface& i) {
               return i.address.shares(*address, address->bits());
           });
}

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

}  // namespace

bool is_this_host(const std::string& text) {
    const std::string name = lower(text);
    const std::string own = lower(adi::host_name());
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
    for (const adi::Interface& i : adi::list_interfaces()) {
        const bool is_v6 = i.address.family() == AF_INET6;
        // A link's own address says nothing at another link.
        if (i.on_loopback || (is_v6 && i.link_local)) continue;
        found[is_v6].push_back(i.address.host_text());
    }
    found[0].insert(found[0].end(), found[1].begin(), found[1].end());
    return found[0];
}

}  // namespace launch
