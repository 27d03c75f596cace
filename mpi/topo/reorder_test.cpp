// Places in a grid, for hosts and NUMA domains that are made up.
#include "mpi/topo/reorder.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <random>

namespace mpi::topo {
namespace {

std::vector<Locality> localities(int n, const std::function<Locality(int)>& of) {
    std::vector<Locality> all;
    for (int p = 0; p < n; ++p) all.push_back(of(p));
    return all;
}

std::vector<int> same(int n) {
    std::vector<int> ranks;
    for (int p = 0; p < n; ++p) ranks.push_back(p);
    return ranks;
}

bool is_permutation(std::vector<int> ranks) {
    std::sort(ranks.begin(), ranks.end());
    return ranks == same(static_cast<int>(ranks.size()));
}

TEST(ReorderTest, OneHostChangesNothing) {
    const Cart cart{{4, 4}, {0, 0}};
    EXPECT_EQ(arrange(cart, std::vector<Locality>(16)), same(16));
}

TEST(ReorderTest, HostsGetSquareBlocks) {
    const Cart cart{{4, 4}, {0, 0}};
    for (const bool round_robin : {false, true}) {
        const auto where = localities(16, [=](int p) {
            return Locality{round_robin ? p % 4 : p / 4, 0};
        });
        const std::vector<int> ranks = arrange(cart, where);
        EXPECT_TRUE(is_permutation(ranks));
        // Two straight cuts through the grid, four links each; by rows it would be 12.
        EXPECT_EQ(cut_of(cart, where, ranks).hosts, 8);
    }
}

TEST(ReorderTest, RingsAreNotCutWhereTheyNeedNotBe) {
    // Two hosts, 4 x 4, rings along the second dimension only: cut across the first one.
    const Cart cart{{4, 4}, {0, 1}};
    const auto where = localities(16, [](int p) { return Locality{p % 2, 0}; });
    EXPECT_EQ(cut_of(cart, where, arrange(cart, where)).hosts, 4);
}

TEST(ReorderTest, DomainsGetBlocksOfTheirHostsBlock) {
    const Cart cart{{8, 4}, {0, 0}};
    const auto where = localities(32, [](int p) { return Locality{p % 2, p / 2 % 4}; });
    const std::vector<int> ranks = arrange(cart, where);
    EXPECT_TRUE(is_permutation(ranks));
    const Cut cut = cut_of(cart, where, ranks);
    EXPECT_EQ(cut.hosts, 4);   // halves of 4 x 4
    EXPECT_EQ(cut.numas, 16);  // each in quarters of 2 x 2
}

TEST(ReorderTest, ProcessesBeyondTheGridKeepTheirRanks) {
    const Cart cart{{2, 2}, {0, 0}};
    const auto where = localities(6, [](int p) { return Locality{p % 2, 0}; });
    const std::vector<int> ranks = arrange(cart, where);
    EXPECT_TRUE(is_permutation(ranks));
    EXPECT_EQ(ranks[4], 4);
    EXPECT_EQ(ranks[5], 5);
    EXPECT_EQ(cut_of(cart, where, ranks).hosts, 2);
}

TEST(ReorderTest, NothingWithoutDimensions) {
    EXPECT_EQ(arrange(Cart{}, std::vector<Locality>(3)), same(3));
}

// Whatever the hosts: every rank once, and never worse than before.
TEST(ReorderTest, NeverWorse) {
    std::mt19937 random(5);
    int better = 0;
    for (int round = 0; round < 400; ++round) {
        Cart cart;
        const auto ndims = 1 + random() % 4;
        for (std::size_t d = 0; d < ndims; ++d) {
            cart.dims.push_back(static_cast<int>(1 + random() % 5));
            cart.periods.push_back(static_cast<char>(random() % 2));
        }
        const auto hosts = 1 + random() % 4, numas = 1 + random() % 3;
        const auto where = localities(cart.size() + static_cast<int>(random() % 3), [&](int) {
            return Locality{static_cast<int>(random() % hosts), static_cast<int>(random() % numas)};
        });
        const std::vector<int> ranks = arrange(cart, where);
        ASSERT_TRUE(is_permutation(ranks));
        const Cut before = cut_of(cart, where, same(static_cast<int>(where.size())));
        const Cut after = cut_of(cart, where, ranks);
        ASSERT_LE(after, before);
        if (after < before) ++better;
    }
    EXPECT_GT(better, 100);
}

}  // namespace
}  // namespace mpi::topo
