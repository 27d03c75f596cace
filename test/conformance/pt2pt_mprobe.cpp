// Mprobe and Improbe, Mrecv and Imrecv: a message that is matched first and received later.
#include "test/conformance/errors.hpp"
#include "test/conformance/pt2pt.hpp"

namespace {

using mpitest::Bytes;
using mpitest::to_int;

class Mprobe : public mpitest::MpiTest {};
class MprobeErrors : public errors::ErrorTest {};

// Polls until Improbe finds something.
void improbe(int source, int tag, MPI_Comm comm, MPI_Message* message, MPI_Status* status) {
    int flag = 0;
    while (flag == 0) MPI_OK(MPI_Improbe(source, tag, comm, &flag, message, status));
}

TEST_F(Mprobe, ThenMrecvGetsThatMessage) {
    for (const std::size_t size_bytes : mpitest::protocol_sizes_bytes()) {
        for (int way = 0; way < 4; ++way) {
            SCOPED_TRACE(std::to_string(size_bytes) + " way " + std::to_string(way));
            const Bytes sent = mpitest::pattern(size_bytes, static_cast<std::uint32_t>(rank()));
            MPI_Request send = MPI_REQUEST_NULL;
            MPI_OK(MPI_Isend(sent.data(), to_int(size_bytes), MPI_BYTE, next(), 6, comm(), &send));
            MPI_Message message = MPI_MESSAGE_NULL;
            MPI_Status status;
            if (way % 2 == 0) {
                MPI_OK(MPI_Mprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, comm(), &message, &status));
            } else {
                improbe(previous(), 6, comm(), &message, &status);
            }
            ASSERT_TRUE(message != MPI_MESSAGE_NULL && message != MPI_MESSAGE_NO_PROC);
            EXPECT_TRUE(pt2pt::status_is(status, previous(), 6, size_bytes));
            Bytes received(size_bytes + 3);
            if (way < 2) {
                MPI_OK(MPI_Mrecv(received.data(), to_int(received.size()), MPI_BYTE, &message,
                                 &status));
            } else {
                MPI_Request request = MPI_REQUEST_NULL;
                MPI_OK(MPI_Imrecv(received.data(), to_int(received.size()), MPI_BYTE, &message,
                                  &request));
                EXPECT_TRUE(message == MPI_MESSAGE_NULL);
                MPI_OK(MPI_Wait(&request, &status));
            }
            EXPECT_TRUE(message == MPI_MESSAGE_NULL);
            EXPECT_TRUE(pt2pt::status_is(status, previous(), 6, size_bytes));
            EXPECT_TRUE(mpitest::is_pattern(received.data(), size_bytes,
                                            static_cast<std::uint32_t>(previous())));
            MPI_OK(MPI_Wait(&send, MPI_STATUS_IGNORE));
            MPI_OK(MPI_Barrier(comm()));
        }
    }
}

