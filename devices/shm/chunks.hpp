// Chunks: where payload that does not fit a cell lies on its way from sender to receiver.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "devices/shm/segment.hpp"

namespace dev::shm {

/// A piece of the sender's region, or none when bytes == 0.
struct Chunk {
    std::uint32_t offset_lines = 0;
    std::uint32_t bytes = 0;  ///< its size class
};

/// The sender's pool of chunks, shared by all its rings, in three size classes. It grows by use up
/// to a bound per class; past that the sender waits for receivers (`again`).
class ChunkPool {
  public:
    static constexpr std::array<std::uint32_t, 3> kClassBytes{1024, 8192, 32768};
    static constexpr std::array<std::uint32_t, 3> kFirst{16, 8, 8};
    static constexpr std::array<std::uint32_t, 3> kMost{512, 128, 64};

    void open(Heap* heap) { heap_ = heap; }

    /// The class whose chunks suit a fragment of `bytes`.
    static std::size_t class_of(std::uint64_t bytes) {
        return bytes <= kClassBytes[0] ? 0 : bytes <= kClassBytes[1] ? 1 : 2;
    }

    /// A chunk of the class, or none: then reclaim from the rings, then grow.
    Chunk take(std::size_t size_class) {
        std::vector<std::uint32_t>& free = free_[size_class];
        if (free.empty()) return {};
        const Chunk c{free.back(), kClassBytes[size_class]};
        free.pop_back();
        return c;
    }

    void give_back(Chunk chunk) { free_[class_of(chunk.bytes)].push_back(chunk.offset_lines); }

    /// Doubles a class, within its bound and what the region has. False when it cannot.
    bool grow(std::size_t size_class) {
        const std::uint32_t have = made_[size_class];
        const std::uint32_t want = have == 0 ? kFirst[size_class] : have;
        const std::uint32_t bytes = kClassBytes[size_class];
        if (have + want > kMost[size_class]) return false;
        const std::uint64_t offset = heap_->allocate(std::uint64_t{want} * bytes);
        if (offset == 0) return false;
        made_[size_class] = have + want;
        free_[size_class].reserve(made_[size_class]);
        for (std::uint32_t i = want; i-- > 0;) {
            free_[size_class].push_back(
                static_cast<std::uint32_t>((offset + std::uint64_t{i} * bytes) / kLine));
        }
        return true;
    }

    std::uint32_t made(std::size_t size_class) const { return made_[size_class]; }

  private:
    Heap* heap_ = nullptr;
    std::array<std::vector<std::uint32_t>, 3> free_;
    std::array<std::uint32_t, 3> made_{};
};

}  // namespace dev::shm
