// Collectives among other traffic: late ranks, back to back, pending point-to-point messages,
// several communicators at once.
#include "test/conformance/coll.hpp"

namespace {

using coll::u;
using coll::unset;
using coll::values;

class Mixed : public mpitest::MpiTest {};

// No barrier between them: a fast rank may be several collectives ahead of a slow one.
TEST_F(Mixed, BackToBackWithDifferentRootsAndSizes) {
    for (int round = 0; round < 300; ++round) {
        const int root = round % size();
        const int count = round % 7 * (round % 11 == 0 ? 3000 : 10) + 1;
        std::vector<int> data = rank() == root ? values(round, count) : unset(count);
        MPI_OK(MPI_Bcast(data.data(), count, MPI_INT, root, comm()));
        ASSERT_EQ(data, values(round, count)) << "round " << round;
        int sum = 0;
        const int mine = rank() + round;
        MPI_OK(MPI_Reduce(&mine, &sum, 1, MPI_INT, MPI_SUM, (root + 1) % size(), comm()));
        if (rank() == (root + 1) % size()) {
            ASSERT_EQ(sum, size() * (size() - 1) / 2 + size() * round);
        }
    }
}

TEST_F(Mixed, RanksArriveLate) {
    for (int late = 0; late < size(); ++late) {
        const auto delay = [&] {
            if (rank() == late) mpitest::sleep_ms(4);
        };
        SCOPED_TRACE(late);
        for (const int count : {1, 50'000}) {
            std::vector<int> data = rank() == 0 ? values(0, count) : unset(count);
            delay();
            MPI_OK(MPI_Bcast(data.data(), count, MPI_INT, 0, comm()));
            ASSERT_EQ(data, values(0, count));
            std::vector<int> all = unset(count * size());
            const std::vector<int> mine = values(rank(), count);
            delay();
            MPI_OK(MPI_Allgather(mine.data(), count, MPI_INT, all.data(), count, MPI_INT, comm()));
            for (int r = 0; r < size(); ++r)
                ASSERT_TRUE(std::equal(all.begin() + r * count, all.begin() + (r + 1) * count,
                                       values(r, count).begin()));
            std::vector<int> sum = unset(count);
            delay();
            MPI_OK(MPI_Allreduce(mine.data(), sum.data(), count, MPI_INT, MPI_MAX, comm()));
            ASSERT_EQ(sum, values(size() - 1, count));
            std::vector<int> in = unset(count * size());
            delay();
            MPI_OK(MPI_Alltoall(all.data(), count, MPI_INT, in.data(), count, MPI_INT, comm()));
            for (int r = 0; r < size(); ++r)
                ASSERT_TRUE(std::equal(in.begin() + r * count, in.begin() + (r + 1) * count,
                                       values(rank(), count).begin()));
        }
    }
}

// Wildcard receives posted before, and messages sent before, must not meet a collective's own
// messages.
TEST_F(Mixed, PendingPointToPointIsNotDisturbed) {
    constexpr int kMessages = 10;
    std::vector<int> received(kMessages, -1);
    std::vector<MPI_Request> receives(kMessages, MPI_REQUEST_NULL);
    for (int i = 0; i < kMessages; ++i)
        MPI_OK(MPI_Irecv(&received[u(i)], 1, MPI_INT, MPI_ANY_SOURCE, MPI_ANY_TAG, comm(),
                         &receives[u(i)]));
    for (int count : {1, 1000, 100'000}) {
        std::vector<int> data = rank() == 0 ? values(5, count) : unset(count);
        MPI_OK(MPI_Bcast(data.data(), count, MPI_INT, 0, comm()));
        ASSERT_EQ(data, values(5, count));
        std::vector<int> result(u(count));
        MPI_OK(MPI_Allreduce(data.data(), result.data(), count, MPI_INT, MPI_MIN, comm()));
        ASSERT_EQ(result, data);
        MPI_OK(MPI_Barrier(comm()));
    }
    int flag = 1;
    MPI_OK(MPI_Testall(kMessages, receives.data(), &flag, MPI_STATUSES_IGNORE));
    EXPECT_EQ(flag, 0);
    EXPECT_EQ(received, std::vector<int>(kMessages, -1));
    MPI_OK(MPI_Barrier(comm()));
    for (int i = 0; i < kMessages; ++i) MPI_OK(MPI_Send(&i, 1, MPI_INT, next(), i, comm()));
    MPI_OK(MPI_Waitall(kMessages, receives.data(), MPI_STATUSES_IGNORE));
    for (int i = 0; i < kMessages; ++i) EXPECT_EQ(received[u(i)], i);
}

TEST_F(Mixed, UnexpectedMessagesStayThroughCollectives) {
    std::vector<int> sent = values(rank(), 50'000);
    std::array<MPI_Request, 2> requests{};
    MPI_OK(MPI_Isend(sent.data(), 50'000, MPI_INT, next(), 0, comm(), &requests[0]));
    MPI_OK(MPI_Isend(sent.data(), 3, MPI_INT, next(), 0, comm(), &requests[1]));
    for (int round = 0; round < 20; ++round) {
        int sum = 0;
        MPI_OK(MPI_Allreduce(&round, &sum, 1, MPI_INT, MPI_SUM, comm()));
        ASSERT_EQ(sum, round * size());
        std::vector<int> all(u(size()));
        const int mine = rank();
        MPI_OK(MPI_Gather(&mine, 1, MPI_INT, all.data(), 1, MPI_INT, round % size(), comm()));
    }
    std::vector<int> received = unset(50'000);
    MPI_OK(MPI_Recv(received.data(), 50'000, MPI_INT, previous(), MPI_ANY_TAG, comm(),
                    MPI_STATUS_IGNORE));
    EXPECT_EQ(received, values(previous(), 50'000));
    MPI_OK(
        MPI_Recv(received.data(), 3, MPI_INT, previous(), MPI_ANY_TAG, comm(), MPI_STATUS_IGNORE));
    MPI_OK(MPI_Waitall(2, requests.data(), MPI_STATUSES_IGNORE));
}

// The ranks enter the collectives of two communicators in the same order, with halves interleaved.
TEST_F(Mixed, SeveralCommunicatorsInTurn) {
    MPI_Comm duplicate = MPI_COMM_NULL;
    MPI_Comm half = MPI_COMM_NULL;
    MPI_OK(MPI_Comm_dup(comm(), &duplicate));
    MPI_OK(MPI_Comm_split(comm(), rank() % 2, rank(), &half));
    int half_size = 0;
    int half_rank = -1;
    MPI_OK(MPI_Comm_size(half, &half_size));
    MPI_OK(MPI_Comm_rank(half, &half_rank));
    for (int round = 0; round < 100; ++round) {
        int a = rank() == round % size() ? round : -1;
        int b = rank() == (round + 1) % size() ? round + 1000 : -1;
        int c = half_rank == round % half_size ? round + 5000 + rank() % 2 : -1;
        MPI_OK(MPI_Bcast(&a, 1, MPI_INT, round % size(), comm()));
        MPI_OK(MPI_Bcast(&b, 1, MPI_INT, (round + 1) % size(), duplicate));
        MPI_OK(MPI_Bcast(&c, 1, MPI_INT, round % half_size, half));
        ASSERT_EQ(a, round);
        ASSERT_EQ(b, round + 1000);
        ASSERT_EQ(c, round + 5000 + rank() % 2);
    }
    MPI_OK(MPI_Comm_free(&duplicate));
    MPI_OK(MPI_Comm_free(&half));
}

TEST_F(Mixed, ManyBarriers) {
    for (int i = 0; i < 1000; ++i) MPI_OK(MPI_Barrier(comm()));
}

TEST_F(Mixed, ZeroElementsSynchroniseNothingButWork) {
    MPI_OK(MPI_Bcast(nullptr, 0, MPI_INT, 0, comm()));
    MPI_OK(MPI_Gather(nullptr, 0, MPI_INT, nullptr, 0, MPI_INT, 0, comm()));
    MPI_OK(MPI_Allgather(nullptr, 0, MPI_INT, nullptr, 0, MPI_INT, comm()));
    MPI_OK(MPI_Alltoall(nullptr, 0, MPI_INT, nullptr, 0, MPI_INT, comm()));
    MPI_OK(MPI_Reduce(nullptr, nullptr, 0, MPI_INT, MPI_SUM, 0, comm()));
    MPI_OK(MPI_Scatter(nullptr, 0, MPI_INT, nullptr, 0, MPI_INT, 0, comm()));
}

}  // namespace
