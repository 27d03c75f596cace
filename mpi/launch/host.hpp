// A host's share in a job, as its launcher sees it. This host's is LocalHost, another one's, and
// that of the hosts which are started from there, is RemoteHost: commands go down, events come up.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <string_view>

#include "mpi/launch/machine.hpp"
#include "mpi/launch/plan.hpp"
#include "mpi/launch/pmi_server.hpp"
#include "mpi/launch/rank_state.hpp"

namespace launch {

/// What happens on hosts. Calls come from the event loop, and from inside commands too.
class HostEvents {
  public:
    virtual ~HostEvents() = default;
    /// The host has answered, and says what it is.
    virtual void on_ready(int host, const Machine& machine) = 0;
    /// Its part of the job's Myrinet is up; the others' join it where `ways` says (join_fabric).
    virtual void on_fabric(const std::string& ways) = 0;
    /// Nothing more will come from it: `why`, half a sentence; `exit_status` is what it means for
    /// the job.
    virtual void on_lost(int host, int exit_status, const std::string& why) = 0;
    /// A line for people: the remote shell's, a warning.
    virtual void on_note(const std::string& text) = 0;

    virtual void on_started(int rank, pid_t pid) = 0;
    /// `why` is half a sentence, `exit_status` what a shell would answer.
    virtual void on_start_failed(int rank, int exit_status, const std::string& why) = 0;
    /// With a wait status. All that the rank wrote and said before was told before.
    virtual void on_exited(int rank, int status) = 0;
    /// The answer to ask_states(), for each rank.
    virtual void on_state(const RankState& state) = 0;
    virtual void on_output(int rank, bool is_stderr, std::string_view bytes) = 0;
    /// The last input() is with the rank; or, when not `open`, the rank reads no more.
    virtual void on_input_taken(int rank, bool open) = 0;

    /// The bootstrap's news (PmiEvents).
    virtual void on_phase(int rank, PmiPhase phase) = 0;
    virtual void on_waiting(int rank) = 0;
    virtual void on_absent(int rank) = 0;
    virtual void on_abort(int rank, int exitcode) = 0;
    virtual void on_rank_lost(int rank, int peer, const std::string& why) = 0;
    /// The rank wants `peer` to connect to it.
    virtual void on_invite(int rank, int peer) = 0;
    virtual void on_broken(int rank, const std::string& why) = 0;
};

class Host {
  public:
    /// All ranks of the branch stand in a fence; what they have put since the last one.
    using OnFence = std::function<void(Values values)>;

    Host() = default;
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;
    virtual ~Host() = default;

    /// Starts the ranks that the plan, which outlives the host, has here. Once.
    virtual void start(const JobPlan& plan) = 0;
    /// To the process groups of all ranks that live.
    virtual void signal_all(int signal) = 0;
    /// Standard input for a rank; empty: there is no more. Answered by on_input_taken.
    virtual void input(int rank, std::string_view bytes) = 0;
    /// While `hold`, output stays where it is, in the ranks' pipes.
    virtual void hold_output(bool hold) = 0;
    /// Nobody reads it: the rank is to get SIGPIPE.
    virtual void close_output(int rank, bool is_stderr) = 0;
    /// The other hosts' parts of the Myrinet begin, and then their ranks.
    virtual void join_fabric(const std::string& ways) = 0;
    /// Tells the ranks that `rank`, of any host, is lost, and the job goes on without it.
    virtual void tell_lost(int rank) = 0;
    /// Tells `rank`, which is there, that rank `from` wants it to connect.
    virtual void invite(int rank, int from) = 0;
    /// Answered by on_state for each rank that was started.
    virtual void ask_states() = 0;
    /// Lets the ranks out of the fence, with what all ranks have put.
    virtual void release(const Values& values) = 0;
};

}  // namespace launch
