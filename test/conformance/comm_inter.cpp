// Intercommunicators: made, asked, spoken over, duplicated, split, merged, freed; and the errors.
#include <algorithm>
#include <array>

#include "test/conformance/comm.hpp"
#include "test/conformance/errors.hpp"

namespace {

using comms::compare;
using comms::rank_in;
using comms::size_of;
using mpitest::to_int;

int remote_size_of(MPI_Comm comm) {
    int size = -1;
    EXPECT_MPI_OK(MPI_Comm_remote_size(comm, &size));
    return size;
}

// Ranks in the world of a group's members, in order.
std::vector<int> world_ranks(MPI_Group group) {
    int size = 0;
    EXPECT_MPI_OK(MPI_Group_size(group, &size));
    std::vector<int> ranks(static_cast<std::size_t>(size)), out(ranks.size());
    for (int i = 0; i < size; ++i) ranks[static_cast<std::size_t>(i)] = i;
    MPI_Group world = MPI_GROUP_NULL;
    EXPECT_MPI_OK(MPI_Comm_group(MPI_COMM_WORLD, &world));
    EXPECT_MPI_OK(MPI_Group_translate_ranks(group, size, ranks.data(), world, out.data()));
    EXPECT_MPI_OK(MPI_Group_free(&world));
    return out;
}

std::vector<int> members(MPI_Comm comm) {
    MPI_Group group = MPI_GROUP_NULL;
    EXPECT_MPI_OK(MPI_Comm_group(comm, &group));
    std::vector<int> ranks = world_ranks(group);
    EXPECT_MPI_OK(MPI_Group_free(&group));
    return ranks;
}

std::vector<int> remote_members(MPI_Comm comm) {
    MPI_Group group = MPI_GROUP_NULL;
    EXPECT_MPI_OK(MPI_Comm_remote_group(comm, &group));
    std::vector<int> ranks = world_ranks(group);
    EXPECT_MPI_OK(MPI_Group_free(&group));
    return ranks;
}

// Every rank sends its rank in the world to every remote rank.
void expect_usable(MPI_Comm inter) {
    const std::vector<int> remote = remote_members(inter);
    int mine = rank_in(MPI_COMM_WORLD);
    std::vector<MPI_Request> sends(remote.size());
    for (std::size_t i = 0; i < remote.size(); ++i) {
        EXPECT_MPI_OK(MPI_Isend(&mine, 1, MPI_INT, to_int(i), 3, inter, &sends[i]));
    }
    for (std::size_t i = 0; i < remote.size(); ++i) {
        int got = -1;
        MPI_Status status;
        EXPECT_MPI_OK(MPI_Recv(&got, 1, MPI_INT, MPI_ANY_SOURCE, 3, inter, &status));
        ASSERT_TRUE(status.MPI_SOURCE >= 0 && status.MPI_SOURCE < to_int(remote.size()));
        EXPECT_EQ(got, remote[static_cast<std::size_t>(status.MPI_SOURCE)]);
    }
    EXPECT_MPI_OK(MPI_Waitall(to_int(sends.size()), sends.data(), MPI_STATUSES_IGNORE));
}

// An intercommunicator of the even and the odd ranks, each side in reverse order; its leaders are
// not their sides' rank 0 when there are enough of them.
class Inter : public errors::ErrorTest {
  protected:
    void SetUp() override {
        ErrorTest::SetUp();
        if (size() < 2) return;
        MPI_OK(MPI_Comm_split(comm(), side(), -rank(), &local_));
        // Rank 0 and rank 1 of comm() are the last ones of their sides.
        MPI_OK(MPI_Intercomm_create(local_, size_of(local_) - 1, comm(), 1 - side(), 12, &inter_));
        MPI_OK(MPI_Comm_set_errhandler(inter_, MPI_ERRORS_RETURN));
    }
    void TearDown() override {
        if (inter_ != MPI_COMM_NULL) {
            EXPECT_MPI_OK(MPI_Comm_free(&inter_));
            EXPECT_MPI_OK(MPI_Comm_free(&local_));
        }
        ErrorTest::TearDown();
    }
    int side() const { return rank() % 2; }
    // Ranks in the world of one side, in its order.
    std::vector<int> side_members(int which) const {
        std::vector<int> ranks;
        for (int r = size() - 1; r >= 0; --r) {
            if (r % 2 == which) ranks.push_back(r);
        }
        return ranks;
    }

