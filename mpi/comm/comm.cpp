// Communicators: size, rank, compare, group, name, free (MPI-5.0 §7.4, §7.8, §11.10.4).
#include "mpi/core/comm.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <new>

#include "mpi/attr/attributes.hpp"
#include "mpi/core/process.hpp"
#include "mpi/core/request.hpp"
#include "mpi/gen/bodies.hpp"
#include "mpi/pt2pt/send_buffer.hpp"

namespace mpi {

Status comm_size(Comm& comm, int& size) {
    size = comm.size;
    return Status::ok;
}

Status comm_rank(Comm& comm, int& rank) {
    rank = comm.rank;
    return Status::ok;
}

Status comm_compare(Comm& comm1, Comm& comm2, int& result) {
    if (&comm1 == &comm2) {
        result = MPI_IDENT;
        return Status::ok;
    }
    result = MPI_UNEQUAL;
    if (comm1.is_inter() != comm2.is_inter()) return Status::ok;
    int groups = MPI_UNEQUAL, peers = MPI_IDENT;
    if (Status s = group_compare(*comm1.group, *comm2.group, groups); s != Status::ok) return s;
    if (comm1.is_inter()) {
        if (Status s = group_compare(*comm1.peers, *comm2.peers, peers); s != Status::ok) return s;
    }
    if (groups == MPI_IDENT && peers == MPI_IDENT) {
        result = MPI_CONGRUENT;
    } else if (groups != MPI_UNEQUAL && peers != MPI_UNEQUAL) {
        result = MPI_SIMILAR;
    }
    return Status::ok;
}

Status comm_group(Comm& comm, Group*& group) {
    try {
        group = make_group(comm.group->members, *comm.group);
    } catch (const std::bad_alloc&) {
    }
    return group != nullptr ? Status::ok : fail(Status::no_mem, "no memory for a group");
}

Status comm_set_name(Comm& comm, const char* comm_name) {
    try {
        comm.name.assign(comm_name, strnlen(comm_name, MPI_MAX_OBJECT_NAME - 1));
    } catch (const std::bad_alloc&) {
        return fail(Status::no_mem, "no memory for the name");
    }
    return Status::ok;
}

Status comm_get_name(const Comm* comm, char* comm_name, int& resultlen) {
    const char* name = comm != nullptr ? comm->name.c_str() : "MPI_COMM_NULL";
    resultlen = std::snprintf(comm_name, MPI_MAX_OBJECT_NAME, "%s", name);
    return Status::ok;
}

/// Waits for the messages in an attached buffer: its memory is the user's own again.
Status comm_free(Comm& comm) {
    if (Status s = delete_attributes(comm); s != Status::ok) return s;
    pt2pt::flush(comm.send_buffer);
    table<Comm>().retire(&comm);
    release(&comm);
    return Status::ok;
}

namespace {

/// Operations that the engine has not finished yet, those of freed requests included. A request
/// that nobody has waited for may be finished.
bool has_pending_traffic(const Comm& comm) {
    std::uint32_t finished = 0;
    bool unfinished = false;
    table<Request>().for_each([&](const Request& request) {
        if (request.comm != &comm) return;
        unfinished = unfinished || (request.active && !request.complete());
        ++finished;
    });
    return unfinished || comm.refs > 1 + finished;
}

}  // namespace

Status comm_disconnect(Comm& comm) {
    engine().wait_until([&comm] { return !has_pending_traffic(comm); });
    return comm_free(comm);
}

}  // namespace mpi
