// Constructors: sizes and bounds against the examples of MPI-5.0 §5.1 and at the edges.

#include <gtest/gtest.h>

#include <climits>

#include "mpi/datatype/naive.hpp"

namespace mpi::testing {
namespace {

constexpr Count kHuge = Count{1} << 62;

/// Frees a type at the end of a test.
struct Owned {
    Datatype* type = nullptr;
    Owned() = default;
    Owned(Owned&& other) noexcept : type(std::exchange(other.type, nullptr)) {}
    Owned& operator=(Owned&& other) noexcept {
        std::swap(type, other.type);
        return *this;
    }
    ~Owned() { free(); }
    void free() {
        if (type != nullptr) static_cast<void>(type_free(*type));
        type = nullptr;
    }
    Datatype* operator->() const { return type; }
    Datatype& operator*() const { return *type; }
    MPI_Datatype handle() const { return handle_of<MPI_Datatype>(*type); }
};

Owned contiguous(Count n, Datatype& old) {
    Owned made;
    EXPECT_EQ(type_contiguous(n, old, made.type), Status::ok);
    return made;
}
Owned vector(Count n, Count length, Count stride, Datatype& old) {
    Owned made;
    EXPECT_EQ(type_vector(n, length, stride, old, made.type), Status::ok);
    return made;
}
Owned structure(const std::vector<int>& lengths, const std::vector<Aint>& at,
                const std::vector<MPI_Datatype>& types) {
    Owned made;
    EXPECT_EQ(type_create_struct(static_cast<Count>(lengths.size()), lengths.data(), at.data(),
                                 DatatypeArray(types.data()), made.type),
              Status::ok);
    return made;
}
/// {(double, 0), (char, 8)}, the old type of the standard's examples.
Owned double_char() {
    return structure({1, 1}, {0, 8}, {MPI_DOUBLE, MPI_CHAR});
}

Datatype& basic(MPI_Datatype handle) {
    return type_of(handle);
}

void expect_bounds(const Datatype& type, Count size, Aint lb, Aint extent, Aint true_lb,
                   Aint true_extent) {
    EXPECT_EQ(type.size, size);
    EXPECT_EQ(type.lb, lb);
    EXPECT_EQ(type.extent, extent);
    EXPECT_EQ(type.true_lb, true_lb);
    EXPECT_EQ(type.true_extent, true_extent);
}

TEST(Predefined, EveryHandleIsBoundButTheTypesThatDoNotExist) {
    basic(MPI_INT);
    int bound = 0;
    for (std::uintptr_t value = 0x200; value < 0x300; ++value) {
        const Datatype* type = find<Datatype>(reinterpret_cast<MPI_Datatype>(value));
        if (type == nullptr) continue;
        ++bound;
        EXPECT_TRUE(type->predefined && type->committed);
        EXPECT_EQ(type->id, value);
        EXPECT_NE(type->machine, Machine::none);
        EXPECT_GT(type->size, 0);
    }
    EXPECT_EQ(bound, 68);
    EXPECT_EQ(find<Datatype>(MPI_REAL2), nullptr);
    EXPECT_EQ(find<Datatype>(MPI_COMPLEX4), nullptr);
    EXPECT_EQ(find<Datatype>(MPI_DATATYPE_NULL), nullptr);
}

template <class V, class I>
void expect_pair(MPI_Datatype handle) {
    struct Pair {
        V value;
        I index;
    };
    SCOPED_TRACE(reinterpret_cast<std::uintptr_t>(handle));
    expect_bounds(basic(handle), sizeof(V) + sizeof(I), 0, sizeof(Pair), 0,
                  offsetof(Pair, index) + sizeof(I));
    EXPECT_EQ(basic(handle).dense, sizeof(Pair) == sizeof(V) + sizeof(I));
}

TEST(Predefined, PairsAreLaidOutAsCStructs) {
    expect_pair<float, int>(MPI_FLOAT_INT);
    expect_pair<double, int>(MPI_DOUBLE_INT);
    expect_pair<long, int>(MPI_LONG_INT);
    expect_pair<int, int>(MPI_2INT);
    expect_pair<short, int>(MPI_SHORT_INT);
    expect_pair<long double, int>(MPI_LONG_DOUBLE_INT);
    expect_pair<float, float>(MPI_2REAL);
    expect_pair<double, double>(MPI_2DOUBLE_PRECISION);
    expect_pair<int, int>(MPI_2INTEGER);
}

TEST(Predefined, SizesAreThoseOfTheCTypes) {
    const std::pair<MPI_Datatype, std::size_t> expected[] = {
        {MPI_CHAR, sizeof(char)},
        {MPI_SHORT, sizeof(short)},
        {MPI_INT, sizeof(int)},
        {MPI_LONG, sizeof(long)},
        {MPI_LONG_LONG_INT, sizeof(long long)},
        {MPI_UNSIGNED_LONG_LONG, sizeof(long long)},
        {MPI_FLOAT, sizeof(float)},
        {MPI_DOUBLE, sizeof(double)},
        {MPI_LONG_DOUBLE, sizeof(long double)},
        {MPI_WCHAR, sizeof(wchar_t)},
        {MPI_C_BOOL, sizeof(bool)},
        {MPI_INT8_T, 1},
        {MPI_UINT16_T, 2},
        {MPI_INT32_T, 4},
        {MPI_UINT64_T, 8},
        {MPI_C_COMPLEX, 2 * sizeof(float)},
        {MPI_CXX_DOUBLE_COMPLEX, 2 * sizeof(double)},
        {MPI_C_LONG_DOUBLE_COMPLEX, 2 * sizeof(long double)},
        {MPI_AINT, sizeof(MPI_Aint)},
        {MPI_OFFSET, sizeof(MPI_Offset)},
        {MPI_COUNT, sizeof(MPI_Count)},
        {MPI_BYTE, 1},
        {MPI_PACKED, 1},
        {MPI_INTEGER, 4},
        {MPI_LOGICAL, 4},
        {MPI_DOUBLE_PRECISION, 8},
        {MPI_REAL16, 16},
        {MPI_INTEGER16, 16},
        {MPI_COMPLEX32, 32},
    };
    for (const auto& [handle, size] : expected) {
        SCOPED_TRACE(reinterpret_cast<std::uintptr_t>(handle));
        EXPECT_EQ(basic(handle).size, static_cast<Count>(size));
        EXPECT_EQ(basic(handle).extent, static_cast<Aint>(size));
        EXPECT_TRUE(basic(handle).dense);
    }
}

TEST(Constructors, ExamplesOfTheStandard) {
    const Owned old = double_char();
    expect_bounds(*old, 9, 0, 16, 0, 9);
    expect_bounds(*contiguous(3, *old), 27, 0, 48, 0, 41);
    expect_bounds(*vector(2, 3, 4, *old), 54, 0, 112, 0, 105);
    expect_bounds(*vector(3, 1, -2, *old), 27, -64, 80, -64, 73);
    const int lengths[] = {3, 1};
    const int at[] = {4, 0};
    Owned indexed;
    ASSERT_EQ(type_indexed(2, lengths, at, *old, indexed.type), Status::ok);
    expect_bounds(*indexed, 36, 0, 112, 0, 105);
    const Owned record = structure({2, 1, 3}, {0, 16, 26}, {MPI_FLOAT, old.handle(), MPI_CHAR});
    expect_bounds(*record, 20, 0, 32, 0, 29);
}

TEST(Constructors, PadByTheStrictestAlignment) {
    expect_bounds(*structure({1, 1}, {0, 4}, {MPI_INT, MPI_CHAR}), 5, 0, 8, 0, 5);
    expect_bounds(*structure({3}, {0}, {MPI_CHAR}), 3, 0, 3, 0, 3);
    expect_bounds(*structure({1, 1}, {2, 4}, {MPI_CHAR, MPI_SHORT}), 3, 2, 4, 2, 4);
    expect_bounds(*structure({1, 1}, {-8, 0}, {MPI_DOUBLE, MPI_CHAR}), 9, -8, 16, -8, 9);
    expect_bounds(*structure({1, 1}, {0, 32}, {MPI_LONG_DOUBLE, MPI_CHAR}), 17, 0, 48, 0, 33);
    // The padding of a part counts only between its copies.
    const Owned inner = structure({1, 1}, {4, 12}, {MPI_DOUBLE, MPI_CHAR});
    expect_bounds(*inner, 9, 4, 16, 4, 9);
    expect_bounds(*structure({1, 1}, {0, 0}, {MPI_CHAR, inner.handle()}), 10, 0, 16, 0, 13);
    // Blocks of length zero ask for nothing.
    expect_bounds(*structure({0, 1}, {100, 0}, {MPI_DOUBLE, MPI_CHAR}), 1, 0, 1, 0, 1);
}

TEST(Constructors, EmptyTypes) {
    Owned none = contiguous(0, basic(MPI_INT));
    for (const Owned& empty :
         {contiguous(0, basic(MPI_INT)), vector(0, 3, 5, basic(MPI_INT)),
          vector(3, 0, 5, basic(MPI_INT)), structure({}, {}, {}), contiguous(1000, *none),
          structure({0, 5}, {7, -9}, {MPI_INT, none.handle()}),
          vector(kHuge, kHuge, kHuge, *none)}) {
        expect_bounds(*empty, 0, 0, 0, 0, 0);
        EXPECT_EQ(empty->elements, 0);
        EXPECT_EQ(empty->shape.bytes, 0U);
        EXPECT_TRUE(empty->dense);
    }
}

TEST(Constructors, WhatDoesNotFit64BitsIsRefused) {
    Datatype* type = nullptr;
    Datatype& real = basic(MPI_DOUBLE);
    const auto kRefused = Status::value_too_large;
    EXPECT_EQ(type_contiguous(kHuge, real, type), kRefused);
    EXPECT_EQ(type_vector(kHuge, kHuge, 1, basic(MPI_CHAR), type), kRefused);
    EXPECT_EQ(type_vector(2, 1, kHuge, real, type), kRefused);
    EXPECT_EQ(type_vector(2, 1, INT64_MIN, real, type), kRefused);
    EXPECT_EQ(type_create_hvector(3, 1, INT64_MAX, real, type), kRefused);
    EXPECT_EQ(type_create_hvector(INT64_MAX, 1, INT64_MIN, real, type), kRefused);
    const Count lengths[] = {1, 1};
    const Count ends[] = {INT64_MIN, INT64_MAX - 8};
    EXPECT_EQ(type_create_hindexed(2, lengths, ends, real, type), kRefused);
    EXPECT_EQ(type_indexed(2, lengths, ends, real, type), kRefused);
    const MPI_Datatype types[] = {MPI_DOUBLE, MPI_DOUBLE};
    EXPECT_EQ(type_create_struct(2, lengths, ends, DatatypeArray(types), type), kRefused);
    EXPECT_EQ(type, nullptr);
    // One end alone is an address like any other, and strides between no two blocks are not used.
    Owned high;
    EXPECT_EQ(type_create_hindexed(1, lengths, ends + 1, real, high.type), Status::ok);
    EXPECT_EQ(high->lb, INT64_MAX - 8);
    Owned single;
    EXPECT_EQ(type_vector(1, 2, INT64_MIN, real, single.type), Status::ok);
    expect_bounds(*single, 16, 0, 16, 0, 16);
}

TEST(Constructors, CountsBeyondInt) {
    const Owned big = contiguous(Count{1} << 40, basic(MPI_DOUBLE));
    expect_bounds(*big, Count{1} << 43, 0, Aint{1} << 43, 0, Aint{1} << 43);
    EXPECT_TRUE(big->dense);
    EXPECT_FALSE(big->contents->integers.all_int());
    EXPECT_EQ(big->contents->integers[0], Count{1} << 40);
}

TEST(Constructors, KeepTheirArguments) {
    const Owned v = vector(5, 2, -3, basic(MPI_INT));
    const Contents& contents = *v->contents;
    EXPECT_EQ(contents.combiner, MPI_COMBINER_VECTOR);
    ASSERT_EQ(contents.integers.size(), 3U);
    EXPECT_EQ(contents.integers[0], 5);
    EXPECT_EQ(contents.integers[1], 2);
    EXPECT_EQ(contents.integers[2], -3);
    EXPECT_EQ(contents.types, std::vector<Datatype*>{&basic(MPI_INT)});

    const Owned s = structure({1, 2}, {0, 24}, {MPI_INT, v.handle()});
    EXPECT_EQ(s->contents->combiner, MPI_COMBINER_STRUCT);
    EXPECT_EQ(s->contents->integers.size(), 3U);
    EXPECT_EQ(s->contents->addresses, (std::vector<Count>{0, 24}));
    EXPECT_EQ(s->contents->types, (std::vector<Datatype*>{&basic(MPI_INT), v.type}));

    Owned h;
    const Count lengths[] = {1, 2, 1};
    const Count at[] = {0, 4, INT64_C(1) << 33};  // the first two join, yet are remembered
    ASSERT_EQ(type_indexed(3, lengths, at, basic(MPI_CHAR), h.type), Status::ok);
    ASSERT_EQ(h->contents->integers.size(), 7U);
    EXPECT_EQ(h->contents->integers[5], 4);
    EXPECT_EQ(h->contents->integers[6], Count{1} << 33);
}

TEST(Life, FreedTypesLiveOnInTypesAndPendingUses) {
    Owned old = double_char();
    const MPI_Datatype stale = old.handle();
    Owned pair = contiguous(2, *old);
    Datatype* pending = pair.type;
    retain(pending);
    old.free();
    EXPECT_EQ(find<Datatype>(stale), nullptr);
    const MPI_Datatype pair_handle = pair.handle();
    pair.free();
    EXPECT_EQ(find<Datatype>(pair_handle), nullptr);
    // As a receive that was posted before the frees would use it.
    std::byte memory[32]{};
    std::byte packed[18];
    std::fill(std::begin(packed), std::end(packed), std::byte{5});
    make_buffer(memory, 1, *pending).write(0, packed, sizeof packed);
    EXPECT_EQ(std::count(std::begin(memory), std::end(memory), std::byte{5}), 18);
    EXPECT_EQ(memory[9], std::byte{0});
    release(pending);
}

TEST(Life, ChainsMayBeDeeperThanTheStack) {
    constexpr int kDepth = 100000;
    Owned chain = contiguous(1, basic(MPI_CHAR));
    for (int i = 0; i < kDepth; ++i) {
        // A byte after the last one but one: never one run.
        chain = [&] {
            Owned longer;
            const Count lengths[] = {1, 1};
            const Count at[] = {0, 2 * (i + 1)};
            const MPI_Datatype types[] = {chain.handle(), MPI_CHAR};
            EXPECT_EQ(type_create_struct(2, lengths, at, DatatypeArray(types), longer.type),
                      Status::ok);
            return longer;
        }();
    }
    EXPECT_EQ(chain->size, kDepth + 1);
    std::vector<std::byte> memory(2 * kDepth + 1, std::byte{1});
    std::vector<std::byte> packed(kDepth + 1);
    make_buffer(memory.data(), 1, *chain).read(0, packed.data(), packed.size());
    EXPECT_EQ(std::count(packed.begin(), packed.end(), std::byte{1}), kDepth + 1);
}

TEST(Query, RemovedFunctions) {
    const Owned type = vector(3, 1, -2, basic(MPI_INT));
    Aint lb = 0;
    Aint ub = 0;
    Aint extent = 0;
    ASSERT_EQ(type_lb(*type, lb), Status::ok);
    ASSERT_EQ(type_ub(*type, ub), Status::ok);
    ASSERT_EQ(type_extent(*type, extent), Status::ok);
    EXPECT_EQ(lb, -16);
    EXPECT_EQ(ub, 4);
    EXPECT_EQ(extent, 20);
    ASSERT_EQ(type_get_extent(*type, lb, extent), Status::ok);
    EXPECT_EQ(lb, -16);
    EXPECT_EQ(extent, 20);
    Count size = 0;
    ASSERT_EQ(type_size(&*type, size), Status::ok);
    EXPECT_EQ(size, 12);
}

}  // namespace
}  // namespace mpi::testing
