// Communicators: size, rank, compare, group, name, free (MPI-5.0 §7.4, §7.8).
#include "mpi/core/comm.hpp"

#include <algorithm>
#include <cstring>
#include <new>

#include "mpi/gen/bodies.hpp"

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
    if (Status s = group_compare(*comm1.group, *comm2.group, result); s != Status::ok) return s;
    if (result == MPI_IDENT) result = MPI_CONGRUENT;
    return Status::ok;
}

Status comm_group(Comm& comm, Group*& group) {
    try {
        group = make_group(comm.group->members);
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

Status comm_get_name(Comm& comm, char* comm_name, int& resultlen) {
    std::memcpy(comm_name, comm.name.c_str(), comm.name.size() + 1);
    resultlen = static_cast<int>(comm.name.size());
    return Status::ok;
}

Status comm_free(Comm& comm) {
    table<Comm>().retire(&comm);
    release(&comm);
    return Status::ok;
}

}  // namespace mpi
