#include "firmware/emulator/decode.hpp"

#include <bit>

namespace emulator {

namespace {

constexpr unsigned kPc = 2;
enum Operation : std::uint8_t { kAdd, kAddc, kSub, kSubb, kAnd, kOr, kXor, kShift };

constexpr Decoded kIllegalInstruction{Op::illegal, 0, 0, 0, 0};

/// Where a result for register `r` goes.
std::uint8_t target(unsigned r) {
    return static_cast<std::uint8_t>(r < 2 ? kSink : r);
}

std::uint32_t sign_extend(std::uint32_t value, unsigned bits) {
    const unsigned up = 32 - bits;
    return static_cast<std::uint32_t>(static_cast<std::int32_t>(value << up) >> up);
}

struct Fields {
    explicit Fields(std::uint32_t w)
        : word(w),
          rd(w >> 23 & 31),
          rs1(w >> 18 & 31),
          rs2(w >> 11 & 31),
          f((w >> 17 & 1) != 0),
          h((w >> 16 & 1) != 0) {}
    std::uint32_t word;
    unsigned rd, rs1, rs2;
    bool f, h;  ///< of memory instructions: P and Q
};

Decoded make(Op op, unsigned rd, unsigned rs1, unsigned rs2, std::uint32_t imm) {
    return {op, target(rd), static_cast<std::uint8_t>(rs1), static_cast<std::uint8_t>(rs2), imm};
}

Decoded decode_immediate_shift(const Fields& i) {
    const auto amount = static_cast<std::int32_t>(sign_extend(i.word & 0xffff, 16));
    if (i.f || i.rd == kPc || amount < -31 || amount > 31)
        return make(Op::alu, i.rd, i.rs1, 0, i.word);
    if (amount >= 0) return make(Op::shli, i.rd, i.rs1, 0, static_cast<std::uint32_t>(amount));
    return make(i.h ? Op::sari : Op::shri, i.rd, i.rs1, 0, static_cast<std::uint32_t>(-amount));
}

Decoded decode_immediate(const Fields& i) {
    const unsigned operation = i.word >> 28 & 7;
    if (operation == kShift) return decode_immediate_shift(i);
    const Decoded general = make(Op::alu, i.rd, i.rs1, 0, i.word);
    if (i.rd == kPc) return general;
    const std::uint32_t imm = immediate_operand(i.word);
    const auto form = [&](Op op, std::uint32_t value) { return make(op, i.rd, i.rs1, 0, value); };
    if (i.f) {
        if (operation == kSub) return form(Op::subi_f, imm);
        if (operation == kAdd) return form(Op::addi_f, imm);
        return operation == kAnd ? form(Op::andi_f, imm) : general;
    }
    if (i.rs1 == 0 && (operation == kAdd || operation == kOr)) return form(Op::movi, imm);
    switch (operation) {
        case kAdd: return form(Op::addi, imm);
        case kSub: return form(Op::addi, 0U - imm);
        case kAnd: return form(Op::andi, imm);
        case kOr: return form(Op::ori, imm);
        case kXor: return form(Op::xori, imm);
        default: return general;
    }
}

Decoded decode_register(const Fields& i) {
    const unsigned operation = i.word >> 8 & 7, special = i.word >> 3 & 31;
    const unsigned condition = (i.word & 7) << 1 | (i.h ? 1U : 0U);
    if (operation == kShift && special != 0 && (special & 0x10) == 0) return kIllegalInstruction;
    const Decoded general = make(Op::alu, i.rd, i.rs1, i.rs2, i.word);
    if (operation == kShift && special == 0 && i.rd != kPc && !i.f)
        return make(Op::select, i.rd, i.rs1, i.rs2, condition);
    if (condition != 0) return general;
    const auto form = [&](Op op) { return make(op, i.rd, i.rs1, i.rs2, 0); };
    if (i.rd == kPc) {
        const bool plain = (operation == kAdd || operation == kOr) && i.rs2 == 0 && !i.f;
        return plain ? form(Op::jump) : general;
    }
    if (i.f) {
        if (operation == kSub) return form(Op::sub_f);
        if (operation == kAnd) return form(Op::and_f);
        return operation == kOr ? form(Op::or_f) : general;
    }
    switch (operation) {
        case kAdd: return form(Op::add);
        case kSub: return form(Op::sub);
        case kAnd: return form(Op::and_);
        case kOr: return form(Op::or_);
        case kXor: return form(Op::xor_);
        default: return general;
    }
}

/// RM: words at a base register and an offset.
Decoded decode_word_memory(const Fields& i, bool store) {
    const std::uint32_t offset = sign_extend(i.word & 0xffff, 16);
    const bool p = i.f, q = i.h;
    if (q && i.rs1 == kPc) return kIllegalInstruction;
    if (!q) {
        const std::uint32_t imm = p ? offset : 0;
        if (store)
            return {Op::stw, static_cast<std::uint8_t>(i.rd), static_cast<std::uint8_t>(i.rs1), 0,
                    imm};
        return make(i.rd == kPc ? Op::ld_pc : Op::ldw, i.rd, i.rs1, 0, imm);
    }
    const auto back = target(i.rs1);
    if (store)
        return {p ? Op::stw_pre : Op::stw_post, static_cast<std::uint8_t>(i.rd),
                static_cast<std::uint8_t>(i.rs1), back, offset};
    if (i.rd == kPc) return make(Op::memory, i.rd, i.rs1, 0, i.word);
    return make(p ? Op::ldw_pre : Op::ldw_post, i.rd, i.rs1, back, offset);
}

/// RRM: at two registers.
Decoded decode_register_memory(const Fields& i, bool store) {
    const unsigned operation = i.word >> 8 & 7, special = i.word >> 3 & 31, size = i.word >> 1 & 3;
    if (i.h && i.rs1 == kPc) return kIllegalInstruction;
    if (operation == kShift) {
        if ((special & 0x10) == 0) return kIllegalInstruction;
    } else if (size == 3 || (i.rd == kPc && !store && size != 1)) {
        return kIllegalInstruction;
    }
    return make(Op::memory, i.rd, i.rs1, i.rs2, i.word);
}

/// SPLS: bytes and halves at a base register and a short offset.
Decoded decode_part_memory(const Fields& i) {
    const bool byte = i.word >> 14 & 1, store = i.word >> 13 & 1, zero = i.word >> 12 & 1;
    const bool p = i.word >> 11 & 1, q = i.word >> 10 & 1;
    if ((q && i.rs1 == kPc) || (!store && i.rd == kPc)) return kIllegalInstruction;
    if (q) return make(Op::memory, i.rd, i.rs1, 0, i.word);
    const std::uint32_t imm = p ? sign_extend(i.word & 0x3ff, 10) : 0;
    if (store)
        return {byte ? Op::stb : Op::sth, static_cast<std::uint8_t>(i.rd),
                static_cast<std::uint8_t>(i.rs1), 0, imm};
    if (byte) return make(zero ? Op::ldbz : Op::ldb, i.rd, i.rs1, 0, imm);
    return make(zero ? Op::ldhz : Op::ldh, i.rd, i.rs1, 0, imm);
}

Decoded decode_control(const Fields& i) {
    const unsigned condition = (i.word >> 25 & 7) << 1 | (i.word & 1);
    const auto d = static_cast<std::uint8_t>(condition);
    if ((i.word & 2) == 0) {
        const std::uint32_t to = i.word & 0x1fffffc;
        return {condition == 0 ? Op::branch : Op::branch_if, d, 0, 0, to};
    }
    if ((i.word >> 24 & 1) != 0)
        return {Op::branch_relative, d, static_cast<std::uint8_t>(i.rs1), 0,
                sign_extend(i.word & 0xfffc, 16)};
    if (i.rs1 == kPc) return kIllegalInstruction;
    return make(Op::set, i.rs1, 0, condition, 0);
}

/// SLS, SLI, SPLS: 1111.
Decoded decode_special_memory(const Fields& i) {
    const std::uint32_t constant = i.rs1 << 16 | (i.word & 0xffff);
    switch (i.word >> 16 & 3) {
        case 0: return make(i.rd == kPc ? Op::ld_pc : Op::ldw, i.rd, 0, 0, constant & ~3U);
        case 1: return {Op::stw, static_cast<std::uint8_t>(i.rd), 0, 0, constant & ~3U};
        case 2: return i.rd == kPc ? kIllegalInstruction : make(Op::movi, i.rd, 0, 0, constant);
        default: return (i.word >> 15 & 1) == 0 ? decode_part_memory(i) : kIllegalInstruction;
    }
}

}  // namespace

std::uint32_t immediate_operand(std::uint32_t word) {
    const std::uint32_t constant = word & 0xffff;
    const bool high = (word >> 16 & 1) != 0, ones = (word >> 28 & 7) == kAnd;
    return high ? constant << 16 | (ones ? 0xffffU : 0) : constant | (ones ? 0xffff0000U : 0);
}

Decoded decode(std::uint32_t word) {
    const Fields i(word);
    switch (word >> 28) {
        case 8: return decode_word_memory(i, false);
        case 9: return decode_word_memory(i, true);
        case 10: return decode_register_memory(i, false);
        case 11: return decode_register_memory(i, true);
        case 12: return decode_register(i);
        case 13: {
            const unsigned operation = word & 7;
            const bool known = operation >= 1 && operation <= 3 && i.rd != kPc;
            return known ? make(Op::alu, i.rd, i.rs1, 0, word) : kIllegalInstruction;
        }
        case 14: return decode_control(i);
        case 15: return decode_special_memory(i);
        default: return decode_immediate(i);
    }
}

AluResult alu_operation(unsigned operation, std::uint32_t a, std::uint32_t b, std::uint32_t flags) {
    const std::uint32_t carry = (flags & kCarry) != 0 ? 1 : 0;
    std::uint32_t value = 0;
    switch (operation) {
        case kAdd: return add_with(a, b, 0);
        case kAddc: return add_with(a, b, carry);
        case kSub: return add_with(a, ~b, 1);
        case kSubb: return add_with(a, ~b, carry);
        case kAnd: value = a & b; break;
        case kOr: value = a | b; break;
        default: value = a ^ b; break;
    }
    return {value, sign_flags(value)};
}

AluResult alu_shift(std::uint32_t a, std::int32_t amount, bool arithmetic) {
    std::uint32_t value = a, carry = 0;
    if (amount > 0) {
        value = amount > 31 ? 0 : a << amount;
        carry = amount > 32 ? 0 : a >> (32 - amount) & 1;
    } else if (amount < 0) {
        const int right = amount < -31 ? 31 : -amount;
        if (arithmetic)
            value = static_cast<std::uint32_t>(static_cast<std::int32_t>(a) >> right);
        else
            value = amount < -31 ? 0 : a >> right;
    }
    return {value, sign_flags(value) | carry * kCarry};
}

AluResult alu(std::uint32_t word, std::uint32_t a, std::uint32_t b, std::uint32_t flags) {
    const unsigned major = word >> 28;
    if (major == 13) {
        const unsigned operation = word & 7;
        const int count = operation == 1   ? std::popcount(a)
                          : operation == 2 ? std::countl_zero(a)
                                           : std::countr_zero(a);
        const auto value = static_cast<std::uint32_t>(count);
        return {value, sign_flags(value)};
    }
    if (major < 8) {
        if (major == kShift)
            return alu_shift(a, static_cast<std::int32_t>(sign_extend(word & 0xffff, 16)),
                             (word >> 16 & 1) != 0);
        return alu_operation(major, a, immediate_operand(word), flags);
    }
    return register_operation(word, a, b, flags);
}

AluResult register_operation(std::uint32_t word, std::uint32_t a, std::uint32_t b,
                             std::uint32_t flags) {
    const unsigned operation = word >> 8 & 7;
    if (operation != kShift) return alu_operation(operation, a, b, flags);
    return alu_shift(a, static_cast<std::int32_t>(b), (word >> 3 & 31) >= 0x18);
}

}  // namespace emulator
