// The neighbourhood collectives (MPI-5.0 §8.6): messages along the edges of the communicator's
// topology, all at a time.
#include "bodies.hpp"
#include "mpi/coll/data.hpp"
#include "mpi/coll/message.hpp"
#include "mpi/topo/topology.hpp"

namespace mpi {
namespace coll {
namespace {

/// `out(i)` goes to the i-th destination, in.block(i) comes from the i-th source. A block whose
/// neighbour is MPI_PROC_NULL is left alone.
///
/// Messages between two processes are matched in order: of several edges from one to the other, the
/// n-th of the sender's is the n-th of the receiver's. In a grid a block that goes in one direction
/// arrives from the opposite one; on rings of one or two processes both lead to the same process,
/// so receives are posted with the directions of each dimension swapped.
template <class Out>
Status exchange(Out out, const Blocks& in, Comm& comm) {
    const auto& [sources, destinations] = comm.topology->neighbors();
    const std::size_t swap = comm.topology->cart() != nullptr ? 1 : 0;
    const std::size_t edges = sources.size() + destinations.size();
    if (edges == 0) return Status::ok;
    State* state = state_of(comm);
    const auto requests =
        state != nullptr ? state->requests(static_cast<int>(edges)) : std::span<adi::Request>();
    if (requests.empty()) return out_of_memory();
    const Channel channel(comm, Tag::neighbor);
    std::size_t used = 0;
    for (std::size_t i = 0; i < sources.size(); ++i) {
        const int from = sources[i ^ swap];
        if (from == MPI_PROC_NULL) continue;
        channel.irecv(requests[used++], from, in.block(static_cast<int>(i ^ swap)));
    }
    for (std::size_t i = 0; i < destinations.size(); ++i) {
        if (destinations[i] == MPI_PROC_NULL) continue;
        channel.isend(requests[used++], destinations[i], out(static_cast<int>(i)));
    }
    return Channel::wait_all(requests.first(used));
}

Status allgather_with_neighbors(const adi::Buffer& own, const Blocks& in, Comm& comm) {
    return exchange([&](int) { return own; }, in, comm);
}

Status alltoall_with_neighbors(const Blocks& out, const Blocks& in, Comm& comm) {
    return exchange([&](int i) { return out.block(i); }, in, comm);
}

}  // namespace
}  // namespace coll

Status neighbor_allgather(const void* sendbuf, Count sendcount, Datatype& sendtype, void* recvbuf,
                          Count recvcount, Datatype& recvtype, Comm& comm) {
    return coll::allgather_with_neighbors(make_buffer(sendbuf, sendcount, sendtype),
                                          coll::Blocks(recvbuf, recvcount, recvtype), comm);
}

Status neighbor_allgatherv(const void* sendbuf, Count sendcount, Datatype& sendtype, void* recvbuf,
                           IntArray recvcounts, IntArray displs, Datatype& recvtype, Comm& comm) {
    return coll::allgather_with_neighbors(make_buffer(sendbuf, sendcount, sendtype),
                                          coll::Blocks(recvbuf, recvcounts, displs, recvtype),
                                          comm);
}

Status neighbor_alltoall(const void* sendbuf, Count sendcount, Datatype& sendtype, void* recvbuf,
                         Count recvcount, Datatype& recvtype, Comm& comm) {
    return coll::alltoall_with_neighbors(coll::Blocks(sendbuf, sendcount, sendtype),
                                         coll::Blocks(recvbuf, recvcount, recvtype), comm);
}

Status neighbor_alltoallv(const void* sendbuf, IntArray sendcounts, IntArray sdispls,
                          Datatype& sendtype, void* recvbuf, IntArray recvcounts, IntArray rdispls,
                          Datatype& recvtype, Comm& comm) {
    return coll::alltoall_with_neighbors(coll::Blocks(sendbuf, sendcounts, sdispls, sendtype),
                                         coll::Blocks(recvbuf, recvcounts, rdispls, recvtype),
                                         comm);
}

Status neighbor_alltoallw(const void* sendbuf, IntArray sendcounts, IntArray sdispls,
                          DatatypeArray sendtypes, void* recvbuf, IntArray recvcounts,
                          IntArray rdispls, DatatypeArray recvtypes, Comm& comm) {
    return coll::alltoall_with_neighbors(coll::Blocks(sendbuf, sendcounts, sdispls, sendtypes),
                                         coll::Blocks(recvbuf, recvcounts, rdispls, recvtypes),
                                         comm);
}

}  // namespace mpi
