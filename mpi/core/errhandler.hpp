// Error handlers (MPI-5.0 §9.3).
#pragma once

#include <mpi.h>

#include "mpi/core/object.hpp"

namespace mpi {

/// What happens when a call on a communicator fails.
struct Errhandler : Object {
    enum class Action { fatal, abort, return_code, call };
    Action action = Action::fatal;
    MPI_Comm_errhandler_function* function = nullptr;  ///< for Action::call
};

template <>
struct HandleTraits<Errhandler> {
    static constexpr Kind kind = Kind::errhandler;
    static constexpr Id first = 0x140, count = 8;
};

/// Drops one reference; the last one destroys a user-made handler.
void release(Errhandler* handler);

}  // namespace mpi
