// Error handlers of communicators (MPI-5.0 §9.3).
#include "mpi/core/errhandler.hpp"

#include "mpi/core/comm.hpp"
#include "mpi/gen/bodies.hpp"

namespace mpi {

namespace {

Errhandler* make_errhandler(MPI_Comm_errhandler_function* function) {
    Errhandler* handler = table<Errhandler>().create();
    if (handler != nullptr) {
        handler->action = Errhandler::Action::call;
        handler->function = function;
    }
    return handler;
}

Status no_memory() {
    return fail(Status::no_mem, "no memory for an error handler");
}

}  // namespace

Status comm_create_errhandler(MPI_Comm_errhandler_function* comm_errhandler_fn,
                              Errhandler*& errhandler) {
    errhandler = make_errhandler(comm_errhandler_fn);
    return errhandler != nullptr ? Status::ok : no_memory();
}

Status comm_set_errhandler(Comm& comm, Errhandler& errhandler) {
    retain(&errhandler);  // first: it may be the same one
    release(comm.errhandler);
    comm.errhandler = &errhandler;
    return Status::ok;
}

Status comm_get_errhandler(Comm& comm, Errhandler*& errhandler) {
    if (comm.errhandler->handles == 0) {  // the user freed the handle: this one gets a new one
        Errhandler* copy = make_errhandler(comm.errhandler->function);
        if (copy == nullptr) return no_memory();
        release(comm.errhandler);
        comm.errhandler = copy;
        retain(copy);
    } else if (!is_predefined(*comm.errhandler)) {
        ++comm.errhandler->handles;
        retain(comm.errhandler);
    }
    errhandler = comm.errhandler;
    return Status::ok;
}

Status comm_call_errhandler(Comm& comm, int errorcode) {
    switch (comm.errhandler->action) {
        case Errhandler::Action::return_code: return Status::ok;
        case Errhandler::Action::call: call_user_handler(comm, errorcode); return Status::ok;
        case Errhandler::Action::fatal:
        case Errhandler::Action::abort: break;
    }
    // The failing call's report is what the predefined handlers do; MPI_SUCCESS would not fail.
    return errorcode == MPI_SUCCESS ? Status::unknown : static_cast<Status>(errorcode);
}

Status errhandler_free(Errhandler& errhandler) {
    if (is_predefined(errhandler)) return Status::ok;
    if (--errhandler.handles == 0) table<Errhandler>().retire(&errhandler);
    release(&errhandler);
    return Status::ok;
}

}  // namespace mpi
