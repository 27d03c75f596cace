// What this host is called.
#pragma once

#include <string>
#include <vector>

namespace launch {

/// Whether `text` means this host: a loopback name or address, the host's name with or without its
/// domain, or the address of one of its interfaces. No name service is asked.
bool is_this_host(const std::string& text);

/// Addresses of this host that other hosts may know it by, as text: those of its interfaces that
/// are up and lead somewhere, IPv4 first.
std::vector<std::string> host_addresses();

}  // namespace launch
