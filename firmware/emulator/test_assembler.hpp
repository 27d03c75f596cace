// Words of LANai instructions, form by form. For tests.
#pragma once

#include <cstdint>

namespace emulator::assembler {

constexpr std::uint32_t kNop = 1;

enum Operation { kAdd, kAddc, kSub, kSubb, kAnd, kOr, kXor, kShift };
enum Condition { T, F, HI, LS, CC, CS, NE, EQ, VC, VS, PL, MI, GE, LT, GT, LE };

inline std::uint32_t ri(unsigned op, unsigned rd, unsigned rs, int imm, bool f = false,
                        bool h = false) {
    return op << 28 | rd << 23 | rs << 18 | (f ? 1U << 17 : 0) | (h ? 1U << 16 : 0) |
           (static_cast<std::uint32_t>(imm) & 0xffff);
}
inline std::uint32_t rr(unsigned op, unsigned rd, unsigned a, unsigned b, bool f = false,
                        unsigned cond = T, unsigned special = 0) {
    return 12U << 28 | rd << 23 | a << 18 | (f ? 1U << 17 : 0) | (cond & 1) << 16 | b << 11 |
           op << 8 | special << 3 | cond >> 1;
}
inline std::uint32_t rm(bool store, unsigned rd, unsigned rs, int imm, unsigned pq) {
    return (store ? 9U : 8U) << 28 | rd << 23 | rs << 18 | pq << 16 |
           (static_cast<std::uint32_t>(imm) & 0xffff);
}
/// `yle`: 2 word, 0 half, 4 byte, + 1: zero extended.
inline std::uint32_t rrm(bool store, unsigned rd, unsigned a, unsigned b, unsigned pq, unsigned yle,
                         unsigned op = kAdd, unsigned special = 0) {
    return (store ? 11U : 10U) << 28 | rd << 23 | a << 18 | pq << 16 | b << 11 | op << 8 |
           special << 3 | yle;
}
inline std::uint32_t special(unsigned op, unsigned rd, unsigned rs) {
    return 13U << 28 | rd << 23 | rs << 18 | op;
}
inline std::uint32_t br(unsigned cond, std::uint32_t to) {
    return 14U << 28 | cond >> 1 << 25 | to | (cond & 1);
}
inline std::uint32_t brr(unsigned cond, unsigned rs, int by) {
    return 14U << 28 | cond >> 1 << 25 | 1U << 24 | rs << 18 |
           (static_cast<std::uint32_t>(by) & 0xfffc) | 2 | (cond & 1);
}
inline std::uint32_t scc(unsigned cond, unsigned rd) {
    return 14U << 28 | cond >> 1 << 25 | rd << 18 | 2 | (cond & 1);
}
inline std::uint32_t split(unsigned rd, std::uint32_t value, unsigned kind) {
    return 15U << 28 | rd << 23 | (value >> 16 & 31) << 18 | kind << 16 | (value & 0xffff);
}
inline std::uint32_t sls(bool store, unsigned rd, std::uint32_t address) {
    return split(rd, address, store ? 1 : 0);
}
inline std::uint32_t sli(unsigned rd, std::uint32_t value) {
    return split(rd, value, 2);
}
inline std::uint32_t spls(bool byte, bool store, bool zero, unsigned rd, unsigned rs, int imm,
                          unsigned pq) {
    return 15U << 28 | rd << 23 | rs << 18 | 6U << 15 | (byte ? 1U << 14 : 0) |
           (store ? 1U << 13 : 0) | (zero ? 1U << 12 : 0) | pq << 10 |
           (static_cast<std::uint32_t>(imm) & 0x3ff);
}

}  // namespace emulator::assembler
