// The state of the process: made by the first of MPI_Init and MPI_Session_init, put to rest by the
// last of MPI_Finalize and MPI_Session_finalize (MPI-5.0 §11.2, §11.3).
//
// At rest the devices stay open, and nobody polls them: a session may begin later, and nothing of
// the start could be repeated then, since the launcher has been told goodbye and the peers may be
// gone. What a peer has not fetched yet lies in memory that it shares.
#include "mpi/core/process.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <new>

#include "adi/base/host.hpp"
#include "mpi/coll/select.hpp"
#include "mpi/core/call.hpp"
#include "mpi/core/failure.hpp"
#include "mpi/core/info.hpp"
#include "mpi/core/op.hpp"
#include "mpi/env/progress.hpp"
#include "mpi/env/waiting.hpp"

namespace mpi {

ProcessState* process_state = nullptr;

int world_rank() {
    return process_state == nullptr ? -1 : process_state->world_group.rank;
}

namespace {

/// MPI_Init and sessions that are not finalized, and the highest level of one of them so far.
int users = 0;
int highest_level = MPI_THREAD_SINGLE;

/// MPI cannot start: there is no communicator yet whose error handler could be asked.
[[noreturn]] void cannot_start(const std::string& why) {
    std::fprintf(stderr, "Fathom: MPI_Init failed on host %s (pid %d): %s\n",
                 adi::host_name().c_str(), static_cast<int>(getpid()), why.c_str());
    if (process_state != nullptr && process_state->boot) process_state->boot->abort(1, "");
    std::_Exit(1);
}

bool known_to_launcher(adi::Peer peer) {
    const adi::Board* board = process_state->board.get();
    const std::uint32_t count =
        board == nullptr ? 0 : board->lost_count().load(std::memory_order_acquire);
    for (std::uint32_t i = 0; i < count; ++i) {
        if (board->lost(i) == peer) return true;
    }
    return false;
}

/// The engine's report that a peer died or broke the rules. The other ranks hear of a lost peer by
/// the launcher, which ends the job or lets it go on. Users who have errors returned may go on
/// without a peer that died; otherwise nothing can be saved.
void on_fault(adi::Peer peer, adi::Status why, const std::string& text) {
    const bool lost = why == adi::Status::peer_failed;
    const bool told = lost && !known_to_launcher(peer) &&
                      process_state->boot->report_lost(static_cast<int>(peer), text);
    if (lost && lose(peer, text)) return;
    if (told) abort_job(1);
    std::fprintf(stderr, "Fathom: rank %d on host %s: lost rank %u: %s (%s)\n", world_rank(),
                 process_state->host.c_str(), static_cast<unsigned>(peer), text.c_str(),
                 adi::to_string(why));
    abort_job(1);
}

void make_groups(ProcessState& p) {
    const auto size = static_cast<Process>(p.boot->size());
    const auto rank = static_cast<Process>(p.boot->rank());
    p.world_group.members = Processes(0, size);
    p.world_group.rank = static_cast<int>(rank);
    p.self_group.members = Processes(rank, 1);
    p.self_group.rank = 0;
}

/// Once in the life of the process; collective over the job.
void make_state() {
    process_state = new (std::nothrow) ProcessState;
    if (process_state == nullptr) cannot_start("out of memory");
    ProcessState& p = *process_state;
    p.host = adi::host_name();
    predefine_datatypes();
    predefine_ops();
    predefine_groups();
    coll::select::read_limits();
    std::string error;
    p.boot = adi::make_bootstrap(&error);
    if (!p.boot) cannot_start(error);
    make_groups(p);
    adi::Hooks hooks;
    hooks.fault = on_fault;
    hooks.lost = depends_on_lost;
    const auto rank = static_cast<std::uint32_t>(p.boot->rank());
    p.board = adi::Board::open(rank, static_cast<std::uint32_t>(p.boot->size()));
    hooks.board = p.board.get();
    if (p.board != nullptr) {
        p.board->enter(adi::BoardPhase::starting);
        hooks.waits = tell_wait;
        hooks.waited = tell_end_of_wait;
    }
    if (p.engine.start(*p.boot, hooks, &error) != adi::Status::ok) cannot_start(error);
    // Nobody leaves before all have opened what the others offered: a process that only has a
    // session need not wait for anybody when it ends.
    if (adi::Result<bool> all = p.boot->fence(); !all) cannot_start(all.message());
    describe_start(p.boot->size());
}

}  // namespace

int supported_level(int required) {
    if (required > MPI_THREAD_SERIALIZED) return MPI_THREAD_MULTIPLE;
    if (required > MPI_THREAD_FUNNELED) return MPI_THREAD_SERIALIZED;
    return required > MPI_THREAD_SINGLE ? MPI_THREAD_FUNNELED : MPI_THREAD_SINGLE;
}

void enter_process(int thread_level) {
    if (process_state == nullptr) make_state();
    ++users;
    highest_level = std::max(highest_level, thread_level);
    // Two sessions may be used by two threads at a time, each of which keeps to its level.
    const bool several_threads = wants_progress_thread() || highest_level == MPI_THREAD_MULTIPLE ||
                                 (users > 1 && highest_level > MPI_THREAD_SINGLE);
    if (several_threads && !thread_multiple) {
        thread_multiple = true;
        process_state->engine.share(lock_release, lock_acquire);
    }
    phase.store(Phase::running);
    if (process_state->board != nullptr) process_state->board->enter(adi::BoardPhase::running);
    if (users == 1 && wants_progress_thread()) start_progress_thread();
}

void leave_process() {
    if (--users > 0) return;
    stop_progress_thread();
    ProcessState& p = *process_state;
    p.engine.rest();
    if (!p.left) {
        p.left = true;
        // The launcher's fence has no end without a process that is lost.
        if (p.boot->size() > 1 && !p.world.broken && p.engine.leaves_together()) {
            if (adi::Result<bool> all = p.boot->fence(); !all) {
                std::fprintf(stderr, "Fathom: rank %d on host %s: MPI_Finalize: %s\n", world_rank(),
                             p.host.c_str(), all.message().c_str());
            }
        }
        if (adi::Result<bool> left = p.boot->finalize(); !left) {
            std::fprintf(stderr, "Fathom: rank %d on host %s: MPI_Finalize: %s\n", world_rank(),
                         p.host.c_str(), left.message().c_str());
        }
    }
    phase.store(Phase::finalized);
    if (p.board != nullptr) p.board->enter(adi::BoardPhase::finalized);
}

void abort_job(int exit_code) {
    std::fflush(nullptr);
    if (process_state != nullptr && process_state->boot) {
        process_state->boot->abort(exit_code, "");
    }
    std::_Exit(exit_code);
}

}  // namespace mpi
