// MPI_Alltoallw, where every block has a length, a place and a datatype of its own; and the
// collectives' variants for large counts.
#include "test/conformance/coll.hpp"

namespace {

using coll::u;
using coll::unset;
using coll::values;

class Alltoallw : public coll::ShapedTest {
  protected:
    void TearDown() override {
        for (MPI_Datatype& type : vectors_) EXPECT_MPI_OK(MPI_Type_free(&type));
        ShapedTest::TearDown();
    }

    // One side of a call: blocks one after the other, with a gap behind each. A block is so many
    // ints, or one vector of ints with gaps.
    struct Side {
        std::vector<int> counts;
        std::vector<int> displacements;
        std::vector<MPI_Datatype> types;
        std::vector<int> strides;  // in ints
        std::vector<int> data;

        int& element(int block, int i) {
            return data[u(displacements[u(block)] / 4 + i * strides[u(block)])];
        }
    };
    // `count(r)` ints for rank r; the gaps' sizes depend on r and `salt`.
    template <class CountOf>
    Side side(CountOf count, int salt) {
        Side result;
        int at = 1;
        for (int r = 0; r < ranks(); ++r) {
            const int stride = (r + salt) % 3 + 1;
            result.counts.push_back(stride == 1 ? count(r) : 1);
            result.displacements.push_back(at * 4);
            result.types.push_back(stride == 1 ? MPI_INT : vector(count(r), stride));
            result.strides.push_back(stride);
            at += count(r) * stride + 2;
        }
        result.data = unset(at);
        return result;
    }

  private:
    MPI_Datatype vector(int count, int stride) {
        MPI_Datatype type = MPI_DATATYPE_NULL;
        EXPECT_MPI_OK(MPI_Type_vector(count, 1, stride, MPI_INT, &type));
        EXPECT_MPI_OK(MPI_Type_commit(&type));
        vectors_.push_back(type);
        return type;
    }

