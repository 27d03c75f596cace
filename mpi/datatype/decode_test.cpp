// MPI_Type_get_envelope and MPI_Type_get_contents: random types are taken apart and built again.

#include <gtest/gtest.h>

#include "mpi/datatype/naive.hpp"

namespace mpi::testing {
namespace {

/// What the two calls give of a type, in either variant.
struct Parts {
    int combiner = -1;
    std::vector<int> integers;
    std::vector<Aint> addresses;
    std::vector<Count> counts;
    std::vector<MPI_Datatype> types;

    explicit Parts(Datatype& type) {
        Count n[4];
        EXPECT_EQ(type_get_envelope_c(type, n[0], n[1], n[2], n[3], combiner), Status::ok);
        integers.resize(static_cast<std::size_t>(n[0]));
        addresses.resize(static_cast<std::size_t>(n[1]));
        counts.resize(static_cast<std::size_t>(n[2]));
        types.resize(static_cast<std::size_t>(n[3]));
        EXPECT_EQ(type_get_contents_c(type, n[0], n[1], n[2], n[3], integers.data(),
                                      addresses.data(), counts.data(), types.data()),
                  Status::ok);
    }
    ~Parts() {
        for (const MPI_Datatype handle : types) {
            Datatype* type = find<Datatype>(handle);
            if (!type->predefined) {
                EXPECT_EQ(type_free(*type), Status::ok);
            }
        }
    }
    Parts(const Parts&) = delete;
    Parts& operator=(const Parts&) = delete;

