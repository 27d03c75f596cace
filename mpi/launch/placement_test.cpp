// Which rank goes where, on hosts that hwloc describes.
#include "mpi/launch/placement.hpp"

#include <gtest/gtest.h>

namespace launch {
namespace {

using Lists = std::vector<std::vector<int>>;

/// Two sockets, each a NUMA node with a cache of its own and two cores of two threads: CPUs 0 to 7.
constexpr const char* kTwoSockets = "package:2 numa:1 l3:1 core:2 pu:2";
constexpr const char* kOneSocket = "package:1 core:4 pu:1";

class Placement : public ::testing::Test {
  protected:
    void SetUp() override {
        if (make_machine(adi::hardware_cpus(kTwoSockets)).cpus.empty()) GTEST_SKIP() << "no hwloc";
    }

    void use(std::vector<const char*> descriptions) {
        machines_.clear();
        options_.hosts.clear();
        for (const char* description : descriptions) {
            machines_.push_back(make_machine(adi::hardware_cpus(description)));
            options_.hosts.push_back(
                {std::string(1, static_cast<char>('a' + options_.hosts.size()))});
        }
    }

    bool map_by(const char* word) { return parse_map_by(word, &options_.places, &error_); }
    bool bind_to(const char* word) { return parse_bind_to(word, &options_.places, &error_); }
    bool rank_by(const char* word) { return parse_rank_by(word, &options_.places, &error_); }

    /// Places so many ranks.
    bool place(int ranks) {
        plan_ = {};
        plan_.ranks.resize(static_cast<std::size_t>(ranks));
        notes_.clear();
        return place_ranks(options_, machines_, &plan_, &notes_, &error_);
    }
    std::vector<int> hosts() const {
        std::vector<int> hosts;
        for (const RankPlan& rank : plan_.ranks) hosts.push_back(rank.host);
        return hosts;
    }
    Lists cpus() const {
        Lists cpus;
        for (const RankPlan& rank : plan_.ranks) cpus.push_back(rank.cpus);
        return cpus;
    }

