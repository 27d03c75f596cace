// The tags that a provider matches by. From the top: context, source, tag of MPI.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include "adi/device.hpp"

namespace dev::ofi {

class TagLayout {
  public:
    TagLayout() = default;
    /// Of a provider that has so many bits; the upper ones of 64 stay 0.
    explicit TagLayout(unsigned bits)
        : source_bits_(
              bits > kTagBits + kContextBits ? std::min(bits, 64U) - kTagBits - kContextBits : 0) {}

    /// Sources are less than this; 0: there is no room for any.
    std::uint32_t sources() const { return source_bits_ == 0 ? 0 : 1U << source_bits_; }

    /// The tag of a message, or of a receive: what that leaves open is 0.
    std::uint64_t tag(const adi::Header& h) const {
        const std::uint64_t context = h.context % adi::kNetworkContexts;
        const std::uint64_t source = h.source < 0 ? 0U : static_cast<std::uint32_t>(h.source);
        const std::uint64_t tag = h.tag < 0 ? 0U : static_cast<std::uint32_t>(h.tag);
        return context << (kTagBits + source_bits_) | source << kTagBits | tag;
    }
    /// The bits of it that a receive leaves open.
    std::uint64_t open(const adi::Header& wanted) const {
        return (wanted.source < 0 ? (std::uint64_t{sources()} - 1) << kTagBits : 0) |
               (wanted.tag < 0 ? kAllTags : 0);
    }
    /// All bits.
    std::uint64_t any() const {
        return ~std::uint64_t{0} >> (64 - kTagBits - kContextBits - source_bits_);
    }

  private:
    static constexpr unsigned kTagBits = 31;
    static constexpr unsigned kContextBits = std::bit_width(adi::kNetworkContexts - 1);
    static constexpr std::uint64_t kAllTags = (std::uint64_t{1} << kTagBits) - 1;

    unsigned source_bits_ = 0;
};

}  // namespace dev::ofi
