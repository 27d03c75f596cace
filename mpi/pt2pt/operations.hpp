// What the point-to-point bodies share.
#pragma once

#include <mpi.h>

#include <memory>

#include "mpi/core/process.hpp"
#include "mpi/core/request.hpp"
#include "mpi/core/status.hpp"

namespace mpi::pt2pt {

static_assert(MPI_ANY_SOURCE == adi::kAnySource && MPI_ANY_TAG == adi::kAnyTag,
              "wildcards go to the engine as they are");

inline adi::Match match(const Comm& comm, int source, int tag) {
    return {comm.context, source, tag};
}

/// A live request without communicator and datatype; null, with the error recorded, when there is
/// no room for more.
Request* make_request();
/// A live request that holds its communicator and datatype until destroy(); null, with the error
/// recorded, when there is no room for more.
Request* make_request(Comm& comm, Datatype& type);
/// Gives back what the request holds, and its handle.
void destroy(Request& request);

/// Starts the operation that the request describes. For a persistent request the arguments come
/// from it, for a nonblocking one they were put there just now.
Status start_receive(Request& r);
Status start_send(Request& r);

/// The outcome of a completed operation: fills `status` (may be null) except MPI_ERROR, and tells
/// what went wrong, with the sentence for people recorded.
Status outcome(Request& r, MPI_Status* status);
/// outcome(), then a nonblocking request is destroyed and `*handle` becomes MPI_REQUEST_NULL; a
/// persistent one becomes inactive.
Status finish(Request& r, MPI_Request* handle, MPI_Status* status);

/// outcome() of a receive whose request is on the caller's stack.
Status outcome_of_receive(const adi::Request& r, MPI_Status* status);

/// A packed copy of a buffer that is sent while it receives; null where nothing is sent.
Status copy_out(const adi::Buffer& user, int dest, std::unique_ptr<std::byte[]>& copy);

/// Copies a message into the buffer attached to the communicator, else to the process, and starts to
/// send it from there.
Status buffered_send(const void* buffer, Count count, Datatype& type, int dest, int tag,
                     Comm& comm);
/// Waits until all buffered messages have left; called by MPI_Finalize.
void drain_buffered();

}  // namespace mpi::pt2pt