    Options options_;
    std::vector<Machine> machines_;
    JobPlan plan_;
    std::vector<std::string> notes_;
    std::string error_;
};

TEST_F(Placement, FillsSlotsOrGoesRound) {
    use({kOneSocket, kOneSocket});
    options_.hosts[0].slots = 2;
    options_.hosts[1].slots = 1;
    ASSERT_TRUE(place(5));
    EXPECT_EQ(hosts(), (std::vector<int>{0, 0, 1, 0, 0}));
    ASSERT_TRUE(map_by("node") && place(5));
    EXPECT_EQ(hosts(), (std::vector<int>{0, 1, 0, 0, 1}));
    EXPECT_EQ(cpus(), Lists(5));
    EXPECT_EQ(plan_.process_mapping(), "(vector,(0,2,1),(0,1,2),(1,1,1))");
}

TEST_F(Placement, KeepsToLimits) {
    use({kOneSocket, kOneSocket});
    options_.hosts[0].slots = options_.hosts[1].slots = 1;
    options_.hosts[0].max_slots = 2;
    ASSERT_TRUE(place(6));
    EXPECT_EQ(hosts(), (std::vector<int>{0, 1, 0, 1, 1, 1}));
    options_.hosts[1].max_slots = 2;
    EXPECT_FALSE(place(5));
    EXPECT_NE(error_.find("max_slots"), std::string::npos);
    ASSERT_TRUE(map_by("slot:NOOVERSUBSCRIBE"));
    EXPECT_TRUE(place(2));
    EXPECT_FALSE(place(3));
}

TEST_F(Placement, SpreadsOverParts) {
    use({kTwoSockets});
    ASSERT_TRUE(map_by("socket") && place(3));
    EXPECT_EQ(cpus(), (Lists{{0, 1, 2, 3}, {4, 5, 6, 7}, {0, 1, 2, 3}}));
    ASSERT_TRUE(bind_to("core") && place(4));
    EXPECT_EQ(cpus(), (Lists{{0, 1}, {4, 5}, {2, 3}, {6, 7}}));
    ASSERT_TRUE(map_by("core") && bind_to("socket") && place(4));
    EXPECT_EQ(cpus(), (Lists{{0, 1, 2, 3}, {0, 1, 2, 3}, {4, 5, 6, 7}, {4, 5, 6, 7}}));
    ASSERT_TRUE(map_by("l3cache") && bind_to("hwthread") && place(3));
    EXPECT_EQ(cpus(), (Lists{{0}, {4}, {1}}));
    ASSERT_TRUE(bind_to("none") && place(2));
    EXPECT_EQ(cpus(), Lists(2));
}

TEST_F(Placement, BindsInTurnWithoutParts) {
    use({kTwoSockets});
    ASSERT_TRUE(bind_to("core:2") && place(2));
    EXPECT_EQ(cpus(), (Lists{{0, 1, 2, 3}, {4, 5, 6, 7}}));
    ASSERT_TRUE(bind_to("numa") && place(4));
    EXPECT_EQ(cpus(), (Lists{{0, 1, 2, 3}, {4, 5, 6, 7}, {0, 1, 2, 3}, {4, 5, 6, 7}}));
    ASSERT_TRUE(bind_to("user:0+5,3") && place(3));
    EXPECT_EQ(cpus(), (Lists{{0, 5}, {3}, {0, 5}}));
}

TEST_F(Placement, SoManyOnEach) {
    use({kTwoSockets, kOneSocket});
    ASSERT_TRUE(map_by("ppr:2:socket"));
    options_.fill_places = true;
    ASSERT_TRUE(place(1));
    EXPECT_EQ(hosts(), (std::vector<int>{0, 0, 0, 0, 1, 1}));
    EXPECT_EQ(cpus()[1], (std::vector<int>{0, 1, 2, 3}));
    EXPECT_EQ(cpus()[2], (std::vector<int>{4, 5, 6, 7}));
    ASSERT_TRUE(map_by("ppr:1:node") && place(1));
    EXPECT_EQ(hosts(), (std::vector<int>{0, 1}));
    EXPECT_TRUE(notes_.empty());
    options_.fill_places = false;
    ASSERT_TRUE(place(3));
    EXPECT_EQ(notes_.size(), 1U);
}

TEST_F(Placement, SeveralCpusForEach) {
    use({kOneSocket, kOneSocket});
    ASSERT_TRUE(map_by("slot:PE=2") && place(4));
    EXPECT_EQ(hosts(), (std::vector<int>{0, 0, 1, 1}));
    EXPECT_EQ(cpus(), (Lists{{0, 1}, {2, 3}, {0, 1}, {2, 3}}));
}

TEST_F(Placement, SpansAllHosts) {
    use({kTwoSockets, kTwoSockets});
    ASSERT_TRUE(map_by("socket:SPAN") && place(5));
    EXPECT_EQ(hosts(), (std::vector<int>{0, 0, 1, 1, 0}));
    EXPECT_EQ(cpus()[3], (std::vector<int>{4, 5, 6, 7}));
}

TEST_F(Placement, NumbersRanks) {
    use({kTwoSockets, kTwoSockets});
    for (HostEntry& host : options_.hosts) host.slots = 4;
    ASSERT_TRUE(map_by("core") && rank_by("socket") && place(8));
    EXPECT_EQ(cpus(), (Lists{{0, 1}, {4, 5}, {2, 3}, {6, 7}, {0, 1}, {4, 5}, {2, 3}, {6, 7}}));
    EXPECT_EQ(hosts(), (std::vector<int>{0, 0, 0, 0, 1, 1, 1, 1}));
    ASSERT_TRUE(rank_by("socket:span") && place(8));
    EXPECT_EQ(hosts(), (std::vector<int>{0, 0, 1, 1, 0, 0, 1, 1}));
    ASSERT_TRUE(rank_by("node") && place(4));
    EXPECT_EQ(hosts(), (std::vector<int>{0, 0, 0, 0}));
    ASSERT_TRUE(rank_by("node") && place(8));
    EXPECT_EQ(hosts(), (std::vector<int>{0, 1, 0, 1, 0, 1, 0, 1}));
    ASSERT_TRUE(map_by("node") && rank_by("slot") && place(8));
    EXPECT_EQ(hosts(), (std::vector<int>{0, 0, 0, 0, 1, 1, 1, 1}));
}

TEST_F(Placement, BindsNobodyWhereCpusAreTooFew) {
    use({kOneSocket});
    ASSERT_TRUE(bind_to("core") && place(5));
    EXPECT_EQ(cpus(), Lists(5));
    ASSERT_EQ(notes_.size(), 1U);
    EXPECT_NE(notes_[0].find("overload-allowed"), std::string::npos);
    ASSERT_TRUE(bind_to("core:if-supported") && place(5));
    EXPECT_TRUE(notes_.empty());
    ASSERT_TRUE(bind_to("core:overload-allowed") && place(5));
    EXPECT_EQ(cpus(), (Lists{{0}, {1}, {2}, {3}, {0}}));
    ASSERT_TRUE(place(2));
    EXPECT_EQ(cpus(), (Lists{{0}, {1}}));
}

TEST_F(Placement, CoresAreNotShared) {
    use({kTwoSockets});
    ASSERT_TRUE(bind_to("core") && place(5));  // eight threads, but four cores
    EXPECT_EQ(cpus(), Lists(5));
    ASSERT_EQ(notes_.size(), 1U);
    EXPECT_NE(notes_[0].find("5 ranks need more than its 4 cores"), std::string::npos) << notes_[0];
    ASSERT_TRUE(bind_to("hwthread") && place(5));
    EXPECT_EQ(cpus()[4], (std::vector<int>{4}));
}

TEST_F(Placement, ASetOfCpus) {
    use({kTwoSockets});
    ASSERT_TRUE(parse_cpu_set("1-2", &options_.places, &error_) && place(1));
    EXPECT_EQ(cpus(), (Lists{{2, 3, 4, 5}}));
    ASSERT_TRUE(bind_to("core") && place(2));
    EXPECT_EQ(cpus(), (Lists{{2, 3}, {4, 5}}));
    ASSERT_TRUE(parse_cpu_set("9", &options_.places, &error_));
    EXPECT_FALSE(place(1));
}

TEST_F(Placement, WithoutHwlocNobodyIsBound) {
    use({kOneSocket});
    machines_[0].cpus.clear();
    ASSERT_TRUE(map_by("socket") && bind_to("core") && rank_by("core") && place(2));
    EXPECT_EQ(cpus(), Lists(2));
    EXPECT_EQ(notes_.size(), 1U);
}

TEST_F(Placement, IsDescribed) {
    const Machine machine = make_machine(adi::hardware_cpus(kTwoSockets));
    EXPECT_EQ(describe_binding(machine, {0, 1, 4}),
              "bound to socket 0[core 0[hwt 0,1]], socket 1[core 2[hwt 0]]: [BB/..][B./..]");
    EXPECT_EQ(describe_binding(make_machine(adi::hardware_cpus("core:2 pu:1")), {0}),
              "bound to socket 0[core 0[hwt 0]]: [B/.]");
    EXPECT_EQ(describe_binding(machine, {}), "is not bound (or bound to all available processors)");
}

TEST_F(Placement, APartThatTheHostDoesNotHaveIsTheNextLarger) {
    const Machine machine = make_machine(adi::hardware_cpus("package:2 core:2 pu:1"));
    EXPECT_EQ(machine.parts(Level::l3cache).size(), 2U);
    EXPECT_EQ(machine.parts(Level::node).size(), 1U);
    EXPECT_EQ(machine.parts(Level::core).size(), 4U);
}

}  // namespace
}  // namespace launch
