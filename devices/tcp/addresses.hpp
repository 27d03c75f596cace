// Which of this host's addresses the job uses, and those that a peer's business card names.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adi/base/address.hpp"
#include "adi/base/status.hpp"

namespace dev::tcp {

using adi::Address;
using adi::Interface;

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
