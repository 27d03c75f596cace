// What one process of MPI consists of besides its objects: the engine, the bootstrap, the two
// communicators that always exist.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "adi/boot/boot.hpp"
#include "adi/engine/engine.hpp"
#include "mpi/core/comm.hpp"
#include "mpi/core/group.hpp"

namespace mpi {

/// Made by the first MPI_Init or MPI_Session_init, never taken apart.
struct ProcessState {
    std::unique_ptr<adi::Board> board;  ///< the launcher's; may be null
    adi::Engine engine;
    std::unique_ptr<adi::Bootstrap> boot;
    Comm world;
    Comm self;
    Group world_group;
    Group self_group;
    std::string host;                      ///< this host's name
    int thread_level = MPI_THREAD_SINGLE;  ///< that MPI_Init granted
    bool left = false;                     ///< the launcher has been told goodbye
    // Asked of the launcher when a program asks for them.
    std::optional<int> appnum;         ///< which program of several; -1 when unknown
    std::optional<int> universe_size;  ///< 0 when unknown
    std::thread::id main_thread;
};

extern ProcessState* process_state;

/// One use of MPI more, at a level that supported_level() gave; the first one starts it, which is
/// collective over the job. The lock is held.
void enter_process(int thread_level);
/// One less; the last one puts the engine to rest, when all that was sent has left.
void leave_process();
/// The lowest of MPI's levels that is not below `required`, or the highest one.
int supported_level(int required);

/// The engine of this process, while MPI is running.
inline adi::Engine& engine() {
    return process_state->engine;
}

/// This process's rank in MPI_COMM_WORLD, or -1 before MPI starts.
int world_rank();

}  // namespace mpi
