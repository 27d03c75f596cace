// The job's shared segment on this host: one unnamed file, one mapping, a region per process.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "adi/base/status.hpp"
#include "devices/shm/format.hpp"

namespace dev::shm {

/// Owns the mapping and the descriptor. The file never has a name (memfd, or O_TMPFILE where that
/// is not allowed or memory is short), so nothing is left behind whoever is killed; memory is
/// allocated before it is touched, so that a full /dev/shm is an error here and not a SIGBUS later.
class Segment {
  public:
    Segment() = default;
    ~Segment() { close(); }
    Segment(const Segment&) = delete;
    Segment& operator=(const Segment&) = delete;

    /// Makes the segment with room for `processes` regions and backs all region headers.
    adi::Status create(std::uint32_t processes, std::string* error);
    /// Maps the segment that a card names (see card()).
    adi::Status attach(const std::string& card, std::uint32_t processes, std::string* error);
    /// "pid:fd:processes:inode" of the creator, to be published; the inode tells whether
    /// the descriptor still is what it was.
    std::string card() const;
    void close();

    bool mapped() const { return base_ != nullptr; }
    std::byte* region(std::uint32_t index) const { return base_ + index * kRegionBytes; }
    /// Backs [offset, offset + bytes) of a region with memory. Both are whole pages.
    adi::Status back(std::uint32_t index, std::uint64_t offset, std::uint64_t bytes) const;

  private:
    adi::Status create_in(const char* place, std::uint32_t processes, std::string* why);
    adi::Status map(std::uint32_t processes, std::string* error);

    int fd_ = -1;
    std::byte* base_ = nullptr;
    std::uint64_t bytes_ = 0;
    std::uint32_t processes_ = 0;
};

/// The part of one's own region behind the header: rings, chunks, memory for allocate().
class Heap {
  public:
    void open(const Segment* segment, std::uint32_t index, std::uint64_t first_byte);
    /// `bytes` rounded up to 64, zeroed when fresh, or 0 when the region or memory is exhausted.
    std::uint64_t allocate(std::uint64_t bytes);
    void deallocate(std::uint64_t offset, std::uint64_t bytes);

  private:
    struct Free {
        std::uint64_t offset, bytes;
    };
    const Segment* segment_ = nullptr;
    std::uint32_t index_ = 0;
    std::uint64_t next_ = 0;    ///< first byte never handed out
    std::uint64_t backed_ = 0;  ///< first byte without memory
    std::vector<Free> free_;
};

}  // namespace dev::shm
