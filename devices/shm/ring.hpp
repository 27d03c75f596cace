// The two ends of a ring (format.hpp). Single producer, single consumer.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <vector>

#include "devices/shm/chunks.hpp"
#include "devices/shm/format.hpp"

namespace dev::shm {

/// The producer's end, private to the sender. Chunks that cells refer to are given back when the
/// receiver has consumed the cell: one index pays for cells and chunks.
class OutRing {
  public:
    bool open() const { return cells_ != nullptr; }

    void open(RingHeader* shared, std::uint32_t cells, std::uint32_t first_lap) {
        shared_ = shared;
        cells_ = shared->cell;
        mask_ = cells - 1;
        shift_ = static_cast<std::uint32_t>(__builtin_ctz(cells));
        first_lap_ = first_lap;
        full_at_ = cells;
        chunk_.assign(cells, Chunk{});
    }

    /// The cell to fill next, or null when the ring is full, or not open.
    Cell* reserve(ChunkPool& pool) {
        if (produced_ == full_at_) [[unlikely]] {
            if (!open() || !refresh(pool)) return nullptr;
        }
        return &cells_[produced_ & mask_];
    }

    /// Counts the reserved cell as used; `chunk` is what it refers to, if anything. Returns the
    /// lap whose release store publishes the cell: the caller's next step.
    std::uint32_t commit(Chunk chunk = {}) {
        if (chunk.bytes != 0) {
            chunk_[produced_ & mask_] = chunk;
            ++chunks_out_;
        }
        return first_lap_ + (produced_++ >> shift_) + 1;
    }

    /// Looks how far the receiver is and gives consumed chunks back. False: nothing new, or what
    /// stands there makes no sense (then corrupt() is true).
    bool refresh(ChunkPool& pool) {
        // Pairs with the release in InRing::publish: the cells before it may be reused.
        const std::uint32_t now = shared_->consumed.load(std::memory_order_acquire);
        if (now == consumed_) return false;
        if (now - consumed_ > produced_ - consumed_) {
            corrupt_ = true;
            return false;
        }
        for (; consumed_ != now; ++consumed_) {
            Chunk& c = chunk_[consumed_ & mask_];
            if (c.bytes == 0) continue;
            pool.give_back(c);
            c = {};
            --chunks_out_;
        }
        full_at_ = consumed_ + mask_ + 1;
        return true;
    }

    std::uint32_t chunks_out() const { return chunks_out_; }
    bool corrupt() const { return corrupt_; }
    bool drained() const { return produced_ == shared_->consumed.load(std::memory_order_acquire); }

  private:
    RingHeader* shared_ = nullptr;
    Cell* cells_ = nullptr;
    std::uint32_t mask_ = 0;
    std::uint32_t shift_ = 0;
    std::uint32_t first_lap_ = 0;
    std::uint32_t produced_ = 0;
    std::uint32_t full_at_ = 0;  ///< consumed_ + cells: what produced_ may reach
    std::uint32_t consumed_ = 0;
    std::uint32_t chunks_out_ = 0;
    bool corrupt_ = false;
    std::vector<Chunk> chunk_;
};

/// The consumer's end, private to the receiver.
class InRing {
  public:
    enum class Look : std::uint8_t { none, ready, corrupt };

    void open(RingHeader* shared, std::uint32_t cells, std::uint32_t first_lap) {
        shared_ = shared;
        cells_ = shared->cell;
        mask_ = cells - 1;
        shift_ = static_cast<std::uint32_t>(__builtin_ctz(cells));
        quarter_ = cells / 4;
        first_lap_ = first_lap;
    }

    /// Is the next cell published? A cell holds the lap before or the lap due, nothing else.
    Look peek() const {
        const std::uint32_t before = first_lap_ + (next_ >> shift_);
        // Pairs with the release in Shm::send_short and Shm::send_piece.
        const std::uint32_t lap = cells_[next_ & mask_].lap.load(std::memory_order_acquire);
        if (lap == before) [[likely]]
            return Look::none;
        return lap == before + 1 ? Look::ready : Look::corrupt;
    }

    const Cell& cell() const { return cells_[next_ & mask_]; }

    /// Done with cell(). `publish_now`: the cell referred to a chunk that the sender wants back.
    /// True when the consumed index was published, so that a waiting sender must be signalled.
    bool pop(bool publish_now) {
        ++next_;
        if (!publish_now && next_ - published_ < quarter_) return false;
        published_ = next_;
        shared_->consumed.store(next_, std::memory_order_release);
        return true;
    }

  private:
    RingHeader* shared_ = nullptr;
    Cell* cells_ = nullptr;
    std::uint32_t mask_ = 0;
    std::uint32_t shift_ = 0;
    std::uint32_t quarter_ = 0;
    std::uint32_t first_lap_ = 0;
    std::uint32_t next_ = 0;
    std::uint32_t published_ = 0;
};

}  // namespace dev::shm
