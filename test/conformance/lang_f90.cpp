// Datatypes of Fortran's kinds.
#include <array>

#include "test/support/mpi_test.hpp"

namespace {

class LangF90 : public mpitest::MpiTest {
  protected:
    void SetUp() override {
        MpiTest::SetUp();
        MPI_OK(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN));
    }
    void TearDown() override {
        MPI_OK(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_ARE_FATAL));
        MpiTest::TearDown();
    }
};

int size_of(MPI_Datatype type) {
    int bytes = -1;
    EXPECT_MPI_OK(MPI_Type_size(type, &bytes));
    return bytes;
}

TEST_F(LangF90, SizesAreThoseOfTheKind) {
    struct Case {
        int p;
        int r;
        int real_bytes;
    };
    const int any = MPI_UNDEFINED;
    for (const Case& c : {Case{6, 37, 4},
                          {6, any, 4},
                          {any, 30, 4},
                          {7, any, 8},
                          {15, 307, 8},
                          {any, 308, 16},
                          {16, any, 16},
                          {18, 4931, 16},
                          {33, 4931, 16}}) {
        SCOPED_TRACE(testing::Message() << "p " << c.p << ", r " << c.r);
        MPI_Datatype real = MPI_DATATYPE_NULL;
        MPI_Datatype complex = MPI_DATATYPE_NULL;
        MPI_OK(MPI_Type_create_f90_real(c.p, c.r, &real));
        MPI_OK(MPI_Type_create_f90_complex(c.p, c.r, &complex));
        EXPECT_EQ(size_of(real), c.real_bytes);
        EXPECT_EQ(size_of(complex), 2 * c.real_bytes);
    }
    for (const auto& [r, bytes] :
         {std::array{2, 1}, {3, 2}, {4, 2}, {5, 4}, {9, 4}, {10, 8}, {18, 8}, {19, 16}, {38, 16}}) {
        MPI_Datatype integer = MPI_DATATYPE_NULL;
        MPI_OK(MPI_Type_create_f90_integer(r, &integer));
        EXPECT_EQ(size_of(integer), bytes) << r;
    }
}

// The constants exist whatever the compiler has; by their size a program finds out.
TEST_F(LangF90, AbsentTypesHaveNoSize) {
    for (const MPI_Datatype type : {MPI_REAL2, MPI_COMPLEX4}) {
        MPI_Count size[2]{};
        EXPECT_EQ(size_of(type), MPI_UNDEFINED);
        MPI_OK(MPI_Type_size_c(type, &size[0]));
        MPI_OK(MPI_Type_size_x(type, &size[1]));
        EXPECT_EQ(size[0], MPI_UNDEFINED);
        EXPECT_EQ(size[1], MPI_UNDEFINED);
        MPI_Datatype made = MPI_DATATYPE_NULL;
        EXPECT_MPI_CLASS(MPI_Type_contiguous(2, type, &made), MPI_ERR_TYPE);
        EXPECT_MPI_CLASS(MPI_Send(size, 1, type, MPI_PROC_NULL, 0, comm()), MPI_ERR_TYPE);
    }
    for (const MPI_Datatype type : {MPI_REAL4, MPI_COMPLEX32, MPI_INTEGER16, MPI_LOGICAL16}) {
        EXPECT_GT(size_of(type), 0);
    }
}

TEST_F(LangF90, TheArgumentsComeBack) {
    const auto integers_of = [](MPI_Datatype type, int combiner) {
        std::array<int, 4> n{};
        std::array<int, 2> integers{};
        EXPECT_MPI_OK(MPI_Type_get_envelope(type, &n[0], &n[1], &n[2], &n[3]));
        EXPECT_EQ(n[3], combiner);
        EXPECT_EQ(n[1], 0);
        EXPECT_EQ(n[2], 0);
        EXPECT_MPI_OK(MPI_Type_get_contents(type, n[0], 0, 0, integers.data(), nullptr, nullptr));
        return std::pair{n[0], integers};
    };
    MPI_Datatype type = MPI_DATATYPE_NULL;
    MPI_OK(MPI_Type_create_f90_real(15, 307, &type));
    EXPECT_EQ(integers_of(type, MPI_COMBINER_F90_REAL), std::pair(2, std::array{15, 307}));
    MPI_OK(MPI_Type_create_f90_complex(6, MPI_UNDEFINED, &type));
    EXPECT_EQ(integers_of(type, MPI_COMBINER_F90_COMPLEX),
              std::pair(2, std::array{6, MPI_UNDEFINED}));
    MPI_OK(MPI_Type_create_f90_integer(9, &type));
    EXPECT_EQ(integers_of(type, MPI_COMBINER_F90_INTEGER), std::pair(1, std::array{9, 0}));
}

