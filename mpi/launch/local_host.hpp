// The ranks of this host: started by a keeper, served by a PMI server, their output read, their
// input written. In mpirun for its own host, in a proxy for any other.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mpi/launch/event_loop.hpp"
#include "mpi/launch/fabric.hpp"
#include "mpi/launch/host.hpp"
#include "mpi/launch/keeper.hpp"

namespace launch {

class LocalHost final : public Host, public PmiEvents {
  public:
    /// `number` is the host's in the plan. Signals are blocked in this process, and `inherited` is
    /// how it found them.
    LocalHost(EventLoop* loop, int number, const InheritedState& inherited, HostEvents* events,
              OnFence on_fence);
    ~LocalHost() override {
        loop_->cancel(fabric_timer_);
        loop_->cancel(state_timer_);
    }

    void start(const JobPlan& plan) override;
    void signal_all(int signal) override;
    void input(int rank, std::string_view bytes) override;
    void hold_output(bool hold) override;
    void close_output(int rank, bool is_stderr) override;
    void join_fabric(const std::string& ways) override;
    void tell_lost(int rank) override;
    void invite(int rank, int from) override;
    void ask_states() override;
    void release(const Values& values) override;

    /// Ends what is left, and tells its last output. No process of the job is left on this host
    /// afterwards. Returns the keeper's wait status.
    int finish();

  private:
    struct Rank {
        pid_t pid = -1;
        UniqueFd pmi;
        std::string pmi_unsent;
        bool pmi_blocked = false;  // waiting for room to send, not reading
        UniqueFd output[2];        // stdout, stderr
        UniqueFd input;
        std::string input_unsent;
        bool input_watched = false;
    };

    // local_fabric.cpp
    void start_fabric(const std::string& ways);
    void on_fabric_news();
    void on_fabric_lost();
    void forget_fabric();

    void start_ranks();
    bool reserve_descriptors(std::string* why) const;
    bool prepare(const JobPlan& plan, std::string* why, int* exit_status);
    bool make_starts(std::vector<RankStart>* starts);
    void watch();

    void on_keeper();
    void on_start_failed(const KeeperEvent& event);
    void on_exited(int rank, int status);
    void on_keeper_lost();
    void answer_states(const std::map<int, std::uint64_t>& looks);

    bool read_output(int rank, bool is_stderr);
    void drain_output(int rank);
    void push_input(int rank);
    void close_input(int rank);

    // local_pmi.cpp
    void on_pmi(int rank);
    void flush_pmi(int rank);
    void drain_pmi(int rank);
    void close_pmi(int rank);
    void pmi_send(int rank, std::string_view line) override;
    void pmi_phase(int rank, PmiPhase phase) override { events_->on_phase(rank, phase); }
    void pmi_abort(int rank, int exitcode) override;
    void pmi_rank_lost(int rank, int peer, const std::string& why) override;
    void pmi_invite(int rank, int peer) override { events_->on_invite(rank, peer); }
    void pmi_broken(int rank, const std::string& why) override;
    void pmi_waiting(int rank) override { events_->on_waiting(rank); }
    void pmi_absent(int rank) override { events_->on_absent(rank); }
    void pmi_fence() override { on_fence_(pmi_->take_values()); }

    Rank& at(int rank) { return ranks_.find(rank)->second; }

    EventLoop* loop_;
    const int number_;
    const InheritedState& inherited_;
    HostEvents* events_;
    OnFence on_fence_;
    const JobPlan* plan_ = nullptr;
    std::vector<ProgramImage> images_;  // with the paths of this host
    std::map<int, Rank> ranks_;
    std::map<int, int> early_aborts_;  // of ranks whose start the keeper has not reported yet
    std::unique_ptr<PmiServer> pmi_;
    Fabric fabric_;  // before the keeper, which spares older children of this process
    std::optional<adi::BoardKeeper> board_;
    std::uint64_t fabric_timer_ = 0;
    std::uint64_t state_timer_ = 0;
    std::optional<Keeper> keeper_;
    bool held_ = false;
};

}  // namespace launch
