// Instructions of the LANai 11 core, taken apart once so that executing them is cheap.
#pragma once

#include <cstdint>

namespace emulator {

/// What the interpreter distinguishes: the forms that compiled code is full of each have their own;
/// the rest go to the general ones.
enum class Op : std::uint8_t {
    undecoded,  ///< not looked at yet; all zero
    wild,       ///< beyond the text
    illegal,
    // rd = rs1 op imm
    addi,
    andi,
    ori,
    xori,
    shli,
    shri,
    sari,
    movi,
    subi_f,
    addi_f,
    andi_f,
    // rd = rs1 op rs2
    add,
    sub,
    and_,
    or_,
    xor_,
    sub_f,
    and_f,
    or_f,
    select,  ///< rd = condition in imm ? rs1 : rs2
    alu,     ///< any other; imm is the word
    // memory at rs1 + imm
    ldw,
    ldh,
    ldhz,
    ldb,
    ldbz,
    stw,
    sth,
    stb,
    // memory at rs1 + imm, then rs1 = that (pre), or at rs1, then rs1 += imm (post); rs2 is written
    ldw_pre,
    ldw_post,
    stw_pre,
    stw_post,
    memory,  ///< any other; imm is the word
    ld_pc,   ///< pc = memory at rs1 + imm, two delay slots
    // control: imm is the target
    branch,
    branch_if,        ///< _if: rd is the condition
    branch_relative,  ///< to rs1 + imm, rd is the condition
    jump,             ///< to rs1
    set,              ///< rd = condition in rs2
};

/// Register 32 is where writes to r0 and r1 go.
inline constexpr unsigned kSink = 32;

struct Decoded {
    Op op = Op::undecoded;
    std::uint8_t rd = 0, rs1 = 0, rs2 = 0;
    std::uint32_t imm = 0;
};

Decoded decode(std::uint32_t word);

// --- flags and conditions ------------------------------------------------------------------------

enum : std::uint32_t { kZero = 1, kNegative = 2, kCarry = 4, kOverflow = 8 };

/// Bit f of element c: condition c holds with flags f.
struct ConditionTable {
    std::uint16_t bits[16] = {};
    constexpr ConditionTable() {
        for (std::uint32_t f = 0; f < 16; ++f) {
            const bool z = f & kZero, n = f & kNegative, c = f & kCarry, v = f & kOverflow;
            const bool even[8] = {true, c && !z, !c, !z, !v, !n, n == v, n == v && !z};
            for (unsigned i = 0; i < 16; ++i)
                if (even[i / 2] != ((i & 1) != 0)) bits[i] |= static_cast<std::uint16_t>(1U << f);
        }
    }
};
inline constexpr ConditionTable kConditions;

inline bool holds(unsigned condition, std::uint32_t flags) {
    return (kConditions.bits[condition] >> flags & 1) != 0;
}

struct AluResult {
    std::uint32_t value = 0;
    std::uint32_t flags = 0;
};

inline std::uint32_t sign_flags(std::uint32_t value) {
    return (value == 0 ? std::uint32_t{kZero} : 0) | (value >> 31) * kNegative;
}

/// a + b + carry; a - b is a + ~b + 1, so carry then means: no borrow.
inline AluResult add_with(std::uint32_t a, std::uint32_t b, std::uint32_t carry) {
    const std::uint64_t sum = std::uint64_t{a} + b + carry;
    const auto value = static_cast<std::uint32_t>(sum);
    const std::uint32_t overflow = (~(a ^ b) & (a ^ value)) >> 31;
    return {value, sign_flags(value) | static_cast<std::uint32_t>(sum >> 32) * kCarry |
                       overflow * kOverflow};
}

/// Operation 0-6 (add addc sub subb and or xor) with the flags that it leaves.
AluResult alu_operation(unsigned operation, std::uint32_t a, std::uint32_t b, std::uint32_t flags);
/// amount > 0: left. What is shifted by more than 31 is lost.
AluResult alu_shift(std::uint32_t a, std::int32_t amount, bool arithmetic);
/// The operation in bits 10:3 of RR and RRM.
AluResult register_operation(std::uint32_t word, std::uint32_t a, std::uint32_t b,
                             std::uint32_t flags);
/// Op::alu, its condition apart: RI, RR, special. SELECT is not among them.
AluResult alu(std::uint32_t word, std::uint32_t a, std::uint32_t b, std::uint32_t flags);
/// The constant of RI.
std::uint32_t immediate_operand(std::uint32_t word);

}  // namespace emulator
