// Reductions of ints: reduce to every root, allreduce, reduce_scatter(_block), scan, exscan; many
// sizes, in place.
#include <cmath>
#include <cstring>

#include "test/conformance/coll.hpp"

namespace {

using coll::u;
using coll::unset;

class Reduction : public coll::ShapedTest {
  protected:
    static int element(int rank, int index) { return rank * 31 + index % 1000 - 200; }

    static std::vector<int> input(int rank, int count) {
        std::vector<int> result(u(count));
        for (int i = 0; i < count; ++i) result[u(i)] = element(rank, i);
        return result;
    }

    // The sum over ranks 0 to last.
    static std::vector<int> sum_to(int last, int count) {
        std::vector<int> result(u(count), 0);
        for (int r = 0; r <= last; ++r)
            for (int i = 0; i < count; ++i) result[u(i)] += element(r, i);
        return result;
    }
    std::vector<int> sum(int count) const { return sum_to(ranks() - 1, count); }
};

TEST_P(Reduction, ReduceToEveryRoot) {
    for (const bool in_place : {false, true}) {
        for (const int count : coll::counts()) {
            for (int root = 0; root < ranks(); ++root) {
                SCOPED_TRACE(std::to_string(count) + " to " + std::to_string(root));
                // MPICH 4.0 reads the address MPI_IN_PLACE when the root of this is not rank 0.
                if (in_place && root != 0 && mpitest::library() == mpitest::Library::kMpich)
                    continue;
                std::vector<int> in = input(me(), count);
                const bool here = in_place && me() == root;
                std::vector<int> out = here ? in : unset(count);
                out.push_back(-9);
                MPI_OK(MPI_Reduce(here ? MPI_IN_PLACE : in.data(),
                                  me() == root ? out.data() : nullptr, count, MPI_INT, MPI_SUM,
                                  root, shaped()));
                EXPECT_EQ(in, input(me(), count)) << "the input was changed";
                if (me() != root) continue;
                EXPECT_EQ(out.back(), -9);
                out.pop_back();
                EXPECT_EQ(out, sum(count));
            }
        }
    }
}

TEST_P(Reduction, Allreduce) {
    for (const bool in_place : {false, true}) {
        for (const int count : {0, 1, 2, 3, 5, 8, 17, 100, 1000, 4099, 100'000, 300'001}) {
            SCOPED_TRACE(count);
            const std::vector<int> in = input(me(), count);
            std::vector<int> out = in_place ? in : unset(count);
            out.push_back(-9);
            MPI_OK(MPI_Allreduce(in_place ? MPI_IN_PLACE : in.data(), out.data(), count, MPI_INT,
                                 MPI_SUM, shaped()));
            EXPECT_EQ(in, input(me(), count)) << "the input was changed";
            EXPECT_EQ(out.back(), -9);
            out.pop_back();
            EXPECT_EQ(out, sum(count));
        }
    }
}

TEST_P(Reduction, ReduceScatter) {
    for (const bool in_place : {false, true}) {
        for (const int scale : {0, 1, 7, 1000, 50'000}) {
            // Even parts, uneven parts with zeros, and all for one rank.
            for (int form = 0; form < 3; ++form) {
                SCOPED_TRACE(std::to_string(scale) + ", form " + std::to_string(form));
                std::vector<int> counts;
                for (int r = 0; r < ranks(); ++r)
                    counts.push_back(form == 0   ? scale
                                     : form == 1 ? (r * 3 + 1) % 4 * scale
                                                 : (r == ranks() / 2 ? scale : 0));
                const int total = std::accumulate(counts.begin(), counts.end(), 0);
                const int before = std::accumulate(counts.begin(), counts.begin() + me(), 0);
                std::vector<int> data = input(me(), total);
                std::vector<int> out = unset(counts[u(me())]);
                if (in_place) {
                    MPI_OK(MPI_Reduce_scatter(MPI_IN_PLACE, data.data(), counts.data(), MPI_INT,
                                              MPI_SUM, shaped()));
                    out.assign(data.begin(), data.begin() + counts[u(me())]);
                } else {
                    MPI_OK(MPI_Reduce_scatter(data.data(), out.data(), counts.data(), MPI_INT,
                                              MPI_SUM, shaped()));
                    EXPECT_EQ(data, input(me(), total)) << "the input was changed";
                }
                const std::vector<int> whole = sum(total);
                EXPECT_EQ(out, std::vector<int>(whole.begin() + before,
                                                whole.begin() + before + counts[u(me())]));
            }
        }
    }
}

TEST_P(Reduction, ReduceScatterBlock) {
    for (const bool in_place : {false, true}) {
        for (const int part : {0, 1, 7, 1000, 50'000}) {
            SCOPED_TRACE(part);
            const int total = part * ranks();
            std::vector<int> data = input(me(), total);
            std::vector<int> out = unset(part);
            if (in_place) {
                MPI_OK(MPI_Reduce_scatter_block(MPI_IN_PLACE, data.data(), part, MPI_INT, MPI_SUM,
                                                shaped()));
                out.assign(data.begin(), data.begin() + part);
            } else {
                MPI_OK(MPI_Reduce_scatter_block(data.data(), out.data(), part, MPI_INT, MPI_SUM,
                                                shaped()));
                EXPECT_EQ(data, input(me(), total)) << "the input was changed";
            }
            const std::vector<int> whole = sum(total);
            EXPECT_EQ(out, std::vector<int>(whole.begin() + part * me(),
                                            whole.begin() + part * (me() + 1)));
        }
    }
}

// Rank 0 gets nothing, and need not give a buffer for it.
TEST_P(Reduction, Exscan) {
    for (const bool in_place : {false, true}) {
        for (const int count : coll::counts()) {
            SCOPED_TRACE(count);
            const std::vector<int> in = input(me(), count);
            std::vector<int> out = in_place ? in : unset(count);
            void* result = me() == 0 && !in_place ? nullptr : out.data();
            MPI_OK(MPI_Exscan(in_place ? MPI_IN_PLACE : in.data(), result, count, MPI_INT, MPI_SUM,
                              shaped()));
            EXPECT_EQ(in, input(me(), count)) << "the input was changed";
            if (me() > 0) {
                EXPECT_EQ(out, sum_to(me() - 1, count));
            }
        }
    }
}

TEST_P(Reduction, Scan) {
    for (const bool in_place : {false, true}) {
        for (const int count : coll::counts()) {
            SCOPED_TRACE(count);
            const std::vector<int> in = input(me(), count);
            std::vector<int> out = in_place ? in : unset(count);
            MPI_OK(MPI_Scan(in_place ? MPI_IN_PLACE : in.data(), out.data(), count, MPI_INT,
                            MPI_SUM, shaped()));
            EXPECT_EQ(out, sum_to(me(), count));
        }
    }
}

// All ranks get the very same bits, whatever the order of the additions.
TEST_P(Reduction, AllreduceOfFloatsIsTheSameEverywhere) {
    for (const int count : {1, 10, 1000, 70'000}) {
        SCOPED_TRACE(count);
        std::vector<double> in(u(count));
        for (int i = 0; i < count; ++i) in[u(i)] = 1.0 / (1 + i % 97 + 13 * me()) - 0.013 * i;
        std::vector<double> out(u(count));
        MPI_OK(MPI_Allreduce(in.data(), out.data(), count, MPI_DOUBLE, MPI_SUM, shaped()));
        std::vector<double> of_root = out;
        MPI_OK(MPI_Bcast(of_root.data(), count, MPI_DOUBLE, 0, shaped()));
        EXPECT_EQ(std::memcmp(out.data(), of_root.data(), out.size() * sizeof(double)), 0);
        // And it is the sum, to rounding.
        for (int i = 0; i < count; i += 97) {
            double expected = 0;
            double magnitude = 0;
            for (int r = 0; r < ranks(); ++r) {
                const double term = 1.0 / (1 + i % 97 + 13 * r) - 0.013 * i;
                expected += term;
                magnitude += std::abs(term);
            }
            ASSERT_NEAR(out[u(i)], expected, 1e-13 * magnitude);
        }
    }
}

// The same call, the same data: the same result whoever comes first and however often, as the
// standard strongly recommends.
TEST_P(Reduction, RepeatsBitForBit) {
    for (const int count : {10, 5000, 100'000}) {
        SCOPED_TRACE(count);
        std::vector<float> in(u(count));
        for (int i = 0; i < count; ++i) in[u(i)] = 1.0F / static_cast<float>(1 + i + 7 * me());
        std::vector<float> first(u(count));
        MPI_OK(MPI_Allreduce(in.data(), first.data(), count, MPI_FLOAT, MPI_SUM, shaped()));
        for (int round = 0; round < 15; ++round) {
            if (me() == round % ranks()) mpitest::sleep_ms(1);
            std::vector<float> again(u(count));
            MPI_OK(MPI_Allreduce(in.data(), again.data(), count, MPI_FLOAT, MPI_SUM, shaped()));
            ASSERT_EQ(std::memcmp(first.data(), again.data(), first.size() * sizeof(float)), 0)
                << "round " << round;
        }
    }
}

INSTANTIATE_SHAPES(Reduction);

}  // namespace
