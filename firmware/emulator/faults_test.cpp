#include "firmware/emulator/faults.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace emulator {
namespace {

constexpr Time kSecond = 1'000'000'000'000;

std::string error_of(const std::string& text) {
    const auto plan = parse_faults(text);
    return plan ? "" : plan.message();
}

TEST(Faults, Reads) {
    auto plan = parse_faults(
        "seed=7, drop=1e-3,corrupt=0.5@left:3\tduplicate=1 reorder=0.25@left:3,"
        "down=left:3@2s+500ms remove=right@1.5s reset=right@3us slow=5:20us@1s+2s");
    ASSERT_TRUE(plan.ok()) << plan.message();
    EXPECT_EQ(plan->seed, 7U);
    EXPECT_EQ(plan->all.drop, 1e-3);
    EXPECT_EQ(plan->all.duplicate, 1);
    EXPECT_TRUE(plan->any_rate());
    ASSERT_EQ(plan->links.size(), 1U);
    EXPECT_EQ(plan->links[0].link, "left:3");
    EXPECT_EQ(plan->links[0].rates.corrupt, 0.5);
    EXPECT_EQ(plan->links[0].rates.reorder, 0.25);
    EXPECT_LT(plan->links[0].rates.drop, 0);
    ASSERT_EQ(plan->scheduled.size(), 4U);
    EXPECT_EQ(plan->scheduled[0].event, FaultPlan::Event::down);
    EXPECT_EQ(plan->scheduled[0].at, 2 * kSecond);
    EXPECT_EQ(plan->scheduled[0].lasts, kSecond / 2);
    EXPECT_EQ(plan->scheduled[1].at, kSecond * 3 / 2);
    EXPECT_EQ(plan->scheduled[1].lasts, 0);
    EXPECT_EQ(plan->scheduled[2].at, 3'000'000);
    EXPECT_EQ(plan->scheduled[3].what, "5");
    EXPECT_EQ(plan->scheduled[3].delay, 20'000'000);
    EXPECT_FALSE(parse_faults("")->any_rate());
}

TEST(Faults, SaysWhatIsWrong) {
    EXPECT_EQ(error_of("drop=2"), "fault 'drop=2': the share of packets is a number from 0 to 1");
    EXPECT_EQ(error_of("drop=nan"),
              "fault 'drop=nan': the share of packets is a number from 0 to 1");
    EXPECT_EQ(error_of("seed=1 drop=-1").substr(0, 16), "fault 'drop=-1':");
    EXPECT_EQ(error_of("drop=0.1@"), "fault 'drop=0.1@': a link's name is missing");
    EXPECT_EQ(error_of("seed=x"), "fault 'seed=x': the seed is a number");
    EXPECT_EQ(error_of("slow=5@1s"),
              "fault 'slow=5@1s': expected BOARD:DELAY@TIME, with units s, ms, us or ns");
    EXPECT_EQ(error_of("reset=a@1s+1s"), "fault 'reset=a@1s+1s': a reset does not last");
    EXPECT_EQ(error_of("down=a:1@1s+0s"),
              "fault 'down=a:1@1s+0s': after + stands how long it lasts");
    EXPECT_EQ(error_of("down=a:1@1e9s").substr(0, 22), "fault 'down=a:1@1e9s':");
    EXPECT_NE(error_of("down=a:1"), "");
    EXPECT_NE(error_of("down=@1s"), "");
    EXPECT_NE(error_of("fire=1"), "");
    EXPECT_NE(error_of(std::string(100'000, ',')), "");
}

TEST(Faults, SurvivesAnyText) {
    const std::vector<std::string> bits = {"drop",  "=",
                                           "@",     "+",
                                           ":",     "1s",
                                           "2us",   "1e-3",
                                           ",",     " ",
                                           "a",     "5",
                                           "-",     ".",
                                           "down",  "slow",
                                           "reset", "seed",
                                           "1e309", "inf",
                                           "\xff",  "9999999999999999999s"};
    Random random(3);
    int good = 0;
    for (int round = 0; round < 200'000; ++round) {
        std::string text;
        for (std::uint32_t n = random.below(14); n > 0; --n)
            text += bits[random.below(static_cast<std::uint32_t>(bits.size()))];
        const auto plan = parse_faults(text);
        if (plan)
            ++good;
        else
            ASSERT_NE(plan.message(), "");
    }
    EXPECT_GT(good, 1000);
}

TEST(Random, SameSeedSameNumbers) {
    Random a(9);
    Random b(9);
    int hits = 0;
    for (int i = 0; i < 100'000; ++i) {
        ASSERT_EQ(a.next(), b.next());
        ASSERT_LT(a.below(7), 7U);
        ASSERT_LT(b.below(7), 7U);
    }
    for (int i = 0; i < 100'000; ++i)
        if (a.chance(0.01)) ++hits;
    EXPECT_NEAR(hits, 1000, 150);
    EXPECT_FALSE(a.chance(0));
    EXPECT_TRUE(a.chance(1));
}

}  // namespace
}  // namespace emulator
