// Wrong arguments to the functions on datatypes, groups, communicators, and to inquiries.
#include <array>
#include <climits>

#include "test/conformance/errors.hpp"

namespace {

using errors::BadHandles;
using errors::Case;
using errors::For;

class ObjectErrors : public errors::ErrorTest {};

TEST_F(ObjectErrors, TypeConstructors) {
    const BadHandles bad;
    MPI_Datatype type = MPI_DATATYPE_NULL;
    MPI_Datatype* const t = &type;
    const MPI_Datatype null = MPI_DATATYPE_NULL;
    const std::array<int, 2> ones{1, 1};
    const std::array<int, 2> negative{1, -1};
    const std::array<int, 2> places{0, 4};
    const std::array<MPI_Aint, 2> bytes{0, 16};
    const std::array<MPI_Datatype, 2> types{MPI_INT, MPI_DOUBLE};
    const std::array<MPI_Datatype, 2> with_null{MPI_INT, MPI_DATATYPE_NULL};
    const int* one = ones.data();
    const int* at = places.data();
    const MPI_Aint* at_bytes = bytes.data();
    const MPI_Datatype f = bad.freed_type;
    run({
        {"contiguous count", MPI_ERR_COUNT, [=] { return MPI_Type_contiguous(-1, MPI_INT, t); }},
        {"contiguous null type", MPI_ERR_TYPE, [=] { return MPI_Type_contiguous(1, null, t); }},
        {"contiguous freed type", MPI_ERR_TYPE, [=] { return MPI_Type_contiguous(1, f, t); },
         For::kFathom},
        {"contiguous null result", MPI_ERR_ARG,
         [=] { return MPI_Type_contiguous(1, MPI_INT, nullptr); }, For::kFathom},
        {"vector count", MPI_ERR_COUNT, [=] { return MPI_Type_vector(-1, 1, 1, MPI_INT, t); }},
        {"vector blocklength", MPI_ERR_ARG, [=] { return MPI_Type_vector(1, -1, 1, MPI_INT, t); }},
        {"vector null type", MPI_ERR_TYPE, [=] { return MPI_Type_vector(1, 1, 1, null, t); }},
        {"hvector count", MPI_ERR_COUNT,
         [=] { return MPI_Type_create_hvector(-1, 1, 1, MPI_INT, t); }},
        {"hvector blocklength", MPI_ERR_ARG,
         [=] { return MPI_Type_create_hvector(1, -1, 1, MPI_INT, t); }},
        {"hvector null type", MPI_ERR_TYPE,
         [=] { return MPI_Type_create_hvector(1, 1, 1, null, t); }},
        {"indexed count", MPI_ERR_COUNT, [=] { return MPI_Type_indexed(-1, one, at, MPI_INT, t); }},
        {"indexed blocklength", MPI_ERR_ARG,
         [=, &negative] { return MPI_Type_indexed(2, negative.data(), at, MPI_INT, t); }},
        {"indexed null type", MPI_ERR_TYPE, [=] { return MPI_Type_indexed(2, one, at, null, t); }},
        {"indexed null lengths", MPI_ERR_ARG,
         [=] { return MPI_Type_indexed(2, nullptr, at, MPI_INT, t); }, For::kFathom},
        {"indexed null displacements", MPI_ERR_ARG,
         [=] { return MPI_Type_indexed(2, one, nullptr, MPI_INT, t); }, For::kFathom},
        {"hindexed count", MPI_ERR_COUNT,
         [=] { return MPI_Type_create_hindexed(-1, one, at_bytes, MPI_INT, t); }},
        {"hindexed blocklength", MPI_ERR_ARG,
         [=, &negative] {
             return MPI_Type_create_hindexed(2, negative.data(), at_bytes, MPI_INT, t);
         }},
        {"hindexed null type", MPI_ERR_TYPE,
         [=] { return MPI_Type_create_hindexed(2, one, at_bytes, null, t); }},
        {"struct count", MPI_ERR_COUNT,
         [=, &types] { return MPI_Type_create_struct(-1, one, at_bytes, types.data(), t); }},
        {"struct blocklength", MPI_ERR_ARG,
         [=, &types, &negative] {
             return MPI_Type_create_struct(2, negative.data(), at_bytes, types.data(), t);
         }},
        {"struct null type", MPI_ERR_TYPE,
         [=, &with_null] { return MPI_Type_create_struct(2, one, at_bytes, with_null.data(), t); }},
        {"struct null types", MPI_ERR_ARG,
         [=] { return MPI_Type_create_struct(2, one, at_bytes, nullptr, t); }, For::kFathom},
    });
    EXPECT_TRUE(type == MPI_DATATYPE_NULL) << "a failed constructor has made a type";
}

TEST_F(ObjectErrors, TypeHandles) {
    const BadHandles bad;
    MPI_Datatype null = MPI_DATATYPE_NULL;
    MPI_Datatype predefined = MPI_INT;
    MPI_Datatype freed = bad.freed_type;
    int number = 0;
    MPI_Aint lb = 0;
    MPI_Aint extent = 0;
    run({
        {"commit null", MPI_ERR_TYPE, [&] { return MPI_Type_commit(&null); }},
        {"commit freed", MPI_ERR_TYPE, [&] { return MPI_Type_commit(&freed); }, For::kFathom},
        {"free null", MPI_ERR_TYPE, [&] { return MPI_Type_free(&null); }},
        {"free predefined", MPI_ERR_TYPE, [&] { return MPI_Type_free(&predefined); }},
        {"free freed", MPI_ERR_TYPE, [&] { return MPI_Type_free(&freed); }, For::kFathom},
        {"size of null", MPI_ERR_TYPE, [&] { return MPI_Type_size(null, &number); }},
        {"size of freed", MPI_ERR_TYPE, [&] { return MPI_Type_size(freed, &number); },
         For::kFathom},
        {"size to null", MPI_ERR_ARG, [&] { return MPI_Type_size(MPI_INT, nullptr); },
         For::kFathom},
        {"extent of null", MPI_ERR_TYPE, [&] { return MPI_Type_get_extent(null, &lb, &extent); }},
        {"extent of freed", MPI_ERR_TYPE, [&] { return MPI_Type_get_extent(freed, &lb, &extent); },
         For::kFathom},
    });
}

TEST_F(ObjectErrors, PackAndUnpack) {
    const BadHandles bad;
    std::array<int, 4> data{};
    std::array<char, 64> packed{};
    int position = 0;
    int size_bytes = 0;
    const MPI_Comm c = comm();
    const auto pack = [&](int count, MPI_Datatype type, int room, MPI_Comm where) {
        position = 0;
        return MPI_Pack(data.data(), count, type, packed.data(), room, &position, where);
    };
    const auto unpack = [&](int count, MPI_Datatype type, int room, MPI_Comm where) {
        position = 0;
        return MPI_Unpack(packed.data(), room, &position, data.data(), count, type, where);
    };
    run({
        {"Pack count", MPI_ERR_COUNT, [&] { return pack(-1, MPI_INT, 64, c); }},
        {"Pack null type", MPI_ERR_TYPE, [&] { return pack(1, MPI_DATATYPE_NULL, 64, c); }},
        {"Pack uncommitted type", MPI_ERR_TYPE, [&] { return pack(1, bad.uncommitted, 64, c); },
         For::kFathom},
        {"Pack null communicator", MPI_ERR_COMM,
         [&] { return pack(1, MPI_INT, 64, MPI_COMM_NULL); }},
        {"Pack negative room", MPI_ERR_ARG, [&] { return pack(1, MPI_INT, -1, c); }},
        {"Pack without room", MPI_ERR_ARG, [&] { return pack(4, MPI_INT, 15, c); }, For::kFathom},
        {"Unpack count", MPI_ERR_COUNT, [&] { return unpack(-1, MPI_INT, 64, c); }},
        {"Unpack null type", MPI_ERR_TYPE, [&] { return unpack(1, MPI_DATATYPE_NULL, 64, c); }},
        {"Unpack null communicator", MPI_ERR_COMM,
         [&] { return unpack(1, MPI_INT, 64, MPI_COMM_NULL); }},
        {"Pack_size count", MPI_ERR_COUNT,
         [&] { return MPI_Pack_size(-1, MPI_INT, c, &size_bytes); }},
        {"Pack_size null type", MPI_ERR_TYPE,
         [&] { return MPI_Pack_size(1, MPI_DATATYPE_NULL, c, &size_bytes); }},
        {"Pack_size null communicator", MPI_ERR_COMM,
         [&] { return MPI_Pack_size(1, MPI_INT, MPI_COMM_NULL, &size_bytes); }},
    });
}

TEST_F(ObjectErrors, Groups) {
    const BadHandles bad;
    MPI_Group all = MPI_GROUP_NULL;
    MPI_OK(MPI_Comm_group(comm(), &all));
    MPI_Group result = MPI_GROUP_NULL;
    MPI_Group null = MPI_GROUP_NULL;
    MPI_Group freed = bad.freed_group;
    int number = 0;
    const int beyond = size();
    const int below = -1;
    const std::array<int, 2> twice{0, 0};
    std::array<int, 3> range_beyond{0, size(), 1};
    std::array<int, 3> range_still{0, 0, 0};
    std::array<std::array<int, 3>, 2> range_twice{{{0, 0, 1}, {0, 0, 1}}};
    const auto ranges = [](auto& array) { return reinterpret_cast<int(*)[3]>(array.data()); };
    run({
        {"size of null", MPI_ERR_GROUP, [&] { return MPI_Group_size(null, &number); }},
        {"rank of null", MPI_ERR_GROUP, [&] { return MPI_Group_rank(null, &number); }},
        {"size of freed", MPI_ERR_GROUP, [&] { return MPI_Group_size(freed, &number); },
         For::kFathom},
        {"size to null", MPI_ERR_ARG, [&] { return MPI_Group_size(all, nullptr); }, For::kFathom},
        {"compare with null", MPI_ERR_GROUP, [&] { return MPI_Group_compare(all, null, &number); }},
        {"union with null", MPI_ERR_GROUP, [&] { return MPI_Group_union(null, all, &result); }},
        {"intersection with null", MPI_ERR_GROUP,
         [&] { return MPI_Group_intersection(all, null, &result); }},
        {"difference with null", MPI_ERR_GROUP,
         [&] { return MPI_Group_difference(all, null, &result); }},
        {"incl of null", MPI_ERR_GROUP, [&] { return MPI_Group_incl(null, 1, &number, &result); }},
        {"incl n", MPI_ERR_ARG, [&] { return MPI_Group_incl(all, -1, twice.data(), &result); }},
        {"incl beyond", MPI_ERR_RANK, [&] { return MPI_Group_incl(all, 1, &beyond, &result); }},
        {"incl below", MPI_ERR_RANK, [&] { return MPI_Group_incl(all, 1, &below, &result); }},
        {"incl twice", MPI_ERR_RANK, [&] { return MPI_Group_incl(all, 2, twice.data(), &result); },
         For::kFathom},
        {"excl n", MPI_ERR_ARG, [&] { return MPI_Group_excl(all, -1, twice.data(), &result); }},
        {"excl beyond", MPI_ERR_RANK, [&] { return MPI_Group_excl(all, 1, &beyond, &result); }},
        {"excl twice", MPI_ERR_RANK, [&] { return MPI_Group_excl(all, 2, twice.data(), &result); },
         For::kFathom},
        {"range_incl n", MPI_ERR_ARG,
         [&] { return MPI_Group_range_incl(all, -1, ranges(range_beyond), &result); }},
        {"range_incl beyond", MPI_ERR_RANK,
         [&] { return MPI_Group_range_incl(all, 1, ranges(range_beyond), &result); }},
        {"range_incl stride 0", MPI_ERR_ARG,
         [&] { return MPI_Group_range_incl(all, 1, ranges(range_still), &result); }},
        {"range_incl twice", MPI_ERR_RANK,
         [&] {
             return MPI_Group_range_incl(all, 2, reinterpret_cast<int(*)[3]>(range_twice.data()),
                                         &result);
         },
         For::kFathom},
        {"range_excl beyond", MPI_ERR_RANK,
         [&] { return MPI_Group_range_excl(all, 1, ranges(range_beyond), &result); }},
        {"range_excl stride 0", MPI_ERR_ARG,
         [&] { return MPI_Group_range_excl(all, 1, ranges(range_still), &result); }},
        {"translate beyond", MPI_ERR_RANK,
         [&] { return MPI_Group_translate_ranks(all, 1, &beyond, all, &number); }},
        {"translate below", MPI_ERR_RANK,
         [&] { return MPI_Group_translate_ranks(all, 1, &below, all, &number); }, For::kFathom},
        {"translate n", MPI_ERR_ARG,
         [&] { return MPI_Group_translate_ranks(all, -1, &beyond, all, &number); }},
        {"translate to null", MPI_ERR_GROUP,
         [&] { return MPI_Group_translate_ranks(all, 1, twice.data(), null, &number); }},
        {"free null", MPI_ERR_GROUP, [&] { return MPI_Group_free(&null); }},
        {"free freed", MPI_ERR_GROUP, [&] { return MPI_Group_free(&freed); }, For::kFathom},
    });
    MPI_OK(MPI_Group_free(&all));
}

TEST_F(ObjectErrors, Communicators) {
    const BadHandles bad;
    int number = 0;
    MPI_Comm result = MPI_COMM_NULL;
    MPI_Comm null = MPI_COMM_NULL;
    MPI_Comm freed = bad.freed_comm;
    MPI_Comm world = MPI_COMM_WORLD;
    MPI_Comm self = MPI_COMM_SELF;
    MPI_Group group = MPI_GROUP_NULL;
    const MPI_Comm c = comm();
    run({
        {"size of null", MPI_ERR_COMM, [&] { return MPI_Comm_size(null, &number); }},
        {"size of freed", MPI_ERR_COMM, [&] { return MPI_Comm_size(freed, &number); },
         For::kFathom},
        {"size to null", MPI_ERR_ARG, [&] { return MPI_Comm_size(c, nullptr); }, For::kFathom},
        {"rank of null", MPI_ERR_COMM, [&] { return MPI_Comm_rank(null, &number); }},
        {"rank of freed", MPI_ERR_COMM, [&] { return MPI_Comm_rank(freed, &number); },
         For::kFathom},
        {"compare with null", MPI_ERR_COMM, [&] { return MPI_Comm_compare(c, null, &number); }},
        {"group of null", MPI_ERR_COMM, [&] { return MPI_Comm_group(null, &group); }},
        {"dup of null", MPI_ERR_COMM, [&] { return MPI_Comm_dup(null, &result); }},
        {"dup of freed", MPI_ERR_COMM, [&] { return MPI_Comm_dup(freed, &result); }, For::kFathom},
        {"split of null", MPI_ERR_COMM, [&] { return MPI_Comm_split(null, 0, 0, &result); }},
        {"split color", MPI_ERR_ARG, [&] { return MPI_Comm_split(c, -5, 0, &result); },
         For::kFathom},
        {"create of null", MPI_ERR_COMM,
         [&] { return MPI_Comm_create(null, MPI_GROUP_EMPTY, &result); }},
        {"create with null group", MPI_ERR_GROUP,
         [&] { return MPI_Comm_create(c, MPI_GROUP_NULL, &result); }},
        {"free null", MPI_ERR_COMM, [&] { return MPI_Comm_free(&null); }},
        {"free freed", MPI_ERR_COMM, [&] { return MPI_Comm_free(&freed); }, For::kFathom},
        {"free world", MPI_ERR_COMM, [&] { return MPI_Comm_free(&world); }},
        {"free self", MPI_ERR_COMM, [&] { return MPI_Comm_free(&self); }, For::kFathom},
    });
    EXPECT_TRUE(result == MPI_COMM_NULL);
}

// A group that is not part of the communicator's.
TEST_F(ObjectErrors, CreateBeyondTheCommunicator) {
    FATHOM_ONLY("others may not check");
    NEED_RANKS(2);
    MPI_Comm half = MPI_COMM_NULL;
    MPI_OK(MPI_Comm_split(comm(), rank() % 2, 0, &half));
    MPI_OK(MPI_Comm_set_errhandler(half, MPI_ERRORS_RETURN));
    MPI_Group all = MPI_GROUP_NULL;
    MPI_OK(MPI_Comm_group(comm(), &all));
    MPI_Comm result = MPI_COMM_NULL;
    EXPECT_MPI_CLASS(MPI_Comm_create(half, all, &result), MPI_ERR_GROUP);
    MPI_OK(MPI_Group_free(&all));
    MPI_OK(MPI_Comm_free(&half));
}

TEST_F(ObjectErrors, Inquiries) {
    int number = 0;
    std::array<char, MPI_MAX_ERROR_STRING> text{};
    MPI_Errhandler handler = MPI_ERRHANDLER_NULL;
    run({
        {"Error_string of no code", MPI_ERR_ARG,
         [&] { return MPI_Error_string(-5, text.data(), &number); }, For::kFathom},
        {"Error_string beyond", MPI_ERR_ARG,
         [&] { return MPI_Error_string(INT_MAX, text.data(), &number); }, For::kFathom},
        {"Error_class of no code", MPI_ERR_ARG, [&] { return MPI_Error_class(-5, &number); },
         For::kFathom},
        {"Error_string to null", MPI_ERR_ARG,
         [&] { return MPI_Error_string(MPI_ERR_TAG, nullptr, &number); }, For::kFathom},
        {"set_errhandler null handler", MPI_ERR_ERRHANDLER,
         [&] { return MPI_Comm_set_errhandler(comm(), MPI_ERRHANDLER_NULL); }, For::kFathom},
        {"set_errhandler null communicator", MPI_ERR_COMM,
         [&] { return MPI_Comm_set_errhandler(MPI_COMM_NULL, MPI_ERRORS_RETURN); }},
        {"get_errhandler null communicator", MPI_ERR_COMM,
         [&] { return MPI_Comm_get_errhandler(MPI_COMM_NULL, &handler); }},
        {"Errhandler_free null", MPI_ERR_ERRHANDLER, [&] { return MPI_Errhandler_free(&handler); }},
        {"Get_version to null", MPI_ERR_ARG, [&] { return MPI_Get_version(nullptr, &number); },
         For::kFathom},
        {"Get_processor_name to null", MPI_ERR_ARG,
         [&] { return MPI_Get_processor_name(nullptr, &number); }, For::kFathom},
    });
}

}  // namespace
