#include "mpi/core/check.hpp"

#include "mpi/topo/topology.hpp"

namespace mpi::check {

namespace {

struct KindFacts {
    Kind kind;
    Status status;  ///< the class of an invalid handle
    const char* noun;
    const char* null_name;
    Id null_value;
};

constexpr KindFacts kKinds[] = {
    {Kind::comm, Status::comm, "communicator", "MPI_COMM_NULL", 0x100},
    {Kind::group, Status::group, "group", "MPI_GROUP_NULL", 0x108},
    {Kind::datatype, Status::type, "datatype", "MPI_DATATYPE_NULL", 0x200},
    {Kind::request, Status::request, "request", "MPI_REQUEST_NULL", 0x180},
    {Kind::op, Status::op, "operation", "MPI_OP_NULL", 0x20},
    {Kind::info, Status::info, "info object", "MPI_INFO_NULL", 0x130},
    {Kind::session, Status::session, "session", "MPI_SESSION_NULL", 0x120},
    {Kind::errhandler, Status::errhandler, "error handler", "MPI_ERRHANDLER_NULL", 0x140},
};

const KindFacts& facts_of(Kind kind) {
    for (const KindFacts& facts : kKinds) {
        if (facts.kind == kind) return facts;
    }
    static constexpr KindFacts kOther{Kind::message, Status::arg, "object", "null", 0};
    return kOther;
}

}  // namespace

Status bad_handle(const char* name, std::uintptr_t value, Kind kind) {
    const KindFacts& facts = facts_of(kind);
    if (value == facts.null_value) {
        return fail(facts.status, "%s is %s, must be a valid %s", name, facts.null_name,
                    facts.noun);
    }
    return fail(facts.status, "%s is 0x%zx, which is no %s: never made, or freed already", name,
                value, facts.noun);
}

Status bad_predefined(const char* name, std::uintptr_t value, Kind kind) {
    const KindFacts& facts = facts_of(kind);
    return fail(facts.status, "%s is 0x%zx, a predefined %s, which cannot be freed", name, value,
                facts.noun);
}

Status bad_number(Status status, const char* name, Count value) {
    return fail(status, "%s is %lld, must be at least 0", name, static_cast<long long>(value));
}

Status bad_element(Status status, const char* name, Count index, Count value) {
    return fail(status, "%s[%lld] is %lld, must be at least 0", name, static_cast<long long>(index),
                static_cast<long long>(value));
}

Status bad_rank(const char* name, int rank, const Comm& comm, bool wildcard) {
    if (rank == MPI_ANY_SOURCE) {
        return fail(Status::rank, "%s is MPI_ANY_SOURCE, which only receives may use", name);
    }
    return fail(Status::rank, "%s is %d, must be 0 to %d%s or MPI_PROC_NULL", name, rank,
                comm.peer_size - 1, wildcard ? ", MPI_ANY_SOURCE" : "");
}

Status bad_member(const char* name, int rank, const Comm& comm) {
    return fail(Status::rank, "%s is %d, must be 0 to %d", name, rank, comm.peer_size - 1);
}

Status bad_root(const char* name, int root, const Comm& comm) {
    return fail(Status::root, "%s is %d, must be 0 to %d%s", name, root, comm.peer_size - 1,
                comm.is_inter() ? ", MPI_ROOT or MPI_PROC_NULL" : "");
}

Status not_an_intracommunicator(const char* name) {
    return fail(Status::comm, "%s is an intercommunicator, must be an intracommunicator", name);
}

Status bad_tag(const char* name, int tag, bool wildcard) {
    if (tag == MPI_ANY_TAG) {
        return fail(Status::tag, "%s is MPI_ANY_TAG, which only receives may use", name);
    }
    return fail(Status::tag, "%s is %d, must be 0 to %d%s", name, tag, kTagUb,
                wildcard ? " or MPI_ANY_TAG" : "");
}

Status bad_buffer(const char* name, const void* buffer) {
    if (buffer == MPI_IN_PLACE) {
        return fail(Status::buffer, "%s is MPI_IN_PLACE, which is not allowed here", name);
    }
    return fail(Status::buffer, "%s is null, but there is data to communicate", name);
}

Status uncommitted(const char* name) {
    return fail(Status::type, "%s was not committed: call MPI_Type_commit first", name);
}

Status null_argument(const char* name) {
    return fail(Status::arg, "%s is a null pointer", name);
}

Status aliased(const char* name1, const char* name2) {
    return fail(Status::buffer, "%s and %s are the same memory: use MPI_IN_PLACE", name1, name2);
}

Status op_not_defined(const Op& op, const Datatype& type) {
    return fail(Status::op, "the operation 0x%x is not defined on the datatype 0x%x", op.id,
                type.id);
}

Status datatypes(const char* name, const MPI_Datatype* handles, Count length) {
    if (Status s = array(name, handles, length); s != Status::ok) return s;
    for (Count i = 0; i < length; ++i) {
        Datatype* object = nullptr;
        if (handle(name, handles[i], object) != Status::ok) {
            return fail(Status::type, "%s[%lld] is 0x%zx, which is no datatype", name,
                        static_cast<long long>(i), reinterpret_cast<std::uintptr_t>(handles[i]));
        }
    }
    return Status::ok;
}

Status topology(const char* name, MPI_Comm value, Comm*& object) {
    if (Status s = handle(name, value, object); s != Status::ok) return s;
    if (object->topology != nullptr) return Status::ok;
    return fail(Status::topology, "%s has no topology", name);
}

Count sources(const Comm& comm) {
    return comm.topology->indegree();
}

Count destinations(const Comm& comm) {
    return comm.topology->outdegree();
}

Status committed(const char* name, const MPI_Datatype* handles, Count length,
                 const MPI_Datatype*& checked) {
    if (Status s = datatypes(name, handles, length); s != Status::ok) return s;
    for (Count i = 0; i < length; ++i) {
        if (find<Datatype>(handles[i])->committed) continue;
        return fail(Status::type, "%s[%lld] was not committed: call MPI_Type_commit first", name,
                    static_cast<long long>(i));
    }
    checked = handles;
    return Status::ok;
}

}  // namespace mpi::check
