// The variants for large counts of collective calls: with small counts they do what the others do.
// (Large ones: test/stress/large.cpp.)
#include <algorithm>
#include <numeric>

#include "test/conformance/coll.hpp"

namespace {

using coll::u;
using coll::unset;
using coll::values;

class LargeColl : public mpitest::MpiTest {
  protected:
    // Parts that differ in length, in reverse order of ranks with gaps: as int and as 64 bits.
    struct Parts {
        std::vector<int> counts, displs;
        std::vector<MPI_Count> large_counts;
        std::vector<MPI_Aint> large_displs;
        int total = 0;
    };
    Parts parts() const {
        Parts p;
        p.counts.resize(u(size()));
        p.displs.resize(u(size()));
        for (int r = size() - 1; r >= 0; --r) {
            p.counts[u(r)] = 5 * r + 1;
            p.displs[u(r)] = p.total;
            p.total += p.counts[u(r)] + 2;
        }
        p.large_counts.assign(p.counts.begin(), p.counts.end());
        p.large_displs.assign(p.displs.begin(), p.displs.end());
        return p;
    }
};

constexpr int kCount = 300;

TEST_F(LargeColl, Bcast) {
    std::vector<int> data = rank() == 0 ? values(0, kCount) : unset(kCount);
    MPI_OK(MPI_Bcast_c(data.data(), kCount, MPI_INT, 0, comm()));
    EXPECT_EQ(data, values(0, kCount));
}

TEST_F(LargeColl, EqualParts) {
    const std::vector<int> mine = values(rank(), kCount);
    const int root = size() - 1;
    std::vector<int> small = unset(kCount * size());
    std::vector<int> large = small;
    MPI_OK(MPI_Gather(mine.data(), kCount, MPI_INT, small.data(), kCount, MPI_INT, root, comm()));
    MPI_OK(MPI_Gather_c(mine.data(), kCount, MPI_INT, large.data(), kCount, MPI_INT, root, comm()));
    EXPECT_EQ(large, small);

    std::vector<int> part = unset(kCount);
    MPI_OK(
        MPI_Scatter_c(large.data(), kCount, MPI_INT, part.data(), kCount, MPI_INT, root, comm()));
    EXPECT_EQ(part, mine);

    MPI_OK(MPI_Allgather_c(mine.data(), kCount, MPI_INT, large.data(), kCount, MPI_INT, comm()));
    MPI_OK(MPI_Allgather(mine.data(), kCount, MPI_INT, small.data(), kCount, MPI_INT, comm()));
    EXPECT_EQ(large, small);

    const std::vector<int> all = values(rank(), 7 * size());
    small = large = unset(7 * size());
    MPI_OK(MPI_Alltoall(all.data(), 7, MPI_INT, small.data(), 7, MPI_INT, comm()));
    MPI_OK(MPI_Alltoall_c(all.data(), 7, MPI_INT, large.data(), 7, MPI_INT, comm()));
    EXPECT_EQ(large, small);
}

TEST_F(LargeColl, PartsOfVaryingLength) {
    const Parts p = parts();
    const std::vector<int> mine = values(rank(), p.counts[u(rank())]);
    const int n = p.counts[u(rank())];
    std::vector<int> small = unset(p.total);
    std::vector<int> large = small;
    MPI_OK(MPI_Gatherv(mine.data(), n, MPI_INT, small.data(), p.counts.data(), p.displs.data(),
                       MPI_INT, 0, comm()));
    MPI_OK(MPI_Gatherv_c(mine.data(), n, MPI_INT, large.data(), p.large_counts.data(),
                         p.large_displs.data(), MPI_INT, 0, comm()));
    EXPECT_EQ(large, small);

    std::vector<int> part = unset(n);
    MPI_OK(MPI_Scatterv_c(large.data(), p.large_counts.data(), p.large_displs.data(), MPI_INT,
                          part.data(), n, MPI_INT, 0, comm()));
    EXPECT_EQ(part, mine);

    MPI_OK(MPI_Allgatherv(mine.data(), n, MPI_INT, small.data(), p.counts.data(), p.displs.data(),
                          MPI_INT, comm()));
    MPI_OK(MPI_Allgatherv_c(mine.data(), n, MPI_INT, large.data(), p.large_counts.data(),
                            p.large_displs.data(), MPI_INT, comm()));
    EXPECT_EQ(large, small);
    EXPECT_EQ(large[u(p.displs[u(rank())])], mine[0]);
}

TEST_F(LargeColl, BlocksOfVaryingLengthToAll) {
    // From r to s go r + 2 s elements.
    std::vector<MPI_Count> out_counts, in_counts;
    std::vector<MPI_Aint> out_displs, in_displs;
    MPI_Aint out_total = 0, in_total = 0;
    for (int r = size() - 1; r >= 0; --r) {
        out_counts.insert(out_counts.begin(), rank() + 2 * r);
        in_counts.insert(in_counts.begin(), r + 2 * rank());
        out_displs.insert(out_displs.begin(), out_total);
        in_displs.insert(in_displs.begin(), in_total);
        out_total += rank() + 2 * r;
        in_total += r + 2 * rank();
    }
    const std::vector<int> out(u(static_cast<int>(out_total)), rank());
    std::vector<int> in(u(static_cast<int>(in_total)), -1);
    MPI_OK(MPI_Alltoallv_c(out.data(), out_counts.data(), out_displs.data(), MPI_INT, in.data(),
                           in_counts.data(), in_displs.data(), MPI_INT, comm()));
    for (int r = 0; r < size(); ++r) {
        const auto first = in.begin() + in_displs[u(r)];
        EXPECT_EQ(std::count(first, first + in_counts[u(r)], r), in_counts[u(r)]) << r;
    }
}

TEST_F(LargeColl, Reductions) {
    const std::vector<int> mine = values(rank(), kCount);
    std::vector<int> small = unset(kCount);
    std::vector<int> large = small;
    MPI_OK(MPI_Reduce(mine.data(), small.data(), kCount, MPI_INT, MPI_MAX, 0, comm()));
    MPI_OK(MPI_Reduce_c(mine.data(), large.data(), kCount, MPI_INT, MPI_MAX, 0, comm()));
    EXPECT_EQ(large, small);
    MPI_OK(MPI_Allreduce(mine.data(), small.data(), kCount, MPI_INT, MPI_SUM, comm()));
    MPI_OK(MPI_Allreduce_c(mine.data(), large.data(), kCount, MPI_INT, MPI_SUM, comm()));
    EXPECT_EQ(large, small);
    MPI_OK(MPI_Scan(mine.data(), small.data(), kCount, MPI_INT, MPI_SUM, comm()));
    MPI_OK(MPI_Scan_c(mine.data(), large.data(), kCount, MPI_INT, MPI_SUM, comm()));
    EXPECT_EQ(large, small);

    const Parts p = parts();
    const int total = std::accumulate(p.counts.begin(), p.counts.end(), 0);
    const std::vector<int> all = values(rank(), total);
    small = large = unset(p.counts[u(rank())]);
    MPI_OK(MPI_Reduce_scatter(all.data(), small.data(), p.counts.data(), MPI_INT, MPI_SUM, comm()));
    MPI_OK(MPI_Reduce_scatter_c(all.data(), large.data(), p.large_counts.data(), MPI_INT, MPI_SUM,
                                comm()));
    EXPECT_EQ(large, small);
}

// A user's function of either form gives the same.
void subtract(void* in, void* inout, int* n, MPI_Datatype*) {
    for (int i = 0; i < *n; ++i)
        static_cast<int*>(inout)[i] = static_cast<int*>(in)[i] - static_cast<int*>(inout)[i];
}
MPI_Count calls_of_large = 0;
void subtract_large(void* in, void* inout, MPI_Count* n, MPI_Datatype* type) {
    ++calls_of_large;
    int bytes = 0;
    EXPECT_EQ(MPI_Type_size(*type, &bytes), MPI_SUCCESS);
    EXPECT_EQ(bytes, 4);
    int count = static_cast<int>(*n);
    subtract(in, inout, &count, type);
}

TEST_F(LargeColl, UsersOperations) {
    MPI_Op op = MPI_OP_NULL;
    MPI_Op op_large = MPI_OP_NULL;
    MPI_OK(MPI_Op_create(subtract, 0, &op));
    MPI_OK(MPI_Op_create_c(subtract_large, 0, &op_large));
    const std::vector<int> mine = values(rank(), kCount);
    std::vector<int> small = unset(kCount);
    std::vector<int> large = small;
    calls_of_large = 0;
    MPI_OK(MPI_Scan(mine.data(), small.data(), kCount, MPI_INT, op, comm()));
    MPI_OK(MPI_Scan_c(mine.data(), large.data(), kCount, MPI_INT, op_large, comm()));
    EXPECT_EQ(large, small);
    // Either goes with either form of a call.
    MPI_OK(MPI_Reduce_c(mine.data(), small.data(), kCount, MPI_INT, op, 0, comm()));
    MPI_OK(MPI_Reduce(mine.data(), large.data(), kCount, MPI_INT, op_large, 0, comm()));
    if (rank() == 0) {
        EXPECT_EQ(large, small);
    }
    if (size() > 1) {
        MPI_OK(MPI_Allreduce(MPI_IN_PLACE, &calls_of_large, 1, MPI_COUNT, MPI_SUM, comm()));
        EXPECT_GT(calls_of_large, 0);
    }
    MPI_OK(MPI_Op_free(&op));
    MPI_OK(MPI_Op_free(&op_large));

    MPI_OK(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN));
    EXPECT_MPI_CLASS(MPI_Op_create_c(nullptr, 0, &op), MPI_ERR_ARG);
    MPI_OK(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_ARE_FATAL));
}

TEST_F(LargeColl, WrongCounts) {
    std::vector<int> data = unset(size());
    const std::vector<MPI_Count> bad(u(size()), -(MPI_Count{1} << 32) + 1);
    const std::vector<MPI_Aint> displs(u(size()), 0);
    EXPECT_MPI_CLASS(MPI_Allgatherv_c(data.data(), 0, MPI_INT, data.data(), bad.data(),
                                      displs.data(), MPI_INT, comm()),
                     MPI_ERR_COUNT);
    EXPECT_MPI_CLASS(MPI_Allreduce_c(MPI_IN_PLACE, data.data(), bad[0], MPI_INT, MPI_SUM, comm()),
                     MPI_ERR_COUNT);
    EXPECT_MPI_CLASS(
        MPI_Reduce_scatter_c(MPI_IN_PLACE, data.data(), bad.data(), MPI_INT, MPI_SUM, comm()),
        MPI_ERR_COUNT);
}

}  // namespace
