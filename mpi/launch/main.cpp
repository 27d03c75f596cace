// mpirun, also called mpiexec: starts the ranks of an MPI job.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <random>
#include <stdexcept>

#include "adi/base/host.hpp"
#include "adi/base/number.hpp"
#include "adi/boot/boot.hpp"
#include "mpi/launch/environment.hpp"
#include "mpi/launch/hosts.hpp"
#include "mpi/launch/job.hpp"
#include "mpi/launch/options.hpp"
#include "mpi/launch/placement.hpp"
#include "mpi/launch/process.hpp"
#include "mpi/launch/program.hpp"
#include "mpi/launch/spawn.hpp"

namespace launch {
namespace {

const char* lookup_environment(const char* name) {
    return std::getenv(name);
}

// When mpirun is itself a rank of another job, that job's connection is not its own ranks'
// business.
void hide_outer_launcher() {
    const char* text = std::getenv("PMI_FD");
    const auto fd = adi::parse_number_within<int>(text == nullptr ? "" : text, 3, 1 << 24);
    if (fd) ::fcntl(*fd, F_SETFD, FD_CLOEXEC);
}

ProgramImage make_image(const Options& options, const Program& program, bool stays) {
    ProgramImage image;
    image.directory = program.directory;
    // Other hosts start in a directory of their own.
    if (!stays) {
        image.directory =
            (std::filesystem::current_path() / program.directory).lexically_normal().string();
    }
    image.argv = program.argv;
    image.environment = make_environment(environ, options.environment, program);
    return image;
}

/// A plan without places.
JobPlan make_draft(const Options& options) {
    const adi::Result<std::string> secret = adi::make_secret();
    if (!secret) throw std::runtime_error(secret.message());
    JobPlan plan;
    plan.name = "fathom_" + std::to_string(::getpid());
    plan.secret = *secret;
    plan.stdin_target = options.stdin_target;
    plan.wants_fabric = options.wants_fabric();
    plan.fabric = options.fabric;
    plan.fabric_key = std::random_device{}() | 1U;
    for (std::size_t i = 0; i < options.programs.size(); ++i) {
        plan.ranks.insert(plan.ranks.end(),
                          static_cast<std::size_t>(*options.programs[i].processes),
                          RankPlan{0, static_cast<int>(i)});
    }
    return plan;
}

/// Which devices the ranks' MPI may use.
void set_devices(const Options& options, ProgramImage* image) {
    std::string devices;
    for (const std::string& device : options.devices) {
        devices += (devices.empty() ? "" : ",") + device;
    }
    if (!devices.empty()) set_variable("FATHOM_DEVICE", devices, &image->environment);
    if (options.verbose) set_variable("FATHOM_VERBOSE", "1", &image->environment);
}

/// The hosts that the options name; this one when they name none.
Job::Hosts hosts_of(const Options& options) {
    Job::Hosts hosts;
    hosts.own = -1;
    for (const HostEntry& host : options.hosts) {
        if (is_this_host(host.name)) hosts.own = static_cast<int>(hosts.names.size());
        hosts.names.push_back(host.name);
    }
    if (hosts.names.empty()) {
        hosts.names = {adi::host_name()};
        hosts.own = 0;
    }
    hosts.shell = choose_shell(options.shell, options.manager, lookup_environment);
    hosts.shell.start_limit_s = options.shell.start_timeout_s;
    hosts.shell.ask_machine = options.places.needs_machine();
    const std::string below = "libexec/fathom/fathom-proxy";
    hosts.shell.proxy = options.shell.prefix.empty() ? find_beside({"../" + below, "fathom-proxy"})
                                                     : options.shell.prefix + '/' + below;
    hosts.found =
        std::to_string(hosts.names.size()) + (hosts.names.size() == 1 ? " host" : " hosts");
    if (!options.hosts_from.empty()) hosts.found += " from " + options.hosts_from;
    for (std::size_t i = 0; i < hosts.names.size(); ++i) {
        const int slots = i < options.hosts.size() ? options.hosts[i].slots : 0;
        hosts.found += (i == 0 ? ": " : ", ") + hosts.names[i];
        if (slots > 0) hosts.found += " (" + std::to_string(slots) + ")";
    }
    const bool alone = hosts.names.size() == 1 && hosts.own == 0;
    if (!alone) hosts.found += "; reached by " + hosts.shell.words.front();
    return hosts;
}

int run(int argc, char** argv) {
    open_standard_streams();
    const ParsedCommandLine parsed = parse_options({argv + 1, argv + argc}, lookup_environment);
    if (parsed.exit_status) {
        std::fputs(parsed.text.c_str(), *parsed.exit_status == 0 ? stdout : stderr);
        return *parsed.exit_status;
    }
    const Options& options = parsed.options;
    Job::Hosts hosts = hosts_of(options);
    const bool alone = hosts.names.size() == 1 && hosts.own == 0;
    JobPlan draft = make_draft(options);
    for (const Program& program : options.programs) {
        ProgramImage image = make_image(options, program, alone);
        // What cannot be run here is known before anything is started. Other hosts look themselves.
        ProgramImage found = image;
        std::string why;
        const int status = hosts.own < 0 ? 0 : find_image(&found, &why);
        if (status != 0) {
            std::fprintf(stderr, "mpirun: %s\n", why.c_str());
            return status;
        }
        draft.programs.push_back(alone ? found : image);
    }
    hide_outer_launcher();
    for (ProgramImage& image : draft.programs) set_devices(options, &image);
    const InheritedState inherited = take_over_signals();
    const Job::Planner planner = [&](const std::vector<Machine>& machines, JobPlan* plan,
                                     std::vector<std::string>* notes, std::string* error) {
        *plan = draft;
        return place_ranks(options, machines, plan, notes, error);
    };
    return Job(options, std::move(hosts), planner, inherited).run();
}

}  // namespace
}  // namespace launch

int main(int argc, char** argv) {
    try {
        return launch::run(argc, argv);
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "mpirun: %s\n", problem.what());
        return 1;
    }
}
