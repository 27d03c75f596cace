// Sessions (MPI-5.0 §11.3).
#pragma once

#include <mpi.h>

#include <memory>

#include "mpi/core/errhandler.hpp"
#include "mpi/core/object.hpp"

namespace mpi {

namespace pt2pt {
class SendBuffer;
}

/// One use of MPI by a part of the program. Nothing hangs on it but what is said here: the objects
/// made from it live by themselves.
struct Session : Object {
    Errhandler* errhandler = nullptr;  ///< one reference held
    int thread_level = MPI_THREAD_SINGLE;
    /// MPI_Session_attach_buffer; shared with the groups that are made from the session.
    std::shared_ptr<std::shared_ptr<pt2pt::SendBuffer>> send_buffer;
};

template <>
struct HandleTraits<Session> {
    static constexpr Kind kind = Kind::session;
    static constexpr Id first = 0x120, count = 1;
};

}  // namespace mpi
