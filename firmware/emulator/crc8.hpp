// CRC-8, polynomial x^8 + x^2 + x + 1, register 0 at first: Myrinet's. Linear, so that the syndrome
// of a packet with errors depends on the errors alone: follow them with step() and skip(), starting
// from 0, and the good bytes between them cost nothing.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace emulator::crc8 {

namespace detail {
constexpr std::array<std::uint8_t, 256> make_table() {
    std::array<std::uint8_t, 256> table{};
    for (unsigned i = 0; i < 256; ++i) {
        unsigned r = i;
        for (int bit = 0; bit < 8; ++bit) r = r << 1 ^ ((r & 0x80U) != 0 ? 0x107U : 0U);
        table[i] = static_cast<std::uint8_t>(r);
    }
    return table;
}
inline constexpr std::array<std::uint8_t, 256> kTable = make_table();
}  // namespace detail

/// The register after one more byte.
constexpr std::uint8_t step(std::uint8_t r, std::uint8_t byte) {
    return detail::kTable[r ^ byte];
}

/// The CRC of `bytes`. Over bytes and their CRC it is 0: the syndrome.
constexpr std::uint8_t of(std::span<const std::uint8_t> bytes) {
    std::uint8_t r = 0;
    for (const std::uint8_t byte : bytes) r = step(r, byte);
    return r;
}

/// The register after so many bytes without an error. A byte is a multiplication by x^8, whose
/// powers repeat after 127 bytes: the polynomial is (x + 1) times a primitive one of degree 7.
constexpr std::uint8_t skip(std::uint8_t r, std::uint64_t bytes) {
    if (r == 0) return 0;
    for (bytes %= 127; bytes > 0; --bytes) r = step(r, 0);
    return r;
}

}  // namespace emulator::crc8
