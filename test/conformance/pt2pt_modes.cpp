// The four send modes, each blocking, nonblocking and persistent: contents and status arrive at
// every size at which a protocol changes, to oneself and to others, expected and unexpected.
#include "test/conformance/pt2pt.hpp"

namespace {

using mpitest::Bytes;
using mpitest::pattern;
using mpitest::to_int;

class SendModes : public mpitest::MpiTest, public testing::WithParamInterface<pt2pt::SendMode> {};

// Room for all messages of one test at once: a sender need not know that an earlier one has
// arrived.
constexpr std::size_t kBufferBytes = 16U << 20U;

std::uint32_t seed_of(int source, std::size_t size_bytes) {
    return static_cast<std::uint32_t>(source) * 131U + static_cast<std::uint32_t>(size_bytes);
}

TEST_P(SendModes, BlockingToThePostedReceiveOfTheNext) {
    const pt2pt::AttachedBuffer buffer(GetParam().buffered, kBufferBytes);
    for (const std::size_t size_bytes : mpitest::protocol_sizes_bytes()) {
        SCOPED_TRACE(size_bytes);
        Bytes received(size_bytes + 1, 0xEE);
        MPI_Request request = MPI_REQUEST_NULL;
        MPI_OK(MPI_Irecv(received.data(), to_int(size_bytes), MPI_BYTE, previous(), 7, comm(),
                         &request));
        MPI_OK(MPI_Barrier(comm()));
        const Bytes sent = pattern(size_bytes, seed_of(rank(), size_bytes));
        MPI_OK(GetParam().blocking(sent.data(), to_int(size_bytes), MPI_BYTE, next(), 7, comm()));
        MPI_Status status;
        MPI_OK(MPI_Wait(&request, &status));
        EXPECT_TRUE(request == MPI_REQUEST_NULL);
        EXPECT_TRUE(
            mpitest::is_pattern(received.data(), size_bytes, seed_of(previous(), size_bytes)));
        EXPECT_EQ(received[size_bytes], 0xEE) << "written beyond the end";
        EXPECT_TRUE(pt2pt::status_is(status, previous(), 7, size_bytes));
    }
}

TEST_P(SendModes, BlockingPingPong) {
    NEED_RANKS(2);
    const pt2pt::AttachedBuffer buffer(GetParam().buffered, kBufferBytes);
    // Pairs (0,1), (2,3)…; a rank without a partner sits it out.
    const int partner = rank() ^ 1;
    if (partner >= size()) return;
    for (const std::size_t size_bytes : mpitest::protocol_sizes_bytes()) {
        SCOPED_TRACE(size_bytes);
        for (int turn = 0; turn < 2; ++turn) {
            const bool sending = (rank() & 1) == turn;
            const auto seed = static_cast<std::uint32_t>(turn) + seed_of(0, size_bytes);
            Bytes data = sending ? pattern(size_bytes, seed) : Bytes(size_bytes, 0);
            // The empty message tells a ready sender that the receive is posted.
            if (sending) {
                MPI_OK(MPI_Recv(nullptr, 0, MPI_BYTE, partner, 1, comm(), MPI_STATUS_IGNORE));
                MPI_OK(GetParam().blocking(data.data(), to_int(size_bytes), MPI_BYTE, partner, 2,
                                           comm()));
            } else {
                MPI_Request request = MPI_REQUEST_NULL;
                MPI_OK(MPI_Irecv(data.data(), to_int(size_bytes), MPI_BYTE, partner, 2, comm(),
                                 &request));
                MPI_OK(MPI_Send(nullptr, 0, MPI_BYTE, partner, 1, comm()));
                MPI_Status status;
                MPI_OK(MPI_Wait(&request, &status));
                EXPECT_TRUE(mpitest::is_pattern(data.data(), size_bytes, seed));
                EXPECT_TRUE(pt2pt::status_is(status, partner, 2, size_bytes));
            }
        }
    }
}

TEST_P(SendModes, NonblockingFromAllToAll) {
    const pt2pt::AttachedBuffer buffer(GetParam().buffered,
                                       static_cast<std::size_t>(size()) * (2U << 20U));
    const auto ranks = static_cast<std::size_t>(size());
    for (const std::size_t size_bytes : mpitest::few_sizes_bytes()) {
        SCOPED_TRACE(size_bytes);
        std::vector<Bytes> received(ranks, Bytes(size_bytes, 0));
        std::vector<MPI_Request> requests(2 * ranks, MPI_REQUEST_NULL);
        for (int source = 0; source < size(); ++source) {
            const auto i = static_cast<std::size_t>(source);
            MPI_OK(MPI_Irecv(received[i].data(), to_int(size_bytes), MPI_BYTE, source, 3, comm(),
                             &requests[i]));
        }
        MPI_OK(MPI_Barrier(comm()));
        const Bytes sent = pattern(size_bytes, seed_of(rank(), size_bytes));
        for (int target = 0; target < size(); ++target) {
            const auto i = static_cast<std::size_t>(target);
            MPI_OK(GetParam().nonblocking(sent.data(), to_int(size_bytes), MPI_BYTE, target, 3,
                                          comm(), &requests[ranks + i]));
        }
        std::vector<MPI_Status> statuses(2 * ranks);
        MPI_OK(MPI_Waitall(to_int(2 * ranks), requests.data(), statuses.data()));
        for (int source = 0; source < size(); ++source) {
            const auto i = static_cast<std::size_t>(source);
            EXPECT_TRUE(
                mpitest::is_pattern(received[i].data(), size_bytes, seed_of(source, size_bytes)));
            EXPECT_TRUE(pt2pt::status_is(statuses[i], source, 3, size_bytes));
        }
    }
}

TEST_P(SendModes, NonblockingToALateReceiver) {
    if (GetParam().ready) GTEST_SKIP() << "a ready send needs a posted receive";
    const pt2pt::AttachedBuffer buffer(GetParam().buffered, kBufferBytes);
    for (const std::size_t size_bytes : mpitest::protocol_sizes_bytes()) {
        SCOPED_TRACE(size_bytes);
        const Bytes sent = pattern(size_bytes, seed_of(rank(), size_bytes));
        MPI_Request request = MPI_REQUEST_NULL;
        MPI_OK(GetParam().nonblocking(sent.data(), to_int(size_bytes), MPI_BYTE, next(), 9, comm(),
                                      &request));
        MPI_OK(MPI_Barrier(comm()));
        Bytes received(size_bytes, 0);
        MPI_Status status;
        MPI_OK(MPI_Recv(received.data(), to_int(size_bytes), MPI_BYTE, previous(), 9, comm(),
                        &status));
        EXPECT_TRUE(
            mpitest::is_pattern(received.data(), size_bytes, seed_of(previous(), size_bytes)));
        EXPECT_TRUE(pt2pt::status_is(status, previous(), 9, size_bytes));
        MPI_OK(MPI_Wait(&request, MPI_STATUS_IGNORE));
    }
}

TEST_P(SendModes, PersistentRestartsWithNewContents) {
    if (GetParam().buffered)
        SKIP_ON_PEER(kOpenMpi, "a restarted Bsend_init sends the old contents");
    const pt2pt::AttachedBuffer buffer(GetParam().buffered, kBufferBytes);
    for (const std::size_t size_bytes : mpitest::few_sizes_bytes()) {
        SCOPED_TRACE(size_bytes);
        Bytes sent(size_bytes);
        Bytes received(size_bytes);
        MPI_Request send = MPI_REQUEST_NULL;
        MPI_Request receive = MPI_REQUEST_NULL;
        MPI_OK(
            GetParam().init(sent.data(), to_int(size_bytes), MPI_BYTE, next(), 4, comm(), &send));
        MPI_OK(MPI_Recv_init(received.data(), to_int(size_bytes), MPI_BYTE, previous(), 4, comm(),
                             &receive));
        for (std::uint32_t round = 0; round < 4; ++round) {
            mpitest::fill_pattern(sent, seed_of(rank(), round));
            std::fill(received.begin(), received.end(), static_cast<unsigned char>(0));
            MPI_OK(MPI_Start(&receive));
            MPI_OK(MPI_Barrier(comm()));
            MPI_OK(MPI_Start(&send));
            MPI_Status status;
            MPI_OK(MPI_Wait(&receive, &status));
            MPI_OK(MPI_Wait(&send, MPI_STATUS_IGNORE));
            EXPECT_TRUE(send != MPI_REQUEST_NULL) << "a persistent request survives its completion";
            EXPECT_TRUE(
                mpitest::is_pattern(received.data(), size_bytes, seed_of(previous(), round)));
            EXPECT_TRUE(pt2pt::status_is(status, previous(), 4, size_bytes));
        }
        MPI_OK(MPI_Request_free(&send));
        MPI_OK(MPI_Request_free(&receive));
        EXPECT_TRUE(send == MPI_REQUEST_NULL);
    }
}

TEST_P(SendModes, ToProcNullDoesNothing) {
    int value = 5;
    MPI_OK(GetParam().blocking(&value, 1, MPI_INT, MPI_PROC_NULL, 1, comm()));
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_OK(GetParam().nonblocking(&value, 1, MPI_INT, MPI_PROC_NULL, 1, comm(), &request));
    MPI_OK(MPI_Wait(&request, MPI_STATUS_IGNORE));
    EXPECT_TRUE(request == MPI_REQUEST_NULL);
    MPI_OK(GetParam().init(&value, 1, MPI_INT, MPI_PROC_NULL, 1, comm(), &request));
    for (int round = 0; round < 2; ++round) {
        MPI_OK(MPI_Start(&request));
        MPI_OK(MPI_Wait(&request, MPI_STATUS_IGNORE));
    }
    MPI_OK(MPI_Request_free(&request));
}

INSTANTIATE_TEST_SUITE_P(Pt2pt, SendModes, testing::ValuesIn(pt2pt::send_modes()),
                         [](const auto& mode) { return std::string(mode.param.name); });

}  // namespace
