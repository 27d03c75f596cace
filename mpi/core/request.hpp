// Requests (MPI-5.0 §3.7): the handle, the communicator and datatype it holds, and the engine's
// operation.
#pragma once

#include <mpi.h>

#include "adi/engine/request.hpp"
#include "mpi/core/comm.hpp"
#include "mpi/core/datatype.hpp"
#include "mpi/core/object.hpp"

namespace mpi {

enum class SendMode : std::uint8_t { standard, buffered, synchronous, ready };

/// A nonblocking or persistent operation. A nonblocking one is destroyed by the call that
/// completes it; a persistent one becomes inactive then.
struct Request : Object, adi::Request {
    Comm* comm = nullptr;      ///< one reference held, null for completed-at-birth requests
    Datatype* type = nullptr;  ///< one reference held
    bool persistent = false;
    bool active = false;  ///< started and not yet completed by the user
    bool proc_null = false;
    bool freed = false;  ///< MPI_Request_free was called while active
    SendMode mode = SendMode::standard;
    // A persistent request's arguments.
    void* user_buffer = nullptr;
    Count count = 0;
    int rank = 0;
    int tag_argument = 0;
};

template <>
struct HandleTraits<Request> {
    static constexpr Kind kind = Kind::request;
    static constexpr Id first = 0x180, count = 1;
};

}  // namespace mpi
