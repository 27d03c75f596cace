// Collectives with a count for each rank: gatherv, scatterv, allgatherv, alltoallv; with gaps
// between the parts, parts out of order, and empty parts.
#include "test/conformance/coll.hpp"

namespace {

using coll::u;
using coll::unset;
using coll::values;

class VectorData : public coll::ShapedTest {
  protected:
    // Uneven, with zeros among them.
    static int count_of(int rank, int scale) { return (rank * 3 + 2) % 4 * scale; }

    // Parts in reverse order of ranks, each followed by a gap.
    struct Layout {
        std::vector<int> counts;
        std::vector<int> displacements;
        int total = 0;
    };
    Layout layout(int scale) const {
        Layout result;
        result.counts.resize(u(ranks()));
        result.displacements.resize(u(ranks()));
        for (int r = ranks() - 1; r >= 0; --r) {
            result.counts[u(r)] = count_of(r, scale);
            result.displacements[u(r)] = result.total;
            result.total += result.counts[u(r)] + 3;
        }
        return result;
    }

    // Every part is its rank's values, and the gaps are as they were.
    void expect_collected(const std::vector<int>& all, const Layout& where) const {
        std::vector<int> expected = unset(where.total);
        for (int r = 0; r < ranks(); ++r) {
            const std::vector<int> part = values(r, where.counts[u(r)]);
            std::copy(part.begin(), part.end(), expected.begin() + where.displacements[u(r)]);
        }
        EXPECT_EQ(all, expected);
    }
};

constexpr std::array<int, 4> kScales{0, 1, 100, 40'000};

TEST_P(VectorData, Gatherv) {
    for (const bool in_place : {false, true}) {
        for (const int scale : kScales) {
            const Layout where = layout(scale);
            for (int root = 0; root < ranks(); ++root) {
                SCOPED_TRACE(std::to_string(scale) + " to " + std::to_string(root));
                const std::vector<int> mine = values(me(), count_of(me(), scale));
                std::vector<int> all = unset(where.total);
                const bool here = in_place && me() == root;
                if (here)
                    std::copy(mine.begin(), mine.end(), all.begin() + where.displacements[u(me())]);
                MPI_OK(MPI_Gatherv(here ? MPI_IN_PLACE : mine.data(), count_of(me(), scale),
                                   MPI_INT, all.data(), where.counts.data(),
                                   where.displacements.data(), MPI_INT, root, shaped()));
                if (me() == root) {
                    expect_collected(all, where);
                } else {
                    EXPECT_EQ(all, unset(where.total));
                }
            }
        }
    }
}

TEST_P(VectorData, Scatterv) {
    for (const bool in_place : {false, true}) {
        for (const int scale : kScales) {
            const Layout where = layout(scale);
            for (int root = 0; root < ranks(); ++root) {
                SCOPED_TRACE(std::to_string(scale) + " from " + std::to_string(root));
                std::vector<int> all = unset(where.total);
                for (int r = 0; r < ranks(); ++r) {
                    const std::vector<int> part = values(r, where.counts[u(r)]);
                    std::copy(part.begin(), part.end(), all.begin() + where.displacements[u(r)]);
                }
                const int count = count_of(me(), scale);
                std::vector<int> mine = unset(count + 1);
                const bool here = in_place && me() == root;
                MPI_OK(MPI_Scatterv(all.data(), where.counts.data(), where.displacements.data(),
                                    MPI_INT, here ? MPI_IN_PLACE : mine.data(), count, MPI_INT,
                                    root, shaped()));
                EXPECT_EQ(mine.back(), -1);
                mine.pop_back();
                EXPECT_EQ(mine, here ? unset(count) : values(me(), count));
            }
        }
    }
}

TEST_P(VectorData, Allgatherv) {
    for (const bool in_place : {false, true}) {
        for (const int scale : kScales) {
            SCOPED_TRACE(scale);
            const Layout where = layout(scale);
            const std::vector<int> mine = values(me(), count_of(me(), scale));
            std::vector<int> all = unset(where.total);
            if (in_place)
                std::copy(mine.begin(), mine.end(), all.begin() + where.displacements[u(me())]);
            MPI_OK(MPI_Allgatherv(in_place ? MPI_IN_PLACE : mine.data(), count_of(me(), scale),
                                  MPI_INT, all.data(), where.counts.data(),
                                  where.displacements.data(), MPI_INT, shaped()));
            expect_collected(all, where);
        }
    }
}

TEST_P(VectorData, AllgathervInRankOrderWithoutGaps) {
    for (const int scale : kScales) {
        SCOPED_TRACE(scale);
        Layout where = layout(scale);
        where.total = 0;
        for (int r = 0; r < ranks(); ++r) {
            where.displacements[u(r)] = where.total;
            where.total += where.counts[u(r)];
        }
        const std::vector<int> mine = values(me(), count_of(me(), scale));
        std::vector<int> all = unset(where.total);
        MPI_OK(MPI_Allgatherv(mine.data(), count_of(me(), scale), MPI_INT, all.data(),
                              where.counts.data(), where.displacements.data(), MPI_INT, shaped()));
        expect_collected(all, where);
    }
}

TEST_P(VectorData, Alltoallv) {
    for (const int scale : {0, 1, 100, 20'000}) {
        SCOPED_TRACE(scale);
        std::vector<int> out_counts;
        std::vector<int> out_at;
        std::vector<int> in_counts;
        std::vector<int> in_at(u(ranks()));
        std::vector<int> out;
        for (int r = 0; r < ranks(); ++r) {
            out_counts.push_back(coll::pair_count(me(), r, scale));
            out_at.push_back(mpitest::to_int(out.size()));
            const std::vector<int> part = values(me(), out_counts.back(), 10 * r);
            out.insert(out.end(), part.begin(), part.end());
            out.insert(out.end(), {-7, -7});
            in_counts.push_back(coll::pair_count(r, me(), scale));
        }
        int total = 0;
        for (int r = ranks() - 1; r >= 0; --r) {
            in_at[u(r)] = total;
            total += in_counts[u(r)] + 1;
        }
        std::vector<int> in = unset(total);
        std::vector<int> expected = unset(total);
        for (int r = 0; r < ranks(); ++r) {
            const std::vector<int> part = values(r, in_counts[u(r)], 10 * me());
            std::copy(part.begin(), part.end(), expected.begin() + in_at[u(r)]);
        }
        MPI_OK(MPI_Alltoallv(out.data(), out_counts.data(), out_at.data(), MPI_INT, in.data(),
                             in_counts.data(), in_at.data(), MPI_INT, shaped()));
        EXPECT_EQ(in, expected);
    }
}

TEST_P(VectorData, AlltoallvInPlace) {
    for (const int scale : {0, 1, 100, 20'000}) {
        SCOPED_TRACE(scale);
        // In place the counts must be symmetric.
        std::vector<int> counts;
        std::vector<int> at;
        std::vector<int> data;
        std::vector<int> expected;
        for (int r = 0; r < ranks(); ++r) {
            const int count = (me() + r) % 3 * scale;
            counts.push_back(count);
            at.push_back(mpitest::to_int(data.size()));
            const std::vector<int> part = values(me(), count, r);
            const std::vector<int> other = values(r, count, me());
            data.insert(data.end(), part.begin(), part.end());
            expected.insert(expected.end(), other.begin(), other.end());
            data.push_back(-7);
            expected.push_back(-7);
        }
        MPI_OK(MPI_Alltoallv(MPI_IN_PLACE, nullptr, nullptr, MPI_DATATYPE_NULL, data.data(),
                             counts.data(), at.data(), MPI_INT, shaped()));
        EXPECT_EQ(data, expected);
    }
}

// Displacements count extents of the type, not its size.
TEST_P(VectorData, GathervOfAPaddedType) {
    struct Record {
        double value;
        char tag;
    };
    const std::array<int, 2> lengths{1, 1};
    const std::array<MPI_Aint, 2> offsets{0, 8};
    const std::array<MPI_Datatype, 2> types{MPI_DOUBLE, MPI_CHAR};
    MPI_Datatype record = MPI_DATATYPE_NULL;
    MPI_OK(MPI_Type_create_struct(2, lengths.data(), offsets.data(), types.data(), &record));
    MPI_OK(MPI_Type_commit(&record));
    const Layout where = layout(30);
    std::vector<Record> mine(u(count_of(me(), 30)));
    for (std::size_t i = 0; i < mine.size(); ++i)
        mine[i] = {me() + 0.5 * static_cast<double>(i), static_cast<char>('a' + me())};
    std::vector<Record> all(u(where.total), Record{-1, '-'});
    MPI_OK(MPI_Allgatherv(mine.data(), mpitest::to_int(mine.size()), record, all.data(),
                          where.counts.data(), where.displacements.data(), record, shaped()));
    for (int r = 0; r < ranks(); ++r) {
        for (int i = 0; i < where.counts[u(r)]; ++i) {
            const Record& got = all[u(where.displacements[u(r)] + i)];
            ASSERT_EQ(got.value, r + 0.5 * i);
            ASSERT_EQ(got.tag, static_cast<char>('a' + r));
        }
        ASSERT_EQ(all[u(where.displacements[u(r)] + where.counts[u(r)])].tag, '-');
    }
    MPI_OK(MPI_Type_free(&record));
}

INSTANTIATE_SHAPES(VectorData);

}  // namespace
