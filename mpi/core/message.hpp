// Matched messages (MPI-5.0 §3.8.2): the handle between MPI_Mprobe and MPI_Mrecv.
#pragma once

#include <mpi.h>

#include "adi/engine/matcher.hpp"
#include "mpi/core/comm.hpp"
#include "mpi/core/object.hpp"

namespace mpi {

/// A message that was taken out of the queue and that only its handle's owner can receive.
struct Message : Object {
    adi::Unexpected* arrival = nullptr;
    Comm* comm = nullptr;  ///< one reference held: whose error handler a failing receive asks
};

template <>
struct HandleTraits<Message> {
    static constexpr Kind kind = Kind::message;
    static constexpr Id first = 0x128, count = 2;
};

}  // namespace mpi
