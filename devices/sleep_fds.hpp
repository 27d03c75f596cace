// The descriptors on which a device's process sleeps.
#pragma once

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

namespace dev {

/// An epoll, which is the device's adi::Park, over a waker, a timer, and what the device watches.
class SleepFds {
  public:
    SleepFds() = default;
    SleepFds(const SleepFds&) = delete;
    SleepFds& operator=(const SleepFds&) = delete;
    ~SleepFds() { close(); }

    /// The marks are what epoll tells when the waker or the timer has something. False: errno says
    /// why not.
    bool open(void* waker_mark = nullptr, void* timer_mark = nullptr) {
        epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
        waker_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        timer_ = ::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
        return epoll_ >= 0 && waker_ >= 0 && timer_ >= 0 && watch(waker_, EPOLLIN, waker_mark) &&
               watch(timer_, EPOLLIN, timer_mark);
    }
    void close() {
        for (int* fd : {&timer_, &waker_, &epoll_}) {
            if (*fd >= 0) ::close(*fd);
            *fd = -1;
        }
    }
    bool is_open() const { return epoll_ >= 0; }
    int epoll() const { return epoll_; }

    /// For what is watched already it sets other events.
    bool watch(int fd, std::uint32_t events, void* mark) {
        epoll_event event = {};
        event.events = events;
        event.data.ptr = mark;
        return ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0 ||
               (errno == EEXIST && ::epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event) == 0);
    }
    void forget(int fd) { ::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr); }

    /// Ends the sleep, or the next one. Any thread.
    void wake() {
        const std::uint64_t one = 1;
        (void)!::write(waker_, &one, sizeof one);
    }
    void set_timer(const itimerspec& when) { ::timerfd_settime(timer_, 0, &when, nullptr); }
    /// What the waker, or the timer, had to say has been heard.
    void clear_waker() { clear(waker_); }
    void clear_timer() { clear(timer_); }

  private:
    static void clear(int fd) {
        std::uint64_t count = 0;
        (void)!::read(fd, &count, sizeof count);
    }

    int epoll_ = -1, waker_ = -1, timer_ = -1;
};

}  // namespace dev
