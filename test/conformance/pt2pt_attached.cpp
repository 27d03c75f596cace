// Buffers for buffered sends as MPI-4.1 has them: of a communicator, automatic ones, and flushing.
#include "test/conformance/errors.hpp"
#include "test/conformance/pt2pt.hpp"

#if MPI_VERSION > 4 || (MPI_VERSION == 4 && MPI_SUBVERSION >= 1)

namespace {

using mpitest::Bytes;
using mpitest::to_int;

constexpr std::size_t kLongBytes = 1U << 20U;  // does not leave before its receive

class Attached : public mpitest::MpiTest {
  protected:
    // One long message around the ring by Bsend; returns before anybody receives.
    void send_long(int tag, MPI_Comm where) {
        const Bytes sent = mpitest::pattern(kLongBytes, static_cast<std::uint32_t>(tag));
        MPI_OK(MPI_Bsend(sent.data(), to_int(kLongBytes), MPI_BYTE, next(), tag, where));
    }
    void receive_long(int tag, MPI_Comm where) {
        Bytes received(kLongBytes);
        MPI_OK(MPI_Recv(received.data(), to_int(kLongBytes), MPI_BYTE, previous(), tag, where,
                        MPI_STATUS_IGNORE));
        EXPECT_TRUE(
            mpitest::is_pattern(received.data(), kLongBytes, static_cast<std::uint32_t>(tag)));
    }
    static void finish(MPI_Request* request) {
        MPI_Status status;
        MPI_OK(MPI_Wait(request, &status));
        EXPECT_TRUE(*request == MPI_REQUEST_NULL);
        EXPECT_TRUE(pt2pt::status_is_empty(status));
    }
};
class AttachedErrors : public errors::ErrorTest {};

TEST_F(Attached, ACommunicatorsBufferComesFirst) {
    MPI_Comm other = MPI_COMM_NULL;
    MPI_OK(MPI_Comm_dup(comm(), &other));
    MPI_OK(MPI_Comm_set_errhandler(other, MPI_ERRORS_RETURN));
    // Room for one long message in the communicator's, for none in the process's.
    Bytes own(kLongBytes + MPI_BSEND_OVERHEAD);
    Bytes small(MPI_BSEND_OVERHEAD);
    MPI_OK(MPI_Buffer_attach(small.data(), to_int(small.size())));
    MPI_OK(MPI_Comm_attach_buffer(comm(), own.data(), to_int(own.size())));
    send_long(1, comm());
    const Bytes sent(kLongBytes);
    EXPECT_MPI_CLASS(MPI_Bsend(sent.data(), to_int(kLongBytes), MPI_BYTE, next(), 1, other),
                     MPI_ERR_BUFFER);
    receive_long(1, comm());
    void* address = nullptr;
    int size_bytes = 0;
    MPI_OK(MPI_Comm_detach_buffer(comm(), &address, &size_bytes));
    EXPECT_EQ(address, own.data());
    EXPECT_EQ(size_bytes, to_int(own.size()));
    // Now the process's serves this communicator too.
    EXPECT_MPI_CLASS(MPI_Bsend(sent.data(), to_int(kLongBytes), MPI_BYTE, next(), 1, comm()),
                     MPI_ERR_BUFFER);
    MPI_OK(MPI_Buffer_detach(&address, &size_bytes));
    EXPECT_EQ(address, small.data());
    MPI_OK(MPI_Comm_free(&other));
}

TEST_F(Attached, AutomaticTakesAnyNumberOfMessages) {
    constexpr int kMessages = 20;
    MPI_OK(MPI_Buffer_attach(MPI_BUFFER_AUTOMATIC, 0));
    for (int i = 0; i < kMessages; ++i) {
        send_long(i, comm());
        MPI_OK(MPI_Bsend(&i, 1, MPI_INT, next(), 100 + i, comm()));
    }
    for (int i = 0; i < kMessages; ++i) {
        int received = -1;
        MPI_OK(MPI_Recv(&received, 1, MPI_INT, previous(), 100 + i, comm(), MPI_STATUS_IGNORE));
        EXPECT_EQ(received, i);
        receive_long(i, comm());
    }
    void* address = nullptr;
    int size_bytes = 0;
    MPI_OK(MPI_Buffer_detach(&address, &size_bytes));
    EXPECT_EQ(address, MPI_BUFFER_AUTOMATIC);

    MPI_OK(MPI_Comm_attach_buffer(comm(), MPI_BUFFER_AUTOMATIC, 0));
    MPI_Request send = MPI_REQUEST_NULL;
    const int sent = 5;
    int received = -1;
    MPI_OK(MPI_Bsend_init(&sent, 1, MPI_INT, next(), 1, comm(), &send));
    for (int i = 0; i < 3; ++i) {
        MPI_OK(MPI_Start(&send));
        MPI_OK(MPI_Wait(&send, MPI_STATUS_IGNORE));
        MPI_OK(MPI_Recv(&received, 1, MPI_INT, previous(), 1, comm(), MPI_STATUS_IGNORE));
        EXPECT_EQ(received, 5);
    }
    MPI_OK(MPI_Request_free(&send));
    MPI_OK(MPI_Comm_detach_buffer(comm(), &address, &size_bytes));
    EXPECT_EQ(address, MPI_BUFFER_AUTOMATIC);
}

TEST_F(Attached, FlushMakesRoomForTheNextMessage) {
    Bytes room(kLongBytes + MPI_BSEND_OVERHEAD);
    MPI_OK(MPI_Comm_attach_buffer(comm(), room.data(), to_int(room.size())));
    for (int round = 0; round < 5; ++round) {
        // The receive is posted, so the flush ends.
        Bytes received(kLongBytes);
        MPI_Request request = MPI_REQUEST_NULL;
        MPI_OK(MPI_Irecv(received.data(), to_int(kLongBytes), MPI_BYTE, previous(), round, comm(),
                         &request));
        send_long(round, comm());
        MPI_OK(MPI_Comm_flush_buffer(comm()));
        MPI_OK(MPI_Wait(&request, MPI_STATUS_IGNORE));
        EXPECT_TRUE(
            mpitest::is_pattern(received.data(), kLongBytes, static_cast<std::uint32_t>(round)));
    }
    void* address = nullptr;
    int size_bytes = 0;
    MPI_OK(MPI_Comm_detach_buffer(comm(), &address, &size_bytes));
}

// The nonblocking flush is not over before the message has left, and does not wait for messages
// that were sent after it was started.
TEST_F(Attached, IflushTellsWhenMessagesHaveLeft) {
    for (const bool of_comm : {true, false}) {
        SCOPED_TRACE(of_comm);
        if (of_comm) {
            MPI_OK(MPI_Comm_attach_buffer(comm(), MPI_BUFFER_AUTOMATIC, 0));
        } else {
            MPI_OK(MPI_Buffer_attach(MPI_BUFFER_AUTOMATIC, 0));
        }
        const auto iflush = [&](MPI_Request* request) {
            return of_comm ? MPI_Comm_iflush_buffer(comm(), request) : MPI_Buffer_iflush(request);
        };
        MPI_Request first = MPI_REQUEST_NULL;
        MPI_OK(iflush(&first));
        finish(&first);  // nothing is there
        send_long(1, comm());
        MPI_OK(iflush(&first));
        send_long(2, comm());
        MPI_Request second = MPI_REQUEST_NULL;
        MPI_OK(iflush(&second));
        int flag = 1;
        MPI_OK(MPI_Test(&first, &flag, MPI_STATUS_IGNORE));
        EXPECT_EQ(flag, 0);
        MPI_OK(MPI_Barrier(comm()));
        receive_long(1, comm());
        MPI_OK(MPI_Barrier(comm()));
        finish(&first);
        MPI_OK(MPI_Test(&second, &flag, MPI_STATUS_IGNORE));
        EXPECT_EQ(flag, 0);
        MPI_OK(MPI_Barrier(comm()));
        receive_long(2, comm());
        finish(&second);
        MPI_OK(iflush(&first));
        finish(&first);
        void* address = nullptr;
        int size_bytes = 0;
        if (of_comm) {
            MPI_OK(MPI_Comm_detach_buffer(comm(), &address, &size_bytes));
        } else {
            MPI_OK(MPI_Buffer_detach(&address, &size_bytes));
        }
    }
}

TEST_F(Attached, AFlushMayBeFreedWhilePending) {
    MPI_OK(MPI_Comm_attach_buffer(comm(), MPI_BUFFER_AUTOMATIC, 0));
    send_long(1, comm());
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_OK(MPI_Comm_iflush_buffer(comm(), &request));
    MPI_OK(MPI_Request_free(&request));
    receive_long(1, comm());
    MPI_OK(MPI_Comm_flush_buffer(comm()));
    void* address = nullptr;
    int size_bytes = 0;
    MPI_OK(MPI_Comm_detach_buffer(comm(), &address, &size_bytes));
}

// What is in the buffer of a communicator that is freed still arrives.
TEST_F(Attached, FreeingTheCommunicatorSendsWhatIsThere) {
    MPI_Comm other = MPI_COMM_NULL;
    MPI_OK(MPI_Comm_dup(comm(), &other));
    MPI_OK(MPI_Comm_attach_buffer(other, MPI_BUFFER_AUTOMATIC, 0));
    Bytes received(kLongBytes);
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_OK(
        MPI_Irecv(received.data(), to_int(kLongBytes), MPI_BYTE, previous(), 1, other, &request));
    send_long(1, other);
    MPI_OK(MPI_Comm_free(&other));
    MPI_OK(MPI_Wait(&request, MPI_STATUS_IGNORE));
    EXPECT_TRUE(mpitest::is_pattern(received.data(), kLongBytes, 1));
}

TEST_F(Attached, FlushWithoutABufferReturns) {
    FATHOM_ONLY("nothing is there to wait for");
    MPI_OK(MPI_Buffer_flush());
    MPI_OK(MPI_Comm_flush_buffer(comm()));
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_OK(MPI_Comm_iflush_buffer(comm(), &request));
    finish(&request);
}

TEST_F(AttachedErrors, Arguments) {
    std::array<char, 1000> memory{};
    void* const m = memory.data();
    void* address = nullptr;
    int size_bytes = 0;
    MPI_Request request = MPI_REQUEST_NULL;
    using errors::For;
    run({
        {"attach null comm", MPI_ERR_COMM,
         [&] { return MPI_Comm_attach_buffer(MPI_COMM_NULL, m, 1000); }},
        {"attach negative size", MPI_ERR_ARG,
         [&] { return MPI_Comm_attach_buffer(comm(), m, -1); }},
        {"attach null memory", MPI_ERR_BUFFER,
         [&] { return MPI_Comm_attach_buffer(comm(), nullptr, 1000); }, For::kFathom},
        {"detach none", MPI_ERR_BUFFER,
         [&] { return MPI_Comm_detach_buffer(comm(), &address, &size_bytes); }, For::kFathom},
        {"detach none of the process", MPI_ERR_BUFFER,
         [&] { return MPI_Buffer_detach(&address, &size_bytes); }, For::kFathom},
        {"detach null comm", MPI_ERR_COMM,
         [&] { return MPI_Comm_detach_buffer(MPI_COMM_NULL, &address, &size_bytes); }},
        {"flush null comm", MPI_ERR_COMM, [&] { return MPI_Comm_flush_buffer(MPI_COMM_NULL); }},
        {"iflush null comm", MPI_ERR_COMM,
         [&] { return MPI_Comm_iflush_buffer(MPI_COMM_NULL, &request); }},
        {"iflush null request", MPI_ERR_ARG, [&] { return MPI_Buffer_iflush(nullptr); },
         For::kFathom},
    });
    MPI_OK(MPI_Comm_attach_buffer(comm(), m, 1000));
    run({{"attach twice", MPI_ERR_BUFFER,
          [&] { return MPI_Comm_attach_buffer(comm(), MPI_BUFFER_AUTOMATIC, 0); }}});
    MPI_OK(MPI_Comm_detach_buffer(comm(), &address, &size_bytes));
    EXPECT_EQ(address, m);
}

}  // namespace

#endif
