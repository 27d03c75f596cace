// MPI_Scan.
#include <utility>

#include "bodies.hpp"
#include "mpi/coll/data.hpp"
#include "mpi/coll/message.hpp"
#include "mpi/coll/select.hpp"
#include "mpi/coll/shared_reduce.hpp"

namespace mpi {
namespace coll {
namespace {

/// Recursive doubling. Besides its result a rank keeps `partial`, the reduction over the aligned
/// block of 2^k ranks around it; exchanging it with the block next to it doubles the block. What
/// comes from a lower block belongs to the result too.
Status scan_doubling(const void* own, void* recvbuf, Count count, const Datatype& type,
                     const Op& op, Comm& comm) {
    State* state = state_of(comm);
    if (state == nullptr) return out_of_memory();
    const Elements a(state->operand, count, type), b(state->partial, count, type);
    if (!a || !b) return out_of_memory();
    const auto whole = [&](const void* base) { return elements(base, 0, count, type); };
    const Channel channel(comm, Tag::scan);
    void* partial = a.base();
    void* incoming = b.base();
    Outcome outcome;
    outcome.add(copy(whole(own), whole(partial)));
    if (own != recvbuf) outcome.add(copy(whole(own), whole(recvbuf)));
    for (int distance = 1; distance < comm.size; distance *= 2) {
        const int partner = comm.rank ^ distance;
        if (partner >= comm.size) continue;
        outcome.add(channel.sendrecv(partner, whole(partial), partner, whole(incoming)));
        if (partner < comm.rank) {
            op.apply(incoming, recvbuf, count, type);
            op.apply(incoming, partial, count, type);
        } else {
            op.apply(partial, incoming, count, type);
            std::swap(partial, incoming);
        }
    }
    return outcome.status();
}

}  // namespace
}  // namespace coll

Status scan(const void* sendbuf, void* recvbuf, Count count, Datatype& datatype, Op& op,
            Comm& comm) {
    const void* own = sendbuf == MPI_IN_PLACE ? recvbuf : sendbuf;
    if (count == 0 || datatype.size == 0) return Status::ok;
    if (comm.size == 1) {
        if (own == recvbuf) return Status::ok;
        return coll::copy(make_buffer(own, count, datatype), make_buffer(recvbuf, count, datatype));
    }
    if (coll::SharedReduction::suits(datatype) &&
        coll::select::fits_epoch(static_cast<std::uint64_t>(count * datatype.extent), comm.size)) {
        if (coll::Shared* shared = coll::Shared::of(comm)) {
            return coll::SharedReduction(*shared, op, datatype).scan(own, recvbuf, count);
        }
    }
    return coll::scan_doubling(own, recvbuf, count, datatype, op, comm);
}

}  // namespace mpi
