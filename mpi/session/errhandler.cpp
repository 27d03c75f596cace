// Error handlers of sessions (MPI-5.0 §9.3.4).
#include "mpi/core/errhandler.hpp"

#include "mpi/core/session.hpp"
#include "mpi/gen/bodies.hpp"

namespace mpi {

Status session_create_errhandler(MPI_Session_errhandler_function* function,
                                 Errhandler*& errhandler) {
    errhandler = make_errhandler(nullptr, function);
    return errhandler != nullptr ? Status::ok
                                 : fail(Status::no_mem, "no memory for an error handler");
}

Status session_set_errhandler(Session& session, Errhandler& errhandler) {
    if (Status s = check_for_session(errhandler); s != Status::ok) return s;
    attach(session.errhandler, errhandler);
    return Status::ok;
}

Status session_get_errhandler(Session& session, Errhandler*& errhandler) {
    return hand_out(session.errhandler, errhandler);
}

Status session_call_errhandler(Session& session, int errorcode) {
    return invoke(session.errhandler, session.id, errorcode);
}

}  // namespace mpi
