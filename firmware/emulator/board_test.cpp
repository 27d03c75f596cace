#include "firmware/emulator/board.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <optional>
#include <queue>

#include "firmware/emulator/board_fixture.hpp"
#include "firmware/emulator/test_assembler.hpp"
#include "firmware/protocol/layout.h"
#include "firmware/protocol/registers.h"

namespace emulator {
namespace {

using namespace assembler;  // NOLINT(google-build-using-namespace)

constexpr std::uint32_t kMailbox = 0x1000, kBuffer = 0x8000;

/// Does what it is told through a mailbox: command (1 load, 2 store), address, value.
std::vector<std::uint8_t> servant() {
    const std::vector<std::uint32_t> words = {sls(false, 10, kMailbox),
                                              ri(kSub, 0, 10, 0, true),
                                              br(EQ, 0),
                                              kNop,
                                              sls(false, 11, kMailbox + 4),
                                              sls(false, 12, kMailbox + 8),
                                              ri(kSub, 0, 10, 1, true),
                                              br(EQ, 0x30),
                                              kNop,
                                              rm(true, 12, 11, 0, 2),
                                              br(T, 0x38),
                                              kNop,
                                              rm(false, 12, 11, 0, 2),
                                              sls(true, 12, kMailbox + 8),
                                              sls(true, 0, kMailbox),
                                              br(T, 0),
                                              kNop};
    std::vector<std::uint8_t> bytes;
    for (const std::uint32_t word : words)
        for (int shift = 24; shift >= 0; shift -= 8)
            bytes.push_back(static_cast<std::uint8_t>(word >> shift));
    return bytes;
}

class TestScheduler final : public Scheduler {
  public:
    explicit TestScheduler(bool timed) : timed_(timed) {}
    bool timed() const override { return timed_; }
    Time now() const override { return timed_ && running != nullptr ? running->now() : clock; }
    void at(Time when, std::function<void()> action) override { timer(when, std::move(action)); }
    void timer(Time when, std::function<void()> action) override {
        events.push_back({when, std::move(action)});
        if (running != nullptr) running->stop_at(when);
    }
    /// Everything up to `until`, with the board.
    void advance(Board& board, Time until) {
        for (;;) {
            const auto first = std::min_element(events.begin(), events.end(),
                                                [](auto& a, auto& b) { return a.when < b.when; });
            const Time next = first == events.end() ? until : std::min(until, first->when);
            running = timed_ ? &board : nullptr;
            if (timed_)
                board.run_until(next);
            else
                board.run(10000);
            running = nullptr;
            const auto due = std::min_element(events.begin(), events.end(),
                                              [](auto& a, auto& b) { return a.when < b.when; });
            if (due == events.end() || due->when > until) break;
            if (timed_ && board.now() < due->when) continue;
            clock = std::max(clock, due->when);
            const auto action = std::move(due->action);
            events.erase(due);
            action();
        }
        clock = std::max(clock, until);
    }
    struct Event {
        Time when;
        std::function<void()> action;
    };
    std::vector<Event> events;
    Time clock = 0;
    Board* running = nullptr;

  private:
    const bool timed_;
};

class TestCable final : public Cable {
  public:
    void send(std::span<const std::uint8_t> piece, bool tail) override {
        packet.insert(packet.end(), piece.begin(), piece.end());
        ++pieces;
        if (tail) packets.push_back(std::exchange(packet, {}));
        if (answer_at_once) board->sent();
    }
    void resume() override {
        ++resumed;
        if (on_resume) on_resume();
    }
    bool up() const override { return true; }
    void set_timeout(Time timeout) override { timeouts.push_back(timeout); }
    Board* board = nullptr;
    std::vector<std::uint8_t> packet;
    std::vector<std::vector<std::uint8_t>> packets;
    std::vector<Time> timeouts;
    int pieces = 0, resumed = 0;
    bool answer_at_once = true;
    std::function<void()> on_resume;
};

Machine test_machine() {
    Machine machine;
    machine.dma_start_ps = 1'000'000;
    machine.dma_byte_ps = 10'000;
    return machine;
}

class BoardTest : public testing::TestWithParam<bool> {
  protected:
    BoardTest() {
        cable.board = &board;
        board.plug(cable);
        board.load(servant(), 0);
        settle();
    }
    /// A little time: enough for the servant to do what it was told.
    void settle(Time ps = 3'000'000) { scheduler.advance(board, scheduler.clock + ps); }
    std::uint32_t command(std::uint32_t what, std::uint32_t address, std::uint32_t value) {
        board.store_word(kMailbox + 4, address);
        board.store_word(kMailbox + 8, value);
        board.store_word(kMailbox, what);
        settle();
        if (board.fault() == nullptr) {
            EXPECT_EQ(board.load_word(kMailbox), 0U);
        }
        return board.load_word(kMailbox + 8);
    }
    std::uint32_t load(std::uint32_t offset) { return command(1, FM_REGISTERS + offset, 0); }
    void store(std::uint32_t offset, std::uint32_t value) {
        command(2, FM_REGISTERS + offset, value);
    }
    bool isr(std::uint32_t bit) { return (load(REG_ISR) & bit) != 0; }
    void fill(std::uint32_t address, std::size_t bytes) {
        for (std::size_t i = 0; i < bytes; ++i)
            board.sram()[address + i] = static_cast<std::byte>(i * 7 + 1);
        board.written(address, bytes);
    }
    std::vector<std::uint8_t> sram(std::uint32_t address, std::size_t bytes) {
        const auto* from = reinterpret_cast<const std::uint8_t*>(board.sram()) + address;
        return {from, from + bytes};
    }
    std::string fault() const { return board.fault() == nullptr ? "none" : board.fault()->reason; }

