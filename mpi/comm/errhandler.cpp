// Error handlers of communicators, and the end of any (MPI-5.0 §9.3).
#include "mpi/core/errhandler.hpp"

#include "mpi/core/comm.hpp"
#include "mpi/gen/bodies.hpp"

namespace mpi {

Status comm_create_errhandler(MPI_Comm_errhandler_function* function, Errhandler*& errhandler) {
    errhandler = make_errhandler(function, nullptr);
    return errhandler != nullptr ? Status::ok
                                 : fail(Status::no_mem, "no memory for an error handler");
}

Status comm_set_errhandler(Comm& comm, Errhandler& errhandler) {
    if (Status s = check_for_comm(errhandler); s != Status::ok) return s;
    attach(comm.errhandler, errhandler);
    return Status::ok;
}

Status comm_get_errhandler(Comm& comm, Errhandler*& errhandler) {
    return hand_out(comm.errhandler, errhandler);
}

Status comm_call_errhandler(Comm& comm, int errorcode) {
    return invoke(comm.errhandler, comm.id, errorcode);
}

Status errhandler_free(Errhandler& errhandler) {
    if (is_predefined(errhandler)) return Status::ok;
    if (--errhandler.handles == 0) table<Errhandler>().retire(&errhandler);
    release(&errhandler);
    return Status::ok;
}

}  // namespace mpi
