// The environment: initialisation, versions, clocks, names of errors, error handlers.
#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstring>

#include "test/support/mpi_test.hpp"

namespace {

class Env : public mpitest::MpiTest {};
class ErrorHandler : public mpitest::MpiTest {};

TEST_F(Env, InitializedBeforeAndAfterInit) {
    const mpitest::InitFacts& facts = mpitest::init_facts();
    EXPECT_EQ(facts.initialized_before, 0);
    EXPECT_EQ(facts.finalized_before, 0);
    EXPECT_EQ(facts.init_result, MPI_SUCCESS);
    EXPECT_NE(facts.initialized_after, 0);
    int flag = 0;
    MPI_OK(MPI_Initialized(&flag));
    EXPECT_NE(flag, 0);
    MPI_OK(MPI_Finalized(&flag));
    EXPECT_EQ(flag, 0);
}

TEST_F(Env, ThreadLevels) {
    EXPECT_LT(MPI_THREAD_SINGLE, MPI_THREAD_FUNNELED);
    EXPECT_LT(MPI_THREAD_FUNNELED, MPI_THREAD_SERIALIZED);
    EXPECT_LT(MPI_THREAD_SERIALIZED, MPI_THREAD_MULTIPLE);
    const mpitest::InitFacts& facts = mpitest::init_facts();
    const std::array levels{MPI_THREAD_SINGLE, MPI_THREAD_FUNNELED, MPI_THREAD_SERIALIZED,
                            MPI_THREAD_MULTIPLE};
    EXPECT_NE(std::find(levels.begin(), levels.end(), facts.thread_level_provided), levels.end());
    if (mpitest::is_fathom()) {
        EXPECT_GE(facts.thread_level_provided, facts.thread_level_required);
    }
}

TEST_F(Env, Version) {
    int version = 0;
    int subversion = -1;
    MPI_OK(MPI_Get_version(&version, &subversion));
    EXPECT_EQ(version, MPI_VERSION);
    EXPECT_EQ(subversion, MPI_SUBVERSION);
    if (mpitest::is_fathom()) {
        EXPECT_EQ(version, 5);
        EXPECT_EQ(subversion, 0);
    }
}

TEST_F(Env, LibraryVersion) {
    SKIP_ON_PEER(kOpenMpi, "counts the terminating zero");
    std::vector<char> text(MPI_MAX_LIBRARY_VERSION_STRING, 'x');
    int length = -1;
    MPI_OK(MPI_Get_library_version(text.data(), &length));
    ASSERT_GT(length, 0);
    ASSERT_LT(length, MPI_MAX_LIBRARY_VERSION_STRING);
    EXPECT_EQ(std::strlen(text.data()), static_cast<std::size_t>(length));
}

TEST_F(Env, ProcessorName) {
    std::array<char, MPI_MAX_PROCESSOR_NAME> name{};
    name.fill('x');
    int length = -1;
    MPI_OK(MPI_Get_processor_name(name.data(), &length));
    ASSERT_GT(length, 0);
    ASSERT_LT(length, MPI_MAX_PROCESSOR_NAME);
    EXPECT_EQ(std::strlen(name.data()), static_cast<std::size_t>(length));
}

TEST_F(Env, ClockRunsForwardInSeconds) {
    const double tick = MPI_Wtick();
    EXPECT_GT(tick, 0);
    EXPECT_LT(tick, 1e-3);
    double before = MPI_Wtime();
    for (int i = 0; i < 1000; ++i) {
        const double now = MPI_Wtime();
        ASSERT_GE(now, before);
        before = now;
    }
    mpitest::sleep_ms(50);
    const double elapsed = MPI_Wtime() - before;
    EXPECT_GE(elapsed, 0.049);
    EXPECT_LT(elapsed, 5);
}

TEST_F(Env, EveryErrorClassHasAText) {
    const std::array classes{MPI_SUCCESS,     MPI_ERR_BUFFER, MPI_ERR_COUNT,   MPI_ERR_TYPE,
                             MPI_ERR_TAG,     MPI_ERR_COMM,   MPI_ERR_RANK,    MPI_ERR_REQUEST,
                             MPI_ERR_ROOT,    MPI_ERR_GROUP,  MPI_ERR_OP,      MPI_ERR_TOPOLOGY,
                             MPI_ERR_DIMS,    MPI_ERR_ARG,    MPI_ERR_UNKNOWN, MPI_ERR_TRUNCATE,
                             MPI_ERR_OTHER,   MPI_ERR_INTERN, MPI_ERR_PENDING, MPI_ERR_IN_STATUS,
                             MPI_ERR_NO_MEM,  MPI_ERR_INFO,   MPI_ERR_KEYVAL,  MPI_ERR_WIN,
                             MPI_ERR_FILE,    MPI_ERR_IO,     MPI_ERR_NAME,    MPI_ERR_PORT,
                             MPI_ERR_SERVICE, MPI_ERR_SPAWN,  MPI_ERR_ACCESS,  MPI_ERR_AMODE};
    std::vector<std::string> texts;
    for (const int each : classes) {
        std::array<char, MPI_MAX_ERROR_STRING> text{};
        int length = -1;
        MPI_OK(MPI_Error_string(each, text.data(), &length));
        EXPECT_GT(length, 0) << each;
        EXPECT_LT(length, MPI_MAX_ERROR_STRING) << each;
        EXPECT_EQ(std::strlen(text.data()), static_cast<std::size_t>(length)) << each;
        int error_class = -1;
        MPI_OK(MPI_Error_class(each, &error_class));
        EXPECT_EQ(error_class, each) << "a class is its own class";
        texts.emplace_back(text.data());
    }
    std::sort(texts.begin(), texts.end());
    EXPECT_EQ(std::adjacent_find(texts.begin(), texts.end()), texts.end()) << "two texts are equal";
}

TEST_F(ErrorHandler, ReturnGivesTheCode) {
    int value = 0;
    EXPECT_MPI_CLASS(MPI_Send(&value, 1, MPI_INT, size() + 5, 0, comm()), MPI_ERR_RANK);
    // And the library goes on.
    MPI_OK(MPI_Barrier(comm()));
}

// A handler with the standard's signature notes what it was called with.
MPI_Comm called_with = MPI_COMM_NULL;
int called_code = MPI_SUCCESS;
int times_called = 0;

void note(MPI_Comm* comm, int* code, ...) {
    called_with = *comm;
    called_code = *code;
    ++times_called;
}

void note_otherwise(MPI_Comm*, int*, ...) {
    times_called += 100;
}

// Overloads on purpose: a template finds the function only if the header declares it.
template <class Function>
bool create_handler(Function function, MPI_Errhandler* handler) {
    if constexpr (requires { MPI_Comm_create_errhandler(function, handler); }) {
        EXPECT_MPI_OK(MPI_Comm_create_errhandler(function, handler));
        return true;
    } else {
        return false;
    }
}

TEST_F(ErrorHandler, UserHandlerIsCalledWithCommunicatorAndCode) {
    MPI_Errhandler handler = MPI_ERRHANDLER_NULL;
    if (!create_handler(note, &handler)) GTEST_SKIP() << "the header has no Comm_create_errhandler";
    MPI_OK(MPI_Comm_set_errhandler(comm(), handler));
    times_called = 0;
    int value = 0;
    const int result = MPI_Send(&value, 1, MPI_INT, size() + 5, 0, comm());
    EXPECT_EQ(times_called, 1);
    EXPECT_TRUE(called_with == comm());
    EXPECT_EQ(mpitest::class_of(called_code), MPI_ERR_RANK);
    EXPECT_EQ(mpitest::class_of(result), MPI_ERR_RANK)
        << "the handler returned, so the call does too";

    // Freed, it stays until the communicator lets go of it.
    MPI_OK(MPI_Errhandler_free(&handler));
    EXPECT_TRUE(handler == MPI_ERRHANDLER_NULL);
    EXPECT_NE(MPI_Send(&value, -1, MPI_INT, 0, 0, comm()), MPI_SUCCESS);
    EXPECT_EQ(times_called, 2);
    EXPECT_EQ(mpitest::class_of(called_code), MPI_ERR_COUNT);
}

TEST_F(ErrorHandler, DupInheritsTheHandler) {
    MPI_Errhandler handler = MPI_ERRHANDLER_NULL;
    if (!create_handler(note, &handler)) GTEST_SKIP() << "the header has no Comm_create_errhandler";
    MPI_OK(MPI_Comm_set_errhandler(comm(), handler));
    MPI_Comm copy = MPI_COMM_NULL;
    MPI_Comm part = MPI_COMM_NULL;
    MPI_OK(MPI_Comm_dup(comm(), &copy));
    MPI_OK(MPI_Comm_split(comm(), 0, 0, &part));
    MPI_OK(MPI_Comm_set_errhandler(comm(), MPI_ERRORS_RETURN));
    for (MPI_Comm each : {copy, part}) {
        times_called = 0;
        EXPECT_NE(MPI_Send(nullptr, 0, MPI_INT, size() + 5, 0, each), MPI_SUCCESS);
        EXPECT_EQ(times_called, 1);
        EXPECT_TRUE(called_with == each);
    }
    MPI_OK(MPI_Errhandler_free(&handler));
    MPI_OK(MPI_Comm_free(&copy));
    MPI_OK(MPI_Comm_free(&part));
}

TEST_F(ErrorHandler, GetReturnsWhatWasSet) {
    MPI_Errhandler current = MPI_ERRHANDLER_NULL;
    MPI_OK(MPI_Comm_get_errhandler(comm(), &current));
    EXPECT_TRUE(current == MPI_ERRORS_RETURN);
    MPI_OK(MPI_Errhandler_free(&current));
    MPI_Errhandler handler = MPI_ERRHANDLER_NULL;
    if (!create_handler(note, &handler)) GTEST_SKIP() << "the header has no Comm_create_errhandler";
    MPI_OK(MPI_Comm_set_errhandler(comm(), handler));
    MPI_OK(MPI_Comm_get_errhandler(comm(), &current));
    EXPECT_TRUE(current == handler);
    MPI_OK(MPI_Errhandler_free(&current));
    MPI_OK(MPI_Errhandler_free(&handler));
    MPI_OK(MPI_Comm_set_errhandler(comm(), MPI_ERRORS_RETURN));
}

TEST_F(ErrorHandler, TheDefaultIsFatal) {
    if (!mpitest::is_fathom()) GTEST_SKIP() << "the fixture changes it for other libraries";
    for (MPI_Comm each : {MPI_COMM_WORLD, MPI_COMM_SELF}) {
        MPI_Errhandler current = MPI_ERRHANDLER_NULL;
        MPI_OK(MPI_Comm_get_errhandler(each, &current));
        EXPECT_TRUE(current == MPI_ERRORS_ARE_FATAL);
        MPI_OK(MPI_Errhandler_free(&current));
    }
}

// Each communicator has its own.
TEST_F(ErrorHandler, OthersAreNotCalled) {
    MPI_Errhandler first = MPI_ERRHANDLER_NULL;
    MPI_Errhandler second = MPI_ERRHANDLER_NULL;
    if (!create_handler(note, &first)) GTEST_SKIP() << "the header has no Comm_create_errhandler";
    ASSERT_TRUE(create_handler(note_otherwise, &second));
    MPI_Comm copy = MPI_COMM_NULL;
    MPI_OK(MPI_Comm_dup(comm(), &copy));
    MPI_OK(MPI_Comm_set_errhandler(comm(), first));
    MPI_OK(MPI_Comm_set_errhandler(copy, second));
    times_called = 0;
    EXPECT_NE(MPI_Send(nullptr, 0, MPI_INT, size() + 5, 0, copy), MPI_SUCCESS);
    EXPECT_EQ(times_called, 100);
    MPI_OK(MPI_Errhandler_free(&first));
    MPI_OK(MPI_Errhandler_free(&second));
    MPI_OK(MPI_Comm_free(&copy));
}

}  // namespace
