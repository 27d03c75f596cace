#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <set>
#include <string>

#include "firmware/emulator/crc8.hpp"
#include "firmware/emulator/network_fixture.hpp"
#include "firmware/emulator/trace.hpp"

namespace emulator::testing {
namespace {

constexpr Time kMillisecond = 1'000'000'000;
constexpr const char* kCable = "board 0\nboard 1\nlink 0 1\n";
constexpr const char* kChain =
    "switch a 8\nswitch b 8\nboard 0\nboard 1\nlink 0 a:0\nlink a:1 b:0\nlink b:1 1\n";

NetworkOptions with(const std::string& faults) {
    NetworkOptions options;
    options.faults = *parse_faults(faults);
    return options;
}

TEST(Crc8, IsTheOneOfThePolynomial) {
    const Bytes digits = {'1', '2', '3', '4', '5', '6', '7', '8', '9'};
    EXPECT_EQ(crc8::of(digits), 0xf4);  // the published check value
    Random random(1);
    for (std::uint32_t size = 0; size < 300; ++size) {
        Bytes bytes = pattern(size, size);
        const std::uint8_t crc = crc8::of(bytes);
        bytes.push_back(crc);
        EXPECT_EQ(crc8::of(bytes), 0);
        const auto r = static_cast<std::uint8_t>(random.next());
        std::uint8_t slow = r;
        for (std::uint32_t i = 0; i < size; ++i) slow = crc8::step(slow, 0);
        EXPECT_EQ(crc8::skip(r, size), slow);
    }
}

TEST(Crc8, SeesEveryBurstOfAByte) {
    for (std::size_t at = 0; at < 8 * 9; ++at)
        for (unsigned burst = 1; burst < 256; burst += 2) {
            Bytes bytes(11);
            for (std::size_t bit = 0; bit < 8; ++bit)
                if ((burst >> bit & 1U) != 0)
                    bytes[(at + bit) / 8] ^= static_cast<std::uint8_t>(0x80U >> (at + bit) % 8);
            ASSERT_NE(crc8::of(bytes), 0);
        }
}

class InjectorTest : public ::testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Modes, InjectorTest, ::testing::Bool(),
                         [](const auto& mode) { return mode.param ? "Timed" : "Fast"; });

/// The syndrome that the engine follows is what a receiver would compute from the bytes.
TEST_P(InjectorTest, SyndromeIsTheCodes) {
    for (const char* faults : {"corrupt=1", "corrupt=1@a:1"}) {
        const bool chain = std::string(faults).find('@') != std::string::npos;
        TestNetwork net(GetParam(), chain ? kChain : kCable, with(faults));
        ASSERT_EQ(net.error, "");
        int computed = 0;
        for (std::uint32_t i = 0; i < 3000; ++i) {
            const Bytes payload = pattern(1 + i % 700, i);
            net.board(0).send(net.packet(0, 1, payload), 1 + i % 200);
            net.settle();
            if (chain && net.board(1).packets.empty()) continue;  // a route byte was hit
            ASSERT_EQ(net.board(1).packets.size(), 1U);
            const auto packet = net.board(1).packets[0];
            net.board(1).packets.clear();
            ASSERT_EQ(packet.bytes.size(), payload.size());
            ASSERT_NE(packet.syndrome, 0) << i;
            // A burst that ends before the CRC leaves the sender's CRC as it was.
            if (packet.bytes.back() != payload.back() || packet.bytes == payload) continue;
            ASSERT_EQ(packet.syndrome, crc8::of(packet.bytes) ^ crc8::of(payload)) << i;
            std::size_t first = 0;
            while (packet.bytes[first] == payload[first]) ++first;
            std::size_t last = payload.size() - 1;
            while (packet.bytes[last] == payload[last]) --last;
            ASSERT_LE(last - first, 1U);
            ++computed;
        }
        EXPECT_GT(computed, 2000);
        // A wrong route may lead a packet over the link again.
        EXPECT_GE(net.network->counters().faults.corrupted, 3000U);
        EXPECT_LE(net.network->counters().faults.corrupted, chain ? 3100U : 3000U);
    }
}

TEST_P(InjectorTest, CountsWhatItDid) {
    constexpr std::uint32_t kPackets = 20'000;
    TestNetwork net(GetParam(), kCable,
                    with("seed=5,drop=0.02,corrupt=0.02,duplicate=0.02,reorder=0.02"));
    for (std::uint32_t i = 0; i < kPackets; ++i) {
        Bytes bytes(20 + i % 100, 0);
        bytes[0] = static_cast<std::uint8_t>(i >> 16);
        bytes[1] = static_cast<std::uint8_t>(i >> 8);
        bytes[2] = static_cast<std::uint8_t>(i);
        net.board(0).send(bytes);
    }
    net.settle();
    std::set<std::uint32_t> seen;
    std::uint32_t highest = 0;
    std::uint64_t bad = 0;
    std::uint64_t twice = 0;
    std::uint64_t late = 0;
    for (const auto& packet : net.board(1).packets) {
        if (packet.syndrome != 0) {
            ++bad;
            continue;
        }
        const std::uint32_t i = packet.bytes[0] * 65536U + packet.bytes[1] * 256U + packet.bytes[2];
        if (!seen.insert(i).second)
            ++twice;
        else if (i < highest)
            ++late;
        highest = std::max(highest, i);
    }
    const FaultCounters counters = net.network->counters().faults;
    EXPECT_EQ(counters.corrupted, bad);
    EXPECT_EQ(counters.duplicated, twice);
    EXPECT_EQ(counters.dropped + bad, kPackets - seen.size());
    // One overtaken by a packet that was damaged or lost itself does not show.
    EXPECT_LE(late, counters.reordered);
    EXPECT_GE(late + late / 5, counters.reordered);
    for (const std::uint64_t count :
         {counters.dropped, counters.corrupted, counters.duplicated, counters.reordered})
        EXPECT_NEAR(static_cast<double>(count), kPackets * 0.02, 80);
}

TEST_P(InjectorTest, OneLinkAlone) {
    TestNetwork net(GetParam(), kChain, with("drop=0,drop=1@1"));
    ASSERT_EQ(net.error, "");
    net.board(0).send(net.packet(0, 1, {1}));
    net.board(1).send(net.packet(1, 0, {1}));
    net.board(0).send({route_byte(0, 0), 5});
    net.settle();
    EXPECT_TRUE(net.board(1).packets.empty());
    ASSERT_EQ(net.board(0).packets.size(), 1U);
    EXPECT_EQ(net.board(0).packets[0].bytes, Bytes{5});
    EXPECT_EQ(net.network->counters().faults.dropped, 2U);
}

TEST_P(InjectorTest, ReorderWaitsNotForEver) {
    TestNetwork net(GetParam(), kCable, with("reorder=1"));
    net.board(0).send({1, 2, 3});
    net.settle();
    ASSERT_EQ(net.board(1).packets.size(), 1U);
    EXPECT_EQ(net.network->counters().faults.reordered, 0U);
}

TEST_P(InjectorTest, OnSchedule) {
    TestNetwork net(GetParam(), kChain,
                    with("down=a:1@10ms+10ms,remove=b@40ms,slow=1:3ms@0s+5ms,reset=a@2ms"));
    ASSERT_EQ(net.error, "");
    const auto arrives = [&](Time at, Time after) {
        net.clock.run(at);
        net.board(1).packets.clear();
        net.board(0).send(net.packet(0, 1, {7}));
        net.clock.run(at + after);
        return net.board(1).packets.size() == 1;
    };
    EXPECT_FALSE(arrives(2 * kMillisecond, 2 * kMillisecond));
    net.clock.run(6 * kMillisecond);
    EXPECT_EQ(net.board(1).packets.size(), 1U);  // late
    EXPECT_TRUE(arrives(7 * kMillisecond, kMillisecond));
    EXPECT_FALSE(arrives(15 * kMillisecond, kMillisecond));
    EXPECT_TRUE(arrives(30 * kMillisecond, kMillisecond));
    EXPECT_FALSE(arrives(50 * kMillisecond, 50 * kMillisecond));
    EXPECT_EQ(net.board(1).links, std::vector<bool>{false});
    const FaultCounters counters = net.network->counters().faults;
    EXPECT_EQ(counters.links_down, 1U);
    EXPECT_EQ(counters.switches_removed, 1U);
    EXPECT_EQ(counters.switches_reset, 1U);
    EXPECT_EQ(counters.slowed, 1U);
}

TEST(Injector, RefusesWhatIsNotThere) {
    for (const char* faults : {"drop=1@c:1", "drop=1@a:7", "down=a:7@1s", "down=a@1s",
                               "remove=c@1s", "reset=0@1s", "slow=a:1us@1s", "slow=9:1us@1s"}) {
        const TestNetwork net(true, kChain, with(faults));
        EXPECT_NE(net.error, "") << faults;
    }
}

TEST(Injector, TracesPackets) {
    const std::string path = ::testing::TempDir() + "fathom_network_trace.json";
    auto trace = Trace::open(path);
    ASSERT_TRUE(trace.ok());
    {
        NetworkOptions options;
        options.trace = trace->get();
        TestNetwork net(true, kChain, std::move(options));
        Bytes packet(40, 0);
        packet[0] = 0x0f;
        packet[1] = 0x4d;
        packet[2] = 2;
        packet[11] = 9;
        net.board(0).send(net.packet(0, 1, packet));
        net.settle();
    }
    // A span at each end; names of two boards and their lanes.
    EXPECT_EQ((*trace)->events(), 8U);
    trace = adi::Result<std::unique_ptr<Trace>>(adi::Status::ok, "");
    std::FILE* file = std::fopen(path.c_str(), "r");
    ASSERT_NE(file, nullptr);
    std::string text(2000, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), file));
    std::fclose(file);
    std::remove(path.c_str());
    EXPECT_NE(text.find("\"send deposit 9\""), std::string::npos) << text;
    EXPECT_NE(text.find("\"receive deposit 9\""), std::string::npos) << text;
}

}  // namespace
}  // namespace emulator::testing
