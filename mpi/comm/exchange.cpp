#include "mpi/comm/exchange.hpp"

#include <sched.h>

#include "mpi/core/call.hpp"
#include "mpi/core/process.hpp"
#include "mpi/gen/bodies.hpp"

namespace mpi {

namespace {

void combine_with(std::span<std::uint64_t> words, std::span<const std::uint64_t> others) {
    for (std::size_t i = 0; i < words.size(); ++i) words[i] &= others[i];
}

/// Words on the stack: as many as a negotiation ever looks at.
using Words = std::array<std::uint64_t, 1 + ContextPool::kContexts / 64>;

Status finish(adi::Request& r) {
    if (!r.complete()) engine().wait(r);
    return from_adi(r.status);
}

}  // namespace

Status Link::send(Process to, const void* data, std::uint64_t bytes) const {
    return from_adi(engine().send(to, {context_, self_, tag_}, adi::contiguous(data, bytes)));
}

Status Link::recv(int from, void* data, std::uint64_t bytes) const {
    adi::Request r;
    engine().irecv(r, {context_, from, tag_}, adi::contiguous(data, bytes));
    return finish(r);
}

Status Link::swap(Process peer, int its_rank, const void* out, std::uint64_t out_bytes, void* in,
                  std::uint64_t in_bytes) const {
    adi::Request receive, send;
    engine().irecv(receive, {context_, its_rank, tag_}, adi::contiguous(in, in_bytes));
    engine().isend(send, peer, {context_, self_, tag_}, adi::contiguous(out, out_bytes), false);
    const Status received = finish(receive), sent = finish(send);
    return received != Status::ok ? received : sent;
}

void pause_negotiation() {
    if (engine().fiber() != nullptr) {
        engine().yield_fiber();
        return;
    }
    engine().poll();
    lock_release();
    sched_yield();
    lock_acquire();
}

Status CommExchange::combine(std::span<std::uint64_t> words) {
    if (comm_.size == 1) return Status::ok;
    return allreduce(MPI_IN_PLACE, words.data(), static_cast<Count>(words.size()),
                     *find<Datatype>(MPI_UINT64_T), *find<Op>(MPI_BAND), comm_);
}

// --- groups --------------------------------------------------------------------------------------

GroupExchange::GroupExchange(const Group& members, std::uint32_t context, std::int32_t tag)
    : members_(members),
      link_(context, static_cast<int>(members.members[static_cast<std::size_t>(members.rank)]),
            tag) {}

Status GroupExchange::send(int to, std::span<const std::uint64_t> words) const {
    return link_.send(members_.members[static_cast<std::size_t>(to)], words.data(),
                      words.size_bytes());
}

Status GroupExchange::recv(int from, std::span<std::uint64_t> words) const {
    return link_.recv(static_cast<int>(members_.members[static_cast<std::size_t>(from)]),
                      words.data(), words.size_bytes());
}

/// Up a binomial tree to rank 0, and down again.
Status GroupExchange::combine(std::span<std::uint64_t> words) {
    const int rank = members_.rank, size = members_.size();
    Words space;
    const std::span<std::uint64_t> others(space.data(), words.size());
    int bit = 1;
    for (; bit < size && (rank & bit) == 0; bit *= 2) {
        if (rank + bit >= size) continue;
        if (Status s = recv(rank + bit, others); s != Status::ok) return s;
        combine_with(words, others);
    }
    if (rank != 0) {
        if (Status s = send(rank - bit, words); s != Status::ok) return s;
        if (Status s = recv(rank - bit, words); s != Status::ok) return s;
    }
    for (bit /= 2; bit > 0; bit /= 2) {
        if (rank + bit >= size) continue;
        if (Status s = send(rank + bit, words); s != Status::ok) return s;
    }
    return Status::ok;
}

// --- two sides -----------------------------------------------------------------------------------

Bridge::Bridge(Comm& inter, std::int32_t number)
    : local_(*inter.local),
      leader_(0),
      link_(inter.side_context(Side::group), 0, number),
      peer_(inter.process(0)),
      its_rank_(0) {}

Status Bridge::swap_bytes(const void* out, std::uint64_t out_bytes, void* in,
                          std::uint64_t in_bytes) {
    Status status = Status::ok;
    if (leads()) status = link_.swap(peer_, its_rank_, out, out_bytes, in, in_bytes);
    const Status told =
        bcast(in, static_cast<Count>(in_bytes), *find<Datatype>(MPI_BYTE), leader_, local_);
    return status != Status::ok ? status : told;
}

Status Bridge::combine(std::span<std::uint64_t> words) {
    CommExchange local(local_);
    if (Status s = local.combine(words); s != Status::ok) return s;
    Words space;
    const std::span<std::uint64_t> others(space.data(), words.size());
    const std::uint64_t bytes = words.size_bytes();
    if (Status s = swap_bytes(words.data(), bytes, others.data(), bytes); s != Status::ok) return s;
    combine_with(words, others);
    return Status::ok;
}

}  // namespace mpi
