// MPI_Alltoall, MPI_Alltoallv and MPI_Alltoallw.
#include <algorithm>

#include "bodies.hpp"
#include "mpi/coll/data.hpp"
#include "mpi/coll/hosts.hpp"
#include "mpi/coll/inter.hpp"
#include "mpi/coll/message.hpp"
#include "mpi/coll/select.hpp"
#include "mpi/coll/shared_data.hpp"

namespace mpi {
namespace coll {
namespace {

Shared* shared_for(std::uint64_t block, Comm& comm) {
    const std::uint64_t bytes = block * static_cast<std::uint64_t>(comm.size);
    return select::fits_epoch(bytes, comm.size) ? Shared::if_worthwhile(comm) : nullptr;
}

/// Messages in flight per rank at a time.
constexpr int kWindow = 16;

/// Every rank exchanges with ranks at growing distance, so that no rank is everyone's target at
/// once; a window of exchanges is under way at a time.
Status exchange(const Blocks& out, const Blocks& in, Comm& comm) {
    State* state = state_of(comm);
    const auto requests =
        state != nullptr ? state->requests(2 * kWindow) : std::span<adi::Request>();
    if (requests.empty()) return out_of_memory();
    const Channel channel(comm, Tag::alltoall);
    Outcome outcome;
    const int size = comm.size;
    for (int first = 1; first < size; first += kWindow) {
        const int end = std::min(first + kWindow, size);
        std::size_t used = 0;
        for (int distance = first; distance < end; ++distance) {
            const int from = (comm.rank - distance + size) % size;
            channel.irecv(requests[used++], from, in.block(from));
        }
        for (int distance = first; distance < end; ++distance) {
            const int to = (comm.rank + distance) % size;
            channel.isend(requests[used++], to, out.block(to));
        }
        outcome.add(Channel::wait_all(requests.first(used)));
    }
    return outcome.status();
}

/// MPI_IN_PLACE: the ranks pair up, p times, so that each pair meets once, and swap their blocks.
Status exchange_in_place(const Blocks& blocks, Comm& comm) {
    State* state = state_of(comm);
    if (state == nullptr) return out_of_memory();
    const Channel channel(comm, Tag::alltoall);
    Outcome outcome;
    for (int step = 0; step < comm.size; ++step) {
        const int partner = (step - comm.rank + comm.size) % comm.size;
        if (partner == comm.rank) continue;
        const adi::Buffer block = blocks.block(partner);
        std::byte* packed = state->packed.get(block.bytes);
        if (packed == nullptr) return out_of_memory();
        block.read(0, packed, block.bytes);
        outcome.add(
            channel.sendrecv(partner, adi::contiguous(packed, block.bytes), partner, block));
    }
    return outcome.status();
}

/// Bruck: the block for the rank at distance d travels by the bits of d, together with all others
/// that share the bit: log p messages instead of p - 1.
Status bruck(const Blocks& out, const Blocks& in, Comm& comm) {
    const int size = comm.size;
    const std::uint64_t block = in.bytes(comm.rank);
    State* state = state_of(comm);
    const auto ranks = static_cast<std::uint64_t>(size);
    std::byte* memory = state != nullptr ? state->packed.get(2 * ranks * block) : nullptr;
    if (memory == nullptr) return out_of_memory();
    std::byte* const waiting = memory;  // block i: goes to, later comes from, distance i
    std::byte* const outgoing = memory + ranks * block;
    std::byte* const incoming = outgoing + ranks / 2 * block;
    const auto slot = [&](std::byte* base, int i) {
        return base + static_cast<std::uint64_t>(i) * block;
    };
    for (int i = 1; i < size; ++i) {
        const adi::Buffer from = out.block((comm.rank + i) % size);
        from.read(0, slot(waiting, i), std::min(block, from.bytes));
    }
    const Channel channel(comm, Tag::alltoall);
    Outcome outcome;
    for (int bit = 1; bit < size; bit *= 2) {
        int n = 0;
        for (int i = bit; i < size; ++i) {
            if (i & bit) std::memcpy(slot(outgoing, n++), slot(waiting, i), block);
        }
        const auto bytes = static_cast<std::uint64_t>(n) * block;
        outcome.add(channel.sendrecv((comm.rank + bit) % size, adi::contiguous(outgoing, bytes),
                                     (comm.rank - bit + size) % size,
                                     adi::contiguous(incoming, bytes)));
        n = 0;
        for (int i = bit; i < size; ++i) {
            if (i & bit) std::memcpy(slot(waiting, i), slot(incoming, n++), block);
        }
    }
    for (int i = 1; i < size; ++i) {
        in.block((comm.rank - i + size) % size).write(0, slot(waiting, i), block);
    }
    return outcome.status();
}

/// Blocks of any lengths; `out` does not matter when `in_place`.
Status alltoall_blocks(bool in_place, const Blocks& out, const Blocks& in, Comm& comm) {
    if (comm.is_inter()) return inter::alltoall(out, in, comm);
    if (in_place) return comm.size == 1 ? Status::ok : exchange_in_place(in, comm);
    Outcome outcome;
    outcome.add(copy(out.block(comm.rank), in.block(comm.rank)));
    if (comm.size > 1) outcome.add(exchange(out, in, comm));
    return outcome.status();
}

}  // namespace
}  // namespace coll

Status alltoall(const void* sendbuf, Count sendcount, Datatype& sendtype, void* recvbuf,
                Count recvcount, Datatype& recvtype, Comm& comm) {
    const coll::Blocks in(recvbuf, recvcount, recvtype);
    if (comm.is_inter()) {
        return coll::inter::alltoall(coll::Blocks(sendbuf, sendcount, sendtype), in, comm);
    }
    const std::uint64_t bytes = in.bytes(comm.rank);
    if (sendbuf == MPI_IN_PLACE) {
        if (comm.size == 1 || bytes == 0) return Status::ok;
        if (coll::Shared* shared = coll::shared_for(bytes, comm)) {
            return coll::shared_alltoall(*shared, in, in);
        }
        return coll::exchange_in_place(in, comm);
    }
    const coll::Blocks out(sendbuf, sendcount, sendtype);
    coll::Outcome outcome;
    outcome.add(coll::copy(out.block(comm.rank), in.block(comm.rank)));
    if (comm.size == 1 || bytes == 0) return outcome.status();
    if (coll::Shared* shared = coll::shared_for(bytes, comm)) {
        outcome.add(coll::shared_alltoall(*shared, out, in));
        return outcome.status();
    }
    if (coll::select::alltoall_is_by_hosts(bytes, 2)) {  // else on no hosts
        coll::Hosts* hosts = coll::Hosts::if_worthwhile(comm);
        if (hosts != nullptr && hosts->in_order() &&
            coll::select::alltoall_is_by_hosts(bytes, hosts->mean_size())) {
            outcome.add(coll::hosts_alltoall(*hosts, out, in, bytes, comm));
            return outcome.status();
        }
    }
    outcome.add(coll::select::alltoall_is_short(bytes, comm.size) ? coll::bruck(out, in, comm)
                                                                  : coll::exchange(out, in, comm));
    return outcome.status();
}

Status alltoallv(const void* sendbuf, IntArray sendcounts, IntArray sdispls, Datatype& sendtype,
                 void* recvbuf, IntArray recvcounts, IntArray rdispls, Datatype& recvtype,
                 Comm& comm) {
    return coll::alltoall_blocks(sendbuf == MPI_IN_PLACE,
                                 coll::Blocks(sendbuf, sendcounts, sdispls, sendtype),
                                 coll::Blocks(recvbuf, recvcounts, rdispls, recvtype), comm);
}

Status alltoallw(const void* sendbuf, IntArray sendcounts, IntArray sdispls,
                 DatatypeArray sendtypes, void* recvbuf, IntArray recvcounts, IntArray rdispls,
                 DatatypeArray recvtypes, Comm& comm) {
    return coll::alltoall_blocks(sendbuf == MPI_IN_PLACE,
                                 coll::Blocks(sendbuf, sendcounts, sdispls, sendtypes),
                                 coll::Blocks(recvbuf, recvcounts, rdispls, recvtypes), comm);
}

}  // namespace mpi
