// The nonblocking collectives (MPI-5.0 §6.12): each is its blocking sibling, started on a fiber.
#include "bodies.hpp"
#include "mpi/coll/operation.hpp"
#include "mpi/topo/topology.hpp"

namespace mpi {
namespace {

/// Starts `body` with these arguments.
template <class... P, class... A>
Status start(Comm& comm, Request*& request, Status (*body)(P...), A&&... arguments) {
    return coll::start_on_fiber(comm, request, coll::later(body, std::forward<A>(arguments)...),
                                coll::Start::now);
}

}  // namespace

Status ibarrier(Comm& comm, Request*& request) {
    return start(comm, request, barrier, comm);
}

Status ibcast(void* buffer, Count count, Datatype& datatype, int root, Comm& comm,
              Request*& request) {
    return start(comm, request, bcast, buffer, count, datatype, root, comm);
}

Status igather(const void* sendbuf, Count sendcount, Datatype& sendtype, void* recvbuf,
               Count recvcount, Datatype& recvtype, int root, Comm& comm, Request*& request) {
    return start(comm, request, gather, sendbuf, sendcount, sendtype, recvbuf, recvcount, recvtype,
                 root, comm);
}

Status igatherv(const void* sendbuf, Count sendcount, Datatype& sendtype, void* recvbuf,
                IntArray recvcounts, IntArray displs, Datatype& recvtype, int root, Comm& comm,
                Request*& request) {
    return start(comm, request, gatherv, sendbuf, sendcount, sendtype, recvbuf, recvcounts, displs,
                 recvtype, root, comm);
}

Status iscatter(const void* sendbuf, Count sendcount, Datatype& sendtype, void* recvbuf,
                Count recvcount, Datatype& recvtype, int root, Comm& comm, Request*& request) {
    return start(comm, request, scatter, sendbuf, sendcount, sendtype, recvbuf, recvcount, recvtype,
                 root, comm);
}

Status iscatterv(const void* sendbuf, IntArray sendcounts, IntArray displs, Datatype& sendtype,
                 void* recvbuf, Count recvcount, Datatype& recvtype, int root, Comm& comm,
                 Request*& request) {
    return start(comm, request, scatterv, sendbuf, sendcounts, displs, sendtype, recvbuf, recvcount,
                 recvtype, root, comm);
}

Status iallgather(const void* sendbuf, Count sendcount, Datatype& sendtype, void* recvbuf,
                  Count recvcount, Datatype& recvtype, Comm& comm, Request*& request) {
    return start(comm, request, allgather, sendbuf, sendcount, sendtype, recvbuf, recvcount,
                 recvtype, comm);
}

Status iallgatherv(const void* sendbuf, Count sendcount, Datatype& sendtype, void* recvbuf,
                   IntArray recvcounts, IntArray displs, Datatype& recvtype, Comm& comm,
                   Request*& request) {
    return start(comm, request, allgatherv, sendbuf, sendcount, sendtype, recvbuf, recvcounts,
                 displs, recvtype, comm);
}

Status ialltoall(const void* sendbuf, Count sendcount, Datatype& sendtype, void* recvbuf,
                 Count recvcount, Datatype& recvtype, Comm& comm, Request*& request) {
    return start(comm, request, alltoall, sendbuf, sendcount, sendtype, recvbuf, recvcount,
                 recvtype, comm);
}

Status ialltoallv(const void* sendbuf, IntArray sendcounts, IntArray sdispls, Datatype& sendtype,
                  void* recvbuf, IntArray recvcounts, IntArray rdispls, Datatype& recvtype,
                  Comm& comm, Request*& request) {
    return start(comm, request, alltoallv, sendbuf, sendcounts, sdispls, sendtype, recvbuf,
                 recvcounts, rdispls, recvtype, comm);
}

Status ialltoallw(const void* sendbuf, IntArray sendcounts, IntArray sdispls,
                  DatatypeArray sendtypes, void* recvbuf, IntArray recvcounts, IntArray rdispls,
                  DatatypeArray recvtypes, Comm& comm, Request*& request) {
    return start(comm, request, alltoallw, sendbuf, sendcounts, sdispls,
                 coll::Types{sendtypes, comm.peer_size}, recvbuf, recvcounts, rdispls,
                 coll::Types{recvtypes, comm.peer_size}, comm);
}

Status ireduce(const void* sendbuf, void* recvbuf, Count count, Datatype& datatype, Op& op,
               int root, Comm& comm, Request*& request) {
    return start(comm, request, reduce, sendbuf, recvbuf, count, datatype, op, root, comm);
}

Status iallreduce(const void* sendbuf, void* recvbuf, Count count, Datatype& datatype, Op& op,
                  Comm& comm, Request*& request) {
    return start(comm, request, allreduce, sendbuf, recvbuf, count, datatype, op, comm);
}

Status ireduce_scatter(const void* sendbuf, void* recvbuf, IntArray recvcounts, Datatype& datatype,
                       Op& op, Comm& comm, Request*& request) {
    return start(comm, request, reduce_scatter, sendbuf, recvbuf, recvcounts, datatype, op, comm);
}

Status ireduce_scatter_block(const void* sendbuf, void* recvbuf, Count recvcount,
                             Datatype& datatype, Op& op, Comm& comm, Request*& request) {
    return start(comm, request, reduce_scatter_block, sendbuf, recvbuf, recvcount, datatype, op,
                 comm);
}

Status iscan(const void* sendbuf, void* recvbuf, Count count, Datatype& datatype, Op& op,
             Comm& comm, Request*& request) {
    return start(comm, request, scan, sendbuf, recvbuf, count, datatype, op, comm);
}

Status iexscan(const void* sendbuf, void* recvbuf, Count count, Datatype& datatype, Op& op,
               Comm& comm, Request*& request) {
    return start(comm, request, exscan, sendbuf, recvbuf, count, datatype, op, comm);
}

// Along the edges of a topology (MPI-5.0 §8.7).

Status ineighbor_allgather(const void* sendbuf, Count sendcount, Datatype& sendtype, void* recvbuf,
                           Count recvcount, Datatype& recvtype, Comm& comm, Request*& request) {
    return start(comm, request, neighbor_allgather, sendbuf, sendcount, sendtype, recvbuf,
                 recvcount, recvtype, comm);
}

Status ineighbor_allgatherv(const void* sendbuf, Count sendcount, Datatype& sendtype, void* recvbuf,
                            IntArray recvcounts, IntArray displs, Datatype& recvtype, Comm& comm,
                            Request*& request) {
    return start(comm, request, neighbor_allgatherv, sendbuf, sendcount, sendtype, recvbuf,
                 recvcounts, displs, recvtype, comm);
}

Status ineighbor_alltoall(const void* sendbuf, Count sendcount, Datatype& sendtype, void* recvbuf,
                          Count recvcount, Datatype& recvtype, Comm& comm, Request*& request) {
    return start(comm, request, neighbor_alltoall, sendbuf, sendcount, sendtype, recvbuf, recvcount,
                 recvtype, comm);
}

Status ineighbor_alltoallv(const void* sendbuf, IntArray sendcounts, IntArray sdispls,
                           Datatype& sendtype, void* recvbuf, IntArray recvcounts, IntArray rdispls,
                           Datatype& recvtype, Comm& comm, Request*& request) {
    return start(comm, request, neighbor_alltoallv, sendbuf, sendcounts, sdispls, sendtype, recvbuf,
                 recvcounts, rdispls, recvtype, comm);
}

Status ineighbor_alltoallw(const void* sendbuf, IntArray sendcounts, IntArray sdispls,
                           DatatypeArray sendtypes, void* recvbuf, IntArray recvcounts,
                           IntArray rdispls, DatatypeArray recvtypes, Comm& comm,
                           Request*& request) {
    return start(comm, request, neighbor_alltoallw, sendbuf, sendcounts, sdispls,
                 coll::Types{sendtypes, comm.topology->outdegree()}, recvbuf, recvcounts, rdispls,
                 coll::Types{recvtypes, comm.topology->indegree()}, comm);
}

}  // namespace mpi
