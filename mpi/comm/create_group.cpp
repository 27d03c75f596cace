// MPI_Comm_create_group (MPI-5.0 §7.4.2): only the members of the group take part.
#include "mpi/comm/create.hpp"
#include "mpi/core/check.hpp"
#include "mpi/gen/bodies.hpp"

namespace mpi {

Status make_in_group(Group* group, std::uint32_t context, int tag, Errhandler* errhandler,
                     Comm*& newcomm) {
    GroupExchange exchange(*group, context, tag);
    return make_agreed({context, group->members[0], tag}, group->size() == 1, exchange, {group},
                       errhandler, newcomm);
}

Status comm_create_group(Comm& comm, Group& group, int tag, Comm*& newcomm) {
    if (Status s = check::intracommunicator("comm", comm); s != Status::ok) return s;
    if (Status s = check_members(comm, group); s != Status::ok) return s;
    if (group.rank < 0) return Status::ok;
    return with_memory_for_comm([&] {
        Group* own = new_group(group.members, group);
        if (own == nullptr) return Status::no_mem;
        return make_in_group(own, comm.side_context(Side::group), tag, comm.errhandler, newcomm);
    });
}

}  // namespace mpi
