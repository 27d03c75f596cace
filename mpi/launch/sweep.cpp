#include "mpi/launch/sweep.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace launch {

std::vector<pid_t> children_of_this_process() {
    const std::string path = "/proc/self/task/" + std::to_string(::getpid()) + "/children";
    std::string text;
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        char bytes[4096];
        ssize_t got = 0;
        while ((got = ::read(fd, bytes, sizeof bytes)) > 0) {
            text.append(bytes, static_cast<std::size_t>(got));
        }
        ::close(fd);
    }
    std::vector<pid_t> children;
    const char* at = text.c_str();
    while (*at != '\0') {
        char* end = nullptr;
        const long pid = std::strtol(at, &end, 10);
        if (end == at) break;
        if (pid > 0) children.push_back(static_cast<pid_t>(pid));
        at = end;
        while (*at == ' ') ++at;
    }
    return children;
}

void kill_all_children(std::span<const pid_t> spared, std::chrono::milliseconds limit) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    while (true) {
        bool any = false;
        for (const pid_t pid : children_of_this_process()) {
            if (std::find(spared.begin(), spared.end(), pid) != spared.end()) continue;
            any = true;
            // A child's number is not given out again before it is waited for, here and nowhere
            // else.
            ::kill(pid, SIGKILL);
            ::waitpid(pid, nullptr, WNOHANG);
        }
        if (!any || std::chrono::steady_clock::now() > deadline) return;
        ::usleep(200);
    }
}

}  // namespace launch
