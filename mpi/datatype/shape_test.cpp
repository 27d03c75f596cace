// The canonical form of layouts: how few nodes describe them, and which.

#include <gtest/gtest.h>

#include <set>

#include "mpi/datatype/naive.hpp"

namespace mpi::testing {
namespace {

using Kind = Node::Kind;

/// Distinct nodes of a shape.
std::size_t nodes(const Shape& shape) {
    std::set<const Node*> seen;
    std::vector<const Node*> open{shape.node.get()};
    while (!open.empty()) {
        const Node* node = open.back();
        open.pop_back();
        if (node == nullptr || !seen.insert(node).second) continue;
        open.push_back(node->part.get());
        for (const auto& part : node->parts) open.push_back(part.get());
    }
    return seen.size();
}

void expect_run(const Shape& shape, std::int64_t at, std::uint64_t bytes) {
    EXPECT_EQ(shape.node, nullptr);
    EXPECT_EQ(shape.at, at);
    EXPECT_EQ(shape.bytes, bytes);
}

void expect_loop(const Shape& shape, std::uint64_t count, std::int64_t stride,
                 std::uint64_t part_bytes) {
    ASSERT_NE(shape.node, nullptr);
    EXPECT_EQ(shape.node->kind, Kind::loop);
    EXPECT_EQ(shape.node->count, count);
    EXPECT_EQ(shape.node->stride, stride);
    EXPECT_EQ(shape.node->part_bytes, part_bytes);
    EXPECT_EQ(shape.bytes, count * part_bytes);
}

TEST(Shape, RunsJoin) {
    expect_run(make_loop(10, 8, make_run(4, 8)), 4, 80);
    expect_run(make_list({make_run(4, 8), make_run(12, 4), make_run(16, 1)}), 4, 13);
    expect_run(make_list({make_run(4, 8), {}, make_run(12, 4)}), 4, 12);
    expect_run(make_loop(1, 100, make_run(4, 8)), 4, 8);
    expect_run(make_loop(0, 100, make_run(4, 8)), 0, 0);
    expect_run(make_list({}), 0, 0);
}

TEST(Shape, AVectorOfAnyLengthIsOneNode) {
    const Shape shape = make_loop(1000000, 16, make_run(0, 8));
    expect_loop(shape, 1000000, 16, 8);
    EXPECT_EQ(nodes(shape), 1U);
}

TEST(Shape, LoopsThatContinueEachOtherAreOne) {
    const Shape inner = make_loop(10, 16, make_run(0, 8));
    expect_loop(make_loop(5, 160, inner), 50, 16, 8);
    const Shape backwards = make_loop(10, -16, make_run(0, 8));
    expect_loop(make_loop(5, -160, backwards), 50, -16, 8);
    expect_loop(make_loop(5, 161, inner), 5, 161, 80);
}

TEST(Shape, AFaceOfACubeIsANestOfTwo) {
    // The plane j = 0 of an n³ array of two-double cells: rows of one cell, n planes.
    const std::int64_t n = 100;
    const Shape row = make_loop(100, 16 * n, make_run(0, 16));
    expect_loop(row, 100, 16 * n, 16);
    const Shape part_of_row = make_loop(50, 16 * n, make_run(0, 16));
    EXPECT_EQ(nodes(make_loop(100, 16 * n * n, part_of_row)), 2U);
    // The plane i = 0: all rows follow each other at the same distance.
    expect_loop(make_loop(100, 16 * n * n, row), 10000, 16 * n, 16);
}

TEST(Shape, RegularListsAreLoops) {
    std::vector<Shape> parts;
    for (int i = 0; i < 1000; ++i) parts.push_back(make_run(40 * i - 7, 8));
    const Shape shape = make_list(parts);
    expect_loop(shape, 1000, 40, 8);
    EXPECT_EQ(shape.at, -7);
}

TEST(Shape, IrregularListsKeepWhatTheyNeed) {
    std::vector<Shape> parts;
    for (int i = 0; i < 1000; ++i) parts.push_back(make_run(20 * i + i % 3, 8));
    Shape shape = make_list(parts);
    ASSERT_NE(shape.node, nullptr);
    EXPECT_EQ(shape.node->kind, Kind::blocks);
    EXPECT_EQ(shape.node->at.size(), 1000U);
    EXPECT_TRUE(shape.node->start.empty());
    parts[7].bytes = 4;
    shape = make_list(parts);
    EXPECT_EQ(shape.node->kind, Kind::runs);
    EXPECT_EQ(shape.node->start.size(), 1001U);
    EXPECT_EQ(shape.node->start[1000], 1000U * 8 - 4);
    EXPECT_TRUE(shape.node->parts.empty());
    parts[8] = make_loop(50, 100, make_run(1000000, 8));
    shape = make_list(parts);
    EXPECT_EQ(shape.node->kind, Kind::mixed);
    EXPECT_EQ(nodes(shape), 2U);
}

TEST(Shape, SmallStructsInStructsAreFlat) {
    const Shape inner = make_list({make_run(0, 4), make_run(8, 8)});
    const Shape outer = make_list({make_run(-8, 4), inner, shifted(inner, 24)});
    EXPECT_EQ(nodes(outer), 1U);
    EXPECT_EQ(outer.node->kind, Kind::runs);
    EXPECT_EQ(outer.node->count, 5U);
}

TEST(Shape, LongListsShareTheirParts) {
    const Shape inner = make_list({make_run(0, 4), make_run(8, 8), make_run(20, 4)});
    std::vector<Shape> parts;
    for (int i = 0; i < 10000; ++i) parts.push_back(shifted(inner, 64 * i + i % 7));
    const Shape shape = make_list(parts);
    EXPECT_EQ(shape.node->count, 10000U);
    EXPECT_EQ(nodes(shape), 2U);
}

TEST(Shape, EqualBlocksOfAnIndexedTypeAreSeen) {
    Twin gap;
    ASSERT_EQ(type_vector(2, 1, 2, type_of(MPI_INT), gap.type), Status::ok);
    std::vector<int> lengths(1000, 3);
    std::vector<int> at;
    for (int i = 0; i < 1000; ++i) at.push_back(5 * i);
    Twin regular;
    ASSERT_EQ(type_indexed(1000, lengths.data(), at.data(), *gap.type, regular.type), Status::ok);
    EXPECT_EQ(regular.type->shape.node->kind, Kind::loop);
    for (int i = 0; i < 1000; ++i) lengths[static_cast<std::size_t>(i)] = 1 + i % 4;
    Twin varied;
    ASSERT_EQ(type_indexed(1000, lengths.data(), at.data(), *gap.type, varied.type), Status::ok);
    EXPECT_LE(nodes(varied.type->shape), 6U);
}

TEST(Buffers, OneRunAnywhereNeedsNoLayout) {
    static double there[4] = {1, 2, 3, 4};
    const Aint address = reinterpret_cast<Aint>(&there[1]);
    const int length = 2;
    const MPI_Datatype real = MPI_DOUBLE;
    Twin absolute;
    ASSERT_EQ(type_create_struct(1, &length, &address, DatatypeArray(&real), absolute.type),
              Status::ok);
    const adi::Buffer buffer = make_buffer(MPI_BOTTOM, 1, *absolute.type);
    EXPECT_EQ(buffer.layout, nullptr);
    EXPECT_EQ(buffer.base, &there[1]);
    EXPECT_EQ(buffer.bytes, 16U);
}

TEST(Buffers, AbsoluteAddressesFromBottom) {
    static int a = 11;
    static double b[2] = {2.5, 3.5};
    const int lengths[] = {1, 2};
    const Aint at[] = {reinterpret_cast<Aint>(&a), reinterpret_cast<Aint>(b)};
    const MPI_Datatype types[] = {MPI_INT, MPI_DOUBLE};
    Twin absolute;
    ASSERT_EQ(type_create_struct(2, lengths, at, DatatypeArray(types), absolute.type), Status::ok);
    struct [[gnu::packed]] Packed {
        int a;
        double b[2];
    } packed{};
    const adi::Buffer buffer = make_buffer(MPI_BOTTOM, 1, *absolute.type);
    buffer.read(0, &packed, sizeof packed);
    EXPECT_EQ(int{packed.a}, 11);
    const double last = packed.b[1];  // a copy: the member is not aligned
    EXPECT_EQ(last, 3.5);
    packed.a = 12;
    buffer.write(0, &packed, sizeof packed);
    EXPECT_EQ(a, 12);
}

}  // namespace
}  // namespace mpi::testing
