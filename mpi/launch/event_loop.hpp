// One epoll loop and its timers: the only place where mpirun waits.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <unordered_map>

#include "mpi/launch/unique_fd.hpp"

namespace launch {

/// Single-threaded. Handlers run inside run(); they may add, change and remove descriptors and
/// timers, their own included, and a descriptor that was removed is not called again, even when its
/// event was already fetched.
class EventLoop {
  public:
    using Clock = std::chrono::steady_clock;
    using Handler = std::function<void(std::uint32_t events)>;

    EventLoop();

    /// Watches `fd` for `events` (EPOLLIN, EPOLLOUT). The caller keeps the descriptor open until it
    /// calls remove(). False when the descriptor cannot be watched, as a regular file cannot.
    bool add(int fd, std::uint32_t events, Handler handler);
    void change(int fd, std::uint32_t events);
    void remove(int fd);

    /// Calls `action` once, `delay` from now. The number cancels it.
    std::uint64_t call_after(std::chrono::milliseconds delay, std::function<void()> action);
    void cancel(std::uint64_t timer);

    /// Dispatches until stop() is called.
    void run();
    /// Dispatches for that long, or until stop() is called.
    void run_for(std::chrono::milliseconds time);
    void stop() { stopped_ = true; }

  private:
    struct Watch {
        Handler handler;
        std::uint64_t generation;
    };

    int next_timeout_ms() const;
    void run_due_timers();

    UniqueFd epoll_;
    std::unordered_map<int, std::shared_ptr<Watch>> watches_;
    std::map<std::pair<Clock::time_point, std::uint64_t>, std::function<void()>> timers_;
    std::uint64_t next_number_ = 1;
    bool stopped_ = false;
};

}  // namespace launch
