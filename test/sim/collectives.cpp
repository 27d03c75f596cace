#include "test/sim/collectives.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "bodies.hpp"
#include "mpi/core/op.hpp"

namespace sim {
namespace {

using mpi::Comm;
using mpi::Status;
using Bytes = std::uint64_t;
using Vector = std::vector<std::uint64_t>;
using Data = std::vector<unsigned char>;

mpi::Datatype& byte() {
    return *mpi::find<mpi::Datatype>(MPI_BYTE);
}
mpi::Datatype& word() {
    return *mpi::find<mpi::Datatype>(MPI_UINT64_T);
}
mpi::Op& sum() {
    return *mpi::find<mpi::Op>(MPI_SUM);
}
mpi::Count count_of(Bytes bytes) {
    return static_cast<mpi::Count>(bytes);
}
std::size_t size_of(const Comm& comm) {
    return static_cast<std::size_t>(comm.size);
}

/// What the block from one rank to another holds.
void fill(unsigned char* block, Bytes bytes, std::size_t from, std::size_t to) {
    const std::size_t start = from * 151 + (from >> 8) * 37 + to * 61 + (to >> 8) * 11;
    for (Bytes i = 0; i < bytes; ++i) {
        block[i] = static_cast<unsigned char>(start + i * 7 + (i >> 8));
    }
}
bool holds(const unsigned char* block, Bytes bytes, std::size_t from, std::size_t to) {
    const std::size_t start = from * 151 + (from >> 8) * 37 + to * 61 + (to >> 8) * 11;
    for (Bytes i = 0; i < bytes; ++i) {
        if (block[i] != static_cast<unsigned char>(start + i * 7 + (i >> 8))) return false;
    }
    return true;
}

// Reductions: element i of rank r is r * kFactor + i.
constexpr std::uint64_t kFactor = 1'000'003;
Vector operand(std::size_t n, std::size_t rank) {
    Vector v(n);
    for (std::size_t i = 0; i < n; ++i) v[i] = rank * kFactor + i;
    return v;
}
/// The sum over ranks 0 to last, elements from `first` on.
bool is_sum(const Vector& v, std::size_t last, std::size_t first = 0) {
    for (std::size_t i = 0; i < v.size(); ++i) {
        if (v[i] != last * (last + 1) / 2 * kFactor + (last + 1) * (first + i)) return false;
    }
    return true;
}
std::size_t words(Bytes bytes) {
    return std::max<std::size_t>(bytes / 8, 1);
}

// --- the calls -----------------------------------------------------------------------------------

bool barrier(Comm& comm, Bytes, int) {
    // Fibers of one thread: nobody leaves before all have come.
    static int inside = 0, leaving = 0;
    ++inside;
    const bool ok = mpi::barrier(comm) == Status::ok && inside == comm.size;
    if (++leaving == comm.size) inside = leaving = 0;
    return ok;
}

bool bcast(Comm& comm, Bytes bytes, int root) {
    Data data(bytes);
    if (comm.rank == root) fill(data.data(), bytes, 5, 0);
    return mpi::bcast(data.data(), count_of(bytes), byte(), root, comm) == Status::ok &&
           holds(data.data(), bytes, 5, 0);
}

bool reduce(Comm& comm, Bytes bytes, int root) {
    const Vector in = operand(words(bytes), static_cast<std::size_t>(comm.rank));
    Vector out(comm.rank == root ? in.size() : 0);
    return mpi::reduce(in.data(), out.data(), count_of(in.size()), word(), sum(), root, comm) ==
               Status::ok &&
           is_sum(out, size_of(comm) - 1);
}

bool allreduce(Comm& comm, Bytes bytes, int) {
    const Vector in = operand(words(bytes), static_cast<std::size_t>(comm.rank));
    Vector out(in.size());
    return mpi::allreduce(in.data(), out.data(), count_of(in.size()), word(), sum(), comm) ==
               Status::ok &&
           is_sum(out, size_of(comm) - 1);
}

bool scan(Comm& comm, Bytes bytes, int) {
    const Vector in = operand(words(bytes), static_cast<std::size_t>(comm.rank));
    Vector out(in.size());
    return mpi::scan(in.data(), out.data(), count_of(in.size()), word(), sum(), comm) ==
               Status::ok &&
           is_sum(out, static_cast<std::size_t>(comm.rank));
}

bool reduce_scatter(Comm& comm, Bytes bytes, int) {
    const std::size_t block = words(bytes);
    const auto rank = static_cast<std::size_t>(comm.rank);
    const Vector in = operand(block * size_of(comm), rank);
    Vector out(block);
    return mpi::reduce_scatter_block(in.data(), out.data(), count_of(block), word(), sum(), comm) ==
               Status::ok &&
           is_sum(out, size_of(comm) - 1, rank * block);
}

bool allgather(Comm& comm, Bytes bytes, int) {
    Data own(bytes), all(bytes * size_of(comm));
    fill(own.data(), bytes, static_cast<std::size_t>(comm.rank), 0);
    bool ok = mpi::allgather(own.data(), count_of(bytes), byte(), all.data(), count_of(bytes),
                             byte(), comm) == Status::ok;
    for (std::size_t r = 0; r < size_of(comm); ++r) ok = ok && holds(&all[r * bytes], bytes, r, 0);
    return ok;
}

bool alltoall(Comm& comm, Bytes bytes, int) {
    const auto rank = static_cast<std::size_t>(comm.rank);
    Data out(bytes * size_of(comm)), in(out.size());
    for (std::size_t r = 0; r < size_of(comm); ++r) fill(&out[r * bytes], bytes, rank, r);
    bool ok = mpi::alltoall(out.data(), count_of(bytes), byte(), in.data(), count_of(bytes), byte(),
                            comm) == Status::ok;
    for (std::size_t r = 0; r < size_of(comm); ++r)
        ok = ok && holds(&in[r * bytes], bytes, r, rank);
    return ok;
}

bool gather(Comm& comm, Bytes bytes, int root) {
    const auto rank = static_cast<std::size_t>(comm.rank);
    Data own(bytes), all(comm.rank == root ? bytes * size_of(comm) : 0);
    fill(own.data(), bytes, rank, 0);
    bool ok = mpi::gather(own.data(), count_of(bytes), byte(), all.data(), count_of(bytes), byte(),
                          root, comm) == Status::ok;
    if (comm.rank != root) return ok;
    for (std::size_t r = 0; r < size_of(comm); ++r) ok = ok && holds(&all[r * bytes], bytes, r, 0);
    return ok;
}

bool scatter(Comm& comm, Bytes bytes, int root) {
    Data own(bytes), all(comm.rank == root ? bytes * size_of(comm) : 0);
    for (std::size_t r = 0; !all.empty() && r < size_of(comm); ++r) {
        fill(&all[r * bytes], bytes, 0, r);
    }
    return mpi::scatter(all.data(), count_of(bytes), byte(), own.data(), count_of(bytes), byte(),
                        root, comm) == Status::ok &&
           holds(own.data(), bytes, 0, static_cast<std::size_t>(comm.rank));
}

// --- the tables ----------------------------------------------------------------------------------

constexpr Bytes kAll = ~Bytes{0};

Bytes vectors(Bytes bytes, Bytes) {
    return 4 * bytes;
}
Bytes one_each(Bytes bytes, Bytes ranks) {
    return 3 * bytes * ranks;
}
Bytes both_ways(Bytes bytes, Bytes ranks) {
    return 5 * bytes * ranks;
}
/// At the root alone, and what lies on its inner nodes: half the blocks at every height.
Bytes at_root(Bytes bytes, Bytes) {
    return 20 * bytes;
}

void any(Limits&) {}

constexpr std::array kBarrier{Algorithm{"dissemination", any}, Algorithm{"hosts", any, true}};
constexpr std::array kBcast{
    Algorithm{"binomial", [](Limits& l) { l.bcast = kAll; }},
    Algorithm{"scatter-ring", [](Limits& l) { l.bcast = 0; }, false, true},
    Algorithm{"hosts, binomial", [](Limits& l) { l.bcast = kAll; }, true},
    Algorithm{"hosts, scatter-ring", [](Limits& l) { l.bcast = 0; }, true, true}};
constexpr std::array kReduce{
    Algorithm{"binomial", [](Limits& l) { l.reduce = kAll; }},
    Algorithm{"Rabenseifner", [](Limits& l) { l.reduce = 0; }},
    Algorithm{"hosts, binomial", [](Limits& l) { l.reduce = l.reduce_by_hosts = kAll; }, true},
    Algorithm{"hosts, Rabenseifner", [](Limits& l) { l.reduce = 0, l.reduce_by_hosts = kAll; },
              true}};
constexpr std::array kAllreduce{
    Algorithm{"doubling", [](Limits& l) { l.reduce = l.bcast = kAll; }},
    Algorithm{"Rabenseifner", [](Limits& l) { l.reduce = 0; }},
    Algorithm{"hosts, doubling", [](Limits& l) { l.reduce = l.bcast = l.reduce_by_hosts = kAll; },
              true},
    Algorithm{"hosts, Rabenseifner", [](Limits& l) { l.reduce = 0, l.reduce_by_hosts = kAll; },
              true}};
constexpr std::array kAllgather{
    Algorithm{"doubling",
              [](Limits& l) {
                  l.allgather = kAll;
                  l.allgather_by_hosts = 0;
              }},
    Algorithm{"ring", [](Limits& l) { l.allgather = l.allgather_by_hosts = l.allgather_block = 0; },
              false, true},
    Algorithm{"hosts, doubling", [](Limits& l) { l.allgather = l.allgather_by_hosts = kAll; },
              true},
    Algorithm{"hosts, ring",
              [](Limits& l) {
                  l.allgather = l.allgather_block = 0;
                  l.allgather_by_hosts = kAll;
              },
              true, true}};
constexpr std::array kAlltoall{
    Algorithm{"Bruck",
              [](Limits& l) {
                  l.alltoall = kAll;
                  l.alltoall_by_hosts = 0;
              }},
    Algorithm{"pairwise", [](Limits& l) { l.alltoall = l.alltoall_by_hosts = 0; }, false, true},
    Algorithm{"hosts", [](Limits& l) { l.alltoall_by_hosts = kAll; }, true, true}};
constexpr std::array kReduceScatter{
    Algorithm{"halving",
              [](Limits& l) { l.reduce_scatter = kAll, l.reduce_scatter_step = kAll >> 32; }},
    Algorithm{"pairwise", [](Limits& l) { l.reduce_scatter = 0; }, false, true}};
constexpr std::array kScan{
    Algorithm{"doubling", [](Limits& l) { l.scan = l.scan_by_hosts = kAll; }},
    Algorithm{"chain", [](Limits& l) { l.scan = 0; }}};
constexpr std::array kGather{
    Algorithm{"binomial", [](Limits& l) { l.gather = kAll, l.gather_ranks = 0; }},
    Algorithm{"linear", [](Limits& l) { l.gather = 0; }}};

namespace select = mpi::coll::select;

bool never(Bytes, int, int) {
    return false;
}
bool square_bcast(Bytes bytes, int, int hosts) {
    return select::bcast_is_long(bytes, hosts);
}
bool square_allgather(Bytes bytes, int ranks, int hosts) {
    const Bytes total = bytes * static_cast<Bytes>(ranks);
    return !select::allgather_is_by_hosts(total) &&
           !select::allgather_is_short(total, ranks, ranks <= hosts);
}
bool square_alltoall(Bytes bytes, int ranks, int hosts) {
    return !select::alltoall_is_by_hosts(bytes, ranks / hosts) &&
           !select::alltoall_is_short(bytes, ranks);
}
bool square_reduce_scatter(Bytes bytes, int ranks, int) {
    return select::reduce_scatter_is_long(bytes * static_cast<Bytes>(ranks), ranks);
}

constexpr std::array kCollectives{
    Collective{"barrier", barrier, vectors, false, never, kBarrier},
    Collective{"bcast", bcast, vectors, true, square_bcast, kBcast},
    Collective{"reduce", reduce, vectors, true, never, kReduce},
    Collective{"allreduce", allreduce, vectors, true, never, kAllreduce},
    Collective{"allgather", allgather, one_each, true, square_allgather, kAllgather},
    Collective{"alltoall", alltoall, both_ways, true, square_alltoall, kAlltoall},
    Collective{"reduce_scatter", reduce_scatter, one_each, true, square_reduce_scatter,
               kReduceScatter},
    Collective{"scan", scan, vectors, true, never, kScan},
    Collective{"gather", gather, at_root, true, never, kGather},
    Collective{"scatter", scatter, at_root, true, never, kGather},
};

}  // namespace

std::span<const Collective> collectives() {
    return kCollectives;
}

}  // namespace sim
