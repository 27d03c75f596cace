#include "mpi/launch/allocation.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "adi/base/number.hpp"
#include "mpi/launch/host_lists.hpp"

namespace launch {

namespace {

using Lookup = const char* (*)(const char* name);

/// The first of the variables that is set and says something.
template <class... Names>
std::string value_of(Lookup lookup, Names... names) {
    for (const char* name : {names...}) {
        const char* value = lookup(name);
        if (value != nullptr && *value != '\0') return value;
    }
    return "";
}

bool add_host(const std::string& name, int slots, std::vector<HostEntry>* hosts,
              std::string* error) {
    std::vector<std::string> names;
    if (!expand_names(name, &names, error)) return false;
    for (const std::string& each : names) add_hosts({{each, slots}}, hosts);
    return true;
}

bool find_slurm(Lookup lookup, std::vector<HostEntry>* hosts, std::string* error) {
    const std::string list = value_of(lookup, "SLURM_JOB_NODELIST", "SLURM_NODELIST");
    if (list.empty()) return true;
    std::vector<std::string> names;
    if (!expand_names(list, &names, error)) {
        *error = "SLURM_JOB_NODELIST: " + *error;
        return false;
    }
    const std::string text = value_of(lookup, "SLURM_TASKS_PER_NODE", "SLURM_JOB_CPUS_PER_NODE");
    const std::vector<int> counts = expand_counts(text);
    if (!text.empty() && counts.size() != names.size()) {
        *error = "SLURM_TASKS_PER_NODE is \"" + text + "\", which does not fit to the " +
                 std::to_string(names.size()) + " hosts of SLURM_JOB_NODELIST";
        return false;
    }
    for (std::size_t i = 0; i < names.size(); ++i) {
        hosts->push_back({names[i], counts.empty() ? 0 : counts[i]});
    }
    return true;
}

/// A file with a host a line; its second word, where `counted`, is the number of slots.
bool read_lines(const char* variable, const std::string& path, bool counted,
                std::vector<HostEntry>* hosts, std::string* error) {
    std::ifstream file(path);
    if (!file) {
        *error = std::string(variable) + ": cannot read " + path + ": " + std::strerror(errno);
        return false;
    }
    std::string line;
    for (int number = 1; std::getline(file, line); ++number) {
        std::stringstream words(line);
        std::string name, count;
        if (!(words >> name)) continue;
        std::optional<int> slots = 1;
        if (counted) {
            words >> count;
            slots = adi::parse_number_within<int>(count, 1, kMaxRanks);
        }
        std::string why = "\"" + count + "\" is no number of slots";
        if (slots && add_host(name, *slots, hosts, &why)) continue;
        *error = path + " (" + variable + "), line " + std::to_string(number) + ": " + why;
        return false;
    }
    return true;
}

bool find_lsf(Lookup lookup, std::vector<HostEntry>* hosts, std::string* error) {
    if (value_of(lookup, "LSB_JOBID").empty()) return true;
    const std::string file = value_of(lookup, "LSB_DJOB_HOSTFILE");
    if (!file.empty()) return read_lines("LSB_DJOB_HOSTFILE", file, false, hosts, error);
    std::stringstream pairs(value_of(lookup, "LSB_MCPU_HOSTS"));
    std::string name, count;
    while (pairs >> name) {
        pairs >> count;
        const auto slots = adi::parse_number_within<int>(count, 1, kMaxRanks);
        if (slots && add_host(name, *slots, hosts, error)) continue;
        *error = "LSB_MCPU_HOSTS makes no sense at \"" + name + ' ' + count + '"';
        return false;
    }
    if (!hosts->empty()) return true;
    std::stringstream names(value_of(lookup, "LSB_HOSTS"));
    while (names >> name) {
        if (add_host(name, 1, hosts, error)) continue;
        *error = "LSB_HOSTS: " + *error;
        return false;
    }
    return true;
}

bool find_pbs(Lookup lookup, std::vector<HostEntry>* hosts, std::string* error) {
    const std::string file = value_of(lookup, "PBS_NODEFILE");
    return file.empty() || read_lines("PBS_NODEFILE", file, false, hosts, error);
}

bool find_sge(Lookup lookup, std::vector<HostEntry>* hosts, std::string* error) {
    const std::string file = value_of(lookup, "PE_HOSTFILE");
    return file.empty() || read_lines("PE_HOSTFILE", file, true, hosts, error);
}

constexpr struct {
    const char* manager;
    bool (*find)(Lookup, std::vector<HostEntry>*, std::string*);
} kManagers[] = {{"slurm", find_slurm}, {"lsf", find_lsf}, {"pbs", find_pbs}, {"sge", find_sge}};

}  // namespace

Allocation find_allocation(Lookup lookup, const std::string& manager, std::string* error) {
    for (const auto& known : kManagers) {
        if (!manager.empty() && manager != known.manager) continue;
        Allocation found{known.manager, {}};
        if (!known.find(lookup, &found.hosts, error)) return {};
        if (!found.hosts.empty()) return found;
    }
    return {};
}

}  // namespace launch
