#include "adi/base/hex.hpp"

#include <gtest/gtest.h>

namespace adi {
namespace {

TEST(Hex, ComesBackAsItWas) {
    std::vector<std::uint8_t> all(256);
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::uint8_t>(i);
    EXPECT_EQ(to_hex(all).substr(0, 8), "00010203");
    EXPECT_EQ(to_hex(all).substr(508), "feff");
    EXPECT_EQ(from_hex(to_hex(all)), all);
    EXPECT_EQ(to_hex({}), "");
    EXPECT_EQ(from_hex(""), std::vector<std::uint8_t>());
}

TEST(Hex, NothingElseIsTaken) {
    for (const char* text : {"0", "123", "0g", "g0", "FF", "0x", " 0", "-1"}) {
        EXPECT_FALSE(from_hex(text)) << text;
    }
    EXPECT_FALSE(from_hex(std::string_view("0\0", 2)));
}

}  // namespace
}  // namespace adi