    TestScheduler scheduler{GetParam()};
    const Machine machine = test_machine();
    TestMemory memory{0x10000};
    TestCable cable;
    int signals = 0;
    Board board{7, scheduler, machine, memory, [this] { ++signals; }};
};

INSTANTIATE_TEST_SUITE_P(Modes, BoardTest, testing::Bool(), [](const auto& mode) {
    return std::string(mode.param ? "Timed" : "Fast");
});

TEST_P(BoardTest, PollsIdlyAndWakes) {
    settle(1'000'000'000);
    if (!GetParam()) {
        EXPECT_TRUE(board.idle());
    }
    const std::uint64_t executed = board.core().executed();
    settle(1'000'000'000);
    EXPECT_LE(board.core().executed(), executed + 50);
    store(REG_LED, 5);
    EXPECT_EQ(load(REG_LED), 5U);
}

TEST_P(BoardTest, ReadyAfterReset) {
    EXPECT_EQ(load(REG_ISR), ISR_DMA | ISR_SEND | ISR_SEND_RDY);
    store(REG_ISR, ISR_DMA | ISR_SEND_RDY);
    EXPECT_EQ(load(REG_ISR), ISR_SEND | ISR_SEND_RDY);
}

TEST_P(BoardTest, DmaFromHost) {
    for (std::size_t i = 0; i < 64; ++i) memory.bytes[0x100 + i] = static_cast<std::byte>(i + 1);
    store(REG_EAR, 0x100);
    store(REG_LAR, kBuffer);
    store(REG_DMA_DIR, 1);
    store(REG_DMA_CTR, 64);
    settle();
    EXPECT_TRUE(isr(ISR_DMA));
    EXPECT_EQ(std::memcmp(board.sram() + kBuffer, memory.bytes.data() + 0x100, 64), 0);
    EXPECT_EQ(load(REG_EAR), 0x140U);
    EXPECT_EQ(load(REG_LAR), kBuffer + 64);
    EXPECT_EQ(load(REG_DMA_CTR), 0U);
    EXPECT_EQ(load(REG_DMA_STS), 0U);
    std::uint32_t sum = 0;
    for (std::uint32_t i = 0; i < 64; i += 4) sum += board.load_word(kBuffer + i);
    EXPECT_EQ(load(REG_CKS), sum);
    EXPECT_EQ(board.counts().dma_from_host_bytes, 64U);
}

TEST_P(BoardTest, DmaToHost) {
    fill(kBuffer, 24);
    store(REG_EAR, 0x200);
    store(REG_LAR, kBuffer);
    store(REG_DMA_DIR, 0);
    store(REG_DMA_CTR, 24);
    settle();
    EXPECT_TRUE(isr(ISR_DMA));
    EXPECT_EQ(std::memcmp(board.sram() + kBuffer, memory.bytes.data() + 0x200, 24), 0);
    EXPECT_EQ(memory.bytes[0x200 + 24], std::byte{0});
    EXPECT_EQ(board.counts().dma_to_host, 1U);
}

TEST_P(BoardTest, DmaToNowhereSaysSo) {
    store(REG_EAR, 0x40000000);
    store(REG_LAR, kBuffer);
    store(REG_DMA_CTR, 8);
    settle();
    EXPECT_TRUE(isr(ISR_DMA));
    EXPECT_EQ(load(REG_DMA_STS), 1U);
    EXPECT_EQ(board.counts().dma_failed, 1U);
    store(REG_EAR, 0);
    store(REG_DMA_CTR, 8);
    settle();
    EXPECT_EQ(load(REG_DMA_STS), 0U);
}

TEST_P(BoardTest, DmaOutsideOfSramStopsTheBoard) {
    store(REG_LAR, FM_SRAM_BYTES - 4);
    store(REG_DMA_CTR, 8);
    EXPECT_EQ(fault(), "host DMA: misaligned, or beyond the SRAM");
    EXPECT_TRUE(board.idle());
}

TEST_P(BoardTest, SendsFromMemory) {
    fill(kBuffer, 16);
    store(REG_SA, 3);
    store(REG_SMP, kBuffer);
    store(REG_SML, kBuffer + 4);
    EXPECT_TRUE(isr(ISR_SEND));
    EXPECT_TRUE(cable.packets.empty());
    if (GetParam()) {
        EXPECT_EQ(cable.packet, sram(kBuffer + 3, 5));
    }
    EXPECT_EQ(load(REG_SMP), kBuffer + 8);
    EXPECT_EQ(load(REG_SA), 0U);
    store(REG_SMLT, kBuffer + 12);
    ASSERT_EQ(cable.packets.size(), 1U);
    EXPECT_EQ(cable.packets[0], sram(kBuffer + 3, 13));
    EXPECT_EQ(board.counts().packets_sent, 1U);
}

TEST_P(BoardTest, SendsByHand) {
    store(REG_SB, 0x181);
    store(REG_SH, 0x2345);
    store(REG_SW, 0x6789abcd);
    EXPECT_TRUE(cable.packets.empty());
    store(REG_ST, 0);
    ASSERT_EQ(cable.packets.size(), 1U);
    const std::vector<std::uint8_t> expected = {0x81, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd};
    EXPECT_EQ(cable.packets[0], expected);
    EXPECT_TRUE(isr(ISR_SEND_RDY));
}

/// Modelled time alone.
class TimedBoardTest : public BoardTest {};
INSTANTIATE_TEST_SUITE_P(Mode, TimedBoardTest, testing::Values(true));

TEST_P(TimedBoardTest, SendWaitsForTheWire) {
    cable.answer_at_once = false;
    fill(kBuffer, 32);
    store(REG_SMP, kBuffer);
    store(REG_SML, kBuffer + 4);
    EXPECT_FALSE(isr(ISR_SEND | ISR_SEND_RDY));
    store(REG_SMLT, kBuffer + 28);  // goes on from there as soon as it can
    EXPECT_EQ(cable.packet.size(), 8U);
    board.sent();
    EXPECT_FALSE(isr(ISR_SEND));
    ASSERT_EQ(cable.packets.size(), 1U);
    EXPECT_EQ(cable.packets[0], sram(kBuffer, 32));
    board.sent();
    EXPECT_TRUE(isr(ISR_SEND));
    EXPECT_TRUE(isr(ISR_SEND_RDY));
    board.sent();  // not ours
    EXPECT_TRUE(isr(ISR_SEND));
}

TEST_P(TimedBoardTest, BytesByHandWaitForTheWire) {
    cable.answer_at_once = false;
    store(REG_SB, 0x81);
    store(REG_SB, 0x82);
    EXPECT_EQ(cable.packet.size(), 1U);
    EXPECT_FALSE(isr(ISR_SEND_RDY));
    store(REG_ST, 0);
    board.sent();
    ASSERT_EQ(cable.packets.size(), 1U);
    EXPECT_EQ(cable.packets[0], (std::vector<std::uint8_t>{0x81, 0x82}));
    store(REG_SMP, kBuffer);
    EXPECT_EQ(fault(), "SMP stored while bytes are leaving");
}

/// Fast alone.
class FastBoardTest : public BoardTest {
  protected:
    void send(std::uint32_t words) {
        store(REG_SMP, kBuffer);
        store(REG_SML, kBuffer);
        store(REG_SMLT, kBuffer + words * 4 - 4);
    }
};
INSTANTIATE_TEST_SUITE_P(Mode, FastBoardTest, testing::Values(false));

TEST_P(FastBoardTest, SomePacketsWait) {
    cable.answer_at_once = false;
    fill(kBuffer, 64);
    for (std::uint32_t words = 2; words < 7; ++words) {
        EXPECT_TRUE(isr(ISR_SEND)) << words;
        send(words);
    }
    EXPECT_FALSE(isr(ISR_SEND));
    EXPECT_FALSE(isr(ISR_SEND_RDY));
    ASSERT_EQ(cable.packets.size(), 1U);
    fill(kBuffer, 64);  // they have been copied
    board.sent();
    EXPECT_TRUE(isr(ISR_SEND));
    EXPECT_TRUE(isr(ISR_SEND_RDY));
    for (int i = 0; i < 4; ++i) board.sent();
    ASSERT_EQ(cable.packets.size(), 5U);
    for (std::uint32_t i = 0; i < 5; ++i) EXPECT_EQ(cable.packets[i], sram(kBuffer, 4 * i + 8));
}

TEST_P(FastBoardTest, AResetLosesOnePacket) {
    cable.answer_at_once = false;
    send(2);
    send(3);
    board.reset(true);
    ASSERT_EQ(cable.packets.size(), 2U);
    EXPECT_EQ(cable.packets[1].size(), 12U);
    board.sent();
    board.reset(true);  // of nothing
    EXPECT_TRUE(isr(ISR_NRES));
    send(4);
    EXPECT_EQ(cable.packets.size(), 3U);
}

TEST_P(FastBoardTest, WhatNeverEndsLeavesInPieces) {
    store(REG_SMP, 0x10000);
    store(REG_SML, 0x10000 + 0xfff8);
    EXPECT_EQ(cable.pieces, 0);
    store(REG_SML, 0x20000);
    EXPECT_EQ(cable.pieces, 1);
    EXPECT_EQ(cable.packet.size(), 0x10004U);
}

TEST_P(BoardTest, RouteByHandThenMemory) {
    fill(kBuffer, 8);
    store(REG_SMP, kBuffer);
    store(REG_SB, 0x99);
    store(REG_SMLT, kBuffer + 4);
    ASSERT_EQ(cable.packets.size(), 1U);
    EXPECT_EQ(cable.packets[0].size(), 9U);
    EXPECT_EQ(cable.packets[0][0], 0x99);
}

std::vector<std::uint8_t> some_packet(std::size_t bytes) {
    std::vector<std::uint8_t> packet(bytes);
    for (std::size_t i = 0; i < bytes; ++i) packet[i] = static_cast<std::uint8_t>(i + 3);
    return packet;
}

TEST_P(BoardTest, ReceivesWithTheSyndromeBehind) {
    const auto packet = some_packet(23);
    EXPECT_EQ(board.received(packet, true, 0x5a), 0U) << "not armed";
    store(REG_RMP, kBuffer);
    cable.on_resume = [&] { EXPECT_EQ(board.received(packet, true, 0x5a), 23U); };
    store(REG_RML, kBuffer + 60);
    EXPECT_EQ(cable.resumed, 1);
    EXPECT_TRUE(isr(ISR_RECV));
    EXPECT_FALSE(isr(ISR_BUFF));
    auto expected = packet;
    expected.push_back(0x5a);
    EXPECT_EQ(sram(kBuffer, 24), expected);
    EXPECT_EQ(load(REG_RMP), kBuffer + 24);
    EXPECT_EQ(board.received(packet, true, 0), 0U) << "one packet each time";
    store(REG_RMP, kBuffer);
    EXPECT_EQ(cable.resumed, 1);
    store(REG_RML, kBuffer + 60);
    EXPECT_EQ(cable.resumed, 2);
    EXPECT_EQ(board.counts().packets_received, 2U);
}

TEST_P(BoardTest, ReceivesInPieces) {
    const auto packet = some_packet(24);
    const std::span<const std::uint8_t> bytes(packet);
    store(REG_RMP, kBuffer);
    store(REG_RML, kBuffer + 12);
    EXPECT_EQ(board.received(bytes.first(8), false, 0), 8U);
    EXPECT_EQ(load(REG_RMP), kBuffer + 8);
    EXPECT_FALSE(isr(ISR_RECV | ISR_BUFF));
    EXPECT_EQ(board.received(bytes.subspan(8), true, 0), 8U) << "up to the word at RML";
    EXPECT_TRUE(isr(ISR_BUFF));
    EXPECT_EQ(board.received(bytes.subspan(16), true, 0), 0U);
    store(REG_RML, kBuffer + 20);
    EXPECT_FALSE(isr(ISR_BUFF));
    EXPECT_EQ(board.received(bytes.subspan(16), true, 9), 8U);
    EXPECT_TRUE(isr(ISR_BUFF)) << "no room for the syndrome";
    EXPECT_FALSE(isr(ISR_RECV));
    store(REG_RML, kBuffer + 24);
    EXPECT_TRUE(isr(ISR_RECV));
    EXPECT_EQ(board.sram()[kBuffer + 24], std::byte{9});
    EXPECT_EQ(sram(kBuffer, 24), packet);
}

TEST_P(BoardTest, ReceiveLimitsAreChecked) {
    store(REG_RMP, kBuffer);
    store(REG_RML, kBuffer - 8);
    EXPECT_EQ(fault(), "receive: misaligned, or beyond the SRAM");
}

TEST_P(BoardTest, ResetLosesWhatIsUnderWay) {
    cable.answer_at_once = false;
    const auto packet = some_packet(8);
    store(REG_RMP, kBuffer);
    store(REG_RML, kBuffer + 60);
    EXPECT_EQ(board.received(packet, false, 0), 8U);
    store(REG_SMP, kBuffer);
    store(REG_SML, kBuffer + 4);
    board.reset(true);
    EXPECT_TRUE(isr(ISR_NRES));
    EXPECT_TRUE(isr(ISR_SEND));
    EXPECT_TRUE(isr(ISR_SEND_RDY));
    store(REG_ISR, ISR_NRES);
    EXPECT_FALSE(isr(ISR_NRES));
    // That was the packet that was sent; the one that comes is another matter.
    EXPECT_EQ(board.received(packet, false, 0), 8U);
    board.reset(false);
    EXPECT_TRUE(isr(ISR_NRES));
    EXPECT_EQ(board.received(packet, true, 0), 0U);
    // Nothing had come: what is armed stays so.
    store(REG_RML, kBuffer + 60);
    board.reset(false);
    EXPECT_EQ(board.received(packet, true, 0), 8U);
    board.link_changed(false);
    EXPECT_TRUE(isr(ISR_LINK));
}

TEST_P(BoardTest, ATailThatComesAlone) {
    EXPECT_EQ(board.received({}, true, 3), 0U);
    const auto packet = some_packet(4);
    store(REG_RMP, kBuffer);
    store(REG_RML, kBuffer + 60);
    EXPECT_EQ(board.received(packet, false, 0), 4U);
    EXPECT_EQ(board.received({}, true, 3), 1U);
    EXPECT_TRUE(isr(ISR_RECV));
    EXPECT_EQ(board.sram()[kBuffer + 4], std::byte{3});
}

TEST_P(BoardTest, TimerAndClock) {
    store(REG_RTC, 100);
    const std::uint32_t began = load(REG_RTC);
    settle(50'000'000);  // 100 ticks
    const std::uint32_t passed = load(REG_RTC) - began;
    EXPECT_GE(passed, 100U);
    EXPECT_LE(passed, 115U);

    store(REG_IT, 60);
    EXPECT_FALSE(isr(ISR_TIME));
    EXPECT_GT(load(REG_IT), 0U);
    settle(60 * 500'000);
    EXPECT_TRUE(isr(ISR_TIME));
    EXPECT_EQ(load(REG_IT), 0U);
    store(REG_ISR, ISR_TIME);
    store(REG_IT, 60);
    store(REG_IT, 0);  // off
    settle(100 * 500'000);
    EXPECT_FALSE(isr(ISR_TIME));
    store(REG_IT, 20);
    store(REG_IT, 1000);  // anew: the first counts no more
    settle(50 * 500'000);
    EXPECT_FALSE(isr(ISR_TIME));
}

TEST_P(BoardTest, TimeoutsOfTheNetwork) {
    for (const std::uint32_t code : {1U, 3U, 0U}) store(REG_TIMEOUT, code);
    constexpr Time kSecond = 1'000'000'000'000;
    EXPECT_EQ(cable.timeouts, (std::vector<Time>{kSecond / 4, kSecond * 4, kSecond / 16}));
    EXPECT_EQ(load(REG_TIMEOUT), 0U);
}

TEST_P(BoardTest, SignalsTheHost) {
    store(REG_ISR, ISR_HOST_SIG);
    EXPECT_EQ(signals, 1);
    store(REG_EIMR, ISR_LAN_SIG(3));
    board.signal(2);
    EXPECT_EQ(signals, 1);
    board.signal(3);
    EXPECT_EQ(signals, 2);
    EXPECT_TRUE(isr(ISR_LAN_SIG(3)));
}

TEST_P(BoardTest, RegistersThatAreNotThere) {
    load(REG_RB);
    EXPECT_EQ(fault(), "load from nowhere");
    board.load(servant(), 0);
    settle();
    EXPECT_EQ(board.fault(), nullptr);
    store(0xa0, 0);
    EXPECT_EQ(fault(), "store to nowhere");
}

TEST_P(BoardTest, SharesPagesWithAFile) {
    const int fd = memfd_create("test", 0);
    ASSERT_EQ(ftruncate(fd, FM_ENDPOINT_BYTES), 0);
    ASSERT_TRUE(board.map(FM_SRAM_ENDPOINTS, fd, FM_ENDPOINT_BYTES));
    EXPECT_FALSE(board.map(FM_SRAM_BYTES - FM_PAGE_BYTES, fd, FM_ENDPOINT_BYTES));
    EXPECT_FALSE(board.map(FM_SRAM_ENDPOINTS + 4, fd, FM_PAGE_BYTES));
    void* const at = mmap(nullptr, FM_ENDPOINT_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ASSERT_NE(at, MAP_FAILED);
    static_cast<std::uint32_t*>(at)[3] = fm_be32(0x12345678);
    EXPECT_EQ(command(1, FM_SRAM_ENDPOINTS + 12, 0), 0x12345678U);
    command(2, FM_SRAM_ENDPOINTS + 16, 0x9abcdef0);
    EXPECT_EQ(static_cast<std::uint32_t*>(at)[4], fm_be32(0x9abcdef0));
    ASSERT_TRUE(board.unmap(FM_SRAM_ENDPOINTS, FM_ENDPOINT_BYTES));
    EXPECT_EQ(board.load_word(FM_SRAM_ENDPOINTS + 12), 0U);
    EXPECT_EQ(static_cast<std::uint32_t*>(at)[3], fm_be32(0x12345678));
    munmap(at, FM_ENDPOINT_BYTES);
    close(fd);
}

TEST_P(BoardTest, WithoutAProgramItStands) {
    Board other(8, scheduler, machine, memory, nullptr);
    EXPECT_NE(other.fault(), nullptr);
    EXPECT_EQ(other.run(100), Core::Stop::fault);
    other.load(std::vector<std::uint8_t>(FM_SRAM_PRIVATE + 4), 0);
    EXPECT_NE(other.fault(), nullptr);
}

/// Modelled time: transfers take as long as the machine says.
TEST(BoardTime, DmaTakesItsTime) {
    TestScheduler scheduler(true);
    const Machine machine = test_machine();
    TestMemory memory(0x10000);
    Board board(0, scheduler, machine, memory, nullptr);
    // Starts a transfer of 100 words, then counts how often ISR_DMA is not there.
    const std::vector<std::uint32_t> words = {
        ri(kOr, 10, 0, 400),
        rm(true, 10, 0, static_cast<int>(REG_DMA_CTR) - 0x100, 2),
        rm(false, 11, 0, static_cast<int>(REG_ISR) - 0x100, 2),
        ri(kAdd, 12, 12, 1),
        ri(kShift, 11, 11, 27, true),
        br(PL, 8),
        kNop,
        br(T, 0x1c),
        kNop};
    std::vector<std::uint8_t> image;
    for (const std::uint32_t word : words)
        for (int shift = 24; shift >= 0; shift -= 8)
            image.push_back(static_cast<std::uint8_t>(word >> shift));
    board.load(image, 0);
    scheduler.advance(board, 10'000'000);
    // 1 us and 4 us after cycle 1, of 30 ns: cycle 168 sees the end. ISR is loaded in cycles 2, 7,
    // 12,
    // ..., 172: 35 times.
    EXPECT_EQ(board.core().registers()[12], 35U);
    EXPECT_GE(board.now(), 10'000'000);
    EXPECT_EQ(board.counts().dma_to_host_bytes, 400U);
}

TEST(Profile, NamesFunctions) {
    std::vector<std::uint64_t> counts(16);
    counts[1] = 10;
    counts[2] = 20;
    counts[8] = 70;
    const firmware::Symbol symbols[] = {{0, 16, "small"}, {32, 8, "large"}, {40, 8, "none"}};
    const std::string text = profile_text(counts, symbols);
    EXPECT_EQ(text.find("large") < text.find("small"), true);
    EXPECT_NE(text.find(" 70.00 %"), std::string::npos);
    EXPECT_EQ(text.find("none"), std::string::npos);
}

}  // namespace
}  // namespace emulator
