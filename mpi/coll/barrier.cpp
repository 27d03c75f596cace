// MPI_Barrier.
#include "bodies.hpp"
#include "mpi/coll/hosts.hpp"
#include "mpi/coll/inter.hpp"
#include "mpi/coll/message.hpp"
#include "mpi/coll/shared_data.hpp"

namespace mpi {
namespace coll {
namespace {

/// Dissemination: after round k a rank has heard, directly or not, of 2^k ranks before it.
Status dissemination(const Comm& comm) {
    const Channel channel(comm, Tag::barrier);
    const adi::Buffer nothing;
    Outcome outcome;
    for (int distance = 1; distance < comm.size; distance *= 2) {
        const int to = (comm.rank + distance) % comm.size;
        const int from = (comm.rank - distance + comm.size) % comm.size;
        outcome.add(channel.sendrecv(to, nothing, from, nothing));
    }
    return outcome.status();
}

}  // namespace
}  // namespace coll

Status barrier(Comm& comm) {
    if (comm.is_inter()) return coll::inter::barrier(comm);
    if (comm.size == 1) return Status::ok;
    if (coll::Shared* shared = coll::Shared::if_worthwhile(comm))
        return coll::shared_barrier(*shared);
    if (coll::Hosts* hosts = coll::Hosts::if_worthwhile(comm)) return coll::hosts_barrier(*hosts);
    return coll::dissemination(comm);
}

}  // namespace mpi
