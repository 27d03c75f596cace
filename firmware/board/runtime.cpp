// What clang's code for the LANai calls but the processor does not have: multiplication, division,
// blocks of memory. Not compiled for the host.
#include <stddef.h>
#include <stdint.h>

// None of these may be turned into a call of itself.
#define FATHOM_PLAIN __attribute__((no_builtin, noinline))

namespace {

struct Division {
    uint32_t quotient, rest;
};

FATHOM_PLAIN Division divide(uint32_t a, uint32_t b) {
    if (b == 0) return {~0U, a};
    uint32_t bit = 1;
    while (b < a && (b >> 31) == 0) {
        b <<= 1;
        bit <<= 1;
    }
    uint32_t quotient = 0;
    for (; bit != 0; bit >>= 1, b >>= 1) {
        if (a >= b) {
            a -= b;
            quotient |= bit;
        }
    }
    return {quotient, a};
}

uint32_t magnitude(int32_t a) {
    return a < 0 ? 0U - static_cast<uint32_t>(a) : static_cast<uint32_t>(a);
}

}  // namespace

extern "C" {

FATHOM_PLAIN uint32_t __mulsi3(uint32_t a, uint32_t b) {
    uint32_t sum = 0;
    for (; b != 0; b >>= 1, a <<= 1)
        if ((b & 1) != 0) sum += a;
    return sum;
}

FATHOM_PLAIN uint64_t __muldi3(uint64_t a, uint64_t b) {
    uint64_t sum = 0;
    for (; b != 0; b >>= 1, a <<= 1)
        if ((b & 1) != 0) sum += a;
    return sum;
}

FATHOM_PLAIN uint32_t __udivsi3(uint32_t a, uint32_t b) {
    return divide(a, b).quotient;
}
FATHOM_PLAIN uint32_t __umodsi3(uint32_t a, uint32_t b) {
    return divide(a, b).rest;
}

FATHOM_PLAIN int32_t __divsi3(int32_t a, int32_t b) {
    uint32_t quotient = divide(magnitude(a), magnitude(b)).quotient;
    return static_cast<int32_t>((a < 0) != (b < 0) ? 0U - quotient : quotient);
}

FATHOM_PLAIN int32_t __modsi3(int32_t a, int32_t b) {
    uint32_t rest = divide(magnitude(a), magnitude(b)).rest;
    return static_cast<int32_t>(a < 0 ? 0U - rest : rest);
}

FATHOM_PLAIN uint64_t __udivdi3(uint64_t a, uint64_t b) {
    if (b == 0) return ~uint64_t{0};
    uint64_t bit = 1;
    while (b < a && (b >> 63) == 0) {
        b <<= 1;
        bit <<= 1;
    }
    uint64_t quotient = 0;
    for (; bit != 0; bit >>= 1, b >>= 1) {
        if (a >= b) {
            a -= b;
            quotient |= bit;
        }
    }
    return quotient;
}

// Shifts of double words by words, the halves taken apart: a shift of a double word here would be a
// call of the function itself.
union Halves {
    uint64_t whole;
    struct {
        uint32_t high, low;
    } half;
};

FATHOM_PLAIN uint64_t __ashldi3(uint64_t a, int32_t by) {
    Halves from{a}, to{0};
    if (by == 0) return a;
    if (by >= 32) {
        to.half.high = from.half.low << (by - 32);
        to.half.low = 0;
    } else {
        to.half.high = from.half.high << by | from.half.low >> (32 - by);
        to.half.low = from.half.low << by;
    }
    return to.whole;
}

FATHOM_PLAIN uint64_t __lshrdi3(uint64_t a, int32_t by) {
    Halves from{a}, to{0};
    if (by == 0) return a;
    if (by >= 32) {
        to.half.low = from.half.high >> (by - 32);
        to.half.high = 0;
    } else {
        to.half.low = from.half.low >> by | from.half.high << (32 - by);
        to.half.high = from.half.high >> by;
    }
    return to.whole;
}

FATHOM_PLAIN int64_t __ashrdi3(int64_t a, int32_t by) {
    Halves from{static_cast<uint64_t>(a)}, to{0};
    if (by == 0) return a;
    auto high = static_cast<int32_t>(from.half.high);
    if (by >= 32) {
        to.half.low = static_cast<uint32_t>(high >> (by - 32));
        to.half.high = static_cast<uint32_t>(high >> 31);
    } else {
        to.half.low = from.half.low >> by | from.half.high << (32 - by);
        to.half.high = static_cast<uint32_t>(high >> by);
    }
    return static_cast<int64_t>(to.whole);
}

FATHOM_PLAIN void* memcpy(void* to, const void* from, size_t bytes) {
    auto* t = static_cast<uint8_t*>(to);
    const auto* f = static_cast<const uint8_t*>(from);
    if (((reinterpret_cast<uintptr_t>(t) | reinterpret_cast<uintptr_t>(f)) & 3) == 0) {
        for (; bytes >= 4; bytes -= 4, t += 4, f += 4)
            *reinterpret_cast<uint32_t*>(t) = *reinterpret_cast<const uint32_t*>(f);
    }
    for (; bytes != 0; --bytes) *t++ = *f++;
    return to;
}

FATHOM_PLAIN void* memset(void* to, int value, size_t bytes) {
    auto* t = static_cast<uint8_t*>(to);
    auto byte = static_cast<uint8_t>(value);
    if ((reinterpret_cast<uintptr_t>(t) & 3) == 0) {
        uint32_t word = byte;
        word |= word << 8;
        word |= word << 16;
        for (; bytes >= 4; bytes -= 4, t += 4) *reinterpret_cast<uint32_t*>(t) = word;
    }
    for (; bytes != 0; --bytes) *t++ = byte;
    return to;
}

FATHOM_PLAIN void* memmove(void* to, const void* from, size_t bytes) {
    auto* t = static_cast<uint8_t*>(to);
    const auto* f = static_cast<const uint8_t*>(from);
    if (t <= f || t >= f + bytes) return memcpy(to, from, bytes);
    while (bytes-- != 0) t[bytes] = f[bytes];
    return to;
}

FATHOM_PLAIN int memcmp(const void* a, const void* b, size_t bytes) {
    const auto* x = static_cast<const uint8_t*>(a);
    const auto* y = static_cast<const uint8_t*>(b);
    for (; bytes != 0; --bytes, ++x, ++y)
        if (*x != *y) return *x < *y ? -1 : 1;
    return 0;
}

// Stops the board in an endless loop: its magic is taken away first, so that hosts can see it.
[[noreturn]] FATHOM_PLAIN void abort() {
    *reinterpret_cast<volatile uint32_t*>(0x60000) = 0;
    for (;;) {
    }
}

}  // extern "C"
