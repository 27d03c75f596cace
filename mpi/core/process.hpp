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

/// Made by MPI_Init, taken apart by MPI_Finalize; never null in between.
struct ProcessState {
    adi::Engine engine;
    std::unique_ptr<adi::Bootstrap> boot;
    Comm world;
    Comm self;
    Group world_group;
    Group self_group;
    std::string host;  ///< this host's name
    int thread_level = MPI_THREAD_SINGLE;
    // Asked of the launcher when a program asks for them.
    std::optional<int> appnum;         ///< which program of several; -1 when unknown
    std::optional<int> universe_size;  ///< 0 when unknown
    std::thread::id main_thread;
};

extern ProcessState* process_state;

/// The engine of this process. Only between MPI_Init and MPI_Finalize.
inline adi::Engine& engine() {
    return process_state->engine;
}

/// This process's rank in MPI_COMM_WORLD, or -1 outside of MPI.
int world_rank();

}  // namespace mpi
