#include "mpi/launch/machine.hpp"

#include <algorithm>
#include <map>

#include "adi/base/host.hpp"

namespace launch {

namespace {

/// Which of adi::kHardwareTypes a level is.
int hardware_type(Level level) {
    constexpr const char* kTypes[] = {"NUMANode", "L3Cache", "L2Cache", "L1Cache", "Core", "PU"};
    if (level <= Level::node) return -1;
    if (level == Level::socket) return adi::find_hardware_type("Package");
    return adi::find_hardware_type(kTypes[static_cast<int>(level) - static_cast<int>(Level::numa)]);
}

Cpu make_cpu(const adi::HardwareCpu& from) {
    Cpu cpu;
    cpu.number = from.number;
    for (int level = static_cast<int>(Level::socket); level < kLevels; ++level) {
        const auto at = static_cast<std::size_t>(level);
        const int type = hardware_type(static_cast<Level>(level));
        const int part = from.parts[static_cast<std::size_t>(type)];
        // What a host does not tell, such as the caches of a virtual one, is as its next larger
        // part. NUMA nodes and sockets come in either order.
        const bool fine = level >= static_cast<int>(Level::core);
        const bool below_socket = level <= static_cast<int>(Level::l3cache);
        const int larger = below_socket ? cpu.part_of(Level::socket) : cpu.part[at - 1];
        cpu.part[at] = part >= 0 ? part : fine ? cpu.number : larger;
    }
    return cpu;
}

}  // namespace

std::vector<int> Machine::parts(Level level) const {
    std::vector<int> parts;
    for (const Cpu& cpu : cpus) {
        const int part = cpu.part_of(level);
        if (std::find(parts.begin(), parts.end(), part) == parts.end()) parts.push_back(part);
    }
    return parts;
}

Machine Machine::restricted_to(const std::vector<int>& numbers, Level level) const {
    const std::vector<int> all = parts(level);
    Machine rest;
    for (const Cpu& cpu : cpus) {
        const auto at = std::find(all.begin(), all.end(), cpu.part_of(level)) - all.begin();
        if (std::find(numbers.begin(), numbers.end(), at) != numbers.end()) {
            rest.cpus.push_back(cpu);
        }
    }
    rest.available = std::min(available, static_cast<int>(rest.cpus.size()));
    return rest;
}

Machine make_machine(const std::vector<adi::HardwareCpu>& cpus) {
    Machine machine;
    for (const adi::HardwareCpu& cpu : cpus) machine.cpus.push_back(make_cpu(cpu));
    machine.available = static_cast<int>(cpus.size());
    return machine;
}

Machine this_machine(bool with_parts) {
    Machine machine;
    if (with_parts) machine = make_machine(adi::hardware_cpus());
    machine.available = adi::own_cpus();
    return machine;
}

std::string describe_binding(const Machine& machine, const std::vector<int>& cpus) {
    const auto is_bound = [&](const Cpu& cpu) {
        return std::find(cpus.begin(), cpus.end(), cpu.number) != cpus.end();
    };
    const bool all = std::all_of(machine.cpus.begin(), machine.cpus.end(), is_bound);
    if (cpus.empty() || all) return "is not bound (or bound to all available processors)";
    std::string words, picture, threads;
    const Cpu* before = nullptr;
    std::map<int, int> used;  // hardware threads of each core that were counted already
    for (const Cpu& cpu : machine.cpus) {
        const int socket = cpu.part_of(Level::socket);
        const int core = cpu.part_of(Level::core);
        const bool new_socket = before == nullptr || before->part_of(Level::socket) != socket;
        const bool new_core = before == nullptr || before->part_of(Level::core) != core;
        if (new_socket) {
            picture += before == nullptr ? "[" : "][";
        } else if (new_core) {
            picture += '/';
        }
        if (new_core) threads.clear();
        const int thread = used[core]++;
        picture += is_bound(cpu) ? 'B' : '.';
        if (is_bound(cpu)) {
            if (threads.empty()) {
                if (!words.empty()) words += ", ";
                words +=
                    "socket " + std::to_string(socket) + "[core " + std::to_string(core) + "[hwt ";
            } else {
                words.resize(words.size() - 2);  // takes "]]" back
                words += ',';
            }
            threads += '+';
            words += std::to_string(thread) + "]]";
        }
        before = &cpu;
    }
    return "bound to " + words + ": " + picture + ']';
}

}  // namespace launch
