// Where the ranks' output goes: sinks (mpirun's stdout and stderr, files) and the streams that feed
// them, one for each rank's stdout and stderr.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mpi/launch/event_loop.hpp"
#include "mpi/launch/line_splitter.hpp"
#include "mpi/launch/unique_fd.hpp"

namespace launch {

/// A descriptor that several streams write to, line by line. Never blocks the loop: what the
/// descriptor does not take at once is queued, and above kHighWaterBytes streams are asked to
/// pause.
class Sink {
  public:
    static constexpr std::size_t kHighWaterBytes = std::size_t{1} << 20;

    /// `fd` stays the caller's. `drained` is called when the queue becomes short again after it was
    /// long, and when the descriptor turns out to be closed.
    Sink(EventLoop* loop, int fd, std::function<void()> drained);
    ~Sink();
    Sink(const Sink&) = delete;
    Sink& operator=(const Sink&) = delete;

    /// Queues `text` for `owner` (any address that names the stream). When another owner's line was
    /// left unfinished, it is ended first, so that two lines never become one.
    void write(const void* owner, std::string_view text);

    bool congested() const { return queue_.size() - sent_ > kHighWaterBytes; }
    /// Nobody reads any more (EPIPE and the like); writes are dropped.
    bool closed() const { return closed_; }
    /// Writes what is left, waiting for the reader for at most `limit`.
    void drain(std::chrono::milliseconds limit);

  private:
    // Writes as much as goes without blocking.
    void pump();
    void watch(bool on);

    EventLoop* loop_;
    int fd_;
    std::function<void()> drained_;
    bool pollable_ = false;  // a regular file is not, and takes everything at once
    bool watching_ = false;
    bool closed_ = false;
    bool was_congested_ = false;
    std::string queue_;
    std::size_t sent_ = 0;
    const void* unfinished_ = nullptr;  // whose line stands unfinished at the end of the queue
};

/// How lines are dressed.
struct LineStyle {
    std::string tag;         // "[3] " or empty
    bool timestamp = false;  // date and time before the tag
};

/// One rank's stdout or stderr: cuts lines, dresses them, hands them to its sinks.
class OutputStream {
  public:
    OutputStream(LineStyle style, std::vector<Sink*> sinks)
        : style_(std::move(style)), sinks_(std::move(sinks)) {}
    OutputStream(const OutputStream&) = delete;
    OutputStream& operator=(const OutputStream&) = delete;

    /// What the rank wrote.
    void feed(std::string_view bytes);
    /// Shows an unfinished line now: as a prompt, or because the rank has ended.
    void show_partial();
    bool partial() const { return splitter_.partial(); }
    /// Nobody is left to read it.
    bool unread() const;

  private:
    void emit(std::string_view text);

    LineStyle style_;
    std::vector<Sink*> sinks_;
    LineSplitter splitter_;
    bool mid_line_ = false;  // the last piece emitted had no line feed
};

/// "2025-01-31T12:00:00.123 " now.
std::string timestamp();

/// Replaces %r, %h, %p, %g, %a and %% in an output file's name.
std::string expand_pattern(const std::string& pattern, int rank, int appnum,
                           const std::string& host, long pid);

}  // namespace launch
