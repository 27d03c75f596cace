// Where this process may run, as bound by the test itself.
#include "adi/base/hardware.hpp"

#include <gtest/gtest.h>
#include <sched.h>

namespace adi {
namespace {

TEST(HardwareTest, TypesAreFoundByName) {
    EXPECT_EQ(find_hardware_type("Package"), 0);
    EXPECT_EQ(find_hardware_type("hwloc://numanode"), 2);
    EXPECT_EQ(find_hardware_type("pu"), 7);
    EXPECT_EQ(find_hardware_type("Toaster"), -1);
    EXPECT_EQ(find_hardware_type(""), -1);
}

TEST(HardwareTest, BoundToOneCpu) {
    cpu_set_t before;
    ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
    std::array<int, 2> units{-2, -2};
    std::size_t found = 0;
    for (std::size_t cpu = 0; cpu < CPU_SETSIZE && found < units.size(); ++cpu) {
        if (!CPU_ISSET(cpu, &before)) continue;
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
        const HardwarePlace place = hardware_place();
        units[found++] = place[7];
        EXPECT_GE(place[7], 0);
        EXPECT_GE(place[0], 0);
    }
    ASSERT_EQ(sched_setaffinity(0, sizeof before, &before), 0);
    if (found < 2) GTEST_SKIP() << "one CPU";
    EXPECT_NE(units[0], units[1]);
    EXPECT_EQ(hardware_place()[7], kSeveralParts);
}

TEST(HardwareTest, CpusOfADescribedHost) {
    const std::vector<HardwareCpu> cpus = hardware_cpus("package:2 core:2 pu:2");
    if (cpus.empty()) GTEST_SKIP() << "no hwloc";
    ASSERT_EQ(cpus.size(), 8U);
    EXPECT_EQ(cpus[5].number, 5);
    EXPECT_EQ(cpus[5].parts[0], 1);
    EXPECT_EQ(cpus[5].parts[6], 2);
    EXPECT_EQ(cpus[5].parts[7], 5);
    EXPECT_EQ(cpus[5].parts[3], kNoPart);
    EXPECT_TRUE(hardware_cpus("nonsense").empty());
}

TEST(HardwareTest, CpusOfThisHostFollowTheAffinity) {
    cpu_set_t before;
    ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
    const std::size_t all = hardware_cpus().size();
    if (all == 0) GTEST_SKIP() << "no hwloc";
    EXPECT_EQ(all, static_cast<std::size_t>(CPU_COUNT(&before)));
    const int first = hardware_cpus()[0].number;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<std::size_t>(first), &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
    const std::vector<HardwareCpu> left = hardware_cpus();
    ASSERT_EQ(sched_setaffinity(0, sizeof before, &before), 0);
    ASSERT_EQ(left.size(), 1U);
    EXPECT_EQ(left[0].number, first);
}

}  // namespace
}  // namespace adi
