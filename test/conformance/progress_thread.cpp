// With FATHOM_PROGRESS_THREAD=1 operations go on while a rank calls no MPI function.
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <fstream>

#include "test/conformance/coll.hpp"

namespace {

/// What one rank tells another without MPI: that it is done.
class Flag {
  public:
    Flag(MPI_Comm comm, int owner) {
        int pid = getpid();
        MPI_Bcast(&pid, 1, MPI_INT, owner, comm);
        path_ = testing::TempDir() + "/fathom-progress-" + std::to_string(pid);
    }
    void set() const { std::ofstream(path_) << "done"; }
    bool is_set() const { return std::ifstream(path_).good(); }
    /// Waits for it, at most as long as the watchdog would.
    bool await() const {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (!is_set()) {
            if (std::chrono::steady_clock::now() > end) return false;
            mpitest::sleep_ms(1);
        }
        return true;
    }
    void clear() const { std::remove(path_.c_str()); }

  private:
    std::string path_;
};

class Progress : public mpitest::MpiTest {};

// Rank 2 hears from rank 0 in the second round: when rank 0 has heard from the last rank.
TEST_F(Progress, OfABarrier) {
    FATHOM_ONLY("a setting");
    NEED_RANKS(3);
    const Flag flag(comm(), 2);
    MPI_OK(MPI_Barrier(comm()));
    MPI_Request request = MPI_REQUEST_NULL;
    if (rank() == 0) {
        MPI_OK(MPI_Ibarrier(comm(), &request));
        EXPECT_TRUE(flag.await());
    } else {
        mpitest::sleep_ms(2);
        MPI_OK(MPI_Ibarrier(comm(), &request));
    }
    MPI_OK(MPI_Wait(&request, MPI_STATUS_IGNORE));
    if (rank() == 2) flag.set();
    MPI_OK(MPI_Barrier(comm()));
    if (rank() == 2) flag.clear();
}

// Long reductions need every rank several times.
TEST_F(Progress, OfAnAllreduce) {
    FATHOM_ONLY("a setting");
    NEED_RANKS(2);
    const Flag flag(comm(), 1);
    for (const int count : {1, 200'000}) {
        SCOPED_TRACE(count);
        const std::vector<int> mine(coll::u(count), rank());
        std::vector<int> sum(coll::u(count), -1);
        MPI_Request request = MPI_REQUEST_NULL;
        MPI_OK(MPI_Iallreduce(mine.data(), sum.data(), count, MPI_INT, MPI_SUM, comm(), &request));
        if (rank() == 0) {
            EXPECT_TRUE(flag.await());
        }
        MPI_OK(MPI_Wait(&request, MPI_STATUS_IGNORE));
        ASSERT_EQ(sum, std::vector<int>(coll::u(count), size() * (size() - 1) / 2));
        if (rank() == 1) flag.set();
        MPI_OK(MPI_Barrier(comm()));
        if (rank() == 1) flag.clear();
        MPI_OK(MPI_Barrier(comm()));
    }
}

TEST_F(Progress, OfALongSend) {
    FATHOM_ONLY("a setting");
    NEED_RANKS(2);
    const Flag flag(comm(), 1);
    std::vector<int> data = rank() == 0 ? coll::values(3, 500'000) : coll::unset(500'000);
    if (rank() == 0) {
        MPI_Request request = MPI_REQUEST_NULL;
        MPI_OK(MPI_Isend(data.data(), 500'000, MPI_INT, 1, 0, comm(), &request));
        EXPECT_TRUE(flag.await());
        MPI_OK(MPI_Wait(&request, MPI_STATUS_IGNORE));
    } else if (rank() == 1) {
        MPI_OK(MPI_Recv(data.data(), 500'000, MPI_INT, 0, 0, comm(), MPI_STATUS_IGNORE));
        ASSERT_EQ(data, coll::values(3, 500'000));
        flag.set();
    }
    MPI_OK(MPI_Barrier(comm()));
    if (rank() == 1) flag.clear();
}

// The thread does not disturb what the program's own calls do.
TEST_F(Progress, BesideBlockingCalls) {
    for (int round = 0; round < 200; ++round) {
        int sum = 0;
        MPI_OK(MPI_Allreduce(&round, &sum, 1, MPI_INT, MPI_SUM, comm()));
        ASSERT_EQ(sum, round * size());
        std::vector<int> in = coll::unset(1000);
        const std::vector<int> out = coll::values(rank() + round, 1000);
        MPI_OK(MPI_Sendrecv(out.data(), 1000, MPI_INT, next(), 0, in.data(), 1000, MPI_INT,
                            previous(), 0, comm(), MPI_STATUS_IGNORE));
        ASSERT_EQ(in, coll::values(previous() + round, 1000));
    }
}

}  // namespace
