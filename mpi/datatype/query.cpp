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
    if (datatype.predefined) {  // one of MPI_Type_create_f90_*, which have no constant
        return fail(Status::type, "datatype is predefined and cannot be freed");
    }
    if (Status s = delete_attributes(datatype); s != Status::ok) return s;
    table<Datatype>().retire(&datatype);
    release(&datatype);
    return Status::ok;
}

Status type_size(Datatype& datatype, Count& size) {
    size = datatype.size;
    return Status::ok;
}

Status type_get_extent(Datatype& datatype, Aint& lb, Aint& extent) {
    lb = datatype.lb;
    extent = datatype.extent;
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

}  // namespace mpi
