#include "mpi/launch/keeper.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <limits>
#include <set>
#include <unordered_map>

#include "adi/boot/board.hpp"
#include "mpi/launch/sweep.hpp"

namespace launch {

namespace {

constexpr std::chrono::milliseconds kSweepLimit{4000};
constexpr std::chrono::milliseconds kFinishLimit{5000};

// mpirun to keeper: a signal for all ranks, or 0 for "kill all and end".
using Command = int;

/// As the kernel takes it: a bit a CPU.
std::vector<unsigned long> make_mask(const std::vector<int>& cpus) {
    constexpr std::size_t kBits = 8 * sizeof(unsigned long);
    std::vector<unsigned long> mask;
    for (const int number : cpus) {
        const auto cpu = static_cast<std::size_t>(number);
        mask.resize(std::max(mask.size(), cpu / kBits + 1));
        mask[cpu / kBits] |= 1UL << cpu % kBits;
    }
    return mask;
}

// The keeper's own life. Runs in the forked child until it exits.
class KeeperProcess {
  public:
    KeeperProcess(int socket, std::vector<RankStart> ranks, int job_size, int board_fd,
                  const InheritedState& inherited)
        : socket_(socket),
          starts_(std::move(ranks)),
          job_size_(job_size),
          board_fd_(board_fd),
          inherited_(inherited) {}

    [[noreturn]] void run() {
        ::prctl(PR_SET_NAME, "fathom-keeper");
        ::prctl(PR_SET_CHILD_SUBREAPER, 1);
        ::setpgid(0, 0);  // the terminal's signals are mpirun's business
        sigset_t child_ended;
        sigemptyset(&child_ended);
        sigaddset(&child_ended, SIGCHLD);
        const int signals = ::signalfd(-1, &child_ended, SFD_CLOEXEC | SFD_NONBLOCK);
        for (RankStart& rank : starts_) {
            start(rank);
            reap();
            obey();
        }
        while (true) {
            pollfd polls[] = {{socket_, POLLIN, 0}, {signals, POLLIN, 0}};
            ::poll(polls, 2, signals < 0 ? 20 : -1);
            signalfd_siginfo info;
            while (::read(signals, &info, sizeof info) > 0) {
            }
            reap();
            obey();
        }
    }

  private:
    void start(RankStart& start) {
        const int rank = start.rank;
        const ProgramImage& image = *start.image;
        const std::string board =
            board_fd_ < 0 ? "" : adi::kBoardVariable + ('=' + std::to_string(kBoardFd));
        const std::string extra[] = {"PMI_FD=" + std::to_string(kPmiFd),
                                     "PMI_RANK=" + std::to_string(rank),
                                     "PMI_SIZE=" + std::to_string(job_size_)};
        std::vector<char*> argv;
        for (const std::string& word : image.argv) argv.push_back(const_cast<char*>(word.c_str()));
        argv.push_back(nullptr);
        std::vector<char*> envp;
        for (const std::string& entry : image.environment) {
            envp.push_back(const_cast<char*>(entry.c_str()));
        }
        for (const std::string& entry : extra) envp.push_back(const_cast<char*>(entry.c_str()));
        if (!board.empty()) envp.push_back(const_cast<char*>(board.c_str()));
        envp.push_back(nullptr);
        const SpawnResult result =
            spawn_process({image.path.c_str(), argv.data(), envp.data(),
                           image.directory.empty() ? nullptr : image.directory.c_str(),
                           start.stdin_fd.get(), start.stdout_fd.get(), start.stderr_fd.get(),
                           start.pmi_fd.get(), board_fd_, &inherited_, make_mask(*start.cpus)});
        start.stdin_fd.reset();
        start.stdout_fd.reset();
        start.stderr_fd.reset();
        start.pmi_fd.reset();
        if (result.pid < 0) {
            tell({KeeperEvent::Type::start_failed, rank, -1, result.stage, result.error});
            return;
        }
        ranks_[result.pid] = rank;
        tell({KeeperEvent::Type::started, rank, result.pid, SpawnStage::none, 0});
    }

    void reap() {
        int status = 0;
        pid_t pid = 0;
        while ((pid = ::waitpid(-1, &status, WNOHANG)) > 0) {
            const auto found = ranks_.find(pid);
            if (found == ranks_.end()) continue;  // an adopted descendant
            const int rank = found->second;
            ranks_.erase(found);
            tell({KeeperEvent::Type::exited, rank, pid, SpawnStage::none, status});
        }
    }

