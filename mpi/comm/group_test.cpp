// Groups against naive references, and every refusal.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <climits>
#include <numeric>
#include <random>
#include <vector>

#include "mpi/gen/bodies.hpp"

namespace mpi {
namespace {

using Members = std::vector<Process>;
using Range = int[3];

/// `n` of the processes below `world`, in random order, or ascending, or consecutive.
Members random_members(std::mt19937& random, std::size_t n, std::size_t world) {
    Members all(world);
    std::iota(all.begin(), all.end(), 0U);
    const auto order = random() % 3;
    if (order != 2) std::shuffle(all.begin(), all.end(), random);
    Members some(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(n));
    if (order == 1) std::sort(some.begin(), some.end());
    if (order == 2) {
        for (Process& p : some) p += static_cast<Process>(world - n);
    }
    return some;
}

bool contains(const Members& members, Process process) {
    return std::find(members.begin(), members.end(), process) != members.end();
}

class GroupTest : public testing::Test {
  protected:
    static void SetUpTestSuite() { predefine_groups(); }
    void TearDown() override {
        for (Group* group : made_) EXPECT_EQ(group_free(*group), Status::ok);
    }
    Group& make(Members members) { return keep(make_group(std::move(members), Group())); }
    Group& world(int size) {
        Members members(static_cast<std::size_t>(size));
        std::iota(members.begin(), members.end(), 0U);
        return make(std::move(members));
    }
    Group& keep(Group* group) {
        EXPECT_NE(group, nullptr);
        made_.push_back(group);
        return *group;
    }
    static Group* empty() { return find<Group>(MPI_GROUP_EMPTY); }

