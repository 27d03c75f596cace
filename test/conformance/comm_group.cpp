// The thirteen functions on groups, with their edge cases.
#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "test/support/mpi_test.hpp"

namespace {

using mpitest::to_int;
using Ranks = std::vector<int>;

// A group that frees itself; groups made by the fixture's helpers are all temporary.
class Group {
  public:
    Group() = default;
    explicit Group(MPI_Group handle) : handle_(handle) {}
    Group(Group&& other) noexcept : handle_(std::exchange(other.handle_, MPI_GROUP_NULL)) {}
    Group& operator=(Group&&) = delete;
    ~Group() {
        if (handle_ != MPI_GROUP_NULL) {
            EXPECT_MPI_OK(MPI_Group_free(&handle_));
        }
    }

    MPI_Group get() const { return handle_; }
    MPI_Group* out() { return &handle_; }

  private:
    MPI_Group handle_ = MPI_GROUP_NULL;
};

// Members are ranks of the test's communicator. The tests that name single ones need four.
class Groups : public mpitest::MpiTest {
  protected:
    void SetUp() override {
        MpiTest::SetUp();
        MPI_OK(MPI_Comm_group(comm(), all_.out()));
    }

    MPI_Group all() const { return all_.get(); }

    Group incl(const Ranks& ranks) const {
        Group result;
        EXPECT_MPI_OK(MPI_Group_incl(all(), to_int(ranks.size()), ranks.data(), result.out()));
        return result;
    }

    // The members as ranks in the test's communicator.
    Ranks members(const Group& group) const {
        int size = -1;
        EXPECT_MPI_OK(MPI_Group_size(group.get(), &size));
        Ranks own(static_cast<std::size_t>(size));
        std::iota(own.begin(), own.end(), 0);
        Ranks result(own.size(), -99);
        EXPECT_MPI_OK(
            MPI_Group_translate_ranks(group.get(), size, own.data(), all(), result.data()));
        return result;
    }

    static int compare(MPI_Group a, MPI_Group b) {
        int result = -1;
        EXPECT_MPI_OK(MPI_Group_compare(a, b, &result));
        return result;
    }

    Ranks everyone() const {
        Ranks result(static_cast<std::size_t>(size()));
        std::iota(result.begin(), result.end(), 0);
        return result;
    }

