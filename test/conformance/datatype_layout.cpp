// Every constructor against the reference: size, extent, Pack, Unpack, and transfers in which
// either side or both use the derived type. The other side is MPI_PACKED, which matches any type; a
// packed message between equal machines is the elements' bytes in order.
#include "test/conformance/datatype_model.hpp"

namespace {

using datatype::Memory;
using datatype::Model;
using datatype::Type;
using mpitest::Bytes;
using mpitest::to_int;

struct Recipe {
    const char* name;
    std::function<Type()> build;
};

std::ostream& operator<<(std::ostream& out, const Recipe& recipe) {
    return out << recipe.name;
}

Type int_type() {
    return datatype::basic<int>(MPI_INT);
}
Type double_type() {
    return datatype::basic<double>(MPI_DOUBLE);
}
Type char_type() {
    return datatype::basic<char>(MPI_CHAR);
}
Type byte_type() {
    return datatype::basic<unsigned char>(MPI_BYTE);
}
Type padded() {
    return datatype::structure({1, 1}, {0, 8}, {double_type(), char_type()});
}

std::vector<Recipe> recipes() {
    using namespace datatype;
    return {
        {"Int", [] { return int_type(); }},
        {"ContiguousOne", [] { return contiguous(1, double_type()); }},
        {"Contiguous", [] { return contiguous(17, int_type()); }},
        {"ContiguousEmpty", [] { return contiguous(0, int_type()); }},
        {"Vector", [] { return datatype::vector(5, 2, 3, int_type()); }},
        {"VectorDense", [] { return datatype::vector(5, 3, 3, int_type()); }},
        {"VectorNegativeStride", [] { return datatype::vector(4, 2, -3, int_type()); }},
        {"VectorOverlapping", [] { return datatype::vector(4, 3, 1, int_type()); }},
        {"VectorZeroStride", [] { return datatype::vector(4, 1, 0, int_type()); }},
        {"VectorEmpty", [] { return datatype::vector(0, 3, 4, int_type()); }},
        {"VectorOfEmptyBlocks", [] { return datatype::vector(3, 0, 4, int_type()); }},
        {"VectorOfChars", [] { return datatype::vector(31, 1, 2, char_type()); }},
        {"VectorLong", [] { return datatype::vector(1000, 1, 4, double_type()); }},
        {"Hvector", [] { return hvector(6, 2, 40, int_type()); }},
        {"HvectorOddBytes", [] { return hvector(6, 3, 7, byte_type()); }},
        {"HvectorNegativeStride", [] { return hvector(3, 1, -24, double_type()); }},
        {"Indexed",
         [] {
             return indexed({2, 1, 4}, {0, 5, 8}, int_type());
         }},
        {"IndexedBackwards",
         [] {
             return indexed({1, 2, 1}, {9, 4, 0}, int_type());
         }},
        {"IndexedNegative",
         [] {
             return indexed({1, 2}, {-6, 3}, int_type());
         }},
        {"IndexedZeroBlocks",
         [] {
             return indexed({0, 2, 0, 1, 0}, {50, 1, -9, 7, 3}, int_type());
         }},
        {"IndexedAllZero",
         [] {
             return indexed({0, 0}, {3, 4}, int_type());
         }},
        {"IndexedEmpty", [] { return indexed({}, {}, int_type()); }},
        {"IndexedAdjacent",
         [] {
             return indexed({2, 3, 1}, {0, 2, 5}, int_type());
         }},
        {"IndexedNotAtZero",
         [] {
             return indexed({2, 3}, {10, 20}, double_type());
         }},
        {"IndexedOverlapping",
         [] {
             return indexed({4, 4}, {0, 2}, int_type());
         }},
        {"Hindexed",
         [] {
             return hindexed({1, 2, 3}, {0, 16, 64}, double_type());
         }},
        {"HindexedOddBytes",
         [] {
             return hindexed({3, 1, 5}, {1, 9, 17}, byte_type());
         }},
        {"HindexedNegative",
         [] {
             return hindexed({2, 2}, {-32, 8}, int_type());
         }},
        {"StructPadded", [] { return padded(); }},
        {"StructMixed",
         [] {
             return structure({1, 3, 2}, {0, 4, 16}, {char_type(), int_type(), double_type()});
         }},
        {"StructUnordered",
         [] {
             return structure({1, 1, 1}, {16, 0, 8}, {double_type(), int_type(), char_type()});
         }},
        {"StructZeroBlocks",
         [] {
             return structure({0, 1, 0}, {80, 8, -8}, {double_type(), int_type(), char_type()});
         }},
        {"StructEmpty", [] { return structure({}, {}, {}); }},
        {"StructNegative",
         [] {
             return structure({2, 1}, {-16, 8}, {int_type(), double_type()});
         }},
        {"ContiguousOfPadded", [] { return contiguous(3, padded()); }},
        {"VectorOfPadded", [] { return datatype::vector(3, 2, 4, padded()); }},
        {"VectorOfVector",
         [] { return datatype::vector(3, 2, 5, datatype::vector(2, 1, 3, int_type())); }},
        {"HvectorOfVector",
         [] { return hvector(10, 1, 8 * 64, datatype::vector(10, 1, 3, double_type())); }},
        {"IndexedOfHindexed",
         [] {
             return indexed({1, 2}, {3, 0}, hindexed({1, 1}, {8, 24}, int_type()));
         }},
        {"VectorOfNegativeVector",
         [] { return datatype::vector(2, 2, 4, datatype::vector(3, 1, -2, int_type())); }},
        {"StructOfStructs",
         [] {
             return structure(
                 {2, 1, 1}, {0, 64, 40},
                 {padded(), datatype::vector(3, 1, 2, int_type()), contiguous(5, char_type())});
         }},
        {"Matrix Column", [] { return hvector(64, 1, 64 * 8, double_type()); }},
        {"Transpose", [] { return hvector(20, 1, 8, datatype::vector(20, 1, 20, double_type())); }},
    };
}

class Layout : public mpitest::MpiTest, public testing::WithParamInterface<Recipe> {
  protected:
    void SetUp() override {
        MpiTest::SetUp();
        if (GetParam().build().model().map.empty())
            SKIP_ON_PEER(kMpich, "divides by zero when a type is empty");
    }