    void obey() {
        while (true) {
            Command command = 0;
            const ssize_t got = ::recv(socket_, &command, sizeof command, MSG_DONTWAIT);
            if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
            if (got != sizeof command || command == 0) end();
            signal_all(command);
        }
    }

    // The number of a process that was not waited for is its own, and so is its group's.
    void signal_all(int signal) {
        for (const auto& [pid, rank] : ranks_) {
            if (::kill(-pid, signal) != 0) ::kill(pid, signal);
        }
    }

    [[noreturn]] void end() {
        signal_all(SIGKILL);
        kill_all_children({}, kSweepLimit);
        ::_exit(0);
    }

    void tell(const KeeperEvent& event) {
        while (true) {
            const ssize_t put = ::send(socket_, &event, sizeof event, MSG_NOSIGNAL);
            if (put == sizeof event) return;
            if (errno != EINTR) end();
        }
    }

    int socket_;
    std::vector<RankStart> starts_;
    int job_size_;
    int board_fd_;
    InheritedState inherited_;
    std::unordered_map<pid_t, int> ranks_;  // those that run
};

void close_from_to(int first, int last) {
    if (first > last ||
        ::close_range(static_cast<unsigned>(first), static_cast<unsigned>(last), 0) == 0)
        return;
    // Before Linux 5.9.
    last = static_cast<int>(std::min<long>(last, ::sysconf(_SC_OPEN_MAX)));
    for (int fd = first; fd <= last; ++fd) ::close(fd);
}

// What mpirun holds open is not the keeper's to hold: pipes would never end.
void close_all_but(const std::vector<RankStart>& ranks, int socket, int board_fd) {
    std::set<int> kept = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO, socket};
    if (board_fd >= 0) kept.insert(board_fd);
    for (const RankStart& rank : ranks) {
        kept.insert(
            {rank.stdin_fd.get(), rank.stdout_fd.get(), rank.stderr_fd.get(), rank.pmi_fd.get()});
    }
    for (auto at = kept.begin(); at != kept.end(); ++at) {
        const auto next = std::next(at);
        close_from_to(*at + 1, next == kept.end() ? std::numeric_limits<int>::max() : *next - 1);
    }
}

// Neither are mpirun's standard streams to be held open or read.
void leave_standard_streams() {
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0) return;
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null, fd);
    ::close(null);
}

}  // namespace

std::optional<Keeper> Keeper::start(std::vector<RankStart> ranks, int job_size, int board_fd,
                                    const InheritedState& inherited) {
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) return std::nullopt;
    UniqueFd own(pair[0]);
    UniqueFd other(pair[1]);
    std::vector<pid_t> older_children = children_of_this_process();
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    const pid_t pid = ::fork();
    if (pid < 0) return std::nullopt;
    if (pid == 0) {
        own.reset();
        close_all_but(ranks, other.get(), board_fd);
        leave_standard_streams();
        KeeperProcess(other.get(), std::move(ranks), job_size, board_fd, inherited).run();
    }
    return Keeper(std::move(own), pid, std::move(older_children));
}

std::optional<KeeperEvent> Keeper::next(bool* lost) {
    KeeperEvent event;
    *lost = false;
    while (true) {
        const ssize_t got = ::recv(socket_.get(), &event, sizeof event, MSG_DONTWAIT);
        if (got == sizeof event) return event;
        if (got < 0 && errno == EINTR) continue;
        *lost = !(got < 0 && errno == EAGAIN);
        return std::nullopt;
    }
}

void Keeper::signal_all(int signal) {
    const Command command = signal;
    (void)::send(socket_.get(), &command, sizeof command, MSG_NOSIGNAL);
}

int Keeper::finish() {
    const Command end = 0;
    (void)::send(socket_.get(), &end, sizeof end, MSG_NOSIGNAL);
    const auto deadline = std::chrono::steady_clock::now() + kFinishLimit;
    // Events that are still under way are read and dropped; end of file is the keeper's end.
    while (std::chrono::steady_clock::now() < deadline) {
        pollfd poll = {socket_.get(), POLLIN, 0};
        if (::poll(&poll, 1, 100) <= 0) continue;
        bool lost = false;
        while (next(&lost)) {
        }
        if (lost) break;
    }
    int status = 0;
    const bool ended = ::waitpid(pid_, &status, WNOHANG) == pid_;
    if (!ended) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, &status, 0);
    }
    kill_all_children(older_children_, kSweepLimit);
    return status;
}

}  // namespace launch
