// Buffer_attach and Buffer_detach; when each mode of send may complete.
#include "test/conformance/pt2pt.hpp"

namespace {

using mpitest::Bytes;
using mpitest::to_int;

class Buffered : public mpitest::MpiTest {};
class SendCompletion : public mpitest::MpiTest {};

TEST_F(Buffered, CompletesWithoutAReceiver) {
    constexpr std::size_t kBytes = 2U << 20U;
    Bytes memory(kBytes + MPI_BSEND_OVERHEAD);
    MPI_OK(MPI_Buffer_attach(memory.data(), to_int(memory.size())));
    Bytes sent = mpitest::pattern(kBytes, static_cast<std::uint32_t>(rank()));
    MPI_OK(MPI_Bsend(sent.data(), to_int(kBytes), MPI_BYTE, next(), 1, comm()));
    std::fill(sent.begin(), sent.end(), static_cast<unsigned char>(0));  // ours again at once
    MPI_OK(MPI_Barrier(comm()));
    Bytes received(kBytes);
    MPI_OK(MPI_Recv(received.data(), to_int(kBytes), MPI_BYTE, previous(), 1, comm(),
                    MPI_STATUS_IGNORE));
    EXPECT_TRUE(
        mpitest::is_pattern(received.data(), kBytes, static_cast<std::uint32_t>(previous())));
    void* address = nullptr;
    int size_bytes = 0;
    MPI_OK(MPI_Buffer_detach(&address, &size_bytes));
    EXPECT_EQ(address, memory.data());
    EXPECT_EQ(size_bytes, to_int(memory.size()));
}

// The standard's rule for the size: for each message Pack_size plus MPI_BSEND_OVERHEAD.
TEST_F(Buffered, TheRuleOfTheStandardGivesRoomForAll) {
    constexpr int kMessages = 37;
    std::size_t room_bytes = 0;
    for (int i = 0; i < kMessages; ++i) {
        int packed = 0;
        MPI_OK(MPI_Pack_size(i * 100, MPI_INT, comm(), &packed));
        room_bytes += static_cast<std::size_t>(packed) + MPI_BSEND_OVERHEAD;
    }
    Bytes memory(room_bytes);
    MPI_OK(MPI_Buffer_attach(memory.data(), to_int(room_bytes)));
    for (int i = 0; i < kMessages; ++i) {
        const std::vector<int> sent(static_cast<std::size_t>(i) * 100, i);
        MPI_OK(MPI_Bsend(sent.data(), i * 100, MPI_INT, next(), i, comm()));
    }
    for (int i = kMessages - 1; i >= 0; --i) {
        std::vector<int> received(static_cast<std::size_t>(i) * 100, -1);
        MPI_OK(
            MPI_Recv(received.data(), i * 100, MPI_INT, previous(), i, comm(), MPI_STATUS_IGNORE));
        EXPECT_EQ(received, std::vector<int>(static_cast<std::size_t>(i) * 100, i));
    }
    void* address = nullptr;
    int size_bytes = 0;
    MPI_OK(MPI_Buffer_detach(&address, &size_bytes));
}

TEST_F(Buffered, TooLargeForTheBufferIsErrBuffer) {
    SKIP_ON_PEER(kOpenMpi, "a refused Bsend leaves a gap in the sequence, the next message hangs");
    Bytes memory(10'000 + MPI_BSEND_OVERHEAD);
    MPI_OK(MPI_Buffer_attach(memory.data(), to_int(memory.size())));
    const Bytes sent = mpitest::pattern(1U << 20U, 2);
    EXPECT_MPI_CLASS(MPI_Bsend(sent.data(), to_int(sent.size()), MPI_BYTE, next(), 1, comm()),
                     MPI_ERR_BUFFER);
    // One that fits still goes.
    MPI_OK(MPI_Bsend(sent.data(), 10'000, MPI_BYTE, next(), 2, comm()));
    Bytes received(10'000);
    MPI_OK(MPI_Recv(received.data(), 10'000, MPI_BYTE, previous(), 2, comm(), MPI_STATUS_IGNORE));
    EXPECT_TRUE(mpitest::is_pattern(received.data(), 10'000, 2));
    void* address = nullptr;
    int size_bytes = 0;
    MPI_OK(MPI_Buffer_detach(&address, &size_bytes));
}

TEST_F(Buffered, WithoutABufferIsErrBuffer) {
    SKIP_ON_PEER(kOpenMpi, "a refused Bsend leaves a gap in the sequence, the next message hangs");
    const Bytes sent(100'000);
    EXPECT_MPI_CLASS(MPI_Bsend(sent.data(), to_int(sent.size()), MPI_BYTE, next(), 1, comm()),
                     MPI_ERR_BUFFER);
}

TEST_F(Buffered, SpaceIsUsedAgain) {
    constexpr std::size_t kBytes = 50'000;
    Bytes memory(2 * (kBytes + MPI_BSEND_OVERHEAD));
    MPI_OK(MPI_Buffer_attach(memory.data(), to_int(memory.size())));
    for (int round = 0; round < 50; ++round) {
        const Bytes sent = mpitest::pattern(kBytes, static_cast<std::uint32_t>(round));
        MPI_OK(MPI_Bsend(sent.data(), to_int(kBytes), MPI_BYTE, next(), 1, comm()));
        Bytes received(kBytes);
        MPI_OK(MPI_Recv(received.data(), to_int(kBytes), MPI_BYTE, previous(), 1, comm(),
                        MPI_STATUS_IGNORE));
        EXPECT_TRUE(
            mpitest::is_pattern(received.data(), kBytes, static_cast<std::uint32_t>(round)));
        MPI_OK(MPI_Barrier(comm()));
    }
    void* address = nullptr;
    int size_bytes = 0;
    MPI_OK(MPI_Buffer_detach(&address, &size_bytes));
}

// Detach returns when all messages have left the buffer, so the memory may be overwritten.
TEST_F(Buffered, DetachWaitsForDelivery) {
    NEED_RANKS(2);
    constexpr std::size_t kBytes = 3U << 20U;
    if (rank() == 0) {
        Bytes memory(kBytes + MPI_BSEND_OVERHEAD);
        MPI_OK(MPI_Buffer_attach(memory.data(), to_int(memory.size())));
        const Bytes sent = mpitest::pattern(kBytes, 6);
        MPI_OK(MPI_Bsend(sent.data(), to_int(kBytes), MPI_BYTE, 1, 1, comm()));
        void* address = nullptr;
        int size_bytes = 0;
        MPI_OK(MPI_Buffer_detach(&address, &size_bytes));
        std::fill(memory.begin(), memory.end(), static_cast<unsigned char>(0));
    } else if (rank() == 1) {
        mpitest::sleep_ms(50);
        Bytes received(kBytes);
        MPI_OK(
            MPI_Recv(received.data(), to_int(kBytes), MPI_BYTE, 0, 1, comm(), MPI_STATUS_IGNORE));
        EXPECT_TRUE(mpitest::is_pattern(received.data(), kBytes, 6));
    }
}

TEST_F(Buffered, DerivedTypesArePackedIntoTheBuffer) {
    MPI_Datatype strided = MPI_DATATYPE_NULL;
    MPI_OK(MPI_Type_vector(5000, 2, 5, MPI_INT, &strided));
    MPI_OK(MPI_Type_commit(&strided));
    int packed = 0;
    MPI_OK(MPI_Pack_size(1, strided, comm(), &packed));
    Bytes memory(static_cast<std::size_t>(packed) + MPI_BSEND_OVERHEAD);
    MPI_OK(MPI_Buffer_attach(memory.data(), to_int(memory.size())));
    std::vector<int> sent(25'000);
    for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = to_int(i);
    MPI_OK(MPI_Bsend(sent.data(), 1, strided, next(), 1, comm()));
    std::fill(sent.begin(), sent.end(), -1);
    std::vector<int> received(10'000);
    MPI_OK(MPI_Recv(received.data(), 10'000, MPI_INT, previous(), 1, comm(), MPI_STATUS_IGNORE));
    for (std::size_t i = 0; i < received.size(); ++i)
        ASSERT_EQ(received[i], to_int(i / 2 * 5 + i % 2)) << i;
    void* address = nullptr;
    int size_bytes = 0;
    MPI_OK(MPI_Buffer_detach(&address, &size_bytes));
    MPI_OK(MPI_Type_free(&strided));
}

// A synchronous send completes only once the matching receive has started; however small.
TEST_F(SendCompletion, SynchronousWaitsForTheReceive) {
    for (const std::size_t size_bytes : {std::size_t{0}, std::size_t{1}, std::size_t{100'000}}) {
        SCOPED_TRACE(size_bytes);
        const Bytes sent(size_bytes);
        Bytes received(size_bytes);
        MPI_Request send = MPI_REQUEST_NULL;
        MPI_OK(MPI_Issend(sent.data(), to_int(size_bytes), MPI_BYTE, next(), 1, comm(), &send));
        for (int i = 0; i < 20; ++i) {
            int flag = 1;
            MPI_OK(MPI_Test(&send, &flag, MPI_STATUS_IGNORE));
            ASSERT_EQ(flag, 0) << "complete before the receive was posted";
            mpitest::sleep_ms(1);
        }
        MPI_OK(MPI_Barrier(comm()));
        MPI_OK(MPI_Recv(received.data(), to_int(size_bytes), MPI_BYTE, previous(), 1, comm(),
                        MPI_STATUS_IGNORE));
        MPI_OK(MPI_Wait(&send, MPI_STATUS_IGNORE));
    }
}

TEST_F(SendCompletion, BlockingSynchronousReturnsAfterTheReceiveIsPosted) {
    NEED_RANKS(2);
    constexpr int kLateMs = 60;
    if (rank() == 0) {
        MPI_OK(MPI_Barrier(comm()));
        const double start = MPI_Wtime();
        MPI_OK(MPI_Ssend(nullptr, 0, MPI_BYTE, 1, 1, comm()));
        EXPECT_GE(MPI_Wtime() - start, 0.5e-3 * kLateMs);
    } else {
        MPI_OK(MPI_Barrier(comm()));
        if (rank() != 1) return;
        mpitest::sleep_ms(kLateMs);
        MPI_OK(MPI_Recv(nullptr, 0, MPI_BYTE, 0, 1, comm(), MPI_STATUS_IGNORE));
    }
}

// The status of a send has no defined source or tag, but it says that it was not cancelled.
TEST_F(SendCompletion, AStatusOfASendIsNotCancelled) {
    int received = 0;
    const int sent = 1;
    std::array<MPI_Request, 2> requests{};
    MPI_OK(MPI_Irecv(&received, 1, MPI_INT, previous(), 1, comm(), &requests[0]));
    MPI_OK(MPI_Isend(&sent, 1, MPI_INT, next(), 1, comm(), &requests[1]));
    std::array<MPI_Status, 2> statuses;
    MPI_OK(MPI_Waitall(2, requests.data(), statuses.data()));
    for (const MPI_Status& status : statuses) {
        int cancelled = 1;
        MPI_OK(MPI_Test_cancelled(&status, &cancelled));
        EXPECT_EQ(cancelled, 0);
    }
}

}  // namespace