// Nothing else finds a message that was matched, however general: neither probes nor receives.
TEST_F(Mprobe, HidesTheMessageFromAllOthers) {
    for (const std::size_t size_bytes : mpitest::few_sizes_bytes()) {
        SCOPED_TRACE(size_bytes);
        const Bytes first = mpitest::pattern(size_bytes, 1);
        const Bytes second = mpitest::pattern(size_bytes, 2);
        std::array<MPI_Request, 2> sends{};
        MPI_OK(MPI_Isend(first.data(), to_int(size_bytes), MPI_BYTE, next(), 3, comm(), &sends[0]));
        MPI_Message message = MPI_MESSAGE_NULL;
        MPI_OK(MPI_Mprobe(previous(), 3, comm(), &message, MPI_STATUS_IGNORE));
        int flag = 1;
        MPI_OK(MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, comm(), &flag, MPI_STATUS_IGNORE));
        EXPECT_EQ(flag, 0);
        MPI_Message other = MPI_MESSAGE_NULL;
        MPI_OK(MPI_Improbe(MPI_ANY_SOURCE, MPI_ANY_TAG, comm(), &flag, &other, MPI_STATUS_IGNORE));
        EXPECT_EQ(flag, 0);
        MPI_OK(MPI_Barrier(comm()));
        MPI_OK(
            MPI_Isend(second.data(), to_int(size_bytes), MPI_BYTE, next(), 3, comm(), &sends[1]));
        Bytes received(size_bytes);
        MPI_OK(MPI_Recv(received.data(), to_int(size_bytes), MPI_BYTE, MPI_ANY_SOURCE, MPI_ANY_TAG,
                        comm(), MPI_STATUS_IGNORE));
        EXPECT_TRUE(mpitest::is_pattern(received.data(), size_bytes, 2));
        MPI_OK(
            MPI_Mrecv(received.data(), to_int(size_bytes), MPI_BYTE, &message, MPI_STATUS_IGNORE));
        EXPECT_TRUE(mpitest::is_pattern(received.data(), size_bytes, 1));
        MPI_OK(MPI_Waitall(2, sends.data(), MPI_STATUSES_IGNORE));
        MPI_OK(MPI_Barrier(comm()));
    }
}

// Messages are matched in the order in which they were sent; they may be received in another.
TEST_F(Mprobe, ManyHeldAtOnceAreReceivedBackwards) {
    constexpr int kMessages = 100;
    const std::size_t long_bytes = mpitest::few_sizes_bytes().back();
    std::vector<Bytes> sent;
    std::vector<MPI_Request> sends(kMessages, MPI_REQUEST_NULL);
    for (int i = 0; i < kMessages; ++i)
        sent.push_back(mpitest::pattern(i % 9 == 0 ? long_bytes : static_cast<std::size_t>(i),
                                        static_cast<std::uint32_t>(i)));
    for (std::size_t i = 0; i < kMessages; ++i)
        MPI_OK(MPI_Isend(sent[i].data(), to_int(sent[i].size()), MPI_BYTE, next(), to_int(i % 3),
                         comm(), &sends[i]));
    std::vector<MPI_Message> messages(kMessages, MPI_MESSAGE_NULL);
    for (std::size_t i = 0; i < kMessages; ++i) {
        MPI_Status status;
        MPI_OK(MPI_Mprobe(previous(), MPI_ANY_TAG, comm(), &messages[i], &status));
        ASSERT_TRUE(pt2pt::status_is(status, previous(), to_int(i % 3), sent[i].size()));
    }
    for (std::size_t i = kMessages; i-- > 0;) {
        Bytes received(sent[i].size());
        MPI_OK(MPI_Mrecv(received.data(), to_int(received.size()), MPI_BYTE, &messages[i],
                         MPI_STATUS_IGNORE));
        ASSERT_TRUE(
            mpitest::is_pattern(received.data(), received.size(), static_cast<std::uint32_t>(i)));
    }
    MPI_OK(MPI_Waitall(kMessages, sends.data(), MPI_STATUSES_IGNORE));
}

TEST_F(Mprobe, IsFalseWithoutAMessage) {
    int flag = 1;
    MPI_Message message = MPI_MESSAGE_NO_PROC;
    MPI_OK(MPI_Improbe(MPI_ANY_SOURCE, MPI_ANY_TAG, comm(), &flag, &message, MPI_STATUS_IGNORE));
    EXPECT_EQ(flag, 0);
}

