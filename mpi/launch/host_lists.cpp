#include "mpi/launch/host_lists.hpp"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "adi/base/number.hpp"
#include "mpi/launch/hosts.hpp"

namespace launch {

namespace {

constexpr const char* kNoEntry = "is no host name with an optional :SLOTS";

bool same_host(const HostEntry& a, const HostEntry& b) {
    return a.name == b.name || (is_this_host(a.name) && is_this_host(b.name));
}

std::string in_quotes(const std::string& text) {
    return '"' + text + '"';
}

/// What a remote shell can take for a host, and for nothing else.
bool is_host_name(const std::string& name) {
    if (name.empty() || name.size() >= 1024) return false;
    // A user's name may have an @ in it.
    return name.front() != '-' && name.front() != '@' && name.back() != '@' &&
           name.find("@-") == std::string::npos &&
           std::all_of(name.begin(), name.end(), [](unsigned char c) {
               return std::isalnum(c) != 0 || (c != '\0' && std::strchr("-._:@%", c) != nullptr);
           });
}

/// Cuts at the commas that stand outside of brackets. False: brackets do not match.
bool split_list(const std::string& list, std::vector<std::string>* items) {
    int depth = 0;
    std::string item;
    for (const char c : list) {
        depth += c == '[' ? 1 : c == ']' ? -1 : 0;
        if (depth < 0 || depth > 1) return false;
        if (c == ',' && depth == 0) {
            items->push_back(std::move(item));
            item.clear();
        } else {
            item += c;
        }
    }
    if (!item.empty()) items->push_back(std::move(item));
    return depth == 0;
}

/// "1-3" or "07": appends the numbers with as many digits as the first has.
bool expand_range(const std::string& range, std::vector<std::string>* numbers) {
    const std::size_t dash = range.find('-');
    const std::string first = range.substr(0, dash);
    const std::string last = dash == std::string::npos ? first : range.substr(dash + 1);
    constexpr int kMost = 999'999'999;
    const auto from = adi::parse_number_within<int>(first, 0, kMost);
    const auto to = adi::parse_number_within<int>(last, 0, kMost);
    if (!from || !to || *to < *from || first.size() > 9 ||
        static_cast<std::size_t>(*to - *from) >= kMostHosts) {
        return false;
    }
    for (int number = *from; number <= *to; ++number) {
        std::string text = std::to_string(number);
        if (text.size() < first.size()) text.insert(0, first.size() - text.size(), '0');
        numbers->push_back(std::move(text));
    }
    return true;
}

/// All that "a[1-2]b[0,5]" stands for, in its order. Nothing when it is malformed.
std::vector<std::string> expand_name(const std::string& name) {
    std::vector<std::string> expanded = {""};
    for (std::size_t at = 0; at < name.size();) {
        const std::size_t open = name.find('[', at);
        const std::string plain = name.substr(at, open == std::string::npos ? open : open - at);
        for (std::string& text : expanded) text += plain;
        if (open == std::string::npos) break;
        const std::size_t close = name.find(']', open);
        if (close == std::string::npos) return {};
        std::vector<std::string> numbers;
        std::stringstream ranges(name.substr(open + 1, close - open - 1));
        for (std::string range; std::getline(ranges, range, ',');) {
            if (!expand_range(range, &numbers)) return {};
        }
        if (numbers.empty() || numbers.size() * expanded.size() > kMostHosts) return {};
        std::vector<std::string> next;
        for (const std::string& text : expanded) {
            for (const std::string& number : numbers) next.push_back(text + number);
        }
        expanded = std::move(next);
        at = close + 1;
    }
    const bool well = std::all_of(expanded.begin(), expanded.end(), is_host_name);
    return well ? expanded : std::vector<std::string>{};
}

/// One item of a list; appends a host, or all of a range.
bool parse_entry(const std::string& text, std::vector<HostEntry>* hosts) {
    std::string name = text;
    int slots = 0;
    std::size_t colon = text.find(':');
    if (text.starts_with('[')) {
        const std::size_t close = text.find(']');
        if (close == std::string::npos) return false;
        name = text.substr(1, close - 1);
        if (name.find(':') == std::string::npos || !is_host_name(name)) return false;
        colon = close + 1;
        if (colon < text.size() && text[colon] != ':') return false;
    } else if (colon != std::string::npos && text.find(':', colon + 1) != std::string::npos) {
        colon = text.size();  // an IPv6 address keeps its colons
    } else {
        name = text.substr(0, colon);
    }
    if (colon < text.size()) {
        const auto said = adi::parse_number_within<int>(text.substr(colon + 1), 1, kMaxRanks);
        if (!said) return false;
        slots = *said;
    }
    const std::vector<std::string> names = expand_name(name);
    for (const std::string& each : names) hosts->push_back({each, slots});
    return !names.empty() && hosts->size() <= kMostHosts;
}

/// "slots = 4" is "slots=4".
std::string without_blanks_at_equals(const std::string& line) {
    std::string text;
    for (const char c : line) {
        const bool blank = std::isspace(static_cast<unsigned char>(c)) != 0;
        if (blank && text.ends_with('=')) continue;
        if (c == '=') text.erase(text.find_last_not_of(" \t") + 1);
        text += c;
    }
    return text;
}

/// "key=value" behind the name of a host. False and a sentence in `error` when it makes no sense.
bool apply_word(const std::string& word, HostEntry* entry, std::string* error) {
    const std::size_t equals = word.find('=');
    const std::string key = word.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : word.substr(equals + 1);
    const auto is_one_of = [&](const auto&... names) { return ((key == names) || ...); };
    if (is_one_of("user", "username", "user_name", "user-name")) {
        entry->name = value + '@' + entry->name;
        if (is_host_name(entry->name)) return true;
    } else if (is_one_of("binding", "ifname")) {
        if (!value.empty()) return true;
    } else if (const auto number = adi::parse_number_within<int>(value, 1, kMaxRanks)) {
        const bool slots = is_one_of("slots", "slot", "cpus", "cpu", "count");
        if (slots) entry->slots = *number;
        const bool most = is_one_of("max_slots", "max-slots", "slots_max", "slots-max");
        if (most) entry->max_slots = *number;
        if (slots || most) return true;
    }
    *error = in_quotes(word) + " is neither slots=N nor max_slots=N";
    return false;
}

}  // namespace

bool expand_names(const std::string& list, std::vector<std::string>* names, std::string* error) {
    std::vector<std::string> items;
    const bool matched = split_list(list, &items);
    for (const std::string& item : items) {
        const std::vector<std::string> expanded = expand_name(item);
        names->insert(names->end(), expanded.begin(), expanded.end());
        if (matched && !expanded.empty() && names->size() <= kMostHosts) continue;
        *error = in_quotes(item) + " is no host name and no range of them";
        return false;
    }
    if (!matched || items.empty()) *error = in_quotes(list) + " is no list of hosts";
    return matched && !items.empty();
}

std::vector<int> expand_counts(const std::string& list) {
    std::vector<int> counts;
    std::stringstream stream(list);
    for (std::string item; std::getline(stream, item, ',');) {
        const std::size_t open = item.find("(x");
        const bool repeated = open != std::string::npos;
        if (repeated && !item.ends_with(')')) return {};
        const auto count = adi::parse_number_within<int>(item.substr(0, open), 1, kMaxRanks);
        const auto times =
            repeated ? adi::parse_number_within<int>(item.substr(open + 2, item.size() - open - 3),
                                                     1, static_cast<int>(kMostHosts))
                     : 1;
        if (!count || !times || counts.size() > kMostHosts) return {};
        counts.insert(counts.end(), static_cast<std::size_t>(*times), *count);
    }
    return counts;
}

std::vector<HostEntry> parse_host_list(const std::string& list, std::string* error) {
    std::vector<std::string> items;
    if (!split_list(list, &items)) {
        *error = in_quotes(list) + " has brackets that do not match";
        return {};
    }
    std::vector<HostEntry> hosts;
    for (const std::string& item : items) {
        if (parse_entry(item, &hosts)) continue;
        *error = in_quotes(item) + ' ' + kNoEntry;
        return {};
    }
    if (hosts.empty()) *error = "the list of hosts is empty";
    return hosts;
}

bool parse_host_line(const std::string& line, std::vector<HostEntry>* hosts, std::string* error) {
    std::stringstream words(without_blanks_at_equals(line.substr(0, line.find('#'))));
    std::string word;
    if (!(words >> word)) return true;
    std::vector<HostEntry> entries;
    if (!parse_entry(word, &entries)) {
        *error = in_quotes(word) + ' ' + kNoEntry;
        return false;
    }
    while (words >> word) {
        for (HostEntry& entry : entries) {
            if (!apply_word(word, &entry, error)) return false;
        }
    }
    hosts->insert(hosts->end(), entries.begin(), entries.end());
    return true;
}

void add_hosts(const std::vector<HostEntry>& more, std::vector<HostEntry>* hosts) {
    for (const HostEntry& host : more) {
        const auto known = std::find_if(hosts->begin(), hosts->end(), [&](const HostEntry& other) {
            return same_host(host, other);
        });
        if (known == hosts->end()) {
            hosts->push_back(host);
            continue;
        }
        const auto sum = [](int a, int b) {
            return std::min(std::max(a, 1) + std::max(b, 1), kMaxRanks);
        };
        known->slots = sum(known->slots, host.slots);
        if (known->max_slots != 0 && host.max_slots != 0) {
            known->max_slots = sum(known->max_slots, host.max_slots);
        } else {
            known->max_slots = 0;
        }
    }
}

bool read_host_file(const std::string& path, std::vector<HostEntry>* hosts, std::string* error) {
    std::ifstream file(path);
    if (!file) {
        *error = "cannot read the host file " + path + ": " + std::strerror(errno);
        return false;
    }
    std::string line;
    for (int number = 1; std::getline(file, line); ++number) {
        std::vector<HostEntry> entries;
        std::string why;
        if (!parse_host_line(line, &entries, &why)) {
            *error = path + ", line " + std::to_string(number) + ": " + why;
            return false;
        }
        add_hosts(entries, hosts);
    }
    if (hosts->empty()) *error = "the host file " + path + " names no host";
    return !hosts->empty();
}

std::vector<HostEntry> filter_hosts(const std::vector<HostEntry>& file,
                                    const std::vector<HostEntry>& named, std::string* error) {
    std::vector<HostEntry> hosts;
    for (const HostEntry& name : named) {
        const auto known = std::find_if(file.begin(), file.end(), [&](const HostEntry& other) {
            return same_host(name, other);
        });
        if (known == file.end()) {
            *error = "the host " + name.name + " is not one of those in the host file";
            return {};
        }
        hosts.push_back(*known);
        if (name.slots > 0) hosts.back().slots = name.slots;
    }
    return hosts;
}

}  // namespace launch
