// Cookies: 32-bit names by which peers refer to operations of this process. A cookie that comes
// back from a peer is checked before it is believed.
#pragma once

#include <cstdint>
#include <vector>

#include "adi/engine/request.hpp"

namespace adi {

/// Table of the operations that a peer may name. Cookies are 22 bits of slot and 10 bits of
/// generation, and never 0.
class Operations {
  public:
    /// Names `r`; release() before the request goes away.
    void name(Request& r) {
        if (free_.empty()) {
            free_.push_back(static_cast<std::uint32_t>(slots_.size()));
            slots_.push_back({});
        }
        const std::uint32_t slot = free_.back();
        free_.pop_back();
        slots_[slot].request = &r;
        r.cookie = (slots_[slot].generation << kSlotBits) | slot;
    }

    void release(Request& r) {
        if (r.cookie == 0) return;
        Slot& s = slots_[r.cookie & kSlotMask];
        s.request = nullptr;
        s.generation = s.generation % kGenerations + 1;
        free_.push_back(r.cookie & kSlotMask);
        r.cookie = 0;
    }

    /// The operation of that name, or null.
    Request* find(std::uint32_t cookie) const {
        const std::uint32_t slot = cookie & kSlotMask;
        if (slot >= slots_.size()) return nullptr;
        Request* r = slots_[slot].request;
        return r != nullptr && r->cookie == cookie ? r : nullptr;
    }

    /// Calls f(Request&) for each; f may release it.
    template <class F>
    void for_each(F&& f) {
        for (std::size_t i = 0; i < slots_.size(); ++i) {
            if (slots_[i].request != nullptr) f(*slots_[i].request);
        }
    }

  private:
    static constexpr std::uint32_t kSlotBits = 22;
    static constexpr std::uint32_t kSlotMask = (1U << kSlotBits) - 1;
    static constexpr std::uint32_t kGenerations = (1U << (32 - kSlotBits)) - 1;
    struct Slot {
        Request* request = nullptr;
        std::uint32_t generation = 1;
    };
    std::vector<Slot> slots_;
    std::vector<std::uint32_t> free_;
};

}  // namespace adi
