// Collectives straight in shared memory, without messages: each rank of a communicator has a block
// that all others map, writes what it contributes into its block, and reads the others'.
//
// Epochs. The operations on a communicator are numbered alike on all ranks; a long one takes
// several numbers. Epoch e uses slot e % kSlots of every block: a line with a flag, which its rank
// sets to e when the slot's data is complete, some data beside the flag, and kSlotBytes of payload
// for more.
//
// Reuse of slots. Half of the slots are a batch: epochs e / kBatch. Before a rank first writes in
// batch b it makes sure that every rank has finished reading batch b - 2, whose slots these are
// (ready()). It knows so without asking if a synchronizing epoch, one that nobody leaves before all
// have entered it, lay in batch b - 1, since ranks enter an epoch after finishing those before it.
// Otherwise it waits for the ranks' `done` words. Those are set at the end of each batch that has
// no synchronizing epoch (close_batch()): so a sequence of allreduces or barriers never touches
// them, and a sequence of broadcasts does once per kBatch.
//
// Blocks hold data, flags and counters, which are only ever compared: nothing that a peer writes is
// used as an index, a length or an address.
//
// More ranks than cores: what counts then is how often each rank must run. In every scheme here a
// rank runs once per epoch: whoever comes last finds everything there, and it alone wakes others.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "adi/device.hpp"
#include "mpi/coll/data.hpp"
#include "mpi/coll/select.hpp"
#include "mpi/core/comm.hpp"
#include "mpi/core/failure.hpp"
#include "mpi/core/process.hpp"

namespace mpi::coll {

/// A communicator's blocks as one rank sees them. One call at a time, by all ranks alike.
class Shared {
  public:
    static constexpr std::uint64_t kSlots = 8;
    static constexpr std::uint64_t kBatch = kSlots / 2;
    static constexpr std::uint64_t kSlotBytes = select::kOneEpoch;
    static constexpr std::uint64_t kBatchBytes = kBatch * kSlotBytes;
    static constexpr std::uint64_t kInlineBytes = 48;

    /// What an epoch does with the ranks.
    enum class Kind { rooted, synchronizing };

    /// The communicator's shared memory, or null when it has none: then messages do. Collective:
    /// the ranks come to one answer, and may exchange messages to find it. It has none when a rank
    /// cannot map another's memory or has none to share, and when FATHOM_COLL_SHARED=0 is set.
    /// None on a fiber: nonblocking collectives do not come in one order, as epochs do.
    static Shared* of(Comm& comm);
    /// The same, but null for a communicator's first calls of this: one that lives for a barrier
    /// or two is not worth the exchange and the memory. Not for reductions, which should give the
    /// same bits whenever they are repeated (MPI-5.0 §6.9.1), so keep to one algorithm.
    static Shared* if_worthwhile(Comm& comm);

    /// Takes leave; the rank's block is freed when all ranks have taken leave. Consumes `shared`.
    static void leave(Shared* shared);

    int rank() const { return rank_; }
    int size() const { return size_; }

    // --- an epoch ---------------------------------------------------------------------------

    /// Enters the next epoch.
    void begin() { ++epoch_; }
    /// Enters the first epoch of the next batch, so that all of a batch's payload can be used.
    void begin_batch() {
        if (++epoch_ % kBatch == 0) return;
        skip_batch();
        ++epoch_;
    }
    /// Leaves the epoch: this rank has read whatever it wants of it.
    void end(Kind kind) {
        if (kind == Kind::synchronizing) synchronized_ = epoch_;
        if ((epoch_ + 1) % kBatch == 0) close_batch();
    }
    /// The same, of the last epoch that is used of a batch.
    void end_batch(Kind kind) {
        if (kind == Kind::synchronizing) synchronized_ = epoch_;
        skip_batch();
    }

    /// Waits until this rank may write in the epoch: its data, its flag, its arrival.
    void ready() {
        if (ready_batch_ != epoch_ / kBatch) make_ready();
    }

    /// Where rank's `bytes` bytes of data lie: beside the flag when they fit.
    std::byte* data(int rank, std::uint64_t bytes) const {
        Block& block = block_of(rank);
        return bytes <= kInlineBytes ? block.slots[slot()].data : payload(rank);
    }
    /// The slot's payload; all of the batch's after begin_batch().
    std::byte* payload(int rank) const { return block_of(rank).payload + slot() * kSlotBytes; }

