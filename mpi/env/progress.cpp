#include "mpi/env/progress.hpp"

#include <pthread.h>

#include <csignal>
#include <cstdio>
#include <new>
#include <system_error>
#include <thread>

#include "adi/base/config.hpp"
#include "mpi/core/call.hpp"
#include "mpi/core/process.hpp"

namespace mpi {
namespace {

/// Never destroyed by the end of the process: a program may exit without MPI_Finalize.
std::thread* progress_thread = nullptr;
bool ending = false;  // guarded by the lock

void make_progress() {
    lock_enter();
    engine().wait_asleep([] { return ending; });
    lock_leave();
}

}  // namespace

bool wants_progress_thread() {
    static const bool wanted = adi::config_number("FATHOM_PROGRESS_THREAD", 0, 0, 1) != 0;
    return wanted;
}

void start_progress_thread() {
    // Signals are for the program's own threads, and a new thread has the mask of its maker.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    ending = false;
    try {
        progress_thread = new (std::nothrow) std::thread(make_progress);
    } catch (const std::system_error& e) {
        std::fprintf(stderr, "Fathom: rank %d on host %s: no progress thread: %s\n", world_rank(),
                     process_state->host.c_str(), e.what());
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void stop_progress_thread() {
    if (progress_thread == nullptr) return;
    ending = true;
    engine().wake();
    lock_release();
    progress_thread->join();
    lock_acquire();
    delete progress_thread;
    progress_thread = nullptr;
}

}  // namespace mpi
