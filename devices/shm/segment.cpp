#include "devices/shm/segment.hpp"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cinttypes>
#include <cstdio>
#include <cstring>

namespace dev::shm {
namespace {

/// Where an unnamed file can be had, best first: plain memory, then what a container may leave us.
constexpr const char* kPlaces[] = {"memfd", "/dev/shm", "/tmp"};

int unnamed_file(const char* place) {
    if (*place != '/') return memfd_create("fathom", MFD_CLOEXEC);
    return open(place, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

std::string describe(const char* what) {
    return std::string(what) + ": " + std::strerror(errno);
}

}  // namespace

adi::Status Segment::create(std::uint32_t processes, std::string* error) {
    error->clear();
    for (const char* place : kPlaces) {
        std::string why;
        if (create_in(place, processes, &why) == adi::Status::ok) return adi::Status::ok;
        *error += (error->empty() ? "no shared memory: " : "; ") + std::string(place) + ": " + why;
        close();
    }
    *error += "; free some memory or raise the limit";
    return adi::Status::no_memory;
}

adi::Status Segment::create_in(const char* place, std::uint32_t processes, std::string* why) {
    // Beyond this limit ftruncate raises SIGXFSZ, whose default is death without a word.
    rlimit limit{};
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < kRegionBytes * processes) {
        *why = "the limit of file sizes (ulimit -f) is below " +
               std::to_string(kRegionBytes * processes) + " bytes";
        return adi::Status::no_memory;
    }
    fd_ = unnamed_file(place);
    if (fd_ < 0 || ftruncate(fd_, static_cast<off_t>(kRegionBytes * processes)) != 0) {
        *why = std::strerror(errno);
        return adi::Status::no_memory;
    }
    if (adi::Status s = map(processes, why); s != adi::Status::ok) return s;
    for (std::uint32_t i = 0; i < processes; ++i) {
        if (back(i, 0, header_bytes(processes)) == adi::Status::ok) continue;
        *why = std::strerror(errno);
        return adi::Status::no_memory;
    }
    return adi::Status::ok;
}

adi::Status Segment::attach(const std::string& card, std::uint32_t processes, std::string* error) {
    int pid = 0, fd = 0, end = 0;
    std::uint32_t count = 0;
    unsigned long long inode = 0;
    if (std::sscanf(card.c_str(), "%d:%d:%" SCNu32 ":%llx%n", &pid, &fd, &count, &inode, &end) !=
            4 ||
        static_cast<std::size_t>(end) != card.size() || pid <= 0 || fd < 0 || count != processes) {
        *error = "the shared memory card \"" + card + "\" makes no sense";
        return adi::Status::corrupt;
    }
    char path[64];
    std::snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, fd);
    fd_ = open(path, O_RDWR | O_CLOEXEC);
    struct stat info {};
    if (fd_ < 0 || fstat(fd_, &info) != 0) {
        *error =
            describe("cannot open the job's shared memory by /proc (same user and container?)");
        return adi::Status::peer_failed;
    }
    if (info.st_ino != inode ||
        static_cast<std::uint64_t>(info.st_size) != kRegionBytes * processes) {
        *error = "the file behind the shared memory card is another one";
        return adi::Status::corrupt;
    }
    return map(processes, error);
}

adi::Status Segment::map(std::uint32_t processes, std::string* error) {
    processes_ = processes;
    bytes_ = kRegionBytes * processes;
    void* at = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd_, 0);
    if (at == MAP_FAILED) {
        *error = describe("cannot map the shared memory segment; raise the address space limit");
        return adi::Status::no_memory;
    }
    base_ = static_cast<std::byte*>(at);
    return adi::Status::ok;
}

std::string Segment::card() const {
    struct stat info {};
    if (fd_ < 0 || fstat(fd_, &info) != 0) return "";
    char text[96];
    std::snprintf(text, sizeof text, "%d:%d:%" PRIu32 ":%llx", getpid(), fd_, processes_,
                  static_cast<unsigned long long>(info.st_ino));
    return text;
}

void Segment::close() {
    if (base_ != nullptr) munmap(base_, bytes_);
    if (fd_ >= 0) ::close(fd_);
    base_ = nullptr;
    fd_ = -1;
}

adi::Status Segment::back(std::uint32_t index, std::uint64_t offset, std::uint64_t bytes) const {
    int result;
    do {
        result = fallocate(fd_, 0, static_cast<off_t>(index * kRegionBytes + offset),
                           static_cast<off_t>(bytes));
    } while (result != 0 && errno == EINTR);
    return result == 0 ? adi::Status::ok : adi::Status::no_memory;
}

void Heap::open(const Segment* segment, std::uint32_t index, std::uint64_t first_byte) {
    segment_ = segment;
    index_ = index;
    next_ = backed_ = first_byte;
    free_.clear();
}

std::uint64_t Heap::allocate(std::uint64_t bytes) {
    bytes = (bytes + kLine - 1) / kLine * kLine;
    for (Free& f : free_) {
        if (f.bytes != bytes) continue;
        const std::uint64_t offset = f.offset;
        f = free_.back();
        free_.pop_back();
        std::memset(segment_->region(index_) + offset, 0, bytes);
        return offset;
    }
    if (bytes > kRegionBytes - next_) return 0;
    if (next_ + bytes > backed_) {
        const std::uint64_t want = (next_ + bytes - backed_ + kPage - 1) / kPage * kPage;
        if (segment_->back(index_, backed_, want) != adi::Status::ok) return 0;
        backed_ += want;
    }
    const std::uint64_t offset = next_;
    next_ += bytes;
    return offset;
}

void Heap::deallocate(std::uint64_t offset, std::uint64_t bytes) {
    free_.push_back({offset, (bytes + kLine - 1) / kLine * kLine});
}

}  // namespace dev::shm
