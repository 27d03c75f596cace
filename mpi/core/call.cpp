#include "mpi/core/call.hpp"

#include <sched.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <utility>

#include "adi/base/host.hpp"
#include "mpi/core/group.hpp"
#include "mpi/core/lock.hpp"
#include "mpi/core/op.hpp"
#include "mpi/core/process.hpp"
#include "mpi/core/session.hpp"
#include "mpi/core/user_errors.hpp"
#include "mpi/gen/names.hpp"

namespace mpi {

std::atomic<Phase> phase{Phase::before_init};
bool thread_multiple = false;

// ---- The lock ----

namespace {

constinit Lock lock;
/// Reached without a call: every MPI call reads it. It takes room that the C library sets aside for
/// such variables of libraries that are loaded late.
[[gnu::tls_model("initial-exec")]] thread_local unsigned lock_depth = 0;

/// A thread that polls would take the lock again before one that waits for it, asleep perhaps, has
/// come to run: it lets that one go first.
void take_back() {
    if (lock.wanted()) sched_yield();
    lock.lock();
}

}  // namespace

void lock_enter() {
    if (lock_depth++ == 0) lock.lock();
}

void lock_leave() {
    if (--lock_depth == 0) lock.unlock();
}

void lock_release() {
    if (lock_depth != 0) lock.unlock();
}

void lock_acquire() {
    if (lock_depth != 0) take_back();
}

Unlocked::Unlocked() : depth_(std::exchange(lock_depth, 0U)) {
    if (depth_ != 0) lock.unlock();
}

Unlocked::~Unlocked() {
    if (depth_ != 0) take_back();
    lock_depth = depth_;
}

// ---- Reports of errors ----

namespace {

thread_local Comm* blamed = nullptr;  // holds a reference

/// "rank 3 on host n1", or "pid 4711 on host n1" while this process has no rank.
std::string who() {
    const bool up = phase.load(std::memory_order_relaxed) == Phase::running;
    const std::string self =
        up ? "rank " + std::to_string(world_rank()) : "pid " + std::to_string(getpid());
    return self + " on host " + adi::host_name();
}

/// One write, so that the line is not mixed with those of other processes.
void print_line(std::string line) {
    line += '\n';
    for (std::size_t done = 0; done < line.size();) {
        const ssize_t n = write(STDERR_FILENO, line.data() + done, line.size() - done);
        if (n <= 0) return;
        done += static_cast<std::size_t>(n);
    }
}

const char* find_name(std::span<const names::Name> table, std::uintptr_t value) {
    for (const names::Name& entry : table) {
        if (entry.value == value) return entry.name;
    }
    return nullptr;
}

std::string hex(std::uintptr_t value) {
    char text[24];
    std::snprintf(text, sizeof text, "0x%zx", value);
    return text;
}

std::string address_text(const void* pointer) {
    if (pointer == nullptr) return "NULL";
    return pointer == MPI_IN_PLACE ? "MPI_IN_PLACE"
                                   : hex(reinterpret_cast<std::uintptr_t>(pointer));
}

std::string handle_text(char letter, std::uintptr_t value) {
    const char* name = nullptr;
    switch (letter) {
        case 'C': name = find_name(names::comm, value); break;
        case 'D': name = find_name(names::datatype, value); break;
        case 'G': name = find_name(names::group, value); break;
        case 'O': name = find_name(names::op, value); break;
        case 'I': name = find_name(names::info, value); break;
        case 'S': name = find_name(names::session, value); break;
        default: name = find_name(names::errhandler, value); break;
    }
    if (name != nullptr) return name;
    std::string text = hex(value);
    if (letter == 'C') {
        const Comm* comm = find<Comm>(value);
        if (comm != nullptr && !comm->name.empty()) text += " \"" + comm->name + '"';
    }
    return text;
}

std::string rank_text(int rank) {
    switch (rank) {
        case MPI_PROC_NULL: return "MPI_PROC_NULL";
        case MPI_ANY_SOURCE: return "MPI_ANY_SOURCE";
        case MPI_ROOT: return "MPI_ROOT";
        default: return std::to_string(rank);
    }
}

std::string call_text(const char* format, va_list values) {
    std::string text;
    for (const char* p = format; *p != '\0'; ++p) {
        if (*p != '%') {
            text += *p;
            continue;
        }
        switch (*++p) {
            case 'p': text += address_text(va_arg(values, const void*)); break;
            case 'i': text += std::to_string(va_arg(values, int)); break;
            case 'l': text += std::to_string(va_arg(values, std::int64_t)); break;
            case 'r': text += rank_text(va_arg(values, int)); break;
            case 't': {
                const int tag = va_arg(values, int);
                text += tag == MPI_ANY_TAG ? "MPI_ANY_TAG" : std::to_string(tag);
                break;
            }
            default: text += handle_text(*p, va_arg(values, std::uintptr_t)); break;
        }
    }
    return text;
}

/// `comm` is the communicator when the arguments do not show it, else null.
std::string report(Status status, const Comm* comm, const char* format, va_list values) {
    const int code = static_cast<int>(status);
    const char* class_name = find_name(names::error_class, static_cast<std::uintptr_t>(code));
    const ErrorFacts facts = facts_of_error(code);
    std::string line = "Fathom: " + who() + ": " + call_text(format, values) +
                       " failed: " + (class_name != nullptr ? class_name : std::to_string(code)) +
                       " (" + (facts.text != nullptr ? facts.text : "no error code of MPI") + ')';
    if (*error_detail() != '\0') line += std::string(": ") + error_detail();
    if (comm != nullptr) line += "; communicator " + handle_text('C', comm->id);
    return line;
}

}  // namespace

void outside_of_mpi(const char* call) {
    const bool before = phase.load(std::memory_order_relaxed) == Phase::before_init;
    print_line("Fathom: " + who() + ": " + call + " was called " +
               (before ? "before MPI_Init" : "after MPI_Finalize"));
    std::fflush(nullptr);
    _exit(1);
}

void blame(Comm* comm) {
    if (blamed != nullptr) release(blamed);  // an error that did not become a call's failure
    blamed = comm;
    if (comm != nullptr) retain(comm);
}

/// The communicator whose handler gets the errors that belong to none. The standard says
/// MPI_COMM_SELF; up to MPI-3 it was MPI_COMM_WORLD, and programs that set a handler there alone
/// mean all errors. So that one is asked as long as MPI_COMM_SELF's is the initial one; MPICH does
/// so too.
static Comm* owner_of_the_rest() {
    Comm* self = find<Comm>(MPI_COMM_SELF);
    const bool initial =
        self != nullptr && self->errhandler == find<Errhandler>(MPI_ERRORS_ARE_FATAL);
    return initial ? find<Comm>(MPI_COMM_WORLD) : self;
}

int fail_call(Status status, ErrorOwner owner, const char* format, ...) noexcept {
    const int code = static_cast<int>(status);
    const Comm* unseen = nullptr;  // not among the arguments
    if (owner.comm == nullptr && owner.session == nullptr && owner.handler == nullptr) {
        unseen = blamed;
        owner.comm = blamed != nullptr ? blamed : owner_of_the_rest();
    }
    Errhandler* handler = owner.comm != nullptr      ? owner.comm->errhandler
                          : owner.session != nullptr ? owner.session->errhandler
                                                     : owner.handler;
    const auto action = handler != nullptr ? handler->action : Errhandler::Action::fatal;
    if (action == Errhandler::Action::return_code || action == Errhandler::Action::call) {
        clear_error_detail();
        const Id id = owner.comm != nullptr      ? owner.comm->id
                      : owner.session != nullptr ? owner.session->id
                                                 : 0;
        if (action == Errhandler::Action::call) call_user_handler(handler, id, code);
        blame(nullptr);
        return code;
    }
    va_list values;
    va_start(values, format);
    print_line(report(status, unseen, format, values));
    va_end(values);
    if (phase.load(std::memory_order_relaxed) == Phase::running) abort_job(code);
    std::fflush(nullptr);  // there is no job to abort
    _exit(code);
}

}  // namespace mpi
