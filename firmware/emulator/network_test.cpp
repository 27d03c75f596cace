#include "firmware/emulator/network.hpp"

#include <gtest/gtest.h>

#include <string>

#include "firmware/emulator/network_fixture.hpp"

namespace emulator::testing {
namespace {

constexpr const char* kPair = "switch s 8\nboard 0\nboard 1\nlink 0 s:2\nlink 1 s:5\n";
constexpr const char* kChain =
    "switch a 8\nswitch b 16\nswitch c 4\nboard 0\nboard 1\nboard 2\n"
    "link 0 a:7\nlink a:0 b:15\nlink b:1 c:3\nlink 1 c:0\nlink 2 b\n";

/// Each test runs in both modes.
class NetworkTest : public ::testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Modes, NetworkTest, ::testing::Bool(),
                         [](const auto& mode) { return mode.param ? "Timed" : "Fast"; });

TEST_P(NetworkTest, CarriesPackets) {
    TestNetwork net(GetParam(), kChain);
    ASSERT_EQ(net.error, "");
    for (const std::size_t size : {1U, 2U, 63U, 64U, 65U, 200U, 4096U, 70'000U})
        for (const std::size_t piece : {~0U, 1U, 5U, 1000U}) {
            if (size > 5000 && piece < 1000) continue;
            const Bytes payload = pattern(size, static_cast<std::uint32_t>(size + piece));
            net.board(0).send(net.packet(0, 1, payload), piece);
            net.board(1).send(net.packet(1, 2, payload), piece);
            net.settle();
            ASSERT_EQ(net.board(1).packets.size(), 1U) << size << " by " << piece;
            ASSERT_EQ(net.board(2).packets.size(), 1U);
            EXPECT_EQ(net.board(1).packets[0].bytes, payload) << size << " by " << piece;
            EXPECT_EQ(net.board(2).packets[0].bytes, payload);
            EXPECT_EQ(net.board(1).packets[0].syndrome, 0);
            net.board(1).packets.clear();
            net.board(2).packets.clear();
        }
    EXPECT_EQ(net.network->counters().lost, 0U);
    EXPECT_EQ(net.network->counters().sent, net.network->counters().delivered);
}

TEST_P(NetworkTest, TurnsBackAtASwitch) {
    TestNetwork net(GetParam(), kChain);
    // To b, back to a, back to board 0: how a mapper looks for switches.
    net.board(0).send({route_byte(7, 0), route_byte(15, 15), route_byte(0, 7), 1, 2, 3});
    net.settle();
    ASSERT_EQ(net.board(0).packets.size(), 1U);
    EXPECT_EQ(net.board(0).packets[0].bytes, (Bytes{1, 2, 3}));
}

TEST_P(NetworkTest, DropsBadRoutes) {
    TestNetwork net(GetParam(), kPair);
    net.board(0).send({0x03, 1, 2});                 // no route byte
    net.board(0).send({route_byte(2, 8), 1, 2});     // beyond the last port
    net.board(0).send({0x80U | 0x3dU, 1, 2});        // before the first: 2 - 3
    net.board(0).send({route_byte(2, 6), 1, 2}, 1);  // nothing plugged in
    net.board(0).send(net.packet(0, 1, {9}));
    net.settle();
    EXPECT_EQ(net.network->counters().bad_routes, 3U);
    EXPECT_EQ(net.network->counters().dead_links, 1U);
    ASSERT_EQ(net.board(1).packets.size(), 1U);
    EXPECT_EQ(net.board(1).packets[0].bytes, Bytes{9});
}

TEST_P(NetworkTest, SharesALinkInTurn) {
    TestNetwork net(GetParam(),
                    "switch s 8\nboard 0\nboard 1\nboard 2\nboard 3\n"
                    "link 0 s\nlink 1 s\nlink 2 s\nlink 3 s\n");
    net.board(3).room = 0;
    for (std::uint8_t n = 0; n < 5; ++n)
        for (std::uint32_t from = 0; from < 3; ++from)
            net.board(from).send(net.packet(from, 3, Bytes(600, static_cast<std::uint8_t>(from))));
    net.clock.run(30'000'000'000);
    EXPECT_TRUE(net.board(3).packets.empty());
    EXPECT_GT(net.network->counters().blocked, 0U);
    net.board(3).give_room(1'000'000);
    net.settle();
    ASSERT_EQ(net.board(3).packets.size(), 15U);
    // Whoever was first, then each in turn.
    for (std::size_t i = 3; i < 15; ++i)
        EXPECT_EQ(net.board(3).packets[i].bytes[0], net.board(3).packets[i - 3].bytes[0]) << i;
    EXPECT_EQ(net.network->counters().resets, 0U);
}

TEST_P(NetworkTest, StopsTheSender) {
    TestNetwork net(GetParam(), kPair);
    net.board(1).room = 100;
    const Bytes payload = pattern(4000, 1);
    net.board(0).send(net.packet(0, 1, payload), 500);
    net.clock.run(10'000'000'000);
    EXPECT_FALSE(net.board(0).idle());
    EXPECT_EQ(net.board(1).room, 0U);
    net.board(1).give_room(50);
    net.clock.run(20'000'000'000);
    EXPECT_FALSE(net.board(0).idle());
    net.board(1).give_room(1'000'000);
    net.clock.run(30'000'000'000);
    EXPECT_TRUE(net.board(0).idle());
    ASSERT_EQ(net.board(1).packets.size(), 1U);
    EXPECT_EQ(net.board(1).packets[0].bytes, payload);
}

TEST_P(NetworkTest, ResetsWhatStandsStill) {
    TestNetwork net(GetParam(), kPair);
    net.board(1).room = 100;
    net.board(0).send(net.packet(0, 1, Bytes(4000, 1)), 500);
    net.clock.run(55'000'000'000);
    EXPECT_EQ(net.board(0).resets, 0);
    net.settle();
    EXPECT_EQ(net.board(0).resets, 1);
    EXPECT_EQ(net.board(1).resets, 1);
    EXPECT_EQ(net.network->counters().resets, 1U);
    EXPECT_EQ(net.network->counters().lost, 1U);
    // The path is free again, and nothing of the lost packet is left on it.
    net.board(1).give_room(1'000'000);
    net.board(0).send(net.packet(0, 1, Bytes(300, 2)));
    net.settle();
    ASSERT_EQ(net.board(1).packets.size(), 1U);
    EXPECT_EQ(net.board(1).packets[0].bytes, Bytes(300, 2));
}

TEST_P(NetworkTest, TimeoutIsTheSenders) {
    TestNetwork net(GetParam(), kPair);
    net.board(0).cable.set_timeout(4'000'000'000'000);
    net.board(1).cable.set_timeout(4'000'000'000'000);
    net.board(1).room = 10;
    net.board(0).send(net.packet(0, 1, Bytes(4000, 1)), 500);
    net.clock.run(3'900'000'000'000);
    EXPECT_EQ(net.board(0).resets, 0);
    net.settle();
    EXPECT_EQ(net.board(0).resets, 1);
}

TEST_P(NetworkTest, ResetFreesACircle) {
    // Four switches in a ring; each board sends two switches on, always to the right: every packet
    // holds a link of the ring and waits for the next.
    std::string text;
    for (const char* name : {"a", "b", "c", "d"}) text += std::string("switch ") + name + " 4\n";
    text += "link a:1 b:0\nlink b:1 c:0\nlink c:1 d:0\nlink d:1 a:0\n";
    for (const char* board : {"0 a:2", "1 b:2", "2 c:2", "3 d:2"})
        text += "board " + std::string(board, 1) + "\nlink " + board + "\n";
    TestNetwork net(GetParam(), text);
    ASSERT_EQ(net.error, "");
    for (std::uint32_t i = 0; i < 4; ++i) net.board(i).room = 0;
    const Bytes route = {route_byte(2, 1), route_byte(0, 1), route_byte(0, 2)};
    for (std::uint32_t i = 0; i < 4; ++i) {
        Bytes packet = route;
        packet.resize(5000, static_cast<std::uint8_t>(i));
        net.board(i).send(packet, 100);
        net.board(i).room = 1'000'000;
    }
    net.clock.run(60'000'000'000);
    // Deadlocked, or, where the packets got their links at different moments, done.
    net.settle();
    std::size_t arrived = 0;
    int lost = 0;
    for (std::uint32_t i = 0; i < 4; ++i) {
        EXPECT_TRUE(net.board(i).idle());
        arrived += net.board(i).packets.size();
        lost += net.board(i).resets;
        for (const auto& packet : net.board(i).packets) {
            EXPECT_EQ(packet.bytes, Bytes(4997, static_cast<std::uint8_t>((i + 2) % 4)));
            EXPECT_EQ(packet.syndrome, 0);
        }
    }
    if (GetParam()) {
        EXPECT_GE(net.network->counters().resets, 1U);
    }
    EXPECT_EQ(arrived + net.network->counters().lost, 4U);
    EXPECT_GE(arrived, 2U);
    // And the ring works.
    for (std::uint32_t i = 0; i < 4; ++i) net.board(i).packets.clear();
    net.board(0).send({route[0], route[1], route[2], 7});
    net.settle();
    ASSERT_EQ(net.board(2).packets.size(), 1U);
}

TEST_P(NetworkTest, LinkGoesAndComes) {
    TestNetwork net(GetParam(), kPair);
    net.board(1).room = 10;
    net.board(0).send(net.packet(0, 1, Bytes(4000, 1)), 500);
    net.clock.run(1'000'000'000);
    EXPECT_TRUE(net.network->set_link({true, 1, 0}, false));
    EXPECT_EQ(net.board(0).resets, 1);
    EXPECT_EQ(net.board(1).resets, 1);
    EXPECT_EQ(net.board(1).links, std::vector<bool>{false});
    EXPECT_FALSE(net.board(1).cable.up());
    EXPECT_TRUE(net.board(0).cable.up());
    net.board(1).give_room(1'000'000);
    net.board(0).send(net.packet(0, 1, {1}));
    net.board(1).send(net.packet(1, 0, {1}));
    net.settle();
    EXPECT_TRUE(net.board(1).idle());
    EXPECT_TRUE(net.board(1).packets.empty());
    EXPECT_EQ(net.network->counters().dead_links, 2U);
    EXPECT_TRUE(net.network->set_link({false, 0, 5}, true));
    EXPECT_EQ(net.board(1).links, (std::vector<bool>{false, true}));
    net.board(0).send(net.packet(0, 1, {2}));
    net.settle();
    ASSERT_EQ(net.board(1).packets.size(), 1U);
    EXPECT_FALSE(net.network->set_link({true, 77, 0}, true));
}

TEST_P(NetworkTest, SwitchGoesAndComes) {
    TestNetwork net(GetParam(), kChain);
    EXPECT_TRUE(net.network->set_switch(1, false));
    EXPECT_TRUE(net.network->set_link({false, 1, 1}, false));
    EXPECT_TRUE(net.board(0).cable.up());
    EXPECT_FALSE(net.board(2).cable.up());
    net.board(0).send(net.packet(0, 1, {1}));
    net.settle();
    EXPECT_EQ(net.network->counters().dead_links, 1U);
    EXPECT_TRUE(net.network->set_switch(1, true));
    net.board(0).send(net.packet(0, 1, {2}));
    net.settle();
    EXPECT_EQ(net.network->counters().dead_links, 2U);  // the link is still down
    EXPECT_TRUE(net.network->set_link({false, 1, 1}, true));
    net.board(0).send(net.packet(0, 1, {3}));
    net.settle();
    ASSERT_EQ(net.board(1).packets.size(), 1U);
    EXPECT_EQ(net.board(1).packets[0].bytes, Bytes{3});
    EXPECT_FALSE(net.network->set_switch(3, false));
}

TEST_P(NetworkTest, SwitchForgets) {
    TestNetwork net(GetParam(), kPair);
    net.board(1).room = 0;
    net.board(0).send(net.packet(0, 1, Bytes(4000, 1)), 500);
    net.clock.run(1'000'000'000);
    EXPECT_TRUE(net.network->reset_switch(0));
    EXPECT_EQ(net.board(0).resets, 1);
    EXPECT_TRUE(net.board(1).links.empty());
    net.board(1).give_room(1'000'000);
    net.board(0).send(net.packet(0, 1, {2}));
    net.settle();
    ASSERT_EQ(net.board(1).packets.size(), 1U);
    EXPECT_EQ(net.board(1).packets[0].bytes, Bytes{2});
}

TEST_P(NetworkTest, BoardWithoutCable) {
    TestNetwork net(GetParam(), "board 0\nboard 1\nboard 2\nlink 1 2\n");
    EXPECT_FALSE(net.board(0).cable.up());
    EXPECT_TRUE(net.board(1).cable.up());
    net.board(0).send({1, 2, 3});
    net.board(1).send({4, 5});
    net.settle();
    EXPECT_TRUE(net.board(0).idle());
    EXPECT_EQ(net.network->counters().dead_links, 1U);
    ASSERT_EQ(net.board(2).packets.size(), 1U);
    EXPECT_EQ(net.board(2).packets[0].bytes, (Bytes{4, 5}));
}

/// Random fabrics, traffic, routes, faults, cables, switches: whatever happened, in the end nothing
/// is left on the way, every board can send, and every packet that is good was sent.
TEST_P(NetworkTest, SurvivesAnything) {
    for (std::uint32_t seed = 1; seed <= 60; ++seed) {
        Random random(seed);
        const std::uint32_t switches = 1 + random.below(5);
        std::string text;
        for (std::uint32_t i = 0; i < switches; ++i) {
            text += "switch s" + std::to_string(i) + " 16\n";
            if (i > 0)
                text +=
                    "link s" + std::to_string(i) + " s" + std::to_string(random.below(i)) + "\n";
        }
        for (std::uint32_t n = random.below(5); n > 0 && switches > 1; --n) {
            const std::uint32_t a = random.below(switches);
            text += "link s" + std::to_string(a) + " s" +
                    std::to_string((a + 1 + random.below(switches - 1)) % switches) + "\n";
        }
        constexpr std::uint32_t kBoards = 6;
        for (std::uint32_t i = 0; i < kBoards; ++i)
            text += "board " + std::to_string(i) + "\nlink " + std::to_string(i) + " s" +
                    std::to_string(random.below(switches)) + "\n";
        NetworkOptions options;
        if (seed % 3 != 0)
            options.faults = *parse_faults("drop=0.05,corrupt=0.05,duplicate=0.05,reorder=0.05");
        TestNetwork net(GetParam(), text, std::move(options));
        ASSERT_EQ(net.error, "");
        const auto wild = [&] {
            Bytes packet = pattern(1 + random.below(300), random.below(1000));
            for (std::uint32_t n = random.below(6); n > 0 && n <= packet.size(); --n)
                packet[n - 1] = static_cast<std::uint8_t>(0x80 | (packet[n - 1] & 0x3f));
            return packet;
        };
        for (int step = 0; step < 400; ++step) {
            TestBoard& board = net.board(random.below(kBoards));
            const std::uint32_t a = random.below(kBoards);
            const std::uint32_t b = (a + 1 + random.below(kBoards - 1)) % kBoards;
            switch (random.below(12)) {
                case 0: board.send(wild(), 1 + random.below(100)); break;
                case 1: board.give_room(random.below(2000)); break;
                case 2: board.give_room(~std::size_t{0} / 2); break;
                case 3: net.network->set_link({true, a, 0}, random.below(2) == 0); break;
                case 4:
                    net.network->set_link({false, random.below(switches), random.below(4)},
                                          random.below(2) == 0);
                    break;
                case 5:
                    net.network->set_switch(random.below(switches), random.below(4) != 0);
                    break;
                case 6: net.network->reset_switch(random.below(switches)); break;
                case 7: net.network->set_slow(a, random.below(2) * 50'000'000); break;
                case 8: net.clock.run(net.clock.now() + random.below(100) * 1'000'000'000LL); break;
                case 9: net.clock.run(net.clock.now() + random.below(100'000)); break;
                default:
                    net.board(a).send(net.packet(a, b, pattern(4 + random.below(3000), a)),
                                      1 + random.below(1500));
            }
        }
        for (std::uint32_t i = 0; i < switches; ++i) {
            net.network->set_switch(i, true);
            for (std::uint32_t port = 0; port < 16; ++port)
                net.network->set_link({false, i, port}, true);
        }
        for (std::uint32_t i = 0; i < kBoards; ++i) {
            net.network->set_slow(i, 0);
            net.board(i).give_room(~std::size_t{0} / 2);
        }
        net.settle();
        EXPECT_EQ(net.network->counters().in_flight, 0U) << seed;
        for (std::uint32_t a = 0; a < kBoards; ++a) {
            EXPECT_TRUE(net.board(a).idle()) << seed;
            EXPECT_TRUE(net.board(a).cable.up());
            net.board(a).packets.clear();
        }
        // With faults some of these are lost; not all.
        for (int n = 0; n < 20; ++n)
            for (std::uint32_t a = 0; a < kBoards; ++a)
                net.board(a).send(net.packet(a, (a + 1) % kBoards, pattern(100, a)));
        net.settle();
        for (std::uint32_t a = 0; a < kBoards; ++a) {
            std::size_t good = 0;
            for (const auto& packet : net.board((a + 1) % kBoards).packets)
                if (packet.syndrome == 0 && packet.bytes == pattern(100, a)) ++good;
            EXPECT_GE(good, seed % 3 != 0 ? 3U : 20U) << seed;
        }
        EXPECT_EQ(net.network->counters().in_flight, 0U) << seed;
    }
}

TEST(NetworkTimes, CutThrough) {
    Machine machine = machines()[0];
    machine.link_byte_ps = 6'250;
    machine.hop_ps = 100'000;
    machine.cable_ps = 7'000;
    for (const std::size_t size : {32U, 64U, 1000U, 4096U}) {
        TestNetwork net(true, kChain, {}, machine);
        net.board(0).send(net.packet(0, 1, pattern(size, 1)));
        net.settle();
        ASSERT_EQ(net.board(1).packets.size(), 1U);
        // Three switches, four cables, the bytes once, and the CRC.
        const auto wire = static_cast<Time>(size + 1) * 6'250;
        const Time head = 3 * 100'000 + 4 * 7'000;
        const Time tail = net.board(1).packets[0].tail;
        EXPECT_GE(tail, head + wire) << size;
        EXPECT_LE(tail, head + wire + 3 * 6'250) << size;
        // The sender is done when its bytes have left, with three route bytes.
        EXPECT_EQ(net.board(0).last_sent, wire + 3 * 6'250);
        // The first chunk is there while the rest is still under way.
        EXPECT_LE(net.board(1).packets[0].head, head + 66 * 6'250);
    }
}

TEST(NetworkTimes, FullRate) {
    TestNetwork net(true, kPair);
    const int packets = 100;
    for (int i = 0; i < packets; ++i) net.board(0).send(net.packet(0, 1, Bytes(4096, 1)));
    net.settle();
    ASSERT_EQ(net.board(1).packets.size(), 100U);
    const Time whole = net.board(1).packets.back().tail;
    EXPECT_LT(whole, packets * 4098 * net.machine.link_byte_ps + 1'000'000);
    EXPECT_EQ(net.network->counters().bytes, 4096U * packets);
}

TEST(NetworkTimes, SameEachTime) {
    std::vector<Time> times[2];
    for (auto& list : times) {
        NetworkOptions options;
        options.faults = *parse_faults("seed=3,drop=0.1,corrupt=0.1,duplicate=0.1,reorder=0.1");
        TestNetwork net(true, kChain, std::move(options));
        for (std::uint32_t i = 0; i < 300; ++i) {
            net.board(0).send(net.packet(0, 1, pattern(i, i)));
            net.board(2).send(net.packet(2, 1, pattern(300 - i, i)));
        }
        net.settle();
        for (const auto& packet : net.board(1).packets) list.push_back(packet.tail);
    }
    EXPECT_GT(times[0].size(), 300U);
    EXPECT_EQ(times[0], times[1]);
}

}  // namespace
}  // namespace emulator::testing
