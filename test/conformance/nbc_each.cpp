// Each nonblocking and each persistent collective does what its blocking sibling does.
#include "test/conformance/coll.hpp"

namespace {

using coll::u;
using coll::values;

/// The arguments of any collective.
struct Args {
    const void* send;
    void* recv;
    int n;
    const int* counts;  // per rank: the lengths of its blocks, in the v variants
    const int* pairs;   // per rank: the lengths of what this rank exchanges with it
    const int* displs;
    const int* bytes;  // displs in bytes
    const MPI_Datatype* types;
    MPI_Datatype type;
    MPI_Op op;
    int root;
    int me;
    MPI_Comm comm;
};

struct Function {
    const char* name;
    int (*blocking)(const Args&);
    int (*start)(const Args&, MPI_Request*);
    int (*init)(const Args&, MPI_Request*);
    enum class InPlace { never, send, send_at_root, recv_at_root } in_place;
    bool reduces;
};

// One set of arguments gives the three calls.
#define THREE(call, arguments)                                                          \
    [](const Args& a) { return MPI_##call(EXPAND arguments); },                         \
        [](const Args& a, MPI_Request* r) { return MPI_I##call(EXPAND arguments, r); }, \
        [](const Args& a, MPI_Request* r) {                                             \
            return MPI_##call##_init(EXPAND arguments, MPI_INFO_NULL, r);               \
        }
#define EXPAND(...) __VA_ARGS__
// Names differ in their case alone: MPI_Bcast, MPI_Ibcast.
#define MPI_IBarrier MPI_Ibarrier
#define MPI_IBcast MPI_Ibcast
#define MPI_IGather MPI_Igather
#define MPI_IGatherv MPI_Igatherv
#define MPI_IScatter MPI_Iscatter
#define MPI_IScatterv MPI_Iscatterv
#define MPI_IAllgather MPI_Iallgather
#define MPI_IAllgatherv MPI_Iallgatherv
#define MPI_IAlltoall MPI_Ialltoall
#define MPI_IAlltoallv MPI_Ialltoallv
#define MPI_IAlltoallw MPI_Ialltoallw
#define MPI_IReduce MPI_Ireduce
#define MPI_IAllreduce MPI_Iallreduce
#define MPI_IReduce_scatter MPI_Ireduce_scatter
#define MPI_IReduce_scatter_block MPI_Ireduce_scatter_block
#define MPI_IScan MPI_Iscan
#define MPI_IExscan MPI_Iexscan

using InPlace = Function::InPlace;

const std::vector<Function>& functions() {
    static const std::vector<Function> all{
        {"Barrier", THREE(Barrier, (a.comm)), InPlace::never, false},
        {"Bcast", THREE(Bcast, (a.recv, a.n, a.type, a.root, a.comm)), InPlace::never, false},
        {"Gather", THREE(Gather, (a.send, a.n, a.type, a.recv, a.n, a.type, a.root, a.comm)),
         InPlace::send_at_root, false},
        {"Gatherv",
         THREE(Gatherv, (a.send, a.counts[a.me], a.type, a.recv, a.counts, a.displs, a.type, a.root,
                         a.comm)),
         InPlace::send_at_root, false},
        {"Scatter", THREE(Scatter, (a.send, a.n, a.type, a.recv, a.n, a.type, a.root, a.comm)),
         InPlace::recv_at_root, false},
        {"Scatterv",
         THREE(Scatterv, (a.send, a.counts, a.displs, a.type, a.recv, a.counts[a.me], a.type,
                          a.root, a.comm)),
         InPlace::recv_at_root, false},
        {"Allgather", THREE(Allgather, (a.send, a.n, a.type, a.recv, a.n, a.type, a.comm)),
         InPlace::send, false},
        {"Allgatherv",
         THREE(Allgatherv,
               (a.send, a.counts[a.me], a.type, a.recv, a.counts, a.displs, a.type, a.comm)),
         InPlace::send, false},
        {"Alltoall", THREE(Alltoall, (a.send, a.n, a.type, a.recv, a.n, a.type, a.comm)),
         InPlace::send, false},
        {"Alltoallv",
         THREE(Alltoallv,
               (a.send, a.pairs, a.displs, a.type, a.recv, a.pairs, a.displs, a.type, a.comm)),
         InPlace::send, false},
        {"Alltoallw",
         THREE(Alltoallw,
               (a.send, a.pairs, a.bytes, a.types, a.recv, a.pairs, a.bytes, a.types, a.comm)),
         InPlace::send, false},
        {"Reduce", THREE(Reduce, (a.send, a.recv, a.n, a.type, a.op, a.root, a.comm)),
         InPlace::send_at_root, true},
        {"Allreduce", THREE(Allreduce, (a.send, a.recv, a.n, a.type, a.op, a.comm)), InPlace::send,
         true},
        {"Reduce_scatter", THREE(Reduce_scatter, (a.send, a.recv, a.counts, a.type, a.op, a.comm)),
         InPlace::send, true},
        {"Reduce_scatter_block",
         THREE(Reduce_scatter_block, (a.send, a.recv, a.n, a.type, a.op, a.comm)), InPlace::send,
         true},
        {"Scan", THREE(Scan, (a.send, a.recv, a.n, a.type, a.op, a.comm)), InPlace::send, true},
        {"Exscan", THREE(Exscan, (a.send, a.recv, a.n, a.type, a.op, a.comm)), InPlace::send, true},
    };
    return all;
}

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
        MPI_OK(MPI_Type_create_resized(MPI_INT, 0, 2 * sizeof(int), &gappy_));
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
        const int extent = type == gappy_ ? 2 : 1;
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
