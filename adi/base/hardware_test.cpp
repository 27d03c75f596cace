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

}  // namespace
}  // namespace adi
