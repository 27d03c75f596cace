// What every MPI call has around it: the check that MPI is running, the lock, and the report of
// errors. Used by the generated shells.
#pragma once

#include <mpi.h>

#include <atomic>
#include <cstddef>

#include "mpi/core/comm.hpp"
#include "mpi/core/error.hpp"

namespace mpi {

struct Session;

/// Where this process is in the life of MPI (MPI-5.0 §11.2).
enum class Phase : unsigned char { before_init, running, finalized };

/// Whether there is MPI at all: running from the first of MPI_Init and MPI_Session_init to the last
/// of MPI_Finalize and MPI_Session_finalize, and again if a session begins later. Every call reads
/// it, relaxed: a thread that calls MPI was told by its program, which synchronises, that MPI is
/// up.
[[gnu::visibility("hidden")]] extern std::atomic<Phase> phase;

/// The same for MPI_Init and MPI_Finalize alone.
[[gnu::visibility("hidden")]] extern std::atomic<Phase> world_phase;

/// True from when MPI_THREAD_MULTIPLE was granted, or sessions came together that may be used by
/// several threads, or a progress thread was started, to the end of the process. Never reset.
[[gnu::visibility("hidden")]] extern bool thread_multiple;

/// The one lock of the MPI layer, taken by the outermost MPI call of a thread. A user's reduction
/// function may call MPI again (MPI_Type_size): the lock counts how deep its thread is.
void lock_enter();
void lock_leave();

/// For the engine's blocking wait: gives the lock back and takes it again, whatever the depth.
/// Other threads that wait get it in between. Both do nothing in a call that has no lock.
void lock_release();
void lock_acquire();

/// Lives around the call of a user's function (an error handler, a generalized request's): the lock
/// is given back, and MPI calls of that function take it like those of a thread outside of MPI.
class Unlocked {
  public:
    Unlocked();
    ~Unlocked();
    Unlocked(const Unlocked&) = delete;
    Unlocked& operator=(const Unlocked&) = delete;

  private:
    unsigned depth_;
};

/// The report of a call outside of MPI_Init and MPI_Finalize; ends the process.
[[noreturn, gnu::cold]] void outside_of_mpi(const char* call);

/// Ends the whole job at once; the exit status of this process is `exit_code`.
[[noreturn]] void abort_job(int exit_code);

/// Lives as long as an MPI call. On the fast path: two loads, two branches never taken.
class Call {
  public:
    explicit Call(const char* name) {
        if (phase.load(std::memory_order_relaxed) != Phase::running) [[unlikely]] {
            outside_of_mpi(name);
        }
        if (locked_) [[unlikely]]
            lock_enter();
    }
    ~Call() {
        if (locked_) [[unlikely]]
            lock_leave();
    }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

  private:
    const bool locked_ = thread_multiple;  ///< which may become true during the call
};

/// Lives as long as a call that may come at any time, before MPI_Init and after MPI_Finalize, from
/// any thread (MPI-5.0 §11.4.1), and that changes objects: always has the lock.
class AnyTimeCall {
  public:
    AnyTimeCall() { lock_enter(); }
    ~AnyTimeCall() { lock_leave(); }
    AnyTimeCall(const AnyTimeCall&) = delete;
    AnyTimeCall& operator=(const AnyTimeCall&) = delete;
};

/// Whose error handler is asked when a call fails: a communicator's, a session's, or one that was
/// an argument of the call.
struct ErrorOwner {
    ErrorOwner(std::nullptr_t) {}
    ErrorOwner(Comm* c) : comm(c) {}
    ErrorOwner(Session* s) : session(s) {}
    ErrorOwner(Errhandler* h) : handler(h) {}
    Comm* comm = nullptr;
    Session* session = nullptr;
    Errhandler* handler = nullptr;
};

/// Handles the failure of a call: invokes the error handler of `owner`; when that is null, of the
/// communicator named by blame(), else of MPI_COMM_SELF, or of MPI_COMM_WORLD while the former has its
/// initial one; while that does not exist errors are fatal (MPI-5.0 §9.3). Returns the error class,
/// or, when errors are fatal, prints one line (the call, its arguments, the class, error_detail())
/// and aborts the job.
///
/// `format` is the call's name, arguments and values; the values follow. Conversions:
///     %p address   %i int   %l MPI_Aint or MPI_Count   %r rank   %t tag
///     %C MPI_Comm  %D MPI_Datatype  %G MPI_Group  %O MPI_Op  %E MPI_Errhandler
///     %I MPI_Info  %S MPI_Session
[[gnu::cold]] int fail_call(Status status, ErrorOwner owner, const char* format, ...) noexcept;

/// Names the communicator that the error now being returned belongs to, in calls that have no
/// communicator argument (completion of requests). It is kept, with a reference, for this thread
/// until the call fails.
[[gnu::cold]] void blame(Comm* comm);

}  // namespace mpi
