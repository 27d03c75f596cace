#include "mpi/launch/local_host.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "mpi/launch/environment.hpp"
#include "mpi/launch/options.hpp"
#include "mpi/launch/program.hpp"

namespace launch {

LocalHost::LocalHost(EventLoop* loop, int number, const InheritedState& inherited,
                     HostEvents* events, OnFence on_fence)
    : loop_(loop),
      number_(number),
      inherited_(inherited),
      events_(events),
      on_fence_(std::move(on_fence)) {}

void LocalHost::start(const JobPlan& plan) {
    plan_ = &plan;
    const std::vector<int> ranks = plan.ranks_on(number_);
    for (const int rank : ranks) ranks_[rank];
    if (ranks.empty()) return;
    pmi_ = std::make_unique<PmiServer>(plan, ranks, this);
    // Where the first host's Myrinet listens is told later: join_fabric().
    if (plan.wants_fabric && !Fabric::is_first(plan, number_)) return;
    plan.wants_fabric ? start_fabric("") : start_ranks();
}

void LocalHost::start_ranks() {
    std::string why;
    int exit_status = 1;
    if (!prepare(*plan_, &why, &exit_status)) {
        return events_->on_start_failed(ranks_.begin()->first, exit_status, why);
    }
    watch();
}

bool LocalHost::prepare(const JobPlan& plan, std::string* why, int* exit_status) {
    images_ = plan.programs;
    for (ProgramImage& image : images_) {
        for (const auto& [name, value] : fabric_.environment()) {
            set_variable(name, value, &image.environment);
        }
        *exit_status = image.path.empty() ? find_image(&image, why) : 0;
        if (*exit_status != 0) return false;
    }
    *exit_status = 1;
    std::vector<RankStart> starts;
    if (!reserve_descriptors(why)) return false;
    if (!make_starts(&starts)) {
        *why = std::string("cannot make the ranks' pipes: ") + std::strerror(errno);
        return false;
    }
    board_ = adi::BoardKeeper::make(static_cast<std::uint32_t>(plan.size()));
    keeper_ = Keeper::start(std::move(starts), plan.size(), board_ ? board_->fd() : -1, inherited_);
    if (!keeper_) *why = std::string("cannot start processes: ") + std::strerror(errno);
    return keeper_.has_value();
}

// Three descriptors a rank on each side, the rank's own until the keeper has them, and files.
bool LocalHost::reserve_descriptors(std::string* why) const {
    const rlim_t needed = static_cast<rlim_t>(ranks_.size()) * 10 + 64;
    rlimit limit = {};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur >= needed) return true;
    limit.rlim_cur = std::min(needed, limit.rlim_max);
    if (limit.rlim_cur == needed && ::setrlimit(RLIMIT_NOFILE, &limit) == 0) return true;
    *why = std::to_string(ranks_.size()) + " ranks need " + std::to_string(needed) +
           " open descriptors, but the limit is " + std::to_string(limit.rlim_max) +
           "; raise it (ulimit -Hn)";
    return false;
}

bool LocalHost::make_starts(std::vector<RankStart>* starts) {
    for (auto& [rank, state] : ranks_) {
        RankStart start;
        start.rank = rank;
        start.cpus = &plan_->at(rank).cpus;
        int pair[2];
        if (!make_pipe(&state.output[0], &start.stdout_fd) ||
            !make_pipe(&state.output[1], &start.stderr_fd) ||
            ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
            return false;
        }
        state.pmi.reset(pair[0]);
        start.pmi_fd.reset(pair[1]);
        if (plan_->reads_input(rank)) {
            if (!make_pipe(&start.stdin_fd, &state.input)) return false;
            make_nonblocking(state.input);
        } else {
            start.stdin_fd.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
        }
        make_nonblocking(state.pmi);
        for (const UniqueFd& output : state.output) make_nonblocking(output);
        start.image = &images_[static_cast<std::size_t>(plan_->at(rank).appnum)];
        starts->push_back(std::move(start));
    }
    return true;
}

void LocalHost::watch() {
    loop_->add(keeper_->fd(), EPOLLIN, [this](std::uint32_t) { on_keeper(); });
    for (auto& [number, state] : ranks_) {
        const int rank = number;
        loop_->add(state.pmi.get(), EPOLLIN, [this, rank](std::uint32_t) {
            flush_pmi(rank);
            on_pmi(rank);
        });
        for (const bool is_stderr : {false, true}) {
            loop_->add(state.output[is_stderr].get(), EPOLLIN,
                       [this, rank, is_stderr](std::uint32_t) { read_output(rank, is_stderr); });
        }
    }
}

// --- events --------------------------------------------------------------------------------------

void LocalHost::on_keeper() {
    bool lost = false;
    while (const auto event = keeper_->next(&lost)) {
        switch (event->type) {
            case KeeperEvent::Type::started: {
                at(event->rank).pid = event->pid;
                events_->on_started(event->rank, event->pid);
                const auto early = early_aborts_.find(event->rank);
                if (early != early_aborts_.end()) pmi_abort(event->rank, early->second);
                break;
            }
            case KeeperEvent::Type::start_failed: on_start_failed(*event); break;
            case KeeperEvent::Type::exited: on_exited(event->rank, event->value); break;
        }
    }
    if (lost) on_keeper_lost();
}

void LocalHost::on_start_failed(const KeeperEvent& event) {
    const ProgramImage& image = images_[static_cast<std::size_t>(plan_->at(event.rank).appnum)];
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
        case SpawnStage::binding: why = "it cannot be bound to its CPUs: " + why; break;
        default: why = "the system refused a process: " + why; break;
    }
    events_->on_start_failed(event.rank, status, "cannot run " + image.argv.front() + ": " + why);
}

