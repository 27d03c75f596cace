// Lists of hosts as people, host files and batch systems write them.
#pragma once

#include <string>
#include <vector>

#include "mpi/launch/options.hpp"

namespace launch {

/// No list names more; a larger one is a typing error in a range.
inline constexpr std::size_t kMostHosts = 1 << 16;

/// Expands "n[1-3,07-09],m2" into the names n1, n2, n3, n07 and so on, as Slurm means it. False and
/// a sentence in `error` when it is malformed.
bool expand_names(const std::string& list, std::vector<std::string>* names, std::string* error);

/// Expands "2(x3),1" into 2, 2, 2, 1, as Slurm means it. Empty when it is malformed.
std::vector<int> expand_counts(const std::string& list);

/// Parses "a,b:4,[fe80::1]:2,n[1-3]:8,user@c". Empty and a sentence in `error` when it is
/// malformed.
std::vector<HostEntry> parse_host_list(const std::string& list, std::string* error);

/// Parses one line of a host file: a name as above with an optional :N, and behind it slots=N,
/// max_slots=N, user=NAME, or hydra's binding= and ifname=, which have no effect; comments begin
/// with `#`. Appends nothing for an empty line. False and a sentence in `error` when it is
/// malformed.
bool parse_host_line(const std::string& line, std::vector<HostEntry>* hosts, std::string* error);

/// Adds hosts to a list; a host that is there already gets more slots.
void add_hosts(const std::vector<HostEntry>& more, std::vector<HostEntry>* hosts);

/// The hosts of a host file, each once. False and a sentence in `error`, with the line, else.
bool read_host_file(const std::string& path, std::vector<HostEntry>* hosts, std::string* error);

/// `file` without the hosts that `named` does not name; a slot number in `named` holds. A host of
/// `named` that is not in `file` is an error.
std::vector<HostEntry> filter_hosts(const std::vector<HostEntry>& file,
                                    const std::vector<HostEntry>& named, std::string* error);

}  // namespace launch
