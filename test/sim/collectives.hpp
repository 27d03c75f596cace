// The collectives, each with the algorithms that the selection (mpi/coll/select.hpp) knows, as
// calls whose results are checked.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "mpi/coll/select.hpp"
#include "mpi/core/comm.hpp"

namespace sim {

using Limits = mpi::coll::select::Limits;

/// One way to do a collective.
struct Algorithm {
    const char* name;
    void (*want)(Limits&);  ///< makes the selection take it, where it can
    bool by_hosts = false;  ///< in two levels
    /// Sends messages in proportion to the square of the number of ranks.
    bool square = false;
};

struct Collective {
    const char* name;
    /// Makes one call with `bytes` bytes (of the whole for bcast, reductions of whole vectors and
    /// scan, else of one rank's block), and tells if the result was right.
    bool (*call)(mpi::Comm& comm, std::uint64_t bytes, int root);
    /// Bytes of buffers and scratch memory on each of `ranks` ranks, about.
    std::uint64_t (*memory)(std::uint64_t bytes, std::uint64_t ranks);
    bool has_data;
    /// Does the selection take an algorithm whose messages grow with the square of the ranks, or of
    /// the hosts for bcast?
    bool (*choice_is_square)(std::uint64_t bytes, int ranks, int hosts);
    std::span<const Algorithm> algorithms;
};

std::span<const Collective> collectives();

/// Sets the selection's limits for one algorithm; and back when it goes.
class Wanting {
  public:
    explicit Wanting(const Algorithm& algorithm) { algorithm.want(mpi::coll::select::limits); }
    ~Wanting() { mpi::coll::select::limits = Limits(); }
    Wanting(const Wanting&) = delete;
    Wanting& operator=(const Wanting&) = delete;
};

}  // namespace sim
