// Handles as integers, and Fortran's handles and statuses in C.
#include <array>
#include <cstring>

#include "test/support/mpi_test.hpp"

namespace {

using mpitest::to_int;

class LangHandles : public mpitest::MpiTest {};

// Asked while the program starts, before MPI_Init.
const int sum_before_init = MPI_Op_toint(MPI_SUM);
const MPI_Comm world_before_init = MPI_Comm_f2c(0x101);

TEST_F(LangHandles, WorkBeforeInit) {
    EXPECT_EQ(sum_before_init, 0x21);
    EXPECT_EQ(world_before_init, MPI_COMM_WORLD);
}

// What a handle goes through: to an integer and back, to Fortran and back, by both names.
#define ROUND_TRIP(Name, Handle, value)                                  \
    do {                                                                 \
        const Handle handle = (value);                                   \
        const int integer = MPI_##Name##_toint(handle);                  \
        EXPECT_EQ(MPI_##Name##_fromint(integer), handle) << #value;      \
        EXPECT_EQ(PMPI_##Name##_toint(handle), integer) << #value;       \
        EXPECT_EQ(PMPI_##Name##_fromint(integer), handle) << #value;     \
        EXPECT_EQ(MPI_##Name##_c2f(handle), integer) << #value;          \
        EXPECT_EQ(MPI_##Name##_f2c(MPI_##Name##_c2f(handle)), handle);   \
        EXPECT_EQ(PMPI_##Name##_f2c(PMPI_##Name##_c2f(handle)), handle); \
    } while (false)

TEST_F(LangHandles, ConstantsKeepTheirValue) {
    EXPECT_EQ(MPI_Comm_toint(MPI_COMM_WORLD), 0x101);
    EXPECT_EQ(MPI_Comm_toint(MPI_COMM_NULL), 0x100);
    EXPECT_EQ(MPI_Errhandler_toint(MPI_ERRORS_RETURN), 0x143);
    EXPECT_EQ(MPI_Group_toint(MPI_GROUP_EMPTY), 0x109);
    EXPECT_EQ(MPI_Info_toint(MPI_INFO_ENV), 0x131);
    EXPECT_EQ(MPI_Message_toint(MPI_MESSAGE_NO_PROC), 0x129);
    EXPECT_EQ(MPI_Op_toint(MPI_SUM), 0x21);
    EXPECT_EQ(MPI_Request_toint(MPI_REQUEST_NULL), 0x180);
    EXPECT_EQ(MPI_Session_toint(MPI_SESSION_NULL), 0x120);
    EXPECT_EQ(MPI_Type_toint(MPI_INT), 0x209);
    ROUND_TRIP(Comm, MPI_Comm, MPI_COMM_SELF);
    ROUND_TRIP(Errhandler, MPI_Errhandler, MPI_ERRHANDLER_NULL);
    ROUND_TRIP(Group, MPI_Group, MPI_GROUP_NULL);
    ROUND_TRIP(Info, MPI_Info, MPI_INFO_NULL);
    ROUND_TRIP(Message, MPI_Message, MPI_MESSAGE_NULL);
    ROUND_TRIP(Op, MPI_Op, MPI_OP_NULL);
    ROUND_TRIP(Request, MPI_Request, MPI_REQUEST_NULL);
    ROUND_TRIP(Session, MPI_Session, MPI_SESSION_NULL);
    ROUND_TRIP(Type, MPI_Datatype, MPI_DATATYPE_NULL);
}

TEST_F(LangHandles, LiveHandlesComeBack) {
    ROUND_TRIP(Comm, MPI_Comm, comm());
    int result = MPI_UNEQUAL;
    MPI_OK(MPI_Comm_compare(comm(), MPI_Comm_fromint(MPI_Comm_toint(comm())), &result));
    EXPECT_EQ(result, MPI_IDENT);

    MPI_Group group = MPI_GROUP_NULL;
    MPI_OK(MPI_Comm_group(comm(), &group));
    ROUND_TRIP(Group, MPI_Group, group);
    MPI_OK(MPI_Group_free(&group));

    MPI_Datatype type = MPI_DATATYPE_NULL;
    MPI_OK(MPI_Type_contiguous(3, MPI_SHORT, &type));
    ROUND_TRIP(Type, MPI_Datatype, type);
    int bytes = 0;
    MPI_OK(MPI_Type_size(MPI_Type_fromint(MPI_Type_toint(type)), &bytes));
    EXPECT_EQ(bytes, to_int(3 * sizeof(short)));
    MPI_OK(MPI_Type_free(&type));

    MPI_Op op = MPI_OP_NULL;
    MPI_OK(MPI_Op_create([](void*, void*, int*, MPI_Datatype*) {}, 1, &op));
    ROUND_TRIP(Op, MPI_Op, op);
    MPI_OK(MPI_Op_free(&op));

    int value = 0;
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_OK(MPI_Irecv(&value, 1, MPI_INT, rank(), 7, comm(), &request));
    ROUND_TRIP(Request, MPI_Request, request);
    const int seven = 7;
    MPI_OK(MPI_Send(&seven, 1, MPI_INT, rank(), 7, comm()));
    request = MPI_Request_fromint(MPI_Request_toint(request));
    MPI_OK(MPI_Wait(&request, MPI_STATUS_IGNORE));
    EXPECT_EQ(value, 7);
}

TEST_F(LangHandles, GarbageIsReportedByTheNextCall) {
    MPI_OK(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN));
    int n = 0;
    for (const int garbage : {0, -1, 0x1ff, 0x7fffffff, 12345678}) {
        SCOPED_TRACE(garbage);
        EXPECT_EQ(MPI_Comm_toint(MPI_Comm_fromint(garbage)), garbage);
        EXPECT_MPI_CLASS(MPI_Comm_size(MPI_Comm_fromint(garbage), &n), MPI_ERR_COMM);
        EXPECT_MPI_CLASS(MPI_Group_size(MPI_Group_fromint(garbage), &n), MPI_ERR_GROUP);
        EXPECT_MPI_CLASS(MPI_Type_size(MPI_Type_fromint(garbage), &n), MPI_ERR_TYPE);
        MPI_Op op = MPI_Op_fromint(garbage);
        EXPECT_MPI_CLASS(MPI_Op_free(&op), MPI_ERR_OP);
        MPI_Request request = MPI_Request_fromint(garbage);
        EXPECT_MPI_CLASS(MPI_Wait(&request, MPI_STATUS_IGNORE), MPI_ERR_REQUEST);
    }
    MPI_OK(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_ARE_FATAL));
}

TEST_F(LangHandles, StatusesInFortran) {
    const std::array<double, 5> sent{1, 2, 3, 4, 5};
    std::array<double, 9> received{};
    MPI_Status status;
    status.MPI_ERROR = 77;
    MPI_OK(MPI_Sendrecv(sent.data(), to_int(sent.size()), MPI_DOUBLE, next(), 9, received.data(),
                        to_int(received.size()), MPI_DOUBLE, previous(), 9, comm(), &status));
    std::array<MPI_Fint, MPI_F_STATUS_SIZE> fortran{};
    MPI_OK(MPI_Status_c2f(&status, fortran.data()));
    EXPECT_EQ(fortran[MPI_F_SOURCE], previous());
    EXPECT_EQ(fortran[MPI_F_TAG], 9);
    EXPECT_EQ(fortran[MPI_F_ERROR], 77);

    MPI_F08_status f08;
    MPI_OK(MPI_Status_f2f08(fortran.data(), &f08));
    std::array<MPI_Fint, MPI_F_STATUS_SIZE> again{};
    MPI_OK(MPI_Status_f082f(&f08, again.data()));
    EXPECT_EQ(again, fortran);

    MPI_Status back;
    MPI_OK(MPI_Status_f2c(again.data(), &back));
    int n = 0;
    MPI_OK(MPI_Get_count(&back, MPI_DOUBLE, &n));
    EXPECT_EQ(n, to_int(sent.size()));
    MPI_Status direct;
    MPI_OK(MPI_Status_f082c(&f08, &direct));
    EXPECT_EQ(std::memcmp(&direct, &status, sizeof status), 0);
    MPI_OK(MPI_Status_c2f08(&direct, &f08));
    EXPECT_EQ(f08.MPI_SOURCE, previous());

    EXPECT_MPI_CLASS(MPI_Status_c2f(MPI_STATUS_IGNORE, fortran.data()), MPI_ERR_ARG);
    EXPECT_MPI_CLASS(MPI_Status_f2c(nullptr, &back), MPI_ERR_ARG);
}

TEST_F(LangHandles, FieldsOfAStatus) {
    MPI_Status status;
    MPI_OK(MPI_Sendrecv(nullptr, 0, MPI_INT, next(), 4, nullptr, 0, MPI_INT, previous(), 4, comm(),
                        &status));
    int value = -1;
    MPI_OK(MPI_Status_get_source(&status, &value));
    EXPECT_EQ(value, previous());
    MPI_OK(MPI_Status_get_tag(&status, &value));
    EXPECT_EQ(value, 4);
    MPI_OK(MPI_Status_set_source(&status, 17));
    MPI_OK(MPI_Status_set_tag(&status, 18));
    MPI_OK(MPI_Status_set_error(&status, MPI_ERR_TRUNCATE));
    EXPECT_EQ(status.MPI_SOURCE, 17);
    EXPECT_EQ(status.MPI_TAG, 18);
    EXPECT_EQ(status.MPI_ERROR, MPI_ERR_TRUNCATE);
    MPI_OK(MPI_Status_get_error(&status, &value));
    EXPECT_EQ(value, MPI_ERR_TRUNCATE);
    MPI_OK(MPI_Get_count(&status, MPI_INT, &value));
    EXPECT_EQ(value, 0);

    MPI_OK(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN));
    EXPECT_MPI_CLASS(MPI_Status_get_tag(&status, nullptr), MPI_ERR_ARG);
    EXPECT_MPI_CLASS(MPI_Status_set_tag(MPI_STATUS_IGNORE, 1), MPI_ERR_ARG);
    MPI_OK(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_ARE_FATAL));
}

}  // namespace
