#include "mpi/launch/event_loop.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>

namespace launch {

EventLoop::EventLoop() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    if (!epoll_) throw std::runtime_error("the system has no epoll descriptor left");
}

// The event carries descriptor and generation, so that an event for a descriptor that was closed
// and given out again in the same round is told from one for its successor.
bool EventLoop::add(int fd, std::uint32_t events, Handler handler) {
    const std::uint64_t generation = next_number_++;
    epoll_event event = {};
    event.events = events;
    event.data.u64 = (generation << 32) | static_cast<std::uint32_t>(fd);
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) return false;
    watches_[fd] = std::make_shared<Watch>(Watch{std::move(handler), generation});
    return true;
}

void EventLoop::change(int fd, std::uint32_t events) {
    const auto at = watches_.find(fd);
    if (at == watches_.end()) return;
    epoll_event event = {};
    event.events = events;
    event.data.u64 = (at->second->generation << 32) | static_cast<std::uint32_t>(fd);
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
}

void EventLoop::remove(int fd) {
    if (watches_.erase(fd) > 0) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

std::uint64_t EventLoop::call_after(std::chrono::milliseconds delay, std::function<void()> action) {
    const std::uint64_t number = next_number_++;
    timers_.emplace(std::make_pair(Clock::now() + delay, number), std::move(action));
    return number;
}

void EventLoop::cancel(std::uint64_t timer) {
    std::erase_if(timers_, [&](const auto& entry) { return entry.first.second == timer; });
}

int EventLoop::next_timeout_ms() const {
    if (timers_.empty()) return -1;
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(timers_.begin()->first.first - Clock::now());
    return static_cast<int>(std::clamp<long long>(left.count(), 0, 1 << 30));
}

void EventLoop::run_due_timers() {
    while (!stopped_ && !timers_.empty() && timers_.begin()->first.first <= Clock::now()) {
        auto node = timers_.extract(timers_.begin());
        node.mapped()();
    }
}

void EventLoop::run() {
    stopped_ = false;
    while (!stopped_) {
        epoll_event events[64];
        const int count = ::epoll_wait(epoll_.get(), events, 64, next_timeout_ms());
        if (count < 0 && errno != EINTR) throw std::runtime_error("epoll_wait failed");
        for (int i = 0; i < count && !stopped_; ++i) {
            const int fd = static_cast<int>(events[i].data.u64 & 0xffffffffU);
            const auto at = watches_.find(fd);
            if (at == watches_.end()) continue;
            // Only the low 32 bits of the generation travel.
            const std::uint64_t sent = events[i].data.u64 >> 32;
            if ((at->second->generation & 0xffffffffU) != sent) continue;
            const std::shared_ptr<Watch> watch = at->second;  // it may remove itself
            watch->handler(events[i].events);
        }
        run_due_timers();
    }
}

void EventLoop::run_for(std::chrono::milliseconds time) {
    const std::uint64_t timer = call_after(time, [this] { stop(); });
    run();
    cancel(timer);
}

}  // namespace launch
