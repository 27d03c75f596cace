#include "mpi/launch/fabric.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <random>
#include <sstream>
#include <thread>

#include "adi/base/number.hpp"
#include "mpi/launch/hosts.hpp"
#include "mpi/launch/process.hpp"

namespace launch {

namespace {

constexpr std::chrono::seconds kEndLimit{20};
// Under these numbers the emulator finds its pipes.
constexpr int kLifelineFd = 24;
constexpr int kReadyFd = 25;
constexpr int kTopologyFd = 26;
constexpr int kSecretFd = 27;
constexpr int kFirstFreeFd = 28;
/// Of several hosts: a switch of so many ports on each, and boards for as many ranks.
constexpr int kSwitchPorts = 31;
constexpr int kBoardsPerHost = 16;

struct Pipe {
    UniqueFd read_end;
    UniqueFd write_end;
    bool open() {
        UniqueFd made[2];
        if (!make_pipe(&made[0], &made[1])) return false;
        // Above the numbers that the emulator's ends get.
        read_end.reset(::fcntl(made[0].get(), F_DUPFD_CLOEXEC, kFirstFreeFd));
        write_end.reset(::fcntl(made[1].get(), F_DUPFD_CLOEXEC, kFirstFreeFd));
        return read_end && write_end;
    }
};

/// A file without a name that a child reads under its number; empty: none could be made.
UniqueFd make_file(const std::string& text) {
    UniqueFd made(::memfd_create("fathom-fabric", MFD_CLOEXEC));
    UniqueFd fd(::fcntl(made.get(), F_DUPFD_CLOEXEC, kFirstFreeFd));
    if (fd && ::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
        fd.reset();
    }
    return fd;
}

std::string path_of(int fd) {
    return "/proc/self/fd/" + std::to_string(fd);
}

/// How many boards the ranks of a host get.
int boards_of(const JobPlan& plan, int host) {
    int most = kBoardsPerHost;
    for (const auto& [option, value] : plan.fabric.values) {
        if (option == "--boards") most = adi::parse_number<int>(value).value_or(most);
    }
    return std::min(most, static_cast<int>(plan.ranks_on(host).size()));
}

/// The topology file of one of several hosts. Empty: `error` says why there is none.
std::string topology_of(const JobPlan& plan, int host, const std::string& ways,
                        std::string* error) {
    const std::vector<int> hosts = plan.hosts_used();
    const std::string name = "s" + std::to_string(host);
    std::string text = "switch " + name + ' ' + std::to_string(kSwitchPorts) + '\n';
    int first_board = 0;
    for (const int other : hosts) {
        if (other == host) break;
        first_board += boards_of(plan, other);
    }
    const int boards = boards_of(plan, host);
    for (int board = first_board; board < first_board + boards; ++board) {
        const std::string number = std::to_string(board);
        text += "board " + number + "\nlink " + number + ' ' + name + '\n';
    }
    if (Fabric::is_first(plan, host)) {
        const std::vector<std::string> addresses = host_addresses();
        const int others = static_cast<int>(hosts.size()) - 1;
        if (addresses.empty() || others + boards > kSwitchPorts) {
            *error = addresses.empty() ? "this host has no address that others could reach"
                                       : "an emulated Myrinet has room for " +
                                             std::to_string(kSwitchPorts - boards + 1) + " hosts";
            return "";
        }
        for (int i = 0; i < others; ++i) {
            text += "link " + name + " listen " + addresses.front() + ":0\n";
        }
        return text;
    }
    std::stringstream words(ways);
    std::string address, port;
    words >> address;
    for (const int other : hosts) {
        if (other != hosts.front()) words >> port;
        if (other == host) break;
    }
    return text + "link " + name + " remote " + address + ':' + port + '\n';
}

/// Options that make no sense for several emulators.
bool fits_several(const FabricOptions& fabric, std::string* error) {
    for (const auto& [option, value] : fabric.values) {
        if (option != "--fabric" && option != "--machine") continue;
        *error = option == "--fabric"
                     ? "--fabric tells the network of one emulator; with several hosts each has one"
                     : "--fm-machine: modelled time is that of one emulator, hence of one host";
        return false;
    }
    return true;
}

}  // namespace

bool Fabric::is_first(const JobPlan& plan, int host) {
    return plan.hosts_used().front() == host;
}

bool Fabric::start(const JobPlan& plan, int host, const std::string& ways,
                   const InheritedState& inherited, std::string* error) {
    const std::string emulator =
        find_beside({"fm-fabric", "../bin/fm-fabric", "../../bin/fm-fabric"});
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
    const bool several = plan.hosts_used().size() > 1;
    for (const auto& [option, value] : plan.fabric.values) {
        if (!several || option != "--boards") words.insert(words.end(), {option, value});
    }
    for (const std::string& option : plan.fabric.flags) words.push_back(option);
    Pipe lifeline, ready;
    if (!lifeline.open() || !ready.open()) {
        *error = std::string("cannot make pipes: ") + std::strerror(errno);
        return false;
    }
    std::vector<std::pair<int, int>> fds = {{lifeline.read_end.get(), kLifelineFd},
                                            {ready.write_end.get(), kReadyFd}};
    UniqueFd topology, secret;
    if (several) {
        if (!fits_several(plan.fabric, error)) return false;
        const std::string text = topology_of(plan, host, ways, error);
        if (text.empty()) return false;
        topology = make_file(text);
        secret = make_file(plan.secret);
        fds.insert(fds.end(), {{topology.get(), kTopologyFd}, {secret.get(), kSecretFd}});
        words.insert(words.end(), {"--fabric", path_of(kTopologyFd), "--secret-file",
                                   path_of(kSecretFd), "--map"});
    }
    if (!spawn(words, fds, inherited, error)) return false;
    lifeline_ = std::move(lifeline.write_end);
    ready_ = std::move(ready.read_end);
    make_nonblocking(ready_);
    if (several && is_first(plan, host)) address_ = host_addresses().front();
    // Without it (before Linux 5.3) only the ranks notice that the emulator is gone.
    ended_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
    environment_ = {{"FATHOM_FM_BOARD", "emulator:" + name},
                    {"FATHOM_FM_KEY", std::to_string(plan.fabric_key)}};
    return true;
}

bool Fabric::spawn(const std::vector<std::string>& words,
                   const std::vector<std::pair<int, int>>& fds, const InheritedState& inherited,
                   std::string* error) {
    std::vector<char*> argv;
    for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    for (const auto& [fd, number] : fds) {
        ::posix_spawn_file_actions_adddup2(&actions, fd, number);
    }
    posix_spawnattr_t attributes;
    ::posix_spawnattr_init(&attributes);
    // The terminal's signals are the launcher's business.
    ::posix_spawnattr_setpgroup(&attributes, 0);
    ::posix_spawnattr_setsigmask(&attributes, &inherited.mask);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
    const int failed = ::posix_spawn(&pid_, argv[0], &actions, &attributes, argv.data(), environ);
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&actions);
    if (failed == 0) return true;
    pid_ = -1;
    *error = "cannot start " + words.front() + ": " + std::strerror(failed);
    return false;
}

/// What the emulator writes: "ready", and the ports on which it listens.
Fabric::State Fabric::look(std::string* error) {
    constexpr std::string_view kReady = "ready";
    char bytes[512];
    const ssize_t got = ::read(ready_.get(), bytes, sizeof bytes);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return State::starting;
    if (got > 0) said_.append(bytes, static_cast<std::size_t>(got));
    if (got > 0 && !said_.ends_with('\n')) return State::starting;
    ready_.reset();
    if (got > 0 && said_.starts_with(kReady)) {
        if (!address_.empty()) {
            ways_ = address_ + said_.substr(kReady.size(), said_.size() - kReady.size() - 1);
        }
        return State::ready;
    }
    // It ended: its message comes first.
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    if (::waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = -1;
    *error = "the Myrinet emulator did not start";
    return State::failed;
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
