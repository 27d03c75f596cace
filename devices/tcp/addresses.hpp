// Addresses: those of this host that the job uses, and those that a peer's business card names.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adi/base/status.hpp"

namespace dev::tcp {

/// An IPv4 or IPv6 address with a port.
struct Address {
    sockaddr_storage storage{};

    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
    socklen_t size() const {
        return storage.ss_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    }
    int family() const { return storage.ss_family; }
    std::uint16_t port() const;
    void set_port(std::uint16_t port);
    /// "10.0.0.1:4000" or "[fd00::1]:4000".
    std::string text() const;
    /// The reverse; empty when it is no such thing.
    static std::optional<Address> parse(std::string_view text);
    /// Are the first bits the same?
    bool shares(const Address& other, int bits) const;
};

/// An address of this host and the length of its network's prefix.
struct Interface {
    std::string name;
    Address address;
    int prefix_bits = 0;
    bool loopback = false;
    bool link_local = false;
};

/// All that are up.
std::vector<Interface> list_interfaces();

/// Those that the job uses. `only`, FATHOM_TCP_INTERFACE's text, names interfaces, addresses or
/// networks ("eth0,10.0.0.0/8"), one with `^` in front being left out; when it is empty, the
/// loopback ones if all processes are on this host (`alone`), else all others; if there are none of
/// these, those. An error says which word names nothing here.
adi::Result<std::vector<Interface>> choose_interfaces(std::vector<Interface> all,
                                                      std::string_view only, bool alone);

/// What a process publishes: its host's name and where it listens.
struct Card {
    std::string host;
    std::vector<Address> addresses;
    std::string text() const;
    static std::optional<Card> parse(std::string_view text);
};
/// A business card has no more room.
inline constexpr std::size_t kMostCardBytes = 512;

/// A peer's addresses, best first: those on a network of this host's before others; and last, if it
/// is on another host, those that this host has as well, as bridges of containers do.
std::vector<Address> by_preference(std::vector<Address> theirs, const std::vector<Interface>& mine,
                                   bool same_host);

}  // namespace dev::tcp
