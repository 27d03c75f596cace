// A watchdog for a program of several ranks: when a test takes too long, the process prints where
// its main thread stands and ends, without calling MPI.
#pragma once

namespace mpitest {

// Prepares the watchdog for the calling thread; `rank` appears in what it prints. To be called
// once, from the thread that runs the tests.
void watchdog_start(int rank);

// (Re)arms the timer. `what` is printed when it fires and must stay valid until then.
void watchdog_arm(const char* what);

void watchdog_disarm();

}  // namespace mpitest
