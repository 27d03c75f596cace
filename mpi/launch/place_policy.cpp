#include "mpi/launch/place_policy.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <sstream>

#include "adi/base/number.hpp"

namespace launch {

namespace {

constexpr int kMostParts = 1 << 16;

constexpr std::array<const char*, kLevels> kNames = {
    "slot", "node", "socket", "numa", "l3cache", "l2cache", "l1cache", "core", "hwthread"};

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

std::vector<std::string> split(const std::string& text, char separator) {
    std::vector<std::string> parts;
    std::stringstream stream(text);
    for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
    return parts;
}

std::optional<Level> find_level(const std::string& name) {
    for (int level = 0; level < kLevels; ++level) {
        if (name == kNames[static_cast<std::size_t>(level)]) return static_cast<Level>(level);
    }
    if (name == "board" || name == "machine" || name == "host") return Level::node;
    if (name == "package") return Level::socket;
    if (name == "rr" || name == "pu" || name == "thread") return Level::hwthread;
    if (name == "l3") return Level::l3cache;
    if (name == "l2") return Level::l2cache;
    if (name == "l1") return Level::l1cache;
    if (name == "numanode") return Level::numa;
    return std::nullopt;
}

std::optional<int> parse_parts(const std::string& text) {
    return adi::parse_number_within<int>(text, 1, kMostParts);
}

/// "0-3,7", parted by `separator`. False when it is malformed.
bool parse_cpus(const std::string& text, char separator, std::vector<int>* cpus) {
    for (const std::string& range : split(text, separator)) {
        const std::size_t dash = range.find('-');
        const auto first = adi::parse_number_within<int>(range.substr(0, dash), 0, kMostParts);
        const auto last = dash == std::string::npos ? first
                                                    : adi::parse_number_within<int>(
                                                          range.substr(dash + 1), 0, kMostParts);
        if (!first || !last || *last < *first || cpus->size() > kMostParts) return false;
        for (int cpu = *first; cpu <= *last; ++cpu) cpus->push_back(cpu);
    }
    return !cpus->empty();
}

bool refuse(const std::string& word, const std::string& is_not, std::string* error) {
    *error = "\"" + word + "\" is " + is_not;
    return false;
}

/// A modifier of --map-by behind a colon.
bool apply_map_modifier(const std::string& word, PlacePolicy* policy) {
    if (word == "span") {
        policy->span = true;
    } else if (word == "oversubscribe") {
        policy->oversubscribe = true;
    } else if (word == "nooversubscribe") {
        policy->oversubscribe = false;
    } else if (word == "hwtcpus") {
        policy->count_hwthreads = true;
    } else if (word.starts_with("pe=")) {
        const auto cpus = parse_parts(word.substr(3));
        if (!cpus) return false;
        policy->cpus_per_rank = *cpus;
    } else {
        return word == "corecpus" || word == "inherit" || word == "noinherit" ||
               word == "nolocal" || word == "display";
    }
    return true;
}

}  // namespace

const char* name_of(Level level) {
    return kNames[static_cast<std::size_t>(level)];
}

bool PlacePolicy::needs_machine() const {
    return map_by > Level::node || cpus_per_rank > 0 || report || cpu_set || !bind_user.empty() ||
           (rank_by && *rank_by > Level::node) || (bind_to && *bind_to > Level::node);
}

bool parse_map_by(const std::string& word, PlacePolicy* policy, std::string* error) {
    std::vector<std::string> parts = split(lower(word), ':');
    std::size_t at = 0;
    if (!parts.empty() && parts[0] == "ppr") {
        const auto count = parts.size() > 2 ? parse_parts(parts[1]) : std::nullopt;
        const auto level = parts.size() > 2 ? find_level(parts[2]) : std::nullopt;
        if (!count || !level || *level == Level::slot) {
            return refuse(word, "not of the form ppr:N:RESOURCE", error);
        }
        policy->per_part = *count;
        policy->map_by = *level;
        at = 3;
    } else if (!word.empty() && word[0] != ':') {
        const auto level = find_level(parts[0]);
        if (!level) return refuse(word, "nothing to map by", error);
        policy->per_part = 0;
        policy->map_by = *level;
        at = 1;
    }
    for (; at < parts.size(); ++at) {
        // Modifiers are parted by commas, too, and hydra has a number of parts here.
        for (const std::string& modifier : split(parts[at], ',')) {
            if (modifier.empty() || apply_map_modifier(modifier, policy)) continue;
            if (!parse_parts(modifier)) {
                return refuse(modifier, "no modifier of a mapping", error);
            }
        }
    }
    return true;
}

bool parse_rank_by(const std::string& word, PlacePolicy* policy, std::string* error) {
    const std::vector<std::string> parts = split(lower(word), ':');
    const auto level = parts.empty() ? std::nullopt : find_level(parts[0]);
    const bool span = parts.size() == 2 && parts[1] == "span";
    const bool known = level || (!parts.empty() && (parts[0] == "fill" || parts[0] == "span"));
    if (!known || parts.size() > 2 || (parts.size() == 2 && !span && parts[1] != "fill")) {
        return refuse(word, "nothing to rank by", error);
    }
    policy->rank_by = level.value_or(parts[0] == "fill" ? Level::slot : policy->map_by);
    policy->rank_span = span || parts[0] == "span";
    return true;
}

bool parse_bind_to(const std::string& word, PlacePolicy* policy, std::string* error) {
    const std::vector<std::string> parts = split(lower(word), ':');
    if (parts.empty()) return refuse(word, "nothing to bind to", error);
    policy->bind_user.clear();
    policy->bind_parts = 1;
    if (parts[0] == "user") {
        // hydra's user:0+2,1: the CPUs of each rank of a host.
        for (const std::string& each : split(parts.size() == 2 ? parts[1] : "", ',')) {
            std::vector<int> cpus;
            if (!parse_cpus(each, '+', &cpus)) return refuse(word, "no list of CPUs", error);
            policy->bind_user.push_back(std::move(cpus));
        }
        if (policy->bind_user.empty()) return refuse(word, "no list of CPUs", error);
        return true;
    }
    const std::string& name = parts[0];
    const auto level = name == "none" ? std::optional(Level::node) : find_level(name);
    if (!name.empty() && name != "cpu-list" && name != "cpulist") {
        if (!level || *level == Level::slot) return refuse(word, "nothing to bind to", error);
        policy->bind_to = level;
    }
    for (std::size_t at = 1; at < parts.size(); ++at) {
        for (const std::string& modifier : split(parts[at], ',')) {
            if (const auto count = parse_parts(modifier)) {
                policy->bind_parts = *count;
            } else if (modifier == "overload-allowed") {
                policy->overload = true;
            } else if (modifier == "if-supported") {
                policy->if_supported = true;
            } else if (modifier == "report") {
                policy->report = true;
            } else if (modifier != "no-overload" && modifier != "ordered") {
                return refuse(modifier, "no modifier of a binding", error);
            }
        }
    }
    return true;
}

bool parse_cpu_set(const std::string& word, PlacePolicy* policy, std::string* error) {
    std::vector<int> cpus;
    if (!parse_cpus(word, ',', &cpus)) return refuse(word, "no list of CPUs such as 0-3,7", error);
    policy->cpu_set = std::move(cpus);
    return true;
}

}  // namespace launch
