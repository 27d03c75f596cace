// Names of communicators, calling a handler, queries about threads, the profiling names, and the
// names of error-handler functions that MPI-3 removed.
#include <array>
#include <cstring>
#include <thread>

#include "test/support/mpi_test.hpp"

namespace {

int barriers_counted = 0;

}  // namespace

// A profiler's wrapper: the program's definition comes before the library's, which remains
// reachable under its PMPI name.
extern "C" int MPI_Barrier(MPI_Comm comm) {
    ++barriers_counted;
    return PMPI_Barrier(comm);
}

namespace {

class Names : public mpitest::MpiTest {};
class Inquiry : public mpitest::MpiTest {};

std::string name_of(MPI_Comm comm) {
    std::array<char, MPI_MAX_OBJECT_NAME> text{};
    int length = -1;
    EXPECT_MPI_OK(MPI_Comm_get_name(comm, text.data(), &length));
    EXPECT_EQ(std::strlen(text.data()), static_cast<std::size_t>(length));
    return text.data();
}

TEST_F(Names, OfThePredefinedCommunicators) {
    EXPECT_EQ(name_of(MPI_COMM_WORLD), "MPI_COMM_WORLD");
    EXPECT_EQ(name_of(MPI_COMM_SELF), "MPI_COMM_SELF");
}

TEST_F(Names, AreSetAndNotInherited) {
    EXPECT_EQ(name_of(comm()), "") << "a new communicator has no name";
    MPI_OK(MPI_Comm_set_name(comm(), "first"));
    MPI_OK(MPI_Comm_set_name(comm(), "a name with spaces"));
    EXPECT_EQ(name_of(comm()), "a name with spaces");
    MPI_Comm copy = MPI_COMM_NULL;
    MPI_OK(MPI_Comm_dup(comm(), &copy));
    EXPECT_EQ(name_of(copy), "");
    MPI_OK(MPI_Comm_free(&copy));
    MPI_OK(MPI_Comm_set_name(comm(), ""));
    EXPECT_EQ(name_of(comm()), "");
}

TEST_F(Names, AsLongAsTheyMayBe) {
    const std::string longest(MPI_MAX_OBJECT_NAME - 1, 'n');
    MPI_OK(MPI_Comm_set_name(comm(), longest.c_str()));
    EXPECT_EQ(name_of(comm()), longest);
}

int noted_code = 0;

void note_error(MPI_Comm*, int* code, ...) {
    noted_code = *code;
}

TEST_F(Inquiry, CallErrhandler) {
    MPI_Errhandler handler = MPI_ERRHANDLER_NULL;
    MPI_OK(MPI_Comm_create_errhandler(note_error, &handler));
    MPI_OK(MPI_Comm_set_errhandler(comm(), handler));
    noted_code = 0;
    MPI_OK(MPI_Comm_call_errhandler(comm(), MPI_ERR_OTHER));
    EXPECT_EQ(noted_code, MPI_ERR_OTHER);
    MPI_OK(MPI_Comm_set_errhandler(comm(), MPI_ERRORS_RETURN));
    MPI_OK(MPI_Comm_call_errhandler(comm(), MPI_ERR_OTHER));
    MPI_OK(MPI_Errhandler_free(&handler));
}

TEST_F(Inquiry, ThreadLevelAndMainThread) {
    int provided = -1;
    MPI_OK(MPI_Query_thread(&provided));
    if (mpitest::init_facts().thread_level_required != MPI_THREAD_SINGLE) {
        EXPECT_EQ(provided, mpitest::init_facts().thread_level_provided);
    }
    int here = 0;
    MPI_OK(MPI_Is_thread_main(&here));
    EXPECT_NE(here, 0);
    if (provided == MPI_THREAD_SINGLE) return;
    int elsewhere = -1;
    std::thread([&] { MPI_Is_thread_main(&elsewhere); }).join();
    EXPECT_EQ(elsewhere, 0);
}

TEST_F(Inquiry, ProfilingNamesAndInterposition) {
    int with_m = -1;
    int with_p = -2;
    MPI_OK(MPI_Comm_rank(comm(), &with_m));
    MPI_OK(PMPI_Comm_rank(comm(), &with_p));
    EXPECT_EQ(with_m, with_p);
    const int before = barriers_counted;
    MPI_OK(MPI_Barrier(comm()));
    EXPECT_EQ(barriers_counted, before + 1);
    // The library itself does not go through the profiler's wrapper.
    int in = 1;
    int out = 0;
    MPI_OK(MPI_Allreduce(&in, &out, 1, MPI_INT, MPI_SUM, comm()));
    MPI_Comm copy = MPI_COMM_NULL;
    MPI_OK(MPI_Comm_dup(comm(), &copy));
    MPI_OK(MPI_Comm_free(&copy));
    EXPECT_EQ(barriers_counted, before + 1);
}

#ifndef OPEN_MPI  // there they are macros that stop the compiler
template <class Comm>
bool try_removed_names(Comm comm) {
    if constexpr (requires(MPI_Errhandler * out) {
                      MPI_Errhandler_get(comm, out);
                      MPI_Errhandler_set(comm, *out);
                  }) {
        MPI_Errhandler handler = MPI_ERRHANDLER_NULL;
        EXPECT_MPI_OK(MPI_Errhandler_create(note_error, &handler));
        EXPECT_MPI_OK(MPI_Errhandler_set(comm, handler));
        MPI_Errhandler current = MPI_ERRHANDLER_NULL;
        EXPECT_MPI_OK(MPI_Errhandler_get(comm, &current));
        EXPECT_TRUE(current == handler);
        EXPECT_MPI_OK(MPI_Errhandler_free(&current));
        EXPECT_MPI_OK(MPI_Errhandler_free(&handler));
        noted_code = 0;
        EXPECT_NE(MPI_Send(nullptr, 0, MPI_INT, 4711, 0, comm), MPI_SUCCESS);
        EXPECT_EQ(mpitest::class_of(noted_code), MPI_ERR_RANK);
        return true;
    } else {
        return false;
    }
}

TEST_F(Inquiry, RemovedErrhandlerNamesStillWork) {
    if (!try_removed_names(comm())) GTEST_SKIP() << "this header does not declare them";
}
#endif

// Each kind of part that the host has, and whether the process is restricted to one.
TEST_F(Inquiry, HardwareResources) {
    MPI_Info info = MPI_INFO_NULL;
    MPI_OK(MPI_Get_hw_resource_info(&info));
    int keys = 0;
    MPI_OK(MPI_Info_get_nkeys(info, &keys));
    for (int i = 0; i < keys; ++i) {
        char key[MPI_MAX_INFO_KEY];
        char value[16];
        int length = sizeof value;
        int flag = 0;
        MPI_OK(MPI_Info_get_nthkey(info, i, key));
        EXPECT_EQ(std::strncmp(key, "hwloc://", 8), 0) << key;
        MPI_OK(MPI_Info_get_string(info, key, &length, value, &flag));
        EXPECT_TRUE(std::strcmp(value, "true") == 0 || std::strcmp(value, "false") == 0) << value;
    }
    MPI_OK(MPI_Info_free(&info));
}

}  // namespace