TEST_F(Mprobe, OfProcNull) {
    for (const bool waits : {true, false}) {
        MPI_Message message = MPI_MESSAGE_NULL;
        MPI_Status status;
        int flag = 0;
        if (waits) {
            MPI_OK(MPI_Mprobe(MPI_PROC_NULL, 3, comm(), &message, &status));
        } else {
            MPI_OK(MPI_Improbe(MPI_PROC_NULL, MPI_ANY_TAG, comm(), &flag, &message, &status));
            EXPECT_NE(flag, 0);
        }
        EXPECT_TRUE(message == MPI_MESSAGE_NO_PROC);
        EXPECT_TRUE(pt2pt::status_is_proc_null(status));
        int untouched = -7;
        if (waits) {
            MPI_OK(MPI_Mrecv(&untouched, 1, MPI_INT, &message, &status));
        } else {
            MPI_Request request = MPI_REQUEST_NULL;
            MPI_OK(MPI_Imrecv(&untouched, 1, MPI_INT, &message, &request));
            MPI_OK(MPI_Wait(&request, &status));
        }
        EXPECT_TRUE(message == MPI_MESSAGE_NULL);
        EXPECT_TRUE(pt2pt::status_is_proc_null(status));
        EXPECT_EQ(untouched, -7);
    }
}

// A synchronous send completes when its receive starts, not when a probe matches it.
TEST_F(Mprobe, ASynchronousSendWaitsForTheReceive) {
    FATHOM_ONLY("that the probe alone does not complete the send");
    for (const std::size_t size_bytes : mpitest::few_sizes_bytes()) {
        SCOPED_TRACE(size_bytes);
        const Bytes sent = mpitest::pattern(size_bytes, 4);
        MPI_Request send = MPI_REQUEST_NULL;
        MPI_OK(MPI_Issend(sent.data(), to_int(size_bytes), MPI_BYTE, next(), 3, comm(), &send));
        MPI_Message message = MPI_MESSAGE_NULL;
        MPI_OK(MPI_Mprobe(previous(), 3, comm(), &message, MPI_STATUS_IGNORE));
        MPI_OK(MPI_Barrier(comm()));
        int flag = 1;
        MPI_OK(MPI_Test(&send, &flag, MPI_STATUS_IGNORE));
        EXPECT_EQ(flag, 0);
        MPI_OK(MPI_Barrier(comm()));
        Bytes received(size_bytes);
        MPI_OK(
            MPI_Mrecv(received.data(), to_int(size_bytes), MPI_BYTE, &message, MPI_STATUS_IGNORE));
        EXPECT_TRUE(mpitest::is_pattern(received.data(), size_bytes, 4));
        MPI_OK(MPI_Wait(&send, MPI_STATUS_IGNORE));
    }
}

// A send whose message was matched by a probe can no longer be cancelled.
TEST_F(Mprobe, KeepsASendFromBeingCancelled) {
    FATHOM_ONLY("the order of events at the sender");
    for (const std::size_t size_bytes : mpitest::few_sizes_bytes()) {
        SCOPED_TRACE(size_bytes);
        const Bytes sent = mpitest::pattern(size_bytes, 9);
        MPI_Request send = MPI_REQUEST_NULL;
        MPI_OK(MPI_Issend(sent.data(), to_int(size_bytes), MPI_BYTE, next(), 3, comm(), &send));
        MPI_Message message = MPI_MESSAGE_NULL;
        MPI_OK(MPI_Mprobe(previous(), 3, comm(), &message, MPI_STATUS_IGNORE));
        MPI_OK(MPI_Barrier(comm()));
        MPI_OK(MPI_Cancel(&send));
        Bytes received(size_bytes);
        MPI_OK(
            MPI_Mrecv(received.data(), to_int(size_bytes), MPI_BYTE, &message, MPI_STATUS_IGNORE));
        EXPECT_TRUE(mpitest::is_pattern(received.data(), size_bytes, 9));
        MPI_Status status;
        int cancelled = 1;
        MPI_OK(MPI_Wait(&send, &status));
        MPI_OK(MPI_Test_cancelled(&status, &cancelled));
        EXPECT_EQ(cancelled, 0);
    }
}

