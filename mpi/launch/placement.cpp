#include "mpi/launch/placement.hpp"

#include <algorithm>
#include <cstdlib>

#include "mpi/launch/hosts.hpp"
#include "mpi/launch/process.hpp"

namespace launch {

Job::Hosts hosts_of(const Options& options) {
    Job::Hosts hosts;
    hosts.own = -1;
    for (const HostEntry& host : options.hosts) {
        if (is_this_host(host.name)) hosts.own = static_cast<int>(hosts.names.size());
        hosts.names.push_back(host.name);
    }
    if (hosts.names.empty()) {
        hosts.names = {host_name()};
        hosts.own = 0;
    }
    const char* shell = std::getenv("FATHOM_RSH");
    hosts.shell.words = remote_shell_words(shell == nullptr ? "" : shell);
    hosts.shell.proxy = find_beside({"../libexec/fathom/fathom-proxy", "fathom-proxy"});
    return hosts;
}

bool place_ranks(const Options& options, const std::vector<int>& cpus, JobPlan* plan,
                 std::string*) {
    const std::size_t hosts = std::max<std::size_t>(options.hosts.size(), 1);
    std::vector<int> slots(hosts);
    for (std::size_t host = 0; host < hosts; ++host) {
        const int said = options.hosts.empty() ? 0 : options.hosts[host].slots;
        slots[host] = options.per_host > 0 ? options.per_host : said > 0 ? said : cpus[host];
        slots[host] = std::max(slots[host], 1);
    }
    std::size_t host = 0;
    int used = 0;
    for (RankPlan& rank : plan->ranks) {
        if (used == slots[host]) {
            used = 0;
            host = (host + 1) % hosts;
        }
        rank.host = static_cast<int>(host);
        ++used;
    }
    return true;
}

}  // namespace launch
