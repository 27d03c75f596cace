// The report of errors and the lock, seen from a process that is an MPI job of its own.
#include "mpi/core/call.hpp"

#include <gtest/gtest.h>
#include <mpi.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

namespace mpi {
namespace {

using testing::ExitedWithCode;

TEST(BeforeInitDeathTest, CallsAreReportedAndEndTheProcess) {
    int rank = 0;
    EXPECT_EXIT(MPI_Comm_rank(MPI_COMM_WORLD, &rank), ExitedWithCode(1),
                "^Fathom: pid [0-9]+ on host .*: MPI_Comm_rank was called before MPI_Init\n$");
    EXPECT_EXIT(MPI_Finalize(), ExitedWithCode(1), "MPI_Finalize was called before MPI_Init");
}

TEST(BeforeInitDeathTest, SomeFunctionsMayBeCalled) {
    int flag = -1, version = 0, subversion = 0;
    EXPECT_EQ(MPI_Initialized(&flag), MPI_SUCCESS);
    EXPECT_EQ(flag, 0);
    EXPECT_EQ(MPI_Get_version(&version, &subversion), MPI_SUCCESS);
    EXPECT_EQ(version, MPI_VERSION);
}

TEST(BeforeInitDeathTest, InfoObjectsMayBeUsed) {
    MPI_Info info = MPI_INFO_NULL;
    ASSERT_EQ(MPI_Info_create(&info), MPI_SUCCESS);
    EXPECT_EQ(MPI_Info_set(info, "key", "value"), MPI_SUCCESS);
    int keys = 0;
    EXPECT_EQ(MPI_Info_get_nkeys(info, &keys), MPI_SUCCESS);
    EXPECT_EQ(keys, 1);
    EXPECT_EXIT(MPI_Info_set(info, "", "value"), ExitedWithCode(MPI_ERR_INFO_KEY),
                "^Fathom: pid [0-9]+ .*: MPI_Info_set.*MPI_ERR_INFO_KEY .*: key is empty\n$");
    EXPECT_EQ(MPI_Info_free(&info), MPI_SUCCESS);
    EXPECT_EQ(MPI_Info_get_nkeys(MPI_INFO_ENV, &keys), MPI_SUCCESS);
    // Before the start as after it: alone.
    MPI_Info start = MPI_INFO_NULL;
    EXPECT_EQ(MPI_Info_create_env(0, nullptr, &start), MPI_SUCCESS);
    std::array<char, 8> processes{};
    int flag = 0;
    EXPECT_EQ(MPI_Info_get(start, "maxprocs", 7, processes.data(), &flag), MPI_SUCCESS);
    EXPECT_STREQ(processes.data(), "1");
    EXPECT_EQ(MPI_Info_free(&start), MPI_SUCCESS);
}

/// Runs with MPI up; the process is the only rank of its job.
class RunningDeathTest : public testing::Test {
  protected:
    static void SetUpTestSuite() { ASSERT_EQ(MPI_Init(nullptr, nullptr), MPI_SUCCESS); }
    static void TearDownTestSuite() { ASSERT_EQ(MPI_Finalize(), MPI_SUCCESS); }
    int value_ = 0;
};

TEST_F(RunningDeathTest, AFatalErrorIsOneLineWithCallArgumentsClassAndDetail) {
    EXPECT_EXIT(MPI_Send(&value_, -1, MPI_INT, 0, 7, MPI_COMM_WORLD), ExitedWithCode(MPI_ERR_COUNT),
                "^Fathom: rank 0 on host [^ ]+: MPI_Send\\(buf=0x[0-9a-f]+, count=-1, "
                "datatype=MPI_INT, dest=0, tag=7, comm=MPI_COMM_WORLD\\) failed: MPI_ERR_COUNT "
                "\\(invalid count\\): count is -1, must be at least 0\n$");
}

TEST_F(RunningDeathTest, ValuesWithNamesAreShownByName) {
    EXPECT_EXIT(MPI_Recv(nullptr, 1, MPI_DATATYPE_NULL, MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD,
                         MPI_STATUS_IGNORE),
                ExitedWithCode(MPI_ERR_TYPE),
                "buf=NULL, count=1, datatype=MPI_DATATYPE_NULL, source=MPI_ANY_SOURCE, "
                "tag=MPI_ANY_TAG, comm=MPI_COMM_WORLD, status=NULL");
    EXPECT_EXIT(MPI_Allreduce(MPI_IN_PLACE, &value_, 1, MPI_FLOAT, MPI_BXOR, MPI_COMM_SELF),
                ExitedWithCode(MPI_ERR_OP),
                "sendbuf=MPI_IN_PLACE, .*op=MPI_BXOR, comm=MPI_COMM_SELF");
}

TEST_F(RunningDeathTest, ACommunicatorIsNamedByItsUser) {
    MPI_Comm comm = MPI_COMM_NULL;
    ASSERT_EQ(MPI_Comm_dup(MPI_COMM_WORLD, &comm), MPI_SUCCESS);
    ASSERT_EQ(MPI_Comm_set_name(comm, "halo"), MPI_SUCCESS);
    EXPECT_EXIT(MPI_Send(&value_, 1, MPI_INT, 5, 0, comm), ExitedWithCode(MPI_ERR_RANK),
                "comm=0x[0-9a-f]+ \"halo\"\\) failed: MPI_ERR_RANK .*dest is 5");
    EXPECT_EQ(MPI_Comm_free(&comm), MPI_SUCCESS);
}

TEST_F(RunningDeathTest, ErrorsOfNoCommunicatorGoToSelf) {
    ASSERT_EQ(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), MPI_SUCCESS);
    ASSERT_EQ(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_ABORT), MPI_SUCCESS);
    MPI_Datatype type = MPI_DATATYPE_NULL;
    EXPECT_EXIT(MPI_Type_commit(&type), ExitedWithCode(MPI_ERR_TYPE), "MPI_Type_commit");
    ASSERT_EQ(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN), MPI_SUCCESS);
    EXPECT_EQ(MPI_Type_commit(&type), MPI_ERR_TYPE);
    EXPECT_EQ(MPI_Barrier(MPI_COMM_NULL), MPI_ERR_COMM);
    EXPECT_EQ(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_ARE_FATAL), MPI_SUCCESS);
    EXPECT_EQ(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_ARE_FATAL), MPI_SUCCESS);
}

