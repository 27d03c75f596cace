// What goes wrong, sleep, and what is charged in modelled time.
#include <gtest/gtest.h>

#include "devices/fm/endpoint.hpp"
#include "devices/fm/testing.hpp"

namespace dev::fm {
namespace {

using adi::Status;
using testing::FakeClock;
using testing::Job;
using testing::pattern;
using testing::Random;

// --- faults -----------------------------------------------------------------------------------

TEST(Endpoint, LostNode) {
    Job job(3);
    const auto bytes = pattern(5000, 1);
    const auto buffer = adi::contiguous(bytes.data(), bytes.size());
    OutMessage to_lost;
    OutMessage from_lost;
    ASSERT_EQ(job[0].try_begin(to_lost, 2, 5000, 1), Status::ok);
    ASSERT_EQ(job[0].try_piece(to_lost, buffer, 0, 100), 100U);
    ASSERT_EQ(job[2].try_begin(from_lost, 0, 5000, 1), Status::ok);
    ASSERT_GT(job[2].try_piece(from_lost, buffer, 0, 3000), 0U);
    job[0].extract(job.sink(0));
    job.fabric.lose(2);
    job[0].extract(job.sink(0));
    ASSERT_EQ(job.sink(0).losses.size(), 1U);
    EXPECT_EQ(job.sink(0).losses[0].first, 2U);
    EXPECT_EQ(job.sink(0).losses[0].second, Status::peer_failed);
    EXPECT_TRUE(job[0].lost(2));
    EXPECT_EQ(job[0].try_piece(to_lost, buffer, 100, 100), 0U);
    EXPECT_EQ(job[0].try_end(to_lost), Status::peer_failed);
    EXPECT_EQ(job[0].try_begin(to_lost, 2, 1, 1), Status::peer_failed);
    EXPECT_EQ(job[0].try_send(2, 1, nullptr, 0, {}, 0, 0), Status::peer_failed);
    // The others are there.
    ASSERT_EQ(job[0].try_send(1, 1, "ab", 2, {}, 0, 0), Status::ok);
    job[1].extract(job.sink(1));
    EXPECT_EQ(job.sink(1).messages.size(), 1U);
    EXPECT_TRUE(job[0].idle());
}

// All that was sent has arrived, and nothing more may be sent: nothing is under way that would show
// that the receiver is dead.
TEST(Endpoint, DeathIsNoticedWithoutCredits) {
    for (const bool open : {false, true}) {
        Job job(3);
        OutMessage message;
        if (open) {
            const auto bytes = pattern(1 << 20, 1);
            ASSERT_EQ(job[0].try_begin(message, 1, bytes.size(), 1), Status::ok);
            job[0].try_piece(message, adi::contiguous(bytes.data(), bytes.size()), 0, bytes.size());
            EXPECT_EQ(job[0].try_piece(message, adi::contiguous("a", 1), 0, 1), 0U);
        } else {
            while (job[0].try_send(1, 1, nullptr, 0, {}, 0, 0) == Status::ok) {
            }
        }
        // Alive, it is asked and nothing comes of it: its ring does not see that.
        for (int i = 0; i < 3000; ++i) job[0].extract(job.sink(0));
        EXPECT_EQ(job[0].counters().probes_sent, open ? 2U : 1U) << "one for each attempt";
        EXPECT_TRUE(job.sink(0).losses.empty());
        EXPECT_EQ(job.fabric.ring_full(), 0U);
        job.fabric.close(1);
        for (int i = 0; i < 3000; ++i) {
            if (open) {
                EXPECT_EQ(job[0].try_piece(message, adi::contiguous("a", 1), 0, 1), 0U);
            } else {
                EXPECT_NE(job[0].try_send(1, 1, nullptr, 0, {}, 0, 0), Status::ok);
            }
            job[0].extract(job.sink(0));
        }
        ASSERT_EQ(job.sink(0).losses.size(), 1U);
        EXPECT_EQ(job.sink(0).losses[0].first, 1U);
        EXPECT_EQ(job.sink(0).losses[0].second, Status::peer_failed);
    }
}

// Its slots are full whenever it would sleep: so a probe takes one when something is tried.
TEST(Endpoint, DeathIsNoticedAmidOtherTraffic) {
    Job job(4);
    while (job[0].try_send(1, 1, nullptr, 0, {}, 0, 0) == Status::ok) {
    }
    job.fabric.close(1);
    for (int i = 0; i < 10 && job.sink(0).losses.empty(); ++i) {
        EXPECT_NE(job[0].try_send(1, 1, nullptr, 0, {}, 0, 0), Status::ok);
        job.fabric.hold(0, true);
        int slots = 0;
        for (Node to : {Node{2}, Node{3}}) {
            while (job[0].try_send(to, 1, nullptr, 0, {}, 0, 0) == Status::ok) ++slots;
        }
        EXPECT_GE(slots, FM_SEND_SLOTS - 2) << "but what asks for credits, or is a probe";
        job[0].prepare_park();
        job[0].cancel_park();
        job.fabric.hold(0, false);
        job.turn();
    }
    ASSERT_EQ(job.sink(0).losses.size(), 1U);
    EXPECT_EQ(job.sink(0).losses[0].first, 1U);
}

struct Garbage {
    const char* name;
    std::vector<Words> packets;
    std::size_t payload;
};

TEST(Endpoint, GarbageIsAFaultOfItsSender) {
    constexpr std::uint8_t first = Words::kFirst;
    constexpr std::uint8_t last = Words::kLast;
    const Garbage garbage[] = {
        {"continues nothing", {{last, 0, 0, 0}}, 4},
        {"first within a message", {{first, 0, 0, 1}, {first, 0, 0, 1}}, 4},
        {"another message's serial", {{first, 0, 0, 1}, {last, 1, 0, 4}}, 4},
        {"a gap", {{first, 0, 0, 1}, {last, 0, 0, 8}}, 4},
        {"serial out of turn", {{first | last, 1, 0, 1}}, 4},
        {"unknown flags", {{first | last | 0x40, 0, 0, 1}}, 4},
        {"unknown flags within a message", {{first, 0, 0, 1}, {0x80, 0, 0, 4}}, 4},
        {"credits that nobody used", {{first | last, 0, 7, 1}}, 4},
        {"credit packet with payload", {{Words::kCredit, 0, 0, 0}}, 4},
        {"empty and not the last", {{first, 0, 0, 1}}, 0},
    };
    for (const Garbage& g : garbage) {
        Job job(3);
        for (const Words& words : g.packets) {
            job.fabric.inject(1, 0, FM_KIND_DATA, words, std::vector<std::byte>(g.payload));
        }
        job[0].extract(job.sink(0));
        ASSERT_EQ(job.sink(0).losses.size(), 1U) << g.name;
        EXPECT_EQ(job.sink(0).losses[0].first, 1U) << g.name;
        EXPECT_EQ(job.sink(0).losses[0].second, Status::corrupt) << g.name;
        EXPECT_EQ(job[0].counters().bad_packets, 1U);
        ASSERT_EQ(job[2].try_send(0, 1, "ab", 2, {}, 0, 0), Status::ok);
        job[0].extract(job.sink(0));
        EXPECT_EQ(job.sink(0).messages.size(), 1U) << g.name;
    }
}

TEST(Endpoint, PacketsThatAreNobodysAreCounted) {
    Job job(2);
    job.fabric.inject(77, 0, FM_KIND_DATA, {Words::kFirst | Words::kLast, 0, 0, 1});
    job.fabric.inject(1, 0, FM_KIND_ACK, {});
    job.fabric.inject(1, 0, FM_KIND_EVENT, Words::from(99, 0));
    job.fabric.inject(1, 0, FM_KIND_EVENT, Words::from(FM_EVENT_NODE_LOST, 2));
    EXPECT_EQ(job[0].extract(job.sink(0)), 4);
    EXPECT_EQ(job[0].counters().bad_packets, 4U);
    EXPECT_TRUE(job.sink(0).losses.empty());
}

TEST(Endpoint, RandomPackets) {
    Random random(1);
    for (int round = 0; round < 300; ++round) {
        Job job(3);
        for (int i = 0; i < 40; ++i) {
            const Words words{static_cast<std::uint8_t>(random() % 5),
                              static_cast<std::uint8_t>(random() % 3),
                              static_cast<std::uint16_t>(random() % 40 == 0 ? random() : 0),
                              static_cast<std::uint32_t>(random() % 3)};
            job.fabric.inject(random() % 4, 0, random() % 8 == 0 ? random() % 9 : 1U, words,
                              std::vector<std::byte>(random() % 3));
            job[0].extract(job.sink(0));
        }
        EXPECT_LE(job.sink(0).losses.size(), 3U);
    }
}

TEST(Endpoint, TheBoardIsGone) {
    Job job(2);
    job.fabric.die();
    for (int i = 0; i < 3000; ++i) job[0].extract(job.sink(0));
    ASSERT_EQ(job.sink(0).losses.size(), 2U);
    EXPECT_EQ(job[0].try_send(1, 1, nullptr, 0, {}, 0, 0), Status::peer_failed);
}

// --- sleep ------------------------------------------------------------------------------------

TEST(Endpoint, ArrivalsEndTheSleep) {
    Job job(2);
    const auto now = [](const adi::FutexWord& p) {
        return std::atomic_ref<std::uint32_t>(*p.word).load();
    };
    adi::FutexWord park = job[1].prepare_park();
    EXPECT_EQ(now(park), park.value);
    ASSERT_EQ(job[0].try_send(1, 1, nullptr, 0, {}, 0, 0), Status::ok);
    EXPECT_NE(now(park), park.value);
    job[1].cancel_park();
    // So does the end of a slot,
    job.fabric.hold(1, true);
    ASSERT_EQ(job[1].try_send(0, 1, nullptr, 0, {}, 0, 0), Status::ok);
    park = job[1].prepare_park();
    job.fabric.hold(1, false);
    EXPECT_NE(now(park), park.value);
    job[1].cancel_park();
    // and wake().
    park = job[1].prepare_park();
    job[1].wake();
    EXPECT_NE(now(park), park.value);
    // Nothing is announced any more.
    job[1].cancel_park();
    park.value = now(park);
    ASSERT_EQ(job[0].try_send(1, 1, nullptr, 0, {}, 0, 0), Status::ok);
    EXPECT_EQ(now(park), park.value);
}

// --- modelled time ----------------------------------------------------------------------------

TEST(Endpoint, ChargesWhatItDoes) {
    FakeClock sender;
    FakeClock receiver;
    Job job(2, Strategy::adapt, {&sender, &receiver});
    ASSERT_EQ(job[0].try_send(1, 1, "12345678", 8, {}, 0, 0), Status::ok);
    EXPECT_EQ(sender.works[Clock::Work::fm_send], 1);
    EXPECT_EQ(sender.pio_bytes, 16U + 8U);
    EXPECT_EQ(sender.pio_words, 1);
    EXPECT_EQ(sender.copied, 0U);
    EXPECT_EQ(sender.pio_reads, 0);
    job[1].extract(job.sink(1));
    EXPECT_EQ(receiver.works[Clock::Work::fm_packet], 1);
    EXPECT_EQ(receiver.looks, 2);
    EXPECT_EQ(receiver.pio_words, 0);
    job[1].extract(job.sink(1));
    EXPECT_EQ(receiver.works[Clock::Work::fm_poll], 1);
    // A long message: copied to staging pages; the stores are descriptors.
    sender = FakeClock{};
    const auto bytes = pattern(8000, 1);
    OutMessage message;
    ASSERT_EQ(job[0].try_begin(message, 1, 8000, 1), Status::ok);
    ASSERT_EQ(job[0].try_piece(message, adi::contiguous(bytes.data(), 8000), 0, 8000), 8000U);
    ASSERT_EQ(job[0].try_end(message), Status::ok);
    EXPECT_EQ(sender.copied, 8000U);
    EXPECT_EQ(sender.pio_bytes, 4 * 24U);
    EXPECT_EQ(sender.works[Clock::Work::fm_send], 1);
    EXPECT_EQ(sender.works[Clock::Work::fm_piece], 4);  // each packet
    // Nothing to do: time goes on by itself, but not past what has come.
    (void)job[1].prepare_park();
    EXPECT_EQ(receiver.waits, 0);
    job[1].extract(job.sink(1));
    (void)job[1].prepare_park();
    EXPECT_EQ(receiver.waits, 1);
}

}  // namespace
}  // namespace dev::fm
