// Proofs that who made them knows a secret: HMAC-SHA-256.
#pragma once

#include <sodium.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace adi {

/// Whatever std::span takes is a key, or bytes that are proved. Where one part ends and the next
/// begins is not.
class Hmac {
  public:
    static constexpr std::size_t kBytes = crypto_auth_hmacsha256_BYTES;

    template <class Range>
    explicit Hmac(const Range& key) {
        const auto bytes = std::span(key);
        crypto_auth_hmacsha256_init(&state_, reinterpret_cast<const unsigned char*>(bytes.data()),
                                    bytes.size_bytes());
    }
    template <class Range>
    Hmac& add(const Range& part) {
        const auto bytes = std::span(part);
        crypto_auth_hmacsha256_update(&state_, reinterpret_cast<const unsigned char*>(bytes.data()),
                                      bytes.size_bytes());
        return *this;
    }
    /// The bytes of `value` as they lie in memory.
    template <class Value>
    Hmac& add_value(const Value& value) {
        return add(std::span(&value, 1));
    }
    /// The proof, or its beginning. Once.
    template <std::size_t kLength = kBytes>
    std::array<std::uint8_t, kLength> finish() {
        static_assert(kLength <= kBytes);
        std::array<std::uint8_t, kBytes> whole;
        crypto_auth_hmacsha256_final(&state_, whole.data());
        std::array<std::uint8_t, kLength> proof;
        std::memcpy(proof.data(), whole.data(), kLength);
        return proof;
    }

  private:
    crypto_auth_hmacsha256_state state_;
};

/// In a time that does not depend on where they differ.
inline bool same(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) {
    return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace adi
