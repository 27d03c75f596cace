// What --map-by, --rank-by and --bind-to ask for, in the words of both dialects.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace launch {

/// Parts of a host, from coarse to fine; before them what is no part: a slot, and the whole host.
enum class Level { slot, node, socket, numa, l3cache, l2cache, l1cache, core, hwthread };
inline constexpr int kLevels = static_cast<int>(Level::hwthread) + 1;

/// By its name, as the options take it.
const char* name_of(Level level);

struct PlacePolicy {
    // How processes are spread.
    Level map_by = Level::slot;
    int per_part = 0;       ///< ppr:N: so many on each part; 0: not said
    bool span = false;      ///< parts of all hosts in one round, not host by host
    int cpus_per_rank = 0;  ///< PE=N; 0: not said
    std::optional<bool> oversubscribe;

    // How they are numbered: as they were spread, unless this is said.
    std::optional<Level> rank_by;
    bool rank_span = false;

    // What they are bound to. Level::node: to nothing.
    std::optional<Level> bind_to;
    int bind_parts = 1;                       ///< so many parts together
    bool overload = false;                    ///< CPUs may be shared
    bool if_supported = false;                ///< and nothing is said where it cannot be
    std::vector<std::vector<int>> bind_user;  ///< CPUs for each rank of a host, in turn
    std::optional<std::vector<int>> cpu_set;  ///< of these alone
    bool count_hwthreads = false;             ///< a CPU is a hardware thread, not a core

    bool report = false;  ///< --report-bindings

    /// Are the parts of the hosts to be known?
    bool needs_machine() const;
};

/// Each takes the option's word into `policy`. False and half a sentence in `error` when the word
/// makes no sense.
bool parse_map_by(const std::string& word, PlacePolicy* policy, std::string* error);
bool parse_rank_by(const std::string& word, PlacePolicy* policy, std::string* error);
bool parse_bind_to(const std::string& word, PlacePolicy* policy, std::string* error);
bool parse_cpu_set(const std::string& word, PlacePolicy* policy, std::string* error);

}  // namespace launch