int handled = 0;
int handled_code = 0;
MPI_Comm handled_comm = MPI_COMM_NULL;

void count_errors(MPI_Comm* comm, int* code, ...) {
    ++handled;
    handled_code = *code;
    handled_comm = *comm;
    // A handler may call MPI, and cause errors itself.
    std::array<char, MPI_MAX_ERROR_STRING> text{};
    int length = 0;
    EXPECT_EQ(MPI_Error_string(*code, text.data(), &length), MPI_SUCCESS);
    EXPECT_GT(length, 0);
    int rank = -1;
    EXPECT_EQ(MPI_Comm_rank(*comm, &rank), MPI_SUCCESS);
}

TEST_F(RunningDeathTest, AUsersHandlerIsCalledWithTheCommunicatorAndTheClass) {
    MPI_Errhandler handler = MPI_ERRHANDLER_NULL;
    MPI_Comm comm = MPI_COMM_NULL;
    ASSERT_EQ(MPI_Comm_create_errhandler(count_errors, &handler), MPI_SUCCESS);
    ASSERT_EQ(MPI_Comm_dup(MPI_COMM_SELF, &comm), MPI_SUCCESS);
    ASSERT_EQ(MPI_Comm_set_errhandler(comm, handler), MPI_SUCCESS);
    ASSERT_EQ(MPI_Errhandler_free(&handler), MPI_SUCCESS);
    EXPECT_EQ(handler, MPI_ERRHANDLER_NULL);
    handled = 0;
    EXPECT_EQ(MPI_Send(&value_, 1, MPI_INT, 0, -5, comm), MPI_ERR_TAG);
    EXPECT_EQ(handled, 1);
    EXPECT_EQ(handled_code, MPI_ERR_TAG);
    EXPECT_EQ(handled_comm, comm);
    EXPECT_EQ(MPI_Comm_free(&comm), MPI_SUCCESS);
    EXPECT_EQ(comm, MPI_COMM_NULL);
}

