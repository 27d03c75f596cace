// Memory that the emulator shares with the processes of its hosts: anonymous files. A process that
// holds one cannot shrink it under the emulator's feet: its size is sealed.
#pragma once

#include <cstddef>
#include <utility>

#include "adi/base/status.hpp"

namespace emulator {

/// Owns a file descriptor.
class Descriptor {
  public:
    Descriptor() = default;
    explicit Descriptor(int fd) : fd_(fd) {}
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Descriptor();
    int get() const { return fd_; }
    explicit operator bool() const { return fd_ >= 0; }

  private:
    int fd_ = -1;
};

/// A file of memory, mapped here.
class SharedMemory {
  public:
    SharedMemory() = default;
    SharedMemory(SharedMemory&& other) noexcept { swap(other); }
    SharedMemory& operator=(SharedMemory&& other) noexcept {
        swap(other);
        return *this;
    }
    ~SharedMemory();

    /// `bytes` of zeros, whole pages.
    static adi::Result<SharedMemory> create(const char* name, std::size_t bytes);
    /// From now on nobody can map it to write who has not done so. False: the system refuses.
    bool seal_writes() const;

    int fd() const { return fd_.get(); }
    std::byte* data() const { return data_; }
    std::size_t bytes() const { return bytes_; }

  private:
    void swap(SharedMemory& other) noexcept {
        std::swap(fd_, other.fd_);
        std::swap(data_, other.data_);
        std::swap(bytes_, other.bytes_);
    }

    Descriptor fd_;
    std::byte* data_ = nullptr;
    std::size_t bytes_ = 0;
};

}  // namespace emulator
