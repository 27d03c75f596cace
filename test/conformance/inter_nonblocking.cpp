// Nonblocking and persistent collectives on intercommunicators do what the blocking ones do.
#include "test/conformance/inter.hpp"
#include "test/conformance/nbc.hpp"

namespace {

using coll::u;
using coll::values;
using nbc::Args;
using nbc::Function;

class InterEach : public inter::InterTest {
  protected:
    // The arguments of one call, in one process.
    struct Call {
        std::vector<int> send, recv, counts, pairs, displs, bytes;
        std::vector<MPI_Datatype> types;
        Args args{};
    };

    // Everything is on both sides, as long as either side needs it.
    Call prepared(const Function& f, int n, int root, int round) const {
        const std::string name = f.name;
        // What is dealt out among a group is as long as what is among the other one.
        const bool dealt = name.starts_with("Reduce_scatter");
        const int block = dealt ? n * theirs() : n;
        const int most = std::max(ours(), theirs());
        Call c;
        for (int i = 0; i < most; ++i) {
            c.counts.push_back(dealt ? block : n == 0 ? i % 2 : n + i % 3);
            c.pairs.push_back(n == 0 ? (i + me()) % 2 : n + (i + me()) % 3);
            c.displs.push_back(i * (block + 3));
            c.bytes.push_back(c.displs.back() * mpitest::to_int(sizeof(int)));
        }
        c.types.assign(u(most), MPI_INT);
        c.send = values(my_id() + round, most * (block + 3));
        c.recv = values(my_id() + 50 + round, most * (block + 3));
        c.args = {c.send.data(),  c.recv.data(),   block,          c.counts.data(),
                  c.pairs.data(), c.displs.data(), c.bytes.data(), c.types.data(),
                  MPI_INT,        MPI_SUM,         root,           me(),
                  between()};
        return c;
    }

    // Calls what(function, number of elements, root) for each combination.
    template <class What>
    void for_all(What what) const {
        for (const Function& f : nbc::functions()) {
            if (f.within_a_group) continue;
            for (const int n : {0, 1, 17, 20'000}) {
                SCOPED_TRACE(testing::Message() << f.name << " of " << n);
                for_every_root([&](int root, bool, bool) { what(f, n, root); });
                if (HasFatalFailure()) return;
            }
        }
    }
};

TEST_P(InterEach, NonblockingAsBlocking) {
    for_all([&](const Function& f, int n, int root) {
        Call expected = prepared(f, n, root, 0);
        Call got = prepared(f, n, root, 0);
        MPI_OK(f.blocking(expected.args));
        MPI_Request request = MPI_REQUEST_NULL;
        MPI_OK(f.start(got.args, &request));
        MPI_OK(MPI_Wait(&request, MPI_STATUS_IGNORE));
        ASSERT_EQ(got.recv, expected.recv);
    });
}

TEST_P(InterEach, PersistentAsBlocking) {
    for_all([&](const Function& f, int n, int root) {
        Call got = prepared(f, n, root, 0);
        MPI_Request request = MPI_REQUEST_NULL;
        MPI_OK(f.init(got.args, &request));
        for (int round = 0; round < 2; ++round) {
            Call expected = prepared(f, n, root, round);
            std::copy(expected.send.begin(), expected.send.end(), got.send.begin());
            std::copy(expected.recv.begin(), expected.recv.end(), got.recv.begin());
            MPI_OK(f.blocking(expected.args));
            MPI_OK(MPI_Start(&request));
            MPI_OK(MPI_Wait(&request, MPI_STATUS_IGNORE));
            ASSERT_EQ(got.recv, expected.recv) << "round " << round;
        }
        MPI_OK(MPI_Request_free(&request));
    });
}

// All under way together, beside blocking ones, completed from the last on.
TEST_P(InterEach, AllAtOnce) {
    const int root = side() == 1 ? 0 : me() == 0 ? MPI_ROOT : MPI_PROC_NULL;
    std::vector<Call> got;
    std::vector<MPI_Request> requests;
    std::vector<const Function*> functions;
    for (const Function& f : nbc::functions()) {
        if (f.within_a_group) continue;
        functions.push_back(&f);
        got.push_back(prepared(f, 40, root, 0));
        requests.push_back(MPI_REQUEST_NULL);
        MPI_OK(f.start(got.back().args, &requests.back()));
    }
    for (std::size_t i = functions.size(); i-- > 0;) {
        SCOPED_TRACE(functions[i]->name);
        Call expected = prepared(*functions[i], 40, root, 0);
        MPI_OK(functions[i]->blocking(expected.args));
        MPI_OK(MPI_Wait(&requests[i], MPI_STATUS_IGNORE));
        ASSERT_EQ(got[i].recv, expected.recv);
    }
}

// The two groups' local communicators and the intercommunicator may be freed before the end.
TEST_P(InterEach, FreedWhilePending) {
    MPI_Comm copy = MPI_COMM_NULL;
    MPI_OK(MPI_Comm_dup(between(), &copy));
    const std::vector<int> mine = values(my_id(), 1000);
    std::vector<int> all(u(theirs() * 1000), -1);
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_OK(MPI_Iallgather(mine.data(), 1000, MPI_INT, all.data(), 1000, MPI_INT, copy, &request));
    MPI_OK(MPI_Comm_free(&copy));
    MPI_OK(MPI_Wait(&request, MPI_STATUS_IGNORE));
    std::vector<int> expected;
    for (int r = 0; r < theirs(); ++r) {
        const std::vector<int> part = values(their_id(r), 1000);
        expected.insert(expected.end(), part.begin(), part.end());
    }
    EXPECT_EQ(all, expected);
}

// An error of an argument leaves no request.
TEST_P(InterEach, Errors) {
    int data = 0;
    MPI_Request request = MPI_REQUEST_NULL;
    EXPECT_MPI_CLASS(MPI_Ibcast(&data, 1, MPI_INT, theirs(), between(), &request), MPI_ERR_ROOT);
    EXPECT_MPI_CLASS(MPI_Bcast_init(&data, 1, MPI_INT, -77, between(), MPI_INFO_NULL, &request),
                     MPI_ERR_ROOT);
    int other = 0;
    EXPECT_MPI_CLASS(MPI_Iallreduce(MPI_IN_PLACE, &other, 1, MPI_INT, MPI_SUM, between(), &request),
                     MPI_ERR_BUFFER);
    EXPECT_MPI_CLASS(MPI_Iscan(&data, &other, 1, MPI_INT, MPI_SUM, between(), &request),
                     MPI_ERR_COMM);
    EXPECT_EQ(request, MPI_REQUEST_NULL);
}

INSTANTIATE_SPLITS(InterEach);

}  // namespace
