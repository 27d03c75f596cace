// The persistent collectives (MPI-5.0 §6.13): each is its blocking sibling, on a fiber whenever it
// is started. There are no hints yet that an info could give them.
#include "bodies.hpp"
#include "mpi/coll/operation.hpp"
#include "mpi/topo/topology.hpp"

namespace mpi {
namespace {

/// Prepares calls of `body` with these arguments.
template <class... P, class... A>
Status prepare(Comm& comm, Request*& request, Status (*body)(P...), A&&... arguments) {
    return coll::start_on_fiber(comm, request, coll::later(body, std::forward<A>(arguments)...),
                                coll::Start::by_user);
}

}  // namespace

Status barrier_init(Comm& comm, const Info*, Request*& request) {
    return prepare(comm, request, barrier, comm);
}

Status bcast_init(void* buffer, Count count, Datatype& datatype, int root, Comm& comm, const Info*,
                  Request*& request) {
    return prepare(comm, request, bcast, buffer, count, datatype, root, comm);
}

Status gather_init(const void* sendbuf, Count sendcount, Datatype& sendtype, void* recvbuf,
                   Count recvcount, Datatype& recvtype, int root, Comm& comm, const Info*,
                   Request*& request) {
    return prepare(comm, request, gather, sendbuf, sendcount, sendtype, recvbuf, recvcount,
                   recvtype, root, comm);
}

Status gatherv_init(const void* sendbuf, Count sendcount, Datatype& sendtype, void* recvbuf,
                    IntArray recvcounts, IntArray displs, Datatype& recvtype, int root, Comm& comm,
                    const Info*, Request*& request) {
    return prepare(comm, request, gatherv, sendbuf, sendcount, sendtype, recvbuf, recvcounts,
                   displs, recvtype, root, comm);
}

Status scatter_init(const void* sendbuf, Count sendcount, Datatype& sendtype, void* recvbuf,
                    Count recvcount, Datatype& recvtype, int root, Comm& comm, const Info*,
                    Request*& request) {
    return prepare(comm, request, scatter, sendbuf, sendcount, sendtype, recvbuf, recvcount,
                   recvtype, root, comm);
}

Status scatterv_init(const void* sendbuf, IntArray sendcounts, IntArray displs, Datatype& sendtype,
                     void* recvbuf, Count recvcount, Datatype& recvtype, int root, Comm& comm,
                     const Info*, Request*& request) {
    return prepare(comm, request, scatterv, sendbuf, sendcounts, displs, sendtype, recvbuf,
                   recvcount, recvtype, root, comm);
}

Status allgather_init(const void* sendbuf, Count sendcount, Datatype& sendtype, void* recvbuf,
                      Count recvcount, Datatype& recvtype, Comm& comm, const Info*,
                      Request*& request) {
    return prepare(comm, request, allgather, sendbuf, sendcount, sendtype, recvbuf, recvcount,
                   recvtype, comm);
}

Status allgatherv_init(const void* sendbuf, Count sendcount, Datatype& sendtype, void* recvbuf,
                       IntArray recvcounts, IntArray displs, Datatype& recvtype, Comm& comm,
                       const Info*, Request*& request) {
    return prepare(comm, request, allgatherv, sendbuf, sendcount, sendtype, recvbuf, recvcounts,
                   displs, recvtype, comm);
}

Status alltoall_init(const void* sendbuf, Count sendcount, Datatype& sendtype, void* recvbuf,
                     Count recvcount, Datatype& recvtype, Comm& comm, const Info*,
                     Request*& request) {
    return prepare(comm, request, alltoall, sendbuf, sendcount, sendtype, recvbuf, recvcount,
                   recvtype, comm);
}

Status alltoallv_init(const void* sendbuf, IntArray sendcounts, IntArray sdispls,
                      Datatype& sendtype, void* recvbuf, IntArray recvcounts, IntArray rdispls,
                      Datatype& recvtype, Comm& comm, const Info*, Request*& request) {
    return prepare(comm, request, alltoallv, sendbuf, sendcounts, sdispls, sendtype, recvbuf,
                   recvcounts, rdispls, recvtype, comm);
}

Status alltoallw_init(const void* sendbuf, IntArray sendcounts, IntArray sdispls,
                      DatatypeArray sendtypes, void* recvbuf, IntArray recvcounts, IntArray rdispls,
                      DatatypeArray recvtypes, Comm& comm, const Info*, Request*& request) {
    return prepare(comm, request, alltoallw, sendbuf, sendcounts, sdispls,
                   coll::Types{sendtypes, comm.peer_size}, recvbuf, recvcounts, rdispls,
                   coll::Types{recvtypes, comm.peer_size}, comm);
}

Status reduce_init(const void* sendbuf, void* recvbuf, Count count, Datatype& datatype, Op& op,
                   int root, Comm& comm, const Info*, Request*& request) {
    return prepare(comm, request, reduce, sendbuf, recvbuf, count, datatype, op, root, comm);
}

Status allreduce_init(const void* sendbuf, void* recvbuf, Count count, Datatype& datatype, Op& op,
                      Comm& comm, const Info*, Request*& request) {
    return prepare(comm, request, allreduce, sendbuf, recvbuf, count, datatype, op, comm);
}

Status reduce_scatter_init(const void* sendbuf, void* recvbuf, IntArray recvcounts,
                           Datatype& datatype, Op& op, Comm& comm, const Info*, Request*& request) {
    return prepare(comm, request, reduce_scatter, sendbuf, recvbuf, recvcounts, datatype, op, comm);
}

Status reduce_scatter_block_init(const void* sendbuf, void* recvbuf, Count recvcount,
                                 Datatype& datatype, Op& op, Comm& comm, const Info*,
                                 Request*& request) {
    return prepare(comm, request, reduce_scatter_block, sendbuf, recvbuf, recvcount, datatype, op,
                   comm);
}

Status scan_init(const void* sendbuf, void* recvbuf, Count count, Datatype& datatype, Op& op,
                 Comm& comm, const Info*, Request*& request) {
    return prepare(comm, request, scan, sendbuf, recvbuf, count, datatype, op, comm);
}

Status exscan_init(const void* sendbuf, void* recvbuf, Count count, Datatype& datatype, Op& op,
                   Comm& comm, const Info*, Request*& request) {
    return prepare(comm, request, exscan, sendbuf, recvbuf, count, datatype, op, comm);
}

// Along the edges of a topology (MPI-5.0 §8.8).

Status neighbor_allgather_init(const void* sendbuf, Count sendcount, Datatype& sendtype,
                               void* recvbuf, Count recvcount, Datatype& recvtype, Comm& comm,
                               const Info*, Request*& request) {
    return prepare(comm, request, neighbor_allgather, sendbuf, sendcount, sendtype, recvbuf,
                   recvcount, recvtype, comm);
}

Status neighbor_allgatherv_init(const void* sendbuf, Count sendcount, Datatype& sendtype,
                                void* recvbuf, IntArray recvcounts, IntArray displs,
                                Datatype& recvtype, Comm& comm, const Info*, Request*& request) {
    return prepare(comm, request, neighbor_allgatherv, sendbuf, sendcount, sendtype, recvbuf,
                   recvcounts, displs, recvtype, comm);
}

Status neighbor_alltoall_init(const void* sendbuf, Count sendcount, Datatype& sendtype,
                              void* recvbuf, Count recvcount, Datatype& recvtype, Comm& comm,
                              const Info*, Request*& request) {
    return prepare(comm, request, neighbor_alltoall, sendbuf, sendcount, sendtype, recvbuf,
                   recvcount, recvtype, comm);
}

Status neighbor_alltoallv_init(const void* sendbuf, IntArray sendcounts, IntArray sdispls,
                               Datatype& sendtype, void* recvbuf, IntArray recvcounts,
                               IntArray rdispls, Datatype& recvtype, Comm& comm, const Info*,
                               Request*& request) {
    return prepare(comm, request, neighbor_alltoallv, sendbuf, sendcounts, sdispls, sendtype,
                   recvbuf, recvcounts, rdispls, recvtype, comm);
}

Status neighbor_alltoallw_init(const void* sendbuf, IntArray sendcounts, IntArray sdispls,
                               DatatypeArray sendtypes, void* recvbuf, IntArray recvcounts,
                               IntArray rdispls, DatatypeArray recvtypes, Comm& comm, const Info*,
                               Request*& request) {
    return prepare(comm, request, neighbor_alltoallw, sendbuf, sendcounts, sdispls,
                   coll::Types{sendtypes, comm.topology->outdegree()}, recvbuf, recvcounts, rdispls,
                   coll::Types{recvtypes, comm.topology->indegree()}, comm);
}

}  // namespace mpi
