// Wrong arguments to the functions on datatypes beyond those of MPI-1.
#include <array>

#include "test/conformance/errors.hpp"

namespace {

using errors::BadHandles;
using errors::For;

class DatatypeErrors : public errors::ErrorTest {};

TEST_F(DatatypeErrors, Constructors) {
    const BadHandles bad;
    MPI_Datatype type = MPI_DATATYPE_NULL;
    MPI_Datatype* const t = &type;
    const MPI_Datatype null = MPI_DATATYPE_NULL;
    const MPI_Datatype freed = bad.freed_type;
    const int at[] = {0, 4};
    const MPI_Aint bytes[] = {0, 16};
    run({
        {"indexed_block count", MPI_ERR_COUNT,
         [=] { return MPI_Type_create_indexed_block(-1, 1, at, MPI_INT, t); }},
        {"indexed_block blocklength", MPI_ERR_ARG,
         [=] { return MPI_Type_create_indexed_block(2, -1, at, MPI_INT, t); }},
        {"indexed_block type", MPI_ERR_TYPE,
         [=] { return MPI_Type_create_indexed_block(2, 1, at, null, t); }},
        {"indexed_block displacements", MPI_ERR_ARG,
         [=] { return MPI_Type_create_indexed_block(2, 1, nullptr, MPI_INT, t); }},
        {"hindexed_block count", MPI_ERR_COUNT,
         [=] { return MPI_Type_create_hindexed_block(-1, 1, bytes, MPI_INT, t); }},
        {"hindexed_block blocklength", MPI_ERR_ARG,
         [=] { return MPI_Type_create_hindexed_block(2, -1, bytes, MPI_INT, t); }},
        {"hindexed_block type", MPI_ERR_TYPE,
         [=] { return MPI_Type_create_hindexed_block(2, 1, bytes, freed, t); }},
        {"hindexed_block result", MPI_ERR_ARG,
         [=] { return MPI_Type_create_hindexed_block(2, 1, bytes, MPI_INT, nullptr); }},
        {"resized type", MPI_ERR_TYPE, [=] { return MPI_Type_create_resized(null, 0, 1, t); }},
        {"dup type", MPI_ERR_TYPE, [=] { return MPI_Type_dup(null, t); }},
        {"dup result", MPI_ERR_ARG, [=] { return MPI_Type_dup(MPI_INT, nullptr); }},
    });
#if MPI_VERSION >= 5
    run({
        {"value_index value", MPI_ERR_TYPE,
         [=] { return MPI_Type_get_value_index(null, MPI_INT, t); }},
        {"value_index index", MPI_ERR_TYPE,
         [=] { return MPI_Type_get_value_index(MPI_INT, freed, t); }},
    });
#endif
    EXPECT_TRUE(type == MPI_DATATYPE_NULL);
}

TEST_F(DatatypeErrors, Subarrays) {
    FATHOM_ONLY("all wrong arguments are found");
    MPI_Datatype type = MPI_DATATYPE_NULL;
    const auto sub = [&](int ndims, int size, int subsize, int start, int order = MPI_ORDER_C,
                         MPI_Datatype old = MPI_INT) {
        return [=, &type] {
            const std::array<int, 2> sizes{9, size};
            const std::array<int, 2> subsizes{2, subsize};
            const std::array<int, 2> starts{7, start};
            return MPI_Type_create_subarray(ndims, sizes.data(), subsizes.data(), starts.data(),
                                            order, old, &type);
        };
    };
    run({
        {"no dimensions", MPI_ERR_ARG, sub(0, 4, 2, 1)},
        {"negative dimensions", MPI_ERR_ARG, sub(-1, 4, 2, 1)},
        {"empty array", MPI_ERR_ARG, sub(2, 0, 2, 1)},
        {"empty subarray", MPI_ERR_ARG, sub(2, 4, 0, 1)},
        {"too large", MPI_ERR_ARG, sub(2, 4, 5, 0)},
        {"before", MPI_ERR_ARG, sub(2, 4, 2, -1)},
        {"beyond", MPI_ERR_ARG, sub(2, 4, 2, 3)},
        {"order", MPI_ERR_ARG, sub(2, 4, 2, 1, 1)},
        {"type", MPI_ERR_TYPE, sub(2, 4, 2, 1, MPI_ORDER_C, MPI_DATATYPE_NULL)},
    });
    EXPECT_TRUE(type == MPI_DATATYPE_NULL);
}

TEST_F(DatatypeErrors, DistributedArrays) {
    FATHOM_ONLY("all wrong arguments are found");
    MPI_Datatype type = MPI_DATATYPE_NULL;
    struct Call {
        int size = 4;
        int rank = 1;
        int ndims = 1;
        int gsize = 10;
        int distrib = MPI_DISTRIBUTE_BLOCK;
        int darg = MPI_DISTRIBUTE_DFLT_DARG;
        int psize = 4;
        int order = MPI_ORDER_C;
        MPI_Datatype old = MPI_INT;
    };
    const auto call = [&](auto change) {
        return [=, &type] {
            Call c;
            change(c);
            return MPI_Type_create_darray(c.size, c.rank, c.ndims, &c.gsize, &c.distrib, &c.darg,
                                          &c.psize, c.order, c.old, &type);
        };
    };
    run({
        {"size", MPI_ERR_ARG, call([](Call& c) { c.size = 0; })},
        {"rank", MPI_ERR_ARG, call([](Call& c) { c.rank = 4; })},
        {"negative rank", MPI_ERR_ARG, call([](Call& c) { c.rank = -1; })},
        {"ndims", MPI_ERR_ARG, call([](Call& c) { c.ndims = 0; })},
        {"gsize", MPI_ERR_ARG, call([](Call& c) { c.gsize = 0; })},
        {"distribution", MPI_ERR_ARG, call([](Call& c) { c.distrib = 15; })},
        {"short blocks", MPI_ERR_ARG, call([](Call& c) { c.darg = 2; })},
        {"no block", MPI_ERR_ARG, call([](Call& c) { c.darg = 0; })},
        {"no cycle", MPI_ERR_ARG, call([](Call& c) {
             c.distrib = MPI_DISTRIBUTE_CYCLIC;
             c.darg = 0;
         })},
        {"undistributed", MPI_ERR_ARG, call([](Call& c) { c.distrib = MPI_DISTRIBUTE_NONE; })},
        {"psize", MPI_ERR_ARG, call([](Call& c) { c.psize = 0; })},
        {"grid", MPI_ERR_ARG, call([](Call& c) { c.psize = 3; })},
        {"order", MPI_ERR_ARG, call([](Call& c) { c.order = 0; })},
        {"type", MPI_ERR_TYPE, call([](Call& c) { c.old = MPI_DATATYPE_NULL; })},
    });
    EXPECT_TRUE(type == MPI_DATATYPE_NULL);
}

TEST_F(DatatypeErrors, Inquiries) {
    MPI_Datatype made = MPI_DATATYPE_NULL;
    MPI_OK(MPI_Type_contiguous(5, MPI_INT, &made));
    const MPI_Datatype null = MPI_DATATYPE_NULL;
    std::array<MPI_Aint, 2> a{};
    std::array<MPI_Count, 2> c{};
    std::array<int, 4> i{};
    MPI_Datatype type = MPI_DATATYPE_NULL;
    MPI_Status status{};
    run({
        {"size_x", MPI_ERR_TYPE, [&] { return MPI_Type_size_x(null, &c[0]); }},
        {"size_x null", MPI_ERR_ARG, [&] { return MPI_Type_size_x(MPI_INT, nullptr); }},
        {"extent_x", MPI_ERR_TYPE, [&] { return MPI_Type_get_extent_x(null, &c[0], &c[1]); }},
        {"true extent", MPI_ERR_TYPE, [&] { return MPI_Type_get_true_extent(null, &a[0], &a[1]); }},
        {"true extent null", MPI_ERR_ARG,
         [&] { return MPI_Type_get_true_extent(MPI_INT, nullptr, &a[1]); }},
        {"true extent_x", MPI_ERR_TYPE,
         [&] { return MPI_Type_get_true_extent_x(null, &c[0], &c[1]); }},
        {"elements_x", MPI_ERR_TYPE, [&] { return MPI_Get_elements_x(&status, null, &c[0]); }},
        {"envelope", MPI_ERR_TYPE,
         [&] { return MPI_Type_get_envelope(null, &i[0], &i[1], &i[2], &i[3]); }},
        {"envelope null", MPI_ERR_ARG,
         [&] { return MPI_Type_get_envelope(MPI_INT, &i[0], nullptr, &i[2], &i[3]); }},
        {"contents", MPI_ERR_TYPE,
         [&] { return MPI_Type_get_contents(null, 1, 1, 1, &i[0], &a[0], &type); }},
        {"contents of a named type", MPI_ERR_TYPE,
         [&] { return MPI_Type_get_contents(MPI_INT, 1, 1, 1, &i[0], &a[0], &type); }},
        {"contents without room", MPI_ERR_ARG,
         [&] { return MPI_Type_get_contents(made, 0, 1, 1, &i[0], &a[0], &type); }},
        {"contents, null", MPI_ERR_ARG,
         [&] { return MPI_Type_get_contents(made, 1, 1, 1, nullptr, &a[0], &type); }, For::kFathom},
        {"contents, negative room", MPI_ERR_ARG,
         [&] { return MPI_Type_get_contents(made, 1, -1, 1, &i[0], &a[0], &type); }},
    });
    MPI_OK(MPI_Type_free(&made));
}

TEST_F(DatatypeErrors, ExternalRepresentations) {
    FATHOM_ONLY("all wrong arguments are found");
    const BadHandles bad;
    std::array<int, 4> data{};
    std::array<char, 16> packed{};
    MPI_Aint position = 0;
    MPI_Aint size = 0;
    const auto pack = [&](const char* datarep, const void* from, int count, MPI_Datatype type,
                          void* to, MPI_Aint room, MPI_Aint at) {
        return [=, &position] {
            position = at;
            return MPI_Pack_external(datarep, from, count, type, to, room, &position);
        };
    };
    const auto unpack = [&](const char* datarep, const void* from, MPI_Aint room, MPI_Aint at,
                            void* to, int count, MPI_Datatype type) {
        return [=, &position] {
            position = at;
            return MPI_Unpack_external(datarep, from, room, &position, to, count, type);
        };
    };
    int* d = data.data();
    char* p = packed.data();
    const char* e = "external32";
    run({
        {"pack datarep", MPI_ERR_UNSUPPORTED_DATAREP, pack("native", d, 1, MPI_INT, p, 16, 0)},
        {"pack null datarep", MPI_ERR_ARG, pack(nullptr, d, 1, MPI_INT, p, 16, 0)},
        {"pack count", MPI_ERR_COUNT, pack(e, d, -1, MPI_INT, p, 16, 0)},
        {"pack type", MPI_ERR_TYPE, pack(e, d, 1, bad.uncommitted, p, 16, 0)},
        {"pack buffer", MPI_ERR_BUFFER, pack(e, nullptr, 1, MPI_INT, p, 16, 0)},
        {"pack room", MPI_ERR_ARG, pack(e, d, 4, MPI_INT, p, 15, 0)},
        {"pack negative room", MPI_ERR_ARG, pack(e, d, 0, MPI_INT, p, -1, 0)},
        {"pack position", MPI_ERR_ARG, pack(e, d, 1, MPI_INT, p, 16, -1)},
        {"unpack datarep", MPI_ERR_UNSUPPORTED_DATAREP, unpack("x", p, 16, 0, d, 1, MPI_INT)},
        {"unpack count", MPI_ERR_COUNT, unpack(e, p, 16, 0, d, -1, MPI_INT)},
        {"unpack type", MPI_ERR_TYPE, unpack(e, p, 16, 0, d, 1, MPI_DATATYPE_NULL)},
        {"unpack buffer", MPI_ERR_BUFFER, unpack(e, p, 16, 0, nullptr, 1, MPI_INT)},
        {"unpack room", MPI_ERR_ARG, unpack(e, p, 16, 4, d, 4, MPI_INT)},
        {"unpack position", MPI_ERR_ARG, unpack(e, p, 16, 17, d, 0, MPI_INT)},
        {"size datarep", MPI_ERR_UNSUPPORTED_DATAREP,
         [&] { return MPI_Pack_external_size("EXTERNAL32", 1, MPI_INT, &size); }},
        {"size count", MPI_ERR_COUNT,
         [&] { return MPI_Pack_external_size("external32", -1, MPI_INT, &size); }},
        {"size type", MPI_ERR_TYPE,
         [&] { return MPI_Pack_external_size("external32", 1, MPI_DATATYPE_NULL, &size); }},
    });
}

}  // namespace
