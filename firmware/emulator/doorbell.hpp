// Watches descriptors while the emulator's thread is busy or sleeps on a futex: a thread that does
// nothing but wait until one is ready, ring, and wait until it was looked after.
#pragma once

#include <sys/epoll.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <semaphore>
#include <span>
#include <thread>

#include "adi/base/status.hpp"
#include "firmware/emulator/shared_memory.hpp"

namespace emulator {

class Doorbell {
  public:
    /// `ring` is called by the thread when a descriptor is ready; not again before rearm().
    explicit Doorbell(std::function<void()> ring);
    ~Doorbell();
    Doorbell(const Doorbell&) = delete;
    Doorbell& operator=(const Doorbell&) = delete;

    /// False: the system refuses.
    bool watch(int fd, std::uint64_t token);
    void forget(int fd);

    /// One load. True: look(), then rearm().
    bool rung() const { return rung_.load(std::memory_order_acquire); }
    /// What is ready, as far as there is room.
    std::span<const epoll_event> look(std::span<epoll_event> room) const;
    void rearm();

  private:
    void wait();

    std::function<void()> ring_;
    Descriptor epoll_;
    Descriptor end_;  // an event, in epoll_: the thread is to end
    std::atomic<bool> rung_ = false;
    std::atomic<bool> ending_ = false;
    std::binary_semaphore armed_{0};
    std::thread thread_;
};

}  // namespace emulator
