#include "devices/tcp/windows.hpp"

namespace dev::tcp {

adi::MemoryKey Windows::open(void* address, std::uint64_t bytes, adi::Peer peer) {
    if (free_.empty()) {
        free_.push_back(static_cast<std::uint32_t>(windows_.size()));
        windows_.emplace_back();
    }
    const std::uint32_t index = free_.back();
    free_.pop_back();
    Window& w = windows_[index];
    w = {static_cast<std::byte*>(address), bytes, peer, w.generation + 1};
    return {std::uint64_t{w.generation} << 32 | index, bytes};
}

std::optional<adi::Peer> Windows::close(std::uint64_t key) {
    const auto index = static_cast<std::uint32_t>(key);
    if (index >= windows_.size()) return {};
    Window& w = windows_[index];
    if (w.base == nullptr || w.generation != key >> 32) return {};
    w.base = nullptr;
    free_.push_back(index);
    return w.peer;
}

void* Windows::find(adi::Peer peer, std::uint64_t key, std::uint32_t bytes) const {
    const auto index = static_cast<std::uint32_t>(key);
    if (index >= windows_.size()) return nullptr;
    const Window& w = windows_[index];
    const bool fits = w.generation == key >> 32 && w.peer == peer && bytes <= w.bytes;
    return fits ? w.base : nullptr;
}

}  // namespace dev::tcp
