// What a generalized request's query function puts into its status (MPI-5.0 §13.3).
#include "mpi/core/status.hpp"
#include "mpi/datatype/elements.hpp"
#include "mpi/gen/bodies.hpp"

namespace mpi {

Status status_set_elements(MPI_Status& status, Datatype& datatype, Count count) {
    set_status_bytes(status, bytes_of(datatype, count));
    return Status::ok;
}

Status status_set_cancelled(MPI_Status& status, int flag) {
    set_status_cancelled(status, flag != 0);
    return Status::ok;
}

}  // namespace mpi
