#include "adi/base/hmac.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "adi/base/hex.hpp"

namespace adi {
namespace {

// RFC 4231, test cases 2 and 6: a key shorter and one longer than a block of SHA-256.
TEST(Hmac, IsTheOneOfTheStandard) {
    EXPECT_EQ(to_hex(Hmac(std::string_view("Jefe"))
                         .add(std::string_view("what do ya want "))
                         .add(std::string_view("for nothing?"))
                         .finish()),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    EXPECT_EQ(to_hex(Hmac(std::string(131, '\xaa'))
                         .add(std::string_view("Test Using Larger Than Block-Size Key - Hash Key "
                                               "First"))
                         .finish()),
              "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Hmac, ValuesAreTheirBytes) {
    const std::uint32_t value = 0x64636261;
    const std::string_view key = "k";
    EXPECT_EQ(Hmac(key).add_value(value).finish<16>(),
              Hmac(key).add(std::string_view("abcd")).finish<16>());
}

TEST(Hmac, ProofsAreTheSameOrNot) {
    const auto proof = Hmac(std::string_view("k")).finish<16>();
    auto other = proof;
    EXPECT_TRUE(same(proof, other));
    other[15] ^= 1;
    EXPECT_FALSE(same(proof, other));
    EXPECT_FALSE(same(proof, std::span(proof).first(15)));
}

}  // namespace
}  // namespace adi
