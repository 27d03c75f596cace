// Neighbourhood collectives under way: several at a time, what is freed meanwhile, and errors.
#include "test/conformance/coll.hpp"

namespace {

using coll::u;
using coll::unset;
using coll::values;

class Pending : public mpitest::MpiTest {
  protected:
    void SetUp() override {
        MpiTest::SetUp();
        const int ranks = size();
        const int periodic = 1;
        MPI_OK(MPI_Cart_create(comm(), 1, &ranks, &periodic, 0, &ring_));
        MPI_OK(MPI_Comm_set_errhandler(ring_, MPI_ERRORS_RETURN));
    }
    void TearDown() override {
        if (ring_ != MPI_COMM_NULL) {
            EXPECT_MPI_OK(MPI_Comm_free(&ring_));
        }
        MpiTest::TearDown();
    }
    // What comes of blocks for the previous and the next rank.
    std::vector<int> expected(int round, int count) const {
        std::vector<int> both = values(previous() + round, count, count);
        const std::vector<int> from_next = values(next() + round, count);
        both.insert(both.end(), from_next.begin(), from_next.end());
        return both;
    }

    MPI_Comm ring_ = MPI_COMM_NULL;
};

// Nonblocking ones in the order of calls, persistent ones in any order, blocking ones in between.
TEST_F(Pending, ManyAtOnce) {
    constexpr int kMany = 12;
    constexpr int kCount = 500;
    std::vector<std::vector<int>> out, in(kMany, unset(2 * kCount));
    std::vector<MPI_Request> requests(kMany, MPI_REQUEST_NULL);
    for (int i = 0; i < kMany; ++i) {
        out.push_back(values(rank() + i, 2 * kCount));
        if (i % 2 == 0) {
            MPI_OK(MPI_Ineighbor_alltoall(out[u(i)].data(), kCount, MPI_INT, in[u(i)].data(),
                                          kCount, MPI_INT, ring_, &requests[u(i)]));
        } else {
            MPI_OK(MPI_Neighbor_alltoall_init(out[u(i)].data(), kCount, MPI_INT, in[u(i)].data(),
                                              kCount, MPI_INT, ring_, MPI_INFO_NULL,
                                              &requests[u(i)]));
        }
    }
    for (int i = 0; i < kMany; ++i) {
        const int which = rank() % 2 == 0 ? i : kMany - 1 - i;
        if (which % 2 == 1) {
            MPI_OK(MPI_Start(&requests[u(which)]));
        }
    }
    const std::vector<int> more = values(rank() + 99, 2 * kCount);
    std::vector<int> got = unset(2 * kCount);
    MPI_OK(MPI_Neighbor_alltoall(more.data(), kCount, MPI_INT, got.data(), kCount, MPI_INT, ring_));
    EXPECT_EQ(got, expected(99, kCount));
    MPI_OK(MPI_Waitall(kMany, requests.data(), MPI_STATUSES_IGNORE));
    for (int i = 0; i < kMany; ++i) {
        EXPECT_EQ(in[u(i)], expected(i, kCount)) << i;
        if (i % 2 == 1) {
            MPI_OK(MPI_Request_free(&requests[u(i)]));
        }
    }
}

// Datatypes and the communicator, with its topology.
TEST_F(Pending, FreedMeanwhile) {
    for (const int count : {3, 50'000}) {
        SCOPED_TRACE(count);
        for (const bool persistent : {false, true}) {
            MPI_Comm copy = MPI_COMM_NULL;
            MPI_OK(MPI_Comm_dup(ring_, &copy));
            MPI_Datatype type = MPI_DATATYPE_NULL;
            MPI_OK(MPI_Type_contiguous(count, MPI_INT, &type));
            MPI_OK(MPI_Type_commit(&type));
            const std::array<int, 2> ones{1, 1};
            const std::array<MPI_Aint, 2> at{0, count * MPI_Aint{sizeof(int)}};
            std::array<MPI_Datatype, 2> types{type, type};
            const std::vector<int> out = values(rank(), 2 * count);
            std::vector<int> in = unset(2 * count);
            MPI_Request request = MPI_REQUEST_NULL;
            if (persistent) {
                MPI_OK(MPI_Neighbor_alltoallw_init(out.data(), ones.data(), at.data(), types.data(),
                                                   in.data(), ones.data(), at.data(), types.data(),
                                                   copy, MPI_INFO_NULL, &request));
            } else {
                MPI_OK(MPI_Ineighbor_alltoallw(out.data(), ones.data(), at.data(), types.data(),
                                               in.data(), ones.data(), at.data(), types.data(),
                                               copy, &request));
            }
            MPI_OK(MPI_Type_free(&type));
            if (persistent) {
                MPI_OK(MPI_Start(&request));
            }
            MPI_OK(MPI_Comm_free(&copy));
            MPI_OK(MPI_Wait(&request, MPI_STATUS_IGNORE));
            EXPECT_EQ(in, expected(0, count));
            if (persistent) {
                MPI_OK(MPI_Request_free(&request));
            }
        }
    }
}

TEST_F(Pending, LargeCounts) {
    const std::vector<int> out = values(rank(), 2);
    std::vector<int> in = unset(2);
    const std::array<MPI_Count, 2> ones{1, 1};
    const std::array<MPI_Aint, 2> at{0, 1};
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_OK(MPI_Ineighbor_alltoallv_c(out.data(), ones.data(), at.data(), MPI_INT, in.data(),
                                     ones.data(), at.data(), MPI_INT, ring_, &request));
    MPI_OK(MPI_Wait(&request, MPI_STATUS_IGNORE));
    EXPECT_EQ(in, expected(0, 1));
    in = unset(2);
    MPI_OK(MPI_Neighbor_alltoall_init_c(out.data(), 1, MPI_INT, in.data(), 1, MPI_INT, ring_,
                                        MPI_INFO_NULL, &request));
    MPI_OK(MPI_Start(&request));
    MPI_OK(MPI_Wait(&request, MPI_STATUS_IGNORE));
    EXPECT_EQ(in, expected(0, 1));
    MPI_OK(MPI_Request_free(&request));
}

TEST_F(Pending, Errors) {
    FATHOM_ONLY("others check less");
    std::array<int, 2> a{};
    std::array<int, 2> b{};
    MPI_Request r = MPI_REQUEST_NULL;
    EXPECT_MPI_CLASS(
        MPI_Ineighbor_allgather(a.data(), 1, MPI_INT, b.data(), 1, MPI_INT, comm(), &r),
        MPI_ERR_TOPOLOGY);
    EXPECT_MPI_CLASS(MPI_Neighbor_alltoall_init(a.data(), 1, MPI_INT, b.data(), 1, MPI_INT, comm(),
                                                MPI_INFO_NULL, &r),
                     MPI_ERR_TOPOLOGY);
    EXPECT_MPI_CLASS(
        MPI_Ineighbor_alltoall(MPI_IN_PLACE, 1, MPI_INT, b.data(), 1, MPI_INT, ring_, &r),
        MPI_ERR_BUFFER);
    EXPECT_MPI_CLASS(MPI_Ineighbor_alltoall(a.data(), -1, MPI_INT, b.data(), 1, MPI_INT, ring_, &r),
                     MPI_ERR_COUNT);
    EXPECT_MPI_CLASS(MPI_Neighbor_allgather_init(a.data(), 1, MPI_DATATYPE_NULL, b.data(), 1,
                                                 MPI_INT, ring_, MPI_INFO_NULL, &r),
                     MPI_ERR_TYPE);
    EXPECT_MPI_CLASS(
        MPI_Ineighbor_alltoall(a.data(), 1, MPI_INT, b.data(), 1, MPI_INT, ring_, nullptr),
        MPI_ERR_ARG);
    EXPECT_EQ(r, MPI_REQUEST_NULL);
    // Data that is longer than its place is the outcome, not an error of the call.
    MPI_OK(MPI_Ineighbor_alltoall(a.data(), 1, MPI_INT, b.data(), 1, MPI_SHORT, ring_, &r));
    EXPECT_MPI_CLASS(MPI_Wait(&r, MPI_STATUS_IGNORE), MPI_ERR_TRUNCATE);
    EXPECT_EQ(r, MPI_REQUEST_NULL);
}

}  // namespace
