#include "firmware/emulator/core.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <random>
#include <vector>

#include "firmware/emulator/test_assembler.hpp"
#include "firmware/protocol/layout.h"

namespace emulator {
namespace {

using namespace assembler;  // NOLINT(google-build-using-namespace)

constexpr std::uint32_t kSram = 0x10000, kCode = 0x4000, kShared = 0xc000;

// --- a core by itself ----------------------------------------------------------------------------

class TestBus final : public Bus {
  public:
    bool load(std::uint32_t address, unsigned, std::uint32_t* value) override {
        if (moving && core != nullptr) core->moving();
        const auto at = values.find(address);
        if (at == values.end()) return false;
        *value = at->second;
        return true;
    }
    bool store(std::uint32_t address, unsigned, std::uint32_t value) override {
        stored_at.push_back(core->cycles());
        if (stop) core->stop_at(core->cycles());
        const auto at = values.find(address);
        if (at == values.end()) return false;
        at->second = value;
        return true;
    }
    std::map<std::uint32_t, std::uint32_t> values;
    std::vector<std::uint64_t> stored_at;
    bool moving = false, stop = false;
    Core* core = nullptr;
};

class CoreTest : public testing::Test {
  protected:
    CoreTest() { bus.core = &core; }

    void put(std::uint32_t address, std::uint32_t word) {
        word = fm_be32(word);
        std::memcpy(sram.data() + address, &word, 4);
        core.written(address, 4);
    }
    std::uint32_t get(std::uint32_t address) const {
        std::uint32_t word;
        std::memcpy(&word, sram.data() + address, 4);
        return fm_be32(word);
    }
    void program(const std::vector<std::uint32_t>& words) {
        for (std::size_t i = 0; i < words.size(); ++i)
            put(static_cast<std::uint32_t>(i * 4), words[i]);
        core.reset(0, kSram - 4, core.cycles());
    }
    /// Runs them one after the other, from address 0.
    void run(const std::vector<std::uint32_t>& words) {
        program(words);
        ASSERT_EQ(core.run(core.cycles() + words.size(), false), Core::Stop::budget)
            << core.fault()->text();
    }
    /// Words that give a register any value.
    static std::vector<std::uint32_t> set(unsigned rd, std::uint32_t value) {
        return {ri(kOr, rd, 0, static_cast<int>(value >> 16), false, true),
                ri(kOr, rd, rd, static_cast<int>(value & 0xffff))};
    }
    /// r10 and r11 hold a and b, then the words; r12 is the result.
    std::uint32_t with(std::uint32_t a, std::uint32_t b, const std::vector<std::uint32_t>& words) {
        std::vector<std::uint32_t> all = set(10, a);
        const auto more = set(11, b);
        all.insert(all.end(), more.begin(), more.end());
        all.insert(all.end(), words.begin(), words.end());
        run(all);
        return reg(12);
    }
    std::uint32_t reg(unsigned i) const { return core.registers()[i]; }
    std::string fault_of(const std::vector<std::uint32_t>& words) {
        program(words);
        return core.run(core.cycles() + 100, false) == Core::Stop::fault ? core.fault()->reason
                                                                         : "none";
    }