  private:
    Group all_;
};

TEST_F(Groups, OfACommunicator) {
    int group_size = -1;
    int group_rank = -1;
    MPI_OK(MPI_Group_size(all(), &group_size));
    MPI_OK(MPI_Group_rank(all(), &group_rank));
    EXPECT_EQ(group_size, size());
    EXPECT_EQ(group_rank, rank());
}

TEST_F(Groups, Empty) {
    int group_size = -1;
    int group_rank = -1;
    MPI_OK(MPI_Group_size(MPI_GROUP_EMPTY, &group_size));
    MPI_OK(MPI_Group_rank(MPI_GROUP_EMPTY, &group_rank));
    EXPECT_EQ(group_size, 0);
    EXPECT_EQ(group_rank, MPI_UNDEFINED);
    EXPECT_EQ(compare(MPI_GROUP_EMPTY, MPI_GROUP_EMPTY), MPI_IDENT);
    EXPECT_EQ(compare(MPI_GROUP_EMPTY, all()), MPI_UNEQUAL);
}

TEST_F(Groups, FreeSetsTheHandleToNull) {
    MPI_Group group = MPI_GROUP_NULL;
    MPI_OK(MPI_Comm_group(comm(), &group));
    MPI_OK(MPI_Group_free(&group));
    EXPECT_TRUE(group == MPI_GROUP_NULL);
}

TEST_F(Groups, OutliveTheirCommunicator) {
    MPI_Comm copy = MPI_COMM_NULL;
    MPI_OK(MPI_Comm_dup(comm(), &copy));
    Group group;
    MPI_OK(MPI_Comm_group(copy, group.out()));
    MPI_OK(MPI_Comm_free(&copy));
    EXPECT_EQ(members(group), everyone());
}

TEST_F(Groups, InclInAnyOrder) {
    Ranks backwards = everyone();
    std::reverse(backwards.begin(), backwards.end());
    const Group group = incl(backwards);
    EXPECT_EQ(members(group), backwards);
    int group_rank = -1;
    MPI_OK(MPI_Group_rank(group.get(), &group_rank));
    EXPECT_EQ(group_rank, size() - 1 - rank());
    EXPECT_EQ(compare(group.get(), all()), size() == 1 ? MPI_IDENT : MPI_SIMILAR);
    EXPECT_EQ(compare(incl(everyone()).get(), all()), MPI_IDENT);
}

TEST_F(Groups, InclOfNothingIsEmpty) {
    Group group;
    MPI_OK(MPI_Group_incl(all(), 0, nullptr, group.out()));
    EXPECT_EQ(members(group), Ranks{});
    EXPECT_EQ(compare(group.get(), MPI_GROUP_EMPTY), MPI_IDENT);
}

TEST_F(Groups, NonMembersHaveNoRank) {
    const Group group = incl({0});
    int group_rank = -5;
    MPI_OK(MPI_Group_rank(group.get(), &group_rank));
    EXPECT_EQ(group_rank, rank() == 0 ? 0 : MPI_UNDEFINED);
}

TEST_F(Groups, ExclKeepsTheOrderOfTheRest) {
    Group group;
    const int last = size() - 1;
    MPI_OK(MPI_Group_excl(all(), 1, &last, group.out()));
    Ranks expected = everyone();
    expected.pop_back();
    EXPECT_EQ(members(group), expected);

    Group same;
    MPI_OK(MPI_Group_excl(all(), 0, nullptr, same.out()));
    EXPECT_EQ(compare(same.get(), all()), MPI_IDENT);

    Group none;
    const Ranks ranks = everyone();
    MPI_OK(MPI_Group_excl(all(), size(), ranks.data(), none.out()));
    EXPECT_EQ(compare(none.get(), MPI_GROUP_EMPTY), MPI_IDENT);
}

TEST_F(Groups, Union) {
    NEED_RANKS(4);
    const Group a = incl({2, 0});
    const Group b = incl({3, 0, 1});
    Group both;
    MPI_OK(MPI_Group_union(a.get(), b.get(), both.out()));
    EXPECT_EQ(members(both), (Ranks{2, 0, 3, 1}))
        << "the first, then what the second adds, in order";
    Group same;
    MPI_OK(MPI_Group_union(a.get(), MPI_GROUP_EMPTY, same.out()));
    EXPECT_EQ(members(same), (Ranks{2, 0}));
    Group other;
    MPI_OK(MPI_Group_union(MPI_GROUP_EMPTY, b.get(), other.out()));
    EXPECT_EQ(members(other), (Ranks{3, 0, 1}));
}

TEST_F(Groups, Intersection) {
    NEED_RANKS(4);
    const Group a = incl({3, 0, 2});
    const Group b = incl({1, 2, 3});
    Group both;
    MPI_OK(MPI_Group_intersection(a.get(), b.get(), both.out()));
    EXPECT_EQ(members(both), (Ranks{3, 2})) << "in the order of the first";
    const Group c = incl({1});
    Group none;
    MPI_OK(MPI_Group_intersection(a.get(), c.get(), none.out()));
    EXPECT_EQ(compare(none.get(), MPI_GROUP_EMPTY), MPI_IDENT);
}

TEST_F(Groups, Difference) {
    NEED_RANKS(4);
    const Group a = incl({3, 0, 2});
    const Group b = incl({1, 2});
    Group rest;
    MPI_OK(MPI_Group_difference(a.get(), b.get(), rest.out()));
    EXPECT_EQ(members(rest), (Ranks{3, 0}));
    Group none;
    MPI_OK(MPI_Group_difference(a.get(), a.get(), none.out()));
    EXPECT_EQ(compare(none.get(), MPI_GROUP_EMPTY), MPI_IDENT);
}

TEST_F(Groups, RangeIncl) {
    NEED_RANKS(4);
    const auto range_incl = [&](std::vector<std::array<int, 3>> ranges) {
        Group group;
        EXPECT_MPI_OK(MPI_Group_range_incl(
            all(), to_int(ranges.size()), reinterpret_cast<int(*)[3]>(ranges.data()), group.out()));
        return members(group);
    };
    EXPECT_EQ(range_incl({{0, 3, 1}}), (Ranks{0, 1, 2, 3}));
    EXPECT_EQ(range_incl({{0, 3, 2}}), (Ranks{0, 2}));
    EXPECT_EQ(range_incl({{0, 3, 3}}), (Ranks{0, 3}));
    EXPECT_EQ(range_incl({{0, 3, 5}}), (Ranks{0}));
    EXPECT_EQ(range_incl({{3, 0, -1}}), (Ranks{3, 2, 1, 0}));
    EXPECT_EQ(range_incl({{3, 0, -2}}), (Ranks{3, 1}));
    EXPECT_EQ(range_incl({{2, 2, 1}, {3, 3, -1}, {1, 0, -1}}), (Ranks{2, 3, 1, 0}));
    EXPECT_EQ(range_incl({}), Ranks{});
}

// A stride that leads away from the end of its range: refused by all libraries, with classes of
// their own choice, since the standard names none.
TEST_F(Groups, RangeAgainstItsDirection) {
    NEED_RANKS(2);
    MPI_OK(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN));
    MPI_OK(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN));
    int ranges[][3] = {{1, 0, 1}, {0, 1, -1}};
    for (auto& range : ranges) {
        MPI_Group group = MPI_GROUP_NULL;
        EXPECT_NE(MPI_Group_range_incl(all(), 1, &range, &group), MPI_SUCCESS);
        EXPECT_NE(MPI_Group_range_excl(all(), 1, &range, &group), MPI_SUCCESS);
    }
    MPI_OK(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_ARE_FATAL));
    MPI_OK(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_ARE_FATAL));
}

