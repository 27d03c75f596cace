// Packets and slots that say anything: the board goes on, touches no memory that it was not given,
// and carries what is right. Under the sanitizers also: no memory of its own that it should not.
#include <random>

#include "firmware/board/native_fixture.hpp"

namespace firmware {
namespace {

/// Each of `kSeeds` tests does so much. FATHOM_FUZZ_FACTOR times as much in the environment, for a
/// long run: 100 makes ten million packets and ten million slots.
constexpr std::uint32_t kSeeds = 4;
std::uint32_t rounds() {
    const char* factor = std::getenv("FATHOM_FUZZ_FACTOR");
    return 25000U *
           (factor != nullptr ? static_cast<std::uint32_t>(std::strtoul(factor, nullptr, 10)) : 1U);
}

/// Values that are near something.
std::uint32_t near(std::mt19937& random) {
    static constexpr std::uint32_t kValues[] = {
        0,    1,    2,    3,    4,     63,    64,      255,   448,    449,        4032, 4036,
        4095, 4096, 4097, 8192, 65535, 65536, 1 << 24, 0x140, 0x0145, 0x80000000, ~0U,  ~3U};
    auto r = static_cast<std::uint32_t>(random());
    switch (r % 4) {
        case 0: return static_cast<std::uint32_t>(random());
        case 1: return static_cast<std::uint32_t>(random()) & 0xfff;
        default: return kValues[r / 4 % std::size(kValues)];
    }
}

class Fuzz : public testing::TestWithParam<std::uint32_t> {
  protected:
    /// Memory beside what is mapped for an endpoint, and what must not change.
    static constexpr std::uint32_t kForeign = 0x7000000;
    void SetUp() override {
        for (auto& board : fabric.boards) {
            std::memset(board->host_page(kForeign), 0x5a, FM_PAGE_BYTES);
            for (std::uint32_t i = 0; i < 4; ++i)
                board->map_page(0, 200 + i, 0x2000000 + i * FM_PAGE_BYTES);
        }
        hosts[1].region().windows[5] = {fm_be32(0x145), fm_be32(200), fm_be32(16), fm_be32(9000)};
    }
    /// The board still does its work: a message each way.
    void carries() {
        fabric.wire.clear();
        fm_wire wire;
        std::vector<std::uint8_t> payload;
        auto drain = [&](Host& h) {
            while (h.receive(&wire, &payload)) {
            }
            h.consume();
        };
        auto marked = bytes_of(77, 123);
        for (Host* from : {&hosts[2], &hosts[3]}) {
            Host& to = from == &hosts[2] ? hosts[3] : hosts[2];
            from->send(from == &hosts[2] ? 3 : 2, marked, 0xfeed);
            bool came = false;
            for (std::uint32_t step = 0; step < 100000 && !came; ++step) {
                fabric.step();
                if (step % 20 == 0) fabric.pass(100);
                came = to.receive(&wire, &payload) && fm_be32(wire.user[0]) == 0xfeed;
            }
            ASSERT_TRUE(came);
            EXPECT_EQ(payload, marked);
        }
        for (Host& h : hosts) drain(h);
        for (auto& board : fabric.boards)
            for (std::uint32_t i = 0; i < FM_PAGE_BYTES; ++i)
                ASSERT_EQ(board->host_page(kForeign)[i], 0x5a);
    }

