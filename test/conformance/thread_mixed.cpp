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

}  // namespace
