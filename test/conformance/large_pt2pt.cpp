// The variants for large counts of point-to-point calls: with small counts they do what the others
// do. (Large ones: test/stress/large.cpp.)
#include <array>
#include <numeric>

#include "test/support/mpi_test.hpp"

namespace {

class LargePt2pt : public mpitest::MpiTest {
  protected:
    static constexpr MPI_Count kCount = 1000;

    std::vector<int> mine() const {
        std::vector<int> values(kCount);
        std::iota(values.begin(), values.end(), rank() * 10000);
        return values;
    }
    std::vector<int> unset() const { return std::vector<int>(kCount + 1, -1); }

    // Exactly the values of the previous rank came, and the status says so.
    void expect_received(const std::vector<int>& got, const MPI_Status& status, int tag) const {
        for (int i = 0; i < kCount; ++i) {
            ASSERT_EQ(got[static_cast<std::size_t>(i)], previous() * 10000 + i);
        }
        EXPECT_EQ(got[kCount], -1) << "written beyond the message";
        EXPECT_EQ(status.MPI_SOURCE, previous());
        EXPECT_EQ(status.MPI_TAG, tag);
        MPI_Count n = -1;
        MPI_OK(MPI_Get_count_c(&status, MPI_INT, &n));
        EXPECT_EQ(n, kCount);
        MPI_OK(MPI_Get_elements_c(&status, MPI_INT, &n));
        EXPECT_EQ(n, kCount);
    }
};

struct Mode {
    const char* name;
    int (*blocking)(const void*, MPI_Count, MPI_Datatype, int, int, MPI_Comm);
    int (*start)(const void*, MPI_Count, MPI_Datatype, int, int, MPI_Comm, MPI_Request*);
    int (*init)(const void*, MPI_Count, MPI_Datatype, int, int, MPI_Comm, MPI_Request*);
};
constexpr std::array<Mode, 4> kModes{{{"Standard", MPI_Send_c, MPI_Isend_c, MPI_Send_init_c},
                                      {"Buffered", MPI_Bsend_c, MPI_Ibsend_c, MPI_Bsend_init_c},
                                      {"Synchronous", MPI_Ssend_c, MPI_Issend_c, MPI_Ssend_init_c},
                                      {"Ready", MPI_Rsend_c, MPI_Irsend_c, MPI_Rsend_init_c}}};

TEST_F(LargePt2pt, EachModeInEachForm) {
    mpitest::Bytes memory(static_cast<std::size_t>(4 * (kCount * 4 + MPI_BSEND_OVERHEAD)));
    MPI_OK(MPI_Buffer_attach_c(memory.data(), static_cast<MPI_Count>(memory.size())));
    const std::vector<int> out = mine();
    for (const Mode& mode : kModes) {
        SCOPED_TRACE(mode.name);
        MPI_Status status;
        std::vector<int> in = unset();
        MPI_Request receive = MPI_REQUEST_NULL;
        MPI_Request send = MPI_REQUEST_NULL;

        MPI_OK(MPI_Irecv_c(in.data(), kCount + 1, MPI_INT, previous(), 1, comm(), &receive));
        MPI_OK(MPI_Barrier(comm()));  // ready mode: the receive is posted
        MPI_OK(mode.blocking(out.data(), kCount, MPI_INT, next(), 1, comm()));
        MPI_OK(MPI_Wait(&receive, &status));
        expect_received(in, status, 1);

        in = unset();
        MPI_OK(MPI_Irecv_c(in.data(), kCount + 1, MPI_INT, previous(), 2, comm(), &receive));
        MPI_OK(MPI_Barrier(comm()));
        MPI_OK(mode.start(out.data(), kCount, MPI_INT, next(), 2, comm(), &send));
        MPI_OK(MPI_Wait(&receive, &status));
        MPI_OK(MPI_Wait(&send, MPI_STATUS_IGNORE));
        expect_received(in, status, 2);

        in = unset();
        MPI_OK(MPI_Recv_init_c(in.data(), kCount + 1, MPI_INT, previous(), 3, comm(), &receive));
        MPI_OK(mode.init(out.data(), kCount, MPI_INT, next(), 3, comm(), &send));
        MPI_OK(MPI_Start(&receive));
        MPI_OK(MPI_Barrier(comm()));
        MPI_OK(MPI_Start(&send));
        MPI_OK(MPI_Wait(&receive, &status));
        MPI_OK(MPI_Wait(&send, MPI_STATUS_IGNORE));
        expect_received(in, status, 3);
        MPI_OK(MPI_Request_free(&receive));
        MPI_OK(MPI_Request_free(&send));
    }
    void* address = nullptr;
    MPI_Count bytes = 0;
    MPI_OK(MPI_Buffer_detach_c(&address, &bytes));
    EXPECT_EQ(address, memory.data());
    EXPECT_EQ(bytes, static_cast<MPI_Count>(memory.size()));
}

TEST_F(LargePt2pt, SendAndReceiveInOne) {
    const std::vector<int> out = mine();
    std::vector<int> in = unset();
    MPI_Status status;
    MPI_OK(MPI_Sendrecv_c(out.data(), kCount, MPI_INT, next(), 4, in.data(), kCount + 1, MPI_INT,
                          previous(), 4, comm(), &status));
    expect_received(in, status, 4);

    MPI_Request request = MPI_REQUEST_NULL;
    in = unset();
    MPI_OK(MPI_Isendrecv_c(out.data(), kCount, MPI_INT, next(), 5, in.data(), kCount + 1, MPI_INT,
                           previous(), 5, comm(), &request));
    MPI_OK(MPI_Wait(&request, &status));
    expect_received(in, status, 5);

    in = mine();
    in.push_back(-1);
    MPI_OK(MPI_Sendrecv_replace_c(in.data(), kCount, MPI_INT, next(), 6, previous(), 6, comm(),
                                  &status));
    expect_received(in, status, 6);

    in = mine();
    in.push_back(-1);
    MPI_OK(MPI_Isendrecv_replace_c(in.data(), kCount, MPI_INT, next(), 7, previous(), 7, comm(),
                                   &request));
    MPI_OK(MPI_Wait(&request, &status));
    expect_received(in, status, 7);
}

TEST_F(LargePt2pt, MatchedReceives) {
    const std::vector<int> out = mine();
    for (const bool blocking : {true, false}) {
        MPI_Request send = MPI_REQUEST_NULL;
        MPI_OK(MPI_Isend_c(out.data(), kCount, MPI_INT, next(), 8, comm(), &send));
        MPI_Message message = MPI_MESSAGE_NULL;
        MPI_Status status;
        MPI_OK(MPI_Mprobe(previous(), 8, comm(), &message, &status));
        std::vector<int> in = unset();
        if (blocking) {
            MPI_OK(MPI_Mrecv_c(in.data(), kCount + 1, MPI_INT, &message, &status));
        } else {
            MPI_Request receive = MPI_REQUEST_NULL;
            MPI_OK(MPI_Imrecv_c(in.data(), kCount + 1, MPI_INT, &message, &receive));
            MPI_OK(MPI_Wait(&receive, &status));
        }
        EXPECT_EQ(message, MPI_MESSAGE_NULL);
        expect_received(in, status, 8);
        MPI_OK(MPI_Wait(&send, MPI_STATUS_IGNORE));
    }
}

TEST_F(LargePt2pt, StatusOfMoreThanAnIntCounts) {
    MPI_Status status;
    const MPI_Count elements = (MPI_Count{1} << 33) + 3;
    MPI_OK(MPI_Status_set_elements_c(&status, MPI_INT, elements));
    MPI_Count large = -1;
    int small = -1;
    MPI_OK(MPI_Get_count_c(&status, MPI_INT, &large));
    EXPECT_EQ(large, elements);
    MPI_OK(MPI_Get_count(&status, MPI_INT, &small));
    EXPECT_EQ(small, MPI_UNDEFINED);
    MPI_OK(MPI_Get_elements_c(&status, MPI_INT, &large));
    EXPECT_EQ(large, elements);
    MPI_OK(MPI_Get_elements(&status, MPI_INT, &small));
    EXPECT_EQ(small, MPI_UNDEFINED);
}

TEST_F(LargePt2pt, WrongCounts) {
    // Negative, also where the lower half alone would not be.
    for (const MPI_Count bad : {MPI_Count{-1}, -(MPI_Count{1} << 32) + 1}) {
        int value = 0;
        MPI_Request request = MPI_REQUEST_NULL;
        EXPECT_MPI_CLASS(MPI_Send_c(&value, bad, MPI_INT, 0, 0, comm()), MPI_ERR_COUNT);
        EXPECT_MPI_CLASS(MPI_Recv_c(&value, bad, MPI_INT, 0, 0, comm(), MPI_STATUS_IGNORE),
                         MPI_ERR_COUNT);
        EXPECT_MPI_CLASS(MPI_Isend_c(&value, bad, MPI_INT, 0, 0, comm(), &request), MPI_ERR_COUNT);
        EXPECT_MPI_CLASS(MPI_Bcast_c(&value, bad, MPI_INT, 0, comm()), MPI_ERR_COUNT);
    }
}

TEST_F(LargePt2pt, NothingToOrFromNoProcess) {
    MPI_Status status;
    int value = 3;
    MPI_OK(MPI_Send_c(&value, 1, MPI_INT, MPI_PROC_NULL, 0, comm()));
    MPI_OK(MPI_Recv_c(&value, 1, MPI_INT, MPI_PROC_NULL, 0, comm(), &status));
    EXPECT_EQ(value, 3);
    EXPECT_EQ(status.MPI_SOURCE, MPI_PROC_NULL);
}

}  // namespace
