// The reductions on intercommunicators: each group combines its operands at its rank 0, and the
// other group gets the result.
#include "bodies.hpp"
#include "mpi/coll/inter.hpp"
#include "mpi/coll/message.hpp"

namespace mpi::coll::inter {

Status reduce(const void* sendbuf, void* recvbuf, Count count, Datatype& type, Op& op, int root,
              Comm& comm) {
    if (root == MPI_PROC_NULL) return Status::ok;
    const Channel channel(comm, Tag::reduce);
    if (root == MPI_ROOT) return channel.recv(0, elements(recvbuf, 0, count, type));
    if (comm.rank != 0) return mpi::reduce(sendbuf, nullptr, count, type, op, 0, *comm.local);
    State* state = state_of(comm);
    if (state == nullptr) return out_of_memory();
    const Elements combined(state->operand, count, type);
    if (!combined) return out_of_memory();
    Outcome outcome;
    outcome.add(mpi::reduce(sendbuf, combined.base(), count, type, op, 0, *comm.local));
    outcome.add(channel.send(root, elements(combined.base(), 0, count, type)));
    return outcome.status();
}

Status allreduce(const void* sendbuf, void* recvbuf, Count count, Datatype& type, Op& op,
                 Comm& comm) {
    Outcome outcome;
    if (comm.rank == 0) {
        State* state = state_of(comm);
        if (state == nullptr) return out_of_memory();
        const Elements combined(state->operand, count, type);
        if (!combined) return out_of_memory();
        outcome.add(mpi::reduce(sendbuf, combined.base(), count, type, op, 0, *comm.local));
        outcome.add(Channel(comm, Tag::allreduce)
                        .sendrecv(0, elements(combined.base(), 0, count, type), 0,
                                  elements(recvbuf, 0, count, type)));
    } else {
        outcome.add(mpi::reduce(sendbuf, nullptr, count, type, op, 0, *comm.local));
    }
    outcome.add(mpi::bcast(recvbuf, count, type, 0, *comm.local));
    return outcome.status();
}

Status reduce_remote(const void* sendbuf, Count total, Datatype& type, Op& op, Comm& comm,
                     void*& result) {
    result = nullptr;
    if (comm.rank != 0) return mpi::reduce(sendbuf, nullptr, total, type, op, 0, *comm.local);
    State* state = state_of(comm);
    if (state == nullptr) return out_of_memory();
    const Elements combined(state->operand, total, type), theirs(state->partial, total, type);
    if (!combined || !theirs) return out_of_memory();
    Outcome outcome;
    outcome.add(mpi::reduce(sendbuf, combined.base(), total, type, op, 0, *comm.local));
    outcome.add(Channel(comm, Tag::reduce_scatter)
                    .sendrecv(0, elements(combined.base(), 0, total, type), 0,
                              elements(theirs.base(), 0, total, type)));
    result = theirs.base();
    return outcome.status();
}

}  // namespace mpi::coll::inter
