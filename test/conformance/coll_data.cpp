// Collectives that move data: barrier, bcast, gather, scatter, allgather, alltoall. Every root,
// many sizes, in place where that is allowed.
#include <chrono>

#include "test/conformance/coll.hpp"

namespace {

using coll::u;
using coll::unset;
using coll::values;

class Data : public coll::ShapedTest {};

// The host's clock, the same for all ranks.
double now() {
    const auto since_boot = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration<double>(since_boot).count();
}

// Nobody leaves before the last has come in: the late rank's flag is there afterwards.
TEST_P(Data, BarrierWaitsForEveryone) {
    for (int late = 0; late < ranks(); ++late) {
        MPI_OK(MPI_Barrier(shaped()));
        if (me() == late) mpitest::sleep_ms(5);
        const double entered = now();
        MPI_OK(MPI_Barrier(shaped()));
        const double left = now();
        // One host, one clock: the latest entry is before the earliest exit.
        double latest_entry = 0;
        double earliest_exit = 0;
        MPI_OK(MPI_Allreduce(&entered, &latest_entry, 1, MPI_DOUBLE, MPI_MAX, shaped()));
        MPI_OK(MPI_Allreduce(&left, &earliest_exit, 1, MPI_DOUBLE, MPI_MIN, shaped()));
        EXPECT_LE(latest_entry, earliest_exit);
    }
}

TEST_P(Data, Bcast) {
    for (const int count : coll::counts()) {
        for (int root = 0; root < ranks(); ++root) {
            SCOPED_TRACE(std::to_string(count) + " from " + std::to_string(root));
            std::vector<int> data = me() == root ? values(root, count) : unset(count);
            MPI_OK(MPI_Bcast(data.data(), count, MPI_INT, root, shaped()));
            EXPECT_EQ(data, values(root, count));
        }
    }
}

TEST_P(Data, BcastOfBytesAtProtocolSizes) {
    for (const std::size_t size_bytes : mpitest::protocol_sizes_bytes()) {
        SCOPED_TRACE(size_bytes);
        const int root = ranks() - 1;
        mpitest::Bytes data(size_bytes);
        if (me() == root) mpitest::fill_pattern(data, 9);
        MPI_OK(MPI_Bcast(data.data(), mpitest::to_int(size_bytes), MPI_BYTE, root, shaped()));
        EXPECT_TRUE(mpitest::is_pattern(data.data(), size_bytes, 9));
    }
}

TEST_P(Data, Gather) {
    for (const bool in_place : {false, true}) {
        for (const int count : coll::counts()) {
            for (int root = 0; root < ranks(); ++root) {
                SCOPED_TRACE(std::to_string(count) + " to " + std::to_string(root));
                const std::vector<int> mine = values(me(), count);
                std::vector<int> all = unset(me() == root ? count * ranks() + 1 : 0);
                const bool here = in_place && me() == root;
                if (here) std::copy(mine.begin(), mine.end(), all.begin() + me() * count);
                MPI_OK(MPI_Gather(here ? MPI_IN_PLACE : mine.data(), count, MPI_INT,
                                  me() == root ? all.data() : nullptr, count, MPI_INT, root,
                                  shaped()));
                if (me() != root) continue;
                EXPECT_EQ(all.back(), -1);
                for (int r = 0; r < ranks(); ++r)
                    ASSERT_TRUE(std::equal(all.begin() + r * count, all.begin() + (r + 1) * count,
                                           values(r, count).begin()))
                        << "from " << r;
            }
        }
    }
}

TEST_P(Data, Scatter) {
    for (const bool in_place : {false, true}) {
        for (const int count : coll::counts()) {
            for (int root = 0; root < ranks(); ++root) {
                SCOPED_TRACE(std::to_string(count) + " from " + std::to_string(root));
                std::vector<int> all;
                if (me() == root)
                    for (int r = 0; r < ranks(); ++r) {
                        const std::vector<int> part = values(r, count);
                        all.insert(all.end(), part.begin(), part.end());
                    }
                std::vector<int> mine = unset(count);
                const bool here = in_place && me() == root;
                MPI_OK(MPI_Scatter(all.data(), count, MPI_INT, here ? MPI_IN_PLACE : mine.data(),
                                   count, MPI_INT, root, shaped()));
                EXPECT_EQ(mine, here ? unset(count) : values(me(), count));
            }
        }
    }
}

TEST_P(Data, Allgather) {
    for (const bool in_place : {false, true}) {
        for (const int count : coll::counts()) {
            SCOPED_TRACE(count);
            const std::vector<int> mine = values(me(), count);
            std::vector<int> all = unset(count * ranks() + 1);
            if (in_place) std::copy(mine.begin(), mine.end(), all.begin() + me() * count);
            MPI_OK(MPI_Allgather(in_place ? MPI_IN_PLACE : mine.data(), count, MPI_INT, all.data(),
                                 count, MPI_INT, shaped()));
            EXPECT_EQ(all.back(), -1);
            for (int r = 0; r < ranks(); ++r)
                ASSERT_TRUE(std::equal(all.begin() + r * count, all.begin() + (r + 1) * count,
                                       values(r, count).begin()))
                    << "from " << r;
        }
    }
}

TEST_P(Data, Alltoall) {
    for (const bool in_place : {false, true}) {
        for (const int count : coll::counts()) {
            SCOPED_TRACE(count);
            // To rank r goes the part of our values that begins at r · count.
            const std::vector<int> out = values(me(), count * ranks());
            std::vector<int> in = unset(count * ranks() + 1);
            if (in_place) std::copy(out.begin(), out.end(), in.begin());
            MPI_OK(MPI_Alltoall(in_place ? MPI_IN_PLACE : out.data(), count, MPI_INT, in.data(),
                                count, MPI_INT, shaped()));
            EXPECT_EQ(in.back(), -1);
            for (int r = 0; r < ranks(); ++r)
                ASSERT_TRUE(std::equal(in.begin() + r * count, in.begin() + (r + 1) * count,
                                       values(r, count, me() * count).begin()))
                    << "from " << r;
        }
    }
}

// A strided type on the root's side only: the columns of a matrix are dealt out and collected.
TEST_P(Data, DerivedTypesOnOneSide) {
    constexpr int kRows = 200;
    const int columns = ranks();
    MPI_Datatype column = MPI_DATATYPE_NULL;
    MPI_OK(MPI_Type_vector(kRows, 1, columns, MPI_INT, &column));
    MPI_OK(MPI_Type_commit(&column));
    for (int root = 0; root < ranks(); ++root) {
        SCOPED_TRACE(root);
        std::vector<int> matrix = values(0, kRows * columns);
        std::vector<int> mine = unset(kRows);
        // One column each; displacements in a v-collective count extents, so with ints they are
        // sent one by one.
        std::vector<MPI_Request> requests(u(ranks()), MPI_REQUEST_NULL);
        for (int r = 0; me() == root && r < ranks(); ++r)
            MPI_OK(MPI_Isend(matrix.data() + r, 1, column, r, 1, shaped(), &requests[u(r)]));
        MPI_OK(MPI_Recv(mine.data(), kRows, MPI_INT, root, 1, shaped(), MPI_STATUS_IGNORE));
        if (me() == root) MPI_Waitall(ranks(), requests.data(), MPI_STATUSES_IGNORE);
        for (int row = 0; row < kRows; ++row)
            ASSERT_EQ(mine[u(row)], coll::value(0, row * columns + me()));

        // The same by bcast: column 0 strided at the root, contiguous elsewhere.
        std::vector<int> received = unset(kRows);
        if (me() == root) {
            MPI_OK(MPI_Bcast(matrix.data(), 1, column, root, shaped()));
        } else {
            MPI_OK(MPI_Bcast(received.data(), kRows, MPI_INT, root, shaped()));
            for (int row = 0; row < kRows; ++row)
                ASSERT_EQ(received[u(row)], coll::value(0, row * columns));
        }
    }
    MPI_OK(MPI_Type_free(&column));
}

TEST_P(Data, DerivedTypesInGatherAndAlltoall) {
    // Elements of two ints with a gap between them, in 12 bytes.
    MPI_Datatype gapped = MPI_DATATYPE_NULL;
    MPI_OK(MPI_Type_vector(2, 1, 2, MPI_INT, &gapped));
    MPI_OK(MPI_Type_commit(&gapped));
    for (const int count : {1, 50, 20'000}) {
        SCOPED_TRACE(count);
        const std::vector<int> out = values(me(), 3 * count * ranks());
        std::vector<int> in = unset(2 * count * ranks());
        MPI_OK(MPI_Alltoall(out.data(), count, gapped, in.data(), 2 * count, MPI_INT, shaped()));
        for (int r = 0; r < ranks(); ++r)
            for (int i = 0; i < 2 * count; ++i)
                ASSERT_EQ(in[u(r * 2 * count + i)],
                          coll::value(r, 3 * count * me() + i / 2 * 3 + i % 2 * 2));

        std::vector<int> gathered = unset(3 * count * ranks());
        const std::vector<int> mine = values(me(), 2 * count);
        MPI_OK(MPI_Allgather(mine.data(), 2 * count, MPI_INT, gathered.data(), count, gapped,
                             shaped()));
        for (int r = 0; r < ranks(); ++r)
            for (int i = 0; i < 3 * count; ++i)
                ASSERT_EQ(gathered[u(r * 3 * count + i)],
                          i % 3 == 1 ? -1 : coll::value(r, i / 3 * 2 + i % 3 / 2));
    }
    MPI_OK(MPI_Type_free(&gapped));
}

INSTANTIATE_SHAPES(Data);

}  // namespace
