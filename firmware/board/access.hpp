// How the control program reaches the board: registers and SRAM. Compiled for the LANai these are
// loads and stores; compiled for the host, calls of the Hardware that the program was given, and
// pointers into its SRAM. This header is the only one that knows the difference.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "firmware/protocol/layout.h"
#include "firmware/protocol/registers.h"

#define FM_INLINE [[gnu::always_inline]] inline

namespace firmware::hw {

#ifdef __lanai__

/// May the program go round until a register or a slot changes? Compiled for the host, it has to
/// return for that.
constexpr bool kWaits = true;

FM_INLINE uint32_t get(uint32_t reg) {
    return *reinterpret_cast<volatile uint32_t*>(FM_REGISTERS + reg);
}
FM_INLINE void set(uint32_t reg, uint32_t value) {
    *reinterpret_cast<volatile uint32_t*>(FM_REGISTERS + reg) = value;
}
template <class T>
FM_INLINE T* at(uint32_t address) {
    return reinterpret_cast<T*>(address);
}
FM_INLINE uint32_t address(const volatile void* place) {
    return reinterpret_cast<uint32_t>(place);
}

#else

constexpr bool kWaits = false;

/// A board, for the program compiled for the host (native_board.hpp).
class Hardware {
  public:
    virtual uint32_t get(uint32_t reg) = 0;
    virtual void set(uint32_t reg, uint32_t value) = 0;
    uint8_t* sram = nullptr;  ///< FM_SRAM_BYTES

  protected:
    ~Hardware() = default;
};
/// The board whose program runs in this thread.
inline thread_local Hardware* board = nullptr;

inline uint32_t get(uint32_t reg) {
    return board->get(reg);
}
inline void set(uint32_t reg, uint32_t value) {
    board->set(reg, value);
}
template <class T>
T* at(uint32_t address) {
    return reinterpret_cast<T*>(board->sram + address);
}
inline uint32_t address(const volatile void* place) {
    return static_cast<uint32_t>(static_cast<const volatile uint8_t*>(place) - board->sram);
}

#endif

/// The compiler keeps no value of memory over this: an engine, or the host, has changed it, or is
/// about to read it.
FM_INLINE void barrier() {
    __asm__ volatile("" ::: "memory");
}

/// The same pointer, of which the compiler does not know what it is made of: it keeps it in a
/// register, and does not add up the address of each member anew.
template <class T>
FM_INLINE T* opaque(T* place) {
#ifdef __lanai__
    __asm__("" : "+r"(place));
#endif
    return place;
}

/// Stores to a register that starts an engine, after all stores to memory.
FM_INLINE void start(uint32_t reg, uint32_t value) {
    barrier();
    set(reg, value);
}

/// A word that somebody else writes at any time: loaded exactly once.
FM_INLINE uint32_t read(const uint32_t& word) {
    return fm_be32(*const_cast<const volatile uint32_t*>(&word));
}
/// A word that somebody else reads at any time.
FM_INLINE void write(uint32_t& word, uint32_t value) {
    *const_cast<volatile uint32_t*>(&word) = fm_be32(value);
}

/// The same value; the compiler does not look behind it, and has computed it here.
template <class T>
FM_INLINE T settled(T value) {
    __asm__ volatile("" : "+r"(value));
    return value;
}

/// Shifted left by `n`, right when negative, without the compiler making a mask of two shifts: a
/// mask is a constant, which is one more instruction.
template <int n>
FM_INLINE uint32_t shifted(uint32_t value) {
#ifdef __lanai__
    uint32_t result;
    __asm__("sh %1, %2, %0" : "=r"(result) : "r"(value), "i"(n));
    return result;
#else
    return n < 0 ? value >> (-n & 31) : value << (n & 31);
#endif
}
/// `value & mask`, where the upper half of `mask` is all ones: one instruction, and the compiler
/// does not find out that fewer ones would do.
template <uint32_t mask>
FM_INLINE uint32_t masked(uint32_t value) {
    static_assert(mask >> 16 == 0xffff);
#ifdef __lanai__
    uint32_t result;
    __asm__("and %1, %2, %0" : "=r"(result) : "r"(value), "i"(uint64_t{mask}));
    return result;
#else
    return value & mask;
#endif
}
/// Without its last two bits.
FM_INLINE uint32_t words(uint32_t value) {
    return masked<~3U>(value);
}

/// Memory in the board's order, whoever compiles this.
struct Be32 {
    uint32_t raw;
    FM_INLINE operator uint32_t() const { return fm_be32(raw); }
    FM_INLINE Be32& operator=(uint32_t value) {
        raw = fm_be32(value);
        return *this;
    }
};
struct Be16 {
    uint16_t raw;
    FM_INLINE static uint16_t swapped(uint16_t value) {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        return value;
#else
        return __builtin_bswap16(value);
#endif
    }
    FM_INLINE operator uint16_t() const {
        return swapped(raw);
    }
    FM_INLINE Be16& operator=(uint32_t value) {
        raw = swapped(static_cast<uint16_t>(value));
        return *this;
    }
};
FM_INLINE uint32_t read(const Be16& half) {
    return Be16::swapped(*const_cast<const volatile uint16_t*>(&half.raw));
}
/// A pointer into SRAM, kept in SRAM.
template <class T>
struct Ref {
    Be32 place;
    FM_INLINE operator T*() const { return at<T>(place); }
    FM_INLINE T* operator->() const { return at<T>(place); }
    FM_INLINE Ref& operator=(T* target) {
        place = address(target);
        return *this;
    }
};

}  // namespace firmware::hw
