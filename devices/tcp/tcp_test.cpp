#include "devices/tcp/tcp.hpp"

#include <gtest/gtest.h>

namespace dev::tcp {
namespace {

TEST(Addresses, TextAndBack) {
    for (const char* text : {"10.0.0.1:4000", "[fd00::1]:1", "127.0.0.1:65535"}) {
        const std::optional<Address> address = Address::parse(text);
        ASSERT_TRUE(address) << text;
        EXPECT_EQ(address->text(), text);
    }
    for (const char* text :
         {"", "10.0.0.1", "10.0.0:1", "10.0.0.1:65536", "10.0.0.1:", "[fd00:1"}) {
        EXPECT_FALSE(Address::parse(text)) << text;
    }
}

}  // namespace
}  // namespace dev::tcp