TEST_F(LangF90, TheSameArgumentsGiveTheSameType) {
    MPI_Datatype first = MPI_DATATYPE_NULL;
    MPI_Datatype second = MPI_DATATYPE_NULL;
    MPI_OK(MPI_Type_create_f90_real(15, 307, &first));
    MPI_OK(MPI_Type_create_f90_real(15, 307, &second));
    EXPECT_EQ(first, second);
    MPI_OK(MPI_Type_create_f90_real(14, 307, &second));
    EXPECT_NE(first, second);
    MPI_OK(MPI_Type_create_f90_complex(15, 307, &second));
    EXPECT_NE(first, second);
}

TEST_F(LangF90, CommunicatesAndReduces) {
    MPI_Datatype real = MPI_DATATYPE_NULL;
    MPI_OK(MPI_Type_create_f90_real(15, 307, &real));
    const std::array<double, 3> mine{rank() + 1.0, 2.0, -1.5};
    std::array<double, 3> sum{};
    MPI_OK(MPI_Allreduce(mine.data(), sum.data(), 3, real, MPI_SUM, comm()));
    EXPECT_EQ(sum[0], size() * (size() + 1) / 2.0);
    EXPECT_EQ(sum[2], -1.5 * size());
    MPI_Status status;
    MPI_OK(MPI_Sendrecv(mine.data(), 3, real, next(), 1, sum.data(), 3, MPI_DOUBLE, previous(), 1,
                        comm(), &status));
    EXPECT_EQ(sum[0], previous() + 1.0);
    int n = -1;
    MPI_OK(MPI_Get_count(&status, real, &n));
    EXPECT_EQ(n, 3);

    // A part of another type, which goes on when that is freed.
    MPI_Datatype pair = MPI_DATATYPE_NULL;
    MPI_OK(MPI_Type_contiguous(2, real, &pair));
    EXPECT_EQ(size_of(pair), 16);
    MPI_OK(MPI_Type_free(&pair));
    EXPECT_EQ(size_of(real), 8);
}

TEST_F(LangF90, WrongArguments) {
    MPI_Datatype type = MPI_DATATYPE_NULL;
    EXPECT_MPI_CLASS(MPI_Type_create_f90_real(34, MPI_UNDEFINED, &type), MPI_ERR_ARG);
    EXPECT_MPI_CLASS(MPI_Type_create_f90_real(6, 5000, &type), MPI_ERR_ARG);
    EXPECT_MPI_CLASS(MPI_Type_create_f90_complex(MPI_UNDEFINED, MPI_UNDEFINED, &type), MPI_ERR_ARG);
    EXPECT_MPI_CLASS(MPI_Type_create_f90_integer(39, &type), MPI_ERR_ARG);
    EXPECT_EQ(type, MPI_DATATYPE_NULL);
    MPI_OK(MPI_Type_create_f90_real(6, 37, &type));
    EXPECT_MPI_CLASS(MPI_Type_free(&type), MPI_ERR_TYPE);
    EXPECT_EQ(size_of(type), 4);
}

TEST_F(LangF90, MatchSize) {
    struct Case {
        int typeclass;
        int bytes;
        MPI_Datatype expected;
    };
    for (const Case& c : {Case{MPI_TYPECLASS_INTEGER, 1, MPI_INTEGER1},
                          {MPI_TYPECLASS_INTEGER, 8, MPI_INTEGER8},
                          {MPI_TYPECLASS_REAL, 4, MPI_REAL4},
                          {MPI_TYPECLASS_REAL, 16, MPI_REAL16},
                          {MPI_TYPECLASS_COMPLEX, 8, MPI_COMPLEX8},
                          {MPI_TYPECLASS_COMPLEX, 32, MPI_COMPLEX32}}) {
        MPI_Datatype type = MPI_DATATYPE_NULL;
        MPI_OK(MPI_Type_match_size(c.typeclass, c.bytes, &type));
        EXPECT_EQ(type, c.expected) << c.typeclass << ", " << c.bytes;
    }
    MPI_Datatype type = MPI_DATATYPE_NULL;
    EXPECT_MPI_CLASS(MPI_Type_match_size(MPI_TYPECLASS_REAL, 3, &type), MPI_ERR_ARG);
    EXPECT_MPI_CLASS(MPI_Type_match_size(MPI_TYPECLASS_COMPLEX, 4, &type), MPI_ERR_ARG);
    EXPECT_MPI_CLASS(MPI_Type_match_size(5, 4, &type), MPI_ERR_ARG);
    EXPECT_EQ(type, MPI_DATATYPE_NULL);
}

}  // namespace
