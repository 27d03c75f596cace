// Fast Messages, whole, on a network that loses, spoils, doubles and reorders packets. What boards
// counted and what was injected agree to the packet.
//
// FATHOM_SOAK_MESSAGES: how many messages in each run (40000).
#include "test/stress/fm_job_fixture.hpp"

#include <cstdlib>

namespace fm_stress {
namespace {

std::uint64_t messages() {
    const char* text = std::getenv("FATHOM_SOAK_MESSAGES");
    const std::uint64_t count = text == nullptr ? 0 : std::strtoull(text, nullptr, 10);
    return count == 0 ? 40'000 : count;
}

/// Every packet that a board sent is somewhere.
void check_books(emulator::Emulator& emulator) {
    const emulator::NetworkCounters network = emulator.network().counters();
    const emulator::FaultCounters& faults = network.faults;
    const auto all = [&](auto which) { return total(emulator, which); };
    using C = fm_counters;
    const std::uint64_t sent = all(&C::sent);
    const std::uint64_t again = all(&C::retransmitted);
    const std::uint64_t astray = network.bad_routes + network.dead_links;
    EXPECT_EQ(sent, all(&C::received)) << "each packet is accepted once";
    EXPECT_EQ(network.sent, sent + again + all(&C::acks_sent));
    EXPECT_EQ(network.sent + faults.duplicated, network.delivered + faults.dropped + astray);
    EXPECT_EQ(network.delivered, all(&C::received) + all(&C::duplicates) + all(&C::gaps) +
                                     all(&C::crc_errors) + all(&C::acks_received));
    EXPECT_LE(all(&C::duplicates), again + faults.duplicated);
    // A spoilt packet may be lost, or doubled, on its second link.
    EXPECT_LE(all(&C::crc_errors) + astray, faults.corrupted + faults.duplicated);
    EXPECT_GE(all(&C::crc_errors) + astray + faults.dropped, faults.corrupted);
    EXPECT_EQ(all(&C::ring_full), 0U) << "credits";
    for (const auto which : {&C::bad_packets, &C::refused, &C::bad_descriptors, &C::bad_deposits,
                             &C::nodes_lost, &C::link_resets})
        EXPECT_EQ(all(which), 0U);
    EXPECT_EQ(network.lost, 0U);
    std::printf(
        "sent %llu again %llu duplicates %llu gaps %llu crc %llu timeouts %llu | injected: "
        "dropped %llu corrupted %llu duplicated %llu reordered %llu, astray %llu\n",
        static_cast<unsigned long long>(sent), static_cast<unsigned long long>(again),
        static_cast<unsigned long long>(all(&C::duplicates)),
        static_cast<unsigned long long>(all(&C::gaps)),
        static_cast<unsigned long long>(all(&C::crc_errors)),
        static_cast<unsigned long long>(all(&C::timeouts)),
        static_cast<unsigned long long>(faults.dropped),
        static_cast<unsigned long long>(faults.corrupted),
        static_cast<unsigned long long>(faults.duplicated),
        static_cast<unsigned long long>(faults.reordered), static_cast<unsigned long long>(astray));
}

/// Nodes 0 and 1 talk with nodes 2 and 3, both ways, each on a board of its own.
void soak(const std::string& faults, std::uint64_t count, emulator::NetworkCounters* network) {
    emulator::EmulatorOptions options;
    options.boards = 4;
    options.faults = faults;
    emulator_test::RunningEmulator emulator(options);
    {
        Job job(emulator.name(), 4, {0, 1, 2, 3});
        for (std::uint32_t a : {0U, 1U}) {
            for (std::uint32_t b : {2U, 3U}) job[a].out[b].limit = job[b].out[a].limit = count / 8;
        }
        job.run_until([&] { return job.settled(); });
        if (testing::Test::HasFatalFailure()) return;
        job.wait_until_quiet();
        emulator.stop();
    }
    check_books(*emulator);
    *network = emulator->network().counters();
}

class Soak : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Rates, Soak, testing::Values("1e-6", "1e-4", "1e-2"));

/// Two wrong bursts in one packet can cancel out in a CRC of 8 bits: each packet crosses one link
/// that spoils.
TEST_P(Soak, EverythingAtOnce) {
    const std::string rate = GetParam();
    emulator::NetworkCounters network;
    soak("seed=4,drop=" + rate + ",duplicate=" + rate + ",reorder=" + rate + ",corrupt=" + rate +
             "@0,corrupt=" + rate + "@1",
         messages(), &network);
    const emulator::FaultCounters& faults = network.faults;
    const auto expected = 2 * static_cast<double>(network.sent) * std::atof(GetParam());
    if (expected < 100) return;
    for (const std::uint64_t injected : {faults.dropped, faults.duplicated, faults.reordered})
        EXPECT_NEAR(static_cast<double>(injected), expected, expected * 0.5);
    EXPECT_NEAR(static_cast<double>(faults.corrupted), expected / 2, expected / 4);
}

TEST(SoakOneKind, CorruptionIsSeenEachTime) {
    emulator::NetworkCounters network;
    soak("seed=5,corrupt=1e-2@0,corrupt=1e-2@1", messages() / 4, &network);
    EXPECT_GT(network.faults.corrupted, messages() / 4 / 200);
}

}  // namespace
}  // namespace fm_stress
