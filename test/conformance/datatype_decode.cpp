// MPI_Type_get_envelope and MPI_Type_get_contents: each constructor's arguments come back in the
// order of the standard's tables, in both variants.
#include "test/conformance/errors.hpp"

namespace {

class Decode : public errors::ErrorTest {};

struct Parts {
    int combiner = -1;
    std::vector<int> integers;
    std::vector<MPI_Aint> addresses;
    std::vector<MPI_Count> counts;
    std::vector<MPI_Datatype> types;
    bool operator==(const Parts&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Parts& p) {
    out << "combiner " << p.combiner << " integers " << testing::PrintToString(p.integers)
        << " addresses " << testing::PrintToString(p.addresses) << " counts "
        << testing::PrintToString(p.counts) << " types";
    for (const MPI_Datatype type : p.types) out << " " << MPI_Type_c2f(type);
    return out;
}

template <class T>
void resize(std::vector<T>& v, MPI_Count n) {
    ASSERT_GE(n, 0);
    v.resize(static_cast<std::size_t>(n));
}

Parts small(MPI_Datatype type) {
    Parts p;
    int n[3] = {-1, -1, -1};
    EXPECT_MPI_OK(MPI_Type_get_envelope(type, &n[0], &n[1], &n[2], &p.combiner));
    resize(p.integers, n[0]);
    resize(p.addresses, n[1]);
    resize(p.types, n[2]);
    EXPECT_MPI_OK(MPI_Type_get_contents(type, n[0], n[1], n[2], p.integers.data(),
                                        p.addresses.data(), p.types.data()));
    return p;
}

#if MPI_VERSION >= 4
Parts large(MPI_Datatype type) {
    Parts p;
    MPI_Count n[4] = {-1, -1, -1, -1};
    EXPECT_MPI_OK(MPI_Type_get_envelope_c(type, &n[0], &n[1], &n[2], &n[3], &p.combiner));
    resize(p.integers, n[0]);
    resize(p.addresses, n[1]);
    resize(p.counts, n[2]);
    resize(p.types, n[3]);
    EXPECT_MPI_OK(MPI_Type_get_contents_c(type, n[0], n[1], n[2], n[3], p.integers.data(),
                                          p.addresses.data(), p.counts.data(), p.types.data()));
    return p;
}

#else
Parts large(MPI_Datatype type) {
    return small(type);
}
#endif

/// Of a type made with int counts: the same from both variants. Frees it.
void expect_small(MPI_Datatype type, const Parts& expected) {
    EXPECT_EQ(small(type), expected);
    EXPECT_EQ(large(type), expected);
    EXPECT_MPI_OK(MPI_Type_free(&type));
}
[[maybe_unused]] void expect_large(MPI_Datatype type, const Parts& expected) {
    EXPECT_EQ(large(type), expected);
    EXPECT_MPI_OK(MPI_Type_free(&type));
}

const int kLengths[] = {2, 1};
const int kPlaces[] = {0, 7};
const MPI_Aint kBytes[] = {-8, 64};
const MPI_Datatype kTypes[] = {MPI_INT, MPI_DOUBLE};

TEST_F(Decode, NamedTypesHaveNoContents) {
    SKIP_ON_PEER(kOpenMpi, "another error class");
    for (const MPI_Datatype type : {MPI_INT, MPI_DOUBLE_INT, MPI_PACKED}) {
        int n[3] = {-1, -1, -1};
        int combiner = -1;
        MPI_OK(MPI_Type_get_envelope(type, &n[0], &n[1], &n[2], &combiner));
        EXPECT_EQ(combiner, MPI_COMBINER_NAMED);
        EXPECT_EQ(n[0], 0);
        EXPECT_EQ(n[1], 0);
        EXPECT_EQ(n[2], 0);
        MPI_Datatype out = MPI_DATATYPE_NULL;
        EXPECT_MPI_CLASS(MPI_Type_get_contents(type, 0, 0, 0, nullptr, nullptr, &out),
                         MPI_ERR_TYPE);
    }
}

TEST_F(Decode, ConstructorsWithIntCounts) {
    MPI_Datatype t = MPI_DATATYPE_NULL;
    MPI_OK(MPI_Type_dup(MPI_INT, &t));
    expect_small(t, {MPI_COMBINER_DUP, {}, {}, {}, {MPI_INT}});
    MPI_OK(MPI_Type_contiguous(3, MPI_INT, &t));
    expect_small(t, {MPI_COMBINER_CONTIGUOUS, {3}, {}, {}, {MPI_INT}});
    MPI_OK(MPI_Type_vector(3, 2, -4, MPI_INT, &t));
    expect_small(t, {MPI_COMBINER_VECTOR, {3, 2, -4}, {}, {}, {MPI_INT}});
    MPI_OK(MPI_Type_create_hvector(3, 2, -40, MPI_INT, &t));
    expect_small(t, {MPI_COMBINER_HVECTOR, {3, 2}, {-40}, {}, {MPI_INT}});
    MPI_OK(MPI_Type_indexed(2, kLengths, kPlaces, MPI_INT, &t));
    expect_small(t, {MPI_COMBINER_INDEXED, {2, 2, 1, 0, 7}, {}, {}, {MPI_INT}});
    MPI_OK(MPI_Type_create_hindexed(2, kLengths, kBytes, MPI_INT, &t));
    expect_small(t, {MPI_COMBINER_HINDEXED, {2, 2, 1}, {-8, 64}, {}, {MPI_INT}});
    MPI_OK(MPI_Type_create_indexed_block(2, 5, kPlaces, MPI_INT, &t));
    expect_small(t, {MPI_COMBINER_INDEXED_BLOCK, {2, 5, 0, 7}, {}, {}, {MPI_INT}});
    MPI_OK(MPI_Type_create_hindexed_block(2, 5, kBytes, MPI_INT, &t));
    expect_small(t, {MPI_COMBINER_HINDEXED_BLOCK, {2, 5}, {-8, 64}, {}, {MPI_INT}});
    MPI_OK(MPI_Type_create_struct(2, kLengths, kBytes, kTypes, &t));
    expect_small(t, {MPI_COMBINER_STRUCT, {2, 2, 1}, {-8, 64}, {}, {MPI_INT, MPI_DOUBLE}});
    MPI_OK(MPI_Type_create_resized(MPI_INT, -4, 32, &t));
    expect_small(t, {MPI_COMBINER_RESIZED, {}, {-4, 32}, {}, {MPI_INT}});
    const int sizes[] = {8, 9};
    const int subsizes[] = {2, 3};
    const int starts[] = {1, 4};
    MPI_OK(MPI_Type_create_subarray(2, sizes, subsizes, starts, MPI_ORDER_FORTRAN, MPI_INT, &t));
    expect_small(
        t, {MPI_COMBINER_SUBARRAY, {2, 8, 9, 2, 3, 1, 4, MPI_ORDER_FORTRAN}, {}, {}, {MPI_INT}});
    const int distribs[] = {MPI_DISTRIBUTE_BLOCK, MPI_DISTRIBUTE_CYCLIC};
    const int dargs[] = {MPI_DISTRIBUTE_DFLT_DARG, 2};
    const int grid[] = {2, 3};
    MPI_OK(MPI_Type_create_darray(6, 4, 2, sizes, distribs, dargs, grid, MPI_ORDER_C, MPI_INT, &t));
    expect_small(t, {MPI_COMBINER_DARRAY,
                     {6, 4, 2, 8, 9, MPI_DISTRIBUTE_BLOCK, MPI_DISTRIBUTE_CYCLIC,
                      MPI_DISTRIBUTE_DFLT_DARG, 2, 2, 3, MPI_ORDER_C},
                     {},
                     {},
                     {MPI_INT}});
}

#if MPI_VERSION >= 4
TEST_F(Decode, ConstructorsWithLargeCounts) {
    const MPI_Count kLargeLengths[] = {2, 1};
    const MPI_Count kLargePlaces[] = {0, MPI_Count{1} << 35};
    constexpr MPI_Count kBig = MPI_Count{1} << 33;
    MPI_Datatype t = MPI_DATATYPE_NULL;
    MPI_OK(MPI_Type_contiguous_c(kBig, MPI_INT, &t));
    expect_large(t, {MPI_COMBINER_CONTIGUOUS, {}, {}, {kBig}, {MPI_INT}});
    MPI_OK(MPI_Type_contiguous_c(3, MPI_INT, &t));  // by the call, not by the count
    expect_large(t, {MPI_COMBINER_CONTIGUOUS, {}, {}, {3}, {MPI_INT}});
    MPI_OK(MPI_Type_vector_c(3, 2, -kBig, MPI_INT, &t));
    expect_large(t, {MPI_COMBINER_VECTOR, {}, {}, {3, 2, -kBig}, {MPI_INT}});
    MPI_OK(MPI_Type_create_hvector_c(3, 2, -kBig, MPI_INT, &t));
    expect_large(t, {MPI_COMBINER_HVECTOR, {}, {}, {3, 2, -kBig}, {MPI_INT}});
    MPI_OK(MPI_Type_indexed_c(2, kLargeLengths, kLargePlaces, MPI_INT, &t));
    expect_large(t, {MPI_COMBINER_INDEXED, {}, {}, {2, 2, 1, 0, kLargePlaces[1]}, {MPI_INT}});
    MPI_OK(MPI_Type_create_hindexed_c(2, kLargeLengths, kLargePlaces, MPI_INT, &t));
    expect_large(t, {MPI_COMBINER_HINDEXED, {}, {}, {2, 2, 1, 0, kLargePlaces[1]}, {MPI_INT}});
    MPI_OK(MPI_Type_create_indexed_block_c(2, 5, kLargePlaces, MPI_INT, &t));
    expect_large(t, {MPI_COMBINER_INDEXED_BLOCK, {}, {}, {2, 5, 0, kLargePlaces[1]}, {MPI_INT}});
    MPI_OK(MPI_Type_create_hindexed_block_c(2, 5, kLargePlaces, MPI_INT, &t));
    expect_large(t, {MPI_COMBINER_HINDEXED_BLOCK, {}, {}, {2, 5, 0, kLargePlaces[1]}, {MPI_INT}});
    MPI_OK(MPI_Type_create_struct_c(2, kLargeLengths, kLargePlaces, kTypes, &t));
    expect_large(
        t, {MPI_COMBINER_STRUCT, {}, {}, {2, 2, 1, 0, kLargePlaces[1]}, {MPI_INT, MPI_DOUBLE}});
    MPI_OK(MPI_Type_create_resized_c(MPI_INT, -kBig, 2 * kBig, &t));
    expect_large(t, {MPI_COMBINER_RESIZED, {}, {}, {-kBig, 2 * kBig}, {MPI_INT}});
    const MPI_Count sizes[] = {8, kBig};
    const MPI_Count subsizes[] = {2, 3};
    const MPI_Count starts[] = {1, 4};
    MPI_OK(MPI_Type_create_subarray_c(2, sizes, subsizes, starts, MPI_ORDER_C, MPI_INT, &t));
    expect_large(t,
                 {MPI_COMBINER_SUBARRAY, {2, MPI_ORDER_C}, {}, {8, kBig, 2, 3, 1, 4}, {MPI_INT}});
    const int distribs[] = {MPI_DISTRIBUTE_BLOCK, MPI_DISTRIBUTE_CYCLIC};
    const int dargs[] = {MPI_DISTRIBUTE_DFLT_DARG, 2};
    const int grid[] = {2, 3};
    MPI_OK(
        MPI_Type_create_darray_c(6, 4, 2, sizes, distribs, dargs, grid, MPI_ORDER_C, MPI_INT, &t));
    expect_large(t, {MPI_COMBINER_DARRAY,
                     {6, 4, 2, MPI_DISTRIBUTE_BLOCK, MPI_DISTRIBUTE_CYCLIC,
                      MPI_DISTRIBUTE_DFLT_DARG, 2, 2, 3, MPI_ORDER_C},
                     {},
                     {8, kBig},
                     {MPI_INT}});
}
#endif

#if MPI_VERSION >= 5
TEST_F(Decode, UnnamedPairs) {
    MPI_Datatype t = MPI_DATATYPE_NULL;
    MPI_OK(MPI_Type_get_value_index(MPI_DOUBLE, MPI_UINT64_T, &t));
    const Parts expected{MPI_COMBINER_VALUE_INDEX, {}, {}, {}, {MPI_DOUBLE, MPI_UINT64_T}};
    EXPECT_EQ(small(t), expected);
    EXPECT_EQ(large(t), expected);
    EXPECT_MPI_CLASS(MPI_Type_free(&t), MPI_ERR_TYPE);
}
#endif

// Types given back are the caller's: it may free them, and must, whatever became of the old ones.
TEST_F(Decode, DerivedOldTypesAreNewHandles) {
    MPI_Datatype inner = MPI_DATATYPE_NULL;
    MPI_Datatype outer = MPI_DATATYPE_NULL;
    MPI_OK(MPI_Type_vector(2, 1, 2, MPI_INT, &inner));
    MPI_OK(MPI_Type_contiguous(2, inner, &outer));
    MPI_OK(MPI_Type_free(&inner));
    Parts first = small(outer);
    const Parts second = small(outer);
    ASSERT_EQ(first.types.size(), 1U);
    MPI_OK(MPI_Type_free(first.types.data()));
    MPI_OK(MPI_Type_free(&outer));
    expect_small(second.types.at(0), {MPI_COMBINER_VECTOR, {2, 1, 2}, {}, {}, {MPI_INT}});
}

}  // namespace
