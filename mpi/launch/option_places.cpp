// The options that say which hosts a job has, how they are reached, and which rank goes where.
#include <algorithm>

#include "adi/base/number.hpp"
#include "mpi/launch/allocation.hpp"
#include "mpi/launch/host_lists.hpp"
#include "mpi/launch/option_actions.hpp"
#include "mpi/launch/remote_shell.hpp"

namespace launch {

void OptionActions::apply_policy(const std::string& option, const std::string& word,
                                 bool (*parse)(const std::string&, PlacePolicy*, std::string*)) {
    std::string error;
    if (!parse(word, &options_.places, &error)) mistake(option + ": " + error);
}

bool OptionActions::apply_places(const OptionWord& word, const std::string& first) {
    const std::string name = std::string("-") + word.name;
    PlacePolicy& places = options_.places;
    std::string error;
    switch (word.action) {
        case Action::per_host: options_.per_host = parse_count(name, first); break;
        case Action::host_file:
            if (!read_host_file(first, &file_hosts_, &error)) mistake(error);
            options_.hosts_from = "the file " + first;
            break;
        case Action::hosts: {
            const auto hosts = parse_host_list(first, &error);
            if (!error.empty()) mistake(name + ": " + error);
            add_hosts(hosts, &named_hosts_);
            break;
        }
        case Action::map_by: apply_policy(name, first, parse_map_by); break;
        case Action::rank_by: apply_policy(name, first, parse_rank_by); break;
        case Action::bind_to: apply_policy(name, first, parse_bind_to); break;
        case Action::cpu_set: apply_policy(name, first, parse_cpu_set); break;
        case Action::per_part:
            apply_policy(name, "ppr:" + first + ':' + word.preset, parse_map_by);
            break;
        case Action::cpus_per_rank: places.cpus_per_rank = parse_count(name, first); break;
        case Action::oversubscribe: places.oversubscribe = true; break;
        case Action::nooversubscribe: places.oversubscribe = false; break;
        case Action::use_hwthreads: places.count_hwthreads = true; break;
        case Action::report_bindings: places.report = true; break;
        case Action::display_map: options_.display_map = true; break;
        case Action::display:
            if (first.starts_with("bind")) {
                places.report = true;
            } else if (first.starts_with("map") || first.starts_with("alloc")) {
                options_.display_map = true;
            } else {
                warn(name + ' ' + first + " is not honoured and has no effect");
            }
            break;
        default: return false;
    }
    return true;
}

bool OptionActions::apply_shell(const OptionWord& word, const std::string& first,
                                const std::string& second) {
    const std::string name = std::string("-") + word.name;
    ShellOptions& shell = options_.shell;
    switch (word.action) {
        case Action::manager: manager_ = first; break;
        case Action::launcher:
            if (is_launcher(first)) {
                shell.launcher = first;
            } else {
                warn(name + ' ' + first +
                     " is not honoured: known are ssh, rsh, slurm, lsf, sge, fork");
            }
            break;
        case Action::launcher_exec: shell.launcher_exec = first; break;
        case Action::prefix: shell.prefix = first; break;
        case Action::start_timeout:
            shell.start_timeout_s = std::max(parse_seconds(first, name), 1);
            break;
        case Action::interface:
            options_.environment.assignments.emplace_back("FATHOM_TCP_INTERFACE", first);
            break;
        case Action::tuning: apply_tuning(first, second); break;
        default: return false;
    }
    return true;
}

/// Open MPI's parameters: those that other options say too.
void OptionActions::apply_tuning(const std::string& name, const std::string& value) {
    const std::string option = "-mca " + name;
    if (name == "plm_rsh_agent" || name == "plm_ssh_agent") {
        options_.shell.agent = value;
    } else if (name == "btl_tcp_if_include") {
        options_.environment.assignments.emplace_back("FATHOM_TCP_INTERFACE", value);
    } else if (name == "rmaps_base_mapping_policy" || name == "rmaps_default_mapping_policy") {
        apply_policy(option, value, parse_map_by);
    } else if (name == "hwloc_base_binding_policy" || name == "hwloc_default_binding_policy") {
        apply_policy(option, value, parse_bind_to);
    } else {
        warn(option + ' ' + value + " is not honoured and has no effect");
    }
}

/// In this order: what was said, HYDRA_HOST_FILE, a batch system's; or this host alone.
void OptionActions::settle_hosts() {
    std::string error;
    const char* topology = lookup_("HYDRA_TOPO_DEBUG");
    if (topology != nullptr && *topology != '\0' && *topology != '0') options_.places.report = true;
    if (const char* text = lookup_("FATHOM_START_TIMEOUT");
        text != nullptr && options_.shell.start_timeout_s == ShellOptions().start_timeout_s) {
        options_.shell.start_timeout_s =
            std::max(parse_seconds(text, "the variable FATHOM_START_TIMEOUT"), 1);
    }
    const char* file = lookup_("HYDRA_HOST_FILE");
    if (named_hosts_.empty() && file_hosts_.empty() && file != nullptr && *file != '\0') {
        if (!read_host_file(file, &file_hosts_, &error)) mistake("HYDRA_HOST_FILE: " + error);
        options_.hosts_from = "HYDRA_HOST_FILE";
    }
    if (!file_hosts_.empty()) {
        options_.hosts =
            named_hosts_.empty() ? file_hosts_ : filter_hosts(file_hosts_, named_hosts_, &error);
        if (!error.empty()) mistake(error);
    } else if (!named_hosts_.empty()) {
        options_.hosts = named_hosts_;
        options_.hosts_from = "-host";
        // As elsewhere: once named, one rank. A host of a file has as many as it has CPUs.
        for (HostEntry& host : options_.hosts) host.slots = std::max(host.slots, 1);
    } else if (manager_ != "none" && manager_ != "user") {
        Allocation allocation = find_allocation(lookup_, manager_, &error);
        if (!error.empty()) mistake(error + "; -rmk none leaves it aside");
        options_.hosts = std::move(allocation.hosts);
        options_.manager = options_.hosts_from = allocation.manager;
    }
}

/// As elsewhere, a stated number of places without a number of ranks means that many ranks.
void OptionActions::settle_counts() {
    const int hosts = std::max(static_cast<int>(options_.hosts.size()), 1);
    const bool by_parts = options_.places.per_part > 0;
    const int most = options_.per_host * hosts;
    if (options_.programs.size() == 1 && !options_.programs[0].processes && !by_parts) {
        long places = most;
        bool said = true;
        for (const HostEntry& host : options_.hosts) said = said && host.slots > 0;
        if (most == 0 && said) {
            for (const HostEntry& host : options_.hosts) places += host.slots;
        }
        if (places > 0) {
            options_.programs[0].processes = static_cast<int>(std::min<long>(places, kMaxRanks));
        }
    }
    for (Program& program : options_.programs) {
        if (program.processes) continue;
        options_.fill_places =
            options_.programs.size() == 1 && (by_parts || !options_.hosts.empty());
        program.processes = 1;
    }
    if (most > 0 && !by_parts && options_.total_processes() > most) {
        warn("-ppn " + std::to_string(options_.per_host) +
             " is not honoured: " + std::to_string(options_.total_processes()) + " ranks run on " +
             (hosts == 1 ? "one host" : std::to_string(hosts) + " hosts"));
    }
}

}  // namespace launch