    MPI_Comm local_ = MPI_COMM_NULL;
    MPI_Comm inter_ = MPI_COMM_NULL;
};

TEST_F(Inter, KnowsBothSides) {
    NEED_RANKS(2);
    int flag = -1;
    MPI_OK(MPI_Comm_test_inter(inter_, &flag));
    EXPECT_EQ(flag, 1);
    MPI_OK(MPI_Comm_test_inter(local_, &flag));
    EXPECT_EQ(flag, 0);
    EXPECT_EQ(rank_in(inter_), rank_in(local_));
    EXPECT_EQ(size_of(inter_), size_of(local_));
    EXPECT_EQ(remote_size_of(inter_), size() - size_of(local_));
    EXPECT_EQ(members(inter_), side_members(side()));
    EXPECT_EQ(remote_members(inter_), side_members(1 - side()));
}

TEST_F(Inter, MessagesGoToTheOtherSide) {
    NEED_RANKS(2);
    expect_usable(inter_);
    // A rank of the same number on this side is not meant.
    MPI_Request request = MPI_REQUEST_NULL;
    int got = -1;
    MPI_OK(MPI_Irecv(&got, 1, MPI_INT, 0, 9, inter_, &request));
    const int out = 100 + side();
    if (rank_in(inter_) == 0) {
        for (int r = 0; r < remote_size_of(inter_); ++r) {
            MPI_OK(MPI_Ssend(&out, 1, MPI_INT, r, 9, inter_));
        }
    }
    MPI_OK(MPI_Wait(&request, MPI_STATUS_IGNORE));
    EXPECT_EQ(got, 101 - side());
    MPI_OK(MPI_Send(&out, 1, MPI_INT, MPI_PROC_NULL, 9, inter_));
}

TEST_F(Inter, Dup) {
    NEED_RANKS(2);
    MPI_Comm copy = MPI_COMM_NULL;
    MPI_OK(MPI_Comm_dup(inter_, &copy));
    EXPECT_EQ(compare(inter_, copy), MPI_CONGRUENT);
    EXPECT_EQ(compare(inter_, inter_), MPI_IDENT);
    EXPECT_EQ(compare(inter_, local_), MPI_UNEQUAL);
    expect_usable(copy);
    MPI_OK(MPI_Comm_free(&copy));
}

TEST_F(Inter, Idup) {
    NEED_RANKS(2);
    MPI_Comm copy = MPI_COMM_NULL, blocking = MPI_COMM_NULL;
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_OK(MPI_Comm_idup(inter_, &copy, &request));
    MPI_OK(MPI_Comm_dup(inter_, &blocking));
    MPI_OK(MPI_Wait(&request, MPI_STATUS_IGNORE));
    EXPECT_EQ(compare(blocking, copy), MPI_CONGRUENT);
    expect_usable(copy);
    expect_usable(blocking);
    MPI_OK(MPI_Comm_free(&copy));
    MPI_OK(MPI_Comm_free(&blocking));
}

TEST_F(Inter, CompareSimilar) {
    NEED_RANKS(4);
    MPI_Comm reversed = MPI_COMM_NULL;
    MPI_OK(MPI_Comm_split(inter_, 0, -rank_in(inter_), &reversed));
    EXPECT_EQ(compare(inter_, reversed), MPI_SIMILAR);
    expect_usable(reversed);
    MPI_OK(MPI_Comm_free(&reversed));
}

TEST_F(Inter, Split) {
    NEED_RANKS(2);
    // By position in the side: 0, 1, 2 of each side are together; and in the end nobody is.
    MPI_Comm pair = MPI_COMM_NULL;
    MPI_OK(MPI_Comm_split(inter_, rank_in(inter_), 0, &pair));
    const bool has_partner = rank_in(inter_) < remote_size_of(inter_);
    ASSERT_EQ(pair != MPI_COMM_NULL, has_partner);
    if (has_partner) {
        EXPECT_EQ(size_of(pair), 1);
        EXPECT_EQ(remote_size_of(pair), 1);
        expect_usable(pair);
        MPI_OK(MPI_Comm_free(&pair));
    }
    MPI_Comm none = MPI_COMM_WORLD;
    MPI_OK(MPI_Comm_split(inter_, side() == 0 ? 5 : MPI_UNDEFINED, 0, &none));
    EXPECT_EQ(none, MPI_COMM_NULL);
    MPI_OK(MPI_Comm_split(inter_, side(), 0, &none));
    EXPECT_EQ(none, MPI_COMM_NULL);
}

TEST_F(Inter, Create) {
    NEED_RANKS(2);
    MPI_Group all = MPI_GROUP_NULL, some = MPI_GROUP_NULL;
    MPI_OK(MPI_Comm_group(inter_, &all));
    // All but the first of this side, in reverse order; of the other side likewise.
    const int own = size_of(inter_);
    int range[1][3] = {{own - 1, own > 1 ? 1 : 0, -1}};
    MPI_OK(MPI_Group_range_incl(all, 1, range, &some));
    MPI_Comm part = MPI_COMM_NULL;
    MPI_OK(MPI_Comm_create(inter_, some, &part));
    int in = -1;
    MPI_OK(MPI_Group_rank(some, &in));
    ASSERT_EQ(part != MPI_COMM_NULL, in != MPI_UNDEFINED);
    if (part != MPI_COMM_NULL) {
        EXPECT_EQ(size_of(part), std::max(own - 1, 1));
        EXPECT_EQ(remote_size_of(part), std::max(remote_size_of(inter_) - 1, 1));
        EXPECT_EQ(rank_in(part), in);
        expect_usable(part);
        MPI_OK(MPI_Comm_free(&part));
    }
    // One side stays empty: there is no communicator.
    MPI_OK(MPI_Comm_create(inter_, side() == 0 ? some : MPI_GROUP_EMPTY, &part));
    EXPECT_EQ(part, MPI_COMM_NULL);
    MPI_OK(MPI_Group_free(&some));
    MPI_OK(MPI_Group_free(&all));
}

TEST_F(Inter, Merge) {
    NEED_RANKS(2);
    for (const int high_side : {0, 1}) {
        MPI_Comm merged = MPI_COMM_NULL;
        MPI_OK(MPI_Intercomm_merge(inter_, side() == high_side ? 7 : 0, &merged));
        std::vector<int> expected = side_members(1 - high_side);
        const std::vector<int> high = side_members(high_side);
        expected.insert(expected.end(), high.begin(), high.end());
        EXPECT_EQ(members(merged), expected);
        int flag = -1;
        MPI_OK(MPI_Comm_test_inter(merged, &flag));
        EXPECT_EQ(flag, 0);
        int sum = 0;
        const int one = 1;
        MPI_OK(MPI_Allreduce(&one, &sum, 1, MPI_INT, MPI_SUM, merged));
        EXPECT_EQ(sum, size());
        MPI_OK(MPI_Comm_free(&merged));
    }
    // Undecided: either order, but the same everywhere, and no side is torn apart.
    for (const int high : {0, 1}) {
        MPI_Comm merged = MPI_COMM_NULL;
        MPI_OK(MPI_Intercomm_merge(inter_, high, &merged));
        const std::vector<int> order = members(merged);
        std::vector<int> first = order;
        MPI_OK(MPI_Bcast(first.data(), to_int(first.size()), MPI_INT, 0, merged));
        EXPECT_EQ(order, first);
        EXPECT_TRUE(std::is_partitioned(order.begin(), order.end(),
                                        [&](int r) { return r % 2 == order[0] % 2; }));
        MPI_OK(MPI_Comm_free(&merged));
    }
}

TEST_F(Inter, ManyLiveAndDie) {
    NEED_RANKS(2);
    for (int i = 0; i < 50; ++i) {
        MPI_Comm copy = MPI_COMM_NULL, again = MPI_COMM_NULL, merged = MPI_COMM_NULL;
        MPI_OK(MPI_Comm_dup(inter_, &copy));
        MPI_OK(MPI_Comm_dup(copy, &again));
        MPI_OK(MPI_Comm_free(&copy));
        MPI_OK(MPI_Intercomm_merge(again, side(), &merged));
        expect_usable(again);
        MPI_OK(MPI_Comm_free(&merged));
        MPI_OK(MPI_Comm_free(&again));
    }
}

TEST_F(Inter, FreedWhilePending) {
    NEED_RANKS(2);
    MPI_Comm copy = MPI_COMM_NULL;
    MPI_OK(MPI_Comm_dup(inter_, &copy));
    const bool has_partner = rank_in(inter_) < remote_size_of(inter_);
    const int partner = has_partner ? rank_in(inter_) : MPI_PROC_NULL;
    std::array<MPI_Request, 2> requests{};
    int in = -1;
    const int out = rank();
    MPI_OK(MPI_Irecv(&in, 1, MPI_INT, partner, 0, copy, &requests[0]));
    MPI_OK(MPI_Isend(&out, 1, MPI_INT, partner, 0, copy, &requests[1]));
    MPI_OK(MPI_Comm_free(&copy));
    MPI_OK(MPI_Waitall(2, requests.data(), MPI_STATUSES_IGNORE));
    const std::vector<int> remote = remote_members(inter_);
    EXPECT_EQ(in, has_partner ? remote[static_cast<std::size_t>(partner)] : -1);
}

TEST_F(Inter, DisconnectWaitsForWhatIsPending) {
    MPI_Comm copy = MPI_COMM_NULL;
    MPI_OK(MPI_Comm_dup(comm(), &copy));
    std::vector<int> in(300'000, -1);
    const std::vector<int> out(in.size(), rank());
    MPI_Request request = MPI_REQUEST_NULL, forgotten = MPI_REQUEST_NULL;
    MPI_OK(MPI_Irecv(in.data(), to_int(in.size()), MPI_INT, previous(), 0, copy, &request));
    MPI_OK(MPI_Isend(out.data(), to_int(out.size()), MPI_INT, next(), 0, copy, &forgotten));
    MPI_OK(MPI_Request_free(&forgotten));
    MPI_OK(MPI_Comm_disconnect(&copy));
    EXPECT_EQ(copy, MPI_COMM_NULL);
    EXPECT_EQ(in.back(), previous());
    MPI_OK(MPI_Wait(&request, MPI_STATUS_IGNORE));
    if (size() < 2) return;
    MPI_OK(MPI_Comm_dup(inter_, &copy));
    MPI_OK(MPI_Comm_disconnect(&copy));
    EXPECT_EQ(copy, MPI_COMM_NULL);
}

TEST_F(Inter, PeerMayBeAnIntercommunicator) {
    NEED_RANKS(2);
    SKIP_ON_PEER(kOpenMpi, "wants an intracommunicator");
    MPI_Comm second = MPI_COMM_NULL;
    MPI_OK(MPI_Intercomm_create(local_, 0, inter_, 0, 4, &second));
    EXPECT_EQ(compare(inter_, second), MPI_CONGRUENT);
    expect_usable(second);
    MPI_OK(MPI_Comm_free(&second));
}

TEST_F(Inter, ErrorsOfTheLocalArguments) {
    NEED_RANKS(2);
    MPI_Comm out = MPI_COMM_NULL;
    int value = 0;
    MPI_Group group = MPI_GROUP_NULL;
    run({
        {"local_leader too large", MPI_ERR_RANK,
         [&] { return MPI_Intercomm_create(local_, size(), comm(), 0, 1, &out); }},
        {"local_leader negative", MPI_ERR_RANK,
         [&] { return MPI_Intercomm_create(local_, -1, comm(), 0, 1, &out); }},
        {"local_comm null", MPI_ERR_COMM,
         [&] { return MPI_Intercomm_create(MPI_COMM_NULL, 0, comm(), 0, 1, &out); }},
        {"local_comm an intercommunicator", MPI_ERR_COMM,
         [&] { return MPI_Intercomm_create(inter_, 0, comm(), 0, 1, &out); }},
        {"tag negative", MPI_ERR_TAG,
         [&] { return MPI_Intercomm_create(local_, 0, comm(), 0, -1, &out); }},
        {"newintercomm null", MPI_ERR_ARG,
         [&] { return MPI_Intercomm_create(local_, 0, comm(), 0, 1, nullptr); },
         errors::For::kFathom},
        {"merge of an intracommunicator", MPI_ERR_COMM,
         [&] { return MPI_Intercomm_merge(comm(), 0, &out); }},
        {"remote_size of an intracommunicator", MPI_ERR_COMM,
         [&] { return MPI_Comm_remote_size(comm(), &value); }},
        {"remote_group of an intracommunicator", MPI_ERR_COMM,
         [&] { return MPI_Comm_remote_group(comm(), &group); }},
        {"test_inter of null", MPI_ERR_COMM,
         [&] { return MPI_Comm_test_inter(MPI_COMM_NULL, &value); }},
        {"disconnect of null", MPI_ERR_COMM,
         [&] {
             MPI_Comm null = MPI_COMM_NULL;
             return MPI_Comm_disconnect(&null);
         }},
        {"disconnect of the world", MPI_ERR_COMM,
         [&] {
             MPI_Comm world = MPI_COMM_WORLD;
             return MPI_Comm_disconnect(&world);
         },
         errors::For::kFathom},
        {"dest beyond the remote group", MPI_ERR_RANK,
         [&] { return MPI_Send(&value, 1, MPI_INT, remote_size_of(inter_), 0, inter_); }},
        {"source beyond the remote group", MPI_ERR_RANK,
         [&] {
             return MPI_Recv(&value, 1, MPI_INT, remote_size_of(inter_), 0, inter_,
                             MPI_STATUS_IGNORE);
         }},
    });
}

// What only the leader can see is reported on all processes of its side.
TEST_F(Inter, ErrorsOfTheLeader) {
    NEED_RANKS(2);
    FATHOM_ONLY("errors of the leader are reported on its whole side");
    const bool leads = rank_in(local_) == 0;
    MPI_Comm out = MPI_COMM_NULL;
    run({
        {"peer_comm null", MPI_ERR_COMM,
         [&] {
             return MPI_Intercomm_create(local_, 0, leads ? MPI_COMM_NULL : comm(), 0, 1, &out);
         }},
        {"remote_leader too large", MPI_ERR_RANK,
         [&] { return MPI_Intercomm_create(local_, 0, comm(), leads ? size() : 0, 1, &out); }},
        {"remote_leader the leader itself", MPI_ERR_RANK,
         [&] { return MPI_Intercomm_create(local_, 0, comm(), rank(), 1, &out); }},
    });
    if (size() < 3) return;  // each side is one process
    EXPECT_MPI_CLASS(MPI_Intercomm_merge(inter_, leads ? 1 : 0, &out), MPI_ERR_ARG);
}

}  // namespace
