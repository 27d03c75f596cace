// User-defined operations: commutative and not, on predefined and derived types, with the order of
// the operands that the standard fixes (rank 0's first).
#include "test/conformance/coll.hpp"

namespace {

using coll::u;

// The composition of x → a·x + b over the integers modulo a prime: associative, not commutative.
// The result depends on the order of all operands.
struct Affine {
    std::int64_t a;
    std::int64_t b;
    bool operator==(const Affine&) const = default;
};
constexpr std::int64_t kPrime = 1'000'003;

Affine composed(const Affine& first, const Affine& second) {
    return {first.a * second.a % kPrime, (first.a * second.b + first.b) % kPrime};
}

Affine affine_of(int rank, int index) {
    return {(rank + 2 + index % 5) % kPrime, (rank * 7 + index + 1) % kPrime};
}

Affine expected(int last, int index) {
    Affine result = affine_of(0, index);
    for (int r = 1; r <= last; ++r) result = composed(result, affine_of(r, index));
    return result;
}

// What the callback saw, for the tests to look at.
MPI_Datatype seen_type = MPI_DATATYPE_NULL;
int calls = 0;

void compose(void* in, void* inout, int* length, MPI_Datatype* type) {
    const auto* left = static_cast<const Affine*>(in);
    auto* right = static_cast<Affine*>(inout);
    for (int i = 0; i < *length; ++i) right[i] = composed(left[i], right[i]);
    seen_type = *type;
    ++calls;
}

void add_ints(void* in, void* inout, int* length, MPI_Datatype* type) {
    const auto* left = static_cast<const int*>(in);
    auto* right = static_cast<int*>(inout);
    for (int i = 0; i < *length; ++i) right[i] += left[i];
    seen_type = *type;
    ++calls;
}

// Only every second int belongs to the type; the gap must not matter.
void add_gapped(void* in, void* inout, int* length, MPI_Datatype* type) {
    MPI_Aint lb = 0;
    MPI_Aint extent = 0;
    MPI_Type_get_extent(*type, &lb, &extent);
    auto* left = static_cast<char*>(in);
    auto* right = static_cast<char*>(inout);
    for (int i = 0; i < *length; ++i)
        for (int part = 0; part < 2; ++part) {
            const MPI_Aint at = i * extent + part * 8;
            *reinterpret_cast<int*>(right + at) += *reinterpret_cast<int*>(left + at);
        }
}

class UserOp : public coll::ShapedTest {
  protected:
    void SetUp() override {
        ShapedTest::SetUp();
        MPI_OK(MPI_Type_contiguous(2, MPI_INT64_T, &type_));
        MPI_OK(MPI_Type_commit(&type_));
        MPI_OK(MPI_Op_create(compose, 0, &op_));
    }
    void TearDown() override {
        EXPECT_MPI_OK(MPI_Op_free(&op_));
        EXPECT_TRUE(op_ == MPI_OP_NULL);
        EXPECT_MPI_OK(MPI_Type_free(&type_));
        ShapedTest::TearDown();
    }

    std::vector<Affine> input(int count) const {
        std::vector<Affine> result(u(count));
        for (int i = 0; i < count; ++i) result[u(i)] = affine_of(me(), i);
        return result;
    }
    static std::vector<Affine> folded(int last, int count) {
        std::vector<Affine> result(u(count));
        for (int i = 0; i < count; ++i) result[u(i)] = expected(last, i);
        return result;
    }

    MPI_Datatype type() const { return type_; }
    MPI_Op op() const { return op_; }

