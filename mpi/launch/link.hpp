// A connection of frames between mpirun and a proxy, or between two proxies: what the remote shell
// makes of a proxy's standard input and output. Never blocks the loop.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "mpi/launch/event_loop.hpp"
#include "mpi/launch/frames.hpp"
#include "mpi/launch/unique_fd.hpp"

namespace launch {

class Link {
  public:
    using OnFrame = std::function<void(Frame type, Reader& fields)>;
    /// `noise` is what came instead of a greeting, if that is what is wrong. Called once at most.
    using OnClosed = std::function<void(const std::string& why, const std::string& noise)>;

    /// How often each side says that it lives, and after which silence it is taken for dead.
    static constexpr std::chrono::milliseconds kBeat{1000};
    static constexpr std::chrono::milliseconds kSilence{4000};

    /// The handlers may destroy nothing: the link is in use while they run.
    Link(EventLoop* loop, UniqueFd in, UniqueFd out, OnFrame on_frame, OnClosed on_closed);
    ~Link();
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;

    void send(Frame type, const Writer& fields = {});
    /// The other side, or this one, may stop now: silence means nothing until the next frame.
    void be_patient() { patient_ = true; }
    bool open() const { return static_cast<bool>(in_); }
    /// Whether something that was sent is still here.
    bool unsent() const { return !unsent_.empty(); }
    void close();

  private:
    void read();
    void take();
    bool greeted();
    void flush();
    void beat();
    void fail(const std::string& why);

    EventLoop* loop_;
    UniqueFd in_, out_;
    OnFrame on_frame_;
    OnClosed on_closed_;
    std::string received_, unsent_;
    std::size_t sent_ = 0;
    bool greeted_ = false;
    bool blocked_ = false;
    bool patient_ = true;  ///< also until the first frame
    std::uint64_t timer_ = 0;
    EventLoop::Clock::time_point heard_;
};

}  // namespace launch
