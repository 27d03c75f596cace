// Addresses of the internet, and those that this host has.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace adi {

/// An IPv4 or IPv6 address with a port.
struct Address {
    sockaddr_storage storage{};

    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
    socklen_t size() const {
        return storage.ss_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    }
    int family() const { return storage.ss_family; }
    int bits() const { return family() == AF_INET ? 32 : 128; }
    std::uint16_t port() const;
    void set_port(std::uint16_t port);
    /// "10.0.0.1" or "[fd00::1]".
    std::string host_text() const;
    /// "10.0.0.1:4000" or "[fd00::1]:4000".
    std::string text() const;
    /// The reverse; empty when it is no such thing.
    static std::optional<Address> parse(std::string_view text);
    /// Of "10.0.0.1" or "fd00::1", with the port 0; empty when it is no such thing.
    static std::optional<Address> parse_host(std::string_view text);
    /// Are the first bits the same?
    bool shares(const Address& other, int first) const;
};

/// An address of this host and the length of its network's prefix.
struct Interface {
    std::string name;
    Address address;
    int prefix_bits = 0;
    bool loopback = false;  ///< the address is; on that interface a host may have others
    bool link_local = false;
    bool on_loopback = false;  ///< the interface is
};

/// All that are up.
std::vector<Interface> list_interfaces();

}  // namespace adi
