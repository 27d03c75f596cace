// Collectives on intercommunicators (MPI-5.0 §6.2.2, §6.2.3): data goes from each group to the
// other one. What a group has to do among itself it does by the collectives on Comm::local; rank 0
// of a group speaks for it.
//
// The bodies in this folder hand over to these when the communicator is one. Roots are as the
// caller gave them: MPI_ROOT at the root, a rank of the remote group in the other group. The
// processes beside the root, with MPI_PROC_NULL, have nothing to do.
#pragma once

#include "mpi/coll/data.hpp"
#include "mpi/core/comm.hpp"
#include "mpi/core/op.hpp"

namespace mpi::coll::inter {

Status barrier(Comm& comm);
Status bcast(void* buffer, Count count, Datatype& type, int root, Comm& comm);

/// `own` is what this process gives, or gets; `blocks` is the root's side, a block for each process
/// of the remote group. Only one of them matters on a process.
Status gather(const adi::Buffer& own, const Blocks& blocks, int root, Comm& comm);
Status scatter(const Blocks& blocks, const adi::Buffer& own, int root, Comm& comm);

Status allgather(const adi::Buffer& own, const Blocks& blocks, Comm& comm);
Status alltoall(const Blocks& out, const Blocks& in, Comm& comm);

/// `count` is not 0, and the elements are not empty.
Status reduce(const void* sendbuf, void* recvbuf, Count count, Datatype& type, Op& op, int root,
              Comm& comm);
Status allreduce(const void* sendbuf, void* recvbuf, Count count, Datatype& type, Op& op,
                 Comm& comm);

/// Combines the `total` elements of the remote group's processes. At rank 0 of this group `result`
/// becomes where they lie, in scratch memory of `comm`; null elsewhere.
Status reduce_remote(const void* sendbuf, Count total, Datatype& type, Op& op, Comm& comm,
                     void*& result);

}  // namespace mpi::coll::inter