TEST_F(Groups, RangeExcl) {
    NEED_RANKS(4);
    const auto range_excl = [&](std::vector<std::array<int, 3>> ranges) {
        Group group;
        EXPECT_MPI_OK(MPI_Group_range_excl(
            all(), to_int(ranges.size()), reinterpret_cast<int(*)[3]>(ranges.data()), group.out()));
        Ranks result = members(group);
        std::erase_if(result, [](int r) { return r > 3; });
        return result;
    };
    EXPECT_EQ(range_excl({{0, 3, 2}}), (Ranks{1, 3}));
    EXPECT_EQ(range_excl({{3, 0, -3}}), (Ranks{1, 2}));
    EXPECT_EQ(range_excl({{1, 1, 1}, {0, 0, 1}}), (Ranks{2, 3}));
    EXPECT_EQ(range_excl({{0, 3, 1}}), Ranks{});
    EXPECT_EQ(range_excl({}), (Ranks{0, 1, 2, 3}));
}

TEST_F(Groups, TranslateRanks) {
    NEED_RANKS(3);
    const Group a = incl({2, 0, 1});
    const Group b = incl({1, 2});
    const std::array<int, 4> from{0, MPI_PROC_NULL, 2, 1};
    std::array<int, 4> to{};
    MPI_OK(MPI_Group_translate_ranks(a.get(), 4, from.data(), b.get(), to.data()));
    EXPECT_EQ(to, (std::array<int, 4>{1, MPI_PROC_NULL, 0, MPI_UNDEFINED}));
    MPI_OK(MPI_Group_translate_ranks(a.get(), 0, nullptr, b.get(), nullptr));
    // Into the empty group there is no way; of a rank twice the same answer twice.
    MPI_OK(MPI_Group_translate_ranks(a.get(), 1, from.data(), MPI_GROUP_EMPTY, to.data()));
    EXPECT_EQ(to[0], MPI_UNDEFINED);
    const std::array<int, 2> twice{2, 2};
    MPI_OK(MPI_Group_translate_ranks(a.get(), 2, twice.data(), b.get(), to.data()));
    EXPECT_EQ(to[0], 0);
    EXPECT_EQ(to[1], 0);
}

TEST_F(Groups, SizeOfEachResultAddsUp) {
    for (int cut = 0; cut <= size(); ++cut) {
        const Ranks every = everyone();
        const Group low = incl(Ranks(every.begin(), every.begin() + cut));
        const Group high = incl(Ranks(every.begin() + cut, every.end()));
        Group both;
        Group common;
        Group rest;
        MPI_OK(MPI_Group_union(low.get(), high.get(), both.out()));
        MPI_OK(MPI_Group_intersection(low.get(), high.get(), common.out()));
        MPI_OK(MPI_Group_difference(both.get(), low.get(), rest.out()));
        EXPECT_EQ(compare(both.get(), all()), MPI_IDENT);
        EXPECT_EQ(compare(common.get(), MPI_GROUP_EMPTY), MPI_IDENT);
        EXPECT_EQ(compare(rest.get(), high.get()), MPI_IDENT);
    }
}

}  // namespace
