#include "firmware/emulator/machine.hpp"

#include <set>
#include <string>

#include <gtest/gtest.h>

namespace emulator {
namespace {

TEST(Machine, AreFoundByTheirNames) {
    std::set<std::string> names;
    for (const Machine& machine : machines()) {
        EXPECT_EQ(find_machine(machine.name), &machine);
        EXPECT_TRUE(names.insert(machine.name).second) << machine.name << " stands there twice";
        EXPECT_NE(*machine.description, '\0');
    }
    EXPECT_STREQ(machines().front().name, "ppro200");  // that of the targets
    EXPECT_EQ(find_machine("cray"), nullptr);
    EXPECT_EQ(find_machine(""), nullptr);
}

// No constant lets a machine do what its hardware could not.
TEST(Machine, NoneIsFasterThanItsBus) {
    for (const Machine& machine : machines()) {
        SCOPED_TRACE(machine.name);
        EXPECT_GE(machine.cycle_ps, 30'000);     // 33 MHz at most
        EXPECT_GE(machine.dma_byte_ps, 7'500);   // PCI, 32 bit at 33 MHz
        EXPECT_GE(machine.link_byte_ps, 6'250);  // 1.28 Gbit/s
        EXPECT_GT(machine.pio_write_byte_ps, machine.dma_byte_ps);
        EXPECT_GT(machine.pio_read_ps, machine.pio_word_ps);
        EXPECT_GT(machine.dma_start_ps, 0);
        EXPECT_GT(machine.poll_ps, 0);
        EXPECT_GT(machine.copy_byte_ps, 0);
    }
}

// A paper's machine differs from the plain one in software alone, so that the comparison is fair.
TEST(Machine, PapersKeepTheHardware) {
    const auto same_hardware = [](const Machine& a, const Machine& b) {
        return a.cycle_ps == b.cycle_ps && a.dma_start_ps == b.dma_start_ps &&
               a.dma_byte_ps == b.dma_byte_ps && a.link_byte_ps == b.link_byte_ps &&
               a.hop_ps == b.hop_ps && a.cable_ps == b.cable_ps &&
               a.pio_write_start_ps == b.pio_write_start_ps &&
               a.pio_write_byte_ps == b.pio_write_byte_ps && a.pio_word_ps == b.pio_word_ps &&
               a.pio_read_ps == b.pio_read_ps && a.poll_ps == b.poll_ps &&
               a.copy_start_ps == b.copy_start_ps && a.copy_byte_ps == b.copy_byte_ps;
    };
    EXPECT_TRUE(same_hardware(*find_machine("bip"), *find_machine("ppro200")));
    EXPECT_TRUE(same_hardware(*find_machine("fm2"), *find_machine("pii300")));
    EXPECT_FALSE(same_hardware(*find_machine("pii300"), *find_machine("ppro200")));
}

}  // namespace
}  // namespace emulator
