// Which algorithm for which size and number of ranks. Every rank of a call must come to the same
// answer, so only what is the same on all of them is asked: the communicator's size, the number of
// bytes (type signatures agree where datatypes need not), the operation.
//
// Short messages are a matter of rounds, each of which costs a latency: trees and doubling, log p
// rounds. Long ones are a matter of bytes per rank: rings, pairwise exchange and reduce-scatter
// move each byte about twice whatever p is (Thakur, Rabenseifner, Gropp 2005; van de Geijn 1994).
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

namespace mpi::coll::select {

using Bytes = std::uint64_t;

/// Where one algorithm gives way to the next: bytes, of the whole or of one rank's block as the
/// functions below say, up to which the one for short data is taken.
struct Limits {
    Bytes bcast = 128 * 1024 - 1;
    Bytes gather = 2048;
    Bytes gather_ranks = 12;  ///< so few go straight to the root, however short
    Bytes allgather = 64 * 1024;
    Bytes allgather_block = 4096;
    Bytes alltoall = 128;
    Bytes reduce = 16 * 1024;
    Bytes reduce_scatter = 512 * 1024;
    Bytes reduce_scatter_step = 16 * 1024;
    Bytes scan = 8191;            ///< for each rank
    Bytes scan_by_hosts = 16383;  ///< for each host
    Bytes allgather_by_hosts = 64 * 1024;
    Bytes alltoall_by_hosts = 4096;  ///< of one rank's blocks for a host
    Bytes reduce_by_hosts = 16 * 1024;
    Bytes pair_shared = 2048;
    Bytes bcast_shared = 8 * 1024 * 1024;
    Bytes reduce_shared = 1024 * 1024;
    Bytes allgather_shared = 256 * 1024;
    Bytes allreduce_by_last = 16 * 1024;
    Bytes reduce_by_root = 64 * 1024;
};
/// Constant in a program, after MPI_Init. The simulator (test/sim) tries what else there is, and
/// test/bench/tune.py measures it.
inline constinit Limits limits;

/// Sets what FATHOM_COLL_LIMITS names: "bcast=65536,scan=0". It must be the same on all ranks.
/// Words that are no such thing are ignored, with one warning each.
void read_limits();

/// bcast by scatter and allgather, which sends 2n per rank; a binomial tree sends n log p in turn.
inline bool bcast_is_long(Bytes bytes, int ranks) {
    return ranks > 4 && bytes > limits.bcast;
}

/// gather and scatter along a binomial tree, which halves the root's messages and copies the blocks
/// log p times; otherwise straight to or from the root, which has done with a few ranks before a
/// tree's rounds are over.
inline bool gather_is_short(Bytes block, int ranks) {
    return static_cast<Bytes>(ranks) > limits.gather_ranks && block <= limits.gather;
}

/// allgather by doubling (Bruck); otherwise a ring, whose steps are all between neighbours. Where
/// ranks have the way to the network for themselves (`alone`: no host has several, or one has all)
/// both move as many bytes, and the ring takes p rounds for it; else doubling sends the same bytes
/// over it once for each rank of a host.
inline bool allgather_is_short(Bytes total, int ranks, bool alone) {
    return total <= limits.allgather || ranks <= 2 ||
           (alone && total / static_cast<Bytes>(ranks) <= limits.allgather_block);
}

/// alltoall in log p rounds of p / 2 blocks each (Bruck).
inline bool alltoall_is_short(Bytes block, int ranks) {
    return ranks >= 8 && block <= limits.alltoall;
}

/// reduce and allreduce by reduce-scatter first (Rabenseifner), which needs `count` >= ranks.
inline bool reduce_is_long(Bytes bytes, std::int64_t count, int ranks) {
    return bytes > limits.reduce && count >= ranks && ranks > 3;
}

/// reduce_scatter by pairwise exchange instead of recursive halving. Where the ranks are no power
/// of two, halving first moves whole vectors: in that time pairwise exchange takes many of its
/// steps, which are more by so many.
inline bool reduce_scatter_is_long(Bytes total, int ranks) {
    if (ranks <= 2 || total > limits.reduce_scatter) return true;
    const auto p = static_cast<unsigned>(ranks);
    const int more_steps = ranks - 2 - std::bit_width(p);
    return !std::has_single_bit(p) &&
           total > limits.reduce_scatter_step * static_cast<Bytes>(std::max(more_steps, 0));
}

/// scan and exscan along the ranks one by one, in segments; by doubling every rank would send and
/// combine the vector log p times. On `hosts` hosts, some with several ranks in order (else 0), it
/// would also go over the network once for each rank, and along the ranks once for each host.
inline bool scan_is_long(Bytes bytes, int ranks, int hosts) {
    return bytes / static_cast<Bytes>(ranks) > limits.scan ||
           (hosts > 0 && bytes / static_cast<Bytes>(hosts) > limits.scan_by_hosts);
}
/// Elements of a segment: what a device sends without asking, where it can (shm).
constexpr std::int64_t scan_segment(std::int64_t element_bytes) {
    return element_bytes >= 32768 ? 1 : 32768 / element_bytes;
}

// --- in shared memory ----------------------------------------------------------------------------
// Where all ranks map each other's memory, short operations need no messages (shared.hpp). The
// limits are bytes; they were measured against the messages on two cores, with 2 to 16 ranks.

/// A communicator's first collectives use messages: one that lives for a split or a barrier alone
/// is not worth the exchange of keys and the memory.
inline constexpr int kUsesBeforeShared = 2;

/// What fits a slot takes one epoch (Shared::kSlotBytes).
inline constexpr Bytes kOneEpoch = 16384;

/// Two ranks do best with messages except for the shortest data: theirs is one copy in and one out
/// too, and the engine pipelines it. From three ranks on the slots save copies: one in, instead of
/// one per receiver.
inline bool long_is_shared(Bytes block, Bytes most, int ranks) {
    return block <= (ranks == 2 ? limits.pair_shared : most);
}

inline bool bcast_is_shared(Bytes bytes, int ranks) {
    return long_is_shared(bytes, limits.bcast_shared, ranks);
}
inline bool reduce_is_shared(Bytes bytes, int ranks) {
    return long_is_shared(bytes, limits.reduce_shared, ranks);
}
/// `block` is the average of the blocks.
inline bool allgather_is_shared(Bytes block, int ranks) {
    return long_is_shared(block, limits.allgather_shared, ranks);
}
/// gather, scatter, alltoall, reduce_scatter, scan: all that a rank writes fits a slot.
inline bool fits_epoch(Bytes bytes, int ranks) {
    return bytes <= kOneEpoch && (ranks != 2 || bytes / 2 <= limits.pair_shared);
}

/// Every rank combines a part of the vector, instead of one rank all of it: more work at the same
/// time, and every rank has to run twice.
inline bool shared_allreduce_by_parts(Bytes bytes) {
    return bytes > limits.allreduce_by_last;
}
inline bool shared_reduce_by_parts(Bytes bytes) {
    return bytes > limits.reduce_by_root;
}

// --- on several hosts ----------------------------------------------------------------------------
// In two levels (hosts.hpp) what is short pays: fewer messages. What is long is passed on by rings
// and pairwise exchange, which already cross each link between hosts as seldom as can be, as do the
// halves and quarters of Rabenseifner's algorithm where each host has the same power of two of
// ranks, one after the other: what crosses over is a vector per host in all. A bcast would send one
// per rank.

inline bool allgather_is_by_hosts(Bytes total) {
    return total <= limits.allgather_by_hosts;
}
/// A host's leader handles the blocks of all its ranks, about `each`.
inline bool alltoall_is_by_hosts(Bytes block, int each) {
    return block * static_cast<Bytes>(each) <= limits.alltoall_by_hosts;
}
/// `even`: all hosts have the same power of two of ranks, which follow each other.
inline bool reduce_is_by_hosts(Bytes bytes, std::int64_t count, int ranks, bool even) {
    return !even || bytes <= limits.reduce_by_hosts || count < ranks;
}

}  // namespace mpi::coll::select
