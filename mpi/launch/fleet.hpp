// The hosts that one process starts: its own, if ranks run there, and others by remote shells. In
// mpirun these are all hosts of the job, or the first of the tree that they form; in a proxy, its
// own and those below it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "mpi/launch/local_host.hpp"
#include "mpi/launch/remote_host.hpp"

namespace launch {

class Fleet {
  public:
    /// `on_fence` is called when all ranks of these hosts stand in a fence, with what they put.
    Fleet(EventLoop* loop, const InheritedState& inherited, HostEvents* events,
          Host::OnFence on_fence);

    /// Reaches out for other hosts; each is told by on_ready or on_lost.
    void connect(const std::vector<HostTree>& trees, const RemoteShell& shell);
    /// Starts the ranks of the plan, which outlives this. `own` is this host's number in it, if it
    /// has one.
    void start(const JobPlan& plan, int own);

    void signal_all(int signal);
    void input(int rank, std::string_view bytes);
    void hold_output(bool hold);
    void close_output(int rank, bool is_stderr);
    void join_fabric(const std::string& ways);
    void tell_lost(int rank);
    void invite(int rank, int from);
    void ask_states();
    void release(const Values& values);

    /// Ends what is left on all hosts, and tells the last output. Returns the wait status of this
    /// host's keeper.
    int finish();

  private:
    /// A branch with ranks that a fence waits for.
    struct Branch {
        Host* host;
        bool fenced = false;
    };
    Host* host_of(int rank);
    void on_fence(const Host* host, Values values);

    EventLoop* loop_;
    const InheritedState& inherited_;
    HostEvents* events_;
    Host::OnFence on_fence_;
    const JobPlan* plan_ = nullptr;
    std::unique_ptr<LocalHost> local_;
    int own_ = -1;
    std::vector<std::unique_ptr<RemoteHost>> remote_;
    std::vector<Branch> branches_;
    Values fence_values_;
};

/// Hosts [first, size) as a tree below this process, so that none starts more than a few dozen.
/// `names[i]` is host i.
std::vector<HostTree> make_trees(const std::vector<std::string>& names, std::vector<int> hosts);

}  // namespace launch
