// Lost processes: which communicators they break, and what depends on them.
//
// A communicator with a lost member is broken for good. Receives from a lost process and from
// MPI_ANY_SOURCE fail at once with MPIX_ERR_PROC_FAILED, blocking or not (there is no acknowledging
// of failures, so nothing is left pending); so does every collective operation. What its living
// members send each other goes on, and MPI_Comm_create_group makes a communicator of them.
#pragma once

#include <string>

#include "adi/engine/engine.hpp"
#include "mpi/core/comm.hpp"
#include "mpi/core/error.hpp"

namespace mpi {

/// Takes note of a lost process. False when nobody wants to hear of it: all communicators that it
/// is a member of treat errors as fatal.
bool lose(Process process, const std::string& why);

/// Sees whether a communicator that is being made has a lost member.
void check_members(Comm& comm);

/// The communicator that messages of a context belong to; null when there is none any more.
const Comm* comm_of(std::uint32_t context);

/// The engine's Hooks::lost.
bool depends_on_lost(const adi::Match& match, bool sends);

/// The error of operations that depend on a lost process; its sentence names the first.
[[gnu::cold]] Status proc_failed();

/// What a collective operation on a broken communicator begins, and ends, with.
inline Status check_whole(const Comm& comm) {
    if (comm.broken) [[unlikely]]
        return proc_failed();
    return Status::ok;
}

}  // namespace mpi
