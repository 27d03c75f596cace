// What the library says of its ABI.
#include <array>

#include "test/support/mpi_test.hpp"

namespace {

class LangAbi : public mpitest::MpiTest {
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

TEST_F(LangAbi, Version) {
    int major = -1;
    int minor = -1;
    MPI_OK(MPI_Abi_get_version(&major, &minor));
    EXPECT_EQ(major, MPI_ABI_VERSION);
    EXPECT_EQ(minor, MPI_ABI_SUBVERSION);
    EXPECT_MPI_CLASS(MPI_Abi_get_version(nullptr, &minor), MPI_ERR_ARG);
}

TEST_F(LangAbi, FortranBooleansOfEachSize) {
    for (const int bytes : {1, 2, 4, 8, 16}) {
        SCOPED_TRACE(bytes);
        std::array<unsigned char, 20> yes;
        std::array<unsigned char, 20> no;
        yes.fill(0xee);
        no.fill(0xee);
        int is_set = -1;
        MPI_OK(MPI_Abi_get_fortran_booleans(bytes, yes.data(), no.data(), &is_set));
        EXPECT_EQ(is_set, 1);
        for (std::size_t i = 0; i < yes.size(); ++i) {
            const bool inside = i < static_cast<std::size_t>(bytes);
            EXPECT_EQ(yes[i], inside ? (i == 0 ? 1 : 0) : 0xee) << i;
            EXPECT_EQ(no[i], inside ? 0 : 0xee) << i;
        }
    }
}

TEST_F(LangAbi, FortranBooleansAreSetAlready) {
    int yes = 1;
    int no = 0;
    int is_set = -1;
    EXPECT_MPI_CLASS(MPI_Abi_set_fortran_booleans(sizeof yes, &yes, &no), MPI_ERR_ABI);
    for (const int bytes : {0, -4, 3, 32}) {
        EXPECT_MPI_CLASS(MPI_Abi_set_fortran_booleans(bytes, &yes, &no), MPI_ERR_ARG);
        EXPECT_MPI_CLASS(MPI_Abi_get_fortran_booleans(bytes, &yes, &no, &is_set), MPI_ERR_ARG);
    }
}

}  // namespace
