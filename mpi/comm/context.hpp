// Contexts: the integers that keep the messages of different communicators apart.
//
// All members of a communicator use the same context, and no process is a member of two live
// communicators of one context. Each process knows which contexts are free here; to agree on one,
// the members of the parent communicator combine their lists of free contexts by bitwise AND and
// take the lowest that is free everywhere. Most often one exchange of 40 bytes does: the lists are
// looked at in windows, the first one small.
//
// Threads. Two threads of a process may negotiate at a time, over different parents, and must not
// offer the same contexts. So one negotiation of a process at a time owns the list; the others
// offer nothing, which shows in the result (an "all own it" flag), and everybody tries again. That
// comes to an end because of two rules:
//   - Only a negotiation that all members have entered may own the list: under
//     MPI_THREAD_MULTIPLE the first exchange only finds that out. A negotiation that waits for a
//     late member would otherwise keep the list from one that the late member is waiting for.
//   - Among those, the one with the lowest turn goes first. The lowest of all is lowest in each of
//     its processes, so it gets the list everywhere after one more exchange at most.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>

#include "mpi/core/error.hpp"

namespace mpi {

/// How a negotiation reaches its members: the processes of a parent communicator, those of both
/// sides of an intercommunicator, or a group.
class Exchange {
  public:
    /// Replaces each word by the AND of all members' words; collective over the members. Lets go of
    /// the lock while it waits.
    virtual Status combine(std::span<std::uint64_t> words) = 0;
    /// Lets other threads of this process run, without the lock.
    virtual void pause() = 0;

  protected:
    ~Exchange() = default;
};

/// Which of several negotiations goes first. It is the same on all members of a negotiation, and
/// two that are under way at a time and have a process in common differ.
struct Turn {
    std::uint32_t context = 0;  ///< that the members' messages go by
    std::uint32_t process = 0;  ///< the first of them: a context alone is not unique in the job
    std::int32_t number = 0;    ///< tells apart negotiations that may happen on it at a time
    auto operator<=>(const Turn&) const = default;
};

/// The contexts of one process. Its callers hold the lock. Contexts are even: the odd number after
/// each is for its communicator's collectives.
class ContextPool {
  public:
    /// Contexts that exist: so many communicators, less the reserved ones, can be alive.
    static constexpr std::uint32_t kContexts = 65536;
    /// 0, and those of MPI_COMM_WORLD (2) and MPI_COMM_SELF (4), which are never free.
    static constexpr std::uint32_t kReserved = 3;

    /// Agrees with the other members on a context that is free on all of them, and takes it.
    /// Collective over the members. `all_present` says that no other thread of this process can
    /// negotiate meanwhile, or that all members are known to be here. MPI_ERR_OTHER on all members
    /// when no context is free on all.
    Status agree(const Turn& turn, bool all_present, Exchange& exchange, std::uint32_t* context);
    /// Makes a context that agree() took free again: no message of it can come any more.
    void give_back(std::uint32_t context);
    /// Contexts that are taken, the reserved ones included.
    std::uint32_t in_use() const { return in_use_; }

  private:
    static constexpr std::size_t kWords = kContexts / 64;
    static constexpr std::size_t kFirstWindow = 4;  ///< words; each next window is 4 times as long

    class Negotiation;

    std::array<std::uint64_t, kWords> used_{(1U << kReserved) - 1};  ///< bit i: context 2 i
    std::uint32_t in_use_ = kReserved;
    Negotiation* entered_ = nullptr;  ///< those that may own the list, in a list
    Negotiation* owner_ = nullptr;
};

/// The pool of this process.
ContextPool& context_pool();

}  // namespace mpi
