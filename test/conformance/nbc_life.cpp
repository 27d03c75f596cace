// The life of nonblocking and persistent collectives: what may be freed while they are pending,
// starting again, what may not be done with their requests.
#include "test/conformance/coll.hpp"
#include "test/conformance/errors.hpp"

namespace {

using coll::u;
using coll::unset;
using coll::values;

class Nbc : public mpitest::MpiTest {
  protected:
    /// So that the others' operations are pending for a while.
    void hold_back_rank_0() const {
        if (rank() == 0) mpitest::sleep_ms(3);
    }
};

void add(void* in, void* inout, int* n, MPI_Datatype*) {
    for (int i = 0; i < *n; ++i) static_cast<int*>(inout)[i] += static_cast<int*>(in)[i];
}

/// New data at the address that a persistent operation knows.
void refill(std::vector<int>& data, const std::vector<int>& with) {
    std::copy(with.begin(), with.end(), data.begin());
}

TEST_F(Nbc, FreedWhilePending) {
    for (const int count : {10, 20'000}) {
        SCOPED_TRACE(count);
        MPI_Comm copy = MPI_COMM_NULL;
        MPI_OK(MPI_Comm_dup(comm(), &copy));
        MPI_Datatype type = MPI_DATATYPE_NULL;
        MPI_OK(MPI_Type_vector(2, 1, 2, MPI_INT, &type));
        MPI_OK(MPI_Type_commit(&type));
        MPI_Op op = MPI_OP_NULL;
        MPI_OK(MPI_Op_create(add, 1, &op));
        std::vector<int> data = rank() == 0 ? values(0, 3 * count) : unset(3 * count);
        const std::vector<int> mine = values(0, count);
        std::vector<int> sum = unset(count);
        std::vector<int> all = unset(3 * count * size());
        std::vector<int> counts(u(size()), count), displs;
        std::vector<MPI_Datatype> types(u(size()), type);
        for (int i = 0; i < size(); ++i)
            displs.push_back(3 * i * count * mpitest::to_int(sizeof(int)));
        std::vector<int> out = values(rank(), 3 * count * size());
        std::array<MPI_Request, 3> requests{};
        hold_back_rank_0();
        MPI_OK(MPI_Ibcast(data.data(), count, type, 0, copy, requests.data()));
        MPI_OK(MPI_Iallreduce(mine.data(), sum.data(), count, MPI_INT, op, copy, &requests[1]));
        MPI_OK(MPI_Ialltoallw(out.data(), counts.data(), displs.data(), types.data(), all.data(),
                              counts.data(), displs.data(), types.data(), copy, &requests[2]));
        MPI_OK(MPI_Type_free(&type));
        MPI_OK(MPI_Op_free(&op));
        MPI_OK(MPI_Comm_free(&copy));
        MPI_OK(MPI_Waitall(3, requests.data(), MPI_STATUSES_IGNORE));
        for (int i = 0; i < count; ++i) {
            ASSERT_EQ(data[u(3 * i + 2)], coll::value(0, 3 * i + 2));
            ASSERT_EQ(data[u(3 * i + 1)], rank() == 0 ? coll::value(0, 3 * i + 1) : -1);
            ASSERT_EQ(sum[u(i)], size() * coll::value(0, i));
            for (int r = 0; r < size(); ++r) {
                ASSERT_EQ(all[u(3 * (r * count + i))], coll::value(r, 3 * (rank() * count + i)));
            }
        }
    }
}

TEST_F(Nbc, PersistentKeepsWhatIsFreed) {
    MPI_Comm copy = MPI_COMM_NULL;
    MPI_OK(MPI_Comm_dup(comm(), &copy));
    MPI_Datatype type = MPI_DATATYPE_NULL;
    MPI_OK(MPI_Type_contiguous(2, MPI_INT, &type));
    MPI_OK(MPI_Type_commit(&type));
    std::vector<int> data(20);
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_OK(MPI_Bcast_init(data.data(), 10, type, 0, copy, MPI_INFO_NULL, &request));
    MPI_OK(MPI_Type_free(&type));
    MPI_OK(MPI_Comm_free(&copy));
    for (int round = 0; round < 5; ++round) {
        refill(data, rank() == 0 ? values(round, 20) : unset(20));
        MPI_OK(MPI_Start(&request));
        MPI_OK(MPI_Wait(&request, MPI_STATUS_IGNORE));
        ASSERT_EQ(data, values(round, 20));
    }
    MPI_OK(MPI_Request_free(&request));
}

TEST_F(Nbc, StartedAHundredTimes) {
    std::vector<int> in(500), out(500);
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_OK(MPI_Allreduce_init(in.data(), out.data(), 500, MPI_INT, MPI_SUM, comm(), MPI_INFO_NULL,
                              &request));
    for (int round = 0; round < 100; ++round) {
        for (int i = 0; i < 500; ++i) in[u(i)] = rank() + i * round;
        MPI_OK(MPI_Start(&request));
        MPI_OK(MPI_Wait(&request, MPI_STATUS_IGNORE));
        for (int i = 0; i < 500; ++i)
            ASSERT_EQ(out[u(i)], size() * (size() - 1) / 2 + size() * i * round);
    }
    MPI_OK(MPI_Request_free(&request));
    EXPECT_EQ(request, MPI_REQUEST_NULL);
}

// Ranks may start persistent operations in different orders (MPI-5.0 §6.13).
TEST_F(Nbc, StartedInDifferentOrders) {
    constexpr int kMany = 8;
    std::vector<std::vector<int>> data(kMany);
    std::vector<MPI_Request> requests(kMany, MPI_REQUEST_NULL);
    for (int i = 0; i < kMany; ++i) {
        data[u(i)].resize(100);
        MPI_OK(MPI_Bcast_init(data[u(i)].data(), 100, MPI_INT, i % size(), comm(), MPI_INFO_NULL,
                              &requests[u(i)]));
    }
    for (int round = 0; round < 10; ++round) {
        for (int i = 0; i < kMany; ++i)
            refill(data[u(i)], rank() == i % size() ? values(round + i, 100) : unset(100));
        for (int i = 0; i < kMany; ++i)
            EXPECT_MPI_OK(MPI_Start(&requests[u(rank() % 2 == 0 ? i : kMany - 1 - i)]));
        MPI_OK(MPI_Waitall(kMany, requests.data(), MPI_STATUSES_IGNORE));
        for (int i = 0; i < kMany; ++i) ASSERT_EQ(data[u(i)], values(round + i, 100)) << i;
    }
    MPI_OK(MPI_Startall(kMany, requests.data()));
    MPI_OK(MPI_Waitall(kMany, requests.data(), MPI_STATUSES_IGNORE));
    for (MPI_Request& r : requests) EXPECT_MPI_OK(MPI_Request_free(&r));
}

TEST_F(Nbc, AnInactiveOneIsEmpty) {
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_OK(MPI_Barrier_init(comm(), MPI_INFO_NULL, &request));
    MPI_Status status;
    MPI_OK(MPI_Wait(&request, &status));
    EXPECT_EQ(status.MPI_SOURCE, MPI_ANY_SOURCE);
    EXPECT_NE(request, MPI_REQUEST_NULL);
    int flag = 0;
    MPI_OK(MPI_Test(&request, &flag, MPI_STATUS_IGNORE));
    EXPECT_EQ(flag, 1);
    MPI_OK(MPI_Request_free(&request));
}

// --- errors --------------------------------------------------------------------------------------

class NbcErrors : public errors::ErrorTest {};

TEST_F(NbcErrors, MayNotBeFreedWhileActive) {
    FATHOM_ONLY("the standard calls it erroneous");
    NEED_RANKS(2);
    MPI_Request barrier = MPI_REQUEST_NULL;
    MPI_Request persistent = MPI_REQUEST_NULL;
    MPI_OK(MPI_Barrier_init(comm(), MPI_INFO_NULL, &persistent));
    int token = 0;
    if (rank() == 0) {  // comes to the barriers after rank 1 has tried
        MPI_OK(MPI_Recv(&token, 1, MPI_INT, 1, 0, comm(), MPI_STATUS_IGNORE));
    }
    MPI_OK(MPI_Ibarrier(comm(), &barrier));
    MPI_OK(MPI_Start(&persistent));
    if (rank() == 1) {
        EXPECT_MPI_CLASS(MPI_Request_free(&barrier), MPI_ERR_REQUEST);
        EXPECT_MPI_CLASS(MPI_Request_free(&persistent), MPI_ERR_REQUEST);
        MPI_OK(MPI_Send(&token, 1, MPI_INT, 0, 0, comm()));
    }
    EXPECT_NE(barrier, MPI_REQUEST_NULL);
    MPI_OK(MPI_Wait(&barrier, MPI_STATUS_IGNORE));
    MPI_OK(MPI_Wait(&persistent, MPI_STATUS_IGNORE));
    MPI_OK(MPI_Request_free(&persistent));
}

TEST_F(Nbc, MayBeFreedWhenComplete) {
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_OK(MPI_Ibarrier(comm(), &request));
    int flag = 0;
    while (flag == 0) {
        MPI_OK(MPI_Request_get_status(request, &flag, MPI_STATUS_IGNORE));
    }
    MPI_OK(MPI_Request_free(&request));
    EXPECT_EQ(request, MPI_REQUEST_NULL);
}

TEST_F(NbcErrors, MayNotBeCancelled) {
    FATHOM_ONLY("the standard calls it erroneous");
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_OK(MPI_Ibarrier(comm(), &request));
    EXPECT_MPI_CLASS(MPI_Cancel(&request), MPI_ERR_REQUEST);
    MPI_OK(MPI_Wait(&request, MPI_STATUS_IGNORE));
}

TEST_F(NbcErrors, Starting) {
    FATHOM_ONLY("the standard calls it erroneous");
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_OK(MPI_Ibarrier(comm(), &request));
    EXPECT_MPI_CLASS(MPI_Start(&request), MPI_ERR_REQUEST);
    MPI_OK(MPI_Wait(&request, MPI_STATUS_IGNORE));
    MPI_OK(MPI_Barrier_init(comm(), MPI_INFO_NULL, &request));
    MPI_OK(MPI_Start(&request));
    EXPECT_MPI_CLASS(MPI_Start(&request), MPI_ERR_REQUEST);
    MPI_OK(MPI_Wait(&request, MPI_STATUS_IGNORE));
    MPI_OK(MPI_Request_free(&request));
}

// What goes wrong on the way comes out where the operation is completed.
TEST_F(NbcErrors, TruncationIsTheOutcome) {
    NEED_RANKS(2);
    std::vector<int> data(u(rank() == 0 ? 100 : 50), rank());
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_OK(MPI_Ibcast(data.data(), mpitest::to_int(data.size()), MPI_INT, 0, comm(), &request));
    // Rank 1 has its data from the root; others may have theirs from a rank that has too little.
    const int outcome = MPI_Wait(&request, MPI_STATUS_IGNORE);
    if (rank() == 0) {
        EXPECT_MPI_OK(outcome);
    }
    if (rank() == 1) {
        EXPECT_MPI_CLASS(outcome, MPI_ERR_TRUNCATE);
    }
    EXPECT_EQ(request, MPI_REQUEST_NULL);
    MPI_OK(MPI_Bcast_init(data.data(), mpitest::to_int(data.size()), MPI_INT, 0, comm(),
                          MPI_INFO_NULL, &request));
    for (int round = 0; round < 2; ++round) {
        MPI_OK(MPI_Start(&request));
        MPI_Status status;
        const int result = MPI_Waitall(1, &request, &status);
        if (rank() == 0) {
            EXPECT_MPI_OK(result);
        }
        if (rank() == 1) {
            EXPECT_MPI_CLASS(result, MPI_ERR_IN_STATUS);
            EXPECT_MPI_CLASS(status.MPI_ERROR, MPI_ERR_TRUNCATE);
        }
    }
    MPI_OK(MPI_Request_free(&request));
}

// Wrong arguments are refused at the call.
TEST_F(NbcErrors, Arguments) {
    MPI_Request request = MPI_REQUEST_NULL;
    int x = 0;
    int y = 0;
    EXPECT_MPI_CLASS(MPI_Ibarrier(MPI_COMM_NULL, &request), MPI_ERR_COMM);
    EXPECT_MPI_CLASS(MPI_Ibcast(&x, -1, MPI_INT, 0, comm(), &request), MPI_ERR_COUNT);
    EXPECT_MPI_CLASS(MPI_Ibcast(&x, 1, MPI_DATATYPE_NULL, 0, comm(), &request), MPI_ERR_TYPE);
    EXPECT_MPI_CLASS(MPI_Ibcast(&x, 1, MPI_INT, size(), comm(), &request), MPI_ERR_ROOT);
    EXPECT_MPI_CLASS(MPI_Ibcast(nullptr, 1, MPI_INT, 0, comm(), &request), MPI_ERR_BUFFER);
    EXPECT_MPI_CLASS(MPI_Iallreduce(&x, &y, 1, MPI_INT, MPI_OP_NULL, comm(), &request), MPI_ERR_OP);
    EXPECT_MPI_CLASS(MPI_Iallreduce(&x, &y, 1, MPI_FLOAT, MPI_BAND, comm(), &request), MPI_ERR_OP);
    EXPECT_MPI_CLASS(MPI_Iallreduce(&x, &x, 1, MPI_INT, MPI_SUM, comm(), &request), MPI_ERR_BUFFER);
    EXPECT_MPI_CLASS(MPI_Bcast_init(&x, 1, MPI_INT, -1, comm(), MPI_INFO_NULL, &request),
                     MPI_ERR_ROOT);
    EXPECT_MPI_CLASS(MPI_Scan_init(&x, &y, -1, MPI_INT, MPI_SUM, comm(), MPI_INFO_NULL, &request),
                     MPI_ERR_COUNT);
    EXPECT_MPI_CLASS(MPI_Barrier_init(comm(), MPI_INFO_NULL, nullptr), MPI_ERR_ARG);
    EXPECT_EQ(request, MPI_REQUEST_NULL);
    MPI_Info info = MPI_INFO_NULL;
    MPI_OK(MPI_Info_create(&info));
    const MPI_Info freed = info;
    MPI_OK(MPI_Barrier_init(comm(), info, &request));
    MPI_OK(MPI_Info_free(&info));
    MPI_Request none = MPI_REQUEST_NULL;
    EXPECT_MPI_CLASS(MPI_Barrier_init(comm(), freed, &none), MPI_ERR_INFO);
    MPI_OK(MPI_Request_free(&request));
}

// MPI_Comm_disconnect waits for what is pending, not for persistent requests that are inactive.
TEST_F(Nbc, DisconnectWithInactiveRequests) {
    MPI_Comm other = MPI_COMM_NULL;
    MPI_OK(MPI_Comm_dup(comm(), &other));
    MPI_Request requests[3] = {MPI_REQUEST_NULL, MPI_REQUEST_NULL, MPI_REQUEST_NULL};
    int value = 0;
    int sum = 0;
    MPI_OK(MPI_Barrier_init(other, MPI_INFO_NULL, &requests[0]));
    MPI_OK(
        MPI_Allreduce_init(&value, &sum, 1, MPI_INT, MPI_SUM, other, MPI_INFO_NULL, &requests[1]));
    MPI_OK(MPI_Recv_init(&value, 1, MPI_INT, 0, 0, other, &requests[2]));
    MPI_OK(MPI_Startall(2, requests));
    MPI_OK(MPI_Waitall(2, requests, MPI_STATUSES_IGNORE));
    MPI_OK(MPI_Comm_disconnect(&other));
    for (MPI_Request& request : requests) MPI_OK(MPI_Request_free(&request));
}

}  // namespace
