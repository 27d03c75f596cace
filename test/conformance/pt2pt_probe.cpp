// Probe and Iprobe; Cancel and Test_cancelled.
#include "test/conformance/pt2pt.hpp"

namespace {

using mpitest::Bytes;
using mpitest::to_int;

class Probe : public mpitest::MpiTest {};
class Cancel : public mpitest::MpiTest {};

TEST_F(Probe, TellsSourceTagAndSizeThenRecvGetsThatMessage) {
    for (const std::size_t size_bytes : mpitest::protocol_sizes_bytes()) {
        SCOPED_TRACE(size_bytes);
        const Bytes sent = mpitest::pattern(size_bytes, static_cast<std::uint32_t>(rank()));
        MPI_Request send = MPI_REQUEST_NULL;
        MPI_OK(MPI_Isend(sent.data(), to_int(size_bytes), MPI_BYTE, next(), 6, comm(), &send));
        MPI_Status status;
        MPI_OK(MPI_Probe(MPI_ANY_SOURCE, MPI_ANY_TAG, comm(), &status));
        EXPECT_TRUE(pt2pt::status_is(status, previous(), 6, size_bytes));
        // Probing again gives the same message: a probe takes nothing.
        MPI_OK(MPI_Probe(previous(), 6, comm(), &status));
        EXPECT_TRUE(pt2pt::status_is(status, previous(), 6, size_bytes));
        Bytes received(size_bytes);
        MPI_OK(MPI_Recv(received.data(), to_int(size_bytes), MPI_BYTE, status.MPI_SOURCE,
                        status.MPI_TAG, comm(), &status));
        EXPECT_TRUE(mpitest::is_pattern(received.data(), size_bytes,
                                        static_cast<std::uint32_t>(previous())));
        MPI_OK(MPI_Wait(&send, MPI_STATUS_IGNORE));
        MPI_OK(MPI_Barrier(comm()));
    }
}

TEST_F(Probe, IprobeIsFalseWithoutAMessageAndTrueAfter) {
    int flag = 1;
    MPI_Status status;
    MPI_OK(MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, comm(), &flag, &status));
    EXPECT_EQ(flag, 0);
    MPI_OK(MPI_Barrier(comm()));
    const int sent = rank();
    MPI_Request send = MPI_REQUEST_NULL;
    MPI_OK(MPI_Isend(&sent, 1, MPI_INT, next(), 8, comm(), &send));
    // Another tag and another communicator have nothing, ever.
    MPI_OK(MPI_Iprobe(previous(), 9, comm(), &flag, &status));
    EXPECT_EQ(flag, 0);
    while (flag == 0) MPI_OK(MPI_Iprobe(previous(), 8, comm(), &flag, &status));
    EXPECT_TRUE(pt2pt::status_is(status, previous(), 8, sizeof(int)));
    flag = 0;
    MPI_OK(MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, comm(), &flag, MPI_STATUS_IGNORE));
    EXPECT_NE(flag, 0);
    int received = -1;
    MPI_OK(MPI_Recv(&received, 1, MPI_INT, previous(), 8, comm(), MPI_STATUS_IGNORE));
    EXPECT_EQ(received, previous());
    MPI_OK(MPI_Wait(&send, MPI_STATUS_IGNORE));
    MPI_OK(MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, comm(), &flag, &status));
    EXPECT_EQ(flag, 0);
}

TEST_F(Probe, DoesNotSeeWhatAPostedReceiveTakes) {
    int first = -1;
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_OK(MPI_Irecv(&first, 1, MPI_INT, MPI_ANY_SOURCE, MPI_ANY_TAG, comm(), &request));
    MPI_OK(MPI_Barrier(comm()));
    const std::array<int, 2> sent{1, 2};
    MPI_OK(MPI_Send(&sent[0], 1, MPI_INT, next(), 1, comm()));
    MPI_Request send = MPI_REQUEST_NULL;
    MPI_OK(MPI_Isend(&sent[1], 1, MPI_INT, next(), 2, comm(), &send));
    MPI_Status status;
    MPI_OK(MPI_Probe(MPI_ANY_SOURCE, MPI_ANY_TAG, comm(), &status));
    EXPECT_EQ(status.MPI_TAG, 2);
    int second = -1;
    MPI_OK(MPI_Recv(&second, 1, MPI_INT, status.MPI_SOURCE, 2, comm(), MPI_STATUS_IGNORE));
    MPI_OK(MPI_Wait(&send, MPI_STATUS_IGNORE));
    MPI_OK(MPI_Wait(&request, MPI_STATUS_IGNORE));
    EXPECT_EQ(first, 1);
    EXPECT_EQ(second, 2);
}

