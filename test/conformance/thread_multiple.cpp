// Several threads of each rank inside MPI at once (MPI_THREAD_MULTIPLE).
#include <array>
#include <atomic>

#include "test/conformance/thread.hpp"

namespace {

using mpitest::Bytes;
using mpitest::to_int;

using threads::kThreads;

class Threads : public threads::ThreadTest {};

TEST_F(Threads, RingsOnOneCommunicatorByTag) {
    in_threads([&](int thread) {
        for (int round = 0; round < 200; ++round) {
            const int sent = rank() * 1000 + round;
            int received = -1;
            MPI_OK(MPI_Sendrecv(&sent, 1, MPI_INT, next(), thread, &received, 1, MPI_INT,
                                previous(), thread, comm(), MPI_STATUS_IGNORE));
            ASSERT_EQ(received, previous() * 1000 + round);
        }
    });
}

TEST_F(Threads, AllProtocolsAtOnce) {
    in_threads([&](int thread) {
        for (const std::size_t size_bytes : mpitest::protocol_sizes_bytes()) {
            const auto seed = static_cast<std::uint32_t>(thread) * 77U;
            const Bytes sent = mpitest::pattern(size_bytes, seed);
            Bytes received(size_bytes);
            std::array<MPI_Request, 2> requests{};
            MPI_OK(MPI_Irecv(received.data(), to_int(size_bytes), MPI_BYTE, previous(), thread,
                             comm(), &requests[0]));
            MPI_OK(MPI_Isend(sent.data(), to_int(size_bytes), MPI_BYTE, next(), thread, comm(),
                             &requests[1]));
            MPI_OK(MPI_Waitall(2, requests.data(), MPI_STATUSES_IGNORE));
            ASSERT_TRUE(mpitest::is_pattern(received.data(), size_bytes, seed));
        }
    });
}

TEST_F(Threads, CollectivesOnACommunicatorEach) {
    std::vector<MPI_Comm> comms = comm_per_thread();
    in_threads([&](int thread) {
        MPI_Comm mine = comms[static_cast<std::size_t>(thread)];
        for (int round = 0; round < 100; ++round) {
            const int in = rank() + thread + round;
            int sum = -1;
            MPI_OK(MPI_Allreduce(&in, &sum, 1, MPI_INT, MPI_SUM, mine));
            ASSERT_EQ(sum, size() * (size() - 1) / 2 + size() * (thread + round));
            std::vector<int> data(5000, rank() == round % size() ? round : -1);
            MPI_OK(MPI_Bcast(data.data(), 5000, MPI_INT, round % size(), mine));
            ASSERT_EQ(data[4999], round);
            if (round % 10 == 0) MPI_Barrier(mine);
        }
    });
    free_all(comms);
}

// Many receivers on one wildcard: every message is received once, by somebody.
TEST_F(Threads, WildcardReceiversShareTheMessages) {
    if (size() == 1) SKIP_ON_PEER(kMpich, "loses a wake-up when a rank sends to itself");
    constexpr int kMessages = 400;
    std::atomic<int> sum{0};
    in_threads([&](int thread) {
        if (thread == 0) {
            for (int i = 0; i < kMessages; ++i) MPI_OK(MPI_Send(&i, 1, MPI_INT, next(), i, comm()));
            return;
        }
        const int share =
            kMessages / (kThreads - 1) + (thread <= kMessages % (kThreads - 1) ? 1 : 0);
        for (int i = 0; i < share; ++i) {
            int received = -1;
            MPI_Status status;
            MPI_OK(MPI_Recv(&received, 1, MPI_INT, MPI_ANY_SOURCE, MPI_ANY_TAG, comm(), &status));
            ASSERT_EQ(received, status.MPI_TAG);
            sum += received;
        }
    });
    EXPECT_EQ(sum.load(), kMessages * (kMessages - 1) / 2);
}

// One thread waits for what another of the same rank sends.
TEST_F(Threads, AThreadWaitsForAnotherOfItsRank) {
    for (int round = 0; round < 20; ++round) {
        int received = -1;
        std::thread receiver(
            [&] { MPI_OK(MPI_Recv(&received, 1, MPI_INT, rank(), 1, comm(), MPI_STATUS_IGNORE)); });
        if (round % 4 == 0) mpitest::sleep_ms(2);
        MPI_OK(MPI_Ssend(&round, 1, MPI_INT, rank(), 1, comm()));
        receiver.join();
        ASSERT_EQ(received, round);
    }
}

// A request that one thread starts is completed by another.
TEST_F(Threads, RequestsChangeHands) {
    for (int round = 0; round < 50; ++round) {
        const Bytes sent = mpitest::pattern(20'000, static_cast<std::uint32_t>(round));
        Bytes received(sent.size());
        std::array<MPI_Request, 2> requests{};
        std::thread starter([&] {
            MPI_OK(MPI_Irecv(received.data(), to_int(received.size()), MPI_BYTE, previous(), 1,
                             comm(), &requests[0]));
            MPI_OK(MPI_Isend(sent.data(), to_int(sent.size()), MPI_BYTE, next(), 1, comm(),
                             &requests[1]));
        });
        starter.join();
        MPI_OK(MPI_Waitall(2, requests.data(), MPI_STATUSES_IGNORE));
        ASSERT_TRUE(mpitest::is_pattern(received.data(), received.size(),
                                        static_cast<std::uint32_t>(round)));
    }
}

TEST_F(Threads, ObjectsComeAndGo) {
    std::vector<MPI_Comm> comms = comm_per_thread();
    in_threads([&](int thread) {
        MPI_Comm mine = comms[static_cast<std::size_t>(thread)];
        for (int round = 0; round < 100; ++round) {
            MPI_Datatype type = MPI_DATATYPE_NULL;
            MPI_OK(MPI_Type_vector(2 + thread, 1, 2, MPI_INT, &type));
            MPI_OK(MPI_Type_commit(&type));
            int size_bytes = 0;
            MPI_OK(MPI_Type_size(type, &size_bytes));
            ASSERT_EQ(size_bytes, (2 + thread) * to_int(sizeof(int)));
            MPI_OK(MPI_Type_free(&type));
            MPI_Group group = MPI_GROUP_NULL;
            MPI_OK(MPI_Comm_group(mine, &group));
            MPI_OK(MPI_Group_free(&group));
            if (round % 10 != 0) continue;
            MPI_Comm copy = MPI_COMM_NULL;
            MPI_OK(MPI_Comm_dup(mine, &copy));
            MPI_OK(MPI_Barrier(copy));
            MPI_OK(MPI_Comm_free(&copy));
        }
    });
    free_all(comms);
}

// Each thread's operations are resumed by whichever thread polls.
TEST_F(Threads, NonblockingCollectivesOnCommunicatorsOfTheirOwn) {
    std::vector<MPI_Comm> comms = comm_per_thread();
    in_threads([&](int thread) {
        MPI_Comm mine = comms[static_cast<std::size_t>(thread)];
        for (int round = 0; round < 20; ++round) {
            const int count = round % 4 == 0 ? 30'000 : 100;
            std::vector<int> in(static_cast<std::size_t>(count), rank() + thread);
            std::vector<int> sum(in.size(), -1);
            std::vector<int> data(in.size(), rank() == round % size() ? round : -1);
            std::array<MPI_Request, 3> requests{};
            MPI_OK(MPI_Iallreduce(in.data(), sum.data(), count, MPI_INT, MPI_SUM, mine,
                                  requests.data()));
            MPI_OK(MPI_Ibcast(data.data(), count, MPI_INT, round % size(), mine, &requests[1]));
            MPI_OK(MPI_Ibarrier(mine, &requests[2]));
            MPI_OK(MPI_Waitall(3, requests.data(), MPI_STATUSES_IGNORE));
            const int expected = size() * (size() - 1) / 2 + size() * thread;
            ASSERT_EQ(sum, std::vector<int>(sum.size(), expected));
            ASSERT_EQ(data, std::vector<int>(data.size(), round));
        }
    });
    free_all(comms);
}

// One thread starts the operations, in order; others complete them.
TEST_F(Threads, NonblockingCollectivesCompletedByOthers) {
    constexpr int kMany = 40;
    std::vector<std::vector<int>> data(kMany);
    std::vector<MPI_Request> requests(kMany, MPI_REQUEST_NULL);
    std::atomic<int> started{0};
    in_threads([&](int thread) {
        for (int i = 0; i < kMany; ++i) {
            const auto at = static_cast<std::size_t>(i);
            if (thread == 0) {
                data[at].assign(i % 8 == 0 ? 40'000 : 10, rank() == i % size() ? i : -1);
                MPI_OK(MPI_Ibcast(data[at].data(), to_int(data[at].size()), MPI_INT, i % size(),
                                  comm(), &requests[at]));
                started.store(i + 1);
            }
            if (i % kThreads != thread) continue;
            while (started.load() <= i) std::this_thread::yield();
            MPI_OK(MPI_Wait(&requests[at], MPI_STATUS_IGNORE));
            ASSERT_EQ(data[at], std::vector<int>(data[at].size(), i));
        }
    });
}

}  // namespace
