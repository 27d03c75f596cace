// Error handlers (MPI-5.0 §9.3).
#pragma once

#include <mpi.h>

#include "mpi/core/object.hpp"

namespace mpi {

struct Comm;

/// What happens when a call on a communicator fails. References are held by the handles and by the
/// communicators that use it.
struct Errhandler : Object {
    enum class Action { fatal, abort, return_code, call };
    Action action = Action::fatal;
    MPI_Comm_errhandler_function* function = nullptr;  ///< for Action::call
    /// How many of the references are handles that the user owns. At 0 the handle is dead, even
    /// though communicators may still use the object.
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

/// Calls the user's function of a communicator whose handler is one, without the lock: the function
/// may call MPI, and may free the handler and even the communicator.
void call_user_handler(Comm& comm, int code);

}  // namespace mpi
