// The control program on a wire that loses, spoils, doubles and reorders packets: each message
// arrives once and in order.
#include <random>

#include "firmware/board/native_fixture.hpp"

namespace firmware {
namespace {

struct Rates {
    double drop, corrupt, duplicate, reorder;
};

/// Spoils the wire of a fabric.
struct Faults {
    Fabric& fabric;
    Rates rates;
    std::mt19937 random;
    std::uint32_t dropped = 0, corrupted = 0;

    bool chance(double rate) { return std::uniform_real_distribution<>(0, 1)(random) < rate; }
    void operator()(Fabric::Packet&& p) {
        if (chance(rates.drop)) {
            ++dropped;
            return;
        }
        if (chance(rates.corrupt)) {
            ++corrupted;
            p.bytes[random() % p.bytes.size()] ^= static_cast<std::uint8_t>(1U << random() % 8);
            p.syndrome = static_cast<std::uint8_t>(1 + random() % 255);
        }
        if (chance(rates.duplicate)) {
            if (p.syndrome != 0) ++corrupted;
            fabric.wire.push_back(p);
        }
        if (chance(rates.reorder) && !fabric.wire.empty())
            fabric.wire.insert(
                fabric.wire.begin() + static_cast<std::ptrdiff_t>(random() % fabric.wire.size()),
                std::move(p));
        else
            fabric.wire.push_back(std::move(p));
    }
};

class Loss : public testing::TestWithParam<Rates> {};

// Three nodes, two on one board, all to all: packets in slots, packets in pages, puts. User words
// say which message it is, the payload follows from that.
TEST_P(Loss, EachMessageOnceAndInOrder) {
    Fabric fabric(2);
    const std::vector<std::uint32_t> kPlaces{0, 1U << 24, 1U << 24 | 3U << 16};
    auto hosts = fabric.open(kPlaces);
    Faults faults{fabric, GetParam(), std::mt19937(7)};
    fabric.fault = [&](Fabric::Packet&& p) { faults(std::move(p)); };
    constexpr std::uint32_t kMessages = 6000;
    std::uint32_t next[3][3] = {}, seen[3][3] = {}, left = 0;
    for (auto& h : hosts) {
        for (std::uint32_t i = 0; i < FM_SEND_SLOTS; ++i)
            h.board.map_page(h.endpoint, 100 + i,
                             0x4000000 + h.endpoint * 0x100000 + i * FM_PAGE_BYTES);
        left += kMessages;
    }
    std::mt19937 random(3);
    auto content = [](std::uint32_t from, std::uint32_t to, std::uint32_t n) {
        std::uint32_t seed = from * 1000003 + to * 10007 + n;
        return bytes_of(seed * 2654435761U % (n % 3 == 0 ? 2000 : 300), seed);
    };
    std::uint32_t made = 0;
    for (std::uint32_t step = 0; left != 0; ++step) {
        ASSERT_LT(step, 4000000U);
        for (std::uint32_t from = 0; from < 3; ++from) {
            Host& h = hosts[from];
            if (made < 3 * kMessages && h.can_send() && random() % 2 == 0) {
                auto to = static_cast<std::uint32_t>(random() % 3), n = next[from][to]++;
                auto bytes = content(from, to, n);
                ++made;
                if (inline_fits(static_cast<std::uint32_t>(bytes.size()))) {
                    h.send(to, bytes, n, from);
                } else {
                    std::uint32_t page = h.sent % FM_SEND_SLOTS;
                    std::copy(bytes.begin(), bytes.end(),
                              h.board.host_page(0x4000000 + h.endpoint * 0x100000 +
                                                page * FM_PAGE_BYTES));
                    h.slot().wire.user[0] = fm_be32(n);
                    h.slot().wire.user[1] = fm_be32(from);
                    h.send_page(to, static_cast<std::uint32_t>(bytes.size()), 100 + page, 0);
                }
            }
            fm_wire wire;
            std::vector<std::uint8_t> payload;
            while (h.receive(&wire, &payload)) {
                std::uint32_t source = fm_be32(wire.source) >> 16 & 0xff;
                ASSERT_EQ(fm_be32(wire.type) >> 8 & 0xff, FM_KIND_DATA);
                ASSERT_LT(source, 3U);
                ASSERT_EQ(fm_be32(wire.user[1]), source);
                std::uint32_t n = seen[source][from]++;
                ASSERT_EQ(fm_be32(wire.user[0]), n) << source << " to " << from;
                ASSERT_EQ(payload, content(source, from, n));
                --left;
                if (h.received % 5 == 0) h.consume();
            }
        }
        fabric.step();
        if (step % 20 == 0) fabric.pass(100);
    }
    std::uint32_t crc = 0, sent = 0, received = 0;
    for (auto& b : fabric.boards) {
        crc += b->counter(&fm_counters::crc_errors);
        sent += b->counter(&fm_counters::sent);
        received += b->counter(&fm_counters::received);
        EXPECT_EQ(b->counter(&fm_counters::nodes_lost), 0U);
        EXPECT_EQ(b->counter(&fm_counters::bad_packets), 0U);
    }
    EXPECT_EQ(crc + fabric.corrupted_on_wire(), faults.corrupted);
    EXPECT_EQ(sent, 3 * kMessages);
    EXPECT_EQ(received, 3 * kMessages);
}

INSTANTIATE_TEST_SUITE_P(Rates, Loss,
                         testing::Values(Rates{0, 0, 0, 0}, Rates{0.001, 0.001, 0.001, 0.001},
                                         Rates{0.01, 0.01, 0.01, 0.01}, Rates{0.1, 0, 0, 0},
                                         Rates{0, 0, 0.2, 0}, Rates{0, 0, 0, 0.3},
                                         Rates{0.1, 0.1, 0.1, 0.1}));

// A put whose packets are lost arrives whole, before the message behind it.
TEST(PutLoss, ArrivesWhole) {
    Fabric fabric(2);
    auto hosts = fabric.open({0, 1U << 24});
    Faults faults{fabric, {0.05, 0.02, 0.02, 0.02}, std::mt19937(5)};
    fabric.fault = [&](Fabric::Packet&& p) { faults(std::move(p)); };
    constexpr std::uint32_t kPages = 64, kBytes = kPages * FM_PAGE_BYTES - 400;
    for (std::uint32_t i = 0; i < kPages; ++i) {
        fabric.boards[0]->map_page(0, 200 + i, 0x2000000 + i * FM_PAGE_BYTES);
        fabric.boards[1]->map_page(0, 200 + i, 0x3000000 + i * FM_PAGE_BYTES);
    }
    auto at = [&](std::uint32_t board, std::uint32_t i) -> std::uint8_t& {
        return fabric.boards[board]->host_page((board == 0 ? 0x2000000 : 0x3000000) +
                                               i / FM_PAGE_BYTES *
                                                   FM_PAGE_BYTES)[i % FM_PAGE_BYTES];
    };
    for (std::uint32_t round = 0; round < 20; ++round) {
        auto bytes = bytes_of(kBytes, round);
        for (std::uint32_t i = 0; i < kBytes; ++i) at(0, i + 4 * round) = bytes[i];
        const std::uint32_t key = (round + 1) << 6 | 1;
        hosts[1].region().windows[1] = {fm_be32(key), fm_be32(200), fm_be32(8 * round),
                                        fm_be32(kBytes)};
        hosts[0].put(1, kBytes, 200, 4 * round, key, 0);
        hosts[0].send(1, bytes_of(5, round));
        fm_wire wire;
        std::vector<std::uint8_t> payload;
        for (std::uint32_t step = 0; !hosts[1].receive(&wire, &payload); ++step) {
            ASSERT_LT(step, 200000U);
            fabric.step();
            if (step % 20 == 0) fabric.pass(100);
        }
        hosts[1].consume();
        EXPECT_EQ(payload, bytes_of(5, round));
        for (std::uint32_t i = 0; i < kBytes; ++i)
            ASSERT_EQ(at(1, i + 8 * round), bytes[i]) << round << ' ' << i;
    }
    EXPECT_GT(fabric.boards[0]->counter(&fm_counters::retransmitted), 0U);
}

TEST(LinkReset, LosesNothingInTheEnd) {
    Fabric fabric(2);
    auto hosts = fabric.open({0, 1U << 24});
    std::mt19937 random(1);
    for (auto& b : fabric.boards) b->send_delay = 20;
    fm_wire wire;
    std::vector<std::uint8_t> payload;
    std::uint32_t sent = 0, seen = 0;
    for (std::uint32_t step = 0; seen < 2000; ++step) {
        ASSERT_LT(step, 1000000U);
        if (sent < 2000 && hosts[0].can_send())
            hosts[0].send(1, bytes_of(sent % 449, sent)), ++sent;
        fabric.step();
        if (step % 20 == 0) fabric.pass(100);
        if (random() % 200 == 0) fabric.boards[random() % 2]->reset_link();
        while (hosts[1].receive(&wire, &payload)) {
            ASSERT_EQ(payload, bytes_of(seen % 449, seen));
            ++seen;
        }
        hosts[1].consume();
    }
    EXPECT_GT(fabric.boards[0]->counter(&fm_counters::link_resets), 10U);
}

}  // namespace
}  // namespace firmware