  private:
    MPI_Datatype type_ = MPI_DATATYPE_NULL;
    MPI_Op op_ = MPI_OP_NULL;
};

constexpr std::array<int, 4> kCounts{0, 1, 17, 30'000};

TEST_P(UserOp, NonCommutativeReduceToEveryRoot) {
    for (const int count : kCounts) {
        for (int root = 0; root < ranks(); ++root) {
            SCOPED_TRACE(std::to_string(count) + " to " + std::to_string(root));
            const std::vector<Affine> in = input(count);
            std::vector<Affine> out(u(count));
            MPI_OK(MPI_Reduce(in.data(), out.data(), count, type(), op(), root, shaped()));
            if (me() == root) {
                EXPECT_TRUE(out == folded(ranks() - 1, count));
            }
            EXPECT_TRUE(in == input(count)) << "the input was changed";
        }
    }
}

TEST_P(UserOp, NonCommutativeAllreduce) {
    for (const bool in_place : {false, true}) {
        for (const int count : kCounts) {
            SCOPED_TRACE(count);
            const std::vector<Affine> in = input(count);
            std::vector<Affine> out = in;
            MPI_OK(MPI_Allreduce(in_place ? MPI_IN_PLACE : in.data(), out.data(), count, type(),
                                 op(), shaped()));
            EXPECT_TRUE(out == folded(ranks() - 1, count));
        }
    }
}

TEST_P(UserOp, NonCommutativeScan) {
    for (const int count : kCounts) {
        SCOPED_TRACE(count);
        const std::vector<Affine> in = input(count);
        std::vector<Affine> out(u(count));
        MPI_OK(MPI_Scan(in.data(), out.data(), count, type(), op(), shaped()));
        EXPECT_TRUE(out == folded(me(), count));
    }
}

TEST_P(UserOp, NonCommutativeReduceScatter) {
    for (const int scale : {1, 5, 5000}) {
        SCOPED_TRACE(scale);
        std::vector<int> counts;
        for (int r = 0; r < ranks(); ++r) counts.push_back((r + 1) % 3 * scale);
        const int total = std::accumulate(counts.begin(), counts.end(), 0);
        const int before = std::accumulate(counts.begin(), counts.begin() + me(), 0);
        const std::vector<Affine> in = input(total);
        std::vector<Affine> out(u(counts[u(me())]));
        MPI_OK(MPI_Reduce_scatter(in.data(), out.data(), counts.data(), type(), op(), shaped()));
        for (std::size_t i = 0; i < out.size(); ++i)
            ASSERT_TRUE(out[i] == expected(ranks() - 1, before + mpitest::to_int(i))) << i;
    }
}

TEST_P(UserOp, NonCommutativeReduceScatterBlock) {
    for (const int part : {1, 5, 5000}) {
        SCOPED_TRACE(part);
        const std::vector<Affine> in = input(part * ranks());
        std::vector<Affine> out(u(part));
        MPI_OK(MPI_Reduce_scatter_block(in.data(), out.data(), part, type(), op(), shaped()));
        for (int i = 0; i < part; ++i)
            ASSERT_TRUE(out[u(i)] == expected(ranks() - 1, me() * part + i)) << i;
    }
}

TEST_P(UserOp, NonCommutativeExscan) {
    for (const bool in_place : {false, true}) {
        for (const int count : kCounts) {
            SCOPED_TRACE(count);
            const std::vector<Affine> in = input(count);
            std::vector<Affine> out = in_place ? in : std::vector<Affine>(u(count));
            MPI_OK(MPI_Exscan(in_place ? MPI_IN_PLACE : in.data(), out.data(), count, type(), op(),
                              shaped()));
            if (me() > 0) {
                EXPECT_TRUE(out == folded(me() - 1, count));
            }
        }
    }
}

// inoutbuf = inbuf op inoutbuf, without communication.
TEST_P(UserOp, ReduceLocal) {
    for (const int count : kCounts) {
        SCOPED_TRACE(count);
        std::vector<Affine> left(u(count));
        std::vector<Affine> right(u(count));
        for (int i = 0; i < count; ++i) {
            left[u(i)] = affine_of(0, i);
            right[u(i)] = affine_of(1, i);
        }
        MPI_OK(MPI_Reduce_local(left.data(), right.data(), count, type(), op()));
        EXPECT_TRUE(right == folded(1, count));
    }
    const std::array<double, 3> in{1, -2, 0.5};
    std::array<double, 3> inout{4, 4, 4};
    MPI_OK(MPI_Reduce_local(in.data(), inout.data(), 3, MPI_DOUBLE, MPI_PROD));
    EXPECT_EQ(inout, (std::array<double, 3>{4, -8, 2}));
}

TEST_P(UserOp, Commutative) {
    int commutes = -1;
    MPI_OK(MPI_Op_commutative(op(), &commutes));
    EXPECT_EQ(commutes, 0);
    MPI_Op add = MPI_OP_NULL;
    MPI_OK(MPI_Op_create(add_ints, 17, &add));
    MPI_OK(MPI_Op_commutative(add, &commutes));
    EXPECT_EQ(commutes, 1);
    MPI_OK(MPI_Op_free(&add));
    for (MPI_Op predefined :
         {MPI_SUM, MPI_PROD, MPI_MAX, MPI_MIN, MPI_LAND, MPI_BXOR, MPI_MINLOC, MPI_MAXLOC}) {
        MPI_OK(MPI_Op_commutative(predefined, &commutes));
        EXPECT_EQ(commutes, 1);
    }
}

TEST_P(UserOp, TheCallbackSeesTheType) {
    calls = 0;
    seen_type = MPI_DATATYPE_NULL;
    const std::vector<Affine> in = input(10);
    std::vector<Affine> out(10);
    MPI_OK(MPI_Scan(in.data(), out.data(), 10, type(), op(), shaped()));
    if (calls > 0) {
        EXPECT_TRUE(seen_type == type());
    }
    MPI_OK(MPI_Allreduce(in.data(), out.data(), 10, type(), op(), shaped()));
    int calls_everywhere = 0;
    MPI_OK(MPI_Allreduce(&calls, &calls_everywhere, 1, MPI_INT, MPI_SUM, shaped()));
    EXPECT_EQ(calls_everywhere > 0, ranks() > 1);
}

TEST_P(UserOp, CommutativeOnAPredefinedType) {
    MPI_Op add = MPI_OP_NULL;
    MPI_OK(MPI_Op_create(add_ints, 1, &add));
    for (const int count : {1, 100, 70'000}) {
        SCOPED_TRACE(count);
        const std::vector<int> in = coll::values(me(), count);
        std::vector<int> out(u(count));
        std::vector<int> sum(u(count), 0);
        for (int r = 0; r < ranks(); ++r)
            for (int i = 0; i < count; ++i) sum[u(i)] += coll::value(r, i);
        calls = 0;
        MPI_OK(MPI_Allreduce(in.data(), out.data(), count, MPI_INT, add, shaped()));
        EXPECT_EQ(out, sum);
        if (calls > 0) {
            EXPECT_TRUE(seen_type == MPI_INT);
        }
        MPI_OK(MPI_Reduce(in.data(), out.data(), count, MPI_INT, add, ranks() - 1, shaped()));
        if (me() == ranks() - 1) {
            EXPECT_EQ(out, sum);
        }
    }
    MPI_OK(MPI_Op_free(&add));
}

TEST_P(UserOp, OnATypeWithGaps) {
    // Two ints, 8 bytes apart, extent 12: what lies between is not the operation's.
    MPI_Datatype gapped = MPI_DATATYPE_NULL;
    MPI_OK(MPI_Type_vector(2, 1, 2, MPI_INT, &gapped));
    MPI_OK(MPI_Type_commit(&gapped));
    MPI_Op add = MPI_OP_NULL;
    MPI_OK(MPI_Op_create(add_gapped, 1, &add));
    for (const int count : {1, 9, 20'000}) {
        SCOPED_TRACE(count);
        const std::vector<int> in = coll::values(me(), 3 * count);
        std::vector<int> out(u(3 * count), -1);
        MPI_OK(MPI_Allreduce(in.data(), out.data(), count, gapped, add, shaped()));
        for (int i = 0; i < 3 * count; ++i) {
            int sum = 0;
            for (int r = 0; r < ranks(); ++r) sum += coll::value(r, i);
            ASSERT_EQ(out[u(i)], i % 3 == 1 ? -1 : sum) << i;
        }
    }
    MPI_OK(MPI_Op_free(&add));
    MPI_OK(MPI_Type_free(&gapped));
}

INSTANTIATE_SHAPES(UserOp);

}  // namespace
