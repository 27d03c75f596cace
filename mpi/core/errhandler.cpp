#include "mpi/core/errhandler.hpp"

#include "mpi/core/call.hpp"

namespace mpi {

void release(Errhandler* handler) {
    if (is_predefined(*handler)) return;
    if (--handler->refs == 0) table<Errhandler>().destroy(handler);
}

Errhandler* make_errhandler(MPI_Comm_errhandler_function* comm_function,
                            MPI_Session_errhandler_function* session_function) {
    Errhandler* handler = table<Errhandler>().create();
    if (handler == nullptr) return nullptr;
    handler->action = Errhandler::Action::call;
    handler->comm_function = comm_function;
    handler->session_function = session_function;
    return handler;
}

Status check_for_comm(const Errhandler& handler) {
    if (handler.session_function == nullptr) return Status::ok;
    return fail(Status::errhandler, "the error handler is made for sessions");
}

Status check_for_session(const Errhandler& handler) {
    if (handler.comm_function == nullptr) return Status::ok;
    return fail(Status::errhandler, "the error handler is made for communicators");
}

void attach(Errhandler*& slot, Errhandler& handler) {
    retain(&handler);  // first: it may be the same one
    release(slot);
    slot = &handler;
}

Status hand_out(Errhandler*& slot, Errhandler*& handler) {
    if (slot->handles == 0) {  // the user freed the handle: this object gets a new one
        Errhandler* copy = make_errhandler(slot->comm_function, slot->session_function);
        if (copy == nullptr) return fail(Status::no_mem, "no memory for an error handler");
        release(slot);
        slot = copy;
        retain(copy);
    } else if (!is_predefined(*slot)) {
        ++slot->handles;
        retain(slot);
    }
    handler = slot;
    return Status::ok;
}

Status invoke(Errhandler* handler, Id owner, int code) {
    switch (handler->action) {
        case Errhandler::Action::return_code: return Status::ok;
        case Errhandler::Action::call: call_user_handler(handler, owner, code); return Status::ok;
        case Errhandler::Action::fatal:
        case Errhandler::Action::abort: break;
    }
    // The failing call's report is what the predefined handlers do; MPI_SUCCESS would not fail.
    return code == MPI_SUCCESS ? Status::unknown : static_cast<Status>(code);
}

void call_user_handler(Errhandler* handler, Id owner, int code) {
    retain(handler);
    const auto value = static_cast<std::uintptr_t>(owner);
    if (handler->comm_function != nullptr) {
        const Unlocked unlocked;
        auto comm = owner != 0 ? reinterpret_cast<MPI_Comm>(value) : MPI_COMM_NULL;
        handler->comm_function(&comm, &code);
    } else {
        const Unlocked unlocked;
        auto session = owner != 0 ? reinterpret_cast<MPI_Session>(value) : MPI_SESSION_NULL;
        handler->session_function(&session, &code);
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
