// The loop of the interpreter: what compiled code is full of, inlined; the rest in core.cpp.
#include <bit>
#include <cstring>
#include <type_traits>

#include "firmware/emulator/core.hpp"

namespace emulator {

namespace {

/// Misaligned addresses become huge ones: one comparison checks both.
template <class T>
bool inside(std::uint32_t address, std::uint32_t bytes) {
    return std::rotr(address, std::countr_zero(sizeof(T))) < bytes / sizeof(T);
}

template <class T>
T swap(T value) {
    if constexpr (sizeof(T) == 4)
        return static_cast<T>(__builtin_bswap32(value));
    else if constexpr (sizeof(T) == 2)
        return static_cast<T>(__builtin_bswap16(value));
    else
        return value;
}

std::uint32_t sub_flags(std::uint32_t a, std::uint32_t b) {
    const std::uint32_t value = a - b;
    const std::uint32_t overflow = ((a ^ b) & (a ^ value)) >> 31;
    return sign_flags(value) | (a >= b ? std::uint32_t{kCarry} : 0) | overflow * kOverflow;
}

}  // namespace

/// What every instruction changes, held in the host's registers: all of it is inlined into one
/// loop.
struct Core::Frame {
    Core& core;
    std::uint32_t* const r;
    std::byte* const sram;
    const std::uint32_t private_bytes;
    std::uint32_t pc, next, after, flags;
    std::uint64_t left;  ///< instructions to go, the one under way included

    explicit Frame(Core& c)
        : core(c),
          r(c.state_.registers.data()),
          sram(c.memory_.sram),
          private_bytes(c.memory_.shared_from),
          pc(c.state_.pc),
          next(c.state_.next),
          after(c.state_.after),
          flags(c.state_.flags),
          left(c.limit_ - c.cycles_) {}

    /// Around what is not inlined. cycles_ is then the number of instructions before this one.
    [[gnu::always_inline]] void save() { core.save(pc, next, after, flags, left); }
    /// After what may have lowered the limit: this instruction is finished all the same.
    [[gnu::always_inline]] void restore() {
        next = core.state_.next;
        after = core.state_.after;
        flags = core.state_.flags;
        if (core.limit_ <= core.cycles_) core.limit_ = core.cycles_ + 1;
        left = core.limit_ - core.cycles_;
    }

