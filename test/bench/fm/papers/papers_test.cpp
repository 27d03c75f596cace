// The papers' systems carry their messages right, and come out at what the papers published: the
// emulated machines are fair. Modelled time: each run gives the same.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "../rank.hpp"
#include "measurement.hpp"

namespace fm_bench {
namespace {

class Papers : public testing::TestWithParam<const char*> {
  protected:
    const System& system() const { return *find_system(GetParam()); }
    /// BIP's messages are words.
    bool words() const { return std::string_view(GetParam()) == "bip"; }
};
INSTANTIATE_TEST_SUITE_P(All, Papers, testing::Values("fm1", "fm2", "mpifm", "bip"),
                         [](const auto& each) { return std::string(each.param); });

// A measurement checks the bytes that came.
TEST_P(Papers, CarryMessagesOfAnyLengthFromAnyPlace) {
    for (const std::size_t bytes : {4, 127, 128, 129, 256, 260, 1025, 4096, 5000, 70000}) {
        if (words() && bytes % 4 != 0) continue;
        for (const std::size_t offset : {0, 2052}) {
            SCOPED_TRACE(testing::Message() << bytes << " bytes, offset " << offset);
            EXPECT_GT(Measurement(system(), bytes, {}, offset).ping_pong_us(2), 0);
            EXPECT_GT(Measurement(system(), bytes, {}, offset).stream_us(5), 0);
            if (!system().both_ways) continue;
            EXPECT_GT(Measurement(system(), bytes, {}, offset).exchange_us(5), 0);
        }
    }
}

/// What node 1 has received of `count` messages of node 0's, number i of which is i + k at place k;
/// it takes nothing before `patience`.
std::vector<std::vector<std::byte>> stream(const System& system, std::size_t count,
                                           std::size_t bytes, Time patience) {
    Pair pair(*emulator::find_machine(system.machine), system.image, {});
    const auto first = system.open(pair, 0), second = system.open(pair, 1);
    const auto out = pair.host(0).memory().allocate(bytes);
    const auto in = pair.host(1).memory().allocate(bytes);
    std::vector<std::vector<std::byte>> arrived;
    pair.run(
        [&] {
            for (std::size_t i = 0; i < count; ++i) {
                for (std::size_t k = 0; k < bytes; ++k) out[k] = static_cast<std::byte>(i + k);
                first->send(out.data(), bytes);
            }
        },
        [&] {
            pair.host(1).compute(patience, "patience");
            for (std::size_t i = 0; i < count; ++i) {
                second->post(in.data(), bytes);
                second->wait();
                arrived.emplace_back(in.begin(), in.end());
            }
        });
    return arrived;
}

// More messages than there are slots, and a receiver that comes late: nothing is lost or overtaken,
// as the sender has no credits or no clearance.
TEST_P(Papers, KeepOrderAndWaitForTheReceiver) {
    if (words()) return;  // short ones need one: the next test
    const auto arrived = stream(system(), 200, 300, 20'000'000'000);
    ASSERT_EQ(arrived.size(), 200U);
    for (std::size_t i = 0; i < arrived.size(); ++i)
        for (std::size_t k = 0; k < arrived[i].size(); ++k)
            ASSERT_EQ(arrived[i][k], static_cast<std::byte>(i + k)) << i << ' ' << k;
}

TEST(Bip, KeepsOrderAndWaitsForTheReceiverOfALongMessage) {
    const auto arrived = stream(*find_system("bip"), 40, 9000, 2'000'000'000);
    ASSERT_EQ(arrived.size(), 40U);
    for (std::size_t i = 0; i < arrived.size(); ++i)
        for (std::size_t k = 0; k < arrived[i].size(); ++k)
            ASSERT_EQ(arrived[i][k], static_cast<std::byte>(i + k)) << i << ' ' << k;
}

TEST_P(Papers, TakeTheSameTimeEachTime) {
    const double once = Measurement(system(), 1000).ping_pong_us(4);
    EXPECT_EQ(Measurement(system(), 1000).ping_pong_us(4), once);
}

// --- what was published --------------------------------------------------------------------------

constexpr double kTolerance = 0.15;

struct Published {
    const char* system;
    std::size_t bytes;  // of the message with the latency
    double latency_us, peak_mb_s, half_bytes;
    bool half_of_pingpong;
};
constexpr Published kPublished[] = {
    {"fm1", 16, 14, 17.6, 54, false},
    {"fm2", 8, 9, 92, 256, false},
    {"mpifm", 8, 13, 91, 0, false},
    {"bip", 8, 4.3, 126, 4096, true},
};

constexpr std::size_t kLong = 1 << 20;

double bandwidth(const System& system, std::size_t bytes, bool pingpong) {
    Measurement measurement(system, bytes);
    const int count = bytes < kLong ? 40 : 4;
    return static_cast<double>(bytes) /
           (pingpong ? measurement.ping_pong_us(4) : measurement.stream_us(count));
}

TEST(Published, LatencyPeakAndHalfPowerComeOutTogether) {
    for (const Published& paper : kPublished) {
        SCOPED_TRACE(paper.system);
        const System& system = *find_system(paper.system);
        EXPECT_NEAR(Measurement(system, paper.bytes).ping_pong_us(8), paper.latency_us,
                    kTolerance * paper.latency_us);
        EXPECT_NEAR(bandwidth(system, kLong, false), paper.peak_mb_s, kTolerance * paper.peak_mb_s);
        if (paper.half_bytes == 0) continue;
        const double half = bandwidth(system, kLong, paper.half_of_pingpong) / 2;
        const auto least = static_cast<std::size_t>(paper.half_bytes * (1 - kTolerance)) / 4 * 4;
        const auto most = static_cast<std::size_t>(paper.half_bytes * (1 + kTolerance)) / 4 * 4;
        EXPECT_LT(bandwidth(system, least, paper.half_of_pingpong), half);
        EXPECT_GT(bandwidth(system, most, paper.half_of_pingpong), half);
    }
}

TEST(Published, FastMessages2At256Bytes) {
    EXPECT_NEAR(bandwidth(*find_system("fm2"), 256, false), 43, kTolerance * 43);
}

}  // namespace
}  // namespace fm_bench
