#include "mpi/core/check.hpp"

#include <gtest/gtest.h>

#include <string>

namespace mpi {
namespace {

class CheckTest : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        predefine_datatypes();
        predefine_ops();
    }
    void SetUp() override {
        comm_.size = comm_.peer_size = 4;
        comm_.rank = 1;
        table<Comm>().predefine(0x101, &comm_);
        clear_error_detail();
    }

    Comm comm_;
    int data_[4] = {};
};

TEST_F(CheckTest, HandlesAreFoundOrRefused) {
    Comm* comm = nullptr;
    EXPECT_EQ(check::handle("comm", MPI_COMM_WORLD, comm), Status::ok);
    EXPECT_EQ(comm, &comm_);
    EXPECT_EQ(check::handle("comm", MPI_COMM_NULL, comm), Status::comm);
    EXPECT_STREQ(error_detail(), "comm is MPI_COMM_NULL, must be a valid communicator");

    Datatype* type = nullptr;
    EXPECT_EQ(check::handle("datatype", MPI_DATATYPE_NULL, type), Status::type);
    EXPECT_EQ(check::handle("datatype", MPI_INT, type), Status::ok);
    Group* group = nullptr;
    EXPECT_EQ(check::handle("group", MPI_GROUP_NULL, group), Status::group);
    Errhandler* handler = nullptr;
    EXPECT_EQ(check::handle("errhandler", MPI_ERRHANDLER_NULL, handler), Status::errhandler);
}

TEST_F(CheckTest, HandlesOfOtherKindsFreedAndGarbageOnesAreRefused) {
    Comm* comm = nullptr;
    EXPECT_EQ(check::handle("comm", reinterpret_cast<MPI_Comm>(MPI_INT), comm), Status::comm);
    EXPECT_EQ(check::handle("comm", reinterpret_cast<MPI_Comm>(~std::uintptr_t{0}), comm),
              Status::comm);
    EXPECT_EQ(check::handle("comm", static_cast<MPI_Comm>(nullptr), comm), Status::comm);

    Group* made = table<Group>().create();
    const auto handle = handle_of<MPI_Group>(*made);
    Group* group = nullptr;
    EXPECT_EQ(check::handle("group", handle, group), Status::ok);
    EXPECT_EQ(check::handle("comm", reinterpret_cast<MPI_Comm>(handle), comm), Status::comm);
    table<Group>().destroy(made);
    EXPECT_EQ(check::handle("group", handle, group), Status::group);
    EXPECT_NE(std::string(error_detail()).find("freed already"), std::string::npos);
}

TEST_F(CheckTest, DatatypesThatCommunicateMustBeCommitted) {
    Datatype* made = table<Datatype>().create();
    const auto handle = handle_of<MPI_Datatype>(*made);
    Datatype* type = nullptr;
    EXPECT_EQ(check::committed("datatype", handle, type), Status::type);
    EXPECT_NE(std::string(error_detail()).find("MPI_Type_commit"), std::string::npos);
    made->committed = true;
    EXPECT_EQ(check::committed("datatype", handle, type), Status::ok);
    EXPECT_EQ(type, made);
    table<Datatype>().destroy(made);
}

TEST_F(CheckTest, ConstantsCannotBeFreedExceptWhereAsked) {
    MPI_Datatype type = MPI_INT;
    Datatype* object = nullptr;
    EXPECT_EQ(check::freeable("datatype", &type, object), Status::type);
    EXPECT_EQ(check::freeable("datatype", static_cast<MPI_Datatype*>(nullptr), object),
              Status::arg);
    MPI_Op op = MPI_SUM;
    Op* op_object = nullptr;
    EXPECT_EQ(check::freeable("op", &op, op_object), Status::op);
    EXPECT_EQ(check::freeable("op", &op, op_object, true), Status::ok);
}

TEST_F(CheckTest, Numbers) {
    EXPECT_EQ(check::not_negative(Status::count, "count", 0), Status::ok);
    EXPECT_EQ(check::not_negative(Status::count, "count", -1), Status::count);
    EXPECT_STREQ(error_detail(), "count is -1, must be at least 0");
    const int counts[] = {1, 0, -5};
    EXPECT_EQ(check::not_negative(Status::count, "counts", counts, 2), Status::ok);
    EXPECT_EQ(check::not_negative(Status::count, "counts", counts, 3), Status::count);
    EXPECT_STREQ(error_detail(), "counts[2] is -5, must be at least 0");
    const MPI_Count wide[] = {1LL << 40, -1};
    EXPECT_EQ(check::not_negative(Status::arg, "wide", wide, 1), Status::ok);
    EXPECT_EQ(check::not_negative(Status::arg, "wide", wide, 2), Status::arg);
    EXPECT_EQ(check::not_negative(Status::count, "counts", IntArray(), 1), Status::arg);
    EXPECT_EQ(check::not_negative(Status::count, "counts", IntArray(), 0), Status::ok);
}

