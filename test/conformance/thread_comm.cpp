// Communicators made by several threads at a time.
#include <functional>
#include <thread>

#include "test/support/mpi_test.hpp"

namespace {

class ThreadComm : public mpitest::MpiTest {};

void in_threads(int n, const std::function<void(int)>& f) {
    std::vector<std::thread> threads;
    for (int i = 0; i < n; ++i) threads.emplace_back(f, i);
    for (std::thread& t : threads) t.join();
}

void expect_usable(MPI_Comm comm, int expected_size) {
    int sum = 0;
    const int one = 1;
    EXPECT_MPI_OK(MPI_Allreduce(&one, &sum, 1, MPI_INT, MPI_SUM, comm));
    EXPECT_EQ(sum, expected_size);
}

// Groups that overlap, of one parent, told apart by the tag; and a duplicate of the parent.
TEST_F(ThreadComm, GroupsOfOneParent) {
    constexpr int kThreads = 4, kRounds = 30;
    MPI_Group all = MPI_GROUP_NULL;
    MPI_OK(MPI_Comm_group(comm(), &all));
    in_threads(kThreads, [&](int t) {
        if (t == 0) {
            for (int i = 0; i < kRounds; ++i) {
                MPI_Comm copy = MPI_COMM_NULL;
                EXPECT_MPI_OK(MPI_Comm_dup(comm(), &copy));
                expect_usable(copy, size());
                EXPECT_MPI_OK(MPI_Comm_free(&copy));
            }
            return;
        }
        // All but one rank, another one for each thread.
        const int without = t % size();
        if (rank() == without && size() > 1) return;
        MPI_Group some = MPI_GROUP_NULL;
        EXPECT_MPI_OK(size() > 1 ? MPI_Group_excl(all, 1, &without, &some)
                                 : MPI_Group_union(all, all, &some));
        for (int i = 0; i < kRounds; ++i) {
            MPI_Comm made = MPI_COMM_NULL;
            EXPECT_MPI_OK(MPI_Comm_create_group(comm(), some, t, &made));
            expect_usable(made, size() > 1 ? size() - 1 : 1);
            EXPECT_MPI_OK(MPI_Comm_free(&made));
        }
        EXPECT_MPI_OK(MPI_Group_free(&some));
    });
    MPI_OK(MPI_Group_free(&all));
}

// Each thread joins the two halves of its own parent, and merges and duplicates what comes of it.
TEST_F(ThreadComm, Intercommunicators) {
    NEED_RANKS(2);
    constexpr int kThreads = 3, kRounds = 10;
    std::vector<MPI_Comm> parents(kThreads), halves(kThreads);
    for (int t = 0; t < kThreads; ++t) {
        const auto i = static_cast<std::size_t>(t);
        MPI_OK(MPI_Comm_dup(comm(), &parents[i]));
        MPI_OK(MPI_Comm_split(comm(), rank() % 2, 0, &halves[i]));
    }
    in_threads(kThreads, [&](int t) {
        const auto i = static_cast<std::size_t>(t);
        for (int round = 0; round < kRounds; ++round) {
            MPI_Comm inter = MPI_COMM_NULL, copy = MPI_COMM_NULL, merged = MPI_COMM_NULL;
            EXPECT_MPI_OK(
                MPI_Intercomm_create(halves[i], 0, parents[i], 1 - rank() % 2, 8, &inter));
            EXPECT_MPI_OK(MPI_Comm_dup(inter, &copy));
            EXPECT_MPI_OK(MPI_Comm_free(&inter));
            EXPECT_MPI_OK(MPI_Intercomm_merge(copy, rank() % 2, &merged));
            expect_usable(merged, size());
            EXPECT_MPI_OK(MPI_Comm_free(&copy));
            EXPECT_MPI_OK(MPI_Comm_free(&merged));
        }
    });
    for (MPI_Comm& parent : parents) MPI_OK(MPI_Comm_free(&parent));
    for (MPI_Comm& half : halves) MPI_OK(MPI_Comm_free(&half));
}

}  // namespace
