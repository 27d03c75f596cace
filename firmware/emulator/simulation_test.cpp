// The clock by itself: order of events, processors that never run past what concerns them.
#include "firmware/emulator/simulation.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace {

using emulator::kNever;
using emulator::Simulation;
using emulator::Time;

/// Works at every tenth picosecond until `end`, and calls `step` then.
class Worker final : public emulator::Processor {
  public:
    Worker(Time begin, Time end, std::function<void(Time)> step)
        : now_(begin), end_(end), step_(std::move(step)) {}
    bool idle() const override { return now_ >= end_; }
    bool asleep() const override { return idle(); }
    bool shared() const override { return true; }
    void run(std::uint64_t instructions) override {
        for (; instructions > 0 && !idle(); --instructions) work();
    }
    void run_until(Time until) override {
        limit_ = until;
        while (now_ < limit_ && !idle()) work();
        now_ = std::max(now_, idle() ? limit_ : now_);  // an idle one skips
        limit_ = kNever;
    }
    Time now() const override { return now_; }
    void stop_at(Time until) override { limit_ = std::min(limit_, until); }

  private:
    void work() {
        step_(now_);
        now_ += 10;
    }
    Time now_, end_, limit_ = kNever;
    std::function<void(Time)> step_;
};

TEST(Simulation, EventsComeInOrderOfTimeThenOfTheCalls) {
    Simulation simulation(true);
    std::string order;
    simulation.at(20, [&] { order += 'c'; });
    simulation.at(10, [&] {
        order += 'a';
        EXPECT_EQ(simulation.now(), 10);
        simulation.at(15, [&] { order += 'b'; });
    });
    simulation.timer(20, [&] { order += 'd'; });
    simulation.at(30, [&] { order += 'e'; });
    simulation.advance(30);
    EXPECT_EQ(order, "abcd") << "what is at the end of the interval does not belong to it";
    EXPECT_EQ(simulation.now(), 30);
    simulation.advance(31);
    EXPECT_EQ(order, "abcde");
}

TEST(Simulation, AnEventStopsTheProcessorThatAskedForIt) {
    Simulation simulation(true);
    std::vector<Time> steps;
    Time handled = 0;
    std::size_t before = 0;
    Worker worker(0, 1000, [&](Time now) {
        EXPECT_EQ(simulation.now(), now);
        steps.push_back(now);
        if (now == 50)
            simulation.at(75, [&] {
                handled = simulation.now();
                before = steps.size();
            });
    });
    simulation.add(worker);
    simulation.advance(200);
    EXPECT_EQ(handled, 75);
    EXPECT_EQ(before, 8U) << "0 to 70";
    EXPECT_EQ(steps.size(), 20U);
}

TEST(Simulation, ProcessorsStayTogetherWithinTheLookahead) {
    Simulation simulation(true);
    simulation.set_lookahead(30);
    Time first = 0;
    Time second = 0;
    Time apart = 0;
    const auto look = [&] { apart = std::max(apart, std::max(first - second, second - first)); };
    Worker one(0, 2000, [&](Time now) { first = now, look(); });
    Worker two(5, 2000, [&](Time now) { second = now, look(); });
    simulation.add(one);
    simulation.add(two);
    simulation.advance(1000);
    EXPECT_GE(one.now(), 1000);
    EXPECT_GE(two.now(), 1000);
    EXPECT_LE(apart, 40) << "the lookahead and one instruction";
}

TEST(Simulation, StopHoldsTheTimeOfWhoCalled) {
    Simulation simulation(true);
    Worker worker(0, 1000, [&](Time now) {
        if (now == 120) simulation.stop();
    });
    simulation.add(worker);
    bool later = false;
    simulation.at(500, [&] { later = true; });
    simulation.advance(900);
    EXPECT_EQ(simulation.now(), 120);
    EXPECT_EQ(worker.now(), 130) << "the instruction is finished, no other begins";
    EXPECT_FALSE(later);
    simulation.advance(900);
    EXPECT_TRUE(later);
}

TEST(Simulation, ProcessorsWithSharedMemoryReachTheEnd) {
    Simulation simulation(true);
    Worker idle(0, 0, [](Time) { FAIL() << "it has nothing to do"; });
    simulation.add(idle);
    simulation.advance(777);
    EXPECT_EQ(idle.now(), 777);
    EXPECT_FALSE(simulation.pending());
}

TEST(Simulation, FastWorkComesInOrderOfTheCallsAndTimersByTheWallClock) {
    Simulation simulation(false);
    std::string order;
    simulation.at(1'000'000'000'000, [&] { order += 'a'; });
    simulation.at(0, [&] {
        order += 'b';
        simulation.at(0, [&] { order += 'c'; });
    });
    bool rang = false;
    const Time due = simulation.now() + 2'000'000'000;  // 2 ms
    simulation.timer(due, [&] { rang = true; });
    EXPECT_EQ(simulation.next_timer(), due);
    while (simulation.turn())
        ;
    EXPECT_EQ(order, "abc");
    while (!rang) {
        const bool early = simulation.now() < due;
        simulation.turn();
        EXPECT_TRUE(!rang || !early || simulation.now() >= due);
    }
    EXPECT_EQ(simulation.next_timer(), kNever);
    EXPECT_FALSE(simulation.turn());
}

}  // namespace
