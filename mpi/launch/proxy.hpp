// The program fathom-proxy: mpirun's arm on another host. It talks to mpirun, or to the proxy that
// has started it, by its standard input and output, starts the ranks of its host, and passes on
// what is for the hosts below it.
#pragma once

#include <string>

#include "mpi/launch/fleet.hpp"

namespace launch {

/// Only equals make a job: the version of Fathom, and that of the frames.
std::string proxy_version();

/// The program's argument that asks for the machine.
inline constexpr const char* kAskMachine = "--machine";

class Proxy final : public HostEvents {
  public:
    Proxy(UniqueFd in, UniqueFd out, const InheritedState& inherited);
    /// Until mpirun says that it is over, or is not heard of any more. Nothing is left afterwards.
    /// `with_machine`: tells which CPUs this host has, not only how many.
    int run(bool with_machine);

  private:
    void on_frame(Frame type, Reader& fields);
    void on_spread(Reader& fields);
    void on_job(Reader& fields);

    // HostEvents: all go up.
    void on_ready(int host, const Machine& machine) override;
    void on_fabric(const std::string& ways) override;
    void on_lost(int host, int exit_status, const std::string& why) override;
    void on_note(const std::string& text) override;
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
    void on_invite(int rank, int peer) override;
    void on_broken(int rank, const std::string& why) override;

    EventLoop loop_;
    std::unique_ptr<Link> up_;
    int number_ = -1;
    JobPlan plan_;
    Fleet fleet_;
};

}  // namespace launch
