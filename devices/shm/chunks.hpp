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

/// The sender's pool of chunks, shared by all its rings, in two size classes.
///
/// A chunk is used again as late as possible: one whose lines still lie in the receiver's cache is
/// dearer to write than one that has left it. So chunks go round in the order in which they came
/// back, and a class grows each time it has gone round, up to about the size of a second-level
/// cache; a process that sends little or nothing long keeps a small pool. At the bound the sender
/// waits for receivers (`again`).
class ChunkPool {
  public:
    static constexpr std::size_t kClasses = 2;
    static constexpr std::array<std::uint32_t, kClasses> kClassBytes{1024, 8192};
    static constexpr std::array<std::uint32_t, kClasses> kFirst{32, 8};

    /// `most_bytes` bounds each class.
    void open(Heap* heap, std::uint32_t most_bytes) {
        heap_ = heap;
        most_bytes_ = most_bytes;
    }

    /// The class whose chunks suit a fragment of `bytes`.
    static std::size_t class_of(std::uint64_t bytes) { return bytes <= kClassBytes[0] ? 0 : 1; }

    /// A chunk of the class, or none: then reclaim from the rings, or grow, and ask again.
    Chunk take(std::size_t size_class) {
        Class& c = classes_[size_class];
        if (c.used == c.made) [[unlikely]] {
            // All have been used once since it grew last.
            if (!grow(size_class)) c.used = 0;
        }
        if (c.free == 0) return {};
        const std::uint32_t offset_lines = c.queue[c.head];
        c.head = c.head + 1 == c.made ? 0 : c.head + 1;
        --c.free;
        ++c.used;
        return {offset_lines, kClassBytes[size_class]};
    }

    void give_back(Chunk chunk) {
        Class& c = classes_[class_of(chunk.bytes)];
        std::uint32_t tail = c.head + c.free;
        if (tail >= c.made) tail -= c.made;
        c.queue[tail] = chunk.offset_lines;
        ++c.free;
    }

    /// Doubles a class, within its bound and what the region has. False when it cannot.
    bool grow(std::size_t size_class) {
        Class& c = classes_[size_class];
        const std::uint32_t more = c.made == 0 ? kFirst[size_class] : c.made;
        const std::uint32_t bytes = kClassBytes[size_class];
        if (std::uint64_t{c.made + more} * bytes > most_bytes_) return false;
        const std::uint64_t offset = heap_->allocate(std::uint64_t{more} * bytes);
        if (offset == 0) return false;
        // The new ones first, then those that were free, in their order.
        std::vector<std::uint32_t> queue(c.made + more);
        std::uint32_t n = 0;
        for (std::uint32_t i = 0; i < more; ++i) {
            queue[n++] = static_cast<std::uint32_t>((offset + std::uint64_t{i} * bytes) / kLine);
        }
        for (std::uint32_t i = 0, at = c.head; i < c.free; ++i) {
            queue[n++] = c.queue[at];
            at = at + 1 == c.made ? 0 : at + 1;
        }
        c.queue = std::move(queue);
        c.made += more;
        c.free = n;
        c.head = 0;
        c.used = 0;
        return true;
    }

    std::uint32_t made(std::size_t size_class) const { return classes_[size_class].made; }
    std::uint32_t most(std::size_t size_class) const {
        return most_bytes_ / kClassBytes[size_class];
    }

  private:
    struct Class {
        std::vector<std::uint32_t> queue;  ///< ring of `made` places; free ones from `head` on
        std::uint32_t made = 0;
        std::uint32_t head = 0;
        std::uint32_t free = 0;
        std::uint32_t used = 0;  ///< takes since it grew last
    };

    Heap* heap_ = nullptr;
    std::uint32_t most_bytes_ = 0;
    std::array<Class, kClasses> classes_;
};

}  // namespace dev::shm
