// Reductions on intercommunicators: the operands of one group, the result for the other one. And
// what is wrong there.
#include "test/conformance/inter.hpp"

namespace {

using coll::u;
using coll::unset;

class InterReduction : public inter::InterTest {
  protected:
    static int element(int id, int index) { return id * 31 + index % 1000 - 200; }
    std::vector<int> input(int count) const {
        std::vector<int> result(u(count));
        for (int i = 0; i < count; ++i) result[u(i)] = element(my_id(), i);
        return result;
    }
    // Of the other group's operands.
    std::vector<int> their_sum(int count) const {
        std::vector<int> result(u(count), 0);
        for (int r = 0; r < theirs(); ++r)
            for (int i = 0; i < count; ++i) result[u(i)] += element(their_id(r), i);
        return result;
    }
};

constexpr std::array<int, 5> kLengths{0, 1, 17, 1000, 100'000};

TEST_P(InterReduction, ReduceToEveryRoot) {
    for (const int count : kLengths) {
        for_every_root([&](int root, bool is_root, bool is_leaf) {
            const std::vector<int> in = input(count);
            std::vector<int> out = unset(count);
            MPI_OK(MPI_Reduce(is_leaf ? in.data() : nullptr, is_root ? out.data() : nullptr, count,
                              MPI_INT, MPI_SUM, root, between()));
            EXPECT_EQ(out, is_root ? their_sum(count) : unset(count));
        });
    }
}

TEST_P(InterReduction, Allreduce) {
    for (const int count : kLengths) {
        SCOPED_TRACE(count);
        const std::vector<int> in = input(count);
        std::vector<int> out = unset(count);
        MPI_OK(MPI_Allreduce(in.data(), out.data(), count, MPI_INT, MPI_SUM, between()));
        EXPECT_EQ(out, their_sum(count));
        EXPECT_EQ(in, input(count)) << "the input was changed";
    }
}

// Operands are combined in the order of their ranks.
TEST_P(InterReduction, NonCommutative) {
    MPI_Op first = MPI_OP_NULL;
    MPI_Op last = MPI_OP_NULL;
    MPI_OK(MPI_Op_create(
        [](void* in, void* inout, int* n, MPI_Datatype*) {
            std::copy_n(static_cast<int*>(in), *n, static_cast<int*>(inout));
        },
        0, &first));
    MPI_OK(MPI_Op_create([](void*, void*, int*, MPI_Datatype*) {}, 0, &last));
    for (const int count : {1, 5, 30'000}) {
        const std::vector<int> in = input(count);
        std::vector<int> out = unset(count);
        MPI_OK(MPI_Allreduce(in.data(), out.data(), count, MPI_INT, first, between()));
        for (int i = 0; i < count; ++i) ASSERT_EQ(out[u(i)], element(their_id(0), i));
        MPI_OK(MPI_Allreduce(in.data(), out.data(), count, MPI_INT, last, between()));
        for (int i = 0; i < count; ++i) ASSERT_EQ(out[u(i)], element(their_id(theirs() - 1), i));
    }
    MPI_OK(MPI_Op_free(&first));
    MPI_OK(MPI_Op_free(&last));
}

// Each group divides as many elements among its processes, in its own way.
TEST_P(InterReduction, ReduceScatter) {
    for (const int scale : {0, 1, 9, 5000}) {
        SCOPED_TRACE(scale);
        const int total = ours() * theirs() * scale;
        // Uneven: the last one gets what two others do not.
        std::vector<int> counts(u(ours()), theirs() * scale);
        if (ours() > 2) {
            counts.back() += counts[0] + counts[1] / 2;
            counts[1] -= counts[1] / 2;
            counts[0] = 0;
        }
        const int before = std::accumulate(counts.begin(), counts.begin() + me(), 0);
        const std::vector<int> in = input(total);
        std::vector<int> out = unset(counts[u(me())] + 1);
        MPI_OK(
            MPI_Reduce_scatter(in.data(), out.data(), counts.data(), MPI_INT, MPI_SUM, between()));
        EXPECT_EQ(out.back(), -1);
        out.pop_back();
        const std::vector<int> whole = their_sum(total);
        EXPECT_EQ(out, std::vector<int>(whole.begin() + before,
                                        whole.begin() + before + counts[u(me())]));

        const int part = theirs() * scale;
        out = unset(part);
        MPI_OK(MPI_Reduce_scatter_block(in.data(), out.data(), part, MPI_INT, MPI_SUM, between()));
        EXPECT_EQ(out,
                  std::vector<int>(whole.begin() + part * me(), whole.begin() + part * (me() + 1)));
    }
}

class InterErrors : public inter::InterTest {};

// Every process makes the same mistake, so none waits for another.
TEST_P(InterErrors, Roots) {
    int value = 0;
    std::vector<int> many = unset(size());
    // MPI_ANY_SOURCE is one of the negative ones.
    for (const int root : {theirs(), -77, MPI_ANY_SOURCE}) {
        SCOPED_TRACE(root);
        EXPECT_MPI_CLASS(MPI_Bcast(&value, 1, MPI_INT, root, between()), MPI_ERR_ROOT);
        EXPECT_MPI_CLASS(MPI_Gather(&value, 1, MPI_INT, many.data(), 1, MPI_INT, root, between()),
                         MPI_ERR_ROOT);
        EXPECT_MPI_CLASS(MPI_Scatter(many.data(), 1, MPI_INT, &value, 1, MPI_INT, root, between()),
                         MPI_ERR_ROOT);
        EXPECT_MPI_CLASS(MPI_Reduce(&value, many.data(), 1, MPI_INT, MPI_SUM, root, between()),
                         MPI_ERR_ROOT);
    }
    // MPI_ROOT is for intercommunicators alone.
    EXPECT_MPI_CLASS(MPI_Bcast(&value, 1, MPI_INT, MPI_ROOT, comm()), MPI_ERR_ROOT);
}

TEST_P(InterErrors, PrefixesNeedOneGroup) {
    SKIP_ON_PEER(kMpich, "4.0 does not look");
    int in = 0;
    int out = 0;
    EXPECT_MPI_CLASS(MPI_Scan(&in, &out, 1, MPI_INT, MPI_SUM, between()), MPI_ERR_COMM);
    EXPECT_MPI_CLASS(MPI_Exscan(&in, &out, 1, MPI_INT, MPI_SUM, between()), MPI_ERR_COMM);
}

TEST_P(InterErrors, InPlace) {
    FATHOM_ONLY("others crash, or take it for an address");
    std::vector<int> many = unset(size());
    const std::vector<int> ones(u(size()), 1);
    int* const data = many.data();
    const MPI_Comm c = between();
    const std::vector<MPI_Datatype> ints(u(size()), MPI_INT);
    const int* n = ones.data();
    EXPECT_MPI_CLASS(MPI_Allgather(MPI_IN_PLACE, 1, MPI_INT, data, 1, MPI_INT, c), MPI_ERR_BUFFER);
    EXPECT_MPI_CLASS(MPI_Allgatherv(MPI_IN_PLACE, 1, MPI_INT, data, n, n, MPI_INT, c),
                     MPI_ERR_BUFFER);
    EXPECT_MPI_CLASS(MPI_Alltoall(MPI_IN_PLACE, 1, MPI_INT, data, 1, MPI_INT, c), MPI_ERR_BUFFER);
    EXPECT_MPI_CLASS(MPI_Alltoallv(MPI_IN_PLACE, n, n, MPI_INT, data, n, n, MPI_INT, c),
                     MPI_ERR_BUFFER);
    EXPECT_MPI_CLASS(MPI_Alltoallw(MPI_IN_PLACE, n, n, ints.data(), data, n, n, ints.data(), c),
                     MPI_ERR_BUFFER);
    EXPECT_MPI_CLASS(MPI_Allreduce(MPI_IN_PLACE, data, 1, MPI_INT, MPI_SUM, c), MPI_ERR_BUFFER);
    EXPECT_MPI_CLASS(MPI_Reduce_scatter(MPI_IN_PLACE, data, n, MPI_INT, MPI_SUM, c),
                     MPI_ERR_BUFFER);
    EXPECT_MPI_CLASS(MPI_Reduce_scatter_block(MPI_IN_PLACE, data, 1, MPI_INT, MPI_SUM, c),
                     MPI_ERR_BUFFER);
}

TEST_P(InterErrors, CountsAndTypes) {
    std::vector<int> many = unset(size());
    int value = 0;
    const MPI_Comm c = between();
    EXPECT_MPI_CLASS(MPI_Allreduce(&value, many.data(), -1, MPI_INT, MPI_SUM, c), MPI_ERR_COUNT);
    EXPECT_MPI_CLASS(MPI_Allgather(&value, 1, MPI_DATATYPE_NULL, many.data(), 1, MPI_INT, c),
                     MPI_ERR_TYPE);
    EXPECT_MPI_CLASS(MPI_Allreduce(&value, many.data(), 1, MPI_INT, MPI_OP_NULL, c), MPI_ERR_OP);
    // The counts of the other group's processes, as many as there are.
    std::vector<int> counts(u(theirs()), 0);
    counts.back() = -1;
    const std::vector<int> zeros(u(theirs()), 0);
    EXPECT_MPI_CLASS(
        MPI_Allgatherv(&value, 0, MPI_INT, many.data(), counts.data(), zeros.data(), MPI_INT, c),
        MPI_ERR_COUNT);
}

INSTANTIATE_SPLITS(InterReduction);
INSTANTIATE_SPLITS(InterErrors);

}  // namespace
