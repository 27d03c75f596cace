// What the collectives keep per communicator, so that steady state allocates nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "adi/engine/request.hpp"
#include "mpi/core/comm.hpp"

namespace mpi::coll {

class Hosts;
class Shared;

/// Memory that grows to the largest use and stays. Content is undefined at each use.
class Scratch {
  public:
    /// At least `bytes` bytes, aligned for any type; null when memory is out (never for 0 bytes).
    std::byte* get(std::uint64_t bytes);

  private:
    std::unique_ptr<std::byte[]> memory_;
    std::uint64_t bytes_ = 0;
};

/// Only one blocking collective at a time runs on a communicator (MPI-5.0 §6.1), so one set serves
/// it; other communicators, whose calls may interleave with it from other threads, have their own,
/// and so does every nonblocking collective.
struct State {
    Scratch packed;               ///< packed bytes on their way through this rank
    Scratch operand;              ///< elements for reductions: what came in
    Scratch partial;              ///< elements for reductions: what goes out
    Shared* shared = nullptr;     ///< mpi/coll/shared.hpp
    bool shared_decided = false;  ///< whether this communicator has shared memory is settled
    Hosts* hosts = nullptr;       ///< mpi/coll/hosts.hpp
    bool hosts_decided = false;   ///< whether it has two levels is settled
    int uses = 0;                 ///< of Shared::if_worthwhile() while that is not settled
    /// How many nonblocking and how many persistent operations were made on the communicator: the
    /// same on all ranks, since collective calls are ordered.
    std::uint32_t nonblocking_made = 0;
    std::uint32_t persistent_made = 0;

    /// `n` idle requests; empty when memory is out (and n > 0).
    std::span<adi::Request> requests(int n);

    State() = default;
    ~State();
    State(const State&) = delete;
    State& operator=(const State&) = delete;

  private:
    std::unique_ptr<adi::Request[]> requests_;
    int request_count_ = 0;
};

/// The state for a collective on `comm`: the communicator's, made at the first call, or on a fiber
/// the operation's; null when memory is out.
State* state_of(Comm& comm);
/// The communicator's, on a fiber too.
State* own_state_of(Comm& comm);

}  // namespace mpi::coll
