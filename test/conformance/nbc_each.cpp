// Each nonblocking and each persistent collective does what its blocking sibling does.
#include "test/conformance/nbc.hpp"

namespace {

using coll::u;
using coll::values;
using nbc::Args;
using nbc::Function;
using nbc::functions;
using nbc::InPlace;

// Does not commute: the lower rank's operand.
void leftmost(void* in, void* inout, int* n, MPI_Datatype* type) {
    int size = 0;
    MPI_Type_size(*type, &size);
    std::copy_n(static_cast<char*>(in), *n * size, static_cast<char*>(inout));
}

class Each : public coll::ShapedTest {
  protected:
    void SetUp() override {
        ShapedTest::SetUp();
        MPI_OK(MPI_Op_create(leftmost, 0, &leftmost_));
        MPI_OK(MPI_Type_vector(2, 1, 2, MPI_INT, &gappy_));
        MPI_OK(MPI_Type_commit(&gappy_));
    }
    void TearDown() override {
        EXPECT_MPI_OK(MPI_Op_free(&leftmost_));
        EXPECT_MPI_OK(MPI_Type_free(&gappy_));
        ShapedTest::TearDown();
    }

    /// Counts, places, and fresh buffers for blocks of about n elements.
    void prepare(int n, MPI_Datatype type) {
        counts_.clear(), pairs_.clear(), displs_.clear(), bytes_.clear();
        const int extent = type == gappy_ ? 3 : 1;
        for (int i = 0; i < ranks(); ++i) {
            counts_.push_back(n == 0 ? i % 2 : n + i % 3);
            pairs_.push_back(n == 0 ? (i + me()) % 2 : n + (i + me()) % 3);
            displs_.push_back(i * (n + 3));
            bytes_.push_back(i * (n + 3) * extent * mpitest::to_int(sizeof(int)));
        }
        types_.assign(u(ranks()), type);
        length_ = ranks() * (n + 3) * extent;
    }

    /// Where call() takes its data from and leaves its result.
    struct Buffers {
        std::vector<int> send, recv;
    };
    Buffers buffers(const Function& f, int round) const {
        Buffers b{values(me() + round, length_), values(me() + 50 + round, length_)};
        if (std::string(f.name) != "Bcast" && !in_place_) b.recv.assign(u(length_), -1);
        return b;
    }
    Args args(const Function& f, Buffers& b, int n, MPI_Datatype type, MPI_Op op, int root) const {
        Args a{b.send.data(),
               b.recv.data(),
               n,
               counts_.data(),
               pairs_.data(),
               displs_.data(),
               bytes_.data(),
               types_.data(),
               type,
               op,
               root,
               me(),
               shaped()};
        if (!in_place_) return a;
        if (f.in_place == InPlace::send || (f.in_place == InPlace::send_at_root && me() == root))
            a.send = MPI_IN_PLACE;
        if (f.in_place == InPlace::recv_at_root && me() == root) a.recv = MPI_IN_PLACE;
        return a;
    }

    /// Calls what(function, number of elements, datatype, op, root) for each combination.
    template <class What>
    void for_all(What what) {
        for (const Function& f : functions()) {
            for (const int n : {0, 1, 17, 5000}) {
                for (const MPI_Datatype type : {MPI_INT, gappy_}) {
                    for (const MPI_Op op : {MPI_SUM, leftmost_}) {
                        if (!f.reduces && op != MPI_SUM) continue;
                        if (f.reduces && type != MPI_INT) continue;
                        for (const bool in_place : {false, true}) {
                            if (in_place && f.in_place == InPlace::never) continue;
                            SCOPED_TRACE(testing::Message()
                                         << f.name << " of " << n << (in_place ? " in place" : "")
                                         << (type == MPI_INT ? "" : " with gaps")
                                         << (op == MPI_SUM ? "" : " with a user's op"));
                            in_place_ = in_place;
                            prepare(n, type);
                            what(f, n, type, op, n % ranks());
                            if (HasFatalFailure()) return;
                        }
                    }
                }
            }
        }
    }

  private:
    MPI_Op leftmost_ = MPI_OP_NULL;
    MPI_Datatype gappy_ = MPI_DATATYPE_NULL;
    std::vector<int> counts_, pairs_, displs_, bytes_;
    std::vector<MPI_Datatype> types_;
    int length_ = 0;
    bool in_place_ = false;
};

TEST_P(Each, NonblockingAsBlocking) {
    for_all([&](const Function& f, int n, MPI_Datatype type, MPI_Op op, int root) {
        Buffers expected = buffers(f, 0);
        Buffers got = buffers(f, 0);
        MPI_OK(f.blocking(args(f, expected, n, type, op, root)));
        MPI_Request request = MPI_REQUEST_NULL;
        MPI_OK(f.start(args(f, got, n, type, op, root), &request));
        MPI_OK(MPI_Wait(&request, MPI_STATUS_IGNORE));
        ASSERT_EQ(request, MPI_REQUEST_NULL);
        ASSERT_EQ(got.recv, expected.recv);
        ASSERT_EQ(got.send, expected.send);
    });
}

TEST_P(Each, PersistentAsBlocking) {
    for_all([&](const Function& f, int n, MPI_Datatype type, MPI_Op op, int root) {
        Buffers got = buffers(f, 0);
        MPI_Request request = MPI_REQUEST_NULL;
        MPI_OK(f.init(args(f, got, n, type, op, root), &request));
        for (int round = 0; round < 3; ++round) {
            Buffers expected = buffers(f, round);
            std::copy(expected.send.begin(), expected.send.end(), got.send.begin());
            std::copy(expected.recv.begin(), expected.recv.end(), got.recv.begin());
            MPI_OK(f.blocking(args(f, expected, n, type, op, root)));
            MPI_OK(MPI_Start(&request));
            MPI_OK(MPI_Wait(&request, MPI_STATUS_IGNORE));
            ASSERT_NE(request, MPI_REQUEST_NULL);
            ASSERT_EQ(got.recv, expected.recv) << "round " << round;
        }
        MPI_OK(MPI_Request_free(&request));
    });
}

// All of them under way at the same time, completed from the last on.
TEST_P(Each, AllAtOnce) {
    const std::size_t many = functions().size();
    prepare(40, MPI_INT);
    std::vector<Buffers> expected, got;
    for (const Function& f : functions()) {
        expected.push_back(buffers(f, 0));
        got.push_back(buffers(f, 0));
    }
    std::vector<MPI_Request> requests(many, MPI_REQUEST_NULL);
    for (std::size_t i = 0; i < many; ++i) {
        const Function& f = functions()[i];
        const auto call = i % 2 == 0 ? f.start : f.init;
        MPI_OK(call(args(f, got[i], 40, MPI_INT, MPI_SUM, 0), &requests[i]));
    }
    for (std::size_t i = 1; i < many; i += 2) EXPECT_MPI_OK(MPI_Start(&requests[i]));
    for (std::size_t i = 0; i < many; ++i) {
        const Function& f = functions()[i];
        MPI_OK(f.blocking(args(f, expected[i], 40, MPI_INT, MPI_SUM, 0)));
    }
    for (std::size_t i = many; i-- > 0;) {
        MPI_OK(MPI_Wait(&requests[i], MPI_STATUS_IGNORE));
        ASSERT_EQ(got[i].recv, expected[i].recv) << functions()[i].name;
        if (i % 2 == 1) {
            MPI_OK(MPI_Request_free(&requests[i]));
        }
    }
}

INSTANTIATE_SHAPES(Each);

}  // namespace
