#include "firmware/emulator/doorbell.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <utility>

namespace emulator {

namespace {
constexpr std::uint64_t kEnd = ~std::uint64_t{0};
}

Doorbell::Doorbell(std::function<void()> ring)
    : ring_(std::move(ring)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      end_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    watch(end_.get(), kEnd);
    thread_ = std::thread([this] { wait(); });
}

Doorbell::~Doorbell() {
    ending_.store(true, std::memory_order_release);
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(end_.get(), &one, sizeof one);
    armed_.release();
    thread_.join();
}

bool Doorbell::watch(int fd, std::uint64_t token) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLRDHUP;
    event.data.u64 = token;
    return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void Doorbell::forget(int fd) {
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

std::span<const epoll_event> Doorbell::look(std::span<epoll_event> room) const {
    const int ready = ::epoll_wait(epoll_.get(), room.data(), static_cast<int>(room.size()), 0);
    return room.first(ready > 0 ? static_cast<std::size_t>(ready) : 0);
}

void Doorbell::rearm() {
    rung_.store(false, std::memory_order_release);
    armed_.release();
}

void Doorbell::wait() {
    while (!ending_.load(std::memory_order_acquire)) {
        epoll_event event{};
        if (::epoll_wait(epoll_.get(), &event, 1, -1) < 1 || event.data.u64 == kEnd) continue;
        rung_.store(true, std::memory_order_release);
        ring_();
        armed_.acquire();
    }
}

}  // namespace emulator
