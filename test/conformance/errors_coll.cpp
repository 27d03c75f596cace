// Wrong arguments to the collectives. Every rank makes the same mistake, so none waits for another;
// where only one rank could see it, the test uses a communicator of one.
#include <array>

#include "test/conformance/errors.hpp"

namespace {

using errors::BadHandles;
using errors::Case;
using errors::For;

class CollErrors : public errors::ErrorTest {
  protected:
    void SetUp() override {
        ErrorTest::SetUp();
        MPI_OK(MPI_Comm_split(comm(), rank(), 0, &single_));
        MPI_OK(MPI_Comm_set_errhandler(single_, MPI_ERRORS_RETURN));
    }
    void TearDown() override {
        EXPECT_MPI_OK(MPI_Comm_free(&single_));
        ErrorTest::TearDown();
    }
    MPI_Comm single() const { return single_; }

  private:
    MPI_Comm single_ = MPI_COMM_NULL;
};

std::array<int, 64> in{};
std::array<int, 64> out{};

// The same type for every rank.
class Types {
  public:
    explicit Types(MPI_Datatype type) { types_.fill(type); }
    const MPI_Datatype* data() const { return types_.data(); }

  private:
    std::array<MPI_Datatype, 16> types_;
};

// All collectives with data, as functions of what may be wrong in each.
struct Collective {
    const char* name;
    std::function<int(int count, MPI_Datatype type, MPI_Comm comm)> call;
};

std::vector<Collective> collectives() {
    static const std::array<int, 16> zeros{};
    static std::array<int, 16> counts{};
    const auto all = [](int count) {
        counts.fill(count);
        return counts.data();
    };
    return {
        {"Bcast",
         [](int n, MPI_Datatype t, MPI_Comm c) { return MPI_Bcast(in.data(), n, t, 0, c); }},
        {"Gather send",
         [](int n, MPI_Datatype t, MPI_Comm c) {
             return MPI_Gather(in.data(), n, t, out.data(), 1, MPI_INT, 0, c);
         }},
        {"Scatter receive",
         [](int n, MPI_Datatype t, MPI_Comm c) {
             return MPI_Scatter(in.data(), 1, MPI_INT, out.data(), n, t, 0, c);
         }},
        {"Allgather send",
         [](int n, MPI_Datatype t, MPI_Comm c) {
             return MPI_Allgather(in.data(), n, t, out.data(), 1, MPI_INT, c);
         }},
        {"Allgather receive",
         [](int n, MPI_Datatype t, MPI_Comm c) {
             return MPI_Allgather(in.data(), 1, MPI_INT, out.data(), n, t, c);
         }},
        {"Alltoall send",
         [](int n, MPI_Datatype t, MPI_Comm c) {
             return MPI_Alltoall(in.data(), n, t, out.data(), 1, MPI_INT, c);
         }},
        {"Alltoall receive",
         [](int n, MPI_Datatype t, MPI_Comm c) {
             return MPI_Alltoall(in.data(), 1, MPI_INT, out.data(), n, t, c);
         }},
        {"Allgatherv receive",
         [=](int n, MPI_Datatype t, MPI_Comm c) {
             return MPI_Allgatherv(in.data(), 1, MPI_INT, out.data(), all(n), zeros.data(), t, c);
         }},
        {"Alltoallv send",
         [=](int n, MPI_Datatype t, MPI_Comm c) {
             return MPI_Alltoallv(in.data(), all(n), zeros.data(), t, out.data(), zeros.data(),
                                  zeros.data(), MPI_INT, c);
         }},
        {"Alltoallv receive",
         [=](int n, MPI_Datatype t, MPI_Comm c) {
             return MPI_Alltoallv(in.data(), zeros.data(), zeros.data(), MPI_INT, out.data(),
                                  all(n), zeros.data(), t, c);
         }},
        {"Reduce",
         [](int n, MPI_Datatype t, MPI_Comm c) {
             return MPI_Reduce(in.data(), out.data(), n, t, MPI_SUM, 0, c);
         }},
        {"Allreduce",
         [](int n, MPI_Datatype t, MPI_Comm c) {
             return MPI_Allreduce(in.data(), out.data(), n, t, MPI_SUM, c);
         }},
        {"Reduce_scatter",
         [=](int n, MPI_Datatype t, MPI_Comm c) {
             return MPI_Reduce_scatter(in.data(), out.data(), all(n), t, MPI_SUM, c);
         }},
        {"Reduce_scatter_block",
         [](int n, MPI_Datatype t, MPI_Comm c) {
             return MPI_Reduce_scatter_block(in.data(), out.data(), n, t, MPI_SUM, c);
         }},
        {"Scan", [](int n, MPI_Datatype t,
                    MPI_Comm c) { return MPI_Scan(in.data(), out.data(), n, t, MPI_SUM, c); }},
        {"Exscan", [](int n, MPI_Datatype t,
                      MPI_Comm c) { return MPI_Exscan(in.data(), out.data(), n, t, MPI_SUM, c); }},
        {"Alltoallw send",
         [=](int n, MPI_Datatype t, MPI_Comm c) {
             const Types types(t);
             const Types ints(MPI_INT);
             return MPI_Alltoallw(in.data(), all(n), zeros.data(), types.data(), out.data(),
                                  zeros.data(), zeros.data(), ints.data(), c);
         }},
        {"Alltoallw receive", [=](int n, MPI_Datatype t, MPI_Comm c) {
             const Types types(t);
             const Types ints(MPI_INT);
             return MPI_Alltoallw(in.data(), zeros.data(), zeros.data(), ints.data(), out.data(),
                                  all(n), zeros.data(), types.data(), c);
         }}};
}

TEST_F(CollErrors, CountTypeAndCommunicator) {
    FATHOM_ONLY("others check less, and later");
    const BadHandles bad;
    for (const Collective& each : collectives()) {
        SCOPED_TRACE(each.name);
        const auto& call = each.call;
        for (MPI_Comm c : {comm(), single()}) {
            run({
                {"count -1", MPI_ERR_COUNT, [&] { return call(-1, MPI_INT, c); }},
                {"null type", MPI_ERR_TYPE, [&] { return call(1, MPI_DATATYPE_NULL, c); }},
                {"uncommitted type", MPI_ERR_TYPE, [&] { return call(1, bad.uncommitted, c); },
                 For::kFathom},
                {"freed type", MPI_ERR_TYPE, [&] { return call(1, bad.freed_type, c); },
                 For::kFathom},
            });
        }
        run({
            {"null communicator", MPI_ERR_COMM, [&] { return call(1, MPI_INT, MPI_COMM_NULL); }},
            {"freed communicator", MPI_ERR_COMM, [&] { return call(1, MPI_INT, bad.freed_comm); },
             For::kFathom},
        });
    }
    run({{"Barrier null", MPI_ERR_COMM, [] { return MPI_Barrier(MPI_COMM_NULL); }},
         {"Barrier freed", MPI_ERR_COMM, [&] { return MPI_Barrier(bad.freed_comm); },
          For::kFathom}});
}

TEST_F(CollErrors, Root) {
    const std::array<int, 16> ones{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    const std::array<int, 16> places{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const MPI_Comm c = comm();
    for (const int root : {size(), -1, -77, MPI_ANY_SOURCE, MPI_PROC_NULL}) {
        SCOPED_TRACE(root);
        run({
            {"Bcast", MPI_ERR_ROOT, [&] { return MPI_Bcast(in.data(), 1, MPI_INT, root, c); }},
            {"Gather", MPI_ERR_ROOT,
             [&] { return MPI_Gather(in.data(), 1, MPI_INT, out.data(), 1, MPI_INT, root, c); }},
            {"Gatherv", MPI_ERR_ROOT,
             [&] {
                 return MPI_Gatherv(in.data(), 1, MPI_INT, out.data(), ones.data(), places.data(),
                                    MPI_INT, root, c);
             }},
            {"Scatter", MPI_ERR_ROOT,
             [&] { return MPI_Scatter(in.data(), 1, MPI_INT, out.data(), 1, MPI_INT, root, c); }},
            {"Scatterv", MPI_ERR_ROOT,
             [&] {
                 return MPI_Scatterv(in.data(), ones.data(), places.data(), MPI_INT, out.data(), 1,
                                     MPI_INT, root, c);
             }},
            {"Reduce", MPI_ERR_ROOT,
             [&] { return MPI_Reduce(in.data(), out.data(), 1, MPI_INT, MPI_SUM, root, c); }},
        });
    }
}

// What only the root looks at.
TEST_F(CollErrors, RootsOwnArguments) {
    const MPI_Comm c = single();
    const int minus = -1;
    const int one = 1;
    const int zero = 0;
    run({
        {"Gather recvcount", MPI_ERR_COUNT,
         [&] { return MPI_Gather(in.data(), 1, MPI_INT, out.data(), -1, MPI_INT, 0, c); }},
        {"Gather recvtype", MPI_ERR_TYPE,
         [&] { return MPI_Gather(in.data(), 1, MPI_INT, out.data(), 1, MPI_DATATYPE_NULL, 0, c); }},
        {"Gatherv recvcounts", MPI_ERR_COUNT,
         [&] {
             return MPI_Gatherv(in.data(), 1, MPI_INT, out.data(), &minus, &zero, MPI_INT, 0, c);
         }},
        {"Gatherv recvtype", MPI_ERR_TYPE,
         [&] {
             return MPI_Gatherv(in.data(), 1, MPI_INT, out.data(), &one, &zero, MPI_DATATYPE_NULL,
                                0, c);
         }},
        {"Scatter sendcount", MPI_ERR_COUNT,
         [&] { return MPI_Scatter(in.data(), -1, MPI_INT, out.data(), 1, MPI_INT, 0, c); }},
        {"Scatter sendtype", MPI_ERR_TYPE,
         [&] {
             return MPI_Scatter(in.data(), 1, MPI_DATATYPE_NULL, out.data(), 1, MPI_INT, 0, c);
         }},
        {"Scatterv sendcounts", MPI_ERR_COUNT,
         [&] {
             return MPI_Scatterv(in.data(), &minus, &zero, MPI_INT, out.data(), 1, MPI_INT, 0, c);
         }},
        {"Gather null receive buffer", MPI_ERR_BUFFER,
         [&] { return MPI_Gather(in.data(), 1, MPI_INT, nullptr, 1, MPI_INT, 0, c); },
         For::kFathom},
        {"Bcast in place", MPI_ERR_BUFFER,
         [&] { return MPI_Bcast(MPI_IN_PLACE, 1, MPI_INT, 0, c); }, For::kFathom},
        {"Allreduce into place", MPI_ERR_BUFFER,
         [&] { return MPI_Allreduce(in.data(), MPI_IN_PLACE, 1, MPI_INT, MPI_SUM, c); },
         For::kFathom},
        {"Allreduce on one buffer", MPI_ERR_BUFFER,
         [&] { return MPI_Allreduce(in.data(), in.data(), 1, MPI_INT, MPI_SUM, c); }, For::kFathom},
    });
}

TEST_F(CollErrors, OperationNotDefinedOnType) {
    const BadHandles bad;
    MPI_Datatype pair = MPI_DATATYPE_NULL;
    MPI_OK(MPI_Type_contiguous(2, MPI_INT, &pair));
    MPI_OK(MPI_Type_commit(&pair));
    struct Wrong {
        const char* name;
        MPI_Op op;
        MPI_Datatype type;
        For whom = For::kAll;
    };
    const std::vector<Wrong> wrongs{
        {"null op", MPI_OP_NULL, MPI_INT},
        {"freed op", bad.freed_op, MPI_INT, For::kFathom},
        {"SUM of chars", MPI_SUM, MPI_CHAR, For::kFathom},
        {"SUM of wide chars", MPI_SUM, MPI_WCHAR, For::kFathom},
        {"SUM of bytes", MPI_SUM, MPI_BYTE, For::kFathom},
        {"MAX of bytes", MPI_MAX, MPI_BYTE, For::kFathom},
        {"SUM of booleans", MPI_SUM, MPI_C_BOOL, For::kFathom},
        {"SUM of packed", MPI_SUM, MPI_PACKED, For::kFathom},
        {"BAND of doubles", MPI_BAND, MPI_DOUBLE},
        {"BXOR of floats", MPI_BXOR, MPI_FLOAT},
        {"LAND of doubles", MPI_LAND, MPI_DOUBLE, For::kFathom},
        {"LOR of floats", MPI_LOR, MPI_FLOAT, For::kFathom},
        {"MAX of complex", MPI_MAX, MPI_C_DOUBLE_COMPLEX},
        {"MIN of complex", MPI_MIN, MPI_C_FLOAT_COMPLEX},
        {"MINLOC of ints", MPI_MINLOC, MPI_INT},
        {"MAXLOC of doubles", MPI_MAXLOC, MPI_DOUBLE},
        {"SUM of pairs", MPI_SUM, MPI_2INT},
        {"SUM of pairs with doubles", MPI_SUM, MPI_DOUBLE_INT},
        {"SUM of a derived type", MPI_SUM, pair},
        {"MAXLOC of a derived type", MPI_MAXLOC, pair},
    };
    std::vector<int> counts(static_cast<std::size_t>(size()), 1);
    for (const Wrong& wrong : wrongs) {
        SCOPED_TRACE(wrong.name);
        run({
            {"Reduce", MPI_ERR_OP,
             [&] { return MPI_Reduce(in.data(), out.data(), 1, wrong.type, wrong.op, 0, comm()); },
             wrong.whom},
            {"Allreduce", MPI_ERR_OP,
             [&] { return MPI_Allreduce(in.data(), out.data(), 1, wrong.type, wrong.op, comm()); },
             wrong.whom},
            {"Reduce_scatter", MPI_ERR_OP,
             [&] {
                 return MPI_Reduce_scatter(in.data(), out.data(), counts.data(), wrong.type,
                                           wrong.op, comm());
             },
             wrong.whom},
            {"Reduce_scatter_block", MPI_ERR_OP,
             [&] {
                 return MPI_Reduce_scatter_block(in.data(), out.data(), 1, wrong.type, wrong.op,
                                                 comm());
             },
             wrong.whom},
            {"Scan", MPI_ERR_OP,
             [&] { return MPI_Scan(in.data(), out.data(), 1, wrong.type, wrong.op, comm()); },
             wrong.whom},
            {"Exscan", MPI_ERR_OP,
             [&] { return MPI_Exscan(in.data(), out.data(), 1, wrong.type, wrong.op, comm()); },
             wrong.whom},
            {"Reduce_local", MPI_ERR_OP,
             [&] { return MPI_Reduce_local(in.data(), out.data(), 1, wrong.type, wrong.op); },
             wrong.whom},
        });
    }
    MPI_OK(MPI_Type_free(&pair));
}

TEST_F(CollErrors, ReduceLocal) {
    const BadHandles bad;
    int* const a = in.data();
    int* const b = out.data();
    run({
        {"count", MPI_ERR_COUNT, [&] { return MPI_Reduce_local(a, b, -1, MPI_INT, MPI_SUM); }},
        {"null type", MPI_ERR_TYPE,
         [&] { return MPI_Reduce_local(a, b, 1, MPI_DATATYPE_NULL, MPI_SUM); }},
        {"uncommitted type", MPI_ERR_TYPE,
         [&] { return MPI_Reduce_local(a, b, 1, bad.uncommitted, MPI_SUM); }, For::kFathom},
        {"in place", MPI_ERR_BUFFER,
         [&] { return MPI_Reduce_local(MPI_IN_PLACE, b, 1, MPI_INT, MPI_SUM); }, For::kFathom},
        {"one buffer", MPI_ERR_BUFFER, [&] { return MPI_Reduce_local(a, a, 1, MPI_INT, MPI_SUM); },
         For::kFathom},
        {"null buffer", MPI_ERR_BUFFER,
         [&] { return MPI_Reduce_local(a, nullptr, 1, MPI_INT, MPI_SUM); }, For::kFathom},
    });
}

TEST_F(CollErrors, NotInPlaceThere) {
    FATHOM_ONLY("others check less");
    const MPI_Comm c = single();
    const int one = 1;
    const int zero = 0;
    const MPI_Datatype type = MPI_INT;
    run({
        {"Alltoallw into place", MPI_ERR_BUFFER,
         [&] {
             return MPI_Alltoallw(in.data(), &one, &zero, &type, MPI_IN_PLACE, &one, &zero, &type,
                                  c);
         }},
        {"Reduce_scatter_block into place", MPI_ERR_BUFFER,
         [&] { return MPI_Reduce_scatter_block(in.data(), MPI_IN_PLACE, 1, MPI_INT, MPI_SUM, c); }},
        {"Alltoallw null counts", MPI_ERR_ARG,
         [&] {
             return MPI_Alltoallw(in.data(), nullptr, &zero, &type, out.data(), &one, &zero, &type,
                                  c);
         }},
        {"Alltoallw null types", MPI_ERR_ARG,
         [&] {
             return MPI_Alltoallw(in.data(), &one, &zero, &type, out.data(), &one, &zero, nullptr,
                                  c);
         }},
    });
}

TEST_F(CollErrors, OpHandles) {
    const BadHandles bad;
    MPI_Op op = MPI_OP_NULL;
    MPI_Op predefined = MPI_SUM;
    MPI_Op freed = bad.freed_op;
    run({
        {"Op_free null", MPI_ERR_OP, [&] { return MPI_Op_free(&op); }},
        {"Op_free predefined", MPI_ERR_OP, [&] { return MPI_Op_free(&predefined); }},
        {"Op_free freed", MPI_ERR_OP, [&] { return MPI_Op_free(&freed); }, For::kFathom},
        {"Op_commutative null", MPI_ERR_OP,
         [&] {
             int commutes = 0;
             return MPI_Op_commutative(MPI_OP_NULL, &commutes);
         }},
        {"Op_commutative into null", MPI_ERR_ARG,
         [&] { return MPI_Op_commutative(MPI_SUM, nullptr); }, For::kFathom},
        {"Op_create null function", MPI_ERR_ARG, [&] { return MPI_Op_create(nullptr, 1, &op); },
         For::kFathom},
    });
}

}  // namespace
