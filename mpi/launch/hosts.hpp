// Host names on the command line and in host files.
#pragma once

#include <string>
#include <vector>

#include "mpi/launch/options.hpp"

namespace launch {

/// This host's name as people know it; "localhost" when the system does not say.
std::string host_name();

/// Whether `text` means this host: a loopback name or address, the host's name with or without its
/// domain, or the address of one of its interfaces. No name service is asked.
bool is_this_host(const std::string& text);

/// Addresses of this host that other hosts may know it by, as text: those of its interfaces that
/// are up and lead somewhere, IPv4 first.
std::vector<std::string> host_addresses();

/// Parses "a,b:4". Empty and a sentence in `error` when it is malformed.
std::vector<HostEntry> parse_host_list(const std::string& list, std::string* error);

/// Parses one line of a host file, "name [slots=N] [max_slots=N]" or "name:N"; comments begin with
/// `#`. Appends nothing for an empty line. False and a sentence in `error` when it is malformed.
bool parse_host_line(const std::string& line, std::vector<HostEntry>* hosts, std::string* error);

}  // namespace launch
