#include "mpi/core/errhandler.hpp"

#include "mpi/core/call.hpp"
#include "mpi/core/comm.hpp"

namespace mpi {

void release(Errhandler* handler) {
    if (is_predefined(*handler)) return;
    if (--handler->refs == 0) table<Errhandler>().destroy(handler);
}

void call_user_handler(Comm& comm, int code) {
    MPI_Comm handle = handle_of<MPI_Comm>(comm);
    Errhandler* handler = comm.errhandler;
    retain(handler);
    {
        const Unlocked unlocked;
        handler->function(&handle, &code);
    }
    release(handler);
}

namespace {

/// Bound from the start: error handlers may be used before MPI_Init.
[[maybe_unused]] const bool bound = [] {
    using Action = Errhandler::Action;
    static constinit Errhandler fatal, abort, return_code;
    fatal.action = Action::fatal;
    abort.action = Action::abort;
    return_code.action = Action::return_code;
    table<Errhandler>().predefine(0x141, &fatal);
    table<Errhandler>().predefine(0x142, &abort);
    table<Errhandler>().predefine(0x143, &return_code);
    return true;
}();

}  // namespace

}  // namespace mpi
