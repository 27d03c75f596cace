// One job from start to end: the keeper's events, the PMI server, input, output, signals and time
// come together here, and here alone is decided what ends a job and with which status.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mpi/launch/event_loop.hpp"
#include "mpi/launch/fabric.hpp"
#include "mpi/launch/input.hpp"
#include "mpi/launch/keeper.hpp"
#include "mpi/launch/options.hpp"
#include "mpi/launch/outputs.hpp"
#include "mpi/launch/pmi_server.hpp"

namespace launch {

class Job final : public PmiEvents {
  public:
    /// `images[i]` belongs to `options.programs[i]`. Signals are blocked in the calling process,
    /// and `inherited` is how it found them. `fabric` outlives the job.
    Job(const Options& options, std::vector<ProgramImage> images, const InheritedState& inherited,
        const Fabric& fabric);

    /// Runs the job and returns mpirun's exit status. No process of the job is left afterwards.
    int run();

  private:
    enum class State { pending, running, ended };
    struct Rank {
        State state = State::pending;
        pid_t pid = -1;
        int appnum = 0;
        std::optional<int> abort_code;  // asked for through PMI
        UniqueFd pmi;
        std::string pmi_unsent;
        bool pmi_blocked = false;  // waiting for room to send, not reading
    };

    // Set-up. False: `exit_status_` and a message say why.
    bool reserve_descriptors();
    bool start();
    std::vector<RankStart> make_ranks(std::vector<RankPipes>* pipes, std::vector<UniqueFd>* inputs);
    void watch();

    // Events.
    void on_keeper();
    void on_started(const KeeperEvent& event);
    void on_start_failed(const KeeperEvent& event);
    void on_exited(int rank, int status);
    void on_keeper_lost();
    void on_fabric_lost();
    void on_signal(int signal);
    void on_timeout();
    void on_pmi(int rank);
    void flush_pmi(int rank);
    void drain_pmi(int rank);
    void close_pmi(int rank);

    // PmiEvents.
    void pmi_send(int rank, std::string_view line) override;
    void pmi_abort(int rank, int exitcode) override;
    void pmi_broken(int rank, const std::string& why) override;
    void pmi_barrier_hopeless(int waiting, int missing) override;

    // The verdict on a rank that ended with wait status `status`.
    void judge(int rank, int status);
    // The first failure: says `message` (unless empty) and ends the job with `exit_status`.
    void fail(const std::string& message, int exit_status);
    void report_abort(int rank);
    std::string describe(int rank) const;
    void say(const std::string& message) { outputs_.say("mpirun: " + message); }
    Rank& at(int rank) { return ranks_[static_cast<std::size_t>(rank)]; }
    int size() const { return static_cast<int>(ranks_.size()); }

    const Options& options_;
    const std::vector<ProgramImage> images_;
    const InheritedState& inherited_;
    const Fabric& fabric_;
    const std::string host_;
    EventLoop loop_;
    Outputs outputs_;
    std::vector<Rank> ranks_;
    std::unique_ptr<PmiServer> pmi_;
    std::unique_ptr<InputForwarder> input_;
    std::optional<Keeper> keeper_;
    UniqueFd signals_;
    int not_ended_ = 0;
    bool failed_ = false;
    int exit_status_ = 0;
    int interrupted_by_ = 0;  // the terminating signal that was passed on to the ranks
};

/// "0-3,7" for sorted numbers.
std::string format_ranks(const std::vector<int>& ranks);

}  // namespace launch
