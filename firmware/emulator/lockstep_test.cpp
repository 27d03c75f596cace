// Lockstep, both sides: the emulator's Lockstep and the processes' LockstepClock, each of these in
// a thread that stands for a process.
#include "firmware/emulator/lockstep.hpp"

#include <gtest/gtest.h>

#include <sched.h>

#include <thread>
#include <vector>

#include "devices/fm/lockstep_clock.hpp"

namespace {

using dev::fm::LockstepClock;
using emulator::kNever;
using emulator::Lockstep;
using emulator::Simulation;
using emulator::Time;
using namespace std::chrono_literals;

fm_host_costs costs() {
    fm_host_costs result{};
    result.pio_word = 100;
    result.pio_read = 500;
    result.poll = 10;
    result.copy_start = 7;
    result.copy_byte = 2;
    result.pio_write_start = 3;
    result.pio_write_byte = 1;
    return result;
}

struct Process {
    fm_host_status status{};
    LockstepClock clock{status, costs(), [] {}, [] { return false; }};
};

/// The emulator's loop, with `writes` in place of boards, until `done`.
template <class Done>
void emulate(Simulation& simulation, Lockstep& lockstep, Done done) {
    while (!done()) {
        Time until = lockstep.horizon();
        if (until == kNever)
            until = lockstep.waiting() && simulation.pending() ? simulation.now() + 1000 : 0;
        if (until > simulation.now()) {
            simulation.advance(until);
            lockstep.publish();
        } else {
            sched_yield();
        }
    }
}

TEST(Lockstep, AnAccessSeesWhatHappenedBeforeItsTimeAndNothingElse) {
    Simulation simulation(true);
    Lockstep lockstep(simulation);
    Process process;
    lockstep.add(&process.status);
    std::atomic<int> word = 0;
    simulation.at(1000, [&] { word = 1; });
    simulation.at(2000, [&] { word = 2; });
    simulation.at(2001, [&] { word = 3; });
    std::vector<int> seen;
    std::atomic<bool> done = false;
    std::thread thread([&] {
        LockstepClock& clock = process.clock;
        clock.look();  // joins
        clock.charge_ps(999 - clock.now_ps() - 10);
        clock.look();  // at 999
        seen.push_back(word);
        clock.charge_ps(992);
        clock.look();  // at 2001: what is at 2001 has not happened
        seen.push_back(word);
        clock.pio_read_word();
        seen.push_back(word);
        EXPECT_EQ(clock.now_ps(), 2501);
        done = true;
    });
    emulate(simulation, lockstep, [&] { return done.load(); });
    thread.join();
    EXPECT_EQ(seen, (std::vector<int>{0, 2, 3}));
    EXPECT_EQ(simulation.now(), 2501) << "time stands while a process runs";
}

TEST(Lockstep, ChargesMoveTheClock) {
    Process process;
    process.clock.charge_copy(100);
    process.clock.pio_write(50);
    EXPECT_EQ(process.clock.now_ps(), 7 + 200 + 3 + 50);
    process.clock.charge_ps(-5);
    EXPECT_EQ(process.clock.now_ps(), 260) << "time does not go back";
}

TEST(Lockstep, WhoWaitsGoesOnAtTheTimeOfTheWrite) {
    Simulation simulation(true);
    Lockstep lockstep(simulation);
    Process process;
    Lockstep::Host* host = lockstep.add(&process.status);
    simulation.at(123'456, [&] { lockstep.release(*host); });
    bool later = false;
    simulation.at(123'457, [&] { later = true; });
    std::atomic<bool> done = false;
    std::thread thread([&] {
        process.clock.look();
        process.clock.wait();
        EXPECT_EQ(process.clock.now_ps(), 123'456);
        EXPECT_FALSE(later) << "the emulator has stopped there";
        done = true;
    });
    emulate(simulation, lockstep, [&] { return done.load(); });
    thread.join();
}

TEST(Lockstep, WhatWasWrittenSinceTheLastLookIsNotWaitedFor) {
    Simulation simulation(true);
    Lockstep lockstep(simulation);
    Process process;
    Lockstep::Host* host = lockstep.add(&process.status);
    simulation.at(50, [&] { lockstep.release(*host); });
    std::atomic<bool> done = false;
    std::thread thread([&] {
        process.clock.look();            // at 10
        process.clock.pio_write_word();  // at 110: meanwhile it is written
        process.clock.wait();
        EXPECT_EQ(process.clock.now_ps(), 110);
        done = true;
    });
    emulate(simulation, lockstep, [&] { return done.load(); });
    thread.join();
}

TEST(Lockstep, TwoProcessesKeepTheOrderOfTheirClocks) {
    Simulation simulation(true);
    Lockstep lockstep(simulation);
    Process one;
    Process two;
    lockstep.begin(*lockstep.add(&one.status));
    lockstep.begin(*lockstep.add(&two.status));
    std::vector<int> order;  // unguarded: lockstep itself keeps the accesses apart
    std::atomic<int> left = 2;
    const auto run = [&](Process& process, int name, std::int64_t step) {
        process.clock.look();
        for (int i = 0; i < 100; ++i) {
            process.clock.charge_ps(step - 10);
            process.clock.look();
            order.push_back(name * 1'000'000 + static_cast<int>(process.clock.now_ps()));
        }
        process.clock.away();
        --left;
    };
    std::thread first([&] { run(one, 1, 1000); });
    std::thread second([&] { run(two, 2, 1313); });
    emulate(simulation, lockstep, [&] { return left.load() == 0; });
    first.join();
    second.join();
    ASSERT_EQ(order.size(), 200U);
    for (std::size_t i = 1; i < order.size(); ++i)
        EXPECT_LE(order[i - 1] % 1'000'000, order[i] % 1'000'000);
}

TEST(Lockstep, WhoDoesNotMoveIsTakenForAwayAndJoinsAgain) {
    Simulation simulation(true);
    Lockstep lockstep(simulation, 20ms);
    Process slow;
    Process other;
    lockstep.begin(*lockstep.add(&slow.status));
    Lockstep::Host* host = lockstep.add(&other.status);
    simulation.at(5'000'000, [&] { lockstep.release(*host); });
    std::atomic<bool> released = false;
    std::atomic<bool> done = false;
    std::thread waiting([&] {
        other.clock.look();
        other.clock.wait();
        EXPECT_EQ(other.clock.now_ps(), 5'000'000);
        other.clock.away();
        released = true;
        while (!done) sched_yield();
    });
    std::thread computing([&] {
        while (!released) sched_yield();  // computes for long
        slow.clock.look();
        EXPECT_GE(slow.clock.now_ps(), 5'000'000) << "it comes back into everybody's time";
        done = true;
    });
    emulate(simulation, lockstep, [&] { return done.load(); });
    waiting.join();
    computing.join();
}

TEST(Lockstep, AnotherThreadCallsBackWhoWaits) {
    Simulation simulation(true);
    Lockstep lockstep(simulation);
    Process process;
    lockstep.add(&process.status);
    std::atomic<bool> done = false;
    std::thread thread([&] {
        process.clock.look();
        process.clock.wait();
        done = true;
    });
    std::thread caller([&] {
        while (std::atomic_ref(process.status.state).load() != FM_HOST_WAITING) sched_yield();
        process.clock.call_back();
    });
    emulate(simulation, lockstep, [&] { return done.load(); });
    thread.join();
    caller.join();
}

TEST(Lockstep, AFoolishClockHarmsNobody) {
    Simulation simulation(true);
    Lockstep lockstep(simulation);
    fm_host_status status{};
    lockstep.add(&status);
    status.state = FM_HOST_RUNNING;
    status.clock_ps = ~std::uint64_t{0};
    EXPECT_LT(lockstep.horizon(), kNever);
    status.state = 77;
    EXPECT_EQ(lockstep.horizon(), kNever) << "a state that there is none of does not count";
}

}  // namespace
