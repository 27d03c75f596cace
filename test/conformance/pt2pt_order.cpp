// Matching: wildcards, order between one pair of ranks, many outstanding and many unexpected
// messages.
#include <numeric>
#include <random>

#include "test/conformance/pt2pt.hpp"

namespace {

using mpitest::Bytes;
using mpitest::to_int;

class Matching : public mpitest::MpiTest {};

TEST_F(Matching, AnySourceReportsWhoSent) {
    // Rank 0 gets one message from everybody, itself included, with tag = sender.
    MPI_Request request = MPI_REQUEST_NULL;
    const int value = 1000 + rank();
    MPI_OK(MPI_Isend(&value, 1, MPI_INT, 0, rank(), comm(), &request));
    if (rank() == 0) {
        std::vector<int> seen(static_cast<std::size_t>(size()), 0);
        for (int i = 0; i < size(); ++i) {
            int received = -1;
            MPI_Status status;
            MPI_OK(MPI_Recv(&received, 1, MPI_INT, MPI_ANY_SOURCE, MPI_ANY_TAG, comm(), &status));
            ASSERT_TRUE(status.MPI_SOURCE >= 0 && status.MPI_SOURCE < size());
            EXPECT_EQ(status.MPI_TAG, status.MPI_SOURCE);
            EXPECT_EQ(received, 1000 + status.MPI_SOURCE);
            ++seen[static_cast<std::size_t>(status.MPI_SOURCE)];
        }
        EXPECT_EQ(seen, std::vector<int>(static_cast<std::size_t>(size()), 1));
    }
    MPI_OK(MPI_Wait(&request, MPI_STATUS_IGNORE));
}

TEST_F(Matching, TagSelectsAmongUnexpected) {
    constexpr int kMessages = 50;
    std::vector<int> values(kMessages);
    std::iota(values.begin(), values.end(), 0);
    std::vector<MPI_Request> requests(kMessages, MPI_REQUEST_NULL);
    for (int i = 0; i < kMessages; ++i) {
        const auto u = static_cast<std::size_t>(i);
        MPI_OK(MPI_Isend(&values[u], 1, MPI_INT, next(), i, comm(), &requests[u]));
    }
    MPI_OK(MPI_Barrier(comm()));
    for (int tag = kMessages - 1; tag >= 0; --tag) {
        int received = -1;
        MPI_Status status;
        MPI_OK(MPI_Recv(&received, 1, MPI_INT, previous(), tag, comm(), &status));
        EXPECT_EQ(received, tag);
        EXPECT_TRUE(pt2pt::status_is(status, previous(), tag, sizeof(int)));
    }
    MPI_OK(MPI_Waitall(kMessages, requests.data(), MPI_STATUSES_IGNORE));
}

TEST_F(Matching, TagSelectsAmongPosted) {
    constexpr int kMessages = 50;
    std::vector<int> received(kMessages, -1);
    std::vector<MPI_Request> requests(kMessages, MPI_REQUEST_NULL);
    for (int i = 0; i < kMessages; ++i) {
        const auto u = static_cast<std::size_t>(i);
        MPI_OK(MPI_Irecv(&received[u], 1, MPI_INT, previous(), i, comm(), &requests[u]));
    }
    MPI_OK(MPI_Barrier(comm()));
    for (int tag = kMessages - 1; tag >= 0; --tag)
        MPI_OK(MPI_Send(&tag, 1, MPI_INT, next(), tag, comm()));
    MPI_OK(MPI_Waitall(kMessages, requests.data(), MPI_STATUSES_IGNORE));
    for (int i = 0; i < kMessages; ++i) EXPECT_EQ(received[static_cast<std::size_t>(i)], i);
}

// The size of the i-th message of a mixed sequence: all protocols, out of step with each other.
std::size_t mixed_size_bytes(int i) {
    static const std::vector<std::size_t> sizes = {8, 70'000, 0,  97,     300'000,
                                                   1, 4096,   40, 20'000, 64};
    return sizes[static_cast<std::size_t>(i) % sizes.size()];
}

// A message that arrives earlier cannot be overtaken, however much smaller the later one is.
TEST_F(Matching, OrderHoldsAcrossProtocols) {
    constexpr int kMessages = 60;
    for (const bool posted_first : {true, false}) {
        SCOPED_TRACE(posted_first ? "receives posted first" : "sends first");
        std::vector<Bytes> received;
        std::vector<Bytes> sent;
        for (int i = 0; i < kMessages; ++i) {
            received.emplace_back(300'000);
            sent.push_back(mpitest::pattern(mixed_size_bytes(i), static_cast<std::uint32_t>(i)));
        }
        std::vector<MPI_Request> sends(kMessages, MPI_REQUEST_NULL);
        std::vector<MPI_Request> receives(kMessages, MPI_REQUEST_NULL);
        // Even receives name the source and the tag, odd ones use wildcards in turn.
        const auto post_receives = [&] {
            for (int i = 0; i < kMessages; ++i) {
                const auto u = static_cast<std::size_t>(i);
                const int source = i % 4 == 1 || i % 4 == 3 ? MPI_ANY_SOURCE : previous();
                const int tag = i % 4 == 2 || i % 4 == 3 ? MPI_ANY_TAG : 5;
                MPI_OK(MPI_Irecv(received[u].data(), to_int(received[u].size()), MPI_BYTE, source,
                                 tag, comm(), &receives[u]));
            }
        };
        if (posted_first) {
            post_receives();
            MPI_OK(MPI_Barrier(comm()));
        }
        for (int i = 0; i < kMessages; ++i) {
            const auto u = static_cast<std::size_t>(i);
            MPI_OK(MPI_Isend(sent[u].data(), to_int(sent[u].size()), MPI_BYTE, next(), 5, comm(),
                             &sends[u]));
        }
        if (!posted_first) {
            MPI_OK(MPI_Barrier(comm()));
            post_receives();
        }
        std::vector<MPI_Status> statuses(kMessages);
        MPI_OK(MPI_Waitall(kMessages, receives.data(), statuses.data()));
        MPI_OK(MPI_Waitall(kMessages, sends.data(), MPI_STATUSES_IGNORE));
        for (int i = 0; i < kMessages; ++i) {
            SCOPED_TRACE(i);
            const auto u = static_cast<std::size_t>(i);
            EXPECT_TRUE(pt2pt::status_is(statuses[u], previous(), 5, mixed_size_bytes(i)));
            EXPECT_TRUE(mpitest::is_pattern(received[u].data(), mixed_size_bytes(i),
                                            static_cast<std::uint32_t>(i)));
        }
    }
}

// The earliest posted receive that fits takes the message, be it the wildcard or the exact one.
TEST_F(Matching, EarliestPostedReceiveWins) {
    int first = -1;
    int second = -1;
    int third = -1;
    std::array<MPI_Request, 3> requests{};
    MPI_OK(MPI_Irecv(&first, 1, MPI_INT, MPI_ANY_SOURCE, 1, comm(), &requests[0]));
    MPI_OK(MPI_Irecv(&second, 1, MPI_INT, previous(), MPI_ANY_TAG, comm(), &requests[1]));
    MPI_OK(MPI_Irecv(&third, 1, MPI_INT, previous(), 1, comm(), &requests[2]));
    MPI_OK(MPI_Barrier(comm()));
    const std::array<int, 3> sent{10, 20, 30};
    MPI_OK(MPI_Send(&sent[0], 1, MPI_INT, next(), 2, comm()));  // only the second receive fits
    MPI_OK(MPI_Send(&sent[1], 1, MPI_INT, next(), 1, comm()));  // the first
    MPI_OK(MPI_Send(&sent[2], 1, MPI_INT, next(), 1, comm()));  // the third
    MPI_OK(MPI_Waitall(3, requests.data(), MPI_STATUSES_IGNORE));
    EXPECT_EQ(first, 20);
    EXPECT_EQ(second, 10);
    EXPECT_EQ(third, 30);
}

TEST_F(Matching, EarliestUnexpectedMessageWins) {
    const std::array<int, 3> sent{10, 20, 30};
    std::array<MPI_Request, 3> requests{};
    MPI_OK(MPI_Isend(&sent[0], 1, MPI_INT, next(), 2, comm(), &requests[0]));
    MPI_OK(MPI_Isend(&sent[1], 1, MPI_INT, next(), 1, comm(), &requests[1]));
    MPI_OK(MPI_Isend(&sent[2], 1, MPI_INT, next(), 2, comm(), &requests[2]));
    MPI_OK(MPI_Barrier(comm()));
    int value = -1;
    MPI_OK(MPI_Recv(&value, 1, MPI_INT, previous(), 1, comm(), MPI_STATUS_IGNORE));
    EXPECT_EQ(value, 20);
    MPI_OK(MPI_Recv(&value, 1, MPI_INT, MPI_ANY_SOURCE, MPI_ANY_TAG, comm(), MPI_STATUS_IGNORE));
    EXPECT_EQ(value, 10);
    MPI_OK(MPI_Recv(&value, 1, MPI_INT, previous(), MPI_ANY_TAG, comm(), MPI_STATUS_IGNORE));
    EXPECT_EQ(value, 30);
    MPI_OK(MPI_Waitall(3, requests.data(), MPI_STATUSES_IGNORE));
}

TEST_F(Matching, AThousandOutstandingRequests) {
    constexpr int kRequests = 1000;
    constexpr std::size_t kBytes = 100;
    std::vector<Bytes> received(kRequests, Bytes(kBytes));
    std::vector<Bytes> sent;
    std::vector<MPI_Request> requests(2 * kRequests, MPI_REQUEST_NULL);
    for (int i = 0; i < kRequests; ++i) {
        const auto u = static_cast<std::size_t>(i);
        MPI_OK(MPI_Irecv(received[u].data(), kBytes, MPI_BYTE, previous(), i % 7, comm(),
                         &requests[u]));
    }
    for (int i = 0; i < kRequests; ++i) {
        const auto u = static_cast<std::size_t>(i);
        sent.push_back(mpitest::pattern(kBytes, static_cast<std::uint32_t>(i)));
        MPI_OK(MPI_Isend(sent.back().data(), kBytes, MPI_BYTE, next(), i % 7, comm(),
                         &requests[kRequests + u]));
    }
    MPI_OK(MPI_Waitall(2 * kRequests, requests.data(), MPI_STATUSES_IGNORE));
    for (int i = 0; i < kRequests; ++i) {
        const auto u = static_cast<std::size_t>(i);
        ASSERT_TRUE(mpitest::is_pattern(received[u].data(), kBytes, static_cast<std::uint32_t>(i)))
            << "message " << i;
        ASSERT_TRUE(requests[u] == MPI_REQUEST_NULL);
    }
}

// The receiver does not look before everything has been sent; a sender may not need it to.
TEST_F(Matching, ThousandsOfUnexpectedMessages) {
    constexpr int kMessages = 5000;
    std::vector<int> values(kMessages);
    std::vector<MPI_Request> requests(kMessages, MPI_REQUEST_NULL);
    for (int i = 0; i < kMessages; ++i) {
        const auto u = static_cast<std::size_t>(i);
        values[u] = i;
        MPI_OK(MPI_Isend(&values[u], 1, MPI_INT, next(), i % 3, comm(), &requests[u]));
    }
    MPI_OK(MPI_Barrier(comm()));
    std::array<int, 3> expected{0, 1, 2};
    for (int i = 0; i < kMessages; ++i) {
        const int tag = 2 - i % 3;
        // 5000 = 3 · 1666 + 2: tag 2 has one message fewer than tags 0 and 1.
        if (expected[static_cast<std::size_t>(tag)] >= kMessages) continue;
        int received = -1;
        MPI_OK(MPI_Recv(&received, 1, MPI_INT, previous(), tag, comm(), MPI_STATUS_IGNORE));
        ASSERT_EQ(received, expected[static_cast<std::size_t>(tag)]);
        expected[static_cast<std::size_t>(tag)] += 3;
    }
    for (int tag = 0; tag < 3; ++tag) {
        for (int& value = expected[static_cast<std::size_t>(tag)]; value < kMessages; value += 3) {
            int received = -1;
            MPI_OK(MPI_Recv(&received, 1, MPI_INT, previous(), tag, comm(), MPI_STATUS_IGNORE));
            ASSERT_EQ(received, value);
        }
    }
    MPI_OK(MPI_Waitall(kMessages, requests.data(), MPI_STATUSES_IGNORE));
}

// Rank 0 is flooded by everybody; each sender's own order must hold while senders interleave
// freely.
TEST_F(Matching, AnySourceKeepsEachSendersOrder) {
    constexpr int kMessages = 500;
    if (rank() != 0) {
        for (int i = 0; i < kMessages; ++i) {
            const Bytes sent = mpitest::pattern(mixed_size_bytes(i) % 5000 + 4, 0);
            Bytes message = sent;
            std::copy_n(reinterpret_cast<const unsigned char*>(&i), sizeof i, message.begin());
            MPI_OK(MPI_Send(message.data(), to_int(message.size()), MPI_BYTE, 0, 1, comm()));
        }
        return;
    }
    std::vector<int> expected(static_cast<std::size_t>(size()), 0);
    for (int i = 0; i < kMessages * (size() - 1); ++i) {
        Bytes message(5004);
        MPI_Status status;
        MPI_OK(MPI_Recv(message.data(), to_int(message.size()), MPI_BYTE, MPI_ANY_SOURCE,
                        MPI_ANY_TAG, comm(), &status));
        int number = -1;
        std::copy_n(message.begin(), sizeof number, reinterpret_cast<unsigned char*>(&number));
        ASSERT_EQ(number, expected[static_cast<std::size_t>(status.MPI_SOURCE)]++);
        ASSERT_TRUE(
            pt2pt::status_is(status, status.MPI_SOURCE, 1, mixed_size_bytes(number) % 5000 + 4));
    }
}

TEST_F(Matching, LargestTagAndTagZero) {
    for (const int tag : {0, 1, 32767, mpitest::tag_ub()}) {
        int received = -1;
        MPI_Status status;
        MPI_OK(MPI_Sendrecv(&tag, 1, MPI_INT, next(), tag, &received, 1, MPI_INT, previous(), tag,
                            comm(), &status));
        EXPECT_EQ(received, tag);
        EXPECT_EQ(status.MPI_TAG, tag);
    }
}

TEST_F(Matching, MessagesToSelfBeforeAndAfterTheReceive) {
    for (const std::size_t size_bytes : mpitest::few_sizes_bytes()) {
        SCOPED_TRACE(size_bytes);
        const Bytes sent = mpitest::pattern(size_bytes, 3);
        Bytes received(size_bytes);
        MPI_Request request = MPI_REQUEST_NULL;
        MPI_Status status;
        MPI_OK(MPI_Isend(sent.data(), to_int(size_bytes), MPI_BYTE, rank(), 1, comm(), &request));
        MPI_OK(MPI_Recv(received.data(), to_int(size_bytes), MPI_BYTE, MPI_ANY_SOURCE, MPI_ANY_TAG,
                        comm(), &status));
        MPI_OK(MPI_Wait(&request, MPI_STATUS_IGNORE));
        EXPECT_TRUE(mpitest::is_pattern(received.data(), size_bytes, 3));
        EXPECT_TRUE(pt2pt::status_is(status, rank(), 1, size_bytes));

        std::fill(received.begin(), received.end(), static_cast<unsigned char>(0));
        MPI_OK(
            MPI_Irecv(received.data(), to_int(size_bytes), MPI_BYTE, rank(), 2, comm(), &request));
        MPI_OK(MPI_Ssend(sent.data(), to_int(size_bytes), MPI_BYTE, rank(), 2, comm()));
        MPI_OK(MPI_Wait(&request, &status));
        EXPECT_TRUE(mpitest::is_pattern(received.data(), size_bytes, 3));
        EXPECT_TRUE(pt2pt::status_is(status, rank(), 2, size_bytes));
    }
}

// A transfer in each direction of every pair at once, none of which can be buffered whole.
TEST_F(Matching, LargeMessagesBothWaysAtOnce) {
    constexpr std::size_t kBytes = 3U << 20U;
    const auto ranks = static_cast<std::size_t>(size());
    const Bytes sent = mpitest::pattern(kBytes, static_cast<std::uint32_t>(rank()));
    std::vector<Bytes> received(ranks, Bytes(kBytes));
    std::vector<MPI_Request> requests(2 * ranks, MPI_REQUEST_NULL);
    for (int peer = 0; peer < size(); ++peer) {
        const auto u = static_cast<std::size_t>(peer);
        MPI_OK(MPI_Isend(sent.data(), kBytes, MPI_BYTE, peer, 0, comm(), &requests[u]));
    }
    for (int peer = 0; peer < size(); ++peer) {
        const auto u = static_cast<std::size_t>(peer);
        MPI_OK(
            MPI_Irecv(received[u].data(), kBytes, MPI_BYTE, peer, 0, comm(), &requests[ranks + u]));
    }
    MPI_OK(MPI_Waitall(to_int(2 * ranks), requests.data(), MPI_STATUSES_IGNORE));
    for (std::size_t i = 0; i < ranks; ++i)
        EXPECT_TRUE(mpitest::is_pattern(received[i].data(), kBytes, static_cast<std::uint32_t>(i)));
}

// --- a random run against a plain list -----------------------------------------------------------

struct Message {
    int tag;
    std::size_t size_bytes;
    std::uint32_t seed;
};
struct Posted {
    int source;  // or MPI_ANY_SOURCE
    int tag;     // or MPI_ANY_TAG
    int got = -1;
};

// With one sender, what matches what does not depend on time: each receive in the order of posting
// takes the earliest message left that suits it, unless an earlier receive waits for that one.
void match_as_a_plain_list(const std::vector<Message>& messages, std::vector<Posted>& receives) {
    std::vector<bool> taken(messages.size(), false);
    for (Posted& receive : receives) {
        for (std::size_t i = 0; i < messages.size() && receive.got < 0; ++i) {
            if (taken[i] || (receive.tag != MPI_ANY_TAG && receive.tag != messages[i].tag))
                continue;
            receive.got = to_int(i);
            taken[i] = true;
        }
    }
}

// Receives with overlapping wildcards, started in any order beside the sends; some match nothing
// and are cancelled, some messages are left over. All ranks draw the same numbers.
TEST_F(Matching, MixedWildcardsMatchAsAPlainListSays) {
    std::mt19937 random(12345);
    const auto draw = [&](unsigned n) { return static_cast<int>(random() % n); };
    const std::vector<std::size_t> sizes_bytes = mpitest::few_sizes_bytes();
    for (int round = 0; round < 20; ++round) {
        SCOPED_TRACE(round);
        std::vector<Message> messages;
        std::vector<Posted> receives;
        std::vector<Bytes> out;
        std::vector<Bytes> in;
        std::vector<bool> order;  // true: the next is a send
        for (int i = 0; i < 60; ++i) {
            order.push_back(draw(2) == 0);
            if (order.back()) {
                const std::size_t size_bytes =
                    draw(8) == 0 ? sizes_bytes[random() % sizes_bytes.size()] : random() % 200;
                messages.push_back({draw(4), size_bytes, static_cast<std::uint32_t>(i)});
                out.push_back(mpitest::pattern(size_bytes, messages.back().seed));
            } else {
                const int tag = draw(3) == 0 ? MPI_ANY_TAG : draw(4);
                receives.push_back({draw(2) == 0 ? MPI_ANY_SOURCE : previous(), tag});
                in.emplace_back(sizes_bytes.back());
            }
        }
        match_as_a_plain_list(messages, receives);

        std::vector<MPI_Request> sends(messages.size(), MPI_REQUEST_NULL);
        std::vector<MPI_Request> requests(receives.size(), MPI_REQUEST_NULL);
        std::size_t s = 0;
        std::size_t r = 0;
        for (const bool send : order) {
            if (send) {
                MPI_OK(MPI_Isend(out[s].data(), to_int(out[s].size()), MPI_BYTE, next(),
                                 messages[s].tag, comm(), &sends[s]));
                ++s;
            } else {
                MPI_OK(MPI_Irecv(in[r].data(), to_int(in[r].size()), MPI_BYTE, receives[r].source,
                                 receives[r].tag, comm(), &requests[r]));
                ++r;
            }
        }
        for (std::size_t i = 0; i < receives.size(); ++i) {
            if (receives[i].got < 0) continue;
            const Message& expected = messages[static_cast<std::size_t>(receives[i].got)];
            MPI_Status status;
            MPI_OK(MPI_Wait(&requests[i], &status));
            ASSERT_TRUE(pt2pt::status_is(status, previous(), expected.tag, expected.size_bytes));
            ASSERT_TRUE(mpitest::is_pattern(in[i].data(), expected.size_bytes, expected.seed));
        }
        for (std::size_t i = 0; i < receives.size(); ++i) {
            if (receives[i].got >= 0) continue;
            MPI_Status status;
            int cancelled = 0;
            MPI_OK(MPI_Cancel(&requests[i]));
            MPI_OK(MPI_Wait(&requests[i], &status));
            MPI_OK(MPI_Test_cancelled(&status, &cancelled));
            ASSERT_NE(cancelled, 0);
        }
        // What is left comes in the order of sending.
        for (std::size_t i = 0; i < messages.size(); ++i) {
            const bool was_taken = std::any_of(receives.begin(), receives.end(),
                                               [&](const Posted& p) { return p.got == to_int(i); });
            if (was_taken) continue;
            Bytes rest(sizes_bytes.back());
            MPI_Status status;
            MPI_OK(MPI_Recv(rest.data(), to_int(rest.size()), MPI_BYTE, MPI_ANY_SOURCE, MPI_ANY_TAG,
                            comm(), &status));
            ASSERT_TRUE(
                pt2pt::status_is(status, previous(), messages[i].tag, messages[i].size_bytes));
            ASSERT_TRUE(mpitest::is_pattern(rest.data(), messages[i].size_bytes, messages[i].seed));
        }
        MPI_OK(MPI_Waitall(to_int(sends.size()), sends.data(), MPI_STATUSES_IGNORE));
        MPI_OK(MPI_Barrier(comm()));
    }
}

}  // namespace
