// Several threads of each rank in different functions of MPI at once.
#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <numeric>

#include "test/conformance/pt2pt.hpp"
#include "test/conformance/thread.hpp"

namespace {

using mpitest::Bytes;
using mpitest::to_int;
using threads::kThreads;

class Mixed : public threads::ThreadTest {};

// One exchange around the ring, in one of several ways.
class Exchanger {
  public:
    Exchanger(MPI_Comm comm, int next, int previous, int tag)
        : comm_(comm), next_(next), previous_(previous), tag_(tag) {}

    void exchange(int way, const Bytes& sent, Bytes& received) {
        const int n = to_int(sent.size());
        switch (way % 6) {
            case 0: {
                std::array<MPI_Request, 2> requests{};
                MPI_OK(
                    MPI_Irecv(received.data(), n, MPI_BYTE, previous_, tag_, comm_, &requests[0]));
                MPI_OK(MPI_Isend(sent.data(), n, MPI_BYTE, next_, tag_, comm_, &requests[1]));
                finish_by_test(requests);
                return;
            }
            case 1: {
                MPI_Request send = MPI_REQUEST_NULL;
                MPI_OK(MPI_Issend(sent.data(), n, MPI_BYTE, next_, tag_, comm_, &send));
                MPI_Status status;
                MPI_OK(MPI_Probe(previous_, tag_, comm_, &status));
                EXPECT_TRUE(pt2pt::status_is(status, previous_, tag_, sent.size()));
                MPI_OK(MPI_Recv(received.data(), n, MPI_BYTE, previous_, tag_, comm_, &status));
                MPI_OK(MPI_Wait(&send, MPI_STATUS_IGNORE));
                return;
            }
            case 2: {
                MPI_Request send = MPI_REQUEST_NULL;
                MPI_Request receive = MPI_REQUEST_NULL;
                MPI_OK(MPI_Isend(sent.data(), n, MPI_BYTE, next_, tag_, comm_, &send));
                MPI_Message message = MPI_MESSAGE_NULL;
                MPI_OK(MPI_Mprobe(previous_, tag_, comm_, &message, MPI_STATUS_IGNORE));
                MPI_OK(MPI_Imrecv(received.data(), n, MPI_BYTE, &message, &receive));
                MPI_OK(MPI_Wait(&receive, MPI_STATUS_IGNORE));
                MPI_OK(MPI_Wait(&send, MPI_STATUS_IGNORE));
                return;
            }
            case 3: {
                MPI_Request receive = MPI_REQUEST_NULL;
                MPI_OK(
                    MPI_Recv_init(received.data(), n, MPI_BYTE, previous_, tag_, comm_, &receive));
                MPI_OK(MPI_Start(&receive));
                MPI_OK(MPI_Bsend(sent.data(), n, MPI_BYTE, next_, tag_, comm_));
                int index = -1;
                MPI_OK(MPI_Waitany(1, &receive, &index, MPI_STATUS_IGNORE));
                MPI_OK(MPI_Request_free(&receive));
                return;
            }
            case 4: {
                MPI_Request request = MPI_REQUEST_NULL;
                MPI_OK(MPI_Isendrecv(sent.data(), n, MPI_BYTE, next_, tag_, received.data(), n,
                                     MPI_BYTE, previous_, tag_, comm_, &request));
                int flag = 0;
                while (flag == 0) MPI_OK(MPI_Request_get_status(request, &flag, MPI_STATUS_IGNORE));
                MPI_OK(MPI_Wait(&request, MPI_STATUS_IGNORE));
                return;
            }
            default:
                MPI_OK(MPI_Sendrecv(sent.data(), n, MPI_BYTE, next_, tag_, received.data(), n,
                                    MPI_BYTE, previous_, tag_, comm_, MPI_STATUS_IGNORE));
        }
    }

  private:
    static void finish_by_test(std::array<MPI_Request, 2>& requests) {
        int done = 0;
        while (done < 2) {
            int count = 0;
            std::array<int, 2> indices{};
            MPI_OK(MPI_Testsome(2, requests.data(), &count, indices.data(), MPI_STATUSES_IGNORE));
            done += count;
        }
    }

