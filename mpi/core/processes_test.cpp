#include "mpi/core/processes.hpp"

#include <gtest/gtest.h>

#include <numeric>

namespace mpi {
namespace {

using List = std::vector<Process>;

TEST(Processes, EqualDistancesNeedNoList) {
    for (const List& list :
         {List{}, List{7}, List{3, 4, 5}, List{0, 32, 64, 96}, List{5, 4000000000}}) {
        const Processes processes(list);
        EXPECT_TRUE(processes.by_rule());
        EXPECT_EQ(processes.list(), list);
        EXPECT_EQ(processes.size(), list.size());
    }
}

TEST(Processes, AnythingElseIsKeptAsItIs) {
    for (const List& list :
         {List{1, 0}, List{0, 1, 3}, List{2, 4, 6, 7}, List{9, 9}, List{5, 6, 2}}) {
        const Processes processes(list);
        EXPECT_FALSE(processes.by_rule());
        EXPECT_EQ(processes.list(), list);
    }
}

TEST(Processes, RanksByRule) {
    const Processes processes(10, 4, 3);  // 10, 13, 16, 19
    for (Process p = 0; p < 30; ++p) {
        const bool in = p >= 10 && p <= 19 && (p - 10) % 3 == 0;
        EXPECT_EQ(processes.rank_by_rule(p), in ? static_cast<int>(p - 10) / 3 : -1) << p;
    }
    EXPECT_EQ(Processes().rank_by_rule(0), -1);
}

TEST(Processes, TheSameHoweverMade) {
    EXPECT_EQ(Processes(0, 3), Processes(List{0, 1, 2}));
    EXPECT_EQ(Processes(8, 1, 5), Processes(List{8}));
    EXPECT_NE(Processes(0, 3), Processes(0, 3, 2));
    EXPECT_NE(Processes(List{1, 0}), Processes(0, 2));
    EXPECT_TRUE(Processes(0, 5).is_identity());
    EXPECT_FALSE(Processes(1, 5).is_identity());
    EXPECT_FALSE(Processes(0, 5, 2).is_identity());
}

}  // namespace
}  // namespace mpi
