// Memory of this process that peers may put into.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "adi/device.hpp"

namespace dev::tcp {

/// A key is an index and a generation, so one of a window that was closed names nothing.
class Windows {
  public:
    adi::MemoryKey open(void* address, std::uint64_t bytes, adi::Peer peer);
    /// Returns the peer that could store there, or nothing when the key names nothing.
    std::optional<adi::Peer> close(std::uint64_t key);
    /// Where `peer` may store `bytes` under `key`; null if it may not.
    void* find(adi::Peer peer, std::uint64_t key, std::uint32_t bytes) const;

  private:
    struct Window {
        std::byte* base = nullptr;  ///< null: closed
        std::uint64_t bytes = 0;
        adi::Peer peer = 0;
        std::uint32_t generation = 0;
    };
    std::vector<Window> windows_;
    std::vector<std::uint32_t> free_;
};

}  // namespace dev::tcp