TEST_F(Mprobe, IntoAStridedType) {
    constexpr int kBlocks = 30'000;
    MPI_Datatype strided = MPI_DATATYPE_NULL;
    MPI_OK(MPI_Type_vector(kBlocks, 1, 2, MPI_INT, &strided));
    MPI_OK(MPI_Type_commit(&strided));
    std::vector<int> sent(kBlocks);
    for (std::size_t i = 0; i < kBlocks; ++i) sent[i] = to_int(i) + rank();
    MPI_Request send = MPI_REQUEST_NULL;
    MPI_OK(MPI_Isend(sent.data(), kBlocks, MPI_INT, next(), 3, comm(), &send));
    MPI_Message message = MPI_MESSAGE_NULL;
    MPI_OK(MPI_Mprobe(previous(), 3, comm(), &message, MPI_STATUS_IGNORE));
    std::vector<int> received(2 * kBlocks, -1);
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_OK(MPI_Imrecv(received.data(), 1, strided, &message, &request));
    MPI_OK(MPI_Type_free(&strided));  // the pending receive keeps it
    MPI_OK(MPI_Wait(&request, MPI_STATUS_IGNORE));
    for (std::size_t i = 0; i + 1 < received.size(); ++i)
        ASSERT_EQ(received[i], i % 2 == 0 ? to_int(i / 2) + previous() : -1) << i;
    MPI_OK(MPI_Wait(&send, MPI_STATUS_IGNORE));
}

TEST_F(Mprobe, TheCommunicatorMayBeFreedInBetween) {
    MPI_Comm copy = MPI_COMM_NULL;
    MPI_OK(MPI_Comm_dup(comm(), &copy));
    const int sent = rank();
    MPI_Request send = MPI_REQUEST_NULL;
    MPI_OK(MPI_Isend(&sent, 1, MPI_INT, next(), 3, copy, &send));
    MPI_Message message = MPI_MESSAGE_NULL;
    MPI_OK(MPI_Mprobe(previous(), 3, copy, &message, MPI_STATUS_IGNORE));
    MPI_OK(MPI_Wait(&send, MPI_STATUS_IGNORE));
    MPI_OK(MPI_Comm_free(&copy));
    int received = -1;
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_OK(MPI_Imrecv(&received, 1, MPI_INT, &message, &request));
    MPI_OK(MPI_Wait(&request, MPI_STATUS_IGNORE));
    EXPECT_EQ(received, previous());
}

TEST_F(MprobeErrors, TruncationUsesTheHandleUp) {
    for (const std::size_t size_bytes : {std::size_t{16}, mpitest::few_sizes_bytes().back()}) {
        SCOPED_TRACE(size_bytes);
        const Bytes sent = mpitest::pattern(size_bytes, 8);
        for (const bool waits : {true, false}) {
            MPI_Request send = MPI_REQUEST_NULL;
            MPI_OK(MPI_Isend(sent.data(), to_int(size_bytes), MPI_BYTE, next(), 3, comm(), &send));
            MPI_Message message = MPI_MESSAGE_NULL;
            MPI_OK(MPI_Mprobe(previous(), 3, comm(), &message, MPI_STATUS_IGNORE));
            Bytes received(10, 0xee);
            if (waits) {
                EXPECT_MPI_CLASS(
                    MPI_Mrecv(received.data(), 7, MPI_BYTE, &message, MPI_STATUS_IGNORE),
                    MPI_ERR_TRUNCATE);
            } else {
                MPI_Request request = MPI_REQUEST_NULL;
                MPI_OK(MPI_Imrecv(received.data(), 7, MPI_BYTE, &message, &request));
                EXPECT_MPI_CLASS(MPI_Wait(&request, MPI_STATUS_IGNORE), MPI_ERR_TRUNCATE);
            }
            EXPECT_TRUE(message == MPI_MESSAGE_NULL);
            EXPECT_TRUE(mpitest::is_pattern(received.data(), 7, 8));
            EXPECT_EQ(received[7], 0xee);
            MPI_OK(MPI_Wait(&send, MPI_STATUS_IGNORE));
        }
    }
}

