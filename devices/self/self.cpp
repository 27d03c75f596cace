#include "devices/self/self.hpp"

#include <atomic>
#include <cstdlib>

#include "adi/base/futex.hpp"

namespace dev::self {

adi::Status Self::open(const adi::OpenInfo& info, std::string*) {
    self_ = info.self;
    capabilities_.short_bytes = 96;
    capabilities_.eager_bytes = 4096;
    capabilities_.get_bytes = 0;
    capabilities_.get_certain = true;
    capabilities_.can_map = true;
    queue_.resize(kSlots);
    shown_.peer = self_;
    return adi::Status::ok;
}

void Self::close() {
    for (Shared& s : shared_) std::free(s.memory);
    shared_.clear();
    queue_.clear();
}

adi::Park Self::prepare_park(bool) {
    std::atomic_ref<std::uint32_t>(park_word_).store(1);
    return {&park_word_, 1, -1};
}

void Self::cancel_park() {
    std::atomic_ref<std::uint32_t>(park_word_).store(0);
}

void Self::wake() {
    if (std::atomic_ref<std::uint32_t>(park_word_).exchange(0) != 0) adi::futex_wake(&park_word_);
}

adi::Status Self::send_short(adi::Peer peer, const adi::Header& header,
                             const adi::Buffer& payload) {
    adi::SendStream stream;
    if (adi::Status s = begin(stream, peer, header); s != adi::Status::ok) return s;
    send_piece(stream, payload, 0, header.bytes);
    return end(stream);
}

adi::Status Self::begin(adi::SendStream& stream, adi::Peer peer, const adi::Header& header) {
    if (last_whole_ - first_ == kSlots) return adi::Status::again;
    stream.peer = peer;
    stream.header = header;
    stream.sent_bytes = 0;
    Message& message = queue_[last_whole_ % kSlots];
    message.header = header;
    message.payload.resize(header.bytes);
    return adi::Status::ok;
}

std::uint64_t Self::send_piece(adi::SendStream& stream, const adi::Buffer& source,
                               std::uint64_t offset, std::uint64_t bytes) {
    source.read(offset, queue_[last_whole_ % kSlots].payload.data() + stream.sent_bytes, bytes);
    stream.sent_bytes += static_cast<std::uint32_t>(bytes);
    return bytes;
}

adi::Status Self::end(adi::SendStream& stream) {
    if (stream.sent_bytes != stream.header.bytes) return adi::Status::bad_argument;
    ++last_whole_;
    return adi::Status::ok;
}

adi::Status Self::receive(adi::ReceiveStream& stream, const adi::Buffer& target,
                          std::uint64_t offset, std::uint32_t accept) {
    const std::uint32_t n = accept < stream.header.bytes ? accept : stream.header.bytes;
    target.write(offset, current_.payload.data(), n);
    stream.moved_bytes = stream.header.bytes;
    return adi::Status::ok;
}

void Self::discard(adi::ReceiveStream& stream) {
    stream.moved_bytes = stream.header.bytes;
}

void* Self::allocate(std::uint64_t bytes, adi::MemoryKey* key) {
    const std::uint64_t rounded = (bytes + 63) / 64 * 64;
    void* memory = std::aligned_alloc(64, rounded);
    if (memory == nullptr) return nullptr;
    std::memset(memory, 0, rounded);
    shared_.push_back({memory, rounded});
    *key = {reinterpret_cast<std::uintptr_t>(memory), bytes};
    return memory;
}

void Self::deallocate(void* memory, const adi::MemoryKey&) {
    std::erase_if(shared_, [memory](const Shared& s) { return s.memory == memory; });
    std::free(memory);
}

void* Self::map(adi::Peer, const adi::MemoryKey& key) {
    for (const Shared& s : shared_) {
        if (reinterpret_cast<std::uintptr_t>(s.memory) == key.value && key.bytes <= s.bytes) {
            return s.memory;
        }
    }
    return nullptr;
}

adi::Status Self::get(adi::Peer, std::uint64_t address, void* to, std::uint64_t bytes) {
    std::memmove(to, reinterpret_cast<const void*>(address), bytes);
    return adi::Status::ok;
}

std::unique_ptr<adi::Device> make() {
    return std::make_unique<Self>();
}

}  // namespace dev::self
