// The nonblocking collectives (MPI-5.0 §6.12).
#include "bodies.hpp"
#include "mpi/coll/operation.hpp"

namespace mpi {
namespace {

/// Starts `body` with these arguments.
template <class... P, class... A>
Status start(Comm& comm, Request*& request, Status (*body)(P...), A&&... arguments) {
    return coll::start_on_fiber(comm, request, coll::later(body, std::forward<A>(arguments)...));
}

}  // namespace

Status ibarrier(Comm& comm, Request*& request) {
    return start(comm, request, barrier, comm);
}

Status ibcast(void* buffer, Count count, Datatype& datatype, int root, Comm& comm,
              Request*& request) {
    return start(comm, request, bcast, buffer, count, datatype, root, comm);
}

Status iallreduce(const void* sendbuf, void* recvbuf, Count count, Datatype& datatype, Op& op,
                  Comm& comm, Request*& request) {
    return start(comm, request, allreduce, sendbuf, recvbuf, count, datatype, op, comm);
}

}  // namespace mpi
