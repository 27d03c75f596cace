// A table-driven test of wrong arguments: what each call must return under MPI_ERRORS_RETURN.
#pragma once

#include <mpi.h>

#ifndef MPI_ERR_ERRHANDLER
#define MPI_ERR_ERRHANDLER MPI_ERR_ARG  // new in MPI-5
#endif

#include <functional>

#include "test/support/mpi_test.hpp"

namespace errors {

// Which libraries a case is for. Other libraries do not check everything that Fathom promises to;
// some crash where Fathom finds the freed handle or the null pointer.
enum class For { kAll, kFathom };

struct Case {
    const char* name;
    int expected_class;
    std::function<int()> call;
    For whom = For::kAll;
};

// Fixture: errors that belong to no communicator are raised on MPI_COMM_SELF (MPI-4; on
// MPI_COMM_WORLD before), so these return errors too while a test runs.
class ErrorTest : public mpitest::MpiTest {
  protected:
    void SetUp() override {
        MpiTest::SetUp();
        MPI_OK(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN));
        MPI_OK(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN));
    }
    void TearDown() override {
        // What the calls left alone must still work.
        EXPECT_MPI_OK(MPI_Barrier(comm()));
        int flag = 1;
        EXPECT_MPI_OK(MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, comm(), &flag, MPI_STATUS_IGNORE));
        EXPECT_EQ(flag, 0) << "a call that failed has sent a message";
        EXPECT_MPI_OK(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_ARE_FATAL));
        EXPECT_MPI_OK(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_ARE_FATAL));
        MpiTest::TearDown();
    }

    void run(const std::vector<Case>& cases) {
        for (const Case& each : cases) {
            if (each.whom == For::kFathom && !mpitest::is_fathom()) continue;
            SCOPED_TRACE(each.name);
            const int code = each.call();
            if (mpitest::is_fathom()) {
                EXPECT_MPI_CLASS(code, each.expected_class);
            } else {
                // Libraries differ in the class; that it is an error is what they agree on.
                EXPECT_NE(code, MPI_SUCCESS);
            }
        }
    }
};

// Handles that are not null but no longer, or not yet, good.
class BadHandles {
  public:
    BadHandles() {
        EXPECT_MPI_OK(MPI_Type_contiguous(2, MPI_INT, &uncommitted));
        if (!mpitest::is_fathom()) return;
        MPI_Datatype type = MPI_DATATYPE_NULL;
        EXPECT_MPI_OK(MPI_Type_contiguous(2, MPI_INT, &type));
        EXPECT_MPI_OK(MPI_Type_commit(&type));
        freed_type = type;
        EXPECT_MPI_OK(MPI_Type_free(&type));
        MPI_Comm comm = MPI_COMM_NULL;
        EXPECT_MPI_OK(MPI_Comm_dup(MPI_COMM_SELF, &comm));
        freed_comm = comm;
        EXPECT_MPI_OK(MPI_Comm_free(&comm));
        MPI_Op op = MPI_OP_NULL;
        EXPECT_MPI_OK(MPI_Op_create([](void*, void*, int*, MPI_Datatype*) {}, 1, &op));
        freed_op = op;
        EXPECT_MPI_OK(MPI_Op_free(&op));
        MPI_Group group = MPI_GROUP_NULL;
        EXPECT_MPI_OK(MPI_Comm_group(MPI_COMM_SELF, &group));
        // A group of its own, which no communicator keeps alive.
        MPI_Group own = MPI_GROUP_NULL;
        const int zero = 0;
        EXPECT_MPI_OK(MPI_Group_incl(group, 1, &zero, &own));
        freed_group = own;
        EXPECT_MPI_OK(MPI_Group_free(&own));
        EXPECT_MPI_OK(MPI_Group_free(&group));
        int value = 0;
        MPI_Request request = MPI_REQUEST_NULL;
        EXPECT_MPI_OK(MPI_Recv_init(&value, 1, MPI_INT, 0, 0, MPI_COMM_SELF, &request));
        freed_request = request;
        EXPECT_MPI_OK(MPI_Request_free(&request));
    }
    ~BadHandles() { EXPECT_MPI_OK(MPI_Type_free(&uncommitted)); }
    BadHandles(const BadHandles&) = delete;
    BadHandles& operator=(const BadHandles&) = delete;

    MPI_Datatype uncommitted = MPI_DATATYPE_NULL;
    // With Fathom only; others crash on them.
    MPI_Datatype freed_type = MPI_DATATYPE_NULL;
    MPI_Comm freed_comm = MPI_COMM_NULL;
    MPI_Op freed_op = MPI_OP_NULL;
    MPI_Group freed_group = MPI_GROUP_NULL;
    MPI_Request freed_request = MPI_REQUEST_NULL;
};

}  // namespace errors