TEST_F(MprobeErrors, Arguments) {
    const errors::BadHandles bad;
    MPI_Message message = MPI_MESSAGE_NULL;
    MPI_Message null = MPI_MESSAGE_NULL;
    MPI_Status status;
    MPI_Request request = MPI_REQUEST_NULL;
    int flag = 0;
    int value = 0;
    const MPI_Comm c = comm();
    const int n = size();
    using errors::For;
    run({
        {"Mprobe rank", MPI_ERR_RANK, [&] { return MPI_Mprobe(n, 1, c, &message, &status); }},
        {"Mprobe tag", MPI_ERR_TAG, [&] { return MPI_Mprobe(0, -77, c, &message, &status); }},
        {"Mprobe null comm", MPI_ERR_COMM,
         [&] { return MPI_Mprobe(0, 1, MPI_COMM_NULL, &message, &status); }},
        {"Mprobe null message", MPI_ERR_ARG, [&] { return MPI_Mprobe(0, 1, c, nullptr, &status); },
         For::kFathom},
        {"Improbe rank", MPI_ERR_RANK,
         [&] { return MPI_Improbe(-77, 1, c, &flag, &message, &status); }},
        {"Improbe tag", MPI_ERR_TAG,
         [&] { return MPI_Improbe(0, -77, c, &flag, &message, &status); }},
        {"Improbe freed comm", MPI_ERR_COMM,
         [&] { return MPI_Improbe(0, 1, bad.freed_comm, &flag, &message, &status); }, For::kFathom},
        {"Improbe null flag", MPI_ERR_ARG,
         [&] { return MPI_Improbe(0, 1, c, nullptr, &message, &status); }, For::kFathom},
        {"Mrecv of null", MPI_ERR_REQUEST,
         [&] { return MPI_Mrecv(&value, 1, MPI_INT, &null, &status); }},
        {"Imrecv of null", MPI_ERR_REQUEST,
         [&] { return MPI_Imrecv(&value, 1, MPI_INT, &null, &request); }},
        {"Mrecv null pointer", MPI_ERR_ARG,
         [&] { return MPI_Mrecv(&value, 1, MPI_INT, nullptr, &status); }, For::kFathom},
    });
    EXPECT_TRUE(request == MPI_REQUEST_NULL);
    if (!mpitest::is_fathom()) return;

    // Wrong arguments to the receive leave the message to be received.
    MPI_Request send = MPI_REQUEST_NULL;
    const int sent = 5;
    MPI_OK(MPI_Isend(&sent, 1, MPI_INT, next(), 3, comm(), &send));
    MPI_OK(MPI_Mprobe(previous(), 3, comm(), &message, MPI_STATUS_IGNORE));
    MPI_Message copy = message;
    run({
        {"Mrecv count", MPI_ERR_COUNT,
         [&] { return MPI_Mrecv(&value, -1, MPI_INT, &message, &status); }},
        {"Mrecv type", MPI_ERR_TYPE,
         [&] { return MPI_Mrecv(&value, 1, MPI_DATATYPE_NULL, &message, &status); }},
        {"Mrecv uncommitted", MPI_ERR_TYPE,
         [&] { return MPI_Mrecv(&value, 1, bad.uncommitted, &message, &status); }},
        {"Mrecv buffer", MPI_ERR_BUFFER,
         [&] { return MPI_Mrecv(nullptr, 1, MPI_INT, &message, &status); }},
        {"Imrecv count", MPI_ERR_COUNT,
         [&] { return MPI_Imrecv(&value, -1, MPI_INT, &message, &request); }},
        {"Imrecv null request", MPI_ERR_ARG,
         [&] { return MPI_Imrecv(&value, 1, MPI_INT, &message, nullptr); }},
    });
    ASSERT_TRUE(message == copy);
    MPI_OK(MPI_Mrecv(&value, 1, MPI_INT, &message, &status));
    EXPECT_EQ(value, 5);
    run({{"Mrecv twice", MPI_ERR_REQUEST,
          [&] { return MPI_Mrecv(&value, 1, MPI_INT, &copy, &status); }}});
    MPI_OK(MPI_Wait(&send, MPI_STATUS_IGNORE));
}

}  // namespace