  private:
    std::vector<Group*> made_;
};

TEST_F(GroupTest, RankOfFindsEveryMemberAndNobodyElse) {
    std::mt19937 random(1);
    for (int round = 0; round < 200; ++round) {
        const std::size_t world = 1 + random() % 60;
        const Members members = random_members(random, random() % (world + 1), world);
        const Group& group = make(members);
        for (Process p = 0; p < world + 3; ++p) {
            const auto it = std::find(members.begin(), members.end(), p);
            const int rank = it == members.end() ? -1 : static_cast<int>(it - members.begin());
            EXPECT_EQ(group.rank_of(p), rank);
        }
        EXPECT_EQ(group.rank_of(UINT32_MAX), -1);
    }
}

TEST_F(GroupTest, SetOperationsAreThoseOfOrderedSets) {
    std::mt19937 random(2);
    for (int round = 0; round < 300; ++round) {
        const std::size_t world = 1 + random() % 40;
        const Members a = random_members(random, random() % (world + 1), world);
        const Members b = random_members(random, random() % (world + 1), world);
        Members both = a, common, only_a;
        for (const Process p : b) {
            if (!contains(a, p)) both.push_back(p);
        }
        for (const Process p : a) (contains(b, p) ? common : only_a).push_back(p);

        Group& group_a = make(a);
        Group& group_b = make(b);
        Group* result = nullptr;
        ASSERT_EQ(group_union(group_a, group_b, result), Status::ok);
        EXPECT_EQ(keep(result).members, both);
        EXPECT_EQ(result == empty(), both.empty());
        ASSERT_EQ(group_intersection(group_a, group_b, result), Status::ok);
        EXPECT_EQ(keep(result).members, common);
        EXPECT_EQ(result == empty(), common.empty());
        ASSERT_EQ(group_difference(group_a, group_b, result), Status::ok);
        EXPECT_EQ(keep(result).members, only_a);
        EXPECT_EQ(result == empty(), only_a.empty());
    }
}

TEST_F(GroupTest, CompareKnowsIdentSimilarAndUnequal) {
    std::mt19937 random(3);
    for (int round = 0; round < 300; ++round) {
        const std::size_t world = 1 + random() % 5;  // small, so that all results occur
        const Members a = random_members(random, random() % (world + 1), world);
        const Members b = random_members(random, random() % (world + 1), world);
        Members sorted_a = a, sorted_b = b;
        std::sort(sorted_a.begin(), sorted_a.end());
        std::sort(sorted_b.begin(), sorted_b.end());
        int result = -1;
        ASSERT_EQ(group_compare(make(a), make(b), result), Status::ok);
        EXPECT_EQ(result, a == b ? MPI_IDENT : sorted_a == sorted_b ? MPI_SIMILAR : MPI_UNEQUAL);
    }
}

TEST_F(GroupTest, TranslateRanks) {
    std::mt19937 random(4);
    for (int round = 0; round < 200; ++round) {
        const std::size_t world = 2 + random() % 40;
        const Members a = random_members(random, 1 + random() % world, world);
        const Members b = random_members(random, random() % (world + 1), world);
        std::vector<int> ranks, expected;
        for (int i = 0; i < 20; ++i) {
            const auto r = random() % (a.size() + 1);
            if (r == a.size()) {
                ranks.push_back(MPI_PROC_NULL);
                expected.push_back(MPI_PROC_NULL);
                continue;
            }
            ranks.push_back(static_cast<int>(r));
            const auto it = std::find(b.begin(), b.end(), a[r]);
            expected.push_back(it == b.end() ? MPI_UNDEFINED : static_cast<int>(it - b.begin()));
        }
        std::vector<int> found(ranks.size(), -77);
        ASSERT_EQ(group_translate_ranks(make(a), 20, ranks.data(), make(b), found.data()),
                  Status::ok);
        EXPECT_EQ(found, expected);
    }
}

TEST_F(GroupTest, TranslateRefusesRanksOutOfRange) {
    Group& group = world(3);
    for (const int bad : {3, -1, MPI_ANY_SOURCE, INT_MAX, INT_MIN}) {
        const int ranks[] = {0, bad};
        int found[2];
        EXPECT_EQ(group_translate_ranks(group, 2, ranks, group, found), Status::rank);
    }
}

TEST_F(GroupTest, InclAndExclKeepTheOrders) {
    std::mt19937 random(5);
    for (int round = 0; round < 200; ++round) {
        const std::size_t n = 1 + random() % 30;
        const Members members = random_members(random, n, 40);
        std::vector<int> ranks(n);
        std::iota(ranks.begin(), ranks.end(), 0);
        std::shuffle(ranks.begin(), ranks.end(), random);
        ranks.resize(random() % (n + 1));
        Members included, excluded;
        for (const int r : ranks) included.push_back(members[static_cast<std::size_t>(r)]);
        for (const Process p : members) {
            if (!contains(included, p)) excluded.push_back(p);
        }
        Group& group = make(members);
        Group* result = nullptr;
        const int count = static_cast<int>(ranks.size());
        ASSERT_EQ(group_incl(group, count, ranks.data(), result), Status::ok);
        EXPECT_EQ(keep(result).members, included);
        EXPECT_EQ(result == empty(), included.empty());
        ASSERT_EQ(group_excl(group, count, ranks.data(), result), Status::ok);
        EXPECT_EQ(keep(result).members, excluded);
        EXPECT_EQ(result == empty(), excluded.empty());
    }
}

TEST_F(GroupTest, InclAndExclRefuseBadRanks) {
    Group& group = world(4);
    for (const int bad : {4, -1, MPI_PROC_NULL, INT_MAX, INT_MIN, 1 /* twice */}) {
        const int ranks[] = {1, bad};
        Group* result = nullptr;
        EXPECT_EQ(group_incl(group, 2, ranks, result), Status::rank);
        EXPECT_EQ(group_excl(group, 2, ranks, result), Status::rank);
        EXPECT_EQ(result, nullptr);
    }
    const int zero = 0;
    Group* result = nullptr;
    EXPECT_EQ(group_incl(*empty(), 1, &zero, result), Status::rank);
}

TEST_F(GroupTest, RangesAreTheListsOfTheirRanks) {
    struct Case {
        std::vector<std::array<int, 3>> ranges;
        std::vector<int> ranks;
    };
    const Case cases[] = {
        {{}, {}},
        {{{0, 9, 1}}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}},
        {{{9, 0, -1}}, {9, 8, 7, 6, 5, 4, 3, 2, 1, 0}},
        {{{1, 8, 3}}, {1, 4, 7}},
        {{{8, 1, -3}}, {8, 5, 2}},
        {{{5, 5, 1}}, {5}},
        {{{5, 5, -7}}, {5}},
        {{{0, 3, 100}}, {0}},
        {{{0, 10, 3}}, {0, 3, 6, 9}},  // the end itself is no rank, and is not named
        {{{9, -1, -3}}, {9, 6, 3, 0}},
        {{{3, INT_MIN + 10, INT_MIN}}, {3}},
        {{{8, 9, 1}, {0, 4, 2}}, {8, 9, 0, 2, 4}},
    };
    Group& group = world(10);
    for (const Case& c : cases) {
        const auto* ranges = reinterpret_cast<const Range*>(c.ranges.data());
        const int n = static_cast<int>(c.ranges.size());
        Group *in = nullptr, *out = nullptr, *in_list = nullptr, *out_list = nullptr;
        ASSERT_EQ(group_range_incl(group, n, ranges, in), Status::ok);
        ASSERT_EQ(group_range_excl(group, n, ranges, out), Status::ok);
        const int count = static_cast<int>(c.ranks.size());
        ASSERT_EQ(group_incl(group, count, c.ranks.data(), in_list), Status::ok);
        ASSERT_EQ(group_excl(group, count, c.ranks.data(), out_list), Status::ok);
        EXPECT_EQ(keep(in).members, keep(in_list).members);
        EXPECT_EQ(keep(out).members, keep(out_list).members);
    }
}

TEST_F(GroupTest, RangesRefuse) {
    struct Case {
        std::vector<std::array<int, 3>> ranges;
        Status status;
    };
    const Case cases[] = {
        {{{0, 9, 0}}, Status::arg},
        {{{3, 3, 0}}, Status::arg},
        {{{0, 9, -1}}, Status::arg},
        {{{9, 0, 1}}, Status::arg},
        {{{0, 10, 1}}, Status::rank},
        {{{10, 12, 1}}, Status::rank},
        {{{-1, 3, 1}}, Status::rank},
        {{{3, -1, -1}}, Status::rank},
        {{{0, 4, 1}, {4, 6, 1}}, Status::rank},  // 4 twice
        {{{0, INT_MAX, 1}}, Status::rank},
        {{{0, INT_MAX, INT_MAX - 2}}, Status::rank},
        {{{3, INT_MIN, INT_MIN}}, Status::rank},
        {{{INT_MIN, INT_MAX, INT_MAX}}, Status::rank},
    };
    Group& group = world(10);
    for (const Case& c : cases) {
        const auto* ranges = reinterpret_cast<const Range*>(c.ranges.data());
        const int n = static_cast<int>(c.ranges.size());
        Group* result = nullptr;
        EXPECT_EQ(group_range_incl(group, n, ranges, result), c.status) << c.ranges[0][0];
        EXPECT_EQ(group_range_excl(group, n, ranges, result), c.status) << c.ranges[0][0];
        EXPECT_EQ(result, nullptr);
    }
}

TEST_F(GroupTest, FreedHandlesAreDeadAndTheEmptyGroupIsNot) {
    Group* group = make_group({1, 2}, Group());
    const MPI_Group handle = handle_of<MPI_Group>(*group);
    EXPECT_EQ(find<Group>(handle), group);
    retain(group);  // somebody else uses it
    ASSERT_EQ(group_free(*group), Status::ok);
    EXPECT_EQ(find<Group>(handle), nullptr);
    EXPECT_EQ(group->size(), 2);
    release(group);

    for (int i = 0; i < 3; ++i) ASSERT_EQ(group_free(*empty()), Status::ok);
    int size = -1;
    ASSERT_EQ(group_size(*empty(), size), Status::ok);
    EXPECT_EQ(size, 0);
}

TEST_F(GroupTest, ThousandsOfRanksTakeNoSquareOfTime) {
    constexpr int kSize = 200'000;  // squared, this would take minutes
    std::mt19937 random(6);
    Members members(kSize);
    std::iota(members.begin(), members.end(), 0U);
    std::shuffle(members.begin(), members.end(), random);
    Group& a = make(members);
    std::shuffle(members.begin(), members.end(), random);
    Group& b = make(members);
    int result = -1;
    ASSERT_EQ(group_compare(a, b, result), Status::ok);
    EXPECT_EQ(result, MPI_SIMILAR);
    Group* common = nullptr;
    ASSERT_EQ(group_intersection(a, b, common), Status::ok);
    EXPECT_EQ(keep(common).members, a.members);
    std::vector<int> ranks(kSize), back(kSize);
    std::iota(ranks.begin(), ranks.end(), 0);
    ASSERT_EQ(group_translate_ranks(a, kSize, ranks.data(), b, back.data()), Status::ok);
    ASSERT_EQ(group_translate_ranks(b, kSize, back.data(), a, back.data()), Status::ok);
    EXPECT_EQ(back, ranks);
}

}  // namespace
}  // namespace mpi
