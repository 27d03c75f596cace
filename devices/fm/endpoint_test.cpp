#include "devices/fm/endpoint.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>

#include "devices/fm/testing.hpp"

namespace dev::fm {
namespace {

using adi::Status;
using testing::Job;
using testing::pattern;
using testing::Random;

TEST(Endpoint, SharesTheRing) {
    for (const Node nodes : {1U, 2U, 3U, 16U, 64U, 255U, 256U}) {
        const std::uint32_t slots = Endpoint::ring_slots_for(nodes);
        EXPECT_EQ(slots & (slots - 1), 0U);
        EXPECT_GE(slots, 32U);
        EXPECT_LE(slots, 1024U);
        LoopbackFabric fabric;
        const Endpoint endpoint(fabric.make_board(slots), {0, nodes, Strategy::adapt});
        // A credit packet of each, what the board was not told of yet, and some events.
        EXPECT_LE(nodes * (endpoint.credits() + 1) + slots / 8 + 4, slots) << nodes;
        EXPECT_GE(endpoint.credits(), 2U) << nodes;
    }
}

struct Lengths : ::testing::TestWithParam<Strategy> {};

TEST_P(Lengths, ArriveWhole) {
    Job job(2, GetParam());
    Random random(7);
    for (const std::uint64_t length :
         {0U, 1U, 3U, 4U, 447U, 448U, 449U, 1024U, 4031U, 4032U, 4033U, 70000U}) {
        const std::vector<std::byte> sent = pattern(length, length);
        OutMessage message;
        ASSERT_EQ(job[0].try_begin(message, 1, length, 42), Status::ok);
        std::uint64_t at = 0;
        while (at < length) {
            const std::uint64_t want = std::min<std::uint64_t>(1 + random() % 5000, length - at);
            at += job[0].try_piece(message, adi::contiguous(sent.data(), length), at, want);
            job.turn();
        }
        ASSERT_EQ(job[0].try_end(message), Status::ok);
        job.turn();
        ASSERT_EQ(job.sink(1).messages.size(), 1U) << length;
        const auto& got = job.sink(1).messages.front();
        EXPECT_EQ(got.node, 0U);
        EXPECT_EQ(got.handler, 42U);
        EXPECT_EQ(got.bytes, sent);
        job.sink(1).messages.clear();
        EXPECT_TRUE(job[0].idle());
    }
    EXPECT_EQ(job.fabric.ring_full(), 0U);
}
INSTANTIATE_TEST_SUITE_P(Strategies, Lengths,
                         ::testing::Values(Strategy::adapt, Strategy::pio, Strategy::dma));

TEST(Endpoint, ShortMessageIsOnePacket) {
    Job job(2);
    const auto body = pattern(Endpoint::kShortBytes - 8, 1);
    const std::uint64_t head = 0x1122334455667788;
    const auto buffer = adi::contiguous(body.data(), body.size());
    const auto n = static_cast<std::uint32_t>(body.size());
    ASSERT_EQ(job[0].try_send(1, 9, &head, 8, buffer, 0, n), Status::ok);
    EXPECT_EQ(job[0].try_send(1, 9, &head, 8, buffer, 0, n + 1), Status::bad_argument);
    EXPECT_EQ(job[0].try_send(2, 9, &head, 8, buffer, 0, n), Status::bad_argument);
    job.turn();
    ASSERT_EQ(job.sink(1).messages.size(), 1U);
    EXPECT_EQ(job.sink(1).packets, 1U);
    EXPECT_EQ(job.sink(1).messages[0].bytes.size(), Endpoint::kShortBytes);
    EXPECT_EQ(std::memcmp(job.sink(1).messages[0].bytes.data(), &head, 8), 0);
    EXPECT_EQ(std::memcmp(job.sink(1).messages[0].bytes.data() + 8, body.data(), body.size()), 0);
}

TEST(Endpoint, PacketsOfStoresMayBeShorter) {
    Job job(2, Strategy::pio, {}, 128);
    const auto bytes = pattern(300, 3);
    OutMessage message;
    ASSERT_EQ(job[0].try_begin(message, 1, 300, 1), Status::ok);
    ASSERT_EQ(job[0].try_piece(message, adi::contiguous(bytes.data(), 300), 0, 300), 300U);
    ASSERT_EQ(job[0].try_end(message), Status::ok);
    job.turn();
    ASSERT_EQ(job.sink(1).messages.size(), 1U);
    EXPECT_EQ(job.sink(1).packets, 3U);
    EXPECT_EQ(job.sink(1).messages[0].bytes, bytes);
}

TEST(Endpoint, LengthIsAnUpperBound) {
    Job job(2);
    const auto bytes = pattern(3000, 5);
    const auto buffer = adi::contiguous(bytes.data(), bytes.size());
    OutMessage message;
    // Fewer are legal: none, a part of a packet, exactly some packets.
    for (const std::uint64_t n : {0U, 10U, 1024U, 2048U}) {
        ASSERT_EQ(job[0].try_begin(message, 1, 3000, 1), Status::ok);
        EXPECT_EQ(job[0].try_piece(message, buffer, 0, n), n);
        ASSERT_EQ(job[0].try_end(message), Status::ok);
        job.turn();
        ASSERT_EQ(job.sink(1).messages.size(), 1U);
        EXPECT_EQ(job.sink(1).messages[0].bytes.size(), n);
        job.sink(1).messages.clear();
    }
    // More are not taken.
    ASSERT_EQ(job[0].try_begin(message, 1, 100, 1), Status::ok);
    EXPECT_EQ(job[0].try_piece(message, buffer, 0, 60), 60U);
    EXPECT_EQ(job[0].try_piece(message, buffer, 60, 60), 40U);
    EXPECT_EQ(job[0].try_piece(message, buffer, 100, 1), 0U);
    ASSERT_EQ(job[0].try_end(message), Status::ok);
    EXPECT_EQ(job[0].try_end(message), Status::bad_argument);
}

TEST(Endpoint, OneOpenMessagePerNode) {
    Job job(3);
    OutMessage first;
    OutMessage second;
    ASSERT_EQ(job[0].try_begin(first, 1, 10, 1), Status::ok);
    EXPECT_EQ(job[0].try_begin(second, 1, 10, 1), Status::again);
    EXPECT_EQ(job[0].try_send(1, 1, "x", 1, {}, 0, 0), Status::again);
    EXPECT_EQ(job[0].try_begin(second, 2, 10, 1), Status::ok);
    ASSERT_EQ(job[0].try_end(first), Status::ok);
    EXPECT_EQ(job[0].try_send(1, 1, "x", 1, {}, 0, 0), Status::ok);
}

// The receiver does not extract: its sender stops at its credits, and others go on.
TEST(Endpoint, ReceiverPaces) {
    Job job(3);
    std::uint32_t sent = 0;
    while (job[0].try_send(1, 1, &sent, 4, {}, 0, 0) == Status::ok) ++sent;
    EXPECT_EQ(sent, job[0].credits());
    for (std::uint32_t i = 0; i < 1000; ++i) {
        ASSERT_EQ(job[0].try_send(2, 1, &i, 4, {}, 0, 0), Status::ok);
        ASSERT_EQ(job[2].try_send(1, 1, &i, 4, {}, 0, 0) == Status::ok, i < job[2].credits());
        job[2].extract(job.sink(2));
        job[0].extract(job.sink(0));
    }
    EXPECT_EQ(job.sink(2).messages.size(), 1000U);
    EXPECT_EQ(job.fabric.ring_full(), 0U);
    // Some are extracted: packets, so the limit of bytes is soft.
    job[1].extract(job.sink(1), 9);
    EXPECT_EQ(job.sink(1).messages.size(), 3U);
    job[1].extract(job.sink(1), ~0ULL, 2);
    EXPECT_EQ(job.sink(1).messages.size(), 5U);
    job.turn();
    job.turn();
    EXPECT_EQ(job.sink(1).messages.size(), 2 * sent);
    EXPECT_EQ(job[0].try_send(1, 1, &sent, 4, {}, 0, 0), Status::ok);
}

// Credits come back by themselves when nothing goes the other way, and else with packets.
TEST(Endpoint, CreditsReturn) {
    Job job(2);
    const std::uint32_t window = job[0].credits();
    for (std::uint32_t i = 0; i < 10 * window; ++i) {
        ASSERT_EQ(job[0].try_send(1, 1, &i, 4, {}, 0, 0), Status::ok);
        job.turn();
    }
    const std::uint64_t alone = job[1].counters().credit_packets_sent;
    EXPECT_GE(alone, 10U);
    EXPECT_LE(alone, 20U);
    for (std::uint32_t i = 0; i < 10 * window; ++i) {
        ASSERT_EQ(job[0].try_send(1, 1, &i, 4, {}, 0, 0), Status::ok);
        ASSERT_EQ(job[1].try_send(0, 1, &i, 4, {}, 0, 0), Status::ok);
        job.turn();
    }
    EXPECT_EQ(job[1].counters().credit_packets_sent, alone);
}

// A message that is not gathered to its end keeps no slot from others.
TEST(Endpoint, OpenMessagesDoNotBlock) {
    Job job(3);
    const auto bytes = pattern(10000, 3);
    const auto buffer = adi::contiguous(bytes.data(), bytes.size());
    OutMessage slow;
    OutMessage quick;
    ASSERT_EQ(job[0].try_begin(slow, 1, 10000, 1), Status::ok);
    std::uint64_t at = job[0].try_piece(slow, buffer, 0, 100);
    for (std::uint32_t i = 0; i < 20; ++i) {
        ASSERT_EQ(job[0].try_begin(quick, 2, 600, 2), Status::ok);
        ASSERT_EQ(job[0].try_piece(quick, buffer, 0, 600), 600U);
        ASSERT_EQ(job[0].try_end(quick), Status::ok);
        job.turn();
        ASSERT_EQ(job.sink(2).messages.size(), i + 1);
        at += job[0].try_piece(slow, buffer, at, 300);
    }
    at += job[0].try_piece(slow, buffer, at, 10000 - at);
    job.turn();
    at += job[0].try_piece(slow, buffer, at, 10000 - at);
    ASSERT_EQ(at, 10000U);
    ASSERT_EQ(job[0].try_end(slow), Status::ok);
    job.turn();
    ASSERT_EQ(job.sink(1).messages.size(), 1U);
    EXPECT_EQ(job.sink(1).messages[0].bytes, bytes);
}

// What was begun with `whole` gets through without any help of the receiver, whatever else is sent.
TEST(Endpoint, WholeMessagesNeedNobody) {
    Job job(3);
    const std::uint64_t most = std::uint64_t{job[0].credits()} * FM_PACKET_BYTES;
    const auto bytes = pattern(most, 11);
    const auto buffer = adi::contiguous(bytes.data(), most);
    OutMessage message;
    EXPECT_EQ(job[0].try_begin(message, 1, most + 1, 1, true), Status::again);
    const std::uint64_t half = most / 2;
    ASSERT_EQ(job[0].try_begin(message, 1, half, 1, true), Status::ok);
    EXPECT_EQ(job[0].try_begin(message, 1, 1, 1), Status::again);
    // Between any two of its pieces others want the slot: it cannot pay for so many short packets.
    std::uint64_t at = 0;
    OutMessage other;
    while (at < half) {
        const std::uint64_t n = std::min<std::uint64_t>(1000, half - at);
        ASSERT_EQ(job[0].try_piece(message, buffer, at, n), n);
        at += n;
        ASSERT_EQ(job[0].try_begin(other, 2, 1, 1), Status::ok);
        ASSERT_EQ(job[0].try_piece(other, buffer, 0, 1), 1U);
        ASSERT_EQ(job[0].try_end(other), Status::ok);
        job[2].extract(job.sink(2));
        job[0].extract(job.sink(0));
    }
    ASSERT_EQ(job[0].try_end(message), Status::ok);
    job.turn();
    ASSERT_EQ(job.sink(1).messages.size(), 1U);
    EXPECT_TRUE(std::equal(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(half),
                           job.sink(1).messages[0].bytes.begin(),
                           job.sink(1).messages[0].bytes.end()));
}

TEST(Endpoint, WholeMessagesGiveBackWhatTheyDoNotNeed) {
    Job job(2);
    const std::uint64_t most = std::uint64_t{job[0].credits()} * FM_PACKET_BYTES;
    OutMessage message;
    ASSERT_EQ(job[0].try_begin(message, 1, most, 1, true), Status::ok);
    ASSERT_EQ(job[0].try_piece(message, adi::contiguous("abc", 3), 0, 3), 3U);
    ASSERT_EQ(job[0].try_end(message), Status::ok);
    std::uint32_t rest = 0;
    while (job[0].try_send(1, 1, nullptr, 0, {}, 0, 0) == Status::ok) ++rest;
    EXPECT_EQ(rest, job[0].credits() - 1);
}

// Everybody to everybody, itself included, with pauses of boards and of receivers: each message
// once, in order, and never a packet for which the receiver's ring had no room.
TEST(Endpoint, Storm) {
    constexpr Node kNodes = 5;
    Job job(kNodes);
    Random random(3);
    struct Sending {
        OutMessage message;
        std::vector<std::byte> bytes;
        std::uint64_t at = 0;
    };
    std::map<std::pair<Node, Node>, Sending> open;
    std::map<std::pair<Node, Node>, std::deque<std::vector<std::byte>>> expected;
    std::size_t begun = 0;
    for (std::uint32_t step = 0; step < 60000; ++step) {
        const Node from = random() % kNodes;
        const Node to = random() % kNodes;
        Sending& s = open[{from, to}];
        if (!s.message.open) {
            s.bytes = pattern(random() % 3 == 0 ? random() % 20000 : random() % 500, step);
            s.at = 0;
            const std::uint64_t slack = random() % 2 * (random() % 600);
            if (job[from].try_begin(s.message, to, s.bytes.size() + slack, 1) == Status::ok) {
                expected[{from, to}].push_back(s.bytes);
                ++begun;
            }
        } else {
            const std::uint64_t want =
                std::min<std::uint64_t>(random() % 3000, s.bytes.size() - s.at);
            s.at += job[from].try_piece(s.message, adi::contiguous(s.bytes.data(), s.bytes.size()),
                                        s.at, want);
            if (s.at == s.bytes.size() && job[from].try_end(s.message) == Status::again) continue;
        }
        if (random() % 8 == 0) {
            const Node node = random() % kNodes;
            job[node].extract(job.sink(node), random() % 2 == 0 ? 1 + random() % 9000 : ~0ULL);
        }
        if (random() % 32 == 0) job.fabric.hold(random() % kNodes, random() % 2 == 0);
    }
    for (Node node = 0; node < kNodes; ++node) job.fabric.hold(node, false);
    for (int rounds = 0; rounds < 1000; ++rounds) {
        for (auto& [pair, s] : open) {
            if (!s.message.open) continue;
            s.at += job[pair.first].try_piece(s.message,
                                              adi::contiguous(s.bytes.data(), s.bytes.size()), s.at,
                                              s.bytes.size() - s.at);
            if (s.at == s.bytes.size()) (void)job[pair.first].try_end(s.message);
        }
        job.turn();
    }
    std::size_t arrived = 0;
    for (Node to = 0; to < kNodes; ++to) {
        for (const auto& got : job.sink(to).messages) {
            auto& queue = expected[{got.node, to}];
            ASSERT_FALSE(queue.empty());
            ASSERT_EQ(got.bytes, queue.front());
            queue.pop_front();
            ++arrived;
        }
    }
    EXPECT_EQ(arrived, begun);
    EXPECT_GT(begun, 5000U);
    EXPECT_EQ(job.fabric.ring_full(), 0U);
    for (Node node = 0; node < kNodes; ++node) EXPECT_TRUE(job[node].idle());
}

}  // namespace
}  // namespace dev::fm