TEST_F(Probe, FindsTheEarliestThatFits) {
    std::array<MPI_Request, 3> requests{};
    const Bytes sent(3);
    for (int i = 0; i < 3; ++i)
        MPI_OK(MPI_Isend(sent.data(), i + 1, MPI_BYTE, next(), i == 1 ? 20 : 10, comm(),
                         &requests[static_cast<std::size_t>(i)]));
    MPI_Status status;
    MPI_OK(MPI_Probe(previous(), 20, comm(), &status));
    EXPECT_TRUE(pt2pt::status_is(status, previous(), 20, 2));
    MPI_OK(MPI_Probe(MPI_ANY_SOURCE, 10, comm(), &status));
    EXPECT_TRUE(pt2pt::status_is(status, previous(), 10, 1));
    Bytes received(3);
    MPI_OK(MPI_Recv(received.data(), 3, MPI_BYTE, previous(), 20, comm(), MPI_STATUS_IGNORE));
    MPI_OK(MPI_Recv(received.data(), 3, MPI_BYTE, previous(), 10, comm(), MPI_STATUS_IGNORE));
    MPI_OK(MPI_Probe(previous(), MPI_ANY_TAG, comm(), &status));
    EXPECT_TRUE(pt2pt::status_is(status, previous(), 10, 3));
    MPI_OK(MPI_Recv(received.data(), 3, MPI_BYTE, previous(), 10, comm(), MPI_STATUS_IGNORE));
    MPI_OK(MPI_Waitall(3, requests.data(), MPI_STATUSES_IGNORE));
}

TEST_F(Probe, OfProcNull) {
    MPI_Status status;
    MPI_OK(MPI_Probe(MPI_PROC_NULL, MPI_ANY_TAG, comm(), &status));
    EXPECT_TRUE(pt2pt::status_is_proc_null(status));
    int flag = 0;
    MPI_OK(MPI_Iprobe(MPI_PROC_NULL, 5, comm(), &flag, &status));
    EXPECT_NE(flag, 0);
    EXPECT_TRUE(pt2pt::status_is_proc_null(status));
}

TEST_F(Probe, WaitsForALateSender) {
    if (rank() == 0) mpitest::sleep_ms(50);
    MPI_Request send = MPI_REQUEST_NULL;
    const int sent = 1;
    MPI_OK(MPI_Isend(&sent, 1, MPI_INT, next(), 3, comm(), &send));
    MPI_Status status;
    MPI_OK(MPI_Probe(previous(), 3, comm(), &status));
    EXPECT_TRUE(pt2pt::status_is(status, previous(), 3, sizeof(int)));
    int received = 0;
    MPI_OK(MPI_Recv(&received, 1, MPI_INT, previous(), 3, comm(), MPI_STATUS_IGNORE));
    MPI_OK(MPI_Wait(&send, MPI_STATUS_IGNORE));
}

TEST_F(Cancel, AReceiveThatNothingMatches) {
    int received = -5;
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_OK(MPI_Irecv(&received, 1, MPI_INT, previous(), 1, comm(), &request));
    MPI_OK(MPI_Cancel(&request));
    EXPECT_TRUE(request != MPI_REQUEST_NULL) << "cancel does not take the request away";
    MPI_Status status;
    MPI_OK(MPI_Wait(&request, &status));
    EXPECT_TRUE(request == MPI_REQUEST_NULL);
    int cancelled = 0;
    MPI_OK(MPI_Test_cancelled(&status, &cancelled));
    EXPECT_NE(cancelled, 0);

    // The cancelled receive takes no message that comes later.
    MPI_OK(MPI_Barrier(comm()));
    const int sent = 7;
    int other = -1;
    MPI_OK(MPI_Sendrecv(&sent, 1, MPI_INT, next(), 1, &other, 1, MPI_INT, previous(), 1, comm(),
                        MPI_STATUS_IGNORE));
    EXPECT_EQ(other, 7);
    EXPECT_EQ(received, -5);
}

TEST_F(Cancel, AReceiveFromTheMiddleOfTheQueue) {
    std::array<int, 3> received{-1, -1, -1};
    std::array<MPI_Request, 3> requests{};
    for (std::size_t i = 0; i < 3; ++i)
        MPI_OK(
            MPI_Irecv(&received[i], 1, MPI_INT, MPI_ANY_SOURCE, MPI_ANY_TAG, comm(), &requests[i]));
    MPI_OK(MPI_Cancel(&requests[1]));
    MPI_OK(MPI_Barrier(comm()));
    const std::array<int, 2> sent{1, 2};
    MPI_OK(MPI_Send(&sent[0], 1, MPI_INT, next(), 1, comm()));
    MPI_OK(MPI_Send(&sent[1], 1, MPI_INT, next(), 1, comm()));
    std::array<MPI_Status, 3> statuses;
    MPI_OK(MPI_Waitall(3, requests.data(), statuses.data()));
    for (std::size_t i = 0; i < 3; ++i) {
        int cancelled = -1;
        MPI_OK(MPI_Test_cancelled(&statuses[i], &cancelled));
        EXPECT_EQ(cancelled != 0, i == 1) << i;
    }
    EXPECT_EQ(received, (std::array<int, 3>{1, -1, 2}));
}

