// Copies of a few bytes whose number is not known to the compiler, without a call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace adi {

/// memcpy() for n ≤ 96 or so: two overlapping words, or a short loop of 16-byte ones.
inline void copy_short(void* to, const void* from, std::size_t n) {
    auto* t = static_cast<std::byte*>(to);
    const auto* f = static_cast<const std::byte*>(from);
    if (n >= 16) {
        for (std::size_t at = 0; at + 16 < n; at += 16) __builtin_memcpy(t + at, f + at, 16);
        __builtin_memcpy(t + n - 16, f + n - 16, 16);
    } else if (n >= 8) {
        std::uint64_t first, last;
        __builtin_memcpy(&first, f, 8);
        __builtin_memcpy(&last, f + n - 8, 8);
        __builtin_memcpy(t, &first, 8);
        __builtin_memcpy(t + n - 8, &last, 8);
    } else if (n >= 4) {
        std::uint32_t first, last;
        __builtin_memcpy(&first, f, 4);
        __builtin_memcpy(&last, f + n - 4, 4);
        __builtin_memcpy(t, &first, 4);
        __builtin_memcpy(t + n - 4, &last, 4);
    } else {
        for (std::size_t i = 0; i < n; ++i) t[i] = f[i];
    }
}

}  // namespace adi
