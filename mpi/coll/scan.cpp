// MPI_Scan and MPI_Exscan.
#include <algorithm>
#include <optional>
#include <utility>

#include "bodies.hpp"
#include "mpi/coll/combine.hpp"
#include "mpi/coll/hosts.hpp"
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

/// What a rank passes on to the next one, in segments: while the next rank combines one, this one
/// is brought another. Every rank sends the vector once. `place(turn, start, n)` is where n
/// elements from the rank below are to come, and `take(turn, start, n)` what is passed on when they
/// are there. Turns are 0 and 1, since one segment is awaited while another is taken.
template <class Place, class Take>
Status along_the_ranks(const Channel& channel, const Comm& comm, Count count, const Datatype& type,
                       Place place, Take take) {
    const Count segment = select::scan_segment(type.size);
    adi::Request receives[2];
    const auto post = [&](Count start) {
        const auto turn = static_cast<std::size_t>(start / segment % 2);
        channel.irecv(receives[turn], comm.rank - 1,
                      place(turn, start, std::min(segment, count - start)));
    };
    Outcome outcome;
    if (comm.rank > 0) post(0);
    for (Count start = 0; start < count; start += segment) {
        const auto turn = static_cast<std::size_t>(start / segment % 2);
        if (comm.rank > 0) {
            if (start + segment < count) post(start + segment);
            outcome.add(Channel::wait(receives[turn]));
        }
        const adi::Buffer next = take(turn, start, std::min(segment, count - start));
        if (comm.rank + 1 < comm.size) outcome.add(channel.send(comm.rank + 1, next));
    }
    return outcome.status();
}

Status scan_chain(const void* own, void* recvbuf, Count count, const Datatype& type, const Op& op,
                  Comm& comm) {
    State* state = state_of(comm);
    if (state == nullptr) return out_of_memory();
    const bool first = comm.rank == 0;
    Scratch* const spare[2] = {&state->operand, &state->partial};
    const Count most = std::min(count, select::scan_segment(type.size));
    if (!Elements(*spare[0], most, type) || !Elements(*spare[1], most, type)) {
        return out_of_memory();
    }
    std::optional<Combine> incoming[2];
    Outcome outcome;
    outcome.add(along_the_ranks(
        Channel(comm, Tag::scan), comm, count, type,
        [&](std::size_t turn, Count start, Count n) {
            incoming[turn].emplace(op, type, n, Combine::Came::first, at(own, start, type),
                                   at(recvbuf, start, type), *spare[turn]);
            return incoming[turn]->buffer();
        },
        [&](std::size_t turn, Count start, Count n) {
            if (!first) incoming[turn]->finish();
            return elements(first ? own : recvbuf, start, n, type);
        }));
    if (first && own != recvbuf) {
        outcome.add(copy(elements(own, 0, count, type), elements(recvbuf, 0, count, type)));
    }
    return outcome.status();
}

Status exscan_chain(const void* own, void* recvbuf, Count count, const Datatype& type, const Op& op,
                    Comm& comm) {
    State* state = state_of(comm);
    if (state == nullptr) return out_of_memory();
    const Count most = std::min(count, select::scan_segment(type.size));
    const Elements a(state->operand, most, type), b(state->partial, most, type);
    const Elements sum(state->packed, most, type);
    if (!a || !b || !sum) return out_of_memory();
    // In place, the operand is still wanted when what is before it comes.
    const auto came = [&](std::size_t turn, Count start) {
        if (own != recvbuf) return at(recvbuf, start, type);
        return turn == 0 ? a.base() : b.base();
    };
    Outcome outcome;
    outcome.add(along_the_ranks(
        Channel(comm, Tag::exscan), comm, count, type,
        [&](std::size_t turn, Count start, Count n) {
            return elements(came(turn, start), 0, n, type);
        },
        [&](std::size_t turn, Count start, Count n) {
            const adi::Buffer mine = elements(own, start, n, type);
            if (comm.rank == 0) return mine;
            const adi::Buffer next = elements(sum.base(), 0, n, type);
            if (comm.rank + 1 < comm.size) {
                outcome.add(copy(mine, next));
                op.apply(came(turn, start), sum.base(), n, type);
            }
            if (own == recvbuf) outcome.add(copy(elements(came(turn, start), 0, n, type), mine));
            return next;
        }));
    return outcome.status();
}

bool scan_is_chain(Count count, const Datatype& type, Comm& comm) {
    const Hosts* hosts = Hosts::of(comm);
    return select::scan_is_long(static_cast<std::uint64_t>(count * type.size), comm.size,
                                hosts != nullptr && hosts->in_order() ? hosts->count() : 0);
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
    if (coll::scan_is_chain(count, datatype, comm)) {
        return coll::scan_chain(own, recvbuf, count, datatype, op, comm);
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
    if (coll::scan_is_chain(count, datatype, comm)) {
        return coll::exscan_chain(own, recvbuf, count, datatype, op, comm);
    }
    return coll::scan_doubling(own, recvbuf, count, datatype, op, coll::Reach::exclusive, comm);
}

}  // namespace mpi
