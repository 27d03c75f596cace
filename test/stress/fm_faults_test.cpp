// Fast Messages, whole, where links and switches go, nodes stop extracting, and nodes end.
#include "test/stress/fm_job_fixture.hpp"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <set>

namespace fm_stress {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

/// The emulator's clock starts in its constructor: before this one's.
class Since {
  public:
    bool passed(milliseconds time) const { return Clock::now() - begin_ > time; }

  private:
    Clock::time_point begin_ = Clock::now();
};

void everybody_sends(Job& job, std::uint64_t more) {
    for (std::uint32_t from = 0; from < job.size(); ++from) {
        for (std::uint32_t to = 0; to < job.size(); ++to)
            job[from].out[to].limit = job[from].out[to].sent + more;
    }
}

/// All to all, themselves included, for so long; then until all has arrived.
void traffic_for(Job& job, milliseconds time) {
    const Since since;
    everybody_sends(job, 1'000'000'000);
    job.run_until([&] { return since.passed(time); });
    everybody_sends(job, 0);
    job.run_until([&] { return job.settled(); });
    if (testing::Test::HasFatalFailure()) return;
    for (std::uint32_t from = 0; from < job.size(); ++from) {
        EXPECT_TRUE(job[from].losses.empty()) << from;
        for (std::uint32_t to = 0; to < job.size(); ++to)
            EXPECT_GT(job[to].in[from].received, 0U) << from << " to " << to;
    }
}

TEST(FmFaults, ALinkIsDownForTwoSeconds) {
    emulator::EmulatorOptions options;
    options.boards = 3;
    options.faults = "down=0@200ms+2s";
    emulator_test::RunningEmulator emulator(options);
    Job job(emulator.name(), 3, {0, 1, 2});
    traffic_for(job, milliseconds(2500));
    everybody_sends(job, 1000);  // it is as it was
    job.run_until([&] { return job.settled(); });
    emulator.stop();
    EXPECT_EQ(emulator->network().counters().faults.links_down, 1U);
    EXPECT_GT(total(*emulator, &fm_counters::timeouts), 0U) << "packets were on their way";
    EXPECT_EQ(total(*emulator, &fm_counters::nodes_lost), 0U);
}

/// Four times in a row, with little between: each time packets of another kind are under way.
TEST(FmFaults, ALinkThatComesAndGoes) {
    emulator::EmulatorOptions options;
    options.boards = 3;
    options.faults =
        "down=0@100ms+30ms,down=1@150ms+50ms,down=0@250ms+10ms,down=2@300ms+200ms,"
        "drop=1e-3,duplicate=1e-3";
    emulator_test::RunningEmulator emulator(options);
    Job job(emulator.name(), 6, {0, 1, 2, 0, 1, 2});
    traffic_for(job, milliseconds(600));
    emulator.stop();
    EXPECT_EQ(emulator->network().counters().faults.links_down, 4U);
    EXPECT_EQ(total(*emulator, &fm_counters::nodes_lost), 0U);
}

TEST(FmFaults, ASwitchForgetsWhatIsInIt) {
    emulator::EmulatorOptions options;
    options.boards = 3;
    const std::string name = emulator::default_topology(3).switches[0].name;
    for (const char* when : {"@100ms,", "@200ms,", "@250ms,"})
        options.faults += "reset=" + name + when;
    emulator_test::RunningEmulator emulator(options);
    Job job(emulator.name(), 3, {0, 1, 2});
    traffic_for(job, milliseconds(400));
    emulator.stop();
    EXPECT_EQ(emulator->network().counters().faults.switches_reset, 3U);
}

/// Two leaves, and two switches that join them.
constexpr const char* kTwoWays =
    "switch left 8\nswitch right 8\nswitch up 8\nswitch down 8\nboard 0\nboard 1\nboard 2\n"
    "link 0 left:0\nlink 1 right:0\nlink 2 right:1\n"
    "link left:6 up:0\nlink right:6 up:5\nlink left:7 down:1\nlink right:7 down:7\n";

TEST(FmFaults, ASwitchGoesWhereThereIsAnotherWay) {
    const std::string file = testing::TempDir() + "fathom-two-ways-" + std::to_string(::getpid());
    std::ofstream(file) << kTwoWays;
    emulator::EmulatorOptions options;
    options.fabric = file;
    options.firmware.map = true;
    options.firmware.map_ms = 200;
    options.faults = "remove=up@500ms+1s,remove=down@2500ms";
    emulator_test::RunningEmulator emulator(options);
    std::filesystem::remove(file);
    Job job(emulator.name(), 3, {0, 1, 2});
    traffic_for(job, milliseconds(3500));
    everybody_sends(job, 1000);
    job.run_until([&] { return job.settled(); });
    emulator.stop();
    EXPECT_EQ(emulator->network().counters().faults.switches_removed, 2U);
    EXPECT_EQ(total(*emulator, &fm_counters::nodes_lost), 0U);
}

TEST(FmFaults, ANodeThatDoesNotExtractStopsItsSendersAlone) {
    emulator::EmulatorOptions options;
    options.boards = 3;
    emulator_test::RunningEmulator emulator(options);
    Job job(emulator.name(), 4, {0, 1, 2, 2});  // 3 shares a board with 2
    everybody_sends(job, 5'000);
    for (Flow& flow : job[3].out) flow.limit = 500;
    job[3].extracts = false;
    const auto others_done = [&] {
        for (std::uint32_t from = 0; from < 3; ++from) {
            for (std::uint32_t to = 0; to < 3; ++to)
                if (job[to].in[from].received < 5'000) return false;
        }
        return true;
    };
    job.run_until(others_done);
    for (std::uint32_t from = 0; from < 3; ++from) {
        EXPECT_LE(job[from].out[3].sent, job[3].endpoint.credits()) << "it has no more room";
        EXPECT_GT(job[from].out[3].sent, 0U);
        EXPECT_EQ(job[3].in[from].received, 0U);
    }
    job[3].extracts = true;
    job.run_until([&] { return job.settled(); });
    for (std::uint32_t from = 0; from < 4; ++from)
        EXPECT_EQ(job[3].in[from].received, from < 3 ? 5'000U : 500U);
    emulator.stop();
    EXPECT_EQ(total(*emulator, &fm_counters::ring_full), 0U);
    EXPECT_EQ(total(*emulator, &fm_counters::nodes_lost), 0U);
}

TEST(FmFaults, ABoardThatIsSlowHoldsUpNobodyElse) {
    emulator::EmulatorOptions options;
    options.boards = 3;
    options.faults = "slow=2:200us@0s+500ms";
    emulator_test::RunningEmulator emulator(options);
    Job job(emulator.name(), 3, {0, 1, 2});
    everybody_sends(job, 2'000);
    job.run_until([&] { return job.settled(); });
    emulator.stop();
    EXPECT_EQ(total(*emulator, &fm_counters::nodes_lost), 0U);
}

TEST(FmFaults, MessagesToItself) {
    emulator::EmulatorOptions options;
    options.boards = 1;
    emulator_test::RunningEmulator emulator(options);
    Job job(emulator.name(), 1, {0});
    everybody_sends(job, 5'000);
    job.run_until([&] { return job.settled(); });
    EXPECT_EQ(job[0].in[0].received, 5'000U);
    emulator.stop();
    EXPECT_EQ(emulator->network().counters().sent, 0U) << "they touch no wire";
}

/// Its endpoint is closed: boards say so to those who go on sending. Whoever shares its board too.
TEST(FmFaults, ANodeEnds) {
    emulator::EmulatorOptions options;
    options.boards = 3;
    emulator_test::RunningEmulator emulator(options);
    Job job(emulator.name(), 4, {0, 1, 2, 2});
    everybody_sends(job, 1'000'000'000);
    for (std::uint32_t other : {0U, 1U, 2U}) job[other].out[3].limit = 2;
    job.run_until([&] {
        return job[0].in[3].received > 300 && job[0].out[3].sent == 2 && job[1].out[3].sent == 2 &&
               job[2].out[3].sent == 2;
    });
    job.end(3);
    // Until the emulator sees that, its board takes messages for it: no number of them is enough.
    for (std::uint32_t other : {0U, 1U, 2U}) job[other].out[3].limit = 1'000'000'000;
    job.run_until([&] { return job[0].out[3].lost && job[1].out[3].lost && job[2].out[3].lost; });
    for (std::uint32_t from = 0; from < 3; ++from)
        EXPECT_EQ(job[from].losses, std::vector<std::uint32_t>{3}) << from;
    const std::uint64_t before = job[1].in[0].received;
    job.run_until([&] { return job[1].in[0].received > before + 1000; });
    for (std::uint32_t from = 0; from < 3; ++from) {
        for (std::uint32_t to = 0; to < 3; ++to) job[from].out[to].limit = 0;
        job[from].out[3].limit = 0;
    }
    emulator.stop();
}

/// A board that is cut off says nothing: after a time a message to its node is given up, and so are
/// those that it sends.
TEST(FmFaults, ANodeIsCutOffForGood) {
    emulator::EmulatorOptions options;
    options.boards = 3;
    options.faults = "down=2@200ms";
    options.firmware.give_up_ms = 500;
    emulator_test::RunningEmulator emulator(options);
    Job job(emulator.name(), 3, {0, 1, 2});
    const Since since;
    job[0].out[1].limit = job[1].out[0].limit = 1'000'000'000;
    job.run_until([&] { return since.passed(milliseconds(300)); });
    for (std::uint32_t other : {0U, 1U}) job[other].out[2].limit = job[2].out[other].limit = 2;
    job.run_until([&] {
        return job[0].out[2].lost && job[1].out[2].lost && job[2].out[0].lost && job[2].out[1].lost;
    });
    EXPECT_EQ(job[0].losses, std::vector<std::uint32_t>{2});
    EXPECT_EQ(job[1].losses, std::vector<std::uint32_t>{2});
    EXPECT_EQ(std::set<std::uint32_t>(job[2].losses.begin(), job[2].losses.end()),
              (std::set<std::uint32_t>{0, 1}));
    const std::uint64_t before = job[1].in[0].received;
    job.run_until([&] { return job[1].in[0].received > before + 1000; });
    EXPECT_FALSE(job[0].out[1].lost);
    EXPECT_EQ(job[0].in[2].received, 0U);
}

}  // namespace
}  // namespace fm_stress
