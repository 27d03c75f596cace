#include "devices/tcp/windows.hpp"

#include <gtest/gtest.h>

namespace dev::tcp {
namespace {

TEST(Windows, AreForOnePeerAndAsLongAsTheyAre) {
    Windows windows;
    char memory[100];
    const adi::MemoryKey key = windows.open(memory, 100, 3);
    EXPECT_EQ(key.bytes, 100U);
    EXPECT_EQ(windows.find(3, key.value, 100), memory);
    EXPECT_EQ(windows.find(3, key.value, 1), memory);
    EXPECT_EQ(windows.find(3, key.value, 101), nullptr);
    EXPECT_EQ(windows.find(2, key.value, 100), nullptr);
    EXPECT_EQ(windows.find(3, key.value + 1, 100), nullptr);
    EXPECT_EQ(windows.find(3, ~std::uint64_t{0}, 1), nullptr);
}

TEST(Windows, AKeyOfAClosedOneNamesNothing) {
    Windows windows;
    char first[10], second[10];
    const adi::MemoryKey old = windows.open(first, 10, 1);
    EXPECT_EQ(windows.close(old.value), adi::Peer{1});
    EXPECT_EQ(windows.close(old.value), std::nullopt);
    EXPECT_EQ(windows.find(1, old.value, 10), nullptr);
    const adi::MemoryKey fresh = windows.open(second, 10, 1);
    EXPECT_EQ(windows.find(1, old.value, 10), nullptr);
    EXPECT_EQ(windows.find(1, fresh.value, 10), second);
    EXPECT_EQ(windows.close(old.value), std::nullopt);
    EXPECT_EQ(windows.find(1, fresh.value, 10), second);
}

}  // namespace
}  // namespace dev::tcp
