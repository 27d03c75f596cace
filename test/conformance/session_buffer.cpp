// Buffers for buffered sends that belong to a session (MPI-5.0 §3.6): they serve the communicators
// made from it, and those made from these.
#include <vector>

#include "test/conformance/errors.hpp"

namespace {

class SessionBuffer : public errors::ErrorTest {
  protected:
    void SetUp() override {
        ErrorTest::SetUp();
        MPI_OK(MPI_Session_init(MPI_INFO_NULL, MPI_ERRORS_RETURN, &session_));
        MPI_OK(MPI_Group_from_session_pset(session_, "mpi://WORLD", &group_));
        MPI_OK(MPI_Comm_create_from_group(group_, "buffer", MPI_INFO_NULL, MPI_ERRORS_RETURN,
                                          &of_session_));
    }
    void TearDown() override {
        if (of_session_ != MPI_COMM_NULL) {
            MPI_OK(MPI_Comm_free(&of_session_));
        }
        if (group_ != MPI_GROUP_NULL) {
            MPI_OK(MPI_Group_free(&group_));
        }
        if (session_ != MPI_SESSION_NULL) {
            MPI_OK(MPI_Session_finalize(&session_));
        }
        ErrorTest::TearDown();
    }

    /// A buffered send around the ring; the error class of the send.
    int send_around(MPI_Comm comm) {
        const int value = 100 + rank();
        const int outcome = MPI_Bsend(&value, 1, MPI_INT, next(), 3, comm);
        if (outcome == MPI_SUCCESS) {
            int got = 0;
            EXPECT_MPI_OK(MPI_Recv(&got, 1, MPI_INT, previous(), 3, comm, MPI_STATUS_IGNORE));
            EXPECT_EQ(got, 100 + previous());
        }
        return outcome;
    }

    MPI_Session session_ = MPI_SESSION_NULL;
    MPI_Group group_ = MPI_GROUP_NULL;
    MPI_Comm of_session_ = MPI_COMM_NULL;
};

TEST_F(SessionBuffer, ServesItsCommunicatorsOnly) {
    std::vector<char> memory(1000 + MPI_BSEND_OVERHEAD);
    EXPECT_EQ(send_around(of_session_), MPI_ERR_BUFFER);
    MPI_OK(MPI_Session_attach_buffer(session_, memory.data(), static_cast<int>(memory.size())));
    EXPECT_EQ(send_around(of_session_), MPI_SUCCESS);
    EXPECT_EQ(send_around(comm()), MPI_ERR_BUFFER);  // of the world: the process has no buffer

    MPI_Group part = MPI_GROUP_NULL;
    MPI_Comm derived[3] = {MPI_COMM_NULL, MPI_COMM_NULL, MPI_COMM_NULL};
    MPI_OK(MPI_Comm_dup(of_session_, &derived[0]));
    MPI_OK(MPI_Comm_split(derived[0], 0, rank(), &derived[1]));
    MPI_OK(MPI_Comm_group(derived[1], &part));
    MPI_OK(MPI_Comm_create(derived[1], part, &derived[2]));
    for (MPI_Comm& each : derived) {
        EXPECT_EQ(send_around(each), MPI_SUCCESS);
        MPI_OK(MPI_Comm_free(&each));
    }
    MPI_OK(MPI_Group_free(&part));

    MPI_OK(MPI_Session_flush_buffer(session_));
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_OK(MPI_Session_iflush_buffer(session_, &request));
    MPI_OK(MPI_Wait(&request, MPI_STATUS_IGNORE));
    void* address = nullptr;
    MPI_Count size_bytes = 0;
    MPI_OK(MPI_Session_detach_buffer_c(session_, &address, &size_bytes));
    EXPECT_EQ(address, memory.data());
    EXPECT_EQ(size_bytes, static_cast<MPI_Count>(memory.size()));
    EXPECT_EQ(send_around(of_session_), MPI_ERR_BUFFER);

    // Without one, that of the process serves.
    MPI_OK(MPI_Buffer_attach(memory.data(), static_cast<int>(memory.size())));
    EXPECT_EQ(send_around(of_session_), MPI_SUCCESS);
    int size = 0;
    MPI_OK(MPI_Buffer_detach(&address, &size));
}

TEST_F(SessionBuffer, TheCommunicatorsOwnComesFirst) {
    std::vector<char> small(MPI_BSEND_OVERHEAD + 64);
    MPI_OK(MPI_Session_attach_buffer_c(session_, MPI_BUFFER_AUTOMATIC, 0));
    MPI_OK(MPI_Comm_attach_buffer(of_session_, small.data(), static_cast<int>(small.size())));
    const std::vector<char> message(10000, 'x');
    EXPECT_MPI_CLASS(MPI_Bsend(message.data(), 10000, MPI_CHAR, next(), 3, of_session_),
                     MPI_ERR_BUFFER);
    EXPECT_EQ(send_around(of_session_), MPI_SUCCESS);
    void* address = nullptr;
    int size_bytes = 0;
    MPI_OK(MPI_Comm_detach_buffer(of_session_, &address, &size_bytes));
    EXPECT_EQ(send_around(of_session_), MPI_SUCCESS);
    MPI_OK(MPI_Session_detach_buffer(session_, &address, &size_bytes));
    EXPECT_EQ(address, MPI_BUFFER_AUTOMATIC);
}

TEST_F(SessionBuffer, EachErrorClass) {
    std::vector<char> memory(1000);
    MPI_Request request = MPI_REQUEST_NULL;
    void* address = nullptr;
    int size_bytes = 0;
    const MPI_Session none = MPI_SESSION_NULL;
    EXPECT_MPI_CLASS(MPI_Session_attach_buffer(none, memory.data(), 1000), MPI_ERR_SESSION);
    EXPECT_MPI_CLASS(MPI_Session_detach_buffer(none, &address, &size_bytes), MPI_ERR_SESSION);
    EXPECT_MPI_CLASS(MPI_Session_flush_buffer(none), MPI_ERR_SESSION);
    EXPECT_MPI_CLASS(MPI_Session_iflush_buffer(none, &request), MPI_ERR_SESSION);
    EXPECT_MPI_CLASS(MPI_Session_attach_buffer(session_, memory.data(), -1), MPI_ERR_ARG);
    EXPECT_MPI_CLASS(MPI_Session_detach_buffer(session_, &address, &size_bytes), MPI_ERR_BUFFER);
    MPI_OK(MPI_Session_attach_buffer(session_, memory.data(), 1000));
    EXPECT_MPI_CLASS(MPI_Session_attach_buffer(session_, memory.data(), 1000), MPI_ERR_BUFFER);
    MPI_OK(MPI_Session_detach_buffer(session_, &address, &size_bytes));
}

}  // namespace
