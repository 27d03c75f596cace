// The representation external32, against the standard's table and against type maps written out.

#include <gtest/gtest.h>

#include <cfloat>
#include <cmath>
#include <limits>

#include "mpi/datatype/naive.hpp"

namespace mpi::testing {
namespace {

using Bytes = std::vector<unsigned char>;

Bytes packed(const void* data, Count count, Datatype& type) {
    Aint size = -1;
    EXPECT_EQ(pack_external_size("external32", count, type, size), Status::ok);
    Bytes bytes(static_cast<std::size_t>(size));
    Aint position = 0;
    EXPECT_EQ(pack_external("external32", data, count, type, bytes.data(), size, position),
              Status::ok);
    EXPECT_EQ(position, size);
    return bytes;
}

template <class T>
void expect_bytes(MPI_Datatype type, T value, const Bytes& expected) {
    SCOPED_TRACE(reinterpret_cast<std::uintptr_t>(type));
    EXPECT_EQ(packed(&value, 1, type_of(type)), expected);
    T back{};
    Aint position = 0;
    EXPECT_EQ(unpack_external("external32", expected.data(), static_cast<Count>(expected.size()),
                              position, &back, 1, type_of(type)),
              Status::ok);
    EXPECT_EQ(back, value);
    EXPECT_EQ(position, static_cast<Aint>(expected.size()));
}

TEST(External32, NumbersAreBigEndian) {
    expect_bytes<char>(MPI_CHAR, 'a', {'a'});
    expect_bytes<unsigned char>(MPI_BYTE, 200, {200});
    expect_bytes<bool>(MPI_C_BOOL, true, {1});
    expect_bytes<short>(MPI_SHORT, -2, {0xff, 0xfe});
    expect_bytes<int>(MPI_INT, 0x01020304, {1, 2, 3, 4});
    expect_bytes<long long>(MPI_LONG_LONG, 0x0102030405060708, {1, 2, 3, 4, 5, 6, 7, 8});
    expect_bytes<MPI_Aint>(MPI_AINT, -1, Bytes(8, 0xff));
    expect_bytes<float>(MPI_FLOAT, 1.5F, {0x3f, 0xc0, 0, 0});
    expect_bytes<double>(MPI_DOUBLE, -2.0, {0xc0, 0, 0, 0, 0, 0, 0, 0});
    expect_bytes<int>(MPI_LOGICAL, 1, {0, 0, 0, 1});
}

TEST(External32, LongIsFourBytesAndWideCharactersAreTwo) {
    expect_bytes<long>(MPI_LONG, 0x01020304, {1, 2, 3, 4});
    expect_bytes<long>(MPI_LONG, -2, {0xff, 0xff, 0xff, 0xfe});
    expect_bytes<unsigned long>(MPI_UNSIGNED_LONG, 0xfffffffe, {0xff, 0xff, 0xff, 0xfe});
    expect_bytes<wchar_t>(MPI_WCHAR, L'\xfe12', {0xfe, 0x12});
    // What does not fit loses its high bytes.
    const long large = 0x1122334455667788;
    EXPECT_EQ(packed(&large, 1, type_of(MPI_LONG)), (Bytes{0x55, 0x66, 0x77, 0x88}));
}

TEST(External32, LongDoubleIsABinary128) {
    const MPI_Datatype type = MPI_LONG_DOUBLE;
    expect_bytes<long double>(type, 0.0L, Bytes(16));
    expect_bytes<long double>(type, 1.0L, {0x3f, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
    expect_bytes<long double>(type, -1.75L,
                              {0xbf, 0xff, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
    // 63 fraction bits, of which the lowest is bit 49 of the long fraction.
    expect_bytes<long double>(type, 1.0L + LDBL_EPSILON,
                              {0x3f, 0xff, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0});
    expect_bytes<long double>(
        type, LDBL_MAX,
        {0x7f, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0, 0, 0, 0, 0, 0});
    expect_bytes<long double>(type, std::numeric_limits<long double>::infinity(),
                              {0x7f, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
    const long double nothing = std::numeric_limits<long double>::quiet_NaN();
    const Bytes bytes = packed(&nothing, 1, type_of(type));
    long double back = 0;
    Aint position = 0;
    ASSERT_EQ(unpack_external("external32", bytes.data(), 16, position, &back, 1, type_of(type)),
              Status::ok);
    EXPECT_TRUE(std::isnan(back));
}

TEST(External32, PairsAndComplexNumbersAreTheirParts) {
    struct LongInt {
        long value;
        int index;
        bool operator==(const LongInt&) const = default;
    };
    expect_bytes<LongInt>(MPI_LONG_INT, {-1, 2}, {0xff, 0xff, 0xff, 0xff, 0, 0, 0, 2});
    const float complex[] = {1.5F, -2.0F};
    EXPECT_EQ(packed(complex, 1, type_of(MPI_C_FLOAT_COMPLEX)),
              (Bytes{0x3f, 0xc0, 0, 0, 0xc0, 0, 0, 0}));
    const long double wide[] = {1.0L, -1.0L};
    const Bytes both = packed(wide, 1, type_of(MPI_C_LONG_DOUBLE_COMPLEX));
    ASSERT_EQ(both.size(), 32U);
    EXPECT_EQ(both[0], 0x3f);
    EXPECT_EQ(both[16], 0xbf);
    Datatype* pair = nullptr;
    ASSERT_EQ(type_get_value_index(type_of(MPI_SHORT), type_of(MPI_LONG), pair), Status::ok);
    ASSERT_NE(pair, nullptr);
    struct ShortLong {
        short value;
        long index;
    };
    const ShortLong value{3, -4};
    EXPECT_EQ(packed(&value, 1, *pair), (Bytes{0, 3, 0xff, 0xff, 0xff, 0xfc}));
}

/// One entry of a type map in external32.
void append_external(const Naive::Entry& e, const std::byte* base, Bytes& out) {
    const auto* from = reinterpret_cast<const unsigned char*>(base + e.at);
    Count size = e.size;
    if (e.type == MPI_LONG) size = 4;
    if (e.type == MPI_WCHAR) size = 2;
    const Count part = e.type == MPI_CXX_DOUBLE_COMPLEX ? size / 2 : size;
    for (Count at = 0; at < size; at += part) {
        for (Count i = part; i-- > 0;) out.push_back(from[at + i]);
    }
}

TEST(RandomTypes, AreConvertedElementByElement) {
    unsigned tried = 0;
    for (unsigned seed = 0; seed < 1500; ++seed) {
        SCOPED_TRACE(seed);
        Maker maker(seed);
        const Twin twin = maker.make(1 + static_cast<int>(seed % 4));
        const Count count = maker.pick(1, 12);
        Naive all;
        all.append(twin.naive, 0, count);
        // Arbitrary bytes are no valid long doubles.
        const auto is_wide = [](const Naive::Entry& e) {
            return e.size == 16 && e.alignment == 16;
        };
        if (std::any_of(all.map.begin(), all.map.end(), is_wide)) continue;
        ++tried;
        const Count low = std::min<Count>(all.true_lb(), 0);
        std::vector<std::byte> memory(
            static_cast<std::size_t>(std::max<Count>(all.true_ub(), 0) - low));
        for (std::byte& b : memory) b = static_cast<std::byte>(maker.pick(0, 255));
        std::byte* base = memory.data() - low;
        Bytes expected;
        for (const Naive::Entry& e : all.map) append_external(e, base, expected);
        ASSERT_EQ(packed(base, count, *twin.type), expected);
        if (twin.naive.overlaps(count)) continue;

        // There and back again, apart from the bytes that the representation has no room for.
        std::vector<std::byte> other = memory;
        for (std::byte& b : other) b ^= std::byte{0xff};
        std::vector<std::byte> gaps = other;
        std::byte* other_base = other.data() - low;
        Aint position = 0;
        ASSERT_EQ(
            unpack_external("external32", expected.data(), static_cast<Count>(expected.size()),
                            position, other_base, count, *twin.type),
            Status::ok);
        ASSERT_EQ(packed(other_base, count, *twin.type), expected);
        for (const Naive::Entry& e : all.map) {
            std::copy_n(other_base + e.at, e.size, gaps.data() - low + e.at);
        }
        ASSERT_EQ(gaps, other);
    }
    EXPECT_GT(tried, 500U);
}

TEST(External32, Errors) {
    int value = 1;
    char out[16];
    Aint position = 0;
    Aint size = 0;
    Datatype& type = type_of(MPI_INT);
    EXPECT_EQ(pack_external("native", &value, 1, type, out, 16, position),
              Status::unsupported_datarep);
    EXPECT_EQ(unpack_external("internal", out, 16, position, &value, 1, type),
              Status::unsupported_datarep);
    EXPECT_EQ(pack_external_size("external", 1, type, size), Status::unsupported_datarep);
    EXPECT_EQ(pack_external("external32", &value, 1, type, out, 3, position), Status::arg);
    position = 13;
    EXPECT_EQ(pack_external("external32", &value, 1, type, out, 16, position), Status::arg);
    EXPECT_EQ(unpack_external("external32", out, 16, position, &value, 1, type), Status::arg);
    EXPECT_EQ(position, 13);
    EXPECT_EQ(pack_external_size("external32", Count{1} << 62, type, size), Status::count);
    ASSERT_EQ(pack_external_size("external32", Count{1} << 60, type, size), Status::ok);
    EXPECT_EQ(size, Count{1} << 62);
}

}  // namespace
}  // namespace mpi::testing
