// What the library says of its ABI.
#include <array>
#include <string>

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

// The value of a key, "" if there is none.
std::string value_of(MPI_Info info, const std::string& key) {
    std::array<char, MPI_MAX_INFO_VAL> value{};
    int length = static_cast<int>(value.size());
    int flag = 0;
    EXPECT_MPI_OK(MPI_Info_get_string(info, key.c_str(), &length, value.data(), &flag));
    return flag != 0 ? value.data() : "";
}

TEST_F(LangAbi, Sizes) {
    MPI_Info info = MPI_INFO_NULL;
    MPI_OK(MPI_Abi_get_info(&info));
    EXPECT_EQ(value_of(info, "mpi_aint_size"), std::to_string(sizeof(MPI_Aint)));
    EXPECT_EQ(value_of(info, "mpi_count_size"), std::to_string(sizeof(MPI_Count)));
    EXPECT_EQ(value_of(info, "mpi_offset_size"), std::to_string(sizeof(MPI_Offset)));
    MPI_OK(MPI_Info_free(&info));
}

TEST_F(LangAbi, FortranTypesAreThoseOfTheDatatypes) {
    MPI_Info info = MPI_INFO_NULL;
    MPI_OK(MPI_Abi_get_fortran_info(&info));
    const auto size_of = [](MPI_Datatype type) {
        int bytes = 0;
        return MPI_Type_size(type, &bytes) == MPI_SUCCESS ? bytes : MPI_UNDEFINED;
    };
    EXPECT_EQ(value_of(info, "mpi_logical_size"), std::to_string(size_of(MPI_LOGICAL)));
    EXPECT_EQ(value_of(info, "mpi_integer_size"), std::to_string(size_of(MPI_INTEGER)));
    EXPECT_EQ(value_of(info, "mpi_real_size"), std::to_string(size_of(MPI_REAL)));
    EXPECT_EQ(value_of(info, "mpi_double_precision_size"),
              std::to_string(size_of(MPI_DOUBLE_PRECISION)));
    struct Optional {
        const char* name;
        MPI_Datatype type;
    };
    for (const Optional& each : {Optional{"logical1", MPI_LOGICAL1},
                                 {"logical2", MPI_LOGICAL2},
                                 {"logical4", MPI_LOGICAL4},
                                 {"logical8", MPI_LOGICAL8},
                                 {"logical16", MPI_LOGICAL16},
                                 {"integer1", MPI_INTEGER1},
                                 {"integer2", MPI_INTEGER2},
                                 {"integer4", MPI_INTEGER4},
                                 {"integer8", MPI_INTEGER8},
                                 {"integer16", MPI_INTEGER16},
                                 {"real2", MPI_REAL2},
                                 {"real4", MPI_REAL4},
                                 {"real8", MPI_REAL8},
                                 {"real16", MPI_REAL16},
                                 {"complex4", MPI_COMPLEX4},
                                 {"complex8", MPI_COMPLEX8},
                                 {"complex16", MPI_COMPLEX16},
                                 {"complex32", MPI_COMPLEX32},
                                 {"double_complex", MPI_DOUBLE_COMPLEX}}) {
        const bool there = size_of(each.type) != MPI_UNDEFINED;
        EXPECT_EQ(value_of(info, std::string("mpi_") + each.name + "_supported"),
                  there ? "true" : "false")
            << each.name;
    }
    EXPECT_MPI_CLASS(MPI_Abi_set_fortran_info(info), MPI_ERR_ABI);
    EXPECT_MPI_CLASS(MPI_Abi_set_fortran_info(MPI_INFO_NULL), MPI_ERR_INFO);
    MPI_OK(MPI_Info_free(&info));
    EXPECT_MPI_CLASS(MPI_Abi_get_info(nullptr), MPI_ERR_ARG);
}

}  // namespace
