// Several nonblocking collectives at once: on one communicator, completed in any order, among
// blocking ones and point-to-point messages.
#include <random>

#include "test/conformance/coll.hpp"

namespace {

using coll::u;
using coll::unset;
using coll::value;
using coll::values;

class Many : public mpitest::MpiTest {};

/// One pending operation with its data and the check of its result.
class Pending {
  public:
    Pending(int i, MPI_Comm comm) : index_(i) {
        MPI_Comm_rank(comm, &rank_);
        MPI_Comm_size(comm, &size_);
        count_ = i % 5 == 0 ? 20'000 : i % 17;
        root_ = i % size_;
        switch (i % 3) {
            case 0:
                data_ = rank_ == root_ ? values(i, count_) : unset(count_);
                EXPECT_MPI_OK(MPI_Ibcast(data_.data(), count_, MPI_INT, root_, comm, &request));
                break;
            case 1:
                mine_ = values(rank_ + i, count_);
                data_ = unset(count_);
                EXPECT_MPI_OK(MPI_Iallreduce(mine_.data(), data_.data(), count_, MPI_INT, MPI_MAX,
                                             comm, &request));
                break;
            default: EXPECT_MPI_OK(MPI_Ibarrier(comm, &request)); break;
        }
    }
    void check() const {
        if (index_ % 3 == 0) {
            ASSERT_EQ(data_, values(index_, count_)) << index_;
        } else if (index_ % 3 == 1) {
            ASSERT_EQ(data_, values(size_ - 1 + index_, count_)) << index_;
        }
    }

    MPI_Request request = MPI_REQUEST_NULL;

