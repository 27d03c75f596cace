#include "mpi/core/lock.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>
#include <vector>

namespace mpi {
namespace {

// More threads than cores, so that holders are preempted and others sleep.
TEST(LockTest, OneThreadAtATime) {
    constexpr int kThreads = 8, kRounds = 20'000;
    Lock lock;
    int inside = 0;
    long sum = 0;
    bool alone = true;
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < kRounds; ++i) {
                lock.lock();
                alone = ++inside == 1 && alone;
                ++sum;
                --inside;
                lock.unlock();
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_TRUE(alone);
    EXPECT_EQ(sum, long{kThreads} * kRounds);
    EXPECT_FALSE(lock.wanted());
}

TEST(LockTest, TellsThatItIsWantedAndWakesTheSleeper) {
    Lock lock;
    lock.lock();
    EXPECT_FALSE(lock.wanted());
    bool served = false;
    std::thread other([&] {
        lock.lock();
        served = true;
        lock.unlock();
    });
    while (!lock.wanted()) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // long enough to be asleep
    EXPECT_FALSE(served);
    lock.unlock();
    other.join();
    EXPECT_TRUE(served);
    EXPECT_FALSE(lock.wanted());
}

}  // namespace
}  // namespace mpi
