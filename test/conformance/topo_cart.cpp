// Grids: dimensions chosen, made, asked, shifted, cut into subgrids, kept by duplicates; the
// errors.
#include <algorithm>
#include <array>
#include <numeric>

#include "test/conformance/errors.hpp"

namespace {

using mpitest::to_int;
using Ints = std::vector<int>;

Ints dims_of(int nodes, Ints dims) {
    EXPECT_MPI_OK(MPI_Dims_create(nodes, to_int(dims.size()), dims.data()));
    return dims;
}

int topology_of(MPI_Comm comm) {
    int kind = -1;
    EXPECT_MPI_OK(MPI_Topo_test(comm, &kind));
    return kind;
}

int rank_in(MPI_Comm comm) {
    int rank = -1;
    EXPECT_MPI_OK(MPI_Comm_rank(comm, &rank));
    return rank;
}

int size_of(MPI_Comm comm) {
    int size = -1;
    EXPECT_MPI_OK(MPI_Comm_size(comm, &size));
    return size;
}

TEST(Dims, AsEqualAsCanBe) {
    EXPECT_EQ(dims_of(6, {0, 0}), (Ints{3, 2}));
    EXPECT_EQ(dims_of(7, {0, 0}), (Ints{7, 1}));
    EXPECT_EQ(dims_of(16, {0, 0, 0}), (Ints{4, 2, 2}));
    EXPECT_EQ(dims_of(72, {0, 0, 0}), (Ints{6, 4, 3}));
    EXPECT_EQ(dims_of(60, {0, 0, 0}), (Ints{5, 4, 3}));
    // The smallest difference between the first and the last one decides.
    EXPECT_EQ(dims_of(7488, {0, 0, 0}), (Ints{26, 18, 16}));
    EXPECT_EQ(dims_of(5040, {0, 0, 0}), (Ints{21, 16, 15}));
    EXPECT_EQ(dims_of(1024, {0, 0, 0, 0, 0}), (Ints{4, 4, 4, 4, 4}));
    EXPECT_EQ(dims_of(1, {0, 0, 0}), (Ints{1, 1, 1}));
    EXPECT_EQ(dims_of(2147483647, {0, 0}), (Ints{2147483647, 1}));
}

TEST(Dims, GivenOnesStay) {
    EXPECT_EQ(dims_of(6, {0, 3, 0}), (Ints{2, 3, 1}));
    EXPECT_EQ(dims_of(24, {2, 0, 0}), (Ints{2, 4, 3}));
    EXPECT_EQ(dims_of(24, {2, 3, 4}), (Ints{2, 3, 4}));
    EXPECT_EQ(dims_of(12, {0}), (Ints{12}));
    EXPECT_EQ(dims_of(1, {}), Ints{});
}

// Numbers with very many divisors, in many dimensions: quick, decreasing, and the right product.
TEST(Dims, ManyDivisors) {
    for (const int nodes : {1396755360, 2095133040, 1 << 30, 1594323, 5040}) {
        for (std::size_t n = 1; n <= 40; ++n) {
            const Ints dims = dims_of(nodes, Ints(n, 0));
            long long product = 1;
            for (const int d : dims) product *= d;
            ASSERT_EQ(product, nodes);
            ASSERT_TRUE(std::is_sorted(dims.rbegin(), dims.rend()));
        }
    }
}

class Cart : public errors::ErrorTest {
  protected:
    // A grid of all ranks with these periods.
    MPI_Comm grid(const Ints& periods, int reorder = 0) const {
        const Ints dims = dims_of(size(), Ints(periods.size(), 0));
        MPI_Comm made = MPI_COMM_NULL;
        EXPECT_MPI_OK(MPI_Cart_create(comm(), to_int(dims.size()), dims.data(), periods.data(),
                                      reorder, &made));
        return made;
    }
};

TEST_F(Cart, WhatWasGivenComesBack) {
    for (const int reorder : {0, 1}) {
        MPI_Comm cart = grid({0, 5, 0}, reorder);
        EXPECT_EQ(topology_of(cart), MPI_CART);
        int ndims = -1;
        MPI_OK(MPI_Cartdim_get(cart, &ndims));
        EXPECT_EQ(ndims, 3);
        Ints dims(3), periods(3), coords(3), again(3);
        MPI_OK(MPI_Cart_get(cart, 3, dims.data(), periods.data(), coords.data()));
        EXPECT_EQ(dims, dims_of(size(), {0, 0, 0}));
        EXPECT_EQ(periods, (Ints{0, 1, 0}));
        MPI_OK(MPI_Cart_coords(cart, rank_in(cart), 3, again.data()));
        EXPECT_EQ(again, coords);
        if (reorder == 0) {
            EXPECT_EQ(rank_in(cart), rank());
        }
        // Rows first: the last coordinate varies fastest.
        for (int r = 0; r < size(); ++r) {
            MPI_OK(MPI_Cart_coords(cart, r, 3, again.data()));
            EXPECT_EQ((again[0] * dims[1] + again[1]) * dims[2] + again[2], r);
            int back = -1;
            MPI_OK(MPI_Cart_rank(cart, again.data(), &back));
            EXPECT_EQ(back, r);
            again[1] -= 3 * dims[1];  // a ring
            MPI_OK(MPI_Cart_rank(cart, again.data(), &back));
            EXPECT_EQ(back, r);
        }
        MPI_OK(MPI_Comm_free(&cart));
    }
}

TEST_F(Cart, Shift) {
    MPI_Comm ring = grid({1}), line = grid({0});
    for (const int steps : {0, 1, -1, 2, size(), 3 * size() + 1, -1'000'000'007}) {
        int source = -9, dest = -9;
        MPI_OK(MPI_Cart_shift(ring, 0, steps, &source, &dest));
        const auto wrapped = [&](long long r) {
            return static_cast<int>((r % size() + size()) % size());
        };
        EXPECT_EQ(dest, wrapped(static_cast<long long>(rank()) + steps));
        EXPECT_EQ(source, wrapped(static_cast<long long>(rank()) - steps));
        MPI_OK(MPI_Cart_shift(line, 0, steps, &source, &dest));
        const auto clipped = [&](long long r) {
            return r < 0 || r >= size() ? MPI_PROC_NULL : static_cast<int>(r);
        };
        EXPECT_EQ(dest, clipped(static_cast<long long>(rank()) + steps));
        EXPECT_EQ(source, clipped(static_cast<long long>(rank()) - steps));
    }
    int from = -1, source = 0, dest = 0;
    MPI_OK(MPI_Cart_shift(line, 0, 1, &source, &dest));
    const int mine = rank();
    MPI_OK(MPI_Sendrecv(&mine, 1, MPI_INT, dest, 0, &from, 1, MPI_INT, source, 0, line,
                        MPI_STATUS_IGNORE));
    EXPECT_EQ(from, rank() == 0 ? -1 : rank() - 1);
    MPI_OK(MPI_Comm_free(&ring));
    MPI_OK(MPI_Comm_free(&line));
}

TEST_F(Cart, SmallerThanTheCommunicator) {
    NEED_RANKS(2);
    const int dims = size() - 1, periods = 1;
    MPI_Comm cart = MPI_COMM_WORLD;
    MPI_OK(MPI_Cart_create(comm(), 1, &dims, &periods, 1, &cart));
    int ranks_without = cart == MPI_COMM_NULL ? 1 : 0;
    MPI_OK(MPI_Allreduce(MPI_IN_PLACE, &ranks_without, 1, MPI_INT, MPI_SUM, comm()));
    EXPECT_EQ(ranks_without, 1);
    if (cart == MPI_COMM_NULL) return;
    EXPECT_EQ(size_of(cart), dims);
    MPI_OK(MPI_Comm_free(&cart));
}

TEST_F(Cart, WithoutDimensions) {
    MPI_Comm cart = MPI_COMM_WORLD;
    MPI_OK(MPI_Cart_create(comm(), 0, nullptr, nullptr, 0, &cart));
    ASSERT_EQ(cart != MPI_COMM_NULL, rank() == 0);
    if (cart == MPI_COMM_NULL) return;
    EXPECT_EQ(size_of(cart), 1);
    int ndims = -1, at = -1;
    MPI_OK(MPI_Cartdim_get(cart, &ndims));
    EXPECT_EQ(ndims, 0);
    MPI_OK(MPI_Cart_rank(cart, nullptr, &at));
    EXPECT_EQ(at, 0);
    MPI_OK(MPI_Comm_free(&cart));
}

TEST_F(Cart, SubgridsKeepTheirDimensions) {
    MPI_Comm cart = grid({0, 1, 0});
    Ints dims(3), periods(3), coords(3);
    MPI_OK(MPI_Cart_get(cart, 3, dims.data(), periods.data(), coords.data()));
    for (unsigned mask = 0; mask < 8; ++mask) {
        Ints remain(3);
        Ints kept_dims, kept_periods, kept_coords;
        for (std::size_t d = 0; d < 3; ++d) {
            remain[d] = (mask >> d & 1) != 0 ? 17 : 0;
            if (remain[d] == 0) continue;
            kept_dims.push_back(dims[d]);
            kept_periods.push_back(periods[d]);
            kept_coords.push_back(coords[d]);
        }
        MPI_Comm sub = MPI_COMM_NULL;
        MPI_OK(MPI_Cart_sub(cart, remain.data(), &sub));
        EXPECT_EQ(topology_of(sub), MPI_CART);
        int ndims = -1;
        MPI_OK(MPI_Cartdim_get(sub, &ndims));
        ASSERT_EQ(ndims, to_int(kept_dims.size()));
        Ints sub_dims(kept_dims.size()), sub_periods(kept_dims.size()),
            sub_coords(kept_dims.size());
        MPI_OK(MPI_Cart_get(sub, ndims, sub_dims.data(), sub_periods.data(), sub_coords.data()));
        EXPECT_EQ(sub_dims, kept_dims);
        EXPECT_EQ(sub_periods, kept_periods);
        EXPECT_EQ(sub_coords, kept_coords);
        EXPECT_EQ(size_of(sub),
                  std::accumulate(kept_dims.begin(), kept_dims.end(), 1, std::multiplies<>()));
        MPI_OK(MPI_Comm_free(&sub));
    }
    MPI_OK(MPI_Comm_free(&cart));
}

TEST_F(Cart, DuplicatesKeepItSplitsDoNot) {
    MPI_Comm cart = grid({1, 0}), copy = MPI_COMM_NULL, part = MPI_COMM_NULL;
    MPI_OK(MPI_Comm_dup(cart, &copy));
    MPI_OK(MPI_Comm_split(cart, 0, 0, &part));
    EXPECT_EQ(topology_of(copy), MPI_CART);
    EXPECT_EQ(topology_of(part), MPI_UNDEFINED);
    EXPECT_EQ(topology_of(comm()), MPI_UNDEFINED);
    MPI_OK(MPI_Comm_free(&cart));  // the duplicate's is its own
    Ints dims(2), periods(2), coords(2);
    MPI_OK(MPI_Cart_get(copy, 2, dims.data(), periods.data(), coords.data()));
    EXPECT_EQ(dims, dims_of(size(), {0, 0}));
    MPI_OK(MPI_Comm_free(&copy));
    MPI_OK(MPI_Comm_free(&part));
}

TEST_F(Cart, MapIsAPermutation) {
    const Ints dims = dims_of(size(), {0, 0});
    const Ints periods{0, 1};
    int mine = -1;
    MPI_OK(MPI_Cart_map(comm(), 2, dims.data(), periods.data(), &mine));
    Ints all(static_cast<std::size_t>(size()));
    MPI_OK(MPI_Allgather(&mine, 1, MPI_INT, all.data(), 1, MPI_INT, comm()));
    std::sort(all.begin(), all.end());
    for (int r = 0; r < size(); ++r) EXPECT_EQ(all[static_cast<std::size_t>(r)], r);
    // One process is left out of a smaller grid.
    const int fewer = size() - 1;
    if (fewer == 0) return;
    MPI_OK(MPI_Cart_map(comm(), 1, &fewer, periods.data(), &mine));
    int outside = mine == MPI_UNDEFINED ? 1 : 0;
    MPI_OK(MPI_Allreduce(MPI_IN_PLACE, &outside, 1, MPI_INT, MPI_SUM, comm()));
    EXPECT_EQ(outside, 1);
}

TEST_F(Cart, DimsErrors) {
    Ints bad{-1, 0}, three{3, 0}, full{2, 2};
    run({
        {"negative", MPI_ERR_DIMS, [&] { return MPI_Dims_create(4, 2, bad.data()); }},
        {"no multiple", MPI_ERR_DIMS, [&] { return MPI_Dims_create(4, 2, three.data()); }},
        {"nothing open", MPI_ERR_DIMS, [&] { return MPI_Dims_create(8, 2, full.data()); },
         errors::For::kFathom},
        {"no nodes", MPI_ERR_ARG, [&] { return MPI_Dims_create(0, 2, three.data()); },
         errors::For::kFathom},
        {"ndims", MPI_ERR_ARG, [&] { return MPI_Dims_create(4, -1, three.data()); },
         errors::For::kFathom},
        {"null", MPI_ERR_ARG, [&] { return MPI_Dims_create(4, 1, nullptr); }, errors::For::kFathom},
    });
}

TEST_F(Cart, ErrorsOfTheArguments) {
    MPI_Comm cart = grid({0, 1}), out = MPI_COMM_NULL;
    const int many[2] = {size() + 1, 1}, huge[3] = {1 << 20, 1 << 20, 1 << 20};
    const int zero[2] = {0, 1}, none[3] = {0, 0, 0};
    int a[2] = {0, 0}, b[2], c[2], outside[2] = {size(), 0}, value = 0;
    run({
        {"too many places", MPI_ERR_DIMS,
         [&] { return MPI_Cart_create(comm(), 2, many, none, 0, &out); }},
        {"far too many", MPI_ERR_DIMS,
         [&] { return MPI_Cart_create(comm(), 3, huge, none, 0, &out); }, errors::For::kFathom},
        {"dims of zero", MPI_ERR_DIMS,
         [&] { return MPI_Cart_create(comm(), 2, zero, none, 0, &out); }},
        {"ndims", MPI_ERR_ARG, [&] { return MPI_Cart_create(comm(), -1, many, none, 0, &out); }},
        {"dims null", MPI_ERR_ARG,
         [&] { return MPI_Cart_create(comm(), 1, nullptr, none, 0, &out); }, errors::For::kFathom},
        {"map: dims of zero", MPI_ERR_DIMS,
         [&] { return MPI_Cart_map(comm(), 2, zero, none, &value); }},
        {"get: room", MPI_ERR_ARG, [&] { return MPI_Cart_get(cart, 1, a, b, c); }},
        {"coords: room", MPI_ERR_ARG, [&] { return MPI_Cart_coords(cart, 0, 1, a); }},
        {"coords: rank", MPI_ERR_RANK, [&] { return MPI_Cart_coords(cart, size(), 2, a); }},
        {"coords: negative rank", MPI_ERR_RANK, [&] { return MPI_Cart_coords(cart, -1, 2, a); }},
        {"rank: outside", MPI_ERR_ARG, [&] { return MPI_Cart_rank(cart, outside, &value); }},
        {"rank: null", MPI_ERR_ARG, [&] { return MPI_Cart_rank(cart, nullptr, &value); }},
        {"shift: direction", MPI_ERR_ARG,
         [&] { return MPI_Cart_shift(cart, 2, 1, &value, &value); }},
        {"shift: negative", MPI_ERR_ARG,
         [&] { return MPI_Cart_shift(cart, -1, 1, &value, &value); }},
        {"sub: null", MPI_ERR_ARG, [&] { return MPI_Cart_sub(cart, nullptr, &out); },
         errors::For::kFathom},
        {"comm null", MPI_ERR_COMM, [&] { return MPI_Topo_test(MPI_COMM_NULL, &value); }},
        {"no grid: dim", MPI_ERR_TOPOLOGY, [&] { return MPI_Cartdim_get(comm(), &value); }},
        {"no grid: get", MPI_ERR_TOPOLOGY, [&] { return MPI_Cart_get(comm(), 2, a, b, c); }},
        {"no grid: rank", MPI_ERR_TOPOLOGY, [&] { return MPI_Cart_rank(comm(), a, &value); }},
        {"no grid: coords", MPI_ERR_TOPOLOGY, [&] { return MPI_Cart_coords(comm(), 0, 2, a); }},
        {"no grid: shift", MPI_ERR_TOPOLOGY,
         [&] { return MPI_Cart_shift(comm(), 0, 1, &value, &value); }},
        {"no grid: sub", MPI_ERR_TOPOLOGY, [&] { return MPI_Cart_sub(comm(), none, &out); }},
        {"no graph", MPI_ERR_TOPOLOGY, [&] { return MPI_Graphdims_get(cart, &value, &value); }},
    });
    MPI_OK(MPI_Comm_free(&cart));
}

}  // namespace
