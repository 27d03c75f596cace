// Several threads of each rank in collectives on a communicator each, and with objects of their
// own.
#include <array>
#include <atomic>

#include "test/conformance/thread.hpp"

namespace {

using threads::kThreads;

class Objects : public threads::ThreadTest {};

TEST_F(Objects, CollectivesBesideTransfers) {
    std::vector<MPI_Comm> comms = comm_per_thread();
    in_threads([&](int thread) {
        MPI_Comm mine = comms[static_cast<std::size_t>(thread)];
        for (int round = 0; round < 30; ++round) {
            int value = rank() == round % size() ? round : -1;
            MPI_OK(MPI_Bcast(&value, 1, MPI_INT, round % size(), mine));
            ASSERT_EQ(value, round);
            int sum = -1;
            MPI_OK(MPI_Reduce(&value, &sum, 1, MPI_INT, MPI_SUM, 0, mine));
            if (rank() == 0) {
                ASSERT_EQ(sum, round * size());
            }
            std::vector<int> all(static_cast<std::size_t>(size()), -1);
            const int own = rank() * 10 + thread;
            MPI_OK(MPI_Allgather(&own, 1, MPI_INT, all.data(), 1, MPI_INT, mine));
            ASSERT_EQ(all.back(), (size() - 1) * 10 + thread);
            std::vector<int> swapped(all.size(), -1);
            MPI_OK(MPI_Alltoall(all.data(), 1, MPI_INT, swapped.data(), 1, MPI_INT, mine));
            ASSERT_EQ(swapped[0], rank() * 10 + thread);
            // On the common communicator, with a tag of the thread's own.
            int received = -1;
            MPI_OK(MPI_Sendrecv(&round, 1, MPI_INT, next(), thread, &received, 1, MPI_INT,
                                previous(), thread, comm(), MPI_STATUS_IGNORE));
            ASSERT_EQ(received, round);
            if (round % 10 != 0) continue;
            MPI_Comm half = MPI_COMM_NULL;
            MPI_OK(MPI_Comm_split(mine, rank() % 2, rank(), &half));
            MPI_OK(MPI_Barrier(half));
            MPI_OK(MPI_Comm_free(&half));
        }
    });
    free_all(comms);
}

// Each thread has several collectives under way; another thread may be the one that makes progress.
TEST_F(Objects, NonblockingCollectives) {
    std::vector<MPI_Comm> comms = comm_per_thread();
    in_threads([&](int thread) {
        MPI_Comm mine = comms[static_cast<std::size_t>(thread)];
        for (int round = 0; round < 30; ++round) {
            std::array<MPI_Request, 3> requests{};
            const int in = rank() + round;
            int sum = -1;
            std::vector<int> data(3000, rank() == 0 ? round : -1);
            MPI_OK(MPI_Iallreduce(&in, &sum, 1, MPI_INT, MPI_SUM, mine, &requests[0]));
            MPI_OK(MPI_Ibcast(data.data(), 3000, MPI_INT, 0, mine, &requests[1]));
            MPI_OK(MPI_Ibarrier(mine, &requests[2]));
            MPI_OK(MPI_Waitall(3, requests.data(), MPI_STATUSES_IGNORE));
            ASSERT_EQ(sum, size() * (size() - 1) / 2 + size() * round);
            ASSERT_EQ(data[2999], round);
        }
    });
    free_all(comms);
}

void add(void* in, void* inout, int* length, MPI_Datatype* type) {
    int size_bytes = 0;
    EXPECT_MPI_OK(MPI_Type_size(*type, &size_bytes));
    for (int i = 0; i < *length; ++i) static_cast<int*>(inout)[i] += static_cast<int*>(in)[i];
}

TEST_F(Objects, UserOperationsAndTypes) {
    std::vector<MPI_Comm> comms = comm_per_thread();
    in_threads([&](int thread) {
        MPI_Comm mine = comms[static_cast<std::size_t>(thread)];
        for (int round = 0; round < 15; ++round) {
            MPI_Op op = MPI_OP_NULL;
            MPI_OK(MPI_Op_create(add, 1, &op));
            const std::array<int, 3> in{rank(), thread, round};
            std::array<int, 3> out{};
            MPI_OK(MPI_Allreduce(in.data(), out.data(), 3, MPI_INT, op, mine));
            ASSERT_EQ(out, (std::array<int, 3>{size() * (size() - 1) / 2, size() * thread,
                                               size() * round}));
            MPI_OK(MPI_Op_free(&op));
            MPI_Datatype strided = MPI_DATATYPE_NULL;
            MPI_OK(MPI_Type_vector(3, 1, 2, MPI_INT, &strided));
            MPI_OK(MPI_Type_commit(&strided));
            std::array<int, 5> data{thread, -1, round, -1, rank()};
            MPI_OK(MPI_Sendrecv_replace(data.data(), 1, strided, next(), thread, previous(), thread,
                                        comm(), MPI_STATUS_IGNORE));
            ASSERT_EQ(data, (std::array<int, 5>{thread, -1, round, -1, previous()}));
            MPI_OK(MPI_Type_free(&strided));
        }
    });
    free_all(comms);
}

std::atomic<int> handled{0};

void handle(MPI_Comm* where, int* code, ...) {
    int error_class = -1;
    int size = -1;
    int rank = -1;
    EXPECT_MPI_OK(MPI_Error_class(*code, &error_class));
    EXPECT_EQ(error_class, MPI_ERR_RANK);
    EXPECT_MPI_OK(MPI_Comm_size(*where, &size));
    EXPECT_MPI_OK(MPI_Comm_rank(*where, &rank));
    int received = -1;
    EXPECT_MPI_OK(MPI_Sendrecv(&size, 1, MPI_INT, rank, 1, &received, 1, MPI_INT, rank, 1, *where,
                               MPI_STATUS_IGNORE));
    EXPECT_EQ(received, size);
    ++handled;
}

// A user's error handler may call MPI, and so may several at once.
TEST_F(Objects, ErrorHandlers) {
    std::vector<MPI_Comm> comms = comm_per_thread();
    MPI_Errhandler handler = MPI_ERRHANDLER_NULL;
    MPI_OK(MPI_Comm_create_errhandler(handle, &handler));
    for (MPI_Comm each : comms) MPI_OK(MPI_Comm_set_errhandler(each, handler));
    MPI_OK(MPI_Errhandler_free(&handler));
    handled = 0;
    in_threads([&](int thread) {
        const int value = 0;
        for (int round = 0; round < 50; ++round)
            EXPECT_MPI_CLASS(MPI_Send(&value, 1, MPI_INT, size() + 5, 1,
                                      comms[static_cast<std::size_t>(thread)]),
                             MPI_ERR_RANK);
    });
    EXPECT_EQ(handled.load(), kThreads * 50);
    free_all(comms);
}

std::atomic<int> copied{0};
std::atomic<int> deleted{0};

int copy_attribute(MPI_Comm old, int, void* extra, void* value, void* copy, int* flag) {
    int size = 0;
    EXPECT_MPI_OK(MPI_Comm_size(old, &size));
    EXPECT_EQ(extra, &copied);
    *static_cast<void**>(copy) = value;
    *flag = 1;
    ++copied;
    return MPI_SUCCESS;
}
int delete_attribute(MPI_Comm, int, void*, void*) {
    ++deleted;
    return MPI_SUCCESS;
}

TEST_F(Objects, AttributesAndInfos) {
    constexpr int kRounds = 20;
    std::vector<MPI_Comm> comms = comm_per_thread();
    copied = deleted = 0;
    in_threads([&](int thread) {
        MPI_Comm mine = comms[static_cast<std::size_t>(thread)];
        for (int round = 0; round < kRounds; ++round) {
            int key = MPI_KEYVAL_INVALID;
            int value = round;
            MPI_OK(MPI_Comm_create_keyval(copy_attribute, delete_attribute, &key, &copied));
            MPI_OK(MPI_Comm_set_attr(mine, key, &value));
            MPI_Comm copy = MPI_COMM_NULL;
            MPI_OK(MPI_Comm_dup(mine, &copy));
            void* found = nullptr;
            int flag = 0;
            MPI_OK(MPI_Comm_get_attr(copy, key, &found, &flag));
            ASSERT_NE(flag, 0);
            ASSERT_EQ(found, &value);
            MPI_OK(MPI_Comm_free(&copy));
            MPI_OK(MPI_Comm_delete_attr(mine, key));
            MPI_OK(MPI_Comm_free_keyval(&key));

            MPI_Info info = MPI_INFO_NULL;
            MPI_OK(MPI_Info_create(&info));
            MPI_OK(MPI_Info_set(info, "thread", std::to_string(thread).c_str()));
            MPI_Info other = MPI_INFO_NULL;
            MPI_OK(MPI_Info_dup(info, &other));
            int keys = 0;
            MPI_OK(MPI_Info_get_nkeys(other, &keys));
            ASSERT_EQ(keys, 1);
            MPI_OK(MPI_Info_free(&info));
            MPI_OK(MPI_Info_free(&other));
        }
    });
    EXPECT_EQ(copied.load(), kThreads * kRounds);
    EXPECT_EQ(deleted.load(), 2 * kThreads * kRounds);
    free_all(comms);
}

// Calls that ask, at any time, by any thread.
TEST_F(Objects, Inquiries) {
    in_threads([&](int thread) {
        for (int round = 0; round < 200; ++round) {
            int number = -1;
            MPI_OK(MPI_Initialized(&number));
            ASSERT_NE(number, 0);
            MPI_OK(MPI_Finalized(&number));
            ASSERT_EQ(number, 0);
            MPI_OK(MPI_Query_thread(&number));
            ASSERT_EQ(number, MPI_THREAD_MULTIPLE);
            MPI_OK(MPI_Is_thread_main(&number));
            ASSERT_EQ(number, 0);
            ASSERT_GT(MPI_Wtime(), 0.0);
            MPI_OK(MPI_Comm_rank(comm(), &number));
            ASSERT_EQ(number, rank());
            std::array<char, MPI_MAX_PROCESSOR_NAME> name{};
            MPI_OK(MPI_Get_processor_name(name.data(), &number));
            std::array<char, MPI_MAX_OBJECT_NAME> own{};
            MPI_OK(MPI_Comm_get_name(MPI_COMM_WORLD, own.data(), &number));
            ASSERT_STREQ(own.data(), "MPI_COMM_WORLD");
            std::array<char, MPI_MAX_ERROR_STRING> text{};
            MPI_OK(MPI_Error_string(1 + thread, text.data(), &number));
            MPI_Group group = MPI_GROUP_NULL;
            MPI_OK(MPI_Comm_group(comm(), &group));
            MPI_OK(MPI_Group_size(group, &number));
            ASSERT_EQ(number, size());
            MPI_OK(MPI_Group_free(&group));
        }
    });
}

// A session that asks for no level has the one that the process has already.
TEST_F(Objects, SessionsHaveTheLevelOfTheProcess) {
    MPI_Session session = MPI_SESSION_NULL;
    MPI_Info info = MPI_INFO_NULL;
    char level[32] = "";
    int length = sizeof level;
    int flag = 0;
    MPI_OK(MPI_Session_init(MPI_INFO_NULL, MPI_ERRORS_RETURN, &session));
    MPI_OK(MPI_Session_get_info(session, &info));
    MPI_OK(MPI_Info_get_string(info, "thread_level", &length, level, &flag));
    EXPECT_STREQ(level, "MPI_THREAD_MULTIPLE");
    MPI_OK(MPI_Info_free(&info));
    MPI_OK(MPI_Session_finalize(&session));
}

}  // namespace
