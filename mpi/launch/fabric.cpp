#include "mpi/launch/fabric.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <random>
#include <thread>

#include "mpi/launch/process.hpp"

namespace launch {

namespace {

constexpr std::chrono::seconds kReadyLimit{60};
constexpr std::chrono::seconds kEndLimit{20};
// Under these numbers the emulator finds its pipes.
constexpr int kLifelineFd = 24;
constexpr int kReadyFd = 25;

struct Pipe {
    UniqueFd read_end;
    UniqueFd write_end;
    bool open() {
        int fds[2];
        if (::pipe2(fds, O_CLOEXEC) != 0) return false;
        // Above the numbers that the emulator's ends get.
        read_end.reset(::fcntl(fds[0], F_DUPFD_CLOEXEC, kReadyFd + 1));
        write_end.reset(::fcntl(fds[1], F_DUPFD_CLOEXEC, kReadyFd + 1));
        ::close(fds[0]);
        ::close(fds[1]);
        return read_end && write_end;
    }
};

}  // namespace

bool Fabric::start(const FabricOptions& options, std::string* error) {
    const std::string emulator = find_beside({"fm-fabric", "../../bin/fm-fabric"});
    if (emulator.empty()) {
        *error = "the Myrinet emulator fm-fabric is not beside mpirun; install Fathom as a whole";
        return false;
    }
    std::random_device random;
    const std::string name = "fathom-fm-" + std::to_string(::getpid()) + "-" +
                             std::to_string(random()) + std::to_string(random());
    std::vector<std::string> words = {emulator,
                                      "--listen",
                                      name,
                                      "--lifeline",
                                      std::to_string(kLifelineFd),
                                      "--ready-fd",
                                      std::to_string(kReadyFd)};
    for (const auto& [option, value] : options.values) words.insert(words.end(), {option, value});
    for (const std::string& option : options.flags) words.push_back(option);
    Pipe lifeline, ready;
    if (!lifeline.open() || !ready.open()) {
        *error = std::string("cannot make pipes: ") + std::strerror(errno);
        return false;
    }
    if (!spawn(words, lifeline.read_end.get(), ready.write_end.get(), error)) return false;
    lifeline_ = std::move(lifeline.write_end);
    ready.write_end.reset();
    if (!wait_until_ready(ready.read_end.get())) {
        const bool ended = ::waitpid(pid_, nullptr, WNOHANG) == pid_;
        if (ended) pid_ = -1;
        *error = ended ? "the Myrinet emulator did not start"
                       : "the Myrinet emulator (pid " + std::to_string(pid_) +
                             ") has no routes after " + std::to_string(kReadyLimit.count()) + " s";
        return false;
    }
    // Without it (before Linux 5.3) only the ranks notice that the emulator is gone.
    ended_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
    environment_ = {{"FATHOM_FM_BOARD", "emulator:" + name},
                    {"FATHOM_FM_KEY", std::to_string(random() | 1U)}};
    return true;
}

bool Fabric::spawn(const std::vector<std::string>& words, int lifeline, int ready,
                   std::string* error) {
    std::vector<char*> argv;
    for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, lifeline, kLifelineFd);
    ::posix_spawn_file_actions_adddup2(&actions, ready, kReadyFd);
    posix_spawnattr_t attributes;
    ::posix_spawnattr_init(&attributes);
    // The terminal's signals are mpirun's business.
    ::posix_spawnattr_setpgroup(&attributes, 0);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    const int failed = ::posix_spawn(&pid_, argv[0], &actions, &attributes, argv.data(), environ);
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&actions);
    if (failed == 0) return true;
    pid_ = -1;
    *error = "cannot start " + words.front() + ": " + std::strerror(failed);
    return false;
}

bool Fabric::wait_until_ready(int ready) {
    const auto deadline = std::chrono::steady_clock::now() + kReadyLimit;
    while (std::chrono::steady_clock::now() < deadline) {
        pollfd poll = {ready, POLLIN, 0};
        if (::poll(&poll, 1, 1000) <= 0) continue;
        char byte = 0;
        if (::read(ready, &byte, 1) == 1) return true;
        // It ended: its message comes first.
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
        break;
    }
    return false;
}

bool Fabric::stop() {
    if (pid_ < 0) return true;
    lifeline_.reset();
    int status = 0;
    pid_t ended = 0;
    const auto deadline = std::chrono::steady_clock::now() + kEndLimit;
    while ((ended = ::waitpid(pid_, &status, WNOHANG)) == 0 &&
           std::chrono::steady_clock::now() < deadline) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    if (ended == 0) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, &status, 0);
    }
    pid_ = -1;
    return ended > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace launch
