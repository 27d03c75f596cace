// mpirun, also called mpiexec: starts the ranks of an MPI job.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>

#include "adi/base/number.hpp"
#include "mpi/launch/environment.hpp"
#include "mpi/launch/fabric.hpp"
#include "mpi/launch/job.hpp"
#include "mpi/launch/options.hpp"
#include "mpi/launch/program.hpp"
#include "mpi/launch/spawn.hpp"

namespace launch {
namespace {

const char* lookup_environment(const char* name) {
    return std::getenv(name);
}

// A pipe must never take the number of a standard stream.
void open_standard_streams() {
    int fd = 0;
    do {
        fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
        if (fd >= 0 && fd <= STDERR_FILENO) ::fcntl(fd, F_SETFD, 0);
    } while (fd >= 0 && fd < STDERR_FILENO);
    if (fd > STDERR_FILENO) ::close(fd);
}

InheritedState take_over_signals() {
    InheritedState inherited = {};
    sigset_t all;
    sigfillset(&all);
    // SIGQUIT keeps its default, and with it the means to see where mpirun stands.
    sigdelset(&all, SIGQUIT);
    ::sigprocmask(SIG_SETMASK, &all, &inherited.mask);
    struct sigaction action = {};
    action.sa_handler = SIG_IGN;
    ::sigaction(SIGPIPE, &action, &inherited.sigpipe);
    action.sa_handler = SIG_DFL;
    ::sigaction(SIGCHLD, &action, &inherited.sigchld);
    ::getrlimit(RLIMIT_NOFILE, &inherited.open_files);
    return inherited;
}

// When mpirun is itself a rank of another job, that job's connection is not its own ranks'
// business.
void hide_outer_launcher() {
    const char* text = std::getenv("PMI_FD");
    const auto fd = adi::parse_number_within<int>(text == nullptr ? "" : text, 3, 1 << 24);
    if (fd) ::fcntl(*fd, F_SETFD, FD_CLOEXEC);
}

int make_image(const Options& options, const Program& program, ProgramImage* image) {
    struct stat status = {};
    if (!program.directory.empty() &&
        (::stat(program.directory.c_str(), &status) != 0 || !S_ISDIR(status.st_mode))) {
        std::fprintf(stderr, "mpirun: the working directory %s is not there\n",
                     program.directory.c_str());
        return kUsageError;
    }
    const FoundProgram found =
        find_program(program.argv.front(), program.directory, std::getenv("PATH"));
    if (found.exit_status != 0) {
        std::fprintf(stderr, "mpirun: %s\n", found.error.c_str());
        return found.exit_status;
    }
    image->directory = program.directory;
    image->argv = program.argv;
    // The rank changes its directory before it executes the path.
    image->path =
        program.directory.empty() ? found.path : std::filesystem::absolute(found.path).string();
    image->environment = make_environment(environ, options.environment, program);
    return 0;
}

/// What the ranks' MPI has to know of the job's devices.
void add_variables(const Options& options, const Fabric& fabric, ProgramImage* image) {
    std::vector<std::pair<std::string, std::string>> variables = fabric.environment();
    std::string devices;
    for (const std::string& device : options.devices) {
        devices += (devices.empty() ? "" : ",") + device;
    }
    if (!devices.empty()) variables.emplace_back("FATHOM_DEVICE", devices);
    for (const auto& [name, value] : variables) {
        std::erase_if(image->environment,
                      [&](const std::string& entry) { return entry.starts_with(name + '='); });
        image->environment.push_back(name + '=' + value);
    }
}

int run(int argc, char** argv) {
    open_standard_streams();
    const ParsedCommandLine parsed = parse_options({argv + 1, argv + argc}, lookup_environment);
    if (parsed.exit_status) {
        std::fputs(parsed.text.c_str(), *parsed.exit_status == 0 ? stdout : stderr);
        return *parsed.exit_status;
    }
    std::vector<ProgramImage> images(parsed.options.programs.size());
    for (std::size_t i = 0; i < images.size(); ++i) {
        const int status = make_image(parsed.options, parsed.options.programs[i], &images[i]);
        if (status != 0) return status;
    }
    hide_outer_launcher();
    Fabric fabric;
    if (parsed.options.wants_fabric()) {
        std::string error;
        if (!fabric.start(parsed.options.fabric, &error)) {
            std::fprintf(stderr, "mpirun: %s\n", error.c_str());
            return 1;
        }
    }
    for (ProgramImage& image : images) add_variables(parsed.options, fabric, &image);
    const InheritedState inherited = take_over_signals();
    const int status = Job(parsed.options, std::move(images), inherited, fabric).run();
    if (!fabric.stop() && status == 0) {
        std::fputs("mpirun: the Myrinet emulator did not end well\n", stderr);
        return 1;
    }
    return status;
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
