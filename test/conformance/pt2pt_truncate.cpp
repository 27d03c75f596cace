// Messages longer than the receive buffer: MPI_ERR_TRUNCATE, nothing written beyond the buffer, and
// a library that works on.
#include "test/conformance/pt2pt.hpp"

namespace {

using mpitest::Bytes;
using mpitest::to_int;

class Truncation : public mpitest::MpiTest {
  protected:
    void SetUp() override {
        MpiTest::SetUp();
        if (size() == 1) SKIP_ON_PEER(kOpenMpi, "truncates messages to oneself without a word");
    }

    // After the error: another message of the same size on the same path still works.
    void expect_usable(std::size_t size_bytes) {
        const Bytes sent = mpitest::pattern(size_bytes, 77);
        Bytes received(size_bytes);
        MPI_Status status;
        MPI_OK(MPI_Sendrecv(sent.data(), to_int(size_bytes), MPI_BYTE, next(), 55, received.data(),
                            to_int(size_bytes), MPI_BYTE, previous(), 55, comm(), &status));
        EXPECT_TRUE(mpitest::is_pattern(received.data(), size_bytes, 77));
        EXPECT_TRUE(pt2pt::status_is(status, previous(), 55, size_bytes));
    }

    static std::vector<std::size_t> sizes_bytes() {
        return {1, 8, 40, 97, 1024, 8192, 65536, 1U << 20U, 5U << 20U};
    }
};

void expect_guard(const Bytes& buffer, std::size_t from) {
    EXPECT_TRUE(mpitest::is_filled(buffer.data() + from, buffer.size() - from, 0xEE))
        << "written beyond the receive buffer, from " << from << " on";
}

TEST_F(Truncation, BlockingReceive) {
    SKIP_ON_PEER(kOpenMpi, "writes beyond a receive buffer that is too short");
    for (const std::size_t size_bytes : sizes_bytes()) {
        for (const std::size_t room_bytes : {std::size_t{0}, size_bytes / 2, size_bytes - 1}) {
            SCOPED_TRACE(std::to_string(size_bytes) + " into " + std::to_string(room_bytes));
            const Bytes sent = mpitest::pattern(size_bytes, 1);
            MPI_Request send = MPI_REQUEST_NULL;
            MPI_OK(MPI_Isend(sent.data(), to_int(size_bytes), MPI_BYTE, next(), 4, comm(), &send));
            Bytes received(size_bytes + 64, 0xEE);
            MPI_Status status;
            EXPECT_MPI_CLASS(MPI_Recv(received.data(), to_int(room_bytes), MPI_BYTE, previous(), 4,
                                      comm(), &status),
                             MPI_ERR_TRUNCATE);
            EXPECT_EQ(status.MPI_SOURCE, previous());
            EXPECT_EQ(status.MPI_TAG, 4);
            expect_guard(received, room_bytes);
            MPI_OK(MPI_Wait(&send, MPI_STATUS_IGNORE));
            expect_usable(size_bytes);
        }
    }
}

TEST_F(Truncation, PostedReceiveAndWait) {
    SKIP_ON_PEER(kOpenMpi, "writes beyond a receive buffer that is too short");
    for (const std::size_t size_bytes : sizes_bytes()) {
        SCOPED_TRACE(size_bytes);
        const std::size_t room_bytes = size_bytes / 2;
        Bytes received(size_bytes + 64, 0xEE);
        MPI_Request receive = MPI_REQUEST_NULL;
        MPI_OK(MPI_Irecv(received.data(), to_int(room_bytes), MPI_BYTE, MPI_ANY_SOURCE, MPI_ANY_TAG,
                         comm(), &receive));
        MPI_OK(MPI_Barrier(comm()));
        const Bytes sent = mpitest::pattern(size_bytes, 1);
        MPI_Request send = MPI_REQUEST_NULL;
        MPI_OK(MPI_Isend(sent.data(), to_int(size_bytes), MPI_BYTE, next(), 4, comm(), &send));
        MPI_Status status;
        EXPECT_MPI_CLASS(MPI_Wait(&receive, &status), MPI_ERR_TRUNCATE);
        EXPECT_TRUE(receive == MPI_REQUEST_NULL);
        EXPECT_EQ(status.MPI_SOURCE, previous());
        EXPECT_EQ(status.MPI_TAG, 4);
        expect_guard(received, room_bytes);
        MPI_OK(MPI_Wait(&send, MPI_STATUS_IGNORE));
        expect_usable(size_bytes);
    }
}

TEST_F(Truncation, SynchronousSendCompletes) {
    SKIP_ON_PEER(kOpenMpi, "writes beyond a receive buffer that is too short");
    for (const std::size_t size_bytes : sizes_bytes()) {
        SCOPED_TRACE(size_bytes);
        const Bytes sent = mpitest::pattern(size_bytes, 1);
        MPI_Request send = MPI_REQUEST_NULL;
        MPI_OK(MPI_Issend(sent.data(), to_int(size_bytes), MPI_BYTE, next(), 4, comm(), &send));
        EXPECT_MPI_CLASS(MPI_Recv(nullptr, 0, MPI_BYTE, previous(), 4, comm(), MPI_STATUS_IGNORE),
                         MPI_ERR_TRUNCATE);
        MPI_OK(MPI_Wait(&send, MPI_STATUS_IGNORE));
        expect_usable(size_bytes);
    }
}

TEST_F(Truncation, OfADerivedType) {
    SKIP_ON_PEER(kOpenMpi, "writes beyond a receive buffer that is too short");
    MPI_Datatype strided = MPI_DATATYPE_NULL;
    MPI_OK(MPI_Type_vector(1000, 1, 2, MPI_INT, &strided));
    MPI_OK(MPI_Type_commit(&strided));
    for (const int sent_ints : {1001, 2000, 300'000}) {
        SCOPED_TRACE(sent_ints);
        const std::vector<int> sent(static_cast<std::size_t>(sent_ints), 3);
        MPI_Request send = MPI_REQUEST_NULL;
        MPI_OK(MPI_Isend(sent.data(), sent_ints, MPI_INT, next(), 1, comm(), &send));
        std::vector<int> received(2001, -1);
        EXPECT_MPI_CLASS(
            MPI_Recv(received.data(), 1, strided, previous(), 1, comm(), MPI_STATUS_IGNORE),
            MPI_ERR_TRUNCATE);
        for (std::size_t i = 1; i < 1999; i += 2)
            ASSERT_EQ(received[i], -1) << "a gap was written, " << i;
        EXPECT_EQ(received[1999], -1);
        EXPECT_EQ(received[2000], -1);
        MPI_OK(MPI_Wait(&send, MPI_STATUS_IGNORE));
    }
    expect_usable(4000);
    MPI_OK(MPI_Type_free(&strided));
}

// One of several fails: MPI_ERR_IN_STATUS, and each status says how its own request went.
TEST_F(Truncation, WaitallSaysErrInStatus) {
    std::array<int, 4> received{};
    std::array<MPI_Request, 3> requests{};
    MPI_OK(MPI_Irecv(&received[0], 1, MPI_INT, previous(), 1, comm(), &requests[0]));
    MPI_OK(MPI_Irecv(&received[1], 1, MPI_INT, previous(), 2, comm(), &requests[1]));
    MPI_OK(MPI_Irecv(&received[2], 1, MPI_INT, previous(), 3, comm(), &requests[2]));
    MPI_OK(MPI_Barrier(comm()));
    const std::array<int, 2> sent{5, 6};
    for (int tag = 1; tag <= 3; ++tag)
        MPI_OK(MPI_Send(sent.data(), tag == 2 ? 2 : 1, MPI_INT, next(), tag, comm()));
    std::array<MPI_Status, 3> statuses;
    EXPECT_MPI_CLASS(MPI_Waitall(3, requests.data(), statuses.data()), MPI_ERR_IN_STATUS);
    EXPECT_EQ(mpitest::class_of(statuses[1].MPI_ERROR), MPI_ERR_TRUNCATE);
    EXPECT_TRUE(requests[1] == MPI_REQUEST_NULL);
    // The others have succeeded, or are pending and still there to be waited for.
    for (const std::size_t i : {std::size_t{0}, std::size_t{2}}) {
        if (mpitest::class_of(statuses[i].MPI_ERROR) == MPI_ERR_PENDING) {
            EXPECT_TRUE(requests[i] != MPI_REQUEST_NULL);
            MPI_OK(MPI_Wait(&requests[i], &statuses[i]));
        } else {
            EXPECT_EQ(statuses[i].MPI_ERROR, MPI_SUCCESS);
        }
        EXPECT_TRUE(requests[i] == MPI_REQUEST_NULL);
        EXPECT_TRUE(pt2pt::status_is(statuses[i], previous(), to_int(i) + 1, sizeof(int)));
        EXPECT_EQ(received[i], 5);
    }
}

TEST_F(Truncation, WaitsomeAndTestallSayErrInStatus) {
    for (const bool some : {true, false}) {
        SCOPED_TRACE(some ? "Waitsome" : "Testall");
        std::array<int, 2> received{};
        MPI_Request request = MPI_REQUEST_NULL;
        MPI_OK(MPI_Irecv(received.data(), 1, MPI_INT, previous(), 1, comm(), &request));
        MPI_OK(MPI_Barrier(comm()));
        const std::array<int, 2> sent{5, 6};
        MPI_OK(MPI_Send(sent.data(), 2, MPI_INT, next(), 1, comm()));
        MPI_Status status;
        int result = MPI_SUCCESS;
        if (some) {
            int completed = 0;
            int index = -1;
            result = MPI_Waitsome(1, &request, &completed, &index, &status);
            EXPECT_EQ(completed, 1);
            EXPECT_EQ(index, 0);
        } else {
            int flag = 0;
            while (flag == 0 && result == MPI_SUCCESS)
                result = MPI_Testall(1, &request, &flag, &status);
        }
        EXPECT_MPI_CLASS(result, MPI_ERR_IN_STATUS);
        EXPECT_EQ(mpitest::class_of(status.MPI_ERROR), MPI_ERR_TRUNCATE);
    }
}

TEST_F(Truncation, WaitanyReturnsTheErrorItself) {
    std::array<int, 2> received{};
    std::array<MPI_Request, 2> requests{MPI_REQUEST_NULL, MPI_REQUEST_NULL};
    MPI_OK(MPI_Irecv(received.data(), 1, MPI_INT, previous(), 1, comm(), &requests[1]));
    MPI_OK(MPI_Barrier(comm()));
    const std::array<int, 2> sent{5, 6};
    MPI_OK(MPI_Send(sent.data(), 2, MPI_INT, next(), 1, comm()));
    int index = -1;
    MPI_Status status;
    EXPECT_MPI_CLASS(MPI_Waitany(2, requests.data(), &index, &status), MPI_ERR_TRUNCATE);
    EXPECT_EQ(index, 1);
    EXPECT_TRUE(requests[1] == MPI_REQUEST_NULL);
}

// The status of single completions leaves MPI_ERROR alone.
TEST_F(Truncation, SuccessDoesNotTouchTheErrorField) {
    MPI_Status status;
    status.MPI_ERROR = 12345;
    const int sent = 1;
    int received = 0;
    MPI_OK(MPI_Sendrecv(&sent, 1, MPI_INT, next(), 1, &received, 1, MPI_INT, previous(), 1, comm(),
                        &status));
    EXPECT_EQ(status.MPI_ERROR, 12345);
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_OK(MPI_Irecv(&received, 1, MPI_INT, previous(), 1, comm(), &request));
    MPI_OK(MPI_Send(&sent, 1, MPI_INT, next(), 1, comm()));
    MPI_OK(MPI_Wait(&request, &status));
    EXPECT_EQ(status.MPI_ERROR, 12345);
}

TEST_F(Truncation, InSendrecvAndSendrecvReplace) {
    const std::array<int, 4> sent{1, 2, 3, 4};
    std::array<int, 4> received{};
    MPI_Status status;
    EXPECT_MPI_CLASS(MPI_Sendrecv(sent.data(), 4, MPI_INT, next(), 1, received.data(), 2, MPI_INT,
                                  previous(), 1, comm(), &status),
                     MPI_ERR_TRUNCATE);
    EXPECT_EQ(received[2], 0);
    expect_usable(16);
}

}  // namespace
