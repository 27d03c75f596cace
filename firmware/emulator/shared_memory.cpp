#include "firmware/emulator/shared_memory.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace emulator {

Descriptor::~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
}

SharedMemory::~SharedMemory() {
    if (data_ != nullptr) ::munmap(data_, bytes_);
}

adi::Result<SharedMemory> SharedMemory::create(const char* name, std::size_t bytes) {
    SharedMemory memory;
    const auto failed = [&](const char* call) {
        return adi::Result<SharedMemory>(adi::Status::no_memory,
                                         std::string(call) + " of " + std::to_string(bytes) +
                                             " bytes of shared memory: " + std::strerror(errno));
    };
    memory.fd_ = Descriptor(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!memory.fd_) return failed("memfd_create");
    if (::ftruncate(memory.fd(), static_cast<off_t>(bytes)) != 0) return failed("ftruncate");
    if (::fcntl(memory.fd(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) != 0)
        return failed("sealing");
    void* data = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memory.fd(), 0);
    if (data == MAP_FAILED) return failed("mmap");
    memory.data_ = static_cast<std::byte*>(data);
    memory.bytes_ = bytes;
    return memory;
}

bool SharedMemory::seal_writes() const {
    return ::fcntl(fd(), F_ADD_SEALS, F_SEAL_FUTURE_WRITE) == 0;
}

}  // namespace emulator