    Datatype& old(std::size_t i = 0) const { return *find<Datatype>(types.at(i)); }
};

/// The same call again.
Status build_small(const Parts& p, Datatype*& type) {
    const std::vector<int>& i = p.integers;
    const int* rest = i.data() + 1;
    switch (p.combiner) {
        case MPI_COMBINER_DUP: return type_dup(p.old(), type);
        case MPI_COMBINER_CONTIGUOUS: return type_contiguous(i[0], p.old(), type);
        case MPI_COMBINER_VECTOR: return type_vector(i[0], i[1], i[2], p.old(), type);
        case MPI_COMBINER_HVECTOR:
            return type_create_hvector(i[0], i[1], p.addresses.at(0), p.old(), type);
        case MPI_COMBINER_INDEXED: return type_indexed(i[0], rest, rest + i[0], p.old(), type);
        case MPI_COMBINER_HINDEXED:
            return type_create_hindexed(i[0], rest, p.addresses.data(), p.old(), type);
        case MPI_COMBINER_INDEXED_BLOCK:
            return type_create_indexed_block(i[0], i[1], rest + 1, p.old(), type);
        case MPI_COMBINER_HINDEXED_BLOCK:
            return type_create_hindexed_block(i[0], i[1], p.addresses.data(), p.old(), type);
        case MPI_COMBINER_STRUCT:
            return type_create_struct(i[0], rest, p.addresses.data(), DatatypeArray(p.types.data()),
                                      type);
        case MPI_COMBINER_RESIZED:
            return type_create_resized(p.old(), p.addresses.at(0), p.addresses.at(1), type);
        case MPI_COMBINER_SUBARRAY: {
            const int n = i[0];
            return type_create_subarray(n, rest, rest + n, rest + 2 * n, rest[3 * n], p.old(),
                                        type);
        }
        case MPI_COMBINER_DARRAY: {
            const int n = i[2];
            const int* of_dimensions = rest + 2;
            return type_create_darray(i[0], i[1], n, of_dimensions, of_dimensions + n,
                                      of_dimensions + 2 * n, of_dimensions + 3 * n,
                                      of_dimensions[4 * n], p.old(), type);
        }
        default: return Status::intern;
    }
}

/// The same of a call with large counts.
Status build_large(const Parts& p, Datatype*& type) {
    const std::vector<int>& i = p.integers;
    const Count* c = p.counts.data();
    EXPECT_TRUE(p.addresses.empty());
    switch (p.combiner) {
        case MPI_COMBINER_CONTIGUOUS: return type_contiguous(c[0], p.old(), type);
        case MPI_COMBINER_VECTOR: return type_vector(c[0], c[1], c[2], p.old(), type);
        case MPI_COMBINER_HVECTOR: return type_create_hvector(c[0], c[1], c[2], p.old(), type);
        case MPI_COMBINER_INDEXED: return type_indexed(c[0], c + 1, c + 1 + c[0], p.old(), type);
        case MPI_COMBINER_HINDEXED:
            return type_create_hindexed(c[0], c + 1, c + 1 + c[0], p.old(), type);
        case MPI_COMBINER_INDEXED_BLOCK:
            return type_create_indexed_block(c[0], c[1], c + 2, p.old(), type);
        case MPI_COMBINER_HINDEXED_BLOCK:
            return type_create_hindexed_block(c[0], c[1], c + 2, p.old(), type);
        case MPI_COMBINER_STRUCT:
            return type_create_struct(c[0], c + 1, c + 1 + c[0], DatatypeArray(p.types.data()),
                                      type);
        case MPI_COMBINER_RESIZED: return type_create_resized(p.old(), c[0], c[1], type);
        case MPI_COMBINER_SUBARRAY:
            EXPECT_EQ(i.size(), 2U);
            return type_create_subarray(i[0], c, c + i[0], c + 2 * i[0], i[1], p.old(), type);
        case MPI_COMBINER_DARRAY: {
            const int n = i[2];
            EXPECT_EQ(i.size(), static_cast<std::size_t>(4 + 3 * n));
            return type_create_darray(i[0], i[1], n, c, i.data() + 3, i.data() + 3 + n,
                                      i.data() + 3 + 2 * n, i.back(), p.old(), type);
        }
        default: return build_small(p, type);
    }
}

void expect_equal(const Datatype& a, const Datatype& b) {
    ASSERT_EQ(a.size, b.size);
    ASSERT_EQ(a.lb, b.lb);
    ASSERT_EQ(a.extent, b.extent);
    ASSERT_EQ(a.true_lb, b.true_lb);
    ASSERT_EQ(a.true_extent, b.true_extent);
    ASSERT_EQ(a.elements, b.elements);
    ASSERT_EQ(a.external_size, b.external_size);
    ASSERT_EQ(a.contents->combiner, b.contents->combiner);
    if (a.size == 0) return;
    std::vector<std::byte> memory(static_cast<std::size_t>(a.true_extent));
    for (std::size_t i = 0; i < memory.size(); ++i) memory[i] = static_cast<std::byte>(i * 7 % 251);
    std::vector<std::byte> packed[2];
    for (auto& each : packed) each.resize(static_cast<std::size_t>(a.size));
    std::byte* base = memory.data() - a.true_lb;
    a.pack(base, 1, 0, packed[0].data(), packed[0].size());
    b.pack(base, 1, 0, packed[1].data(), packed[1].size());
    ASSERT_EQ(packed[0], packed[1]);
}

TEST(RandomTypes, AreBuiltAgainFromTheirContents) {
    std::vector<int> seen(MPI_COMBINER_VALUE_INDEX + 1);
    for (unsigned seed = 0; seed < 1500; ++seed) {
        SCOPED_TRACE(seed);
        Maker maker(seed);
        const Twin twin = maker.make(1 + static_cast<int>(seed % 4));
        if (twin.type->predefined) continue;
        for (const bool large : {false, true}) {
            encode_new(twin.type, large);
            const Parts parts(*twin.type);
            ++seen.at(static_cast<std::size_t>(parts.combiner));
            Twin again;
            const Status s =
                large ? build_large(parts, again.type) : build_small(parts, again.type);
            ASSERT_EQ(s, Status::ok);
            expect_equal(*twin.type, *again.type);
        }
    }
    for (const int combiner :
         {MPI_COMBINER_DUP, MPI_COMBINER_CONTIGUOUS, MPI_COMBINER_VECTOR, MPI_COMBINER_HVECTOR,
          MPI_COMBINER_INDEXED, MPI_COMBINER_HINDEXED, MPI_COMBINER_INDEXED_BLOCK,
          MPI_COMBINER_HINDEXED_BLOCK, MPI_COMBINER_STRUCT, MPI_COMBINER_SUBARRAY,
          MPI_COMBINER_DARRAY, MPI_COMBINER_RESIZED}) {
        EXPECT_GT(seen[static_cast<std::size_t>(combiner)], 0) << combiner;
    }
}

TEST(Contents, OldTypesThatWereFreedComeBackAsNewObjects) {
    Datatype* inner = nullptr;
    Datatype* outer = nullptr;
    ASSERT_EQ(type_vector(2, 1, 3, type_of(MPI_INT), inner), Status::ok);
    ASSERT_EQ(type_contiguous(4, *inner, outer), Status::ok);
    const auto freed = handle_of<MPI_Datatype>(*inner);
    ASSERT_EQ(type_free(*inner), Status::ok);
    MPI_Datatype first;
    MPI_Datatype second;
    {
        Parts parts(*outer);
        first = parts.types.at(0);
        EXPECT_NE(first, freed);
        EXPECT_EQ(find<Datatype>(freed), nullptr);
        parts.types.clear();
    }
    {
        Parts parts(*outer);
        second = parts.types.at(0);
        EXPECT_NE(first, second);
        parts.types.clear();
    }
    // Each lives on its own.
    ASSERT_EQ(type_free(*outer), Status::ok);
    ASSERT_EQ(type_free(*find<Datatype>(first)), Status::ok);
    Datatype& survivor = *find<Datatype>(second);
    EXPECT_EQ(survivor.size, 8);
    const Parts parts(survivor);
    EXPECT_EQ(parts.combiner, MPI_COMBINER_VECTOR);
    EXPECT_EQ(parts.integers, (std::vector<int>{2, 1, 3}));
    EXPECT_EQ(parts.types.at(0), MPI_INT);
    ASSERT_EQ(type_free(survivor), Status::ok);
    EXPECT_EQ(find<Datatype>(second), nullptr);
}

TEST(Contents, TypesMadeWithLargeCountsNeedTheLargeCalls) {
    Twin twin;
    ASSERT_EQ(type_contiguous(Count{1} << 33, type_of(MPI_INT), twin.type), Status::ok);
    encode_new(twin.type, true);
    Count n[3];
    int combiner = 0;
    EXPECT_EQ(type_get_envelope(*twin.type, n[0], n[1], n[2], combiner), Status::type);
    int integers[4];
    Aint addresses[4];
    MPI_Datatype types[4];
    EXPECT_EQ(type_get_contents(*twin.type, 4, 4, 4, integers, addresses, types), Status::type);
    const Parts parts(*twin.type);
    EXPECT_EQ(parts.counts, std::vector<Count>{Count{1} << 33});
    EXPECT_TRUE(parts.integers.empty());
}

TEST(Contents, RoomIsChecked) {
    Twin twin;
    ASSERT_EQ(type_create_hvector(3, 2, 64, type_of(MPI_INT), twin.type), Status::ok);
    int integers[2] = {-1, -1};
    Aint address = -1;
    MPI_Datatype type = MPI_DATATYPE_NULL;
    Datatype& v = *twin.type;
    EXPECT_EQ(type_get_contents(v, 1, 1, 1, integers, &address, &type), Status::arg);
    EXPECT_EQ(type_get_contents(v, 2, 0, 1, integers, &address, &type), Status::arg);
    EXPECT_EQ(type_get_contents(v, 2, 1, 0, integers, &address, &type), Status::arg);
    EXPECT_EQ(type_get_contents(v, 2, 1, 1, nullptr, &address, &type), Status::arg);
    EXPECT_EQ(type_get_contents(v, 2, 1, 1, integers, nullptr, &type), Status::arg);
    EXPECT_EQ(type_get_contents(v, 2, 1, 1, integers, &address, nullptr), Status::arg);
    EXPECT_EQ(integers[0], -1);
    EXPECT_EQ(address, -1);
    ASSERT_EQ(type_get_contents(v, 2, 1, 1, integers, &address, &type), Status::ok);
    EXPECT_EQ(integers[0], 3);
    EXPECT_EQ(integers[1], 2);
    EXPECT_EQ(address, 64);
    EXPECT_EQ(type, MPI_INT);
    EXPECT_EQ(type_get_contents(type_of(MPI_INT), 2, 1, 1, integers, &address, &type),
              Status::type);
}

}  // namespace
}  // namespace mpi::testing
