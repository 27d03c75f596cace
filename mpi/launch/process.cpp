#include "mpi/launch/process.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

namespace launch {

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
    ::sigprocmask(SIG_SETMASK, &all, &inherited.mask);
    struct sigaction action = {};
    action.sa_handler = SIG_IGN;
    ::sigaction(SIGPIPE, &action, &inherited.sigpipe);
    action.sa_handler = SIG_DFL;
    ::sigaction(SIGCHLD, &action, &inherited.sigchld);
    // It asks for a report, of jobs too that a script runs in the background with SIGQUIT ignored.
    ::sigaction(SIGQUIT, &action, &inherited.sigquit);
    ::getrlimit(RLIMIT_NOFILE, &inherited.open_files);
    return inherited;
}

std::string find_beside(const std::vector<std::string>& places) {
    std::error_code none;
    const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", none);
    for (const std::string& at : places) {
        const std::filesystem::path path = (self.parent_path() / at).lexically_normal();
        if (::access(path.c_str(), X_OK) == 0) return path.string();
    }
    return "";
}

}  // namespace launch