  private:
    int index_, rank_ = 0, size_ = 1, count_ = 0, root_ = 0;
    std::vector<int> mine_, data_;
};

std::vector<Pending> start_some(int n, MPI_Comm comm) {
    std::vector<Pending> all;
    all.reserve(u(n));
    for (int i = 0; i < n; ++i) all.emplace_back(i, comm);
    return all;
}

std::vector<MPI_Request> requests_of(const std::vector<Pending>& all) {
    std::vector<MPI_Request> requests;
    for (const Pending& p : all) requests.push_back(p.request);
    return requests;
}

TEST_F(Many, Waitall) {
    const std::vector<Pending> all = start_some(60, comm());
    std::vector<MPI_Request> requests = requests_of(all);
    MPI_OK(MPI_Waitall(60, requests.data(), MPI_STATUSES_IGNORE));
    for (const MPI_Request& r : requests) EXPECT_EQ(r, MPI_REQUEST_NULL);
    for (const Pending& p : all) p.check();
}

// Each rank completes them in an order of its own.
TEST_F(Many, WaitInAnyOrder) {
    std::vector<Pending> all = start_some(60, comm());
    std::vector<std::size_t> order(all.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::shuffle(order.begin(), order.end(), std::mt19937(static_cast<unsigned>(rank())));
    for (const std::size_t i : order) {
        MPI_OK(MPI_Wait(&all[i].request, MPI_STATUS_IGNORE));
        all[i].check();
    }
}

TEST_F(Many, WaitFromTheLastOn) {
    std::vector<Pending> all = start_some(40, comm());
    for (std::size_t i = all.size(); i-- > 0;) {
        MPI_OK(MPI_Wait(&all[i].request, MPI_STATUS_IGNORE));
        all[i].check();
    }
}

TEST_F(Many, Waitany) {
    const std::vector<Pending> all = start_some(40, comm());
    std::vector<MPI_Request> requests = requests_of(all);
    for (std::size_t n = 0; n < all.size(); ++n) {
        int index = -1;
        MPI_OK(MPI_Waitany(40, requests.data(), &index, MPI_STATUS_IGNORE));
        ASSERT_GE(index, 0);
        ASSERT_EQ(requests[u(index)], MPI_REQUEST_NULL);
        all[u(index)].check();
    }
    int index = 0;
    MPI_OK(MPI_Waitany(40, requests.data(), &index, MPI_STATUS_IGNORE));
    EXPECT_EQ(index, MPI_UNDEFINED);
}

TEST_F(Many, TestOneAfterTheOther) {
    std::vector<Pending> all = start_some(40, comm());
    std::size_t left = all.size();
    while (left > 0) {
        for (Pending& p : all) {
            if (p.request == MPI_REQUEST_NULL) continue;
            int flag = 0;
            MPI_OK(MPI_Test(&p.request, &flag, MPI_STATUS_IGNORE));
            if (flag == 0) continue;
            p.check();
            --left;
        }
    }
}

TEST_F(Many, TestsomeAndTestall) {
    const std::vector<Pending> all = start_some(30, comm());
    std::vector<MPI_Request> requests = requests_of(all);
    std::vector<int> indices(all.size());
    int done = 0;
    while (done < 15) {
        int n = 0;
        MPI_OK(MPI_Testsome(30, requests.data(), &n, indices.data(), MPI_STATUSES_IGNORE));
        for (int i = 0; i < n; ++i) all[u(indices[u(i)])].check();
        done += n;
    }
    int flag = 0;
    while (flag == 0) {
        MPI_OK(MPI_Testall(30, requests.data(), &flag, MPI_STATUSES_IGNORE));
    }
    for (const Pending& p : all) p.check();
}

TEST_F(Many, AThousandOutstanding) {
    const int n = 1000;
    std::vector<Pending> all = start_some(n, comm());
    // The last to the first and all others between.
    MPI_OK(MPI_Wait(&all.back().request, MPI_STATUS_IGNORE));
    all.back().check();
    std::vector<MPI_Request> requests = requests_of(all);
    MPI_OK(MPI_Waitall(n, requests.data(), MPI_STATUSES_IGNORE));
    for (const Pending& p : all) p.check();
}

// Blocking collectives on the same communicator between start and completion.
TEST_F(Many, AmongBlockingOnes) {
    for (int round = 0; round < 20; ++round) {
        SCOPED_TRACE(round);
        std::vector<Pending> all = start_some(9, comm());
        int sum = 0;
        MPI_OK(MPI_Allreduce(&round, &sum, 1, MPI_INT, MPI_SUM, comm()));
        ASSERT_EQ(sum, round * size());
        const int root = round % size();
        std::vector<int> data = rank() == root ? values(round, 100) : unset(100);
        MPI_OK(MPI_Bcast(data.data(), 100, MPI_INT, root, comm()));
        ASSERT_EQ(data, values(round, 100));
        std::vector<Pending> more = start_some(4, comm());
        MPI_OK(MPI_Barrier(comm()));
        for (Pending& p : more) {
            MPI_OK(MPI_Wait(&p.request, MPI_STATUS_IGNORE));
            p.check();
        }
        std::vector<int> long_data = rank() == root ? values(round, 50'000) : unset(50'000);
        MPI_OK(MPI_Bcast(long_data.data(), 50'000, MPI_INT, root, comm()));
        ASSERT_EQ(long_data, values(round, 50'000));
        for (Pending& p : all) {
            MPI_OK(MPI_Wait(&p.request, MPI_STATUS_IGNORE));
            p.check();
        }
    }
}

// Neither sees the other's messages, with wildcards either.
TEST_F(Many, AmongPointToPoint) {
    for (const int count : {1, 30'000}) {
        SCOPED_TRACE(count);
        std::vector<int> in = unset(count);
        const std::vector<int> out = values(rank(), count);
        MPI_Request receive = MPI_REQUEST_NULL;
        MPI_Request send = MPI_REQUEST_NULL;
        MPI_OK(MPI_Irecv(in.data(), count, MPI_INT, MPI_ANY_SOURCE, MPI_ANY_TAG, comm(), &receive));
        std::vector<Pending> all = start_some(12, comm());
        MPI_OK(MPI_Isend(out.data(), count, MPI_INT, next(), 5, comm(), &send));
        std::vector<MPI_Request> requests = requests_of(all);
        requests.push_back(send);
        requests.push_back(receive);
        std::vector<MPI_Status> statuses(requests.size());
        MPI_OK(MPI_Waitall(mpitest::to_int(requests.size()), requests.data(), statuses.data()));
        EXPECT_EQ(statuses.back().MPI_SOURCE, previous());
        EXPECT_EQ(statuses.back().MPI_TAG, 5);
        ASSERT_EQ(in, values(previous(), count));
        for (const Pending& p : all) p.check();
    }
}

// A rank that waits for a message lets its collectives go on.
TEST_F(Many, AReceiveMakesProgressForThem) {
    NEED_RANKS(2);
    std::vector<int> data = rank() == 0 ? values(1, 100'000) : unset(100'000);
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_OK(MPI_Ibcast(data.data(), 100'000, MPI_INT, 0, comm(), &request));
    int token = 0;
    if (rank() == 0) {
        // Comes only after everyone else has its data.
        for (int i = 1; i < size(); ++i) {
            MPI_OK(MPI_Recv(&token, 1, MPI_INT, i, 0, comm(), MPI_STATUS_IGNORE));
        }
        MPI_OK(MPI_Wait(&request, MPI_STATUS_IGNORE));
    } else {
        MPI_OK(MPI_Wait(&request, MPI_STATUS_IGNORE));
        MPI_OK(MPI_Send(&token, 1, MPI_INT, 0, 0, comm()));
    }
    ASSERT_EQ(data, values(1, 100'000));
}

TEST_F(Many, ABarrierHoldsUntilTheLastComes) {
    NEED_RANKS(2);
    MPI_Request request = MPI_REQUEST_NULL;
    int flag = 0;
    if (rank() == 0) {
        int token = 0;
        MPI_OK(MPI_Recv(&token, 1, MPI_INT, 1, 0, comm(), MPI_STATUS_IGNORE));
        MPI_OK(MPI_Ibarrier(comm(), &request));
    } else {
        MPI_OK(MPI_Ibarrier(comm(), &request));
        for (int i = 0; i < 100 && rank() == 1; ++i) {
            MPI_OK(MPI_Test(&request, &flag, MPI_STATUS_IGNORE));
            ASSERT_EQ(flag, 0);
        }
        if (rank() == 1) {
            MPI_OK(MPI_Send(&flag, 1, MPI_INT, 0, 0, comm()));
        }
    }
    MPI_OK(MPI_Wait(&request, MPI_STATUS_IGNORE));
}

// Ranks may be many operations apart.
TEST_F(Many, RanksArriveLate) {
    for (int late = 0; late < size(); ++late) {
        if (rank() == late) mpitest::sleep_ms(5);
        std::vector<Pending> all = start_some(30, comm());
        if (rank() == (late + 1) % size()) mpitest::sleep_ms(5);
        for (Pending& p : all) {
            MPI_OK(MPI_Wait(&p.request, MPI_STATUS_IGNORE));
            p.check();
        }
    }
}

TEST_F(Many, OnSeveralCommunicators) {
    MPI_Comm half = MPI_COMM_NULL;
    MPI_Comm copy = MPI_COMM_NULL;
    MPI_OK(MPI_Comm_split(comm(), rank() % 2, 0, &half));
    MPI_OK(MPI_Comm_dup(comm(), &copy));
    std::vector<Pending> a = start_some(10, comm());
    std::vector<Pending> b = start_some(10, half);
    std::vector<Pending> c = start_some(10, copy);
    for (auto* list : {&c, &a, &b}) {
        for (Pending& p : *list) {
            MPI_OK(MPI_Wait(&p.request, MPI_STATUS_IGNORE));
            p.check();
        }
    }
    MPI_OK(MPI_Comm_free(&half));
    MPI_OK(MPI_Comm_free(&copy));
}

TEST_F(Many, TheStatusIsEmpty) {
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_OK(MPI_Ibarrier(comm(), &request));
    MPI_Status status;
    status.MPI_ERROR = 77;
    MPI_OK(MPI_Wait(&request, &status));
    int count = -1;
    MPI_OK(MPI_Get_count(&status, MPI_BYTE, &count));
    EXPECT_EQ(count, 0);
    int cancelled = -1;
    MPI_OK(MPI_Test_cancelled(&status, &cancelled));
    EXPECT_EQ(cancelled, 0);
    EXPECT_EQ(status.MPI_ERROR, 77);
}

}  // namespace
