#include "mpi/coll/inter.hpp"

#include "bodies.hpp"
#include "mpi/coll/message.hpp"

namespace mpi::coll::inter {
namespace {

/// All blocks, which rank 0 has, come to the other processes of its group.
Status spread(const Blocks& blocks, Comm& comm) {
    const int n = comm.peer_size;
    std::uint64_t bytes = 0;
    for (int i = 0; i < n; ++i) bytes += blocks.bytes(i);
    if (bytes == 0 || comm.size == 1) return Status::ok;
    Datatype& byte = *find<Datatype>(MPI_BYTE);
    if (blocks.equal()) {
        const adi::Buffer whole = blocks.range(0, n);
        if (whole.layout == nullptr) {
            return mpi::bcast(whole.base, static_cast<Count>(bytes), byte, 0, *comm.local);
        }
    }
    State* state = state_of(comm);
    std::byte* packed = state != nullptr ? state->packed.get(bytes) : nullptr;
    if (packed == nullptr) return out_of_memory();
    const auto for_each = [&](auto move) {
        std::byte* at = packed;
        for (int i = 0; i < n; ++i) {
            const adi::Buffer block = blocks.block(i);
            move(block, at);
            at += block.bytes;
        }
    };
    if (comm.rank == 0) {
        for_each([](const adi::Buffer& b, std::byte* at) { b.read(0, at, b.bytes); });
    }
    const Status s = mpi::bcast(packed, static_cast<Count>(bytes), byte, 0, *comm.local);
    if (comm.rank != 0) {
        for_each([](const adi::Buffer& b, std::byte* at) { b.write(0, at, b.bytes); });
    }
    return s;
}

}  // namespace

Status barrier(Comm& comm) {
    const adi::Buffer nothing;
    Outcome outcome;
    outcome.add(mpi::barrier(*comm.local));
    if (comm.rank == 0) {
        outcome.add(Channel(comm, Tag::barrier).sendrecv(0, nothing, 0, nothing));
    }
    outcome.add(mpi::barrier(*comm.local));
    return outcome.status();
}

Status bcast(void* buffer, Count count, Datatype& type, int root, Comm& comm) {
    const adi::Buffer data = make_buffer(buffer, count, type);
    if (root == MPI_PROC_NULL || data.bytes == 0) return Status::ok;
    const Channel channel(comm, Tag::bcast);
    if (root == MPI_ROOT) return channel.send(0, data);
    Outcome outcome;
    if (comm.rank == 0) outcome.add(channel.recv(root, data));
    outcome.add(mpi::bcast(buffer, count, type, 0, *comm.local));
    return outcome.status();
}

Status gather(const adi::Buffer& own, const Blocks& blocks, int root, Comm& comm) {
    if (root == MPI_PROC_NULL) return Status::ok;
    const Channel channel(comm, Tag::gather);
    if (root != MPI_ROOT) return channel.send(root, own);
    State* state = state_of(comm);
    if (state == nullptr) return out_of_memory();
    const auto requests = state->requests(comm.peer_size);
    if (requests.empty()) return out_of_memory();
    for (int i = 0; i < comm.peer_size; ++i) {
        channel.irecv(requests[static_cast<std::size_t>(i)], i, blocks.block(i));
    }
    return Channel::wait_all(requests);
}

Status scatter(const Blocks& blocks, const adi::Buffer& own, int root, Comm& comm) {
    if (root == MPI_PROC_NULL) return Status::ok;
    const Channel channel(comm, Tag::scatter);
    if (root != MPI_ROOT) return channel.recv(root, own);
    State* state = state_of(comm);
    if (state == nullptr) return out_of_memory();
    const auto requests = state->requests(comm.peer_size);
    if (requests.empty()) return out_of_memory();
    for (int i = 0; i < comm.peer_size; ++i) {
        channel.isend(requests[static_cast<std::size_t>(i)], i, blocks.block(i));
    }
    return Channel::wait_all(requests);
}

/// Every process sends its block to the other group's rank 0, which alone knows how long all of
/// them are, and hands them round.
Status allgather(const adi::Buffer& own, const Blocks& blocks, Comm& comm) {
    State* state = state_of(comm);
    if (state == nullptr) return out_of_memory();
    const int incoming = comm.rank == 0 ? comm.peer_size : 0;
    const auto requests = state->requests(incoming + 1);
    if (requests.empty()) return out_of_memory();
    const Channel channel(comm, Tag::allgather);
    for (int i = 0; i < incoming; ++i) {
        channel.irecv(requests[static_cast<std::size_t>(i)], i, blocks.block(i));
    }
    channel.isend(requests.back(), 0, own);
    Outcome outcome;
    outcome.add(Channel::wait_all(requests));
    outcome.add(spread(blocks, comm));
    return outcome.status();
}

/// All messages at a time: the groups differ in size, so no order of exchanges suits both.
Status alltoall(const Blocks& out, const Blocks& in, Comm& comm) {
    const int n = comm.peer_size;
    State* state = state_of(comm);
    const auto requests = state != nullptr ? state->requests(2 * n) : std::span<adi::Request>();
    if (requests.empty()) return out_of_memory();
    const Channel channel(comm, Tag::alltoall);
    std::size_t used = 0;
    for (int i = 0; i < n; ++i) {
        const int from = (comm.rank + i) % n;
        channel.irecv(requests[used++], from, in.block(from));
    }
    for (int i = 0; i < n; ++i) {
        const int to = (comm.rank + i) % n;
        channel.isend(requests[used++], to, out.block(to));
    }
    return Channel::wait_all(requests);
}

}  // namespace mpi::coll::inter