    std::vector<MPI_Datatype> vectors_;
};

TEST_P(Alltoallw, EveryBlockHasItsType) {
    for (const int scale : {0, 1, 100, 20'000}) {
        SCOPED_TRACE(scale);
        Side out = side([&](int r) { return coll::pair_count(me(), r, scale); }, me());
        Side in = side([&](int r) { return coll::pair_count(r, me(), scale); }, me() + 1);
        Side expected = in;
        for (int r = 0; r < ranks(); ++r) {
            for (int i = 0; i < coll::pair_count(me(), r, scale); ++i)
                out.element(r, i) = coll::value(me(), r + i);
            for (int i = 0; i < coll::pair_count(r, me(), scale); ++i)
                expected.element(r, i) = coll::value(r, me() + i);
        }
        MPI_OK(MPI_Alltoallw(out.data.data(), out.counts.data(), out.displacements.data(),
                             out.types.data(), in.data.data(), in.counts.data(),
                             in.displacements.data(), in.types.data(), shaped()));
        EXPECT_EQ(in.data, expected.data);
    }
}

TEST_P(Alltoallw, InPlace) {
    for (const int scale : {0, 1, 100, 20'000}) {
        SCOPED_TRACE(scale);
        // In place the counts must be symmetric.
        const auto count = [&](int r) { return (me() + r) % 3 * scale; };
        Side in = side(count, me());
        Side expected = in;
        for (int r = 0; r < ranks(); ++r) {
            for (int i = 0; i < count(r); ++i) {
                in.element(r, i) = coll::value(me(), r + i);
                expected.element(r, i) = coll::value(r, me() + i);
            }
        }
        MPI_OK(MPI_Alltoallw(MPI_IN_PLACE, nullptr, nullptr, nullptr, in.data.data(),
                             in.counts.data(), in.displacements.data(), in.types.data(), shaped()));
        EXPECT_EQ(in.data, expected.data);
    }
}

// A datatype whose elements hold no data and, beside it, one with data: as matrices are
// redistributed.
TEST_P(Alltoallw, RowsBecomeColumns) {
    constexpr int kRows = 3;
    const int columns = kRows * ranks();
    std::vector<int> mine(u(kRows * columns));
    for (int i = 0; i < kRows * columns; ++i)
        mine[u(i)] = (me() * kRows + i / columns) * 1000 + i % columns;
    std::vector<int> all = unset(kRows * columns);  // of all rows, three columns
    MPI_Datatype block = MPI_DATATYPE_NULL;
    MPI_OK(MPI_Type_vector(kRows, kRows, columns, MPI_INT, &block));
    MPI_OK(MPI_Type_commit(&block));
    const std::vector<int> ones(u(ranks()), 1);
    const std::vector<int> nine(u(ranks()), kRows * kRows);
    const std::vector<MPI_Datatype> blocks(u(ranks()), block);
    const std::vector<MPI_Datatype> ints(u(ranks()), MPI_INT);
    std::vector<int> from;
    std::vector<int> to;
    for (int r = 0; r < ranks(); ++r) {
        from.push_back(r * kRows * 4);
        to.push_back(r * kRows * kRows * 4);
    }
    MPI_OK(MPI_Alltoallw(mine.data(), ones.data(), from.data(), blocks.data(), all.data(),
                         nine.data(), to.data(), ints.data(), shaped()));
    for (int row = 0; row < columns; ++row)
        for (int i = 0; i < kRows; ++i)
            ASSERT_EQ(all[u(row * kRows + i)], row * 1000 + me() * kRows + i);
    MPI_OK(MPI_Type_free(&block));
}

INSTANTIATE_SHAPES(Alltoallw);

// Counts and displacements of 64 bits mean the same.
class LargeCounts : public coll::ShapedTest {};

TEST_P(LargeCounts, AgreeWithSmallOnes) {
    const MPI_Count count = 5;
    const int total = 5 * ranks();
    const std::vector<int> mine = values(me(), 5);
    std::vector<int> all = unset(total);
    std::vector<int> collected;
    std::vector<MPI_Count> counts(u(ranks()), count);
    std::vector<MPI_Aint> places;
    for (int r = 0; r < ranks(); ++r) {
        const std::vector<int> part = values(r, 5);
        collected.insert(collected.end(), part.begin(), part.end());
        places.push_back(5 * r);
    }
    MPI_OK(MPI_Allgather_c(mine.data(), count, MPI_INT, all.data(), count, MPI_INT, shaped()));
    EXPECT_EQ(all, collected);
    all = unset(total);
    MPI_OK(MPI_Allgatherv_c(mine.data(), count, MPI_INT, all.data(), counts.data(), places.data(),
                            MPI_INT, shaped()));
    EXPECT_EQ(all, collected);

    std::vector<int> out = values(me(), total);
    std::vector<int> swapped;
    for (int r = 0; r < ranks(); ++r) {
        const std::vector<int> part = values(r, 5, 5 * me());
        swapped.insert(swapped.end(), part.begin(), part.end());
    }
    std::vector<MPI_Aint> bytes;
    for (const MPI_Aint place : places) bytes.push_back(place * 4);
    const std::vector<MPI_Datatype> ints(u(ranks()), MPI_INT);
    std::vector<int> in = unset(total);
    MPI_OK(MPI_Alltoallv_c(out.data(), counts.data(), places.data(), MPI_INT, in.data(),
                           counts.data(), places.data(), MPI_INT, shaped()));
    EXPECT_EQ(in, swapped);
    in = unset(total);
    MPI_OK(MPI_Alltoallw_c(out.data(), counts.data(), bytes.data(), ints.data(), in.data(),
                           counts.data(), bytes.data(), ints.data(), shaped()));
    EXPECT_EQ(in, swapped);
}

TEST_P(LargeCounts, OfReductions) {
    const std::vector<int> mine(u(ranks()), me() + 1);
    std::vector<int> out = unset(ranks());
    const int sum = ranks() * (ranks() + 1) / 2;
    MPI_OK(MPI_Allreduce_c(mine.data(), out.data(), ranks(), MPI_INT, MPI_SUM, shaped()));
    EXPECT_EQ(out, std::vector<int>(u(ranks()), sum));
    int one = -1;
    MPI_OK(MPI_Reduce_scatter_block_c(mine.data(), &one, 1, MPI_INT, MPI_SUM, shaped()));
    EXPECT_EQ(one, sum);
    const std::vector<MPI_Count> ones(u(ranks()), 1);
    one = -1;
    MPI_OK(MPI_Reduce_scatter_c(mine.data(), &one, ones.data(), MPI_INT, MPI_SUM, shaped()));
    EXPECT_EQ(one, sum);
    MPI_OK(MPI_Exscan_c(mine.data(), &one, 1, MPI_INT, MPI_SUM, shaped()));
    if (me() > 0) {
        EXPECT_EQ(one, me() * (me() + 1) / 2);
    }
    one = 40;
    MPI_OK(MPI_Reduce_local_c(mine.data(), &one, 1, MPI_INT, MPI_SUM));
    EXPECT_EQ(one, 41 + me());
}

INSTANTIATE_SHAPES(LargeCounts);

}  // namespace
