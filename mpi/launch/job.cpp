#include "mpi/launch/job.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "mpi/launch/hosts.hpp"

namespace launch {

namespace {

// From the first failure to SIGKILL. A dead rank has to end the job within two seconds.
constexpr std::chrono::milliseconds kGrace{700};
// The same when a person or batch system asked the ranks to end, and they may be saving their work.
constexpr std::chrono::milliseconds kInterruptedGrace{5000};

constexpr int kTimeoutStatus = 124;
constexpr int kSignalBase = 128;

std::vector<int> appnums_of(const Options& options) {
    std::vector<int> appnums;
    for (std::size_t i = 0; i < options.programs.size(); ++i) {
        appnums.insert(appnums.end(), static_cast<std::size_t>(*options.programs[i].processes),
                       static_cast<int>(i));
    }
    return appnums;
}

std::string signal_name(int signal) {
    const char* abbreviation = ::sigabbrev_np(signal);
    const std::string name =
        abbreviation == nullptr ? std::to_string(signal) : std::string("SIG") + abbreviation;
    const char* text = ::sigdescr_np(signal);
    return text == nullptr ? name : name + ", " + text;
}

bool make_pipe(UniqueFd* read_end, UniqueFd* write_end) {
    int fds[2];
    if (::pipe2(fds, O_CLOEXEC) != 0) return false;
    read_end->reset(fds[0]);
    write_end->reset(fds[1]);
    return true;
}

}  // namespace

std::string format_ranks(const std::vector<int>& ranks) {
    std::string text;
    for (std::size_t i = 0; i < ranks.size();) {
        std::size_t last = i;
        while (last + 1 < ranks.size() && ranks[last + 1] == ranks[last] + 1) ++last;
        if (!text.empty()) text += ',';
        text += std::to_string(ranks[i]);
        if (last > i) text.append(1, '-').append(std::to_string(ranks[last]));
        i = last + 1;
    }
    return text;
}

Job::Job(const Options& options, std::vector<ProgramImage> images, const InheritedState& inherited,
         const Fabric& fabric)
    : options_(options),
      images_(std::move(images)),
      inherited_(inherited),
      fabric_(fabric),
      host_(host_name()),
      outputs_(&loop_, options) {
    const std::vector<int> appnums = appnums_of(options);
    ranks_.resize(appnums.size());
    for (std::size_t rank = 0; rank < appnums.size(); ++rank) ranks_[rank].appnum = appnums[rank];
    pmi_ = std::make_unique<PmiServer>(appnums, "fathom_" + std::to_string(::getpid()), this);
    not_ended_ = size();
}

int Job::run() {
    for (const std::string& warning : options_.warnings) say("warning: " + warning);
    if (reserve_descriptors() && start()) {
        watch();
        loop_.run();
        const int keeper_status = keeper_->finish();
        if (WIFSIGNALED(keeper_status) && !failed_) {
            exit_status_ = kSignalBase + WTERMSIG(keeper_status);
        }
    }
    outputs_.finish();
    // The job is over, and what is left to write is for whoever reads: a signal may end it.
    ::sigprocmask(SIG_SETMASK, &inherited_.mask, nullptr);
    outputs_.drain(std::chrono::hours(24 * 365));
    return exit_status_;
}

// Three descriptors a rank on each side, the rank's own until the keeper has them, and files.
bool Job::reserve_descriptors() {
    const rlim_t needed = static_cast<rlim_t>(ranks_.size()) * 10 + 64;
    rlimit limit = {};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur >= needed) return true;
    limit.rlim_cur = std::min(needed, limit.rlim_max);
    if (limit.rlim_cur == needed && ::setrlimit(RLIMIT_NOFILE, &limit) == 0) return true;
    fail(std::to_string(size()) + " ranks need " + std::to_string(needed) +
             " open descriptors, but the limit is " + std::to_string(limit.rlim_max) +
             "; raise it (ulimit -Hn)",
         1);
    return false;
}

std::vector<RankStart> Job::make_ranks(std::vector<RankPipes>* pipes,
                                       std::vector<UniqueFd>* inputs) {
    std::vector<RankStart> starts;
    for (int rank = 0; rank < size(); ++rank) {
        RankStart start;
        RankPipes ends;
        int pair[2];
        if (!make_pipe(&ends.out, &start.stdout_fd) || !make_pipe(&ends.err, &start.stderr_fd) ||
            ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
            return {};
        }
        at(rank).pmi.reset(pair[0]);
        ::fcntl(pair[0], F_SETFL, O_RDWR | O_NONBLOCK);
        start.pmi_fd.reset(pair[1]);
        if (options_.stdin_target == kStdinAll || options_.stdin_target == rank) {
            UniqueFd write_end;
            if (!make_pipe(&start.stdin_fd, &write_end)) return {};
            inputs->push_back(std::move(write_end));
        } else {
            start.stdin_fd.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
        }
        start.image = &images_[static_cast<std::size_t>(at(rank).appnum)];
        ends.appnum = at(rank).appnum;
        pipes->push_back(std::move(ends));
        starts.push_back(std::move(start));
    }
    return starts;
}

