#include "mpi/launch/plan.hpp"

#include <algorithm>
#include <set>

#include "mpi/launch/options.hpp"

namespace launch {

bool JobPlan::reads_input(int rank) const {
    return stdin_target == kStdinAll || stdin_target == rank;
}

std::vector<int> JobPlan::ranks_on(int host) const {
    std::vector<int> found;
    for (int rank = 0; rank < size(); ++rank) {
        if (at(rank).host == host) found.push_back(rank);
    }
    return found;
}

std::vector<int> JobPlan::hosts_used() const {
    std::set<int> hosts;
    for (const RankPlan& rank : ranks) hosts.insert(rank.host);
    return {hosts.begin(), hosts.end()};
}

std::string JobPlan::process_mapping() const {
    struct Block {
        int first, hosts, each;
        bool begins(const Block& whole) const {
            return first == whole.first && ((each == whole.each && hosts <= whole.hosts) ||
                                            (each <= whole.each && hosts == 1));
        }
        bool operator==(const Block&) const = default;
    };
    std::vector<Block> blocks;
    for (int rank = 0; rank < size();) {
        const int host = at(rank).host;
        int each = 0;
        while (rank < size() && at(rank).host == host) ++rank, ++each;
        Block* last = blocks.empty() ? nullptr : &blocks.back();
        if (last != nullptr && last->first + last->hosts == host && last->each == each) {
            ++last->hosts;
        } else {
            blocks.push_back({host, 1, each});
        }
    }
    // The list is read again from its start when it ends, so what repeats is told once.
    const auto repeats = [&](std::size_t period) {
        for (std::size_t i = period; i < blocks.size(); ++i) {
            const bool last = i + 1 == blocks.size();
            const Block& before = blocks[i - period];
            if (last ? !blocks[i].begins(before) : blocks[i] != before) return false;
        }
        return true;
    };
    std::size_t period = 1;
    while (period < blocks.size() && !repeats(period)) ++period;
    blocks.resize(std::min(period, blocks.size()));
    std::string text = "(vector";
    for (const Block& block : blocks) {
        text += ",(" + std::to_string(block.first) + ',' + std::to_string(block.hosts) + ',' +
                std::to_string(block.each) + ')';
    }
    return text + ')';
}

}  // namespace launch
