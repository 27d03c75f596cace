// Movements of data through a communicator's shared memory (shared.hpp). Long data takes several
// epochs, a slot at a time.
#pragma once

#include "mpi/coll/data.hpp"
#include "mpi/coll/shared.hpp"

namespace mpi::coll {

/// As the functions of the same names with messages; buffers are as long on all ranks, or, for
/// allgather, known to all. `out` may be the same memory as `in` (MPI_IN_PLACE).
Status shared_barrier(Shared& shared);
Status shared_bcast(Shared& shared, const adi::Buffer& buffer, int root);
/// Own blocks are not moved. All blocks of a rank fit a slot, but for allgather.
Status shared_gather(Shared& shared, const adi::Buffer& own, const Blocks& blocks, int root);
Status shared_scatter(Shared& shared, const Blocks& blocks, const adi::Buffer& own, int root);
Status shared_allgather(Shared& shared, const Blocks& blocks);
Status shared_alltoall(Shared& shared, const Blocks& out, const Blocks& in);

}  // namespace mpi::coll