    alignas(8) std::vector<std::byte> sram = std::vector<std::byte>(kSram);
    TestBus bus;
    Core core{{sram.data(), kSram, kCode, kShared}, bus};
};

constexpr std::uint32_t kValues[] = {0,          1,          2,          0x7fffffff, 0x80000000,
                                     0x80000001, 0xfffffffe, 0xffffffff, 0x12345678, 0xdeadbeef};

TEST_F(CoreTest, ArithmeticWithRegisters) {
    for (const std::uint32_t a : kValues)
        for (const std::uint32_t b : kValues) {
            EXPECT_EQ(with(a, b, {rr(kAdd, 12, 10, 11)}), a + b);
            EXPECT_EQ(with(a, b, {rr(kSub, 12, 10, 11)}), a - b);
            EXPECT_EQ(with(a, b, {rr(kAnd, 12, 10, 11)}), (a & b));
            EXPECT_EQ(with(a, b, {rr(kOr, 12, 10, 11)}), (a | b));
            EXPECT_EQ(with(a, b, {rr(kXor, 12, 10, 11)}), (a ^ b));
        }
}

TEST_F(CoreTest, DoubleWordsByCarry) {
    for (const std::uint64_t a : {0ULL, 0xffffffffULL, 0x1234567890abcdefULL, ~0ULL})
        for (const std::uint64_t b : {0ULL, 1ULL, 0xfedcba9876543210ULL, ~0ULL}) {
            const auto al = static_cast<std::uint32_t>(a), ah = static_cast<std::uint32_t>(a >> 32);
            const auto bl = static_cast<std::uint32_t>(b), bh = static_cast<std::uint32_t>(b >> 32);
            for (const bool minus : {false, true}) {
                std::vector<std::uint32_t> words = set(13, ah);
                for (const auto& more : {set(14, bh), set(10, al), set(11, bl)})
                    words.insert(words.end(), more.begin(), more.end());
                words.push_back(rr(minus ? kSub : kAdd, 16, 10, 11, true));
                words.push_back(rr(minus ? kSubb : kAddc, 17, 13, 14));
                run(words);
                const std::uint64_t expected = minus ? a - b : a + b;
                EXPECT_EQ(std::uint64_t{reg(17)} << 32 | reg(16), expected);
            }
        }
}

TEST_F(CoreTest, Immediates) {
    constexpr std::uint32_t a = 0xf0f0f0f0;
    EXPECT_EQ(with(a, 0, {ri(kAdd, 12, 10, 0x8001)}), a + 0x8001);
    EXPECT_EQ(with(a, 0, {ri(kAdd, 12, 10, 0x8001, false, true)}), a + 0x80010000);
    EXPECT_EQ(with(a, 0, {ri(kSub, 12, 10, 5)}), a - 5);
    EXPECT_EQ(with(a, 0, {ri(kSub, 12, 10, 5, false, true)}), a - 0x50000);
    EXPECT_EQ(with(a, 0, {ri(kAnd, 12, 10, 0xff)}), (a & 0xffff00ff));
    EXPECT_EQ(with(a, 0, {ri(kAnd, 12, 10, 0xff, false, true)}), (a & 0x00ffffff));
    EXPECT_EQ(with(a, 0, {ri(kOr, 12, 10, 0xf)}), (a | 0xf));
    EXPECT_EQ(with(a, 0, {ri(kXor, 12, 10, 0xffff, false, true)}), (a ^ 0xffff0000));
    EXPECT_EQ(with(a, 0, {sli(12, 0x1fffff)}), 0x1fffffU);
    // Carry in: a + 0xffffffff carries.
    EXPECT_EQ(with(a, ~0U, {rr(kAdd, 0, 10, 11, true), ri(kAddc, 12, 10, 7)}), a + 8);
    EXPECT_EQ(with(a, ~0U, {rr(kAdd, 0, 10, 11, true), ri(kSubb, 12, 10, 7)}), a - 7);
}

TEST_F(CoreTest, Shifts) {
    constexpr std::uint32_t a = 0x87654321;
    for (int n = -31; n <= 31; ++n) {
        const std::uint32_t left = a << (n & 31), right = a >> (-n & 31);
        const auto down = static_cast<std::uint32_t>(static_cast<std::int32_t>(a) >> (-n & 31));
        EXPECT_EQ(with(a, 0, {ri(kShift, 12, 10, n)}), n > 0 ? left : right) << n;
        EXPECT_EQ(with(a, 0, {ri(kShift, 12, 10, n, false, true)}), n > 0 ? left : down) << n;
        const auto b = static_cast<std::uint32_t>(n);
        EXPECT_EQ(with(a, b, {rr(kShift, 12, 10, 11, false, T, 0x10)}), n > 0 ? left : right) << n;
        EXPECT_EQ(with(a, b, {rr(kShift, 12, 10, 11, false, T, 0x18)}), n > 0 ? left : down) << n;
    }
    // Beyond the word: executed, whatever comes of it.
    for (const std::uint32_t b : {32U, 33U, 1000U, 0x7fffffffU, 0x80000000U, 0xffffffdfU})
        with(a, b, {rr(kShift, 12, 10, 11, true, T, 0x10)});
    // The last bit that a left shift loses is the carry.
    EXPECT_EQ(with(a, 0, {ri(kShift, 13, 10, 1, true), scc(CS, 12)}), 1U);
    EXPECT_EQ(with(a, 0, {ri(kShift, 13, 10, 2, true), scc(CS, 12)}), 0U);
}

bool expected(unsigned condition, std::uint32_t a, std::uint32_t b) {
    const auto sa = static_cast<std::int32_t>(a), sb = static_cast<std::int32_t>(b);
    const std::uint32_t difference = a - b;
    const bool overflow = std::int64_t{sa} - sb != static_cast<std::int32_t>(difference);
    switch (condition) {
        case T: return true;
        case F: return false;
        case HI: return a > b;
        case LS: return a <= b;
        case CC: return a < b;
        case CS: return a >= b;
        case NE: return a != b;
        case EQ: return a == b;
        case VC: return !overflow;
        case VS: return overflow;
        case PL: return difference >> 31 == 0;
        case MI: return difference >> 31 == 1;
        case GE: return sa >= sb;
        case LT: return sa < sb;
        case GT: return sa > sb;
        default: return sa <= sb;
    }
}

TEST_F(CoreTest, ConditionsEverywhere) {
    for (const std::uint32_t a : kValues)
        for (const std::uint32_t b : kValues)
            for (unsigned c = 0; c < 16; ++c) {
                const bool yes = expected(c, a, b);
                const std::uint32_t compare = rr(kSub, 0, 10, 11, true);
                EXPECT_EQ(with(a, b, {compare, scc(c, 12)}), yes ? 1U : 0U) << a << b << c;
                EXPECT_EQ(with(a, b, {compare, rr(kShift, 12, 10, 1, false, c)}), yes ? a : ~0U);
                EXPECT_EQ(with(a, b, {compare, rr(kAdd, 12, 10, 10, false, c)}), yes ? a + a : 0U);
                // The branch skips one instruction behind its slot: eight words in all.
                run({set(10, a)[0], set(10, a)[1], set(11, b)[0], set(11, b)[1], compare,
                     br(c, 8 * 4), kNop, ri(kOr, 12, 0, 1)});
                EXPECT_EQ(reg(12), yes ? 0U : 1U) << a << " " << b << " " << c;
            }
}

TEST_F(CoreTest, ImmediateFlags) {
    for (const std::uint32_t a : kValues)
        for (unsigned c = 2; c < 16; ++c) {
            EXPECT_EQ(with(a, 0, {ri(kSub, 0, 10, 2, true), scc(c, 12)}), expected(c, a, 2));
            EXPECT_EQ(with(a, 0, {ri(kAdd, 0, 10, 0xffff, true, true), scc(c, 12)}) != 0,
                      // a + 0xffff0000 is a - 0x10000, and its carry is no borrow.
                      expected(c, a, 0x10000));
        }
    EXPECT_EQ(with(0x80000000, 0, {ri(kAnd, 13, 10, 0, true, true), scc(EQ, 12)}), 1U);
    EXPECT_EQ(with(0x80000000, 0x80000000, {rr(kOr, 13, 10, 11, true), scc(MI, 12)}), 1U);
}

TEST_F(CoreTest, CountsOfBits) {
    for (const std::uint32_t a : kValues) {
        EXPECT_EQ(with(a, 0, {special(1, 12, 10)}), static_cast<std::uint32_t>(std::popcount(a)));
        EXPECT_EQ(with(a, 0, {special(2, 12, 10)}),
                  static_cast<std::uint32_t>(std::countl_zero(a)));
        EXPECT_EQ(with(a, 0, {special(3, 12, 10)}),
                  static_cast<std::uint32_t>(std::countr_zero(a)));
    }
}

TEST_F(CoreTest, ConstantRegisters) {
    run({ri(kOr, 0, 0, 7), ri(kAdd, 1, 0, 7), rr(kAdd, 12, 0, 0), rr(kAdd, 13, 1, 0)});
    EXPECT_EQ(reg(12), 0U);
    EXPECT_EQ(reg(13), ~0U);
    run({kNop, ri(kAdd, 12, 2, 0x10)});
    EXPECT_EQ(reg(12), 4U + 0x10) << "pc reads as the instruction's own address";
}

TEST_F(CoreTest, WordsInMemory) {
    put(0x8000, 0x11223344);
    put(0x8010, 0x55667788);
    EXPECT_EQ(with(0x8000, 0, {rm(false, 12, 10, 0x10, 2)}), 0x55667788U);
    EXPECT_EQ(with(0x8010, 0, {rm(false, 12, 10, -0x10, 2)}), 0x11223344U);
    EXPECT_EQ(with(0x8000, 0, {rm(false, 12, 10, 0x10, 0)}), 0x11223344U);
    EXPECT_EQ(with(0x8000, 0, {rm(false, 12, 10, 0x10, 3)}), 0x55667788U);
    EXPECT_EQ(reg(10), 0x8010U);
    EXPECT_EQ(with(0x8000, 0, {rm(false, 12, 10, 0x10, 1)}), 0x11223344U);
    EXPECT_EQ(reg(10), 0x8010U);
    with(0x8000, 0xcafe, {rm(true, 11, 10, 4, 2)});
    EXPECT_EQ(get(0x8004), 0xcafeU);
    with(0x8000, 0xcaff, {rm(true, 11, 10, -4, 3)});
    EXPECT_EQ(get(0x7ffc), 0xcaffU);
    EXPECT_EQ(reg(10), 0x7ffcU);
    with(0x8000, 0xcb00, {rm(true, 11, 10, 8, 1)});
    EXPECT_EQ(get(0x8000), 0xcb00U);
    EXPECT_EQ(reg(10), 0x8008U);
    run({sls(false, 12, 0x8010), sls(true, 12, 0x8020)});
    EXPECT_EQ(get(0x8020), 0x55667788U);
}

TEST_F(CoreTest, RegisterOffsets) {
    put(0x8010, 0x81828384);
    EXPECT_EQ(with(0x8000, 0x10, {rrm(false, 12, 10, 11, 2, 2)}), 0x81828384U);
    EXPECT_EQ(with(0x8020, 0x10, {rrm(false, 12, 10, 11, 2, 2, kSub)}), 0x81828384U);
    EXPECT_EQ(with(0x8000, 0x12, {rrm(false, 12, 10, 11, 2, 0)}), 0xffff8384U);
    EXPECT_EQ(with(0x8000, 0x12, {rrm(false, 12, 10, 11, 2, 1)}), 0x8384U);
    EXPECT_EQ(with(0x8000, 0x13, {rrm(false, 12, 10, 11, 2, 4)}), 0xffffff84U);
    EXPECT_EQ(with(0x8000, 0x13, {rrm(false, 12, 10, 11, 3, 5)}), 0x84U);
    EXPECT_EQ(reg(10), 0x8013U);
    // Shifted: words, whatever the size says.
    EXPECT_EQ(with(0x2004, 2, {rrm(false, 12, 10, 11, 2, 0, kShift, 0x10)}), 0x81828384U);
    with(0x8010, 1, {rrm(true, 11, 10, 11, 2, 4)});
    EXPECT_EQ(get(0x8010), 0x81018384U);
    with(0x8010, 2, {rrm(true, 11, 10, 11, 1, 0)});
    EXPECT_EQ(get(0x8010), 0x00028384U);
    EXPECT_EQ(reg(10), 0x8012U);
}

TEST_F(CoreTest, PartsOfWords) {
    put(0x8000, 0x81f2f3f4);
    EXPECT_EQ(with(0x8002, 0, {spls(true, false, false, 12, 10, -2, 2)}), 0xffffff81U);
    EXPECT_EQ(with(0x8002, 0, {spls(true, false, true, 12, 10, 1, 2)}), 0xf4U);
    EXPECT_EQ(with(0x8000, 0, {spls(false, false, false, 12, 10, 2, 2)}), 0xfffff3f4U);
    EXPECT_EQ(with(0x8000, 0, {spls(false, false, true, 12, 10, 2, 0)}), 0x81f2U);
    EXPECT_EQ(with(0x8000, 0, {spls(true, false, true, 12, 10, 1, 3)}), 0xf2U);
    EXPECT_EQ(reg(10), 0x8001U);
    EXPECT_EQ(with(0x8000, 0, {spls(false, false, true, 12, 10, 2, 1)}), 0x81f2U);
    EXPECT_EQ(reg(10), 0x8002U);
    with(0x8000, 0xaabbccdd, {spls(true, true, false, 11, 10, 3, 2)});
    EXPECT_EQ(get(0x8000), 0x81f2f3ddU);
    with(0x8000, 0xaabbccdd, {spls(false, true, false, 11, 10, 2, 3)});
    EXPECT_EQ(get(0x8000), 0x81f2ccddU);
    EXPECT_EQ(reg(10), 0x8002U);
    with(0x8001, 0xaabbccdd, {spls(true, true, false, 11, 10, -1, 1)});
    EXPECT_EQ(get(0x8000), 0x81ddccddU);
    EXPECT_EQ(reg(10), 0x8000U);
}

TEST_F(CoreTest, OneSlotBehindBranches) {
    run({br(T, 0x10), ri(kAdd, 12, 12, 1), ri(kAdd, 12, 12, 2), kNop, ri(kAdd, 12, 12, 4)});
    EXPECT_EQ(reg(12), 5U);
    EXPECT_EQ(core.pc(), 0x1cU);
    EXPECT_EQ(with(8, 0, {brr(T, 10, 0x18), ri(kAdd, 12, 12, 1), kNop, kNop, ri(kAdd, 12, 12, 4)}),
              5U);
    // pc by an operation: a jump through a register, and one past a table.
    EXPECT_EQ(
        with(0x20, 0, {rr(kOr, 2, 10, 0), ri(kAdd, 12, 12, 1), kNop, kNop, ri(kAdd, 12, 12, 4)}),
        5U);
    EXPECT_EQ(with(0, 0,
                   {ri(kAdd, 2, 2, 0x10), ri(kAdd, 12, 12, 1), ri(kAdd, 12, 12, 2), kNop,
                    ri(kAdd, 12, 12, 4)}),
              5U);
}

TEST_F(CoreTest, TwoSlotsBehindLoadsToPc) {
    put(0x8000, 0x24);
    for (const std::uint32_t load : {rm(false, 2, 10, 0, 0), rm(false, 2, 10, 4, 1),
                                     rrm(false, 2, 10, 0, 2, 2), sls(false, 2, 0x8000)}) {
        EXPECT_EQ(with(0x8000, 0,
                       {load, ri(kAdd, 12, 12, 1), ri(kAdd, 12, 12, 2), ri(kAdd, 12, 12, 8), kNop,
                        ri(kAdd, 12, 12, 4)}),
                  7U);
    }
}

TEST_F(CoreTest, CallAndReturn) {
    // add pc,16 -> rca; push; branch; slot; ... ; the function pops to pc.
    run({ri(kAdd, 15, 2, 0x10), rm(true, 15, 4, -4, 3), br(T, 0x1c), kNop, ri(kAdd, 12, 12, 1),
         kNop, kNop, rm(false, 2, 4, 4, 1), ri(kAdd, 12, 12, 2), ri(kAdd, 12, 12, 4)});
    EXPECT_EQ(reg(12), 7U);
    EXPECT_EQ(reg(4), kSram - 4);
    EXPECT_EQ(reg(15), 0x10U);
}

TEST_F(CoreTest, TextThatChanges) {
    // Runs an instruction, stores another over it, runs that.
    put(0x1000, ri(kAdd, 12, 12, 1));
    put(0x1004, ri(kAdd, 2, 11, 0));
    put(0x1008, kNop);
    std::vector<std::uint32_t> words = set(10, ri(kAdd, 12, 12, 16));
    const std::vector<std::uint32_t> rest = {
        ri(kAdd, 11, 2, 12), br(T, 0x1000), kNop, sls(true, 10, 0x1000),
        ri(kAdd, 11, 2, 12), br(T, 0x1000), kNop, kNop};
    words.insert(words.end(), rest.begin(), rest.end());
    program(words);
    core.run(core.cycles() + 18, false);
    EXPECT_EQ(reg(12), 17U);
    // A byte of it, and from outside.
    put(0x1000, ri(kAdd, 12, 12, 5));
    program({br(T, 0x1000), kNop});
    core.run(core.cycles() + 3, false);
    EXPECT_EQ(reg(12), 5U);
    put(0x1000, ri(kAdd, 12, 12, 6));
    program({ri(kOr, 13, 0, 9), ri(kOr, 14, 0, 0x1000), spls(true, true, false, 13, 14, 3, 2),
             br(T, 0x1000), kNop});
    core.run(core.cycles() + 6, false);
    EXPECT_EQ(reg(12), 9U);
}

TEST_F(CoreTest, StopsAtWhatIsWrong) {
    EXPECT_EQ(fault_of({0xd0000000}), "illegal instruction");
    EXPECT_EQ(fault_of({split(12, 0, 3) | 1U << 15}), "illegal instruction");
    EXPECT_EQ(fault_of({rr(kShift, 12, 10, 11, false, T, 1)}), "illegal instruction");
    EXPECT_EQ(fault_of({scc(EQ, 2)}), "illegal instruction");
    EXPECT_EQ(fault_of({sls(false, 12, 0x20000)}), "load from nowhere");
    EXPECT_EQ(fault_of({sls(true, 12, 0x20000)}), "store to nowhere");
    EXPECT_EQ(fault_of({ri(kOr, 10, 0, 0x8002), rm(false, 12, 10, 0, 2)}), "misaligned load");
    EXPECT_EQ(fault_of({ri(kOr, 10, 0, 0x8001), spls(false, true, false, 12, 10, 0, 2)}),
              "misaligned store");
    EXPECT_EQ(fault_of({br(T, kCode), kNop}), "jump out of the text");
    EXPECT_EQ(fault_of({ri(kOr, 2, 0, 0x102)}), "jump out of the text");
    EXPECT_EQ(fault_of({br(T, kCode - 4), kNop}), "ran past the end of the text");
    const Fault& fault = *core.fault();
    EXPECT_EQ(fault.pc, kCode);
    EXPECT_NE(fault.text().find("pc 00004000"), std::string::npos);
    EXPECT_EQ(core.run(core.cycles() + 100, false), Core::Stop::fault);
}

TEST_F(CoreTest, AnyWordsDoNoHarm) {
    std::mt19937 random(7);
    for (int n = 0; n < 3000; ++n) {
        std::vector<std::uint32_t> words(64);
        for (auto& word : words) word = static_cast<std::uint32_t>(random());
        program(words);
        core.run(core.cycles() + 1000, n % 2 == 0);
        // And the address sanitizer has its say.
        ASSERT_EQ(reg(0), 0U);
        ASSERT_EQ(reg(1), ~0U);
    }
}

TEST_F(CoreTest, CyclesAreExact) {
    bus.values[0xffffff00] = 0;
    program(
        {kNop, kNop, rm(true, 12, 0, -0x100, 2), kNop, rm(true, 12, 0, -0x100, 2), br(T, 0), kNop});
    core.run(12, false);
    EXPECT_EQ(core.cycles(), 12U);
    EXPECT_EQ(bus.stored_at, (std::vector<std::uint64_t>{2, 4, 9, 11}));
    bus.stop = true;
    core.run(1000, false);
    EXPECT_EQ(core.cycles(), 17U) << "the instruction that stops the run is finished";
}

// --- poll loops ----------------------------------------------------------------------------------

/// Looks at the word at `address` until it is not 0, then adds 1 to r12 and clears it; six
/// instructions a turn.
std::vector<std::uint32_t> poll(std::uint32_t address) {
    return {sls(false, 10, address), ri(kSub, 0, 10, 0, true), br(EQ, 0), kNop,
            sls(true, 0, address),   ri(kAdd, 12, 12, 1),      br(T, 0),  kNop};
}

TEST_F(CoreTest, PollingSharedMemoryIsIdle) {
    program(poll(kShared));
    EXPECT_EQ(core.run(core.cycles() + 10000, false), Core::Stop::idle);
    EXPECT_LT(core.executed(), 40U);
    EXPECT_TRUE(core.idle());
    const std::uint32_t one = fm_be32(1);
    std::memcpy(sram.data() + kShared, &one, 4);
    EXPECT_FALSE(core.idle());
    EXPECT_EQ(core.run(core.cycles() + 10000, false), Core::Stop::idle);
    EXPECT_EQ(reg(12), 1U);
    EXPECT_EQ(get(kShared), 0U);
    EXPECT_TRUE(core.idle());
}

TEST_F(CoreTest, PrivateMemoryAndRegistersWake) {
    program(poll(0x8000));
    EXPECT_EQ(core.run(core.cycles() + 10000, false), Core::Stop::idle);
    put(0x8000, 1);
    EXPECT_FALSE(core.idle());
    EXPECT_EQ(core.run(core.cycles() + 10000, false), Core::Stop::idle);
    EXPECT_EQ(reg(12), 1U);

    bus.values[0xffffff00] = 0;
    program({rm(false, 10, 0, -0x100, 2), ri(kSub, 0, 10, 0, true), br(EQ, 0), kNop,
             ri(kAdd, 12, 12, 1), br(T, 0x14), kNop});
    EXPECT_EQ(core.run(core.cycles() + 10000, false), Core::Stop::idle);
    EXPECT_EQ(reg(12), 0U);
    bus.values[0xffffff00] = 1;
    core.wake();
    EXPECT_EQ(core.run(core.cycles() + 10000, false), Core::Stop::idle);
    EXPECT_EQ(reg(12), 1U);
    EXPECT_EQ(bus.values[0xffffff00], 1U);
}

TEST_F(CoreTest, ALoopOfSeveralTurnsIsFound) {
    // r11 goes round 0 .. 15; the word r11 of shared memory is looked at.
    program({ri(kShift, 13, 11, 2), ri(kAdd, 13, 13, kShared), rm(false, 10, 13, 0, 2),
             ri(kAdd, 11, 11, 1), ri(kAnd, 11, 11, 0xf), ri(kAnd, 11, 11, 0, false, true),
             ri(kSub, 0, 10, 0, true), br(EQ, 0), kNop, ri(kAdd, 12, 12, 1), rm(true, 0, 13, 0, 2),
             br(T, 0), kNop});
    // `and` with a low immediate keeps the high half: two of them keep four bits.
    EXPECT_EQ(core.run(core.cycles() + 100000, false), Core::Stop::idle);
    EXPECT_LT(core.executed(), 1000U);
    for (const std::uint32_t i : {3U, 15U, 0U}) {
        const std::uint32_t one = fm_be32(1);
        std::memcpy(sram.data() + kShared + i * 4, &one, 4);
        EXPECT_FALSE(core.idle()) << i;
        EXPECT_EQ(core.run(core.cycles() + 100000, false), Core::Stop::idle);
        EXPECT_EQ(get(kShared + i * 4), 0U);
    }
    EXPECT_EQ(reg(12), 3U);
}

TEST_F(CoreTest, LoopsThatDoSomethingAreNotIdle) {
    program({ri(kAdd, 12, 12, 1), br(T, 0), kNop});  // counts
    EXPECT_EQ(core.run(core.cycles() + 10000, false), Core::Stop::budget);
    // Counts in memory, with the same registers each time.
    program({sls(false, 12, 0x8000), ri(kAdd, 12, 12, 1), sls(true, 12, 0x8000),
             ri(kAdd, 12, 0, 0), br(T, 0), kNop});
    EXPECT_EQ(core.run(core.cycles() + 10000, false), Core::Stop::budget);
    bus.values[0xffffff00] = 0;
    bus.moving = true;  // looks at a clock
    program({rm(false, 10, 0, -0x100, 2), ri(kSub, 0, 10, 0, true), br(EQ, 0), kNop});
    EXPECT_EQ(core.run(core.cycles() + 10000, false), Core::Stop::budget);
}

TEST_F(CoreTest, StoringWhatIsThereAlreadyIsIdle) {
    program({sls(true, 12, 0x8000), br(T, 0), kNop});
    EXPECT_EQ(core.run(core.cycles() + 10000, false), Core::Stop::idle);
}

TEST_F(CoreTest, SkippedTurnsLeaveTheSameState) {
    // The same program, with turns skipped and without, and an input at a random time: the same
    // instruction sees it at the same cycle.
    std::mt19937 random(3);
    for (int n = 0; n < 200; ++n) {
        const std::uint64_t when = 100 + random() % 5000, end = when + 1 + random() % 3000;
        std::array<std::uint32_t, 32> registers[2];
        std::uint32_t words[2];
        for (const bool skip : {false, true}) {
            std::vector<std::uint32_t> words_of_loop = poll(kShared + 4);
            words_of_loop[5] = ri(kAdd, 12, 12, 3);
            words_of_loop.insert(words_of_loop.begin(), {ri(kAdd, 14, 14, 1)});
            words_of_loop[3] = br(EQ, 4);
            Core fresh({sram.data(), kSram, kCode, kShared}, bus);
            for (std::size_t i = 0; i < words_of_loop.size(); ++i)
                put(static_cast<std::uint32_t>(i * 4), words_of_loop[i]);
            put(kShared + 4, 0);
            fresh.reset(0, 0x8000);
            const auto run_to = [&](std::uint64_t to) {
                while (fresh.cycles() < to) {
                    // One by one, and never idle: nothing can be skipped.
                    if (!skip) fresh.wake();
                    fresh.run(skip ? std::min(to, fresh.cycles() + 1 + random() % 1000)
                                   : fresh.cycles() + 1,
                              true);
                }
            };
            run_to(when);
            ASSERT_EQ(fresh.cycles(), when);
            const std::uint32_t one = fm_be32(1);
            std::memcpy(sram.data() + kShared + 4, &one, 4);
            run_to(end);
            ASSERT_EQ(fresh.cycles(), end);
            std::copy_n(fresh.registers().begin(), 32, registers[skip ? 1 : 0].begin());
            words[skip ? 1 : 0] = get(kShared + 4) | fresh.pc() << 8;
            if (skip) {
                EXPECT_LT(fresh.executed(), end);
            }
        }
        EXPECT_EQ(registers[0], registers[1]) << when << " " << end;
        EXPECT_EQ(words[0], words[1]);
    }
}

TEST_F(CoreTest, CountsWorkAndPolling) {
    program(poll(kShared));
    core.run(core.cycles() + 10000, false);
    const std::uint64_t worked = core.worked();
    EXPECT_GT(core.polled(), 0U);
    const std::uint32_t one = fm_be32(1);
    std::memcpy(sram.data() + kShared, &one, 4);
    core.run(core.cycles() + 10000, false);
    EXPECT_GE(core.worked(), worked + 8);
    EXPECT_LE(core.worked(), worked + 24);
}

TEST_F(CoreTest, Profile) {
    core.profile(true);
    program({ri(kOr, 11, 0, 10), ri(kSub, 11, 11, 1, true), br(NE, 4), kNop, br(T, 0x10), kNop});
    core.run(core.cycles() + 200, false);
    EXPECT_EQ(core.counts()[0], 1U);
    EXPECT_EQ(core.counts()[1], 10U);
    EXPECT_EQ(core.counts()[3], 10U);
    EXPECT_GT(core.counts()[4], 1U);
}

}  // namespace
}  // namespace emulator
