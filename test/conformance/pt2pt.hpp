// What the point-to-point tests share: the send modes as a table, and checks of a status.
#pragma once

#include <algorithm>
#include <array>
#include <ostream>

#include "test/support/mpi_test.hpp"

namespace pt2pt {

// One of the four send modes with its three functions.
struct SendMode {
    using Blocking = int (*)(const void*, int, MPI_Datatype, int, int, MPI_Comm);
    using Start = int (*)(const void*, int, MPI_Datatype, int, int, MPI_Comm, MPI_Request*);

    const char* name;
    Blocking blocking;
    Start nonblocking;
    Start init;
    bool buffered = false;
    bool ready = false;
};

inline std::ostream& operator<<(std::ostream& out, const SendMode& mode) {
    return out << mode.name;
}

inline std::vector<SendMode> send_modes() {
    return {{"Standard", MPI_Send, MPI_Isend, MPI_Send_init},
            {"Buffered", MPI_Bsend, MPI_Ibsend, MPI_Bsend_init, true, false},
            {"Synchronous", MPI_Ssend, MPI_Issend, MPI_Ssend_init},
            {"Ready", MPI_Rsend, MPI_Irsend, MPI_Rsend_init, false, true}};
}

// Attaches a buffer for buffered sends and detaches it at the end of the scope.
class AttachedBuffer {
  public:
    AttachedBuffer(bool wanted, std::size_t size_bytes) : wanted_(wanted) {
        if (!wanted_) return;
        memory_.resize(size_bytes + MPI_BSEND_OVERHEAD);
        EXPECT_MPI_OK(MPI_Buffer_attach(memory_.data(), mpitest::to_int(memory_.size())));
    }
    ~AttachedBuffer() {
        if (!wanted_) return;
        void* address = nullptr;
        int size_bytes = 0;
        EXPECT_MPI_OK(MPI_Buffer_detach(&address, &size_bytes));
        EXPECT_EQ(address, memory_.data());
        EXPECT_EQ(size_bytes, mpitest::to_int(memory_.size()));
    }
    AttachedBuffer(const AttachedBuffer&) = delete;
    AttachedBuffer& operator=(const AttachedBuffer&) = delete;

  private:
    bool wanted_;
    mpitest::Bytes memory_;
};

// Source, tag, and size in bytes of a completed receive.
inline testing::AssertionResult status_is(const MPI_Status& status, int source, int tag,
                                          std::size_t size_bytes) {
    int count = -1;
    MPI_Get_count(&status, MPI_BYTE, &count);
    if (status.MPI_SOURCE == source && status.MPI_TAG == tag &&
        count == mpitest::to_int(size_bytes))
        return testing::AssertionSuccess();
    return testing::AssertionFailure()
           << "status has source " << status.MPI_SOURCE << ", tag " << status.MPI_TAG << ", "
           << count << " bytes; expected source " << source << ", tag " << tag << ", " << size_bytes
           << " bytes";
}

// The standard's empty status: source MPI_ANY_SOURCE, tag MPI_ANY_TAG, count 0, not cancelled. It
// is what a wait for a null or inactive request gives.
inline testing::AssertionResult status_is_empty(const MPI_Status& status) {
    int cancelled = -1;
    MPI_Test_cancelled(&status, &cancelled);
    if (cancelled != 0)
        return testing::AssertionFailure() << "the status says cancelled: " << cancelled;
    return status_is(status, MPI_ANY_SOURCE, MPI_ANY_TAG, 0);
}

// The status of a receive from MPI_PROC_NULL.
inline testing::AssertionResult status_is_proc_null(const MPI_Status& status) {
    return status_is(status, MPI_PROC_NULL, MPI_ANY_TAG, 0);
}

}  // namespace pt2pt
