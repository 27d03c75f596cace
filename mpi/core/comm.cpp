#include "mpi/core/comm.hpp"

#include "mpi/comm/context.hpp"

namespace mpi {

void set_up_comm(Comm& comm, Group* group, std::uint32_t context, Errhandler* errhandler) {
    comm.rank = group->rank;
    comm.size = group->size();
    comm.context = context;
    comm.group = group;
    comm.world_order = true;
    for (std::size_t i = 0; i < group->members.size() && comm.world_order; ++i) {
        comm.world_order = group->members[i] == i;
    }
    comm.errhandler = errhandler;
    retain(errhandler);
}

Comm* make_comm(Group* group, std::uint32_t context, Errhandler* errhandler) {
    Comm* comm = table<Comm>().create();
    if (comm != nullptr) set_up_comm(*comm, group, context, errhandler);
    return comm;
}

void release(Comm* comm) {
    if (--comm->refs != 0) return;
    if (comm->coll != nullptr) coll::destroy(comm->coll);
    release(comm->group);
    release(comm->errhandler);
    context_pool().give_back(comm->context);
    table<Comm>().destroy(comm);
}

}  // namespace mpi