    /// This rank's data, `bytes` of it or part of as much, is complete: whoever waits for this rank
    /// may read it. Wakes nobody: tell() does.
    void publish(std::uint64_t bytes) {
        Slot& mine = block_of(rank_).slots[slot()];
        mine.bytes = bytes;
        mine.epoch.store(epoch_, std::memory_order_release);  // pairs with await()
    }
    void tell(int rank) const { engine().signal(process_of(rank)); }
    void tell_all() const {
        for (int i = 0; i < size_; ++i) {
            if (i != rank_) tell(i);
        }
    }
    /// Waits until `rank` has published its data.
    void await(int rank) {
        const std::atomic<std::uint64_t>& flag = block_of(rank).slots[slot()].epoch;
        wait_for(flag, epoch_);
    }
    /// What `rank` gave to publish().
    std::uint64_t published_bytes(int rank) const { return block_of(rank).slots[slot()].bytes; }

    /// All but `root` have written their data: the root waits for that, the others say so.
    void collect(int root);
    /// All have written their data: waits for that.
    void meet() {
        if (size_ == 2) {
            publish(0);
            tell(1 - rank_);
            await(1 - rank_);
        } else if (arrive()) {
            release();
        } else {
            await_release();
        }
    }
    /// meet() in two halves, for more than two ranks: exactly one rank, the last one to come, gets
    /// true, and everyone's data is there. It calls release(), the others await_release().
    bool arrive();
    void release();
    void await_release();

    /// What an operation that went as `status` says ends with: an error when a rank was lost that
    /// it waited for. It has read what it found, then, and the communicator is broken for ever.
    Status outcome(Status status = Status::ok) const { return failed_ ? proc_failed() : status; }

  private:
    struct alignas(64) Word {
        std::atomic<std::uint64_t> value;
    };
    struct alignas(64) Slot {
        std::atomic<std::uint64_t> epoch;
        std::uint64_t bytes;
        alignas(16) std::byte data[kInlineBytes];
    };
    /// As it lies in shared memory; zero at first.
    struct Block {
        Word done;      ///< written by its rank: batches that it has finished
        Word leavers;   ///< counts the ranks that will not look at this block any more
        Word released;  ///< rank 0's: the last epoch in which all ranks were seen
        std::array<Word, kSlots> arrivals;  ///< rank 0's: how often ranks arrived at slots
        std::array<Slot, kSlots> slots;
        alignas(64) std::byte payload[kSlots * kSlotBytes];
    };

    explicit Shared(const Comm& comm)
        : rank_(comm.rank), size_(comm.size), comm_(comm), context_(comm.coll_context()) {}
    static_assert((kBatch & (kBatch - 1)) == 0);

    static Shared* make(Comm& comm);
    static void reap();
    bool may_have(const Comm& comm) const;
    bool allocate(const Comm& comm);
    void deallocate();
    bool map_peers(const adi::MemoryKey* keys);

    std::uint64_t slot() const { return epoch_ % kSlots; }
    Block& block_of(int rank) const { return *peers_[static_cast<std::size_t>(rank)].block; }
    Process process_of(int rank) const { return peers_[static_cast<std::size_t>(rank)].process; }
    std::uint64_t first_of(std::uint64_t batch) const { return batch * kBatch; }
    /// Waits until `word`, a peer's, is `wanted` or more; or until the communicator is broken.
    void wait_for(const std::atomic<std::uint64_t>& word, std::uint64_t wanted) {
        engine().wait_until(
            [&] {
                if (word.load(std::memory_order_acquire) >= wanted) return true;
                if (comm_.broken) [[unlikely]]
                    failed_ = true;
                return failed_;
            },
            adi::Awaited{.context = &context_});
    }
    void make_ready();
    void close_batch();
    void skip_batch() {
        epoch_ |= kBatch - 1;
        close_batch();
    }

    struct Peer {
        Block* block = nullptr;
        Process process = 0;
    };
    std::unique_ptr<Peer[]> peers_;
    adi::MemoryKey key_;  ///< of this rank's block
    int rank_, size_;
    const Comm& comm_;
    const std::uint32_t context_;
    bool failed_ = false;
    std::uint64_t epoch_ = 0;
    std::uint64_t synchronized_ = 0;                 ///< the last synchronizing epoch that was left
    std::uint64_t ready_batch_ = ~std::uint64_t{0};  ///< ready() was settled for it
    std::array<std::uint64_t, kSlots> expected_{};   ///< arrivals so far, by slot
    Shared* next_buried_ = nullptr;
};

}  // namespace mpi::coll
