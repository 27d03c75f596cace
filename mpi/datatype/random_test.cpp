// Thousands of random nested datatypes against their type maps written out in full.

#include <gtest/gtest.h>

#include "mpi/core/status.hpp"
#include "mpi/datatype/naive.hpp"

namespace mpi::testing {
namespace {

constexpr unsigned kSeeds = 1500;

std::vector<std::byte> noise(std::size_t n, Maker& maker) {
    std::vector<std::byte> bytes(n);
    for (std::byte& b : bytes) b = static_cast<std::byte>(maker.pick(1, 255));
    return bytes;
}

/// Memory that `count` elements lie in, whatever their bounds.
struct Memory {
    std::vector<std::byte> bytes;
    std::byte* base;

    Memory(const Naive& naive, Count count, Maker& maker) {
        Naive all;
        all.append(naive, 0, count);
        const Count low = std::min<Count>(all.true_lb(), 0);
        const Count high = std::max<Count>(all.true_ub(), 0);
        bytes = noise(static_cast<std::size_t>(high - low), maker);
        base = bytes.data() - low;
    }
};

/// Cuts [0, n) into random pieces, calls f(offset, length) for each in order.
template <class F>
void in_pieces(std::uint64_t n, Maker& maker, F f) {
    for (std::uint64_t at = 0; at < n;) {
        const auto limit = static_cast<Count>(n - at);
        const Count length =
            maker.pick(1, maker.pick(0, 1) == 0 ? limit : std::min<Count>(limit, 9));
        f(at, static_cast<std::uint64_t>(length));
        at += static_cast<std::uint64_t>(length);
    }
}

TEST(RandomTypes, HaveTheBoundsOfTheirTypeMap) {
    for (unsigned seed = 0; seed < kSeeds; ++seed) {
        SCOPED_TRACE(seed);
        Maker maker(seed);
        const Twin twin = maker.make(1 + static_cast<int>(seed % 4));
        const Naive& naive = twin.naive;
        ASSERT_EQ(twin.type->size, naive.size());
        ASSERT_EQ(twin.type->lb, naive.lb());
        ASSERT_EQ(twin.type->extent, naive.extent());
        ASSERT_EQ(twin.type->true_lb, naive.true_lb());
        ASSERT_EQ(twin.type->true_extent, naive.true_ub() - naive.true_lb());
        ASSERT_EQ(twin.type->elements, static_cast<Count>(naive.map.size()));
        ASSERT_EQ(twin.type->shape.bytes, static_cast<std::uint64_t>(naive.size()));
    }
}

TEST(RandomTypes, PackAnyRange) {
    for (unsigned seed = 0; seed < kSeeds; ++seed) {
        SCOPED_TRACE(seed);
        Maker maker(seed);
        const Twin twin = maker.make(1 + static_cast<int>(seed % 4));
        const Count count = maker.pick(1, 12);
        const Memory memory(twin.naive, count, maker);
        const std::vector<std::byte> expected = twin.naive.pack(memory.base, count);
        const adi::Buffer buffer = make_buffer(memory.base, count, *twin.type);
        ASSERT_EQ(buffer.bytes, expected.size());
        std::vector<std::byte> packed(expected.size());
        buffer.read(0, packed.data(), packed.size());
        ASSERT_EQ(packed, expected);
        packed.assign(packed.size(), std::byte{0});
        in_pieces(packed.size(), maker, [&](std::uint64_t at, std::uint64_t n) {
            buffer.read(at, packed.data() + at, n);
        });
        ASSERT_EQ(packed, expected);
    }
}

TEST(RandomTypes, UnpackAnyRangeAndLeaveGapsAlone) {
    unsigned tried = 0;
    for (unsigned seed = 0; seed < 2 * kSeeds; ++seed) {
        SCOPED_TRACE(seed);
        Maker maker(seed);
        const Twin twin = maker.make(1 + static_cast<int>(seed % 4));
        const Count count = maker.pick(1, 12);
        if (twin.naive.overlaps(count)) continue;
        ++tried;
        Memory memory(twin.naive, count, maker);
        Memory expected = memory;
        expected.base = expected.bytes.data() + (memory.base - memory.bytes.data());
        const auto size = static_cast<std::size_t>(twin.type->size * count);
        const std::vector<std::byte> packed = noise(size, maker);
        twin.naive.unpack(expected.base, count, packed.data());
        const adi::Buffer buffer = make_buffer(memory.base, count, *twin.type);
        in_pieces(size, maker, [&](std::uint64_t at, std::uint64_t n) {
            buffer.write(at, packed.data() + at, n);
        });
        ASSERT_EQ(memory.bytes, expected.bytes);
    }
    EXPECT_GT(tried, kSeeds / 2);
}

TEST(Structs, LongArraysOfSmallOnes) {
    const int lengths[] = {1, 1, 3};
    const Aint at[] = {0, 8, 17};
    const MPI_Datatype types[] = {MPI_CHAR, MPI_DOUBLE, MPI_BYTE};
    Twin twin;
    ASSERT_EQ(type_create_struct(3, lengths, at, DatatypeArray(types), twin.type), Status::ok);
    for (int i = 0; i < 3; ++i) twin.naive.append(naive_basic(types[i]), at[i], lengths[i]);
    constexpr Count kCount = 3001;
    Maker maker(1);
    Memory memory(twin.naive, kCount, maker);
    const std::vector<std::byte> expected = twin.naive.pack(memory.base, kCount);
    const adi::Buffer buffer = make_buffer(memory.base, kCount, *twin.type);
    std::vector<std::byte> packed(expected.size());
    const std::uint64_t cut = 12 * 1111 + 5;
    buffer.read(0, packed.data(), cut);
    buffer.read(cut, packed.data() + cut, packed.size() - cut);
    ASSERT_EQ(packed, expected);

    const std::vector<std::byte> before = memory.bytes;
    buffer.write(0, packed.data(), cut);
    buffer.write(cut, packed.data() + cut, packed.size() - cut);
    EXPECT_EQ(memory.bytes, before);
    const std::vector<std::byte> zeros(packed.size());
    buffer.write(0, zeros.data(), zeros.size());
    EXPECT_EQ(std::count(memory.bytes.begin(), memory.bytes.end(), std::byte{0}),
              static_cast<std::ptrdiff_t>(zeros.size()));
}

TEST(RandomTypes, CountElementsOfAnyPrefix) {
    for (unsigned seed = 0; seed < kSeeds; ++seed) {
        SCOPED_TRACE(seed);
        Maker maker(seed);
        const Twin twin = maker.make(1 + static_cast<int>(seed % 4));
        const Count total = 3 * twin.type->size;
        for (int i = 0; i < 12; ++i) {
            MPI_Status status{};
            const Count bytes = i == 0 ? total : maker.pick(0, total);
            set_status_bytes(status, bytes);
            Count elements = -1;
            ASSERT_EQ(get_elements(status, *twin.type, elements), Status::ok);
            ASSERT_EQ(elements, twin.naive.elements(bytes, 3)) << bytes << " bytes";
        }
    }
}

}  // namespace
}  // namespace mpi::testing
