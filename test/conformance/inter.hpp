// What the tests of collectives on intercommunicators share: two groups, split in several ways.
#pragma once

#include "test/conformance/coll.hpp"

namespace inter {

enum class Split {
    kFirstAlone,   // rank 0 against all others
    kThirds,       // the first third against the rest
    kInterleaved,  // even ranks against odd ones
};

inline const char* name_of(Split split) {
    constexpr std::array<const char*, 3> kNames{"FirstAlone", "Thirds", "Interleaved"};
    return kNames[static_cast<std::size_t>(split)];
}
inline std::ostream& operator<<(std::ostream& out, Split split) {
    return out << name_of(split);
}

class InterTest : public mpitest::MpiTest, public testing::WithParamInterface<Split> {
  protected:
    void SetUp() override {
        MpiTest::SetUp();
        NEED_RANKS(2);
        switch (GetParam()) {
            case Split::kFirstAlone: side_ = rank() > 0; break;
            case Split::kThirds: side_ = rank() >= (size() + 2) / 3; break;
            case Split::kInterleaved: side_ = rank() % 2; break;
        }
        int other_leader = 0;
        if (side_ == 0) {
            switch (GetParam()) {
                case Split::kThirds: other_leader = (size() + 2) / 3; break;
                default: other_leader = 1;
            }
        }
        MPI_Comm mine = MPI_COMM_NULL;
        MPI_OK(MPI_Comm_split(comm(), side_, rank(), &mine));
        MPI_OK(MPI_Intercomm_create(mine, 0, comm(), other_leader, 7, &between_));
        MPI_OK(MPI_Comm_free(&mine));
        MPI_OK(MPI_Comm_set_errhandler(between_, MPI_ERRORS_RETURN));
        MPI_OK(MPI_Comm_rank(between_, &me_));
        MPI_OK(MPI_Comm_size(between_, &ours_));
        MPI_OK(MPI_Comm_remote_size(between_, &theirs_));
    }
    void TearDown() override {
        if (between_ != MPI_COMM_NULL) {
            EXPECT_MPI_OK(MPI_Comm_free(&between_));
        }
        MpiTest::TearDown();
    }

    MPI_Comm between() const { return between_; }
    int side() const { return side_; }      // 0 or 1
    int me() const { return me_; }          // rank in the own group
    int ours() const { return ours_; }      // size of the own group
    int theirs() const { return theirs_; }  // size of the other one
    int size_of(int side) const { return side == side_ ? ours_ : theirs_; }

    // A number for each process, different ones in the two groups.
    static int id(int side, int rank) { return side * 100 + rank; }
    int my_id() const { return id(side_, me_); }
    int their_id(int rank) const { return id(1 - side_, rank); }

    // Calls f(root argument, is this process the root, does this process belong to the other
    // group) for every process as root in turn.
    template <class F>
    void for_every_root(F f) const {
        for (int root_side = 0; root_side < 2; ++root_side) {
            for (int root = 0; root < size_of(root_side); ++root) {
                SCOPED_TRACE("root " + std::to_string(root) + " of side " +
                             std::to_string(root_side));
                if (side_ != root_side) {
                    f(root, false, true);
                } else if (me_ == root) {
                    f(MPI_ROOT, true, false);
                } else {
                    f(MPI_PROC_NULL, false, false);
                }
            }
        }
    }
    // Which group a root is in, for the processes that talk to it.
    int leaf_side(bool is_root) const { return is_root ? 1 - side_ : side_; }

  private:
    MPI_Comm between_ = MPI_COMM_NULL;
    int side_ = 0;
    int me_ = -1;
    int ours_ = 0;
    int theirs_ = 0;
};

#define INSTANTIATE_SPLITS(fixture)                                       \
    INSTANTIATE_TEST_SUITE_P(                                             \
        Inter, fixture,                                                   \
        testing::Values(inter::Split::kFirstAlone, inter::Split::kThirds, \
                        inter::Split::kInterleaved),                      \
        [](const auto& split) { return std::string(inter::name_of(split.param)); })

}  // namespace inter
