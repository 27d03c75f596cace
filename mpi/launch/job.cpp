#include "mpi/launch/job.hpp"

#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

namespace launch {

namespace {

// From the first failure to SIGKILL. A dead rank has to end the job within two seconds.
constexpr std::chrono::milliseconds kGrace{700};
// The same when a person or batch system asked the ranks to end, and they may be saving their work.
constexpr std::chrono::milliseconds kInterruptedGrace{5000};

constexpr int kTimeoutStatus = 124;
constexpr int kSignalBase = 128;

std::string signal_name(int signal) {
    const char* abbreviation = ::sigabbrev_np(signal);
    const std::string name =
        abbreviation == nullptr ? std::to_string(signal) : std::string("SIG") + abbreviation;
    const char* text = ::sigdescr_np(signal);
    return text == nullptr ? name : name + ", " + text;
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

Job::Job(const Options& options, Hosts hosts, Planner planner, const InheritedState& inherited)
    : options_(options),
      hosts_(std::move(hosts)),
      planner_(std::move(planner)),
      inherited_(inherited),
      outputs_(&loop_, options,
               {[this](bool hold) { fleet_.hold_output(hold); },
                [this](int rank, bool is_stderr) { fleet_.close_output(rank, is_stderr); }}),
      fleet_(&loop_, inherited, this, [this](const Values& values) { on_fence(values); }),
      machines_(hosts_.names.size()),
      answered_(hosts_.names.size()) {}

int Job::run() {
    for (const std::string& warning : options_.warnings) say("warning: " + warning);
    if (options_.verbose) say(hosts_.found);
    watch();
    std::vector<int> others;
    for (int host = 0; host < static_cast<int>(hosts_.names.size()); ++host) {
        if (host != hosts_.own) others.push_back(host);
    }
    not_ready_ = static_cast<int>(others.size());
    fleet_.connect(make_trees(hosts_.names, others), hosts_.shell);
    if (hosts_.own >= 0) {
        machines_[static_cast<std::size_t>(hosts_.own)] = this_machine(hosts_.shell.ask_machine);
    }
    if (not_ready_ == 0) start();
    loop_.run();
    const int keeper_status = fleet_.finish();
    if (WIFSIGNALED(keeper_status) && !failed_) {
        exit_status_ = kSignalBase + WTERMSIG(keeper_status);
    }
    outputs_.finish();
    // The job is over, and what is left to write is for whoever reads: a signal may end it.
    ::sigprocmask(SIG_SETMASK, &inherited_.mask, nullptr);
    outputs_.drain(std::chrono::hours(24 * 365));
    return exit_status_;
}

void Job::start() {
    std::string error;
    std::vector<std::string> notes;
    const bool planned = planner_(machines_, &plan_, &notes, &error);
    for (const std::string& note : notes) say(note);
    if (!planned || !outputs_.open(plan_, hosts_.names, &error)) return fail(error, 1);
    if (options_.display_map) display_map();
    ranks_.resize(plan_.ranks.size());
    not_ended_ = plan_.size();
    std::vector<int> readers;
    for (int rank = 0; rank < plan_.size(); ++rank) {
        if (plan_.reads_input(rank)) readers.push_back(rank);
    }
    fleet_.start(plan_, hosts_.own);
    if (failed_ || readers.empty()) return;
    input_ = std::make_unique<InputForwarder>(
        &loop_, STDIN_FILENO, std::move(readers),
        [this](int rank, std::string_view bytes) { fleet_.input(rank, bytes); });
    input_->begin();
}

void Job::watch() {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal :
         {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGTSTP, SIGCONT}) {
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
    if (options_.report_stuck_s > 0) watch_stuck();
}

void Job::on_ready(int host, const Machine& machine) {
    if (host < 0 || host >= static_cast<int>(machines_.size()) || host == hosts_.own) return;
    const auto at = static_cast<std::size_t>(host);
    if (answered_[at]) return;
    answered_[at] = true;
    machines_[at] = machine;
    if (--not_ready_ == 0 && !failed_) start();
}

void Job::display_map() {
    for (int host = 0; host < static_cast<int>(hosts_.names.size()); ++host) {
        const std::vector<int> ranks = plan_.ranks_on(host);
        say("host " + hosts_.names[static_cast<std::size_t>(host)] + ": " +
            (ranks.empty() ? "no ranks" : "ranks " + format_ranks(ranks)));
    }
}

void Job::on_lost(int host, int exit_status, const std::string& why) {
    const bool known = host >= 0 && host < static_cast<int>(hosts_.names.size());
    fail("host " + (known ? hosts_.names[static_cast<std::size_t>(host)] : "?") + ": " + why +
             "; the job is ended",
         exit_status);
    loop_.stop();
}

void Job::on_started(int rank, pid_t pid) {
    if (!exists(rank)) return;
    at(rank).state = State::running;
    at(rank).pid = pid;
    if (options_.verbose) {
        const ProgramImage& program = plan_.program_of(rank);
        say(describe(rank) +
            " started: " + (program.path.empty() ? program.argv.front() : program.path));
    }
    if (options_.places.report) {
        const Machine& machine = machines_[static_cast<std::size_t>(plan_.at(rank).host)];
        outputs_.say('[' + host_of(rank) + ':' + std::to_string(pid) + "] MCW rank " +
                     std::to_string(rank) + ' ' + describe_binding(machine, plan_.at(rank).cpus));
    }
}

void Job::on_start_failed(int rank, int exit_status, const std::string& why) {
    if (!exists(rank)) return;
    at(rank).state = State::ended;
    fail(why + " (rank " + std::to_string(rank) + " on host " + host_of(rank) + ")", exit_status);
    rank_ended();
}

void Job::on_exited(int rank, int status) {
    if (!exists(rank) || at(rank).state == State::ended) return;
    outputs_.rank_ended(rank);
    at(rank).state = State::ended;
    if (options_.verbose) {
        say(describe(rank) + " ended: " +
            (WIFSIGNALED(status) ? signal_name(WTERMSIG(status))
                                 : "exit status " + std::to_string(WEXITSTATUS(status))));
    }
    judge(rank, status);
    rank_ended();
}

void Job::rank_ended() {
    if (--not_ended_ == 0) loop_.stop();
}

void Job::on_output(int rank, bool is_stderr, std::string_view bytes) {
    if (exists(rank)) outputs_.feed(rank, is_stderr, bytes);
}

void Job::on_input_taken(int rank, bool open) {
    if (input_) input_->taken(rank, open);
}

void Job::on_phase(int rank, PmiPhase phase) {
    if (exists(rank)) at(rank).phase = phase;
}

void Job::on_waiting(int rank) {
    waiting_ = rank;
    check_hopeless();
}

void Job::on_absent(int rank) {
    if (!absent_) absent_ = rank;
    check_hopeless();
}

void Job::on_fence(const Values& values) {
    waiting_.reset();
    fleet_.release(values);
}

void Job::check_hopeless() {
    if (!waiting_ || !absent_ || !exists(*waiting_) || !exists(*absent_)) return;
    const bool ended = at(*absent_).state == State::ended;
    fail("rank " + std::to_string(*waiting_) + " waits in MPI_Init or MPI_Finalize for rank " +
             std::to_string(*absent_) + ", which " +
             (ended ? "has already ended" : "can not take part any more") +
             " (is it the same MPI program?); the job is ended",
         1);
}

void Job::on_abort(int rank, int exitcode) {
    if (!exists(rank) || std::exchange(at(rank).aborted, true)) return;
    fail(describe(rank) + " aborted the job with exit code " + std::to_string(exitcode), exitcode);
}

/// Both live, so no exit tells the others. What several ranks find out at a time is said once.
void Job::on_rank_lost(int rank, int peer, const std::string& why) {
    if (!exists(rank) || !exists(peer)) return;
    const std::string message = describe(rank) + " lost rank " + std::to_string(peer) +
                                " on host " + host_of(peer) + ": " + why;
    if (!options_.recovery) return fail(message + "; the job is ended", 1);
    say(message);
}

void Job::on_broken(int rank, const std::string& why) {
    if (exists(rank)) say(describe(rank) + ": its PMI connection is closed: " + why);
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
            lose(rank,
                 describe(rank) + " was killed by signal " + std::to_string(signal) + " (" +
                     signal_name(signal) + ")" + (WCOREDUMP(status) ? ", core dumped" : ""),
                 kSignalBase + signal);
        }
    } else if (WEXITSTATUS(status) != 0) {
        const int code = WEXITSTATUS(status);
        if (at(rank).phase == PmiPhase::finalized) {
            // Its part in the job was done: the others may still have something to print.
            if (exit_status_ == 0) {
                exit_status_ = code;
                say(describe(rank) + " exited with status " + std::to_string(code));
            }
            return;
        }
        lose(rank, describe(rank) + " exited with status " + std::to_string(code), code);
    } else if (at(rank).phase == PmiPhase::active) {
        lose(rank, describe(rank) + " exited with status 0 after MPI_Init and without MPI_Finalize",
             1);
    }
}

void Job::lose(int rank, const std::string& message, int exit_status) {
    if (!options_.recovery) return fail(message + "; the job is ended", exit_status);
    if (exit_status_ == 0) exit_status_ = exit_status;
    say(message + "; the job goes on without it");
    fleet_.tell_lost(rank);
}

void Job::fail(const std::string& message, int exit_status) {
    if (failed_) return;
    failed_ = true;
    // A rank that was lost before is the first cause.
    if (!options_.recovery || exit_status_ == 0) exit_status_ = exit_status;
    if (!message.empty()) say(message);
    if (interrupted_by_ == 0) fleet_.signal_all(SIGTERM);
    // A stopped process acts on SIGTERM only when it goes on.
    fleet_.signal_all(SIGCONT);
    const auto grace = ranks_.empty()         ? std::chrono::milliseconds(0)
                       : interrupted_by_ == 0 ? kGrace
                                              : kInterruptedGrace;
    loop_.call_after(grace, [this] { loop_.stop(); });
}

void Job::on_signal(int signal) {
    switch (signal) {
        case SIGTSTP:
            fleet_.signal_all(SIGTSTP);
            ::kill(::getpid(), SIGSTOP);
            return;
        case SIGCONT:
            fleet_.signal_all(SIGCONT);
            if (input_) input_->reconsider();
            return;
        case SIGQUIT: report({}); return;
        case SIGUSR1:
        case SIGUSR2: fleet_.signal_all(signal); return;
        default: break;
    }
    if (interrupted_by_ == 0 && !failed_) {
        interrupted_by_ = signal;
        fleet_.signal_all(signal);
        if (ranks_.empty())
            fail("the job was ended by " + signal_name(signal), kSignalBase + signal);
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
    const std::vector<int> left = running();
    const bool one = left.size() == 1;
    if (left.empty()) {
        return fail("not all hosts answered within " + std::to_string(options_.timeout_s) + " s",
                    kTimeoutStatus);
    }
    const std::string message = "the job did not end within " + std::to_string(options_.timeout_s) +
                                " s: " + (one ? "rank " : "ranks ") + format_ranks(left) +
                                (one ? " was" : " were") + " still running; the job is ended";
    report([this, message] { fail(message, kTimeoutStatus); });
}

std::string Job::describe(int rank) const {
    const Rank& state = ranks_[static_cast<std::size_t>(rank)];
    return "rank " + std::to_string(rank) + " (pid " +
           (state.pid < 0 ? "unknown" : std::to_string(state.pid)) + ") on host " + host_of(rank);
}

const std::string& Job::host_of(int rank) const {
    return hosts_.names[static_cast<std::size_t>(plan_.at(rank).host)];
}

}  // namespace launch
