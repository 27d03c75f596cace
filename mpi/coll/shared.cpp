#include "mpi/coll/shared.hpp"

#include <array>
#include <cstdio>
#include <new>

#include "adi/base/config.hpp"
#include "bodies.hpp"
#include "mpi/coll/select.hpp"
#include "mpi/comm/exchange.hpp"
#include "mpi/core/call.hpp"

namespace mpi::coll {
namespace {

/// Those whose peers have not all left yet: their blocks may still be read.
Shared* buried = nullptr;

/// The blocks that this process has now, and the most of them: the region that they are taken from
/// also has to hold what messages need.
int blocks = 0;
constexpr int kMostBlocks = 48;

/// The ranks cannot come to one answer any more.
[[noreturn]] void give_up(const Comm& comm, const char* what) {
    std::fprintf(stderr, "Fathom: rank %d on host %s: collectives on \"%s\": %s\n", world_rank(),
                 process_state->host.c_str(), comm.name.c_str(), what);
    abort_job(1);
}

}  // namespace

// --- making and leaving --------------------------------------------------------------------------

Shared* Shared::of(Comm& comm) {
    if (engine().fiber() != nullptr) return nullptr;
    State* state = state_of(comm);
    if (state == nullptr) give_up(comm, "out of memory");
    if (comm.broken) [[unlikely]]
        return nullptr;  // messages fail at once
    if (state->shared_decided) [[likely]]
        return state->shared;
    // Before make(): the exchange that it makes uses messages, and no levels (hosts.hpp) either.
    state->shared_decided = state->hosts_decided = true;
    state->shared = make(comm);
    state->hosts_decided = state->shared != nullptr;
    return state->shared;
}

Shared* Shared::if_worthwhile(Comm& comm) {
    if (engine().fiber() != nullptr) return nullptr;
    State* state = state_of(comm);
    if (state != nullptr && !state->shared_decided && ++state->uses <= select::kUsesBeforeShared) {
        return nullptr;
    }
    return of(comm);
}

/// The ranks find out that all of them may have shared memory: on several hosts they may not, and a
/// list of all ranks would be wasted. Then every rank tells all others where its block is. One that
/// has none says so by an empty key, and then nobody uses shared memory.
Shared* Shared::make(Comm& comm) {
    reap();
    const auto ranks = static_cast<std::size_t>(comm.size);
    std::unique_ptr<Shared> shared(new (std::nothrow) Shared(comm));
    if (shared == nullptr) give_up(comm, "out of memory");
    std::array<std::uint64_t, 1> may{shared->may_have(comm) ? std::uint64_t{1} : 0};
    if (CommExchange(comm).combine(may) != Status::ok || may[0] == 0) return nullptr;
    std::unique_ptr<adi::MemoryKey[]> keys(new (std::nothrow) adi::MemoryKey[ranks]);
    if (keys == nullptr) give_up(comm, "out of memory");
    const bool have = shared->allocate(comm);
    if (have) keys[static_cast<std::size_t>(comm.rank)] = shared->key_;
    Datatype& bytes = *find<Datatype>(MPI_BYTE);
    const Count length = sizeof(adi::MemoryKey);
    const Status s = allgather(MPI_IN_PLACE, 0, bytes, keys.get(), length, bytes, comm);
    bool all_have = s == Status::ok;
    for (std::size_t i = 0; i < ranks; ++i) all_have = all_have && keys[i].bytes != 0;
    if (!all_have) {
        // No peer can have mapped the block: none will.
        if (have) shared->deallocate();
        return nullptr;
    }
    if (!shared->map_peers(keys.get())) give_up(comm, "a rank named memory that cannot be shared");
    return shared.release();
}

bool Shared::may_have(const Comm& comm) const {
    if (blocks == kMostBlocks || adi::config_number("FATHOM_COLL_SHARED", 1, 0, 1) == 0)
        return false;
    for (int i = 0; i < size_; ++i) {
        if (!engine().mappable(comm.process(i))) return false;
    }
    return true;
}

bool Shared::allocate(const Comm& comm) {
    peers_.reset(new (std::nothrow) Peer[static_cast<std::size_t>(size_)]);
    if (peers_ == nullptr) return false;
    for (int i = 0; i < size_; ++i) {
        peers_[static_cast<std::size_t>(i)].process = comm.process(i);
    }
    void* memory = engine().allocate(sizeof(Block), &key_);
    if (memory == nullptr) return false;
    peers_[static_cast<std::size_t>(rank_)].block = static_cast<Block*>(memory);
    ++blocks;
    return true;
}

void Shared::deallocate() {
    engine().deallocate(&block_of(rank_), key_);
    --blocks;
}

bool Shared::map_peers(const adi::MemoryKey* keys) {
    for (int i = 0; i < size_; ++i) {
        if (i == rank_) continue;
        if (keys[i].bytes < sizeof(Block)) return false;
        Peer& peer = peers_[static_cast<std::size_t>(i)];
        peer.block = static_cast<Block*>(engine().map(peer.process, keys[i]));
        if (peer.block == nullptr) return false;
    }
    return true;
}

void Shared::leave(Shared* shared) {
    // The last access to each block: its owner may free it at once.
    for (int i = 0; i < shared->size_; ++i) {
        shared->block_of(i).leavers.value.fetch_add(1, std::memory_order_acq_rel);
    }
    shared->next_buried_ = buried;
    buried = shared;
    reap();
}

/// Frees the blocks that all ranks have left.
void Shared::reap() {
    Shared** link = &buried;
    while (*link != nullptr) {
        Shared* shared = *link;
        Block& mine = shared->block_of(shared->rank_);
        // Pairs with the additions in leave(): all reads of the block came before.
        if (mine.leavers.value.load(std::memory_order_acquire) !=
            static_cast<std::uint64_t>(shared->size_)) {
            link = &shared->next_buried_;
            continue;
        }
        *link = shared->next_buried_;
        shared->deallocate();
        delete shared;
    }
}

// --- epochs --------------------------------------------------------------------------------------

void Shared::make_ready() {
    const std::uint64_t batch = epoch_ / kBatch;
    ready_batch_ = batch;
    if (batch < 2 || synchronized_ >= first_of(batch - 1)) return;
    // The batch whose slots come up has a synchronizing epoch, so its end was not announced, but
    // that of the batch after it was. (Epoch 0, the making of the blocks, counts as one.)
    const bool announced = synchronized_ < first_of(batch - 2);
    const std::uint64_t wanted = announced ? batch - 1 : batch;
    for (int i = 0; i < size_; ++i) {
        if (i == rank_) continue;
        const std::atomic<std::uint64_t>& done = block_of(i).done.value;
        wait_for(done, wanted);  // pairs with close_batch(): the peer's reads came before
    }
}

void Shared::close_batch() {
    const std::uint64_t batch = epoch_ / kBatch;
    if (synchronized_ >= first_of(batch)) return;
    block_of(rank_).done.value.store(batch + 1, std::memory_order_release);
    tell_all();
}

void Shared::collect(int root) {
    if (size_ == 2) {
        if (rank_ == root) return await(1 - root);
        publish(0);
        return tell(root);
    }
    const std::uint64_t wanted = expected_[slot()] += static_cast<std::uint64_t>(size_ - 1);
    std::atomic<std::uint64_t>& arrivals = block_of(0).arrivals[slot()].value;
    if (rank_ != root) {
        // Release: what this rank wrote; acquire, for the last one: nothing is read, but tell().
        if (arrivals.fetch_add(1, std::memory_order_acq_rel) + 1 == wanted) tell(root);
        return;
    }
    wait_for(arrivals, wanted);
}

bool Shared::arrive() {
    const std::uint64_t wanted = expected_[slot()] += static_cast<std::uint64_t>(size_);
    // Acquire and release: the last one reads what all others wrote before.
    return block_of(0).arrivals[slot()].value.fetch_add(1, std::memory_order_acq_rel) + 1 == wanted;
}

void Shared::release() {
    block_of(0).released.value.store(epoch_, std::memory_order_release);  // pairs with the wait
    tell_all();
}

void Shared::await_release() {
    wait_for(block_of(0).released.value, epoch_);
}

}  // namespace mpi::coll
