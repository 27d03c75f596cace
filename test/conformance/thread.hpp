// What the tests of MPI_THREAD_MULTIPLE share.
#pragma once

#include <functional>
#include <thread>

#include "test/support/mpi_test.hpp"

namespace threads {

constexpr int kThreads = 4;

class ThreadTest : public mpitest::MpiTest {
  protected:
    void SetUp() override {
        MpiTest::SetUp();
        if (mpitest::init_facts().thread_level_provided < MPI_THREAD_MULTIPLE)
            GTEST_SKIP() << "the library was not initialised with MPI_THREAD_MULTIPLE";
    }

    // Runs `body` with thread numbers 0 to kThreads - 1 at the same time. Assertions of GoogleTest
    // may be used in each.
    static void in_threads(const std::function<void(int)>& body) {
        std::vector<std::thread> threads;
        for (int i = 0; i < kThreads; ++i) threads.emplace_back(body, i);
        for (std::thread& thread : threads) thread.join();
    }

    // A communicator for each thread, for calls that must not meet another thread's.
    std::vector<MPI_Comm> comm_per_thread() const {
        std::vector<MPI_Comm> comms(kThreads, MPI_COMM_NULL);
        for (MPI_Comm& each : comms) EXPECT_MPI_OK(MPI_Comm_dup(comm(), &each));
        return comms;
    }
    static void free_all(std::vector<MPI_Comm>& comms) {
        for (MPI_Comm& each : comms) EXPECT_MPI_OK(MPI_Comm_free(&each));
    }
};

}  // namespace threads