TEST_F(Cancel, ACompletedReceiveIsNotCancelled) {
    int received = -1;
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_OK(MPI_Irecv(&received, 1, MPI_INT, previous(), 1, comm(), &request));
    MPI_OK(MPI_Barrier(comm()));
    const int sent = 3;
    MPI_OK(MPI_Send(&sent, 1, MPI_INT, next(), 1, comm()));
    // A later message of the same sender has come, so the first has been matched.
    int later = 0;
    MPI_OK(MPI_Sendrecv(&sent, 1, MPI_INT, next(), 2, &later, 1, MPI_INT, previous(), 2, comm(),
                        MPI_STATUS_IGNORE));
    MPI_OK(MPI_Cancel(&request));
    MPI_Status status;
    MPI_OK(MPI_Wait(&request, &status));
    int cancelled = -1;
    MPI_OK(MPI_Test_cancelled(&status, &cancelled));
    EXPECT_EQ(cancelled, 0);
    EXPECT_EQ(received, 3);
    EXPECT_TRUE(pt2pt::status_is(status, previous(), 1, sizeof(int)));
}

TEST_F(Cancel, APersistentReceiveCanBeStartedAgain) {
    int received = -1;
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_OK(MPI_Recv_init(&received, 1, MPI_INT, previous(), 1, comm(), &request));
    for (int round = 0; round < 3; ++round) {
        MPI_OK(MPI_Start(&request));
        MPI_OK(MPI_Cancel(&request));
        MPI_Status status;
        MPI_OK(MPI_Wait(&request, &status));
        int cancelled = 0;
        MPI_OK(MPI_Test_cancelled(&status, &cancelled));
        EXPECT_NE(cancelled, 0);
        EXPECT_TRUE(request != MPI_REQUEST_NULL);
    }
    MPI_OK(MPI_Start(&request));
    MPI_OK(MPI_Barrier(comm()));
    const int sent = 9;
    MPI_OK(MPI_Send(&sent, 1, MPI_INT, next(), 1, comm()));
    MPI_OK(MPI_Wait(&request, MPI_STATUS_IGNORE));
    EXPECT_EQ(received, 9);
    MPI_OK(MPI_Request_free(&request));
}

// Either the send is cancelled and the receiver never sees it, or it is not and the receiver must
// get it. The standard leaves the choice to the library, but not the consequence.
TEST_F(Cancel, ASendIsCancelledOrDelivered) {
    for (const std::size_t size_bytes : mpitest::few_sizes_bytes()) {
        SCOPED_TRACE(size_bytes);
        const Bytes sent = mpitest::pattern(size_bytes, 5);
        MPI_Request send = MPI_REQUEST_NULL;
        MPI_OK(MPI_Issend(sent.data(), to_int(size_bytes), MPI_BYTE, next(), 1, comm(), &send));
        MPI_OK(MPI_Cancel(&send));
        // The receive below must not wait for a message that will not come: the sender says which.
        int flag = 0;
        MPI_Status status;
        for (int i = 0; i < 200 && flag == 0; ++i) {
            MPI_OK(MPI_Test(&send, &flag, &status));
            if (flag == 0) mpitest::sleep_ms(1);
        }
        int cancelled = 0;
        if (flag != 0) MPI_Test_cancelled(&status, &cancelled);
        int expect_none = -1;
        MPI_OK(MPI_Sendrecv(&cancelled, 1, MPI_INT, next(), 2, &expect_none, 1, MPI_INT, previous(),
                            2, comm(), MPI_STATUS_IGNORE));
        if (expect_none != 0) {
            int found = 1;
            MPI_OK(MPI_Iprobe(previous(), 1, comm(), &found, MPI_STATUS_IGNORE));
            EXPECT_EQ(found, 0);
        } else {
            Bytes received(size_bytes);
            MPI_OK(MPI_Recv(received.data(), to_int(size_bytes), MPI_BYTE, previous(), 1, comm(),
                            MPI_STATUS_IGNORE));
            EXPECT_TRUE(mpitest::is_pattern(received.data(), size_bytes, 5));
        }
        if (flag == 0) {
            MPI_OK(MPI_Wait(&send, &status));
            MPI_OK(MPI_Test_cancelled(&status, &cancelled));
            EXPECT_EQ(cancelled, 0) << "the message was delivered";
        }
        MPI_OK(MPI_Barrier(comm()));
    }
}

// A cancelled send that was not matched completes whatever the receiver does: Wait must be local.
TEST_F(Cancel, WaitAfterCancelOfAReceiveIsLocal) {
    if (rank() == 0) {
        Bytes received(100'000);
        MPI_Request request = MPI_REQUEST_NULL;
        MPI_OK(MPI_Irecv(received.data(), to_int(received.size()), MPI_BYTE, MPI_ANY_SOURCE, 77,
                         comm(), &request));
        MPI_OK(MPI_Cancel(&request));
        MPI_OK(MPI_Wait(&request, MPI_STATUS_IGNORE));
    }
    MPI_OK(MPI_Barrier(comm()));
}

}  // namespace
