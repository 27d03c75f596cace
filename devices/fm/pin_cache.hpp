// The pin-down cache: memory that the board may reach stays registered after use, since users send
// from and receive into the same buffers again and again, and registering costs a call to the
// driver (Tezuka et al., "Pin-down cache", IPPS 1998).
//
// Entries are whole pages. What nobody uses is given back, the least recently used first, when the
// page table is full or the cache holds its limit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>

#include "adi/base/status.hpp"
#include "devices/fm/board.hpp"

namespace dev::fm {

class PinCache {
  public:
    /// Registered pages. Held (users > 0) or kept for later.
    struct Entry {
        std::uintptr_t begin = 0;  ///< address, a multiple of FM_PAGE_BYTES
        std::uintptr_t end = 0;
        Region region;
        std::uint32_t users = 0;
        // The cache's own.
        std::list<Entry>::iterator self;
        std::multimap<std::uintptr_t, std::list<Entry>::iterator>::iterator place;
    };

    /// At most `pages` registered at a time.
    PinCache(Board& board, std::uint32_t pages) : board_(board), limit_(pages) {}
    ~PinCache();
    PinCache(const PinCache&) = delete;
    PinCache& operator=(const PinCache&) = delete;

    /// Holds [address, address + bytes), bytes > 0; the memory stays registered until release().
    /// `again`: the pages that others hold leave no room. Other errors are the driver's.
    adi::Status hold(const void* address, std::uint64_t bytes, Entry** entry);
    void release(Entry* entry);

    /// Where `address` is, as a descriptor names it.
    static Region locate(const Entry& entry, const void* address, std::uint64_t bytes);

    std::uint32_t limit() const { return limit_; }
    std::uint32_t pages() const { return pages_; }
    std::uint64_t hits() const { return hits_; }
    std::uint64_t misses() const { return misses_; }

  private:
    /// An entry that has all of [begin, end), or null.
    Entry* find(std::uintptr_t begin, std::uintptr_t end);
    /// Gives the longest unused entry back; false when all are held.
    bool evict();

    Board& board_;
    std::uint32_t limit_;
    std::uint32_t pages_ = 0;  ///< registered now
    std::uint64_t hits_ = 0;
    std::uint64_t misses_ = 0;
    std::list<Entry> entries_;  ///< most recently used first
    std::multimap<std::uintptr_t, std::list<Entry>::iterator> by_begin_;
};

}  // namespace dev::fm
