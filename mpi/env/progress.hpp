// The progress thread (setting FATHOM_PROGRESS_THREAD=1): goes on with operations while the program
// computes. It sleeps until a message comes or an operation ends, as any waiting thread does, and
// takes the lock like one, so with it MPI calls pay for the lock at every thread level. Users'
// reduction functions of nonblocking collectives may run on it.
#pragma once

namespace mpi {

/// Does the user want one?
bool wants_progress_thread();

/// Called when MPI comes to life; the engine runs and uses the lock, which the caller holds.
void start_progress_thread();

/// Called when MPI is left, before the engine is put to rest. The caller holds the lock. Does
/// nothing when there is no such thread.
void stop_progress_thread();

}  // namespace mpi
