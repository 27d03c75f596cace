// MPI_Allgather and MPI_Allgatherv.
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

// `own` is where this rank's block is sent from: the send buffer, where that is. The block is at
// its place in the receive buffer too.

/// Each rank passes on what it got last to its right neighbour.
Status ring(const adi::Buffer& own, const Blocks& blocks, const Comm& comm) {
    const Channel channel(comm, Tag::allgather);
    const int size = comm.size;
    const int right = (comm.rank + 1) % size, left = (comm.rank + size - 1) % size;
    Outcome outcome;
    int block = comm.rank;
    for (int step = 1; step < size; ++step) {
        const int next = (block + size - 1) % size;
        const adi::Buffer out = step == 1 ? own : blocks.block(block);
        outcome.add(channel.sendrecv(right, out, left, blocks.block(next)));
        block = next;
    }
    return outcome.status();
}

/// Recursive doubling, for a power of two of ranks and equal blocks: straight in the user's
/// buffer.
Status doubling(const adi::Buffer& own, const Blocks& blocks, const Comm& comm) {
    const Channel channel(comm, Tag::allgather);
    Outcome outcome;
    for (int have = 1; have < comm.size; have *= 2) {
        const int partner = comm.rank ^ have;
        const adi::Buffer out = have == 1 ? own : blocks.range(comm.rank & ~(have - 1), have);
        outcome.add(
            channel.sendrecv(partner, out, partner, blocks.range(partner & ~(have - 1), have)));
    }
    return outcome.status();
}

/// Bruck's doubling, for any number of ranks and any lengths: packed, with own block first and
/// those of the following ranks behind it.
Status bruck(const Blocks& blocks, std::uint64_t total_bytes, Comm& comm) {
    State* state = state_of(comm);
    std::byte* packed = state != nullptr ? state->packed.get(total_bytes) : nullptr;
    if (packed == nullptr) return out_of_memory();
    const Channel channel(comm, Tag::allgather);
    const int size = comm.size;
    const auto bytes_from = [&](int first, int n) {
        std::uint64_t sum = 0;
        for (int i = 0; i < n; ++i) sum += blocks.bytes((first + i) % size);
        return sum;
    };
    const adi::Buffer own = blocks.block(comm.rank);
    own.read(0, packed, own.bytes);
    std::uint64_t have_bytes = own.bytes;
    Outcome outcome;
    for (int have = 1; have < size; have *= 2) {
        const int n = std::min(have, size - have);
        const int from = (comm.rank + have) % size;
        const std::uint64_t out = bytes_from(comm.rank, n), in = bytes_from(from, n);
        outcome.add(channel.sendrecv((comm.rank - have + size) % size, adi::contiguous(packed, out),
                                     from, adi::contiguous(packed + have_bytes, in)));
        have_bytes += in;
    }
    const std::byte* next = packed + own.bytes;
    for (int i = 1; i < size; ++i) {
        const adi::Buffer to = blocks.block((comm.rank + i) % size);
        to.write(0, next, to.bytes);
        next += to.bytes;
    }
    return outcome.status();
}

Status allgather_blocks(const void* sendbuf, const adi::Buffer& own, const Blocks& blocks,
                        Comm& comm) {
    if (comm.is_inter()) return inter::allgather(own, blocks, comm);
    Outcome outcome;
    const adi::Buffer place = blocks.block(comm.rank);
    if (sendbuf != MPI_IN_PLACE) outcome.add(copy(own, place));
    if (comm.size == 1) return outcome.status();
    std::uint64_t total = 0;
    if (blocks.equal()) {
        total = blocks.bytes(0) * static_cast<std::uint64_t>(comm.size);
    } else {
        for (int i = 0; i < comm.size; ++i) total += blocks.bytes(i);
    }
    if (total == 0) return outcome.status();
    if (select::allgather_is_shared(total / static_cast<std::uint64_t>(comm.size), comm.size)) {
        if (Shared* shared = Shared::if_worthwhile(comm)) {
            outcome.add(shared_allgather(*shared, blocks));
            return outcome.status();
        }
    }
    const adi::Buffer& out = sendbuf == MPI_IN_PLACE ? place : own;
    const bool alone = engine().fiber() == nullptr && Hosts::if_worthwhile(comm) == nullptr;
    if (!select::allgather_is_short(total, comm.size, alone)) {
        outcome.add(ring(out, blocks, comm));
    } else if (blocks.equal() && (comm.size & (comm.size - 1)) == 0) {
        outcome.add(doubling(out, blocks, comm));
    } else {
        outcome.add(bruck(blocks, total, comm));
    }
    return outcome.status();
}

}  // namespace
}  // namespace coll

Status allgather(const void* sendbuf, Count sendcount, Datatype& sendtype, void* recvbuf,
                 Count recvcount, Datatype& recvtype, Comm& comm) {
    const adi::Buffer own = make_buffer(sendbuf, sendcount, sendtype);
    const coll::Blocks blocks(recvbuf, recvcount, recvtype);
    if (!comm.is_inter() && comm.size > 2) {
        const std::uint64_t total = blocks.bytes(0) * static_cast<std::uint64_t>(comm.size);
        coll::Hosts* hosts = total > 0 && coll::select::allgather_is_by_hosts(total)
                                 ? coll::Hosts::if_worthwhile(comm)
                                 : nullptr;
        if (hosts != nullptr && hosts->in_order()) {
            coll::Outcome outcome;
            if (sendbuf != MPI_IN_PLACE) outcome.add(coll::copy(own, blocks.block(comm.rank)));
            outcome.add(coll::hosts_allgather(*hosts, recvbuf, recvcount, recvtype, comm.rank));
            return outcome.status();
        }
    }
    return coll::allgather_blocks(sendbuf, own, blocks, comm);
}

Status allgatherv(const void* sendbuf, Count sendcount, Datatype& sendtype, void* recvbuf,
                  IntArray recvcounts, IntArray displs, Datatype& recvtype, Comm& comm) {
    return coll::allgather_blocks(sendbuf, make_buffer(sendbuf, sendcount, sendtype),
                                  coll::Blocks(recvbuf, recvcounts, displs, recvtype), comm);
}

}  // namespace mpi
