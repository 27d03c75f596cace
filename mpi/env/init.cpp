// Starting and ending MPI (MPI-5.0 §11.2, §11.4), and ending the job.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <new>

#include "adi/base/host.hpp"
#include "mpi/attr/attributes.hpp"
#include "mpi/core/call.hpp"
#include "mpi/core/info.hpp"
#include "mpi/core/process.hpp"
#include "mpi/gen/bodies.hpp"
#include "mpi/pt2pt/operations.hpp"

namespace mpi {

ProcessState* process_state = nullptr;

int world_rank() {
    return process_state == nullptr ? -1 : process_state->world.rank;
}

namespace {

constexpr std::uint32_t kWorldContext = 2;
constexpr std::uint32_t kSelfContext = 4;

/// MPI cannot start: there is no communicator yet whose error handler could be asked.
[[noreturn]] void cannot_start(const std::string& why) {
    std::fprintf(stderr, "Fathom: MPI_Init failed on host %s (pid %d): %s\n",
                 adi::host_name().c_str(), static_cast<int>(getpid()), why.c_str());
    if (process_state != nullptr && process_state->boot) process_state->boot->abort(1, "");
    std::_Exit(1);
}

/// The engine's report that a peer died or broke the rules: nothing can be saved.
void on_fault(adi::Peer peer, adi::Status why, const std::string& text) {
    std::fprintf(stderr, "Fathom: rank %d on host %s: lost rank %u: %s (%s)\n", world_rank(),
                 process_state->host.c_str(), static_cast<unsigned>(peer), text.c_str(),
                 adi::to_string(why));
    abort_job(1);
}

void make_communicators(ProcessState& p) {
    const auto size = static_cast<Process>(p.boot->size());
    const auto rank = static_cast<Process>(p.boot->rank());
    p.world_group.members.resize(size);
    for (Process i = 0; i < size; ++i) p.world_group.members[i] = i;
    p.world_group.rank = static_cast<int>(rank);
    p.self_group.members = {rank};
    p.self_group.rank = 0;
    Errhandler* fatal = find<Errhandler>(MPI_ERRORS_ARE_FATAL);
    set_up_comm(p.world, &p.world_group, kWorldContext, fatal);
    set_up_comm(p.self, &p.self_group, kSelfContext, fatal);
    p.world.name = "MPI_COMM_WORLD";
    p.self.name = "MPI_COMM_SELF";
    table<Comm>().predefine(0x101, &p.world);
    table<Comm>().predefine(0x102, &p.self);
}

/// Those of MPI_COMM_SELF go before anything else happens (MPI-5.0 §11.4.1); then those of the
/// other objects that MPI itself made.
Status delete_all_attributes() {
    if (Status s = delete_attributes(process_state->self); s != Status::ok) return s;
    if (Status s = delete_attributes(process_state->world); s != Status::ok) return s;
    return delete_predefined_type_attributes();
}

}  // namespace

Status init_thread(int*, char***, int required, int& provided) {
    if (phase.load() != Phase::before_init) {
        return fail(Status::other, phase.load() == Phase::running
                                       ? "MPI is initialised already"
                                       : "MPI was finalized; it cannot be started again");
    }
    process_state = new (std::nothrow) ProcessState;
    if (process_state == nullptr) cannot_start("out of memory");
    ProcessState& p = *process_state;
    p.host = adi::host_name();
    p.main_thread = std::this_thread::get_id();
    p.thread_level = required < MPI_THREAD_SINGLE     ? MPI_THREAD_SINGLE
                     : required > MPI_THREAD_MULTIPLE ? MPI_THREAD_MULTIPLE
                                                      : required;
    predefine_datatypes();
    predefine_ops();
    predefine_groups();

    std::string error;
    p.boot = adi::make_bootstrap(&error);
    if (!p.boot) cannot_start(error);
    make_communicators(p);
    adi::Hooks hooks;
    hooks.fault = on_fault;
    if (p.thread_level == MPI_THREAD_MULTIPLE) {
        thread_multiple = true;
        hooks.unlock = lock_release;
        hooks.lock = lock_acquire;
    }
    if (p.engine.start(*p.boot, hooks, &error) != adi::Status::ok) cannot_start(error);
    provided = p.thread_level;
    describe_start(p.boot->size());
    phase.store(Phase::running);
    return Status::ok;
}

Status init(int* argc, char*** argv) {
    int provided = 0;
    return init_thread(argc, argv, MPI_THREAD_SINGLE, provided);
}

Status finalize() {
    ProcessState& p = *process_state;
    if (Status s = delete_all_attributes(); s != Status::ok) return s;
    pt2pt::drain_buffered();
    if (Status s = barrier(p.world); s != Status::ok) return s;
    if (p.self.coll != nullptr) coll::destroy(p.self.coll);
    if (p.world.coll != nullptr) coll::destroy(p.world.coll);
    p.engine.stop();
    if (adi::Result<bool> left = p.boot->finalize(); !left) {
        std::fprintf(stderr, "Fathom: rank %d on host %s: MPI_Finalize: %s\n", world_rank(),
                     p.host.c_str(), left.message().c_str());
    }
    phase.store(Phase::finalized);
    release(p.world.errhandler);
    release(p.self.errhandler);
    table<Comm>().undefine(0x101);
    table<Comm>().undefine(0x102);
    delete process_state;
    process_state = nullptr;
    return Status::ok;
}

void abort_job(int exit_code) {
    std::fflush(nullptr);
    if (process_state != nullptr && process_state->boot) {
        process_state->boot->abort(exit_code, "");
    }
    std::_Exit(exit_code);
}

}  // namespace mpi
