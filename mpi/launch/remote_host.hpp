// Another host, and those that are started from there: a proxy at the other end of a remote shell.
//
//   mpirun --- ssh ... sshd --- fathom-proxy --- keeper --- ranks
//
// The remote shell's standard input and output are the connection, so it needs no port and no
// secret of its own; whoever of the chain dies, each side sees its end close.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "mpi/launch/host.hpp"
#include "mpi/launch/link.hpp"
#include "mpi/launch/remote_shell.hpp"

namespace launch {

/// A host to be started, and those below it.
struct HostTree {
    int number = 0;
    std::string name;
    std::vector<HostTree> below;
};

class RemoteHost final : public Host {
  public:
    /// Starts the remote shell; on_ready, or on_lost, follows for each host of the tree.
    RemoteHost(EventLoop* loop, const HostTree& tree, const RemoteShell& shell, HostEvents* events,
               OnFence on_fence);
    ~RemoteHost() override;

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

    bool holds(int host) const;
    /// Asks it to end all that is left. The proxy then closes the connection.
    void end();
    bool open() const { return link_ && link_->open(); }

  private:
    bool spawn(const RemoteShell& shell, UniqueFd* in, UniqueFd* out);
    void greet();
    void on_frame(Frame type, Reader& fields);
    void on_hello(Reader& fields);
    bool on_rank_event(Frame type, Reader& fields);
    void on_closed(const std::string& why, const std::string& noise);
    void read_complaint();
    void pass_complaint_on();
    void lose(const std::string& why);

    EventLoop* loop_;
    const HostTree tree_;
    const RemoteShell shell_;
    HostEvents* events_;
    OnFence on_fence_;
    pid_t pid_ = -1;
    UniqueFd stderr_;
    std::string complaint_;  // what the remote shell says, its last line perhaps unfinished
    std::unique_ptr<Link> link_;
    std::uint64_t timer_ = 0;
    bool ready_ = false;
    bool ending_ = false;
    bool note_due_ = false;  // complaint_ is passed on soon
};

}  // namespace launch
