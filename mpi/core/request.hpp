// Requests (MPI-5.0 §3.7): the handle, the communicator and datatype it holds, and the engine's
// operation.
#pragma once

#include <mpi.h>

#include <memory>

#include "adi/engine/request.hpp"
#include "mpi/core/comm.hpp"
#include "mpi/core/datatype.hpp"
#include "mpi/core/error.hpp"
#include "mpi/core/object.hpp"

namespace mpi {

struct Request;

/// What a request does that is not one send or one receive: a collective, a generalized request.
/// It hangs on its request and is destroyed with it. Its request completes by Engine::finish().
class Operation {
  public:
    Operation() = default;
    virtual ~Operation() = default;
    Operation(const Operation&) = delete;
    Operation& operator=(const Operation&) = delete;

    /// MPI_Start of a persistent request: begins the operation once more.
    virtual Status start(Request& request) = 0;
    /// The request is complete: fills `status` (which may be null) and gives the operation's
    /// outcome. Called once by the call that completes the request, and by each
    /// MPI_Request_get_status.
    virtual Status outcome(Request& request, MPI_Status* status) = 0;
    /// MPI_Cancel.
    virtual Status cancel(Request& request) = 0;
    /// May MPI_Request_free take the request now?
    virtual Status check_free(Request&) { return Status::ok; }
    /// Called once when nobody will ask for the outcome any more, before the destructor.
    virtual Status free(Request&) { return Status::ok; }
};

enum class SendMode : std::uint8_t { standard, buffered, synchronous, ready };

/// A nonblocking or persistent operation. A nonblocking one is destroyed by the call that
/// completes it; a persistent one becomes inactive then.
struct Request : Object, adi::Request {
    Request() {
    }  // NOLINT(modernize-use-equals-default): as adi::Request's, nothing is zeroed twice

    std::unique_ptr<Operation> operation;  ///< null: one send or receive
    Comm* comm = nullptr;                  ///< one reference held; null where there is none
    Datatype* type = nullptr;              ///< one reference held; null where there is none
    bool persistent = false;
    bool active = false;  ///< started and not yet completed by the user
    bool proc_null = false;
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
