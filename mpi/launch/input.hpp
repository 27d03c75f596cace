// mpirun's standard input, carried to rank 0 or to whom --stdin names.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "mpi/launch/event_loop.hpp"
#include "mpi/launch/unique_fd.hpp"

namespace launch {

/// Reads no further ahead than one buffer: the next piece is read when every reader took the last
/// one, so what a rank does not want mostly stays with mpirun's own standard input. Never blocks,
/// except where a terminal or file itself makes a read that was ready wait.
class InputForwarder {
  public:
    /// `source` stays the caller's and is never made non-blocking. `targets` are the write ends of
    /// the readers' pipes.
    InputForwarder(EventLoop* loop, int source, std::vector<UniqueFd> targets);
    ~InputForwarder();
    InputForwarder(const InputForwarder&) = delete;
    InputForwarder& operator=(const InputForwarder&) = delete;

    /// Looks again whether the source may be read; after SIGCONT, when mpirun may have come to the
    /// foreground.
    void reconsider();

  private:
    struct Target {
        UniqueFd fd;
        std::size_t sent = 0;  // of buffer_
        bool watching = false;
    };

    bool source_allowed() const;
    void read_source();
    void push(Target* target);
    void drop(Target* target);
    // Reads on when all targets have the buffer, or gives up the source when there are none.
    void advance();
    void watch_source(bool on);
    void close_source();

    EventLoop* loop_;
    int source_;
    bool source_open_ = true;
    bool source_watched_ = false;
    bool source_pollable_ = true;  // a regular file is always ready and cannot be watched
    std::uint64_t retry_timer_ = 0;
    std::vector<std::unique_ptr<Target>> targets_;
    std::string buffer_;
};

}  // namespace launch