    Fabric fabric{2};
    // Nodes 0 and 1 suffer; 2 and 3 are another process's on the same boards.
    std::vector<Host> hosts = fabric.open({0, 1U << 24, 3U << 16, 1U << 24 | 3U << 16});
    std::mt19937 random{GetParam()};
};

TEST_P(Fuzz, Packets) {
    for (std::uint32_t i = 0; i < rounds(); ++i) {
        fm_wire wire;
        std::uint32_t kind =
            random() % 8 == 0 ? near(random) & 0xff : 1 + static_cast<std::uint32_t>(random() % 5);
        std::uint32_t ends = random() % 8 == 0 ? static_cast<std::uint32_t>(random()) & 0xff : 1;
        // Node 1's endpoint is 0 of board 1; packets come as if from node 0.
        std::uint32_t type = random() % 16 == 0 ? 6U + static_cast<std::uint32_t>(random() % 2)
                                                : std::uint32_t{FM_WIRE_TYPE};
        auto length =
            static_cast<std::uint32_t>(random() % 4 == 0 ? near(random) & 0xffff : random() % 64);
        auto bytes = random() % 8 == 0 ? static_cast<std::uint32_t>(random() % 4200)
                                       : words_up(std::min(length, 4150U));
        wire.type = fm_be32(type << 16 | kind << 8 | (ends == 1 ? 0 : ends));
        wire.key = fm_be32(random() % 16 == 0 ? near(random) : kKey);
        std::uint32_t expected = fabric.boards[1]->counter(&fm_counters::received);
        wire.source = fm_be32((random() % 16 == 0 ? near(random) << 16 : 0) |
                              ((random() % 2 == 0 ? expected : near(random)) & 0xffff));
        wire.length = fm_be32(length << 16 | (near(random) & 0xffff));
        wire.user[0] = fm_be32(random() % 2 == 0 ? 0x145 : near(random));
        wire.user[1] = fm_be32(near(random));
        std::vector<std::uint8_t> packet(sizeof wire + bytes, 0xab);
        std::memcpy(packet.data(), &wire, sizeof wire);
        if (random() % 64 == 0) packet.resize(random() % packet.size());
        fabric.boards[1]->deliver(packet,
                                  random() % 16 == 0 ? static_cast<std::uint8_t>(random()) : 0);
        fabric.boards[1]->run(2);
        fabric.wire.clear();
        if (i % 16 == 0) {
            fabric.boards[1]->pass(200);
            hosts[1].region().consumed = fm_be32(near(random));
        }
        if (i % 5000 == 0) carries();
    }
    carries();
}

TEST_P(Fuzz, Slots) {
    for (std::uint32_t i = 0; i < rounds(); ++i) {
        Host& h = hosts[0];
        // One of the next; also one that is still in flight.
        std::uint32_t number =
            fm_be32(h.region().send_done) + static_cast<std::uint32_t>(random() % 6);
        fm_slot& s = h.region().slots[number % FM_SEND_SLOTS];
        s.command = fm_be32(
            (random() % 8 == 0 ? near(random) : 1 + static_cast<std::uint32_t>(random() % 3))
                << 24 |
            (random() % 4 == 0 ? near(random) & 0xffffff
                               : static_cast<std::uint32_t>(random() % 4)));
        s.length = fm_be32(near(random));
        s.page = fm_be32(random() % 2 == 0 ? 200 + static_cast<std::uint32_t>(random() % 5)
                                           : near(random));
        s.offset = fm_be32(near(random));
        s.window = fm_be32(random() % 2 == 0 ? 0x145 : near(random));
        s.window_offset = fm_be32(near(random));
        if (random() % 2 == 0) {  // nearly right
            auto node = static_cast<std::uint32_t>(random() % 2);
            s.command = fm_be32(static_cast<std::uint32_t>(FM_OP_PAGE + random() % 2) << 24 | node);
            s.length = fm_be32(static_cast<std::uint32_t>(random() % 1000) * 4);
            s.page = fm_be32(200 + static_cast<std::uint32_t>(random() % 3));
            s.offset = fm_be32(static_cast<std::uint32_t>(random() % 1024) * 4);
            s.window = fm_be32(0x145);
            s.window_offset = fm_be32(static_cast<std::uint32_t>(random() % 1000) * 4);
        }
        s.lap = fm_be32(random() % 16 == 0 ? near(random) : number / FM_SEND_SLOTS + 1);
        if (random() % 16 == 0) h.region().interrupt = fm_be32(near(random));
        if (random() % 16 == 0) {
            fm_window& w = hosts[1].region().windows[random() % 5];
            w = {fm_be32(near(random)), fm_be32(near(random)), fm_be32(near(random)),
                 fm_be32(near(random))};
        }
        if (random() % 64 == 0)
            fabric.boards[0]->map_page(0, 200 + random() % 4,
                                       random() % 2 == 0 ? 0 : 0x2000000 + 4 * FM_PAGE_BYTES);
        fabric.step();
        if (i % 16 == 0) fabric.pass(200);
        if (i % 64 == 0) {
            fm_wire wire;
            std::vector<std::uint8_t> payload;
            for (Host& host : hosts) {
                while (host.receive(&wire, &payload)) {
                }
                host.consume();
            }
            if (random() % 8 == 0) h.region().consumed = fm_be32(near(random));
        }
        if (i % 5000 == 0) carries();
    }
    carries();
    EXPECT_GT(fm_be32(hosts[0].region().send_done), rounds() / 8);
    EXPECT_GT(fabric.boards[0]->counter(&fm_counters::bad_descriptors), rounds() / 16);
    EXPECT_GT(fabric.boards[1]->counter(&fm_counters::deposits), rounds() / 100);
}

INSTANTIATE_TEST_SUITE_P(Seeds, Fuzz, testing::Range(1U, 1U + kSeeds));

}  // namespace
}  // namespace firmware
