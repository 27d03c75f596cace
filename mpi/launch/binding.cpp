// To which CPUs the ranks of one host are bound.
#include <algorithm>
#include <map>
#include <optional>

#include "mpi/launch/placement.hpp"

namespace launch {

namespace {

/// What each rank is bound to: so many parts of a level.
struct Share {
    Level level;
    int parts;
};

std::optional<Share> share_of(const PlacePolicy& policy) {
    const Level unit = policy.count_hwthreads ? Level::hwthread : Level::core;
    if (policy.bind_to == Level::node) return std::nullopt;
    const bool by_cpus = !policy.bind_to || *policy.bind_to >= Level::core;
    if (policy.cpus_per_rank > 0 && by_cpus) {
        return Share{policy.bind_to.value_or(unit), policy.cpus_per_rank};
    }
    if (policy.bind_to) return Share{*policy.bind_to, policy.bind_parts};
    // To map by a part and then to leave it would be no use.
    if (policy.map_by > Level::node) return Share{policy.map_by, 1};
    return std::nullopt;
}

/// The parts of `share.level` that the spot may choose from. A larger part than that which the
/// spot was mapped to is the one that holds it.
std::vector<int> choice_of(const PlacePolicy& policy, const Share& share, const Machine& machine,
                           const Spot& spot) {
    if (spot.part < 0 || policy.map_by <= Level::node) return machine.parts(share.level);
    std::vector<int> choice;
    for (const Cpu& cpu : machine.cpus) {
        if (cpu.part_of(policy.map_by) != spot.part) continue;
        const int part = cpu.part_of(share.level);
        if (std::find(choice.begin(), choice.end(), part) == choice.end()) choice.push_back(part);
    }
    return choice;
}

std::vector<int> cpus_in(const Machine& machine, Level level, const std::vector<int>& parts) {
    std::vector<int> cpus;
    for (const Cpu& cpu : machine.cpus) {
        const bool in = std::find(parts.begin(), parts.end(), cpu.part_of(level)) != parts.end();
        if (in) cpus.push_back(cpu.number);
    }
    return cpus;
}

/// Would some ranks have to share CPUs that are all theirs?
bool overloaded(const PlacePolicy& policy, Level level, const Machine& machine,
                const std::vector<Spot*>& spots) {
    if (static_cast<int>(spots.size()) > machine.available) return true;
    const bool threads = policy.count_hwthreads || level == Level::hwthread;
    std::map<int, int> core_of;
    for (const Cpu& cpu : machine.cpus) core_of[cpu.number] = cpu.part_of(Level::core);
    std::map<std::vector<int>, int> users;
    std::map<int, int> narrow_users;  // of CPUs, by ranks that have several of them
    for (const Spot* spot : spots) {
        ++users[spot->cpus];
        if (level < Level::core) continue;
        for (const int cpu : spot->cpus) {
            if (++narrow_users[cpu] > 1 && (threads || spot->cpus.size() > 1)) return true;
        }
    }
    return std::any_of(users.begin(), users.end(), [&](const auto& user) {
        std::vector<int> units;
        for (const int cpu : user.first) units.push_back(threads ? cpu : core_of[cpu]);
        std::sort(units.begin(), units.end());
        units.erase(std::unique(units.begin(), units.end()), units.end());
        return user.second > static_cast<int>(units.size());
    });
}

/// hydra's user: lists; CPUs that may not be used are left out.
void bind_to_lists(const PlacePolicy& policy, const Machine& machine,
                   const std::vector<Spot*>& spots) {
    for (std::size_t i = 0; i < spots.size(); ++i) {
        const std::vector<int>& wanted = policy.bind_user[i % policy.bind_user.size()];
        spots[i]->cpus = cpus_in(machine.restricted_to(wanted, Level::hwthread), Level::node, {0});
    }
}

}  // namespace

bool bind_spots(const PlacePolicy& policy, const Machine& machine,
                const std::vector<Spot*>& spots) {
    if (machine.cpus.empty()) return true;
    if (!policy.bind_user.empty()) {
        bind_to_lists(policy, machine, spots);
        return true;
    }
    const std::optional<Share> share = share_of(policy);
    if (!share) {
        for (Spot* spot : spots) {
            if (policy.cpu_set) spot->cpus = cpus_in(machine, Level::node, {0});
        }
        return true;
    }
    struct Choice {
        std::vector<int> parts;
        std::size_t next = 0;  // that nobody has got yet
    };
    std::map<int, Choice> choices;  // all spots of a part have the same
    for (Spot* spot : spots) {
        Choice& choice = choices[spot->part];
        if (choice.parts.empty()) choice.parts = choice_of(policy, *share, machine, *spot);
        const std::size_t all = choice.parts.size();
        std::vector<int> taken;
        for (std::size_t i = 0; i < std::min(static_cast<std::size_t>(share->parts), all); ++i) {
            taken.push_back(choice.parts[choice.next++ % all]);
        }
        spot->cpus = cpus_in(machine, share->level, taken);
    }
    if (policy.overload || !overloaded(policy, share->level, machine, spots)) return true;
    for (Spot* spot : spots) spot->cpus.clear();
    return !policy.bind_to && policy.cpus_per_rank == 0;
}

}  // namespace launch
