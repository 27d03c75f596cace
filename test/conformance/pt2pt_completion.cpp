// Wait and Test, one, any, all, some: with active, null and inactive requests; freed requests;
// Startall.
#include <numeric>

#include "test/conformance/pt2pt.hpp"

namespace {

using mpitest::Bytes;
using mpitest::to_int;

class Completion : public mpitest::MpiTest {
  protected:
    // An inactive persistent request, which nobody starts.
    MPI_Request inactive_request() {
        MPI_Request request = MPI_REQUEST_NULL;
        EXPECT_MPI_OK(MPI_Recv_init(&unused_, 1, MPI_INT, rank(), 99, comm(), &request));
        return request;
    }

  private:
    int unused_ = 0;
};

TEST_F(Completion, NullAndInactiveRequestsGiveTheEmptyStatus) {
    for (const bool inactive : {false, true}) {
        SCOPED_TRACE(inactive ? "inactive" : "null");
        MPI_Request request = inactive ? inactive_request() : MPI_REQUEST_NULL;
        const MPI_Request before = request;
        MPI_Status status;
        MPI_OK(MPI_Wait(&request, &status));
        EXPECT_TRUE(pt2pt::status_is_empty(status));
        int flag = 0;
        MPI_OK(MPI_Test(&request, &flag, &status));
        EXPECT_NE(flag, 0);
        EXPECT_TRUE(pt2pt::status_is_empty(status));

        std::array<MPI_Request, 3> requests{request, MPI_REQUEST_NULL, request};
        std::array<MPI_Status, 3> statuses;
        MPI_OK(MPI_Waitall(3, requests.data(), statuses.data()));
        for (const MPI_Status& each : statuses) EXPECT_TRUE(pt2pt::status_is_empty(each));
        flag = 0;
        MPI_OK(MPI_Testall(3, requests.data(), &flag, statuses.data()));
        EXPECT_NE(flag, 0);
        for (const MPI_Status& each : statuses) EXPECT_TRUE(pt2pt::status_is_empty(each));

        int index = 0;
        MPI_OK(MPI_Waitany(3, requests.data(), &index, &status));
        EXPECT_EQ(index, MPI_UNDEFINED);
        EXPECT_TRUE(pt2pt::status_is_empty(status));
        flag = 0;
        index = 0;
        MPI_OK(MPI_Testany(3, requests.data(), &index, &flag, &status));
        EXPECT_NE(flag, 0);
        EXPECT_EQ(index, MPI_UNDEFINED);
        EXPECT_TRUE(pt2pt::status_is_empty(status));

        int completed = 0;
        std::array<int, 3> indices{};
        MPI_OK(MPI_Waitsome(3, requests.data(), &completed, indices.data(), statuses.data()));
        EXPECT_EQ(completed, MPI_UNDEFINED);
        completed = 0;
        MPI_OK(MPI_Testsome(3, requests.data(), &completed, indices.data(), statuses.data()));
        EXPECT_EQ(completed, MPI_UNDEFINED);

        EXPECT_TRUE(request == before);
        if (inactive) {
            MPI_OK(MPI_Request_free(&request));
        }
    }
}

TEST_F(Completion, EmptyLists) {
    MPI_Status status;
    int flag = 0;
    int index = 0;
    MPI_OK(MPI_Waitall(0, nullptr, MPI_STATUSES_IGNORE));
    MPI_OK(MPI_Testall(0, nullptr, &flag, MPI_STATUSES_IGNORE));
    EXPECT_NE(flag, 0);
    MPI_OK(MPI_Waitany(0, nullptr, &index, &status));
    EXPECT_EQ(index, MPI_UNDEFINED);
    EXPECT_TRUE(pt2pt::status_is_empty(status));
    flag = 0;
    MPI_OK(MPI_Testany(0, nullptr, &index, &flag, &status));
    EXPECT_NE(flag, 0);
    EXPECT_EQ(index, MPI_UNDEFINED);
    int completed = 0;
    MPI_OK(MPI_Waitsome(0, nullptr, &completed, nullptr, MPI_STATUSES_IGNORE));
    EXPECT_EQ(completed, MPI_UNDEFINED);
    completed = 0;
    MPI_OK(MPI_Testsome(0, nullptr, &completed, nullptr, MPI_STATUSES_IGNORE));
    EXPECT_EQ(completed, MPI_UNDEFINED);
}

TEST_F(Completion, TestIsFalseUntilTheMessageComes) {
    int received = 0;
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_OK(MPI_Irecv(&received, 1, MPI_INT, previous(), 1, comm(), &request));
    int flag = 1;
    int index = 0;
    MPI_Status status;
    MPI_OK(MPI_Test(&request, &flag, &status));
    EXPECT_EQ(flag, 0);
    EXPECT_TRUE(request != MPI_REQUEST_NULL);
    flag = 1;
    MPI_OK(MPI_Testall(1, &request, &flag, &status));
    EXPECT_EQ(flag, 0);
    flag = 1;
    MPI_OK(MPI_Testany(1, &request, &index, &flag, &status));
    EXPECT_EQ(flag, 0);
    EXPECT_EQ(index, MPI_UNDEFINED);
    int completed = -1;
    MPI_OK(MPI_Testsome(1, &request, &completed, &index, &status));
    EXPECT_EQ(completed, 0);

    MPI_OK(MPI_Barrier(comm()));
    const int sent = 42 + rank();
    MPI_OK(MPI_Send(&sent, 1, MPI_INT, next(), 1, comm()));
    while (flag == 0) MPI_OK(MPI_Test(&request, &flag, &status));
    EXPECT_EQ(received, 42 + previous());
    EXPECT_TRUE(request == MPI_REQUEST_NULL);
    EXPECT_TRUE(pt2pt::status_is(status, previous(), 1, sizeof(int)));
}

TEST_F(Completion, WaitanyTakesEachOnceAndSkipsNull) {
    constexpr int kMessages = 20;
    std::vector<int> received(kMessages, -1);
    std::vector<MPI_Request> requests(2 * kMessages, MPI_REQUEST_NULL);  // odd ones stay null
    for (int i = 0; i < kMessages; ++i) {
        const auto u = static_cast<std::size_t>(i);
        MPI_OK(MPI_Irecv(&received[u], 1, MPI_INT, previous(), i, comm(), &requests[2 * u]));
    }
    std::vector<MPI_Request> sends(kMessages, MPI_REQUEST_NULL);
    std::vector<int> sent(kMessages);
    std::iota(sent.begin(), sent.end(), 100);
    for (int i = kMessages - 1; i >= 0; --i) {
        const auto u = static_cast<std::size_t>(i);
        MPI_OK(MPI_Isend(&sent[u], 1, MPI_INT, next(), i, comm(), &sends[u]));
    }
    std::vector<bool> seen(kMessages, false);
    for (int i = 0; i < kMessages; ++i) {
        int index = -1;
        MPI_Status status;
        MPI_OK(MPI_Waitany(2 * kMessages, requests.data(), &index, &status));
        ASSERT_TRUE(index >= 0 && index < 2 * kMessages && index % 2 == 0) << index;
        const auto message = static_cast<std::size_t>(index / 2);
        EXPECT_FALSE(seen[message]);
        seen[message] = true;
        EXPECT_EQ(received[message], 100 + index / 2);
        EXPECT_TRUE(pt2pt::status_is(status, previous(), index / 2, sizeof(int)));
        EXPECT_TRUE(requests[static_cast<std::size_t>(index)] == MPI_REQUEST_NULL);
    }
    int index = 0;
    MPI_OK(MPI_Waitany(2 * kMessages, requests.data(), &index, MPI_STATUS_IGNORE));
    EXPECT_EQ(index, MPI_UNDEFINED);
    MPI_OK(MPI_Waitall(kMessages, sends.data(), MPI_STATUSES_IGNORE));
}

TEST_F(Completion, WaitsomeAndTestsomeReportWhatIsDone) {
    constexpr int kMessages = 30;
    for (const bool wait : {true, false}) {
        SCOPED_TRACE(wait ? "Waitsome" : "Testsome");
        std::vector<Bytes> received;
        std::vector<Bytes> sent;
        std::vector<MPI_Request> requests(kMessages, MPI_REQUEST_NULL);
        std::vector<MPI_Request> sends(kMessages, MPI_REQUEST_NULL);
        for (int i = 0; i < kMessages; ++i) {
            const auto u = static_cast<std::size_t>(i);
            const std::size_t size_bytes = u * u * 100;
            received.emplace_back(size_bytes);
            sent.push_back(mpitest::pattern(size_bytes, static_cast<std::uint32_t>(i)));
            MPI_OK(MPI_Irecv(received[u].data(), to_int(size_bytes), MPI_BYTE, previous(), i,
                             comm(), &requests[u]));
        }
        for (int i = 0; i < kMessages; ++i) {
            const auto u = static_cast<std::size_t>(i);
            MPI_OK(MPI_Isend(sent[u].data(), to_int(sent[u].size()), MPI_BYTE, next(), i, comm(),
                             &sends[u]));
        }
        int done = 0;
        std::vector<int> indices(kMessages);
        std::vector<MPI_Status> statuses(kMessages);
        while (done < kMessages) {
            int completed = -1;
            if (wait) {
                MPI_OK(MPI_Waitsome(kMessages, requests.data(), &completed, indices.data(),
                                    statuses.data()));
                ASSERT_GE(completed, 1);
            } else {
                MPI_OK(MPI_Testsome(kMessages, requests.data(), &completed, indices.data(),
                                    statuses.data()));
                ASSERT_GE(completed, 0);
            }
            for (int i = 0; i < completed; ++i) {
                const auto which = static_cast<std::size_t>(indices[static_cast<std::size_t>(i)]);
                ASSERT_LT(which, static_cast<std::size_t>(kMessages));
                EXPECT_TRUE(requests[which] == MPI_REQUEST_NULL);
                EXPECT_TRUE(pt2pt::status_is(statuses[static_cast<std::size_t>(i)], previous(),
                                             to_int(which), which * which * 100));
                EXPECT_TRUE(mpitest::is_pattern(received[which].data(), which * which * 100,
                                                static_cast<std::uint32_t>(which)));
            }
            done += completed;
        }
        MPI_OK(MPI_Waitall(kMessages, sends.data(), MPI_STATUSES_IGNORE));
    }
}

TEST_F(Completion, TestallIsAllOrNothing) {
    std::array<int, 2> received{-1, -1};
    std::array<MPI_Request, 3> requests{MPI_REQUEST_NULL, MPI_REQUEST_NULL, MPI_REQUEST_NULL};
    MPI_OK(MPI_Irecv(&received[0], 1, MPI_INT, previous(), 1, comm(), &requests[0]));
    MPI_OK(MPI_Irecv(&received[1], 1, MPI_INT, previous(), 2, comm(), &requests[2]));
    const int sent = 7;
    MPI_OK(MPI_Send(&sent, 1, MPI_INT, next(), 1, comm()));
    MPI_OK(MPI_Barrier(comm()));
    std::array<MPI_Status, 3> statuses;
    int flag = 1;
    for (int i = 0; i < 10; ++i) {
        MPI_OK(MPI_Testall(3, requests.data(), &flag, statuses.data()));
        EXPECT_EQ(flag, 0);
    }
    EXPECT_TRUE(requests[0] != MPI_REQUEST_NULL) << "none is deallocated before all are complete";
    MPI_OK(MPI_Barrier(comm()));
    MPI_OK(MPI_Send(&sent, 1, MPI_INT, next(), 2, comm()));
    while (flag == 0) MPI_OK(MPI_Testall(3, requests.data(), &flag, statuses.data()));
    EXPECT_TRUE(pt2pt::status_is(statuses[0], previous(), 1, sizeof(int)));
    EXPECT_TRUE(pt2pt::status_is_empty(statuses[1]));
    EXPECT_TRUE(pt2pt::status_is(statuses[2], previous(), 2, sizeof(int)));
    for (const MPI_Request request : requests) EXPECT_TRUE(request == MPI_REQUEST_NULL);
}

TEST_F(Completion, AFreedActiveRequestStillCompletes) {
    for (const std::size_t size_bytes : mpitest::few_sizes_bytes()) {
        SCOPED_TRACE(size_bytes);
        const Bytes sent = mpitest::pattern(size_bytes, 1);
        Bytes received(size_bytes);
        MPI_Request send = MPI_REQUEST_NULL;
        MPI_OK(MPI_Isend(sent.data(), to_int(size_bytes), MPI_BYTE, next(), 1, comm(), &send));
        MPI_OK(MPI_Request_free(&send));
        EXPECT_TRUE(send == MPI_REQUEST_NULL);
        MPI_OK(MPI_Recv(received.data(), to_int(size_bytes), MPI_BYTE, previous(), 1, comm(),
                        MPI_STATUS_IGNORE));
        EXPECT_TRUE(mpitest::is_pattern(received.data(), size_bytes, 1));
        // The answer says that the buffer of the freed send may be given back.
        MPI_OK(MPI_Barrier(comm()));
    }
}

TEST_F(Completion, AFreedReceiveStillFillsItsBuffer) {
    volatile int received = -1;
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_OK(MPI_Irecv(const_cast<int*>(&received), 1, MPI_INT, previous(), 1, comm(), &request));
    MPI_OK(MPI_Request_free(&request));
    EXPECT_TRUE(request == MPI_REQUEST_NULL);
    MPI_OK(MPI_Barrier(comm()));
    const int sent = 17;
    MPI_OK(MPI_Send(&sent, 1, MPI_INT, next(), 1, comm()));
    // The later message of the same pair cannot overtake it.
    int later = -1;
    MPI_OK(MPI_Sendrecv(&sent, 1, MPI_INT, next(), 2, &later, 1, MPI_INT, previous(), 2, comm(),
                        MPI_STATUS_IGNORE));
    EXPECT_EQ(received, 17);
}

TEST_F(Completion, StartallRestartsAMixedSet) {
    constexpr int kPairs = 8;
    std::vector<Bytes> sent;
    std::vector<Bytes> received;
    std::vector<MPI_Request> requests(2 * kPairs, MPI_REQUEST_NULL);
    for (int i = 0; i < kPairs; ++i) {
        const std::size_t size_bytes = std::size_t{1} << (2 * static_cast<unsigned>(i) + 1);
        sent.emplace_back(size_bytes);
        received.emplace_back(size_bytes);
    }
    for (int i = 0; i < kPairs; ++i) {
        const auto u = static_cast<std::size_t>(i);
        MPI_OK(MPI_Recv_init(received[u].data(), to_int(received[u].size()), MPI_BYTE, previous(),
                             i, comm(), &requests[2 * u]));
        MPI_OK(MPI_Send_init(sent[u].data(), to_int(sent[u].size()), MPI_BYTE, next(), i, comm(),
                             &requests[2 * u + 1]));
    }
    for (std::uint32_t round = 0; round < 5; ++round) {
        for (std::size_t i = 0; i < kPairs; ++i)
            mpitest::fill_pattern(sent[i], round * 100 + static_cast<std::uint32_t>(i));
        MPI_OK(MPI_Startall(2 * kPairs, requests.data()));
        std::vector<MPI_Status> statuses(2 * kPairs);
        MPI_OK(MPI_Waitall(2 * kPairs, requests.data(), statuses.data()));
        for (std::size_t i = 0; i < kPairs; ++i) {
            EXPECT_TRUE(mpitest::is_pattern(received[i].data(), received[i].size(),
                                            round * 100 + static_cast<std::uint32_t>(i)));
            EXPECT_TRUE(
                pt2pt::status_is(statuses[2 * i], previous(), to_int(i), received[i].size()));
        }
    }
    for (MPI_Request& request : requests) {
        EXPECT_TRUE(request != MPI_REQUEST_NULL);
        MPI_OK(MPI_Request_free(&request));
    }
}

TEST_F(Completion, PersistentReceiveWithWildcards) {
    int received = -1;
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_OK(MPI_Recv_init(&received, 1, MPI_INT, MPI_ANY_SOURCE, MPI_ANY_TAG, comm(), &request));
    for (int round = 0; round < 10; ++round) {
        MPI_OK(MPI_Start(&request));
        const int sent = 100 * rank() + round;
        MPI_OK(MPI_Send(&sent, 1, MPI_INT, next(), round, comm()));
        MPI_Status status;
        MPI_OK(MPI_Wait(&request, &status));
        EXPECT_EQ(received, 100 * previous() + round);
        EXPECT_TRUE(pt2pt::status_is(status, previous(), round, sizeof(int)));
        MPI_OK(MPI_Barrier(comm()));
    }
    MPI_OK(MPI_Request_free(&request));
}

}  // namespace