TEST_F(CheckTest, RanksAndRoots) {
    for (int good : {0, 3, MPI_PROC_NULL}) {
        EXPECT_EQ(check::dest("dest", good, comm_), Status::ok) << good;
        EXPECT_EQ(check::source("source", good, comm_), Status::ok) << good;
    }
    EXPECT_EQ(check::source("source", MPI_ANY_SOURCE, comm_), Status::ok);
    for (int bad : {4, MPI_ANY_SOURCE, MPI_ROOT, -100, INT_MAX, INT_MIN}) {
        EXPECT_EQ(check::dest("dest", bad, comm_), Status::rank) << bad;
    }
    for (int bad : {4, MPI_ROOT, INT_MAX}) {
        EXPECT_EQ(check::source("source", bad, comm_), Status::rank) << bad;
        EXPECT_EQ(check::root("root", bad, comm_), Status::root) << bad;
    }
    EXPECT_EQ(check::root("root", MPI_PROC_NULL, comm_), Status::root);
    EXPECT_EQ(check::root("root", 3, comm_), Status::ok);
}

TEST_F(CheckTest, Tags) {
    EXPECT_EQ(check::tag("tag", 0), Status::ok);
    EXPECT_EQ(check::tag("tag", kTagUb), Status::ok);
    EXPECT_EQ(check::tag("tag", -1), Status::tag);
    EXPECT_EQ(check::tag("tag", MPI_ANY_TAG), Status::tag);
    EXPECT_EQ(check::tag_or_any("tag", MPI_ANY_TAG), Status::ok);
    EXPECT_EQ(check::tag_or_any("tag", -1), Status::tag);
}

TEST_F(CheckTest, Buffers) {
    const Datatype& type = *find<Datatype>(MPI_INT);
    EXPECT_EQ(check::buffer("buf", data_, 4, type), Status::ok);
    EXPECT_EQ(check::buffer("buf", nullptr, 0, type), Status::ok);
    EXPECT_EQ(check::buffer("buf", nullptr, 1, type), Status::buffer);
    EXPECT_EQ(check::buffer("buf", MPI_IN_PLACE, 0, type), Status::buffer);
    Datatype absolute;  // an address of its own: MPI_BOTTOM is right
    absolute.dense = false;
    EXPECT_EQ(check::buffer("buf", MPI_BOTTOM, 1, absolute), Status::ok);
    const int counts[] = {0, 0, 2, 0};
    EXPECT_EQ(check::buffer("buf", nullptr, counts, 2, type), Status::ok);
    EXPECT_EQ(check::buffer("buf", nullptr, counts, 4, type), Status::buffer);
    EXPECT_EQ(check::memory("buf", nullptr, 0), Status::ok);
    EXPECT_EQ(check::memory("buf", nullptr, 1), Status::buffer);
}

TEST_F(CheckTest, TwoBuffersOfACall) {
    EXPECT_EQ(check::distinct("s", data_, 1, "r", data_ + 1, 1), Status::ok);
    EXPECT_EQ(check::distinct("s", data_, 1, "r", data_, 1), Status::buffer);
    EXPECT_EQ(check::distinct("s", data_, 0, "r", data_, 1), Status::ok);
    EXPECT_EQ(check::distinct("s", nullptr, 1, "r", nullptr, 1), Status::ok);
}

TEST_F(CheckTest, OperationsOnDatatypes) {
    Op* op = nullptr;
    EXPECT_EQ(check::op("op", MPI_SUM, op, *find<Datatype>(MPI_INT)), Status::ok);
    EXPECT_EQ(check::op("op", MPI_OP_NULL, op, *find<Datatype>(MPI_INT)), Status::op);
    EXPECT_EQ(check::op("op", MPI_BAND, op, *find<Datatype>(MPI_DOUBLE)), Status::op);
}

TEST_F(CheckTest, ArraysOfDatatypes) {
    const MPI_Datatype types[] = {MPI_INT, MPI_DOUBLE, MPI_DATATYPE_NULL};
    EXPECT_EQ(check::datatypes("types", types, 2), Status::ok);
    EXPECT_EQ(check::datatypes("types", types, 3), Status::type);
    EXPECT_EQ(std::string(error_detail()).rfind("types[2] is 0x200", 0), 0U);
    EXPECT_EQ(check::datatypes("types", nullptr, 1), Status::arg);
    EXPECT_EQ(check::datatypes("types", nullptr, 0), Status::ok);
    EXPECT_EQ(&DatatypeArray(types)[1], find<Datatype>(MPI_DOUBLE));
}

TEST(StoreTest, NumbersThatDoNotFitAreUndefined) {
    int result = 0;
    store(&result, INT_MAX);
    EXPECT_EQ(result, INT_MAX);
    store(&result, Count{INT_MAX} + 1);
    EXPECT_EQ(result, MPI_UNDEFINED);
    MPI_Count wide = 0;
    store(&wide, Count{1} << 40);
    EXPECT_EQ(wide, Count{1} << 40);
}

TEST(ErrorTest, EveryErrorClassHasAText) {
    for (int code = MPI_SUCCESS; code <= MPI_ERR_ABI; ++code) {
        ASSERT_NE(error_text(code), nullptr) << code;
        EXPECT_LT(std::string(error_text(code)).size(), std::size_t{MPI_MAX_ERROR_STRING});
    }
    EXPECT_EQ(error_text(-1), nullptr);
    EXPECT_EQ(error_text(MPI_ERR_ABI + 1), nullptr);
}

TEST(ErrorTest, LongDetailsAreCutOff) {
    const std::string text(5000, 'x');
    EXPECT_EQ(fail(Status::arg, "%s", text.c_str()), Status::arg);
    EXPECT_LT(std::string(error_detail()).size(), 1000U);
    clear_error_detail();
    EXPECT_STREQ(error_detail(), "");
}

}  // namespace
}  // namespace mpi