TEST_F(RunningDeathTest, ErrorsOfRequestsGoToTheirCommunicator) {
    MPI_Comm comm = MPI_COMM_NULL;
    ASSERT_EQ(MPI_Comm_dup(MPI_COMM_SELF, &comm), MPI_SUCCESS);
    ASSERT_EQ(MPI_Comm_set_name(comm, "small"), MPI_SUCCESS);
    const auto truncate = [&](bool free_first) {
        std::array<int, 4> sent{};
        MPI_Request receive = MPI_REQUEST_NULL, send = MPI_REQUEST_NULL;
        MPI_Irecv(&value_, 1, MPI_INT, 0, 0, comm, &receive);
        MPI_Isend(sent.data(), 4, MPI_INT, 0, 0, comm, &send);
        MPI_Wait(&send, MPI_STATUS_IGNORE);
        if (free_first) MPI_Comm_free(&comm);
        return MPI_Wait(&receive, MPI_STATUS_IGNORE);
    };
    EXPECT_EXIT(truncate(false), ExitedWithCode(MPI_ERR_TRUNCATE),
                "MPI_Wait\\(request=.* failed: MPI_ERR_TRUNCATE .*; communicator 0x[0-9a-f]+ "
                "\"small\"\n$");
    // The handler outlives the communicator's handle, as the pending operation does.
    ASSERT_EQ(MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN), MPI_SUCCESS);
    EXPECT_EQ(truncate(true), MPI_ERR_TRUNCATE);
    EXPECT_EQ(comm, MPI_COMM_NULL);
}

TEST(FinalizedDeathTest, CallsAreReportedAndEndTheProcess) {
    int rank = 0, flag = 0;
    EXPECT_EXIT(MPI_Comm_rank(MPI_COMM_WORLD, &rank), ExitedWithCode(1),
                "MPI_Comm_rank was called after MPI_Finalize\n$");
    EXPECT_EQ(MPI_Finalized(&flag), MPI_SUCCESS);
    EXPECT_EQ(flag, 1);
}

/// The lock by itself, as if MPI_THREAD_MULTIPLE had been granted.
class LockTest : public testing::Test {
  protected:
    void SetUp() override { thread_multiple = true; }
    void TearDown() override { thread_multiple = false; }
};

TEST_F(LockTest, OneThreadAtATime) {
    constexpr int kThreads = 4, kRounds = 2000;
    int inside = 0, most = 0;
    long total = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < kRounds; ++i) {
                lock_enter();
                most = std::max(most, ++inside);
                ++total;
                --inside;
                if (i % 16 == 0) {
                    lock_release();
                    lock_acquire();
                }
                lock_leave();
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(most, 1);
    EXPECT_EQ(total, long{kThreads} * kRounds);
}

TEST_F(LockTest, ACallWithinACallDoesNotBlock) {
    lock_enter();
    lock_enter();
    lock_leave();
    lock_leave();
    std::thread([] {
        lock_enter();  // free again
        lock_leave();
    }).join();
}

TEST_F(LockTest, AThreadThatPollsLetsOthersIn) {
    std::atomic<bool> entered{false};
    lock_enter();
    std::thread other([&] {
        lock_enter();
        entered = true;
        lock_leave();
    });
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!entered && std::chrono::steady_clock::now() < deadline) {
        lock_release();
        lock_acquire();
    }
    lock_leave();
    other.join();
    EXPECT_TRUE(entered);
}

}  // namespace
}  // namespace mpi