    MPI_Comm comm_;
    int next_;
    int previous_;
    int tag_;
};

TEST_F(Mixed, AllKindsOfTransfersOnOneCommunicator) {
    MPI_OK(MPI_Buffer_attach(MPI_BUFFER_AUTOMATIC, 0));
    in_threads([&](int thread) {
        Exchanger exchanger(comm(), next(), previous(), thread);
        const std::vector<std::size_t> sizes_bytes = mpitest::few_sizes_bytes();
        for (int round = 0; round < 60; ++round) {
            // Threads are in different functions at a time, all ranks' threads of a number in the
            // same one.
            const std::size_t size_bytes =
                sizes_bytes[static_cast<std::size_t>(round) % sizes_bytes.size()];
            const Bytes sent =
                mpitest::pattern(size_bytes, static_cast<std::uint32_t>(1000 * rank() + thread));
            Bytes received(size_bytes);
            exchanger.exchange(round / 2 + thread, sent, received);
            ASSERT_TRUE(mpitest::is_pattern(received.data(), size_bytes,
                                            static_cast<std::uint32_t>(1000 * previous() + thread)))
                << "round " << round;
        }
    });
    void* address = nullptr;
    int size_bytes = 0;
    MPI_OK(MPI_Buffer_detach(&address, &size_bytes));
}

// One array of requests, which one thread made; each thread completes a part of its own.
TEST_F(Mixed, PartsOfOneArrayOfRequests) {
    constexpr int kEach = 30;
    constexpr int kAll = kThreads * kEach;
    std::vector<int> received(kAll, -1);
    std::vector<int> sent(kAll);
    std::vector<MPI_Request> requests(kAll, MPI_REQUEST_NULL);
    std::iota(sent.begin(), sent.end(), 1000 * rank());
    for (int i = 0; i < kAll; ++i)
        MPI_OK(MPI_Irecv(&received[static_cast<std::size_t>(i)], 1, MPI_INT, previous(), i, comm(),
                         &requests[static_cast<std::size_t>(i)]));
    std::thread sender([&] {
        for (int i = kAll - 1; i >= 0; --i)
            MPI_OK(MPI_Send(&sent[static_cast<std::size_t>(i)], 1, MPI_INT, next(), i, comm()));
    });
    in_threads([&](int thread) {
        MPI_Request* mine = &requests[static_cast<std::size_t>(thread * kEach)];
        int index = -1;
        int count = 0;
        std::vector<int> indices(kEach);
        switch (thread % 4) {
            case 0: MPI_OK(MPI_Waitall(kEach, mine, MPI_STATUSES_IGNORE)); break;
            case 1:
                for (int i = 0; i < kEach; ++i)
                    MPI_OK(MPI_Waitany(kEach, mine, &index, MPI_STATUS_IGNORE));
                break;
            case 2:
                for (int done = 0; done < kEach; done += count)
                    MPI_OK(MPI_Waitsome(kEach, mine, &count, indices.data(), MPI_STATUSES_IGNORE));
                break;
            default:
                for (int flag = 0; flag == 0;)
                    MPI_OK(MPI_Testall(kEach, mine, &flag, MPI_STATUSES_IGNORE));
        }
    });
    sender.join();
    for (int i = 0; i < kAll; ++i) {
        EXPECT_TRUE(requests[static_cast<std::size_t>(i)] == MPI_REQUEST_NULL);
        EXPECT_EQ(received[static_cast<std::size_t>(i)], 1000 * previous() + i);
    }
}

// Many take messages by matched probes: each message goes to one of them, whole.
TEST_F(Mixed, MatchedProbesShareTheMessages) {
    constexpr int kMessages = 120;
    const std::size_t long_bytes = mpitest::few_sizes_bytes().back();
    std::atomic<int> left{kMessages};
    std::atomic<int> tags{0};
    std::vector<Bytes> sent;
    for (int i = 0; i < kMessages; ++i)
        sent.push_back(mpitest::pattern(i % 10 == 0 ? long_bytes : static_cast<std::size_t>(i),
                                        static_cast<std::uint32_t>(i)));
    in_threads([&](int thread) {
        if (thread == 0) {
            std::vector<MPI_Request> sends(kMessages, MPI_REQUEST_NULL);
            for (std::size_t i = 0; i < kMessages; ++i)
                MPI_OK(MPI_Isend(sent[i].data(), to_int(sent[i].size()), MPI_BYTE, next(),
                                 to_int(i), comm(), &sends[i]));
            MPI_OK(MPI_Waitall(kMessages, sends.data(), MPI_STATUSES_IGNORE));
            return;
        }
        while (left.fetch_sub(1) > 0) {
            MPI_Message message = MPI_MESSAGE_NULL;
            MPI_Status status;
            if (thread == 1) {
                MPI_OK(MPI_Mprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, comm(), &message, &status));
            } else {
                int flag = 0;
                while (flag == 0)
                    MPI_OK(MPI_Improbe(previous(), MPI_ANY_TAG, comm(), &flag, &message, &status));
            }
            int size_bytes = -1;
            MPI_OK(MPI_Get_count(&status, MPI_BYTE, &size_bytes));
            Bytes received(static_cast<std::size_t>(size_bytes));
            MPI_OK(MPI_Mrecv(received.data(), size_bytes, MPI_BYTE, &message, &status));
            ASSERT_EQ(received.size(), sent[static_cast<std::size_t>(status.MPI_TAG)].size());
            ASSERT_TRUE(mpitest::is_pattern(received.data(), received.size(),
                                            static_cast<std::uint32_t>(status.MPI_TAG)));
            tags += status.MPI_TAG;
        }
    });
    EXPECT_EQ(tags.load(), kMessages * (kMessages - 1) / 2);
}

