// Error handlers (MPI-5.0 §9.3).
#pragma once

#include <mpi.h>

#include "mpi/core/error.hpp"
#include "mpi/core/object.hpp"

namespace mpi {

/// What happens when a call on a communicator or session fails. References are held by the handles
/// and by the objects that use it.
struct Errhandler : Object {
    enum class Action { fatal, abort, return_code, call };
    Action action = Action::fatal;
    // For Action::call, the user's function: one of the two.
    MPI_Comm_errhandler_function* comm_function = nullptr;
    MPI_Session_errhandler_function* session_function = nullptr;
    /// How many of the references are handles that the user owns. At 0 the handle is dead, even
    /// though objects may still use the handler.
    std::uint32_t handles = 1;
};

template <>
struct HandleTraits<Errhandler> {
    static constexpr Kind kind = Kind::errhandler;
    static constexpr Id first = 0x140, count = 8;
};

inline bool is_predefined(const Errhandler& handler) {
    return handler.id < HandleTraits<Errhandler>::first + HandleTraits<Errhandler>::count;
}

inline void retain(Errhandler* handler) {
    ++handler->refs;
}
/// Drops one reference; the last one destroys a user-made handler. Predefined ones stay.
void release(Errhandler* handler);

/// A handler that calls one of the two functions; null when out of memory.
Errhandler* make_errhandler(MPI_Comm_errhandler_function* comm_function,
                            MPI_Session_errhandler_function* session_function);

/// MPI_ERR_ERRHANDLER when the handler is made for objects of the other kind.
Status check_for_comm(const Errhandler& handler);
Status check_for_session(const Errhandler& handler);

// What the functions on handlers have in common; `slot` is the object's own.
void attach(Errhandler*& slot, Errhandler& handler);
/// Gives the user a handle more.
Status hand_out(Errhandler*& slot, Errhandler*& handler);
/// What MPI_Comm_call_errhandler does for the object `owner`. Errors are reported as the failure
/// of this very call, which prints the line and aborts when the handler is a fatal one.
Status invoke(Errhandler* handler, Id owner, int code);

/// Calls the user's function for the object `owner`, 0 for none, without the lock: the function may
/// call MPI, and may free the handler and even the object.
void call_user_handler(Errhandler* handler, Id owner, int code);

}  // namespace mpi
