// MPI_Scan and MPI_Exscan.
#include <utility>

#include "bodies.hpp"
#include "mpi/coll/data.hpp"
#include "mpi/coll/message.hpp"
#include "mpi/coll/select.hpp"
#include "mpi/coll/shared_reduce.hpp"

namespace mpi {
namespace coll {
namespace {

/// Does a rank's result take in its own operand?
enum class Reach { inclusive, exclusive };

/// Recursive doubling. Besides its result a rank keeps `partial`, the reduction over the aligned
/// block of 2^k ranks around it; exchanging it with the block next to it doubles the block. What
/// comes from a lower block belongs to the result too.
Status scan_doubling(const void* own, void* recvbuf, Count count, const Datatype& type,
                     const Op& op, Reach reach, Comm& comm) {
    State* state = state_of(comm);
    if (state == nullptr) return out_of_memory();
    const Elements a(state->operand, count, type), b(state->partial, count, type);
    if (!a || !b) return out_of_memory();
    const auto whole = [&](const void* base) { return elements(base, 0, count, type); };
    const Channel channel(comm, reach == Reach::inclusive ? Tag::scan : Tag::exscan);
    void* partial = a.base();
    void* incoming = b.base();
    Outcome outcome;
    outcome.add(copy(whole(own), whole(partial)));
    bool have_result = reach == Reach::inclusive;
    if (have_result && own != recvbuf) outcome.add(copy(whole(own), whole(recvbuf)));
    for (int distance = 1; distance < comm.size; distance *= 2) {
        const int partner = comm.rank ^ distance;
        if (partner >= comm.size) continue;
        outcome.add(channel.sendrecv(partner, whole(partial), partner, whole(incoming)));
        if (partner < comm.rank) {
            if (have_result) {
                op.apply(incoming, recvbuf, count, type);
            } else {
                outcome.add(copy(whole(incoming), whole(recvbuf)));
                have_result = true;
            }
            op.apply(incoming, partial, count, type);
        } else {
            op.apply(partial, incoming, count, type);
            std::swap(partial, incoming);
        }
    }
    return outcome.status();
}

Shared* shared_for(const Datatype& type, Count count, Comm& comm) {
    const auto bytes = static_cast<std::uint64_t>(count * type.extent);
    const bool suits = SharedReduction::suits(type) && select::fits_epoch(bytes, comm.size);
    return suits ? Shared::of(comm) : nullptr;
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
    if (coll::Shared* shared = coll::shared_for(datatype, count, comm)) {
        return coll::SharedReduction(*shared, op, datatype).scan(own, recvbuf, count);
    }
    return coll::scan_doubling(own, recvbuf, count, datatype, op, coll::Reach::inclusive, comm);
}

Status exscan(const void* sendbuf, void* recvbuf, Count count, Datatype& datatype, Op& op,
              Comm& comm) {
    const void* own = sendbuf == MPI_IN_PLACE ? recvbuf : sendbuf;
    if (count == 0 || datatype.size == 0 || comm.size == 1) return Status::ok;
    if (coll::Shared* shared = coll::shared_for(datatype, count, comm)) {
        return coll::SharedReduction(*shared, op, datatype).exscan(own, recvbuf, count);
    }
    return coll::scan_doubling(own, recvbuf, count, datatype, op, coll::Reach::exclusive, comm);
}

}  // namespace mpi