bool Job::start() {
    std::vector<RankPipes> pipes;
    std::vector<UniqueFd> inputs;
    std::vector<RankStart> starts = make_ranks(&pipes, &inputs);
    if (starts.empty()) {
        fail(std::string("cannot make the ranks' pipes: ") + std::strerror(errno), 1);
        return false;
    }
    std::vector<int> private_fds;
    for (const int fd : {fabric_.lifeline(), fabric_.ended()}) {
        if (fd >= 0) private_fds.push_back(fd);
    }
    for (const RankPipes& ends : pipes) {
        private_fds.push_back(ends.out.get());
        private_fds.push_back(ends.err.get());
    }
    for (const Rank& rank : ranks_) private_fds.push_back(rank.pmi.get());
    for (const UniqueFd& input : inputs) private_fds.push_back(input.get());
    std::string error;
    if (!outputs_.open(std::move(pipes), &error)) {
        fail(error, 1);
        return false;
    }
    keeper_ = Keeper::start(std::move(starts), private_fds, inherited_);
    if (!keeper_) {
        fail(std::string("cannot start processes: ") + std::strerror(errno), 1);
        return false;
    }
    if (!inputs.empty()) {
        input_ = std::make_unique<InputForwarder>(&loop_, STDIN_FILENO, std::move(inputs));
    }
    return true;
}

void Job::watch() {
    loop_.add(keeper_->fd(), EPOLLIN, [this](std::uint32_t) { on_keeper(); });
    if (fabric_.ended() >= 0) {
        loop_.add(fabric_.ended(), EPOLLIN, [this](std::uint32_t) { on_fabric_lost(); });
    }
    for (int rank = 0; rank < size(); ++rank) {
        loop_.add(at(rank).pmi.get(), EPOLLIN, [this, rank](std::uint32_t) {
            flush_pmi(rank);
            on_pmi(rank);
        });
    }
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGTSTP, SIGCONT}) {
        struct sigaction action = {};
        ::sigaction(signal, nullptr, &action);
        // A signal that was ignored from the start (nohup, a script's background job) stays so.
        const bool ignored = action.sa_handler == SIG_IGN;  // NOLINT: the union's usual member
        if (!ignored) sigaddset(&set, signal);
    }
    signals_.reset(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    loop_.add(signals_.get(), EPOLLIN, [this](std::uint32_t) {
        signalfd_siginfo info;
        while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
            on_signal(static_cast<int>(info.ssi_signo));
        }
    });
    if (options_.timeout_s > 0) {
        loop_.call_after(std::chrono::seconds(options_.timeout_s), [this] { on_timeout(); });
    }
}

void Job::on_keeper() {
    bool lost = false;
    while (const auto event = keeper_->next(&lost)) {
        switch (event->type) {
            case KeeperEvent::Type::started: on_started(*event); break;
            case KeeperEvent::Type::start_failed: on_start_failed(*event); break;
            case KeeperEvent::Type::exited: on_exited(event->rank, event->value); break;
        }
    }
    if (lost) on_keeper_lost();
}

void Job::on_started(const KeeperEvent& event) {
    Rank& rank = at(event.rank);
    rank.state = State::running;
    rank.pid = event.pid;
    if (options_.verbose) {
        say(describe(event.rank) +
            " started: " + images_[static_cast<std::size_t>(rank.appnum)].path);
    }
    if (rank.abort_code) report_abort(event.rank);
}

void Job::on_start_failed(const KeeperEvent& event) {
    const ProgramImage& image = images_[static_cast<std::size_t>(at(event.rank).appnum)];
    std::string why = std::strerror(event.value);
    int status = 126;
    switch (event.stage) {
        case SpawnStage::exec:
            if (event.value == ENOENT) {
                why = "its dynamic loader or interpreter is missing";
                status = 127;
            } else if (event.value == ENOEXEC) {
                why = "it is not a program for this machine";
            }
            break;
        case SpawnStage::directory:
            why = "working directory " + image.directory + ": " + why;
            break;
        default: why = "the system refused a process: " + why; break;
    }
    at(event.rank).state = State::ended;
    fail("cannot run " + image.argv.front() + " as rank " + std::to_string(event.rank) +
             " on host " + host_ + ": " + why,
         status);
    if (--not_ended_ == 0) loop_.stop();
}

