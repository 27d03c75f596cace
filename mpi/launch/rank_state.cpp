#include "mpi/launch/rank_state.hpp"

#include <algorithm>
#include <cstdio>
#include <map>

#include "mpi/launch/job.hpp"

namespace launch {

namespace {

/// Ranks that do the same.
struct Group {
    std::vector<int> ranks;
    std::string what;
    bool timed = false;
    std::int64_t least_ms = 0, most_ms = 0;
    std::uint32_t least_unexpected = 0, most_unexpected = 0, least_posted = 0, most_posted = 0;
};

std::string seconds(std::int64_t ms) {
    char text[32];
    if (ms < 100'000) {
        std::snprintf(text, sizeof text, "%.1f", static_cast<double>(ms) / 1000);
    } else {
        std::snprintf(text, sizeof text, "%lld", static_cast<long long>(ms / 1000));
    }
    return text;
}

std::string range(const std::string& least, const std::string& most) {
    return least == most ? least : least + " to " + most;
}

std::string number(std::uint32_t least, std::uint32_t most, const std::string& thing) {
    return range(std::to_string(least), std::to_string(most)) + ' ' + thing +
           (most == 1 ? "" : "s");
}

/// What comes from a rank's memory is for a terminal.
std::string printable(std::string text) {
    for (char& c : text) {
        if (c < ' ' || c > '~') c = '?';
    }
    return text;
}

std::string activity(const RankState& state) {
    switch (state.phase) {
        case adi::BoardPhase::none: return "not in MPI: MPI_Init was not called";
        case adi::BoardPhase::starting: return "in MPI_Init";
        case adi::BoardPhase::finalized: return "not in MPI: MPI_Finalize has returned";
        case adi::BoardPhase::running: break;
    }
    if (state.waits) return printable(state.call);
    if (state.looks) return "asking MPI again and again, as with MPI_Test or MPI_Iprobe";
    return "not in MPI";
}

void add(Group* group, const RankState& state) {
    const bool first = group->ranks.empty();
    group->ranks.push_back(state.rank);
    group->least_ms = first ? state.since_ms : std::min(group->least_ms, state.since_ms);
    group->most_ms = std::max(group->most_ms, state.since_ms);
    const auto widen = [first](std::uint32_t value, std::uint32_t* least, std::uint32_t* most) {
        *least = first ? value : std::min(*least, value);
        *most = std::max(*most, value);
    };
    widen(state.unexpected, &group->least_unexpected, &group->most_unexpected);
    widen(state.posted, &group->least_posted, &group->most_posted);
}

std::string names(const std::vector<int>& ranks) {
    return (ranks.size() == 1 ? "rank " : "ranks ") + format_ranks(ranks);
}

std::string line_of(const Group& group, bool waits) {
    const bool one = group.ranks.size() == 1;
    std::string line = names(group.ranks);
    const std::string since = range(seconds(group.least_ms), seconds(group.most_ms));
    if (waits) {
        line += (one ? " waits in " : " wait in ") + group.what + " since " + since + " s (" +
                number(group.least_unexpected, group.most_unexpected, "unexpected message") + ", " +
                number(group.least_posted, group.most_posted, "posted receive") + ")";
    } else {
        line += (one ? " is " : " are ") + group.what;
        if (group.timed) line += " " + since + " s ago)";
    }
    return line;
}

}  // namespace

std::vector<std::string> describe_states(const std::vector<RankState>& states) {
    std::vector<RankState> sorted = states;
    std::sort(sorted.begin(), sorted.end(),
              [](const RankState& a, const RankState& b) { return a.rank < b.rank; });
    std::map<std::pair<bool, std::string>, Group> groups;
    for (const RankState& state : sorted) {
        std::string what = activity(state);
        const bool running = state.phase == adi::BoardPhase::running;
        const bool waits = running && state.waits;
        const bool timed = running && !waits && !state.call.empty();
        if (timed) what += " (its last long wait, in " + printable(state.call) + ", ended";
        Group& group = groups[{waits, what}];
        group.what = what;
        group.timed = timed;
        add(&group, state);
    }
    std::vector<std::pair<bool, const Group*>> order;
    for (const auto& [key, group] : groups) order.emplace_back(key.first, &group);
    std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
        const auto size_a = a.second->ranks.size(), size_b = b.second->ranks.size();
        return size_a != size_b ? size_a > size_b : a.second->ranks < b.second->ranks;
    });
    std::vector<std::string> lines;
    for (const auto& [waits, group] : order) lines.push_back(line_of(*group, waits));
    if (order.size() < 2 || order.front().second->ranks.size() * 2 <= sorted.size()) return lines;
    std::vector<int> others;
    for (const RankState& state : sorted) {
        const std::vector<int>& most = order.front().second->ranks;
        if (!std::binary_search(most.begin(), most.end(), state.rank)) others.push_back(state.rank);
    }
    lines.push_back(names(others) + (others.size() == 1 ? " differs" : " differ") +
                    " from the rest");
    return lines;
}

}  // namespace launch
