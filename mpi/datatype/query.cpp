// Commit, free, and the calls that ask for a datatype's size and bounds (MPI-5.0 §5.1.5 to §5.1.9),
// with the removed ones that old programs use.

#include "bodies.hpp"
#include "mpi/attr/attributes.hpp"
#include "mpi/datatype/contents.hpp"

namespace mpi {

Status type_commit(Datatype& datatype) {
    datatype.committed = true;
    return Status::ok;
}

Status type_free(Datatype& datatype) {
    if (datatype.predefined) {  // one that has no constant
        return fail(Status::type, "datatype is predefined and cannot be freed");
    }
    if (Status s = delete_attributes(datatype); s != Status::ok) return s;
    table<Datatype>().retire(&datatype);
    release(&datatype);
    return Status::ok;
}

Status type_size(const Datatype* datatype, Count& size) {
    size = datatype == nullptr ? MPI_UNDEFINED : datatype->size;  // absent: MPI-5.0 §20.4
    return Status::ok;
}

Status type_get_extent(Datatype& datatype, Aint& lb, Aint& extent) {
    lb = datatype.lb;
    extent = datatype.extent;
    return Status::ok;
}

Status type_get_true_extent(Datatype& datatype, Aint& true_lb, Aint& true_extent) {
    true_lb = datatype.true_lb;
    true_extent = datatype.true_extent;
    return Status::ok;
}

Status type_extent(Datatype& datatype, Aint& extent) {
    extent = datatype.extent;
    return Status::ok;
}

Status type_lb(Datatype& datatype, Aint& displacement) {
    displacement = datatype.lb;
    return Status::ok;
}

Status type_ub(Datatype& datatype, Aint& displacement) {
    displacement = datatype.lb + datatype.extent;
    return Status::ok;
}

Status get_address(const void* location, Aint& address) {
    address = reinterpret_cast<Aint>(location);
    return Status::ok;
}

// Addresses wrap around, as the machine's do.

Aint aint_add(Aint base, Aint disp) {
    return static_cast<Aint>(static_cast<std::uintptr_t>(base) + static_cast<std::uintptr_t>(disp));
}

Aint aint_diff(Aint addr1, Aint addr2) {
    return static_cast<Aint>(static_cast<std::uintptr_t>(addr1) -
                             static_cast<std::uintptr_t>(addr2));
}

}  // namespace mpi
