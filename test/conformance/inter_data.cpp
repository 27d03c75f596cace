// Collectives on intercommunicators that move data: from each group to the other one.
#include <chrono>

#include "test/conformance/inter.hpp"

namespace {

using coll::u;
using coll::unset;
using coll::values;

class InterData : public inter::InterTest {
  protected:
    // Uneven, with zeros among them.
    static int count_of(int side, int rank, int scale) { return (rank * 3 + side + 2) % 4 * scale; }

    // The other group's parts in reverse order, each followed by a gap.
    struct Layout {
        std::vector<int> counts;
        std::vector<int> displacements;
        std::vector<int> filled;  // with every process's values
        int total = 0;
    };
    Layout layout(int scale) const {
        Layout result;
        result.counts.resize(u(theirs()));
        result.displacements.resize(u(theirs()));
        for (int r = theirs() - 1; r >= 0; --r) {
            const int count = count_of(1 - side(), r, scale);
            result.counts[u(r)] = count;
            result.displacements[u(r)] = result.total;
            const std::vector<int> part = values(their_id(r), count);
            result.filled.insert(result.filled.end(), part.begin(), part.end());
            result.filled.insert(result.filled.end(), 3, -1);
            result.total += count + 3;
        }
        return result;
    }
    // The other group's values, in the order of ranks.
    std::vector<int> of_them(int count) const {
        std::vector<int> result;
        for (int r = 0; r < theirs(); ++r) {
            const std::vector<int> part = values(their_id(r), count);
            result.insert(result.end(), part.begin(), part.end());
        }
        return result;
    }
};

constexpr std::array<int, 4> kCounts{0, 1, 100, 40'000};

// Nobody leaves before all of the other group have come.
TEST_P(InterData, Barrier) {
    // The host's clock, the same for all ranks.
    const auto now = [] {
        const auto since_boot = std::chrono::steady_clock::now().time_since_epoch();
        return std::chrono::duration<double>(since_boot).count();
    };
    for (int late = 0; late < size(); ++late) {
        MPI_OK(MPI_Barrier(comm()));
        if (rank() == late) mpitest::sleep_ms(5);
        const double entered = now();
        MPI_OK(MPI_Barrier(between()));
        const double left = now();
        double their_latest_entry = 0;
        MPI_OK(MPI_Allreduce(&entered, &their_latest_entry, 1, MPI_DOUBLE, MPI_MAX, between()));
        EXPECT_LE(their_latest_entry, left);
    }
}

TEST_P(InterData, Bcast) {
    for (const int count : kCounts) {
        for_every_root([&](int root, bool is_root, bool is_leaf) {
            const std::vector<int> data = values(77 + count, count);
            std::vector<int> buffer = is_root ? data : unset(count);
            MPI_OK(MPI_Bcast(buffer.data(), count, MPI_INT, root, between()));
            EXPECT_EQ(buffer, is_root || is_leaf ? data : unset(count));
        });
    }
}

// Beside the root no argument but root and communicator matters.
TEST_P(InterData, BesideTheRootNothingElseMatters) {
    SKIP_ON_PEER(kOpenMpi, "checks all arguments everywhere");
    for_every_root([&](int root, bool is_root, bool is_leaf) {
        int value = is_root ? 5 : -1;
        if (is_root || is_leaf) {
            MPI_OK(MPI_Bcast(&value, 1, MPI_INT, root, between()));
            EXPECT_EQ(value, 5);
        } else if (mpitest::is_fathom()) {
            MPI_OK(MPI_Bcast(nullptr, -1, MPI_DATATYPE_NULL, root, between()));
            MPI_OK(MPI_Gather(nullptr, -1, MPI_DATATYPE_NULL, nullptr, -1, MPI_DATATYPE_NULL, root,
                              between()));
            MPI_OK(
                MPI_Reduce(nullptr, nullptr, -1, MPI_DATATYPE_NULL, MPI_OP_NULL, root, between()));
        }
        if (!mpitest::is_fathom()) return;
        MPI_Request request = MPI_REQUEST_NULL;
        int started = is_root ? 6 : -1;
        if (is_root || is_leaf) {
            MPI_OK(MPI_Ibcast(&started, 1, MPI_INT, root, between(), &request));
        } else {
            MPI_OK(MPI_Ibcast(nullptr, -1, MPI_DATATYPE_NULL, root, between(), &request));
        }
        MPI_OK(MPI_Wait(&request, MPI_STATUS_IGNORE));
        EXPECT_EQ(started, is_root || is_leaf ? 6 : -1);
        if (is_root || is_leaf) {
            std::vector<int> all = unset(theirs());
            if (is_root) {
                MPI_OK(MPI_Gather(nullptr, -1, MPI_DATATYPE_NULL, all.data(), 1, MPI_INT, root,
                                  between()));
                EXPECT_EQ(all, std::vector<int>(u(theirs()), 5));
                MPI_OK(MPI_Reduce(nullptr, &value, 1, MPI_INT, MPI_SUM, root, between()));
                EXPECT_EQ(value, 5 * theirs());
            } else {
                MPI_OK(MPI_Gather(&value, 1, MPI_INT, nullptr, -1, MPI_DATATYPE_NULL, root,
                                  between()));
                MPI_OK(MPI_Reduce(&value, nullptr, 1, MPI_INT, MPI_SUM, root, between()));
            }
        }
    });
}

TEST_P(InterData, GatherAndScatter) {
    for (const int count : kCounts) {
        for_every_root([&](int root, bool is_root, bool is_leaf) {
            const std::vector<int> mine = values(my_id(), count);
            std::vector<int> all = unset(is_root ? count * theirs() : 0);
            MPI_OK(MPI_Gather(mine.data(), count, MPI_INT, all.data(), count, MPI_INT, root,
                              between()));
            if (is_root) {
                EXPECT_EQ(all, of_them(count));
            }
            std::vector<int> back = unset(count);
            MPI_OK(MPI_Scatter(all.data(), count, MPI_INT, back.data(), count, MPI_INT, root,
                               between()));
            EXPECT_EQ(back, is_leaf ? mine : unset(count));
        });
    }
}

TEST_P(InterData, GathervAndScatterv) {
    for (const int scale : kCounts) {
        for_every_root([&](int root, bool is_root, bool is_leaf) {
            const int count = count_of(side(), me(), scale);
            const std::vector<int> mine = values(my_id(), count);
            const Layout where = layout(scale);
            std::vector<int> all = unset(where.total);
            MPI_OK(MPI_Gatherv(mine.data(), count, MPI_INT, all.data(), where.counts.data(),
                               where.displacements.data(), MPI_INT, root, between()));
            EXPECT_EQ(all, is_root ? where.filled : unset(where.total));
            std::vector<int> back = unset(count + 1);
            MPI_OK(MPI_Scatterv(all.data(), where.counts.data(), where.displacements.data(),
                                MPI_INT, back.data(), count, MPI_INT, root, between()));
            EXPECT_EQ(back.back(), -1);
            back.pop_back();
            EXPECT_EQ(back, is_leaf ? mine : unset(count));
        });
    }
}

TEST_P(InterData, Allgather) {
    for (const int count : kCounts) {
        SCOPED_TRACE(count);
        const std::vector<int> mine = values(my_id(), count);
        std::vector<int> all = unset(count * theirs());
        MPI_OK(MPI_Allgather(mine.data(), count, MPI_INT, all.data(), count, MPI_INT, between()));
        EXPECT_EQ(all, of_them(count));
    }
}

// Data may go one way only.
TEST_P(InterData, AllgatherOneWay) {
    const bool give = side() == 0;
    const std::vector<int> mine = values(my_id(), 9);
    std::vector<int> all = unset(9 * theirs());
    MPI_OK(MPI_Allgather(mine.data(), give ? 9 : 0, MPI_INT, all.data(), give ? 0 : 9, MPI_INT,
                         between()));
    EXPECT_EQ(all, give ? unset(9 * theirs()) : of_them(9));
}

TEST_P(InterData, Allgatherv) {
    for (const int scale : kCounts) {
        SCOPED_TRACE(scale);
        const int count = count_of(side(), me(), scale);
        const std::vector<int> mine = values(my_id(), count);
        const Layout where = layout(scale);
        std::vector<int> all = unset(where.total);
        MPI_OK(MPI_Allgatherv(mine.data(), count, MPI_INT, all.data(), where.counts.data(),
                              where.displacements.data(), MPI_INT, between()));
        EXPECT_EQ(all, where.filled);
    }
}

// The types of the two groups differ: ints here, vectors with gaps there.
TEST_P(InterData, DerivedTypes) {
    MPI_Datatype gapped = MPI_DATATYPE_NULL;
    MPI_OK(MPI_Type_vector(10, 1, 2, MPI_INT, &gapped));
    MPI_OK(MPI_Type_commit(&gapped));
    const auto spread = [](const std::vector<int>& dense) {
        std::vector<int> result(dense.size() * 2 - 1, -1);
        for (std::size_t i = 0; i < dense.size(); ++i) result[2 * i] = dense[i];
        return result;
    };
    std::vector<int> mine = values(my_id(), 10);
    if (side() == 1) {
        const std::vector<int> wide = spread(mine);
        std::vector<int> all = unset(10 * theirs());
        MPI_OK(MPI_Allgather(wide.data(), 1, gapped, all.data(), 10, MPI_INT, between()));
        EXPECT_EQ(all, of_them(10));
    } else {
        // Elements of `gapped` follow each other without a gap in between: extent 19.
        std::vector<int> all = unset(19 * theirs());
        MPI_OK(MPI_Allgather(mine.data(), 10, MPI_INT, all.data(), 1, gapped, between()));
        for (int r = 0; r < theirs(); ++r) {
            const std::vector<int> part(all.begin() + 19 * r, all.begin() + 19 * (r + 1));
            EXPECT_EQ(part, spread(values(their_id(r), 10)));
        }
    }
    MPI_OK(MPI_Type_free(&gapped));
}

TEST_P(InterData, Alltoall) {
    for (const int count : {0, 1, 100, 10'000}) {
        SCOPED_TRACE(count);
        std::vector<int> out;
        std::vector<int> expected;
        for (int r = 0; r < theirs(); ++r) {
            const std::vector<int> to = values(my_id(), count, r);
            const std::vector<int> from = values(their_id(r), count, me());
            out.insert(out.end(), to.begin(), to.end());
            expected.insert(expected.end(), from.begin(), from.end());
        }
        std::vector<int> in = unset(count * theirs());
        MPI_OK(MPI_Alltoall(out.data(), count, MPI_INT, in.data(), count, MPI_INT, between()));
        EXPECT_EQ(in, expected);
    }
}

TEST_P(InterData, AlltoallvAndAlltoallw) {
    for (const int scale : {0, 1, 100, 10'000}) {
        SCOPED_TRACE(scale);
        const auto count = [&](int zero_rank, int one_rank) {
            return (zero_rank + 2 * one_rank) % 4 * scale;
        };
        std::vector<int> counts;
        std::vector<int> at;
        std::vector<int> at_bytes;
        std::vector<int> out;
        std::vector<int> expected;
        for (int r = 0; r < theirs(); ++r) {
            const int n = side() == 0 ? count(me(), r) : count(r, me());
            counts.push_back(n);
            at.push_back(mpitest::to_int(out.size()));
            at_bytes.push_back(at.back() * 4);
            const std::vector<int> to = values(my_id(), n, r);
            const std::vector<int> from = values(their_id(r), n, me());
            out.insert(out.end(), to.begin(), to.end());
            expected.insert(expected.end(), from.begin(), from.end());
            out.push_back(-1);
            expected.push_back(-1);
        }
        std::vector<int> in = unset(mpitest::to_int(out.size()));
        MPI_OK(MPI_Alltoallv(out.data(), counts.data(), at.data(), MPI_INT, in.data(),
                             counts.data(), at.data(), MPI_INT, between()));
        EXPECT_EQ(in, expected);
        in = unset(mpitest::to_int(out.size()));
        const std::vector<MPI_Datatype> ints(u(theirs()), MPI_INT);
        MPI_OK(MPI_Alltoallw(out.data(), counts.data(), at_bytes.data(), ints.data(), in.data(),
                             counts.data(), at_bytes.data(), ints.data(), between()));
        EXPECT_EQ(in, expected);
    }
}

INSTANTIATE_SPLITS(InterData);

}  // namespace
