// One job from start to end: what happens on its hosts, input, output, signals and time come
// together here, and here alone is decided what ends a job and with which status.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mpi/launch/event_loop.hpp"
#include "mpi/launch/fleet.hpp"
#include "mpi/launch/input.hpp"
#include "mpi/launch/options.hpp"
#include "mpi/launch/outputs.hpp"

namespace launch {

class Job final : public HostEvents {
  public:
    /// Makes the plan when the hosts have answered: `machines[h]` is host h; `notes` are lines for
    /// people. False: `error` is a sentence.
    using Planner = std::function<bool(const std::vector<Machine>& machines, JobPlan* plan,
                                       std::vector<std::string>* notes, std::string* error)>;
    struct Hosts {
        std::vector<std::string> names;  ///< by number
        int own = 0;                     ///< which is this one; -1: none
        std::string found;               ///< where they are from and how they are reached
        RemoteShell shell;               ///< to the others
    };

    /// Signals are blocked in the calling process, and `inherited` is how it found them. What is
    /// referred to outlives the job.
    Job(const Options& options, Hosts hosts, Planner planner, const InheritedState& inherited);

    /// Runs the job and returns mpirun's exit status. No process of the job is left afterwards.
    int run();

  private:
    enum class State { pending, running, ended };
    struct Rank {
        State state = State::pending;
        pid_t pid = -1;
        PmiPhase phase = PmiPhase::fresh;
        bool aborted = false;
    };

    void start();
    void watch();

    // HostEvents.
    void on_ready(int host, const Machine& machine) override;
    void on_fabric(const std::string& ways) override { fleet_.join_fabric(ways); }
    void on_lost(int host, int exit_status, const std::string& why) override;
    void on_note(const std::string& text) override { say(text); }
    void on_started(int rank, pid_t pid) override;
    void on_start_failed(int rank, int exit_status, const std::string& why) override;
    void on_exited(int rank, int status) override;
    void on_state(const RankState& state) override;
    void on_output(int rank, bool is_stderr, std::string_view bytes) override;
    void on_input_taken(int rank, bool open) override;
    void on_phase(int rank, PmiPhase phase) override;
    void on_waiting(int rank) override;
    void on_absent(int rank) override;
    void on_abort(int rank, int exitcode) override;
    void on_rank_lost(int rank, int peer, const std::string& why) override;
    void on_invite(int rank, int peer) override {
        if (exists(rank) && exists(peer)) fleet_.invite(peer, rank);
    }
    void on_broken(int rank, const std::string& why) override;

    void on_fence(const Values& values);
    void on_signal(int signal);
    void on_timeout();
    // job_report.cpp: what the ranks do is asked, said, and then() called.
    void report(std::function<void()> then);
    void end_report();
    void watch_stuck();
    void on_watch_stuck();
    std::vector<int> running() const;
    void rank_ended();
    void display_map();
    void check_hopeless();

    // The verdict on a rank that ended with wait status `status`.
    void judge(int rank, int status);
    // A rank has failed: ends the job, or tells the others.
    void lose(int rank, const std::string& message, int exit_status);
    // The first failure: says `message` (unless empty) and ends the job with `exit_status`.
    void fail(const std::string& message, int exit_status);
    std::string describe(int rank) const;
    const std::string& host_of(int rank) const;
    void say(const std::string& message) { outputs_.say("mpirun: " + message); }
    /// False for what another host may say of ranks that are not.
    bool exists(int rank) const { return rank >= 0 && rank < plan_.size(); }
    Rank& at(int rank) { return ranks_[static_cast<std::size_t>(rank)]; }

    const Options& options_;
    const Hosts hosts_;
    const Planner planner_;
    const InheritedState& inherited_;
    EventLoop loop_;
    Outputs outputs_;
    Fleet fleet_;
    JobPlan plan_;
    std::vector<Machine> machines_;
    std::vector<bool> answered_;
    int not_ready_ = 0;
    std::vector<Rank> ranks_;
    std::unique_ptr<InputForwarder> input_;
    UniqueFd signals_;
    std::optional<int> waiting_, absent_;  // a rank in the barrier, and one that cannot come
    int not_ended_ = 0;
    std::vector<RankState> states_;  ///< of the report that is being made
    bool asking_ = false;
    bool only_stuck_ = false;  ///< it is for --report-stuck: said if a rank is found that is
    std::uint64_t report_timer_ = 0;
    std::map<int, std::int64_t> stuck_since_ms_;  ///< that were reported; by this process's clock
    std::function<void()> then_;
    bool failed_ = false;
    int exit_status_ = 0;
    int interrupted_by_ = 0;  // the terminating signal that was passed on to the ranks
};

/// "0-3,7" for sorted numbers.
std::string format_ranks(const std::vector<int>& ranks);

}  // namespace launch