// --- generalized requests ------------------------------------------------------------------------

struct Ticket {
    MPI_Comm comm = MPI_COMM_NULL;
    std::atomic<int> queries{0};
    std::atomic<int> frees{0};
};

int query(void* extra, MPI_Status* status) {
    ++static_cast<Ticket*>(extra)->queries;
    EXPECT_MPI_OK(MPI_Status_set_cancelled(status, 0));
    return MPI_Status_set_elements(status, MPI_INT, 1);
}
int release(void* extra) {
    auto& ticket = *static_cast<Ticket*>(extra);
    int size = 0;
    ++ticket.frees;
    return MPI_Comm_size(ticket.comm, &size);
}
int cancel(void*, int) {
    return MPI_SUCCESS;
}

MPI_Request start(Ticket& ticket) {
    MPI_Request request = MPI_REQUEST_NULL;
    EXPECT_MPI_OK(MPI_Grequest_start(query, release, cancel, &ticket, &request));
    return request;
}

// A thread waits, perhaps asleep, for what another one says is complete.
TEST_F(Mixed, GeneralizedRequestsAreCompletedByAnotherThread) {
    in_threads([&](int thread) {
        for (int round = 0; round < 20; ++round) {
            Ticket ticket;
            ticket.comm = comm();
            MPI_Request request = start(ticket);
            const MPI_Request copy = request;
            std::thread worker([&] {
                if ((round + thread) % 7 == 0) mpitest::sleep_ms(3);
                MPI_OK(MPI_Grequest_complete(copy));
            });
            MPI_Status status;
            MPI_OK(MPI_Wait(&request, &status));
            worker.join();
            ASSERT_EQ(ticket.queries.load(), 1);
            ASSERT_EQ(ticket.frees.load(), 1);
        }
    });
}

// A thread that sleeps in a receive hears both its message and what other threads do.
TEST_F(Mixed, SleepersAreWoken) {
    for (int round = 0; round < 3; ++round) {
        in_threads([&](int thread) {
            int received = -1;
            const int sent = rank() + round;
            std::thread late([&] {
                mpitest::sleep_ms(5 + 3 * thread);
                MPI_OK(MPI_Send(&sent, 1, MPI_INT, next(), thread, comm()));
            });
            MPI_OK(MPI_Recv(&received, 1, MPI_INT, previous(), thread, comm(), MPI_STATUS_IGNORE));
            late.join();
            ASSERT_EQ(received, previous() + round);
        });
    }
}

// --- collectives, objects, errors ----------------------------------------------------------------

TEST_F(Mixed, CollectivesBesideTransfers) {
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

void add(void* in, void* inout, int* length, MPI_Datatype* type) {
    int size_bytes = 0;
    EXPECT_MPI_OK(MPI_Type_size(*type, &size_bytes));
    for (int i = 0; i < *length; ++i) static_cast<int*>(inout)[i] += static_cast<int*>(in)[i];
}

TEST_F(Mixed, UserOperationsAndTypes) {
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

TEST_F(Mixed, CancelledAndFreedReceives) {
    in_threads([&](int thread) {
        for (int round = 0; round < 100; ++round) {
            int value = -1;
            MPI_Request request = MPI_REQUEST_NULL;
            MPI_OK(MPI_Irecv(&value, 1, MPI_INT, MPI_ANY_SOURCE, 1000 + thread, comm(), &request));
            MPI_OK(MPI_Cancel(&request));
            if (round % 2 == 0) {
                MPI_Status status;
                int cancelled = 0;
                MPI_OK(MPI_Wait(&request, &status));
                MPI_OK(MPI_Test_cancelled(&status, &cancelled));
                ASSERT_NE(cancelled, 0);
            } else {
                MPI_OK(MPI_Request_free(&request));
            }
        }
    });
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
TEST_F(Mixed, ErrorHandlers) {
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

TEST_F(Mixed, AttributesAndInfos) {
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
TEST_F(Mixed, Inquiries) {
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

}  // namespace
