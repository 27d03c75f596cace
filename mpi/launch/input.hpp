// mpirun's standard input, carried to rank 0 or to whom --stdin names.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "mpi/launch/event_loop.hpp"

namespace launch {

/// Reads no further ahead than one buffer: the next piece is read when every reader took the last
/// one, so what a rank does not want mostly stays with mpirun's own standard input. Never blocks,
/// except where a terminal or file itself makes a read that was ready wait.
class InputForwarder {
  public:
    /// Sends a piece to a rank; empty: there is no more.
    using Send = std::function<void(int rank, std::string_view bytes)>;

    /// `source` stays the caller's and is never made non-blocking. It is looked at once begin() is
    /// called.
    InputForwarder(EventLoop* loop, int source, std::vector<int> readers, Send send);
    ~InputForwarder();
    InputForwarder(const InputForwarder&) = delete;
    InputForwarder& operator=(const InputForwarder&) = delete;

    void begin() { advance(); }
    /// `rank` has the last piece; or, when not `open`, wants no more.
    void taken(int rank, bool open);
    /// Looks again whether the source may be read; after SIGCONT, when mpirun may have come to the
    /// foreground.
    void reconsider();

  private:
    bool source_allowed() const;
    void read_source();
    // Reads on when all readers have the last piece, or gives up the source when there are none.
    void advance();
    void watch_source(bool on);
    void close_source();

    EventLoop* loop_;
    int source_;
    Send send_;
    bool source_open_ = true;
    bool source_watched_ = false;
    bool source_pollable_ = true;  // a regular file is always ready and cannot be watched
    std::uint64_t retry_timer_ = 0;
    std::set<int> readers_;
    std::set<int> pending_;  // those that have not taken the last piece
};

}  // namespace launch