    template <class T>
    [[gnu::always_inline]] bool load(std::uint32_t address, std::uint32_t* to) {
        if (inside<T>(address, private_bytes)) [[likely]] {
            std::make_unsigned_t<T> raw;
            std::memcpy(&raw, sram + address, sizeof raw);
            *to = static_cast<std::uint32_t>(static_cast<T>(swap(raw)));
            return true;
        }
        save();
        std::uint32_t value = 0;
        if (!core.load_slow(address, sizeof(T), &value)) return false;
        restore();
        *to = static_cast<std::uint32_t>(static_cast<T>(value));
        return true;
    }
    template <class T>
    [[gnu::always_inline]] bool store(std::uint32_t address, std::uint32_t value) {
        if (inside<T>(address, private_bytes)) [[likely]] {
            const T raw = swap(static_cast<T>(value));
            T before;
            std::memcpy(&before, sram + address, sizeof before);
            // A register that a loop puts back where it was changes nothing.
            if (before == raw) return true;
            std::memcpy(sram + address, &raw, sizeof raw);
            core.dirty_ = true;
            if (address < core.code_top_) [[unlikely]]
                core.code_[address / 4].op = Op::undecoded;
            return true;
        }
        save();
        if (!core.store_slow(address, sizeof(T), value)) return false;
        restore();
        return true;
    }
    [[gnu::always_inline]] bool move(const Decoded& d, std::uint32_t base) {
        r[d.rs2] = base + d.imm;
        return true;
    }
    [[gnu::always_inline]] bool load_and_move(std::uint32_t address, const Decoded& d,
                                              std::uint32_t base) {
        std::uint32_t value = 0;
        if (!load<std::uint32_t>(address, &value)) return false;
        r[d.rs2] = base + d.imm;
        r[d.rd] = value;
        return true;
    }
    /// Two delay slots.
    [[gnu::always_inline]] bool load_pc(std::uint32_t address) {
        std::uint32_t target = 0;
        if (!load<std::uint32_t>(address, &target) || !check(target)) return false;
        after = target;
        return true;
    }
    /// False: leave the loop. A fault, or a poll loop has been found.
    [[gnu::always_inline]] bool branch(std::uint32_t target) {
        if (!check(target)) return false;
        next = target;
        after = target + 4;
        if (target > r[2]) return true;
        save();
        ++core.cycles_;
        return !core.turn();
    }
    [[gnu::always_inline]] bool jump(std::uint32_t target) {
        if (!check(target)) return false;
        next = target;
        after = target + 4;
        return true;
    }
    [[gnu::always_inline]] bool check(std::uint32_t target) {
        if (inside<std::uint32_t>(target, core.memory_.code_bytes)) [[likely]]
            return true;
        save();
        return core.jump_to(target);
    }
    bool fail(const char* reason) {
        save();
        core.fail(reason, r[2]);
        return false;
    }
    /// The first time: the same instruction again, decoded.
    bool decode_first() {
        core.decode_at(r[2]);
        after = next;
        next = pc;
        pc = r[2];
        ++left;
        return true;
    }
    /// An instruction in core.cpp.
    bool general(bool (Core::*body)(const Decoded&), const Decoded& d) {
        save();
        if (!(core.*body)(d)) return false;
        restore();
        return true;
    }
    [[gnu::always_inline]] bool execute(const Decoded& d);
};

inline bool Core::Frame::execute(const Decoded& d) {
    const std::uint32_t a = r[d.rs1], b = r[d.rs2];
    std::uint32_t* const to = &r[d.rd];
    switch (d.op) {
        case Op::addi: *to = a + d.imm; break;
        case Op::andi: *to = a & d.imm; break;
        case Op::ori: *to = a | d.imm; break;
        case Op::xori: *to = a ^ d.imm; break;
        case Op::shli: *to = a << d.imm; break;
        case Op::shri: *to = a >> d.imm; break;
        case Op::sari:
            *to = static_cast<std::uint32_t>(static_cast<std::int32_t>(a) >> d.imm);
            break;
        case Op::movi: *to = d.imm; break;
        case Op::subi_f:
            *to = a - d.imm;
            flags = sub_flags(a, d.imm);
            break;
        case Op::addi_f: {
            const AluResult sum = add_with(a, d.imm, 0);
            *to = sum.value;
            flags = sum.flags;
            break;
        }
        case Op::andi_f: flags = sign_flags(*to = a & d.imm); break;
        case Op::add: *to = a + b; break;
        case Op::sub: *to = a - b; break;
        case Op::and_: *to = a & b; break;
        case Op::or_: *to = a | b; break;
        case Op::xor_: *to = a ^ b; break;
        case Op::sub_f:
            *to = a - b;
            flags = sub_flags(a, b);
            break;
        case Op::and_f: flags = sign_flags(*to = a & b); break;
        case Op::or_f: flags = sign_flags(*to = a | b); break;
        case Op::select: *to = holds(d.imm, flags) ? a : b; break;
        case Op::set: *to = holds(d.rs2, flags) ? 1 : 0; break;
        case Op::ldw: return load<std::uint32_t>(a + d.imm, to);
        case Op::ldh: return load<std::int16_t>(a + d.imm, to);
        case Op::ldhz: return load<std::uint16_t>(a + d.imm, to);
        case Op::ldb: return load<std::int8_t>(a + d.imm, to);
        case Op::ldbz: return load<std::uint8_t>(a + d.imm, to);
        case Op::stw: return store<std::uint32_t>(a + d.imm, *to);
        case Op::sth: return store<std::uint16_t>(a + d.imm, *to);
        case Op::stb: return store<std::uint8_t>(a + d.imm, *to);
        case Op::stw_pre: return store<std::uint32_t>(a + d.imm, *to) && move(d, a);
        case Op::stw_post: return store<std::uint32_t>(a, *to) && move(d, a);
        case Op::ldw_pre: return load_and_move(a + d.imm, d, a);
        case Op::ldw_post: return load_and_move(a, d, a);
        case Op::ld_pc: return load_pc(a + d.imm);
        case Op::alu: return general(&Core::alu_general, d);
        case Op::memory: return general(&Core::access_general, d);
        case Op::branch: return branch(d.imm);
        case Op::branch_if: return !holds(d.rd, flags) || branch(d.imm);
        case Op::branch_relative: return !holds(d.rd, flags) || branch(a + d.imm);
        case Op::jump: return jump(a);
        case Op::illegal: return fail("illegal instruction");
        case Op::wild: return fail("ran past the end of the text");
        case Op::undecoded: return decode_first();
    }
    return true;
}

/// Not inlined: as stores here, the four would be kept in one vector register.
[[gnu::noinline]] void Core::save(std::uint32_t pc, std::uint32_t next, std::uint32_t after,
                                  std::uint32_t flags, std::uint64_t left) {
    state_.pc = pc;
    state_.next = next;
    state_.after = after;
    state_.flags = flags;
    cycles_ = limit_ - left;
}

template <bool kProfile>
void Core::interpret_mode() {
    Frame f(*this);
    Decoded* const code = code_.data();
    do {
        const Decoded& d = code[f.pc / 4];
        f.r[2] = f.pc;
        if constexpr (kProfile) counts_[f.pc / 4] += d.op != Op::undecoded ? 1U : 0U;
        f.pc = f.next;
        f.next = f.after;
        f.after += 4;
        if (!f.execute(d)) return;  // it has saved the frame
    } while (--f.left != 0);
    f.save();
}

void Core::interpret() {
    if (profile_)
        interpret_mode<true>();
    else
        interpret_mode<false>();
}

}  // namespace emulator
