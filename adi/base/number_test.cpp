#include "adi/base/number.hpp"

#include <gtest/gtest.h>

#include <cstdint>

namespace adi {
namespace {

TEST(Number, IsTheWholeText) {
    EXPECT_EQ(parse_number<int>("42"), 42);
    EXPECT_EQ(parse_number<int>("-7"), -7);
    for (const char* text : {"", "+1", " 1", "1 ", "0x1", "1.0", "99999999999999999999", "-"}) {
        EXPECT_FALSE(parse_number<int>(text)) << text;
    }
    EXPECT_EQ(parse_number<std::uint32_t>("4294967295"), 4294967295U);
    EXPECT_FALSE(parse_number<std::uint32_t>("4294967296"));
    EXPECT_FALSE(parse_number<std::uint32_t>("-1"));
    EXPECT_EQ(parse_number<std::uint32_t>("fF", 16), 255U);
    EXPECT_FALSE(parse_number<std::uint32_t>("0xff", 16));
}

TEST(Number, MayBeAFraction) {
    EXPECT_EQ(parse_number<double>("1e-3"), 1e-3);
    for (const char* text : {"", "1e", "1,5", " 1", "1s"}) {
        EXPECT_FALSE(parse_number<double>(text)) << text;
    }
}

TEST(Number, LiesWithinLimits) {
    EXPECT_EQ(parse_number_within<int>("0", 0, 99), 0);
    EXPECT_EQ(parse_number_within<int>("99", 0, 99), 99);
    EXPECT_FALSE(parse_number_within<int>("100", 0, 99));
    EXPECT_FALSE(parse_number_within<int>("-1", 0, 99));
}

}  // namespace
}  // namespace adi