void Job::on_exited(int rank, int status) {
    // What the rank said before it ended is heard before it is judged: an abort through PMI, a
    // finalize, the error message in its output.
    drain_pmi(rank);
    outputs_.drain_rank(rank);
    at(rank).state = State::ended;
    if (options_.verbose) {
        say(describe(rank) + " ended: " +
            (WIFSIGNALED(status) ? signal_name(WTERMSIG(status))
                                 : "exit status " + std::to_string(WEXITSTATUS(status))));
    }
    judge(rank, status);
    pmi_->gone(rank);
    if (--not_ended_ == 0) loop_.stop();
}

void Job::judge(int rank, int status) {
    if (failed_) return;
    if (WIFSIGNALED(status)) {
        const int signal = WTERMSIG(status);
        if (signal == interrupted_by_) {
            fail("the job was ended by " + signal_name(signal), kSignalBase + signal);
        } else if (signal == SIGPIPE && outputs_.stdout_closed()) {
            fail("", kSignalBase + signal);  // as in `mpirun yes | head -1`: nobody asked why
        } else {
            fail(describe(rank) + " was killed by signal " + std::to_string(signal) + " (" +
                     signal_name(signal) + ")" + (WCOREDUMP(status) ? ", core dumped" : "") +
                     "; the job is ended",
                 kSignalBase + signal);
        }
    } else if (WEXITSTATUS(status) != 0) {
        const int code = WEXITSTATUS(status);
        if (pmi_->finalized(rank)) {
            // Its part in the job was done: the others may still have something to print.
            if (exit_status_ == 0) {
                exit_status_ = code;
                say(describe(rank) + " exited with status " + std::to_string(code));
            }
            return;
        }
        fail(describe(rank) + " exited with status " + std::to_string(code) + "; the job is ended",
             code);
    } else if (pmi_->in_progress(rank)) {
        fail(describe(rank) +
                 " exited with status 0 after MPI_Init and without MPI_Finalize; the job is ended",
             1);
    }
}

void Job::fail(const std::string& message, int exit_status) {
    if (failed_) return;
    failed_ = true;
    exit_status_ = exit_status;
    if (!message.empty()) say(message);
    if (!keeper_) return;
    if (interrupted_by_ == 0) keeper_->signal_all(SIGTERM);
    // A stopped process acts on SIGTERM only when it goes on.
    keeper_->signal_all(SIGCONT);
    loop_.call_after(interrupted_by_ == 0 ? kGrace : kInterruptedGrace, [this] { loop_.stop(); });
}

void Job::on_keeper_lost() {
    loop_.remove(keeper_->fd());
    fail("the process that keeps the ranks (pid " + std::to_string(keeper_->pid()) + ") on host " +
             host_ + " was killed; the job is ended",
         kSignalBase + SIGKILL);
    loop_.stop();
}

void Job::on_fabric_lost() {
    loop_.remove(fabric_.ended());
    fail("the Myrinet emulator (pid " + std::to_string(fabric_.pid()) + ") on host " + host_ +
             " ended before the job; the job is ended",
         1);
}

void Job::on_signal(int signal) {
    switch (signal) {
        case SIGTSTP:
            keeper_->signal_all(SIGTSTP);
            ::kill(::getpid(), SIGSTOP);
            return;
        case SIGCONT:
            keeper_->signal_all(SIGCONT);
            if (input_) input_->reconsider();
            return;
        case SIGUSR1:
        case SIGUSR2: keeper_->signal_all(signal); return;
        default: break;
    }
    if (interrupted_by_ == 0 && !failed_) {
        interrupted_by_ = signal;
        keeper_->signal_all(signal);
        return;
    }
    // Asked a second time, or while the job is ending anyway: no more waiting.
    if (!failed_) {
        failed_ = true;
        exit_status_ = kSignalBase + signal;
        say("the job was killed after a second " + signal_name(signal));
    }
    loop_.stop();
}

void Job::on_timeout() {
    std::vector<int> running;
    for (int rank = 0; rank < size(); ++rank) {
        if (at(rank).state != State::ended) running.push_back(rank);
    }
    const bool one = running.size() == 1;
    fail("the job did not end within " + std::to_string(options_.timeout_s) +
             " s: " + (one ? "rank " : "ranks ") + format_ranks(running) +
             (one ? " was" : " were") + " still running on host " + host_ + "; the job is ended",
         kTimeoutStatus);
}

std::string Job::describe(int rank) const {
    const Rank& state = ranks_[static_cast<std::size_t>(rank)];
    return "rank " + std::to_string(rank) + " (pid " +
           (state.pid < 0 ? "unknown" : std::to_string(state.pid)) + ") on host " + host_;
}

}  // namespace launch
