#include "mpi/launch/placement.hpp"

#include <algorithm>
#include <numeric>

namespace launch {

namespace {

std::size_t index(int number) {
    return static_cast<std::size_t>(number);
}

/// The parts to map by on one host; a single one, -1, where they do not matter or are not known.
std::vector<int> parts_of(const PlacePolicy& policy, const Machine& machine) {
    std::vector<int> parts;
    if (policy.map_by > Level::node) parts = machine.parts(policy.map_by);
    if (parts.empty()) parts.push_back(-1);
    return parts;
}

/// Visited in turn, each time for at most `burst` processes.
struct Station {
    int host;
    int part;
    int burst;
};

std::vector<Station> make_stations(const PlacePolicy& policy, const std::vector<int>& capacities,
                                   const std::vector<Machine>& machines) {
    std::vector<Station> stations;
    for (int host = 0; host < static_cast<int>(capacities.size()); ++host) {
        if (policy.span && policy.map_by > Level::node && policy.per_part == 0) {
            for (const int part : parts_of(policy, machines[index(host)])) {
                stations.push_back({host, part, 1});
            }
        } else {
            const bool by_turns = policy.map_by == Level::node && policy.per_part == 0;
            stations.push_back({host, -1, by_turns ? 1 : capacities[index(host)]});
        }
    }
    return stations;
}

}  // namespace

std::vector<int> capacities(const PlacePolicy& policy, int per_host,
                            const std::vector<HostEntry>& hosts,
                            const std::vector<Machine>& machines) {
    std::vector<int> capacities;
    for (std::size_t host = 0; host < machines.size(); ++host) {
        const Machine& machine = machines[host];
        const int said = host < hosts.size() ? hosts[host].slots : 0;
        int slots = machine.available / std::max(policy.cpus_per_rank, 1);
        if (policy.per_part > 0) {
            slots = policy.per_part * static_cast<int>(parts_of(policy, machine).size());
        } else if (per_host > 0) {
            slots = per_host;
        } else if (said > 0) {
            slots = said;
        }
        capacities.push_back(std::clamp(slots, 1, kMaxRanks));
    }
    return capacities;
}

std::vector<Spot> spread(const PlacePolicy& policy, const std::vector<int>& capacities,
                         const std::vector<HostEntry>& hosts, const std::vector<Machine>& machines,
                         int processes, std::string* error) {
    const long places = std::accumulate(capacities.begin(), capacities.end(), 0L);
    if (policy.oversubscribe == false && processes > places) {
        *error = std::to_string(processes) + " processes, but the hosts have " +
                 std::to_string(places) + " slots, and --nooversubscribe was said";
        return {};
    }
    std::vector<std::vector<int>> parts;
    for (const Machine& machine : machines) parts.push_back(parts_of(policy, machine));
    const std::vector<Station> stations = make_stations(policy, capacities, machines);
    std::vector<int> used(capacities.size());
    std::vector<Spot> spots;
    for (int layer = 1; static_cast<int>(spots.size()) < processes;) {
        const std::size_t before = spots.size();
        for (const Station& station : stations) {
            const std::size_t host = index(station.host);
            const int most = host < hosts.size() ? hosts[host].max_slots : 0;
            for (int i = 0; i < station.burst && static_cast<int>(spots.size()) < processes; ++i) {
                if (used[host] >= capacities[host] * layer) break;
                if (most > 0 && used[host] >= most) break;
                const int turn = used[host]++ / std::max(policy.per_part, 1);
                const int part = parts[host][index(turn) % parts[host].size()];
                spots.push_back({station.host, station.part < 0 ? part : station.part, {}});
            }
        }
        if (spots.size() > before) continue;
        // Every host is full; on to the next layer, unless max_slots forbids it everywhere.
        bool room = false;
        for (std::size_t host = 0; host < used.size(); ++host) {
            const int most = host < hosts.size() ? hosts[host].max_slots : 0;
            room = room || most == 0 || used[host] < most;
        }
        if (!room) {
            *error = std::to_string(processes) +
                     " processes are more than max_slots allows: " + std::to_string(spots.size());
            return {};
        }
        ++layer;
    }
    return spots;
}

void number_spots(const PlacePolicy& policy, const std::vector<Machine>& machines,
                  std::vector<Spot>* spots) {
    if (!policy.rank_by) return;
    const Level level = *policy.rank_by;
    const auto by_host = [](const Spot& a, const Spot& b) { return a.host < b.host; };
    if (level == Level::slot) return std::stable_sort(spots->begin(), spots->end(), by_host);

    // One queue for each host, or part of a host; they are taken from in turn.
    std::vector<std::vector<Spot>> queues;
    std::vector<std::size_t> first_queue;  // of each host
    std::vector<std::vector<int>> parts;
    for (const Machine& machine : machines) {
        parts.push_back(level == Level::node ? std::vector<int>() : machine.parts(level));
        first_queue.push_back(queues.size());
        queues.resize(queues.size() + std::max<std::size_t>(parts.back().size(), 1));
    }
    first_queue.push_back(queues.size());
    for (Spot& spot : *spots) {
        const std::size_t host = index(spot.host);
        std::size_t queue = 0;
        const auto& cpus = machines[host].cpus;
        const auto cpu = std::find_if(cpus.begin(), cpus.end(), [&](const Cpu& each) {
            return !spot.cpus.empty() ? each.number == spot.cpus.front()
                                      : each.part_of(policy.map_by) == spot.part;
        });
        if (cpu != cpus.end() && !parts[host].empty()) {
            const auto& all = parts[host];
            queue = index(static_cast<int>(std::find(all.begin(), all.end(), cpu->part_of(level)) -
                                           all.begin()));
        }
        queues[first_queue[host] + queue].push_back(std::move(spot));
    }
    spots->clear();
    const bool across = policy.rank_span || level == Level::node;
    const auto take = [&](std::size_t first, std::size_t last) {
        for (std::size_t turn = 0, found = 1; found > 0; ++turn) {
            found = 0;
            for (std::size_t queue = first; queue < last; ++queue) {
                if (turn >= queues[queue].size()) continue;
                spots->push_back(std::move(queues[queue][turn]));
                ++found;
            }
        }
    };
    if (across) return take(0, queues.size());
    for (std::size_t host = 0; host < machines.size(); ++host) {
        take(first_queue[host], first_queue[host + 1]);
    }
}

bool place_ranks(const Options& options, std::vector<Machine> machines, JobPlan* plan,
                 std::vector<std::string>* notes, std::string* error) {
    PlacePolicy policy = options.places;
    const Level unit = policy.count_hwthreads ? Level::hwthread : Level::core;
    // What is numbered by parts has to be somewhere.
    if (policy.map_by == Level::slot && policy.rank_by && *policy.rank_by > Level::node) {
        policy.map_by = unit;
    }
    const auto name_of_host = [&](std::size_t host) {
        return host < options.hosts.size() ? "host " + options.hosts[host].name : "this host";
    };
    for (std::size_t host = 0; host < machines.size(); ++host) {
        if (!policy.needs_machine()) break;
        if (machines[host].cpus.empty()) {
            notes->push_back("warning: " + name_of_host(host) +
                             " has no hwloc; its ranks are placed on no part of it, and not bound");
        } else if (policy.cpu_set) {
            machines[host] = machines[host].restricted_to(*policy.cpu_set, unit);
            if (!machines[host].cpus.empty()) continue;
            *error = "none of the CPUs of --cpu-set may be used on " + name_of_host(host);
            return false;
        }
    }
    const std::vector<int> capacity = capacities(policy, options.per_host, options.hosts, machines);
    const long places = std::accumulate(capacity.begin(), capacity.end(), 0L);
    if (options.fill_places) {
        plan->ranks.resize(static_cast<std::size_t>(std::min<long>(places, kMaxRanks)));
    }
    if (plan->stdin_target >= plan->size()) {
        *error = "--stdin names rank " + std::to_string(plan->stdin_target) +
                 ", but the ranks go from 0 to " + std::to_string(plan->size() - 1);
        return false;
    }
    if (policy.per_part > 0 && plan->size() > places) {
        notes->push_back("warning: " + std::to_string(policy.per_part) + " on each " +
                         name_of(policy.map_by) +
                         " is not honoured: " + std::to_string(plan->size()) + " ranks have " +
                         std::to_string(places) + " such places");
    }
    std::vector<Spot> spots =
        spread(policy, capacity, options.hosts, machines, plan->size(), error);
    if (spots.empty()) return false;
    for (std::size_t host = 0; host < machines.size(); ++host) {
        std::vector<Spot*> here;
        for (Spot& spot : spots) {
            if (index(spot.host) == host) here.push_back(&spot);
        }
        if (bind_spots(policy, machines[host], here) || policy.if_supported) continue;
        const Level level = policy.bind_to == Level::hwthread ? Level::hwthread : unit;
        const int most = std::min(machines[host].available,
                                  static_cast<int>(machines[host].parts(level).size()));
        notes->push_back("warning: " + name_of_host(host) + ": " + std::to_string(here.size()) +
                         " ranks need more than its " + std::to_string(most) + ' ' +
                         name_of(level) + "s and are not bound; --bind-to " +
                         name_of(policy.bind_to.value_or(unit)) +
                         ":overload-allowed binds them all the same");
    }
    number_spots(policy, machines, &spots);
    for (std::size_t rank = 0; rank < spots.size(); ++rank) {
        plan->ranks[rank].host = spots[rank].host;
        plan->ranks[rank].cpus = std::move(spots[rank].cpus);
    }
    return true;
}

}  // namespace launch
