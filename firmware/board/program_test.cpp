// The control program, board to board, without an emulator.
#include "firmware/board/native_fixture.hpp"

namespace firmware {
namespace {

TEST(ControlProgram, CarriesAPacketOfEachLength) {
    Fabric fabric(2);
    auto hosts = fabric.open({0, 1U << 24});
    for (std::uint32_t length = 0; length <= FM_INLINE_BYTES; ++length) {
        hosts[0].send(1, bytes_of(length, length), length, 77);
        fabric.run(20);
        fm_wire wire;
        std::vector<std::uint8_t> payload;
        ASSERT_TRUE(hosts[1].receive(&wire, &payload)) << length;
        EXPECT_EQ(payload, bytes_of(length, length));
        EXPECT_EQ(fm_be32(wire.user[0]), length);
        EXPECT_EQ(fm_be32(wire.user[1]), 77U);
        EXPECT_EQ(fm_be32(wire.source), length);
        hosts[1].consume();
        ASSERT_FALSE(hosts[1].receive(&wire, &payload));
        fabric.pass(100);
        fabric.run(5);
        fabric.pass(100);
        fabric.run(5);
    }
    EXPECT_EQ(hosts[0].done(), FM_INLINE_BYTES + 1U);
    EXPECT_EQ(fabric.boards[1]->counter(&fm_counters::received), FM_INLINE_BYTES + 1U);
    EXPECT_EQ(fabric.boards[0]->counter(&fm_counters::retransmitted), 0U);
}

TEST(ControlProgram, PiggybacksAcknowledgements) {
    Fabric fabric(2);
    auto hosts = fabric.open({0, 1U << 24});
    fm_wire wire;
    std::vector<std::uint8_t> payload;
    for (std::uint32_t i = 0; i < 1000; ++i) {
        Host& from = hosts[i % 2];
        Host& to = hosts[1 - i % 2];
        from.send(1 - i % 2, bytes_of(8, i));
        fabric.run(10);
        ASSERT_TRUE(to.receive(&wire, &payload));
        EXPECT_EQ(payload, bytes_of(8, i));
        to.consume();
    }
    EXPECT_EQ(hosts[0].done(), 500U);
    EXPECT_EQ(fabric.boards[0]->counter(&fm_counters::acks_sent), 0U);
    EXPECT_EQ(fabric.boards[1]->counter(&fm_counters::acks_sent), 0U);
}

// Nothing goes back, and no timer runs: a stream's receiver acknowledges for itself, and few
// packets to each of many nodes are asked for.
TEST(ControlProgram, AsksForAcknowledgementsWhenSlotsRunShort) {
    constexpr std::uint32_t kNodes = 8;
    Fabric fabric(1 + kNodes);
    std::vector<std::uint32_t> places;
    for (std::uint32_t i = 0; i <= kNodes; ++i) places.push_back(i << 24);
    auto hosts = fabric.open(places);
    for (std::uint32_t run : {200U, 3U}) {  // packets to a node, one after another
        for (std::uint32_t i = 0; i < 200; ++i) {
            const std::uint32_t node = 1 + i / run % kNodes;
            ASSERT_TRUE(hosts[0].can_send()) << run << ' ' << i;
            hosts[0].send(node, bytes_of(8, i));
            fabric.run(30);
            fm_wire wire;
            std::vector<std::uint8_t> payload;
            ASSERT_TRUE(hosts[node].receive(&wire, &payload)) << run << ' ' << i;
            EXPECT_EQ(payload, bytes_of(8, i));
            hosts[node].consume();
        }
        const std::uint32_t asked = fabric.boards[0]->counter(&fm_counters::acks_sent);
        EXPECT_TRUE(run == 200 ? asked == 0 : asked > 0 && asked < 80) << run << ' ' << asked;
    }
    EXPECT_EQ(fabric.boards[0]->counter(&fm_counters::retransmitted), 0U);
}

TEST(ControlProgram, CarriesPages) {
    Fabric fabric(2, 6);  // a route that the fast path does not take
    auto hosts = fabric.open({0, 1U << 24});
    fabric.boards[0]->map_page(0, 100, 0x900000);
    fm_wire wire;
    std::vector<std::uint8_t> payload;
    for (std::uint32_t length : {0U, 1U, 4U, 447U, 448U, 449U, 2000U, 4031U, 4032U}) {
        auto bytes = bytes_of(length, length);
        std::uint32_t offset = words_up(length) <= FM_PAGE_BYTES - 60 ? 60 : 0;
        std::copy(bytes.begin(), bytes.end(), fabric.boards[0]->host_page(0x900000) + offset);
        hosts[0].send_page(1, length, 100, offset);
        if (inline_fits(length)) hosts[0].send(1, bytes);
        fabric.run(30);
        for (int i = 0; i < (inline_fits(length) ? 2 : 1); ++i) {
            ASSERT_TRUE(hosts[1].receive(&wire, &payload)) << length;
            EXPECT_EQ(payload, bytes) << length;
        }
        hosts[1].consume();
    }
}

TEST(ControlProgram, DeliversOnTheSameBoard) {
    Fabric fabric(1);
    auto hosts = fabric.open({0, 3U << 16, 7U << 16});
    fm_wire wire;
    std::vector<std::uint8_t> payload;
    for (std::uint32_t i = 0; i < 500; ++i) {
        std::uint32_t to = i % 3, from = i / 3 % 3;
        hosts[from].send(to, bytes_of(i % 449, i));
        fabric.run(30);
        ASSERT_TRUE(hosts[to].receive(&wire, &payload)) << i;
        EXPECT_EQ(payload, bytes_of(i % 449, i));
        EXPECT_EQ(fm_be32(wire.source) >> 16, from);
        hosts[to].consume();
        fabric.pass(200);
    }
    fabric.run(30);
    fabric.pass(200);
    fabric.run(30);
    EXPECT_EQ(hosts[0].done() + hosts[1].done() + hosts[2].done(), 500U);
}

/// Two nodes with user memory: page i of it is page 200 + i of the page table.
struct Memory {
    NativeBoard& board;
    std::uint32_t bus;
    void map(std::uint32_t pages) {
        for (std::uint32_t i = 0; i < pages; ++i)
            board.map_page(0, 200 + i, bus + i * FM_PAGE_BYTES);
    }
    std::uint8_t& at(std::uint32_t offset) {
        return board.host_page(bus +
                               offset / FM_PAGE_BYTES * FM_PAGE_BYTES)[offset % FM_PAGE_BYTES];
    }
};

std::uint8_t pattern(std::uint32_t i) {
    return static_cast<std::uint8_t>(i * 7 + i / 256);
}

TEST(ControlProgram, DepositsBetweenAnyTwoPlaces) {
    Fabric fabric(2);
    auto hosts = fabric.open({0, 1U << 24});
    Memory from{*fabric.boards[0], 0x2000000}, to{*fabric.boards[1], 0x3000000};
    from.map(12);
    to.map(12);
    for (auto& board : fabric.boards) board->dma_delay = board->send_delay = 3;
    std::uint32_t windows = 0;
    for (std::uint32_t length : {4U, 1020U, 1024U, 1028U, 4096U, 4100U, 16384U, 16388U, 40000U}) {
        for (std::uint32_t source : {0U, 16U, 4092U}) {
            for (std::uint32_t target : {0U, 16U, 4092U}) {
                for (std::uint32_t i = 0; i < 12 * FM_PAGE_BYTES; ++i) {
                    from.at(i) = pattern(i);
                    to.at(i) = 0xee;
                }
                fm_window& w = hosts[1].region().windows[5];
                const std::uint32_t key = ++windows << 6 | 5;
                w = {fm_be32(key), fm_be32(0 << 16 | 200), fm_be32(target & 4095),
                     fm_be32(length + 8)};
                hosts[0].put(1, length, 200 + source / 4096, source % 4096, key, 8);
                hosts[0].send(1, bytes_of(9, 9));  // what follows a put arrives after it
                fm_wire wire;
                std::vector<std::uint8_t> payload;
                bool came = false;
                for (int i = 0; i < 3000 && !came; ++i) {
                    fabric.step();
                    came = hosts[1].receive(&wire, &payload);
                }
                ASSERT_TRUE(came) << length;
                for (std::uint32_t i = 0; i < 12 * FM_PAGE_BYTES; ++i) {
                    bool inside = i >= target + 8 && i < target + 8 + length;
                    auto expected = inside ? pattern(source + i - target - 8) : 0xee;
                    ASSERT_EQ(to.at(i), expected)
                        << length << ' ' << source << ' ' << target << ' ' << i;
                }
                hosts[1].consume();
                fabric.run(50);
            }
        }
    }
    EXPECT_EQ(fabric.boards[0]->counter(&fm_counters::retransmitted), 0U);
    EXPECT_EQ(fabric.boards[1]->counter(&fm_counters::bad_deposits), 0U);
}

TEST(ControlProgram, RefusesDepositsOutsideOfTheWindow) {
    Fabric fabric(2);
    auto hosts = fabric.open({0, 1U << 24});
    Memory from{*fabric.boards[0], 0x2000000}, to{*fabric.boards[1], 0x3000000};
    from.map(2);
    to.map(1);
    fm_window& w = hosts[1].region().windows[5];
    struct Case {
        fm_window window;
        std::uint32_t key, at;
    };
    fm_wire wire;
    std::vector<std::uint8_t> payload;
    const Case kCases[] = {{{0, 200, 0, 4096}, 0, 0},
                           {{0x45, 200, 0, 4096}, 0x85, 0},
                           {{0x45, 1 << 16 | 200, 0, 4096}, 0x45, 0},
                           {{0x45, 200, 0, 60}, 0x45, 0},
                           {{0x45, 200, 0, 4096}, 0x45, 4036},
                           {{0x45, 200, 0, 4096}, 0x45, 0xfffffffc},
                           {{0x45, 200, 2, 4000}, 0x45, 0},
                           {{0x45, 201, 0, 4096}, 0x45, 0},
                           {{0x45, 200, 4064, 64}, 0x45, 0},
                           {{0x45, 4095, 4064, 64}, 0x45, 0},
                           {{0x45, 70000, 0, 64}, 0x45, 0},
                           {{0x45, 200, 0, 0xffffffff}, 0x45, 0x1000}};
    std::uint32_t refused = 0;
    for (const Case& c : kCases) {
        w = {fm_be32(c.window.key), fm_be32(c.window.page), fm_be32(c.window.offset),
             fm_be32(c.window.length)};
        hosts[0].put(1, 64, 200, 0, c.key, c.at);
        fabric.run(60);
        EXPECT_EQ(fabric.boards[1]->counter(&fm_counters::bad_deposits), ++refused);
        ASSERT_TRUE(hosts[0].receive(&wire, &payload)) << refused;
        EXPECT_EQ(fm_be32(wire.type) >> 8 & 0xff, FM_KIND_EVENT);
        EXPECT_EQ(fm_be32(wire.user[0]), FM_EVENT_PUT_REFUSED);
        EXPECT_EQ(fm_be32(wire.user[1]), 1U);
        hosts[0].consume();
        fabric.pass(200);
        fabric.run(30);
        EXPECT_EQ(hosts[0].done(), refused);
    }
    for (std::uint32_t i = 0; i < FM_PAGE_BYTES; ++i) EXPECT_EQ(to.at(i), 0);
}

// What was found of a window before is believed as long as its key stands there, and no further.
TEST(ControlProgram, RefusesDepositsIntoAWindowThatWasGood) {
    Fabric fabric(3);
    auto hosts = fabric.open({0, 1U << 24, 2U << 24});
    Memory from{*fabric.boards[0], 0x2000000}, to{*fabric.boards[1], 0x3000000};
    Memory other{*fabric.boards[2], 0x4000000};
    from.map(2);
    to.map(2);
    other.map(1);
    fm_window& w = hosts[1].region().windows[5];
    std::uint32_t accepted = 0, refused = 0;
    const auto put = [&](std::size_t host, std::uint32_t bytes, std::uint32_t at, bool good) {
        hosts[host].put(1, bytes, 200, 0, 0x45, at);
        fabric.run(100);
        fabric.pass(200);
        fabric.run(30);
        EXPECT_EQ(fabric.boards[1]->counter(&fm_counters::deposits), accepted += good ? 1 : 0);
        EXPECT_EQ(fabric.boards[1]->counter(&fm_counters::bad_deposits), refused += good ? 0 : 1);
    };
    w = {fm_be32(0x45), fm_be32(200), fm_be32(4000), fm_be32(256)};
    put(0, 64, 0, true);
    put(0, 128, 64, true);  // into two pages
    put(2, 64, 0, false);   // another node's
    put(0, 64, 196, false);
    put(0, 64, 0xfffffffc, false);
    put(0, 64, 192, true);
    fabric.boards[1]->map_page(0, 201, 0);
    put(0, 128, 64, false);
    put(0, 64, 0, true);
    w.key = 0;
    put(0, 64, 0, false);
}

TEST(ControlProgram, TellsOfSlotsThatMakeNoSense) {
    Fabric fabric(2);
    auto hosts = fabric.open({0, 1U << 24});
    fabric.boards[0]->map_page(0, 100, 0x900000);
    struct Case {
        std::uint32_t command, length, page, offset;
    };
    const Case kCases[] = {{FM_OP_INLINE << 24 | 1, 449, 0, 0},
                           {FM_OP_INLINE << 24 | 1, ~0U, 0, 0},
                           {FM_OP_INLINE << 24 | 2, 4, 0, 0},
                           {FM_OP_INLINE << 24 | 255, 4, 0, 0},
                           {FM_OP_INLINE << 24 | 0x10001, 4, 0, 0},
                           {0, 0, 0, 0},
                           {99U << 24, 0, 0, 0},
                           {FM_OP_PAGE << 24 | 1, 4033, 100, 0},
                           {FM_OP_PAGE << 24 | 1, 100, 101, 0},
                           {FM_OP_PAGE << 24 | 1, 100, 4096, 0},
                           {FM_OP_PAGE << 24 | 1, 100, 100, 2},
                           {FM_OP_PAGE << 24 | 1, 100, 100, 4000},
                           {FM_OP_PAGE << 24 | 1, 100, 100, 0xfffffff0},
                           {FM_OP_PUT << 24 | 1, 0, 100, 0},
                           {FM_OP_PUT << 24 | 1, 6, 100, 0},
                           {FM_OP_PUT << 24 | 1, 0x1000004, 0, 0},
                           {FM_OP_PUT << 24 | 1, 8192, 4095, 0},
                           {FM_OP_PUT << 24 | 1, 0xfffffffc, 0, 0},
                           {FM_OP_PUT << 24 | 1, 64, 0xffffffff, 0},
                           {FM_OP_PUT << 24 | 1, 64, 100, 4096}};
    fm_wire wire;
    std::vector<std::uint8_t> payload;
    std::uint32_t bad = 0;
    for (const Case& c : kCases) {
        fm_slot& s = hosts[0].slot();
        s.command = fm_be32(c.command);
        s.length = fm_be32(c.length);
        s.page = fm_be32(c.page);
        s.offset = fm_be32(c.offset);
        hosts[0].hand_over();
        fabric.run(20);
        ASSERT_TRUE(hosts[0].receive(&wire, &payload)) << bad;
        EXPECT_EQ(fm_be32(wire.user[0]), FM_EVENT_BAD_SLOT);
        EXPECT_EQ(fm_be32(wire.user[1]), bad++);
        EXPECT_EQ(hosts[0].done(), bad);
        EXPECT_EQ(fabric.boards[0]->counter(&fm_counters::bad_descriptors), bad);
        hosts[0].consume();
    }
    hosts[0].send(1, bytes_of(4, 4));
    fabric.run(20);
    EXPECT_TRUE(hosts[1].receive(&wire, &payload));
}

TEST(ControlProgram, KeepsARingThatIsFull) {
    Fabric fabric(2);
    auto hosts = fabric.open({0, 1U << 24});
    fm_wire wire;
    std::vector<std::uint8_t> payload;
    std::uint32_t sent = 0, seen = 0;
    for (int round = 0; round < 4000; ++round) {
        while (hosts[0].can_send()) hosts[0].send(1, bytes_of(40, sent++));
        fabric.run(60);
        fabric.pass(100);
        for (int i = 0; i < 7 && hosts[1].receive(&wire, &payload); ++i)
            EXPECT_EQ(payload, bytes_of(40, seen++));
        hosts[1].consume();
    }
    EXPECT_GT(seen, 1000U);
    EXPECT_GT(fabric.boards[1]->counter(&fm_counters::ring_full), 0U);
    EXPECT_EQ(fabric.boards[0]->counter(&fm_counters::nodes_lost), 0U);
}

TEST(ControlProgram, DoesNotGiveUpANodeThatOnlyComputes) {
    Fabric fabric(2);
    auto hosts = fabric.open({0, 1U << 24});
    std::uint32_t sent = 0;
    for (int tick = 0; tick < 5000; ++tick) {  // half a second; patience is a tenth
        while (hosts[0].can_send()) hosts[0].send(1, bytes_of(40, sent++));
        fabric.run(30);
        fabric.pass(100);
    }
    EXPECT_EQ(sent, kRing + FM_SEND_SLOTS);
    EXPECT_EQ(fabric.boards[0]->counter(&fm_counters::nodes_lost), 0U);
    fm_wire wire;
    std::vector<std::uint8_t> payload;
    for (std::uint32_t seen = 0, tick = 0; seen < sent; ++tick) {
        ASSERT_LT(tick, 1000U);
        while (hosts[1].receive(&wire, &payload)) EXPECT_EQ(payload, bytes_of(40, seen++));
        hosts[1].consume();
        fabric.run(100);
        fabric.pass(100);
    }
}

TEST(ControlProgram, GivesUpANodeThatIsGone) {
    Fabric fabric(3);
    auto hosts = fabric.open({0, 1U << 24, 2U << 24});
    fabric.fault = [&](Fabric::Packet&& p) {
        if (p.to != 1) fabric.wire.push_back(std::move(p));
    };
    fm_wire wire;
    std::vector<std::uint8_t> payload;
    for (std::uint32_t i = 0; i < 10; ++i) hosts[0].send(1 + i % 2, bytes_of(4, i));
    fabric.run(50);
    for (std::uint32_t i = 0; i < 5; ++i) EXPECT_TRUE(hosts[2].receive(&wire, &payload));
    bool told = false;
    std::uint32_t us = 0;
    for (; us < 400000 && !told; us += 100) {
        fabric.pass(100);
        fabric.run(5);
        told = hosts[0].receive(&wire, &payload);
    }
    ASSERT_TRUE(told);
    EXPECT_GE(us, 90000U);
    EXPECT_EQ(fm_be32(wire.user[0]), FM_EVENT_NODE_LOST);
    EXPECT_EQ(fm_be32(wire.user[1]), 1U);
    EXPECT_EQ(hosts[0].done(), 10U);
    hosts[0].consume();
    hosts[0].send(1, bytes_of(4, 4));  // is completed at once
    hosts[0].send(2, bytes_of(4, 99));
    fabric.run(20);
    EXPECT_TRUE(hosts[2].receive(&wire, &payload));
    EXPECT_EQ(payload, bytes_of(4, 99));
    EXPECT_EQ(hosts[0].done(), 11U);
    EXPECT_FALSE(hosts[0].receive(&wire, &payload));
}

TEST(ControlProgram, AClosedEndpointAnswers) {
    Fabric fabric(2);
    auto hosts = fabric.open({0, 1U << 24});
    fm_wire wire;
    std::vector<std::uint8_t> payload;
    // What arrived before the close is acknowledged, even when the acknowledgement was lost.
    bool deaf = true;
    fabric.fault = [&](Fabric::Packet&& p) {
        if (!deaf || p.to != 0) fabric.wire.push_back(std::move(p));
    };
    hosts[0].send(1, bytes_of(4, 1));
    fabric.run(20);
    auto& control = fabric.boards[1]->hw_at<fm_endpoint_control>(FM_SRAM_CONTROL)[0];
    control.state = fm_be32(FM_ENDPOINT_CLOSED);
    EXPECT_EQ(fabric.boards[1]->command(FM_COMMAND_CLOSE << 24), FM_RESULT_OK);
    deaf = false;
    for (int i = 0; i < 100 && hosts[0].done() == 0; ++i) {
        fabric.pass(100);
        fabric.run(5);
    }
    EXPECT_EQ(hosts[0].done(), 1U);
    EXPECT_FALSE(hosts[0].receive(&wire, &payload));
    // While it is only reserved nobody answers.
    control.state = fm_be32(FM_ENDPOINT_RESERVED);
    hosts[0].send(1, bytes_of(4, 2));
    fabric.run(20);
    EXPECT_EQ(hosts[0].done(), 1U);
    control.state = fm_be32(FM_ENDPOINT_CLOSED);
    for (int i = 0; i < 100 && hosts[0].done() == 1; ++i) {
        fabric.pass(100);
        fabric.run(5);
    }
    ASSERT_TRUE(hosts[0].receive(&wire, &payload));
    EXPECT_EQ(fm_be32(wire.user[0]), FM_EVENT_NODE_LOST);
    EXPECT_EQ(hosts[0].done(), 2U);
}

TEST(ControlProgram, OpensAgainAfterAClose) {
    Fabric fabric(2);
    for (std::uint32_t turn = 0; turn < 5; ++turn) {
        auto hosts = fabric.open({0, 1U << 24});
        for (std::uint32_t i = 0; i < FM_SEND_SLOTS; ++i) hosts[0].send(1, bytes_of(4, i));
        for (std::uint32_t i = 0; i < kRing; ++i) std::memset(hosts[1].ring(i), 0, FM_PAGE_BYTES);
        fabric.run(3);  // some are under way
        for (auto& board : fabric.boards)
            EXPECT_EQ(board->command(FM_COMMAND_CLOSE << 24), FM_RESULT_OK);
        fabric.wire.clear();
    }
    EXPECT_EQ(fabric.boards[0]->command(FM_COMMAND_CLOSE << 24 | 16), FM_RESULT_BAD);
    EXPECT_EQ(fabric.boards[0]->command(FM_COMMAND_OPEN << 24 | 16), FM_RESULT_BAD);
    EXPECT_EQ(fabric.boards[0]->command(77U << 24), FM_RESULT_BAD);
    EXPECT_EQ(fabric.boards[0]->command(FM_COMMAND_FENCE << 24), FM_RESULT_OK);
}

TEST(ControlProgram, InterruptsOnceWhenAsked) {
    Fabric fabric(2);
    auto hosts = fabric.open({0, 1U << 24});
    hosts[1].region().interrupt = fm_be32(1);
    hosts[0].send(1, bytes_of(4, 1));
    hosts[0].send(1, bytes_of(4, 2));
    fabric.run(20);
    EXPECT_EQ(fabric.boards[1]->interrupts, 1U);
    EXPECT_EQ(hosts[1].region().interrupt, 0U);
    EXPECT_EQ(fm_be32(fabric.boards[1]->page().interrupts[0]), 1U);
    hosts[0].region().interrupt = fm_be32(1);  // also for completed slots
    fabric.pass(100);
    fabric.run(5);
    fabric.pass(100);
    fabric.run(5);
    EXPECT_EQ(hosts[0].done(), 2U);
    EXPECT_EQ(fabric.boards[0]->interrupts, 1U);
}

TEST(ControlProgram, DropsPacketsThatAreTooLong) {
    Fabric fabric(2);
    auto hosts = fabric.open({0, 1U << 24});
    for (std::size_t length : {4200U, 5000U, 9000U, 30000U}) {
        std::vector<std::uint8_t> packet(length, 0x0f);
        ASSERT_TRUE(fabric.boards[1]->deliver(packet));
        fabric.run(5);
        fm_wire wire;
        std::vector<std::uint8_t> payload;
        EXPECT_FALSE(hosts[1].receive(&wire, &payload));
        hosts[0].send(1, bytes_of(100, 1));
        fabric.run(10);
        EXPECT_TRUE(hosts[1].receive(&wire, &payload)) << length;
        hosts[1].consume();
    }
    EXPECT_EQ(fabric.boards[1]->counter(&fm_counters::bad_packets), 4U);
}

}  // namespace
}  // namespace firmware
