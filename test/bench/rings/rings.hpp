// The two families of rings that rings.cpp compares. Positions live with their owner; shared memory
// holds the cells and, for the SPSC ring, the index that the consumer publishes now and then.
#ifndef FATHOM_TEST_BENCH_RINGS_RINGS_HPP_
#define FATHOM_TEST_BENCH_RINGS_RINGS_HPP_

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace rings {

constexpr std::uint64_t kCells = 64;      // of each ring; a power of two
constexpr std::size_t kCellBytes = 128;   // two cache lines: what adjacent-line prefetch moves
constexpr std::size_t kPayloadBytes = 8;  // of every message here

struct alignas(kCellBytes) Cell {
    std::atomic<std::uint64_t> sequence;  // release by the writer, acquire by the reader
    std::uint32_t bytes;
    std::uint32_t tag;
    std::uint64_t match;
    char payload[kCellBytes - 24];
};
static_assert(sizeof(Cell) == kCellBytes);

// The receiver's {running, spinning, sleeping} word: always `running` here, read by senders.
struct alignas(kCellBytes) StateWord {
    std::atomic<std::uint32_t> state;
};

inline void relax() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

inline void fill(Cell& cell, std::uint64_t value) {
    cell.bytes = kPayloadBytes;
    cell.tag = 7;
    cell.match = 1;
    std::memcpy(cell.payload, &value, sizeof value);
}

inline std::uint64_t drain(const Cell& cell) {
    std::uint64_t value = 0;
    std::memcpy(&value, cell.payload, std::min<std::size_t>(cell.bytes, sizeof value));
    return value;
}

enum class Check { kNone, kLoad, kFence };

// One producer, one consumer. The positions live with their owner, not in shared memory, except
// for the consumer's published index.
struct SpscRing {
    struct alignas(kCellBytes) Published {
        std::atomic<std::uint64_t> consumed;  // release by the consumer each kCells / 4 messages
    };
    Published published;
    Cell cells[kCells];

    void reset() {
        published.consumed.store(0);
        for (Cell& cell : cells) cell.sequence.store(0);
    }
};

template <Check check>
class SpscSender {
  public:
    SpscSender(SpscRing& ring, StateWord& receiver) : ring_(ring), receiver_(receiver) {}

    bool try_send(std::uint64_t value) {
        if (head_ - consumed_ == kCells) {
            consumed_ = ring_.published.consumed.load(std::memory_order_acquire);
            if (head_ - consumed_ == kCells) return false;
        }
        Cell& cell = ring_.cells[head_ % kCells];
        fill(cell, value);
        cell.sequence.store(++head_, std::memory_order_release);
        if constexpr (check == Check::kFence) std::atomic_thread_fence(std::memory_order_seq_cst);
        if constexpr (check != Check::kNone) {
            if (receiver_.state.load(std::memory_order_relaxed) != 0) std::abort();
        }
        return true;
    }

  private:
    SpscRing& ring_;
    StateWord& receiver_;
    std::uint64_t head_ = 0;
    std::uint64_t consumed_ = 0;
};

class SpscReceiver {
  public:
    explicit SpscReceiver(SpscRing& ring) : ring_(&ring) {}

    bool try_receive(std::uint64_t& value) {
        const Cell& cell = ring_->cells[tail_ % kCells];
        if (cell.sequence.load(std::memory_order_acquire) != tail_ + 1) return false;
        value = drain(cell);
        if (++tail_ % (kCells / 4) == 0) {
            ring_->published.consumed.store(tail_, std::memory_order_release);
        }
        return true;
    }

  private:
    SpscRing* ring_;
    std::uint64_t tail_ = 0;
};

// Many producers, one consumer. A cell's sequence says whose turn it is: == position, free for the
// producer that claims `position`; == position + 1, filled for the consumer.
struct MpscQueue {
    struct alignas(kCellBytes) Tail {
        std::atomic<std::uint64_t> claimed;
    };
    Tail tail;
    Cell cells[kCells];

    void reset() {
        tail.claimed.store(0);
        for (std::uint64_t i = 0; i < kCells; ++i) cells[i].sequence.store(i);
    }
};

class MpscCasSender {
  public:
    MpscCasSender(MpscQueue& queue, StateWord&) : queue_(queue) {}

    bool try_send(std::uint64_t value) {
        std::uint64_t position = queue_.tail.claimed.load(std::memory_order_relaxed);
        for (;;) {
            Cell& cell = queue_.cells[position % kCells];
            const std::uint64_t sequence = cell.sequence.load(std::memory_order_acquire);
            if (sequence == position) {
                if (queue_.tail.claimed.compare_exchange_weak(position, position + 1,
                                                              std::memory_order_relaxed)) {
                    fill(cell, value);
                    cell.sequence.store(position + 1, std::memory_order_release);
                    return true;
                }
            } else if (sequence < position) {
                return false;
            } else {
                position = queue_.tail.claimed.load(std::memory_order_relaxed);
            }
        }
    }

  private:
    MpscQueue& queue_;
};

class MpscAddSender {
  public:
    MpscAddSender(MpscQueue& queue, StateWord&) : queue_(queue) {}

    // Claims once, then answers false until the claimed cell is free.
    bool try_send(std::uint64_t value) {
        if (!claimed_) {
            position_ = queue_.tail.claimed.fetch_add(1, std::memory_order_relaxed);
            claimed_ = true;
        }
        Cell& cell = queue_.cells[position_ % kCells];
        if (cell.sequence.load(std::memory_order_acquire) != position_) return false;
        fill(cell, value);
        cell.sequence.store(position_ + 1, std::memory_order_release);
        claimed_ = false;
        return true;
    }

  private:
    MpscQueue& queue_;
    std::uint64_t position_ = 0;
    bool claimed_ = false;
};

class MpscReceiver {
  public:
    explicit MpscReceiver(MpscQueue& queue) : queue_(&queue) {}

    bool try_receive(std::uint64_t& value) {
        Cell& cell = queue_->cells[head_ % kCells];
        if (cell.sequence.load(std::memory_order_acquire) != head_ + 1) return false;
        value = drain(cell);
        cell.sequence.store(head_ + kCells, std::memory_order_release);
        ++head_;
        return true;
    }

  private:
    MpscQueue* queue_;
    std::uint64_t head_ = 0;
};

}  // namespace rings

#endif  // FATHOM_TEST_BENCH_RINGS_RINGS_HPP_
