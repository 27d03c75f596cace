// Hints of communicators.
#include <array>

#include "test/conformance/errors.hpp"

namespace {

class Hints : public errors::ErrorTest {
  protected:
    static std::string hint(MPI_Comm comm, const char* key) {
        MPI_Info info = MPI_INFO_NULL;
        EXPECT_MPI_OK(MPI_Comm_get_info(comm, &info));
        std::array<char, 64> value{};
        int flag = 0;
        EXPECT_MPI_OK(MPI_Info_get(info, key, 63, value.data(), &flag));
        EXPECT_MPI_OK(MPI_Info_free(&info));
        return flag != 0 ? value.data() : "-";
    }
    static MPI_Info make(const char* key, const char* value) {
        MPI_Info info = MPI_INFO_NULL;
        EXPECT_MPI_OK(MPI_Info_create(&info));
        EXPECT_MPI_OK(MPI_Info_set(info, key, value));
        return info;
    }
};

TEST_F(Hints, AreKeptAndGoAlongWithDup) {
    FATHOM_ONLY("libraries may ignore hints");
    EXPECT_EQ(hint(comm(), "mpi_assert_no_any_tag"), "false");
    MPI_Info tag = make("mpi_assert_no_any_tag", " true ");
    MPI_Info length = make("mpi_assert_exact_length", "true");
    MPI_Info unknown = make("no such hint", "true");
    MPI_OK(MPI_Comm_set_info(comm(), tag));
    MPI_OK(MPI_Comm_set_info(comm(), unknown));
    EXPECT_EQ(hint(comm(), "mpi_assert_no_any_tag"), "true");
    EXPECT_EQ(hint(comm(), "mpi_assert_no_any_source"), "false");
    EXPECT_EQ(hint(comm(), "no such hint"), "-");
    EXPECT_NE(hint(comm(), "mpi_memory_alloc_kinds"), "-");
    MPI_Comm copy = MPI_COMM_NULL;
    MPI_Comm other = MPI_COMM_NULL;
    MPI_OK(MPI_Comm_dup(comm(), &copy));
    EXPECT_EQ(hint(copy, "mpi_assert_no_any_tag"), "true");
    MPI_OK(MPI_Comm_dup_with_info(comm(), length, &other));
    EXPECT_EQ(hint(other, "mpi_assert_no_any_tag"), "false");
    EXPECT_EQ(hint(other, "mpi_assert_exact_length"), "true");
    MPI_Info off = make("mpi_assert_no_any_tag", "false");
    MPI_OK(MPI_Comm_set_info(comm(), off));
    EXPECT_EQ(hint(comm(), "mpi_assert_no_any_tag"), "false");
    EXPECT_EQ(hint(copy, "mpi_assert_no_any_tag"), "true");
    for (MPI_Comm* each : {&copy, &other}) MPI_OK(MPI_Comm_free(each));
    for (MPI_Info* each : {&tag, &length, &unknown, &off}) MPI_OK(MPI_Info_free(each));
}

TEST_F(Hints, EachErrorClass) {
    MPI_Info info = MPI_INFO_NULL;
    MPI_OK(MPI_Info_create(&info));
    MPI_Info freed = info;
    MPI_OK(MPI_Info_free(&info));
    MPI_Comm made = MPI_COMM_NULL;
    MPI_OK(MPI_Comm_set_info(comm(), MPI_INFO_NULL));
    run({
        {"set on null", MPI_ERR_COMM,
         [&] { return MPI_Comm_set_info(MPI_COMM_NULL, MPI_INFO_NULL); }},
        {"get of null", MPI_ERR_COMM, [&] { return MPI_Comm_get_info(MPI_COMM_NULL, &info); }},
        {"set freed", MPI_ERR_INFO, [&] { return MPI_Comm_set_info(comm(), freed); },
         errors::For::kFathom},
        {"dup with freed", MPI_ERR_INFO,
         [&] { return MPI_Comm_dup_with_info(comm(), freed, &made); }, errors::For::kFathom},
    });
    EXPECT_TRUE(made == MPI_COMM_NULL);
}

}  // namespace