// What the rank said before it ended is heard before it is judged: an abort through PMI, a
// finalize, the error message in its output.
void LocalHost::on_exited(int rank, int status) {
    drain_pmi(rank);
    drain_output(rank);
    close_input(rank);
    events_->on_exited(rank, status);
    pmi_->gone(rank);
}

void LocalHost::on_keeper_lost() {
    loop_->remove(keeper_->fd());
    constexpr int kKilled = 128 + SIGKILL;
    events_->on_lost(
        number_, kKilled,
        "the process that keeps the ranks (pid " + std::to_string(keeper_->pid()) + ") was killed");
}

int LocalHost::finish() {
    if (keeper_) loop_->remove(keeper_->fd());
    const int status = keeper_ ? keeper_->finish() : 0;
    for (auto& [rank, state] : ranks_) {
        drain_output(rank);
        for (const bool is_stderr : {false, true}) close_output(rank, is_stderr);
    }
    forget_fabric();
    if (!fabric_.stop()) events_->on_lost(number_, 1, "the Myrinet emulator did not end well");
    return status;
}

void LocalHost::signal_all(int signal) {
    if (keeper_) keeper_->signal_all(signal);
}

void LocalHost::release(const Values& values) {
    if (pmi_) pmi_->release(values);
}

void LocalHost::tell_lost(int rank) {
    if (board_) board_->mark_lost(static_cast<std::uint32_t>(rank));
}

void LocalHost::invite(int rank, int from) {
    if (!board_) return;
    board_->invite(static_cast<std::uint32_t>(rank), static_cast<std::uint32_t>(from));
}

/// Who calls MPI in vain all the time is found by two looks.
void LocalHost::ask_states() {
    constexpr std::chrono::milliseconds kBetweenLooks{30};
    std::map<int, std::uint64_t> looks;
    for (const auto& [rank, state] : ranks_) {
        if (board_) looks[rank] = board_->read(static_cast<std::uint32_t>(rank)).looks;
    }
    loop_->cancel(state_timer_);
    state_timer_ = loop_->call_after(kBetweenLooks,
                                     [this, looks = std::move(looks)] { answer_states(looks); });
}

void LocalHost::answer_states(const std::map<int, std::uint64_t>& looks) {
    const std::int64_t now_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(
                                    std::chrono::steady_clock::now().time_since_epoch())
                                    .count();
    for (const auto& [rank, before] : looks) {
        const adi::BoardRecord record = board_->read(static_cast<std::uint32_t>(rank));
        const std::int64_t since_ns = std::max<std::int64_t>(now_ns - record.since_ns, 0);
        events_->on_state({record, rank, record.looks != before, since_ns / 1'000'000});
    }
}

// --- output --------------------------------------------------------------------------------------

bool LocalHost::read_output(int rank, bool is_stderr) {
    static char buffer[65536];  // one thread, and nothing is kept in it
    UniqueFd& pipe = at(rank).output[is_stderr];
    if (!pipe) return false;
    const ssize_t got = ::read(pipe.get(), buffer, sizeof buffer);
    if (got > 0) {
        events_->on_output(rank, is_stderr, {buffer, static_cast<std::size_t>(got)});
        return true;
    }
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    close_output(rank, is_stderr);
    return false;
}

void LocalHost::drain_output(int rank) {
    // At most a pipe's content: a descendant that goes on writing does not hold the job's end up.
    for (const bool is_stderr : {false, true}) {
        for (int i = 0; i < 64 && read_output(rank, is_stderr); ++i) {
        }
    }
}

void LocalHost::hold_output(bool hold) {
    if (hold == held_) return;
    held_ = hold;
    for (auto& [rank, state] : ranks_) {
        for (const UniqueFd& output : state.output) {
            if (!output) continue;
            loop_->change(output.get(), hold ? 0U : static_cast<std::uint32_t>(EPOLLIN));
        }
    }
}

void LocalHost::close_output(int rank, bool is_stderr) {
    const auto found = ranks_.find(rank);
    if (found == ranks_.end()) return;
    UniqueFd& pipe = found->second.output[is_stderr];
    if (!pipe) return;
    loop_->remove(pipe.get());
    pipe.reset();
}

// --- input ---------------------------------------------------------------------------------------

void LocalHost::input(int rank, std::string_view bytes) {
    const auto found = ranks_.find(rank);
    if (found == ranks_.end() || !found->second.input) return;
    if (bytes.empty()) return close_input(rank);
    found->second.input_unsent += bytes;
    push_input(rank);
}

void LocalHost::push_input(int rank) {
    Rank& state = at(rank);
    std::string& rest = state.input_unsent;
    while (!rest.empty()) {
        const ssize_t put = ::write(state.input.get(), rest.data(), rest.size());
        if (put >= 0) {
            rest.erase(0, static_cast<std::size_t>(put));
        } else if (errno == EAGAIN) {
            if (!state.input_watched) {
                state.input_watched = true;
                loop_->add(state.input.get(), EPOLLOUT,
                           [this, rank](std::uint32_t) { push_input(rank); });
            }
            return;
        } else if (errno != EINTR) {
            close_input(rank);  // the rank closed its standard input
            return;
        }
    }
    if (state.input_watched) loop_->remove(state.input.get());
    state.input_watched = false;
    events_->on_input_taken(rank, true);
}

void LocalHost::close_input(int rank) {
    Rank& state = at(rank);
    if (!state.input) return;
    if (state.input_watched) loop_->remove(state.input.get());
    state.input_watched = false;
    state.input.reset();
    events_->on_input_taken(rank, false);
}

}  // namespace launch