    // Sends `count` elements one way and takes them in as given; `memory` comes back as received.
    void exchange(const void* out, int out_count, MPI_Datatype out_type, void* in, int in_count,
                  MPI_Datatype in_type) {
        MPI_Status status;
        MPI_OK(MPI_Sendrecv(out, out_count, out_type, next(), 1, in, in_count, in_type, previous(),
                            1, comm(), &status));
    }
};

Memory filled(const Model& model, int count, std::uint32_t seed) {
    Memory memory(model, count);
    mpitest::fill_pattern(memory.bytes(), seed);
    return memory;
}

TEST_P(Layout, SizeAndExtent) {
    if (std::string_view(GetParam().name) == "VectorOfEmptyBlocks")
        SKIP_ON_PEER(kMpich, "gives empty blocks an extent");
    const Type type = GetParam().build();
    int size_bytes = -1;
    MPI_OK(MPI_Type_size(type.handle(), &size_bytes));
    EXPECT_EQ(size_bytes, type.model().size_bytes());
    MPI_Aint lb = -1;
    MPI_Aint extent = -1;
    MPI_OK(MPI_Type_get_extent(type.handle(), &lb, &extent));
    EXPECT_EQ(lb, type.model().lb);
    EXPECT_EQ(extent, type.model().extent());
}

TEST_P(Layout, PackAndUnpack) {
    Type type = GetParam().build();
    type.commit();
    for (const int count : {0, 1, 2, 7}) {
        SCOPED_TRACE(count);
        const Memory source = filled(type.model(), count, 1);
        int room = -1;
        MPI_OK(MPI_Pack_size(count, type.handle(), comm(), &room));
        ASSERT_GE(room, count * type.model().size_bytes());
        Bytes packed(static_cast<std::size_t>(room) + 8, 0xEE);
        int position = 3;
        MPI_OK(MPI_Pack(source.buffer(), count, type.handle(), packed.data(), room + 3, &position,
                        comm()));
        EXPECT_LE(position, room + 3);
        EXPECT_EQ(packed[0], 0xEE);
        EXPECT_EQ(packed[static_cast<std::size_t>(position)], 0xEE);
        if (datatype::overlaps(type.model(), count)) continue;

        Memory target = filled(type.model(), count, 2);
        Memory expected = target;
        datatype::scatter(datatype::gathered(source, type.model(), count), type.model(), count,
                          expected);
        const int end = position;
        position = 3;
        MPI_OK(MPI_Unpack(packed.data(), room + 3, &position, target.buffer(), count, type.handle(),
                          comm()));
        EXPECT_EQ(position, end);
        EXPECT_TRUE(datatype::same_bytes(target.bytes(), expected.bytes()));
    }
}

TEST_P(Layout, DerivedToPacked) {
    Type type = GetParam().build();
    type.commit();
    for (const int count : {0, 1, 2, 7, 300}) {
        SCOPED_TRACE(count);
        const Memory source = filled(type.model(), count, 1);
        const Bytes expected = datatype::gathered(source, type.model(), count);
        Bytes received(expected.size() + 1, 0xEE);
        ASSERT_NO_FATAL_FAILURE(exchange(source.buffer(), count, type.handle(), received.data(),
                                         to_int(expected.size()), MPI_PACKED));
        EXPECT_EQ(received.back(), 0xEE);
        received.pop_back();
        EXPECT_TRUE(datatype::same_bytes(received, expected));
    }
}

TEST_P(Layout, PackedToDerivedLeaveGapsAlone) {
    Type type = GetParam().build();
    type.commit();
    for (const int count : {0, 1, 2, 7, 300}) {
        SCOPED_TRACE(count);
        // Truncates, wrongly, when a fragment of the message ends inside an element.
        if (count == 300 && mpitest::library() == mpitest::Library::kMpich) continue;
        if (datatype::overlaps(type.model(), count)) continue;
        const Bytes sent = mpitest::pattern(
            static_cast<std::size_t>(count) * static_cast<std::size_t>(type.model().size_bytes()),
            3);
        Memory target = filled(type.model(), count, 2);
        Memory expected = target;
        datatype::scatter(sent, type.model(), count, expected);
        ASSERT_NO_FATAL_FAILURE(exchange(sent.data(), to_int(sent.size()), MPI_PACKED,
                                         target.buffer(), count, type.handle()));
        EXPECT_TRUE(datatype::same_bytes(target.bytes(), expected.bytes()));
    }
}

TEST_P(Layout, DerivedToDerivedLarge) {
    Type type = GetParam().build();
    type.commit();
    const int size_bytes = type.model().size_bytes();
    if (size_bytes == 0) return;
    // Over 1 MiB of data, except where that would be gaps for the greatest part.
    const int count =
        std::min((5 << 18) / size_bytes,
                 (8 << 20) / to_int(static_cast<std::size_t>(type.model().extent()) + 1)) +
        1;
    if (datatype::overlaps(type.model(), count)) return;
    const Memory source = filled(type.model(), count, 1);
    Memory target = filled(type.model(), count, 2);
    Memory expected = target;
    datatype::scatter(datatype::gathered(source, type.model(), count), type.model(), count,
                      expected);
    ASSERT_NO_FATAL_FAILURE(
        exchange(source.buffer(), count, type.handle(), target.buffer(), count, type.handle()));
    EXPECT_TRUE(datatype::same_bytes(target.bytes(), expected.bytes()));
}

// A message shorter than the receive: only the elements that came are written, to the byte.
TEST_P(Layout, ShortMessageFillsOnlyItsPart) {
    Type type = GetParam().build();
    type.commit();
    constexpr int kCount = 5;
    const int size_bytes = type.model().size_bytes();
    if (size_bytes == 0 || datatype::overlaps(type.model(), kCount)) return;
    const Bytes sent = mpitest::pattern(static_cast<std::size_t>(size_bytes) * 2, 3);
    Memory target = filled(type.model(), kCount, 2);
    Memory expected = target;
    datatype::scatter(sent, type.model(), kCount, expected);
    ASSERT_NO_FATAL_FAILURE(exchange(sent.data(), to_int(sent.size()), MPI_PACKED, target.buffer(),
                                     kCount, type.handle()));
    EXPECT_TRUE(datatype::same_bytes(target.bytes(), expected.bytes()));
}

std::string name_of(const testing::TestParamInfo<Recipe>& recipe) {
    std::string name = recipe.param.name;
    std::erase(name, ' ');
    return name;
}

INSTANTIATE_TEST_SUITE_P(Datatype, Layout, testing::ValuesIn(recipes()), name_of);

// Random nestings of the constructors.
Type random_type(std::mt19937& random, int depth) {
    const auto pick = [&](int low, int high) {
        return low + static_cast<int>(random() % static_cast<std::uint32_t>(high - low + 1));
    };
    if (depth == 0) {
        switch (pick(0, 2)) {
            case 0: return int_type();
            case 1: return double_type();
            default: return char_type();
        }
    }
    const Type old = random_type(random, depth - 1);
    // Multiples of 8 bytes keep every element aligned, whatever it is.
    const auto gap_bytes = [&] { return MPI_Aint{8} * pick(-20, 40); };
    const int blocks = pick(1, 4);
    std::vector<int> lengths;
    std::vector<MPI_Aint> bytes;
    std::vector<int> elements;
    std::vector<Type> olds;
    for (int i = 0; i < blocks; ++i) {
        lengths.push_back(pick(0, 3));
        bytes.push_back(gap_bytes());
        elements.push_back(pick(-10, 20));
        olds.push_back(i == 0 ? old : random_type(random, depth - 1));
    }
    switch (pick(0, 5)) {
        case 0: return datatype::contiguous(pick(0, 4), old);
        case 1: return datatype::vector(pick(1, 4), pick(1, 3), pick(-5, 6), old);
        case 2: return datatype::hvector(pick(1, 4), pick(1, 3), gap_bytes(), old);
        case 3: return datatype::indexed(lengths, elements, old);
        case 4: return datatype::hindexed(lengths, bytes, old);
        default: return datatype::structure(lengths, bytes, olds);
    }
}

// Two elements of a misaligned nesting (a contiguous of 3 chars under a vector of ints' stride)
// would meet the ambiguity that the reference avoids; such a type is not tried.
bool is_aligned(const Model& model) {
    return model.extent() % model.align == 0 && model.lb % model.align == 0 &&
           std::all_of(model.map.begin(), model.map.end(), [](const datatype::Entry& entry) {
               return entry.displacement % entry.size_bytes == 0;
           });
}

class RandomLayout : public mpitest::MpiTest {};

TEST_F(RandomLayout, AgreesWithTheReference) {
    SKIP_ON_PEER(kOpenMpi, "wrong lower bound of a struct of overlapping pieces");
    std::mt19937 random(20'240'611);  // the same on every rank
    int tried = 0;
    for (int round = 0; round < 600; ++round) {
        SCOPED_TRACE(round);
        Type type = random_type(random, 1 + round % 3);
        const Model& model = type.model();
        if (model.nests_empty || !is_aligned(model) || model.extent() > 100'000) continue;
        ++tried;
        SCOPED_TRACE(model.text);
        int size_bytes = -1;
        MPI_Aint lb = -1;
        MPI_Aint extent = -1;
        MPI_OK(MPI_Type_size(type.handle(), &size_bytes));
        MPI_OK(MPI_Type_get_extent(type.handle(), &lb, &extent));
        ASSERT_EQ(size_bytes, model.size_bytes());
        ASSERT_EQ(lb, model.lb);
        ASSERT_EQ(extent, model.extent());

        type.commit();
        const int count = 1 + round % 5;
        const Memory source = filled(model, count, 1);
        const Bytes packed = datatype::gathered(source, model, count);
        Bytes received(packed.size());
        MPI_OK(MPI_Sendrecv(source.buffer(), count, type.handle(), next(), 1, received.data(),
                            to_int(received.size()), MPI_PACKED, previous(), 1, comm(),
                            MPI_STATUS_IGNORE));
        ASSERT_TRUE(datatype::same_bytes(received, packed));
        if (datatype::overlaps(model, count)) continue;
        Memory target = filled(model, count, 2);
        Memory expected = target;
        datatype::scatter(packed, model, count, expected);
        MPI_OK(MPI_Sendrecv(packed.data(), to_int(packed.size()), MPI_PACKED, next(), 1,
                            target.buffer(), count, type.handle(), previous(), 1, comm(),
                            MPI_STATUS_IGNORE));
        ASSERT_TRUE(datatype::same_bytes(target.bytes(), expected.bytes()));
    }
    EXPECT_GT(tried, 200);
}

}  // namespace
