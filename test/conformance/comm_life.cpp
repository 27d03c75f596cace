// Communicators: size, rank, dup, split, create, free, compare; and that their messages never mix.
#include <algorithm>
#include <array>
#include <numeric>

#include "test/conformance/comm.hpp"

namespace {

using comms::compare;
using comms::rank_in;
using comms::size_of;
using mpitest::to_int;

class Comm : public mpitest::MpiTest {};
class Context : public mpitest::MpiTest {};

// Ranks of the communicator in the world, in order.
std::vector<int> gathered_members(MPI_Comm comm) {
    int world_rank = -1;
    EXPECT_MPI_OK(MPI_Comm_rank(MPI_COMM_WORLD, &world_rank));
    std::vector<int> all(static_cast<std::size_t>(size_of(comm)));
    EXPECT_MPI_OK(MPI_Allgather(&world_rank, 1, MPI_INT, all.data(), 1, MPI_INT, comm));
    return all;
}

// Every communicator must work: a ring shift in it.
void expect_shifts(MPI_Comm comm) {
    const int size = size_of(comm);
    const int rank = rank_in(comm);
    int received = -1;
    EXPECT_MPI_OK(MPI_Sendrecv(&rank, 1, MPI_INT, (rank + 1) % size, 1, &received, 1, MPI_INT,
                               (rank + size - 1) % size, 1, comm, MPI_STATUS_IGNORE));
    EXPECT_EQ(received, (rank + size - 1) % size);
}

TEST_F(Comm, WorldAndSelf) {
    EXPECT_EQ(size_of(MPI_COMM_SELF), 1);
    EXPECT_EQ(rank_in(MPI_COMM_SELF), 0);
    EXPECT_EQ(size_of(MPI_COMM_WORLD), size());
    EXPECT_EQ(rank_in(MPI_COMM_WORLD), rank());
    expect_shifts(MPI_COMM_WORLD);
    expect_shifts(MPI_COMM_SELF);
}

TEST_F(Comm, Compare) {
    EXPECT_EQ(compare(comm(), comm()), MPI_IDENT);
    EXPECT_EQ(compare(comm(), MPI_COMM_WORLD), MPI_CONGRUENT);
    EXPECT_EQ(compare(MPI_COMM_WORLD, MPI_COMM_SELF), size() == 1 ? MPI_CONGRUENT : MPI_UNEQUAL);
    MPI_Comm reversed = MPI_COMM_NULL;
    MPI_OK(MPI_Comm_split(comm(), 0, -rank(), &reversed));
    EXPECT_EQ(compare(comm(), reversed), size() == 1 ? MPI_CONGRUENT : MPI_SIMILAR);
    MPI_OK(MPI_Comm_free(&reversed));
}

TEST_F(Comm, DupIsCongruentAndUsable) {
    MPI_Comm copy = MPI_COMM_NULL;
    MPI_OK(MPI_Comm_dup(comm(), &copy));
    EXPECT_EQ(compare(comm(), copy), MPI_CONGRUENT);
    EXPECT_EQ(size_of(copy), size());
    EXPECT_EQ(rank_in(copy), rank());
    expect_shifts(copy);
    MPI_OK(MPI_Comm_free(&copy));
    EXPECT_TRUE(copy == MPI_COMM_NULL);
}

TEST_F(Comm, DupOfSelf) {
    MPI_Comm copy = MPI_COMM_NULL;
    MPI_OK(MPI_Comm_dup(MPI_COMM_SELF, &copy));
    EXPECT_EQ(size_of(copy), 1);
    EXPECT_EQ(compare(MPI_COMM_SELF, copy), MPI_CONGRUENT);
    expect_shifts(copy);
    MPI_OK(MPI_Comm_free(&copy));
}

TEST_F(Comm, SplitByColorKeepsTheOrder) {
    for (int colors = 1; colors <= 3; ++colors) {
        MPI_Comm part = MPI_COMM_NULL;
        MPI_OK(MPI_Comm_split(comm(), rank() % colors, 0, &part));
        std::vector<int> expected;
        for (int r = rank() % colors; r < size(); r += colors) expected.push_back(r);
        EXPECT_EQ(gathered_members(part), expected);
        EXPECT_EQ(rank_in(part), rank() / colors);
        expect_shifts(part);
        MPI_OK(MPI_Comm_free(&part));
    }
}

TEST_F(Comm, SplitOrdersByKeyThenRank) {
    MPI_Comm part = MPI_COMM_NULL;
    // Keys fall, and two neighbours share one: ties go by the old rank.
    MPI_OK(MPI_Comm_split(comm(), 0, -(rank() / 2), &part));
    std::vector<int> expected(static_cast<std::size_t>(size()));
    std::iota(expected.begin(), expected.end(), 0);
    std::stable_sort(expected.begin(), expected.end(), [](int a, int b) { return a / 2 > b / 2; });
    EXPECT_EQ(gathered_members(part), expected);
    MPI_OK(MPI_Comm_free(&part));

    // Extremes of int as keys.
    MPI_OK(MPI_Comm_split(comm(), 7, rank() == 0 ? 2'147'483'647 : -2'147'483'647 - 1, &part));
    EXPECT_EQ(rank_in(part), rank() == 0 ? size() - 1 : rank() - 1);
    MPI_OK(MPI_Comm_free(&part));
}

TEST_F(Comm, SplitWithUndefinedColorGivesNull) {
    MPI_Comm part = MPI_COMM_WORLD;
    const bool in = rank() % 2 == 0;
    MPI_OK(MPI_Comm_split(comm(), in ? 3 : MPI_UNDEFINED, 0, &part));
    EXPECT_EQ(part != MPI_COMM_NULL, in);
    if (in) {
        EXPECT_EQ(size_of(part), (size() + 1) / 2);
        expect_shifts(part);
        MPI_OK(MPI_Comm_free(&part));
    }
    MPI_OK(MPI_Comm_split(comm(), MPI_UNDEFINED, 0, &part));
    EXPECT_TRUE(part == MPI_COMM_NULL);
}

TEST_F(Comm, SplitOfSplits) {
    MPI_Comm current = MPI_COMM_NULL;
    MPI_OK(MPI_Comm_dup(comm(), &current));
    while (size_of(current) > 1) {
        const int half = (size_of(current) + 1) / 2;
        const bool low = rank_in(current) < half;
        const int expected = low ? half : size_of(current) - half;
        MPI_Comm part = MPI_COMM_NULL;
        MPI_OK(MPI_Comm_split(current, low ? 0 : 1, 0, &part));
        MPI_OK(MPI_Comm_free(&current));
        current = part;
        EXPECT_EQ(size_of(current), expected);
        expect_shifts(current);
    }
    MPI_OK(MPI_Comm_free(&current));
}

TEST_F(Comm, CreateFromAGroup) {
    MPI_Group all = MPI_GROUP_NULL;
    MPI_OK(MPI_Comm_group(comm(), &all));
    // The even ranks, backwards.
    std::vector<int> ranks;
    for (int r = (size() - 1) / 2 * 2; r >= 0; r -= 2) ranks.push_back(r);
    MPI_Group evens = MPI_GROUP_NULL;
    MPI_OK(MPI_Group_incl(all, to_int(ranks.size()), ranks.data(), &evens));
    MPI_Comm part = MPI_COMM_WORLD;
    MPI_OK(MPI_Comm_create(comm(), evens, &part));
    if (rank() % 2 == 0) {
        ASSERT_TRUE(part != MPI_COMM_NULL);
        EXPECT_EQ(gathered_members(part), ranks);
        expect_shifts(part);
        MPI_OK(MPI_Comm_free(&part));
    } else {
        EXPECT_TRUE(part == MPI_COMM_NULL);
    }
    part = MPI_COMM_WORLD;
    MPI_OK(MPI_Comm_create(comm(), MPI_GROUP_EMPTY, &part));
    EXPECT_TRUE(part == MPI_COMM_NULL);
    MPI_OK(MPI_Group_free(&evens));
    MPI_OK(MPI_Group_free(&all));
}

// Disjoint groups at the same time: the standard allows each process its own.
TEST_F(Comm, CreateOfDisjointGroups) {
    MPI_Group all = MPI_GROUP_NULL;
    MPI_OK(MPI_Comm_group(comm(), &all));
    std::vector<int> ranks;
    for (int r = rank() % 2; r < size(); r += 2) ranks.push_back(r);
    MPI_Group mine = MPI_GROUP_NULL;
    MPI_OK(MPI_Group_incl(all, to_int(ranks.size()), ranks.data(), &mine));
    MPI_Comm part = MPI_COMM_NULL;
    MPI_OK(MPI_Comm_create(comm(), mine, &part));
    ASSERT_TRUE(part != MPI_COMM_NULL);
    EXPECT_EQ(gathered_members(part), ranks);
    MPI_OK(MPI_Comm_free(&part));
    MPI_OK(MPI_Group_free(&mine));
    MPI_OK(MPI_Group_free(&all));
}

TEST_F(Comm, ThousandsComeAndGo) {
    for (int round = 0; round < 2000; ++round) {
        MPI_Comm copy = MPI_COMM_NULL;
        MPI_OK(MPI_Comm_dup(comm(), &copy));
        MPI_OK(MPI_Comm_free(&copy));
    }
}

TEST_F(Comm, ManyAtOnce) {
    std::vector<MPI_Comm> copies(200, MPI_COMM_NULL);
    for (MPI_Comm& copy : copies) MPI_OK(MPI_Comm_dup(comm(), &copy));
    for (int i = 0; i < to_int(copies.size()); ++i) {
        int received = -1;
        MPI_OK(MPI_Sendrecv(&i, 1, MPI_INT, next(), 0, &received, 1, MPI_INT, previous(), 0,
                            copies[static_cast<std::size_t>(i)], MPI_STATUS_IGNORE));
        ASSERT_EQ(received, i);
    }
    for (MPI_Comm& copy : copies) MPI_OK(MPI_Comm_free(&copy));
}

// The handle goes at once; what is pending on it is still delivered.
TEST_F(Comm, FreeWithPendingTraffic) {
    for (const std::size_t size_bytes : mpitest::few_sizes_bytes()) {
        SCOPED_TRACE(size_bytes);
        MPI_Comm copy = MPI_COMM_NULL;
        MPI_OK(MPI_Comm_dup(comm(), &copy));
        const mpitest::Bytes sent = mpitest::pattern(size_bytes, 3);
        mpitest::Bytes received(size_bytes);
        std::array<MPI_Request, 2> requests{};
        MPI_OK(MPI_Irecv(received.data(), to_int(size_bytes), MPI_BYTE, previous(), 1, copy,
                         &requests[0]));
        MPI_OK(MPI_Isend(sent.data(), to_int(size_bytes), MPI_BYTE, next(), 1, copy, &requests[1]));
        MPI_OK(MPI_Comm_free(&copy));
        MPI_OK(MPI_Waitall(2, requests.data(), MPI_STATUSES_IGNORE));
        EXPECT_TRUE(mpitest::is_pattern(received.data(), size_bytes, 3));
    }
}

TEST_F(Context, TheSameTagOnTwoCommunicatorsDoesNotMix) {
    MPI_Comm copy = MPI_COMM_NULL;
    MPI_OK(MPI_Comm_dup(comm(), &copy));
    const int first = 1;
    const int second = 2;
    std::array<MPI_Request, 2> sends{};
    MPI_OK(MPI_Isend(&first, 1, MPI_INT, next(), 5, comm(), &sends[0]));
    MPI_OK(MPI_Isend(&second, 1, MPI_INT, next(), 5, copy, &sends[1]));
    int value = 0;
    MPI_OK(MPI_Recv(&value, 1, MPI_INT, MPI_ANY_SOURCE, MPI_ANY_TAG, copy, MPI_STATUS_IGNORE));
    EXPECT_EQ(value, 2);
    MPI_OK(MPI_Recv(&value, 1, MPI_INT, MPI_ANY_SOURCE, MPI_ANY_TAG, comm(), MPI_STATUS_IGNORE));
    EXPECT_EQ(value, 1);
    MPI_OK(MPI_Waitall(2, sends.data(), MPI_STATUSES_IGNORE));
    MPI_OK(MPI_Comm_free(&copy));
}

TEST_F(Context, PostedReceivesBelongToTheirCommunicator) {
    std::array<MPI_Comm, 3> comms{};
    std::array<int, 3> received{-1, -1, -1};
    std::array<MPI_Request, 3> requests{};
    for (std::size_t i = 0; i < 3; ++i) {
        MPI_OK(MPI_Comm_dup(comm(), &comms[i]));
        MPI_OK(MPI_Irecv(&received[i], 1, MPI_INT, MPI_ANY_SOURCE, MPI_ANY_TAG, comms[i],
                         &requests[i]));
    }
    MPI_OK(MPI_Barrier(comm()));
    for (int i = 2; i >= 0; --i)
        MPI_OK(MPI_Send(&i, 1, MPI_INT, next(), 9, comms[static_cast<std::size_t>(i)]));
    MPI_OK(MPI_Waitall(3, requests.data(), MPI_STATUSES_IGNORE));
    EXPECT_EQ(received, (std::array<int, 3>{0, 1, 2}));
    for (MPI_Comm& each : comms) MPI_OK(MPI_Comm_free(&each));
}

// Ranks of a status are those of the communicator of the receive.
TEST_F(Context, StatusSourceIsTheCommunicatorsRank) {
    MPI_Comm reversed = MPI_COMM_NULL;
    MPI_OK(MPI_Comm_split(comm(), 0, -rank(), &reversed));
    const int me = rank_in(reversed);
    EXPECT_EQ(me, size() - 1 - rank());
    const int to = (me + 1) % size();
    const int from = (me + size() - 1) % size();
    int received = -1;
    MPI_Status status;
    MPI_OK(MPI_Sendrecv(&me, 1, MPI_INT, to, 1, &received, 1, MPI_INT, MPI_ANY_SOURCE, 1, reversed,
                        &status));
    EXPECT_EQ(received, from);
    EXPECT_EQ(status.MPI_SOURCE, from);
    MPI_OK(MPI_Comm_free(&reversed));
}

}  // namespace
