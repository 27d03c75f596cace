#include "adi/base/address.hpp"

#include <gtest/gtest.h>

namespace adi {
namespace {

Address address(const std::string& text) {
    const std::optional<Address> parsed = Address::parse(text);
    EXPECT_TRUE(parsed) << text;
    return parsed.value_or(Address{});
}

TEST(Addresses, TextAndBack) {
    for (const char* text : {"10.0.0.1:4000", "[fd00::1]:1", "127.0.0.1:65535"}) {
        const std::optional<Address> address = Address::parse(text);
        ASSERT_TRUE(address) << text;
        EXPECT_EQ(address->text(), text);
    }
    using namespace std::string_view_literals;
    for (const std::string_view text :
         {""sv, ":"sv, "10.0.0.1"sv, "10.0.0:1"sv, "10.0.0.1:65536"sv, "10.0.0.1:-1"sv,
          "10.0.0.1:"sv, "10.0.0.1: 1"sv, "[fd00:1"sv, "[fd00::1]"sv, "fd00::1:1"sv, "[]:1"sv,
          "[10.0.0.1]:1"sv, "[:1"sv, "10.0.0.1\0:1"sv, "host:1"sv}) {
        EXPECT_FALSE(Address::parse(text)) << text;
    }
}

TEST(Addresses, ShareTheFirstBits) {
    const Address a = address("10.0.128.1:0");
    EXPECT_TRUE(a.shares(address("10.0.128.1:9"), 32));
    EXPECT_FALSE(a.shares(address("10.0.128.3:0"), 31));
    EXPECT_TRUE(a.shares(address("10.0.255.3:0"), 17));
    EXPECT_FALSE(a.shares(address("10.0.127.3:0"), 17));
    EXPECT_TRUE(a.shares(address("192.0.0.1:0"), 0));
    EXPECT_FALSE(a.shares(address("[::1]:0"), 0));
    EXPECT_TRUE(address("[fd00::1]:0").shares(address("[fd00::2]:0"), 64));
}

TEST(Addresses, OfHostsHaveNoPort) {
    for (const char* text : {"10.0.0.1", "fd00::1"}) {
        const std::optional<Address> address = Address::parse_host(text);
        ASSERT_TRUE(address) << text;
        EXPECT_EQ(address->port(), 0);
        EXPECT_EQ(address->host_text(), address->bits() == 32 ? text : "[fd00::1]");
    }
    using namespace std::string_view_literals;
    for (const std::string_view text : {""sv, "host"sv, "[fd00::1]"sv, "10.0.0.1:1"sv, "10.0.0"sv,
                                        "10.0.0.1\0"sv, " 10.0.0.1"sv}) {
        EXPECT_FALSE(Address::parse_host(text)) << text;
    }
}

TEST(Addresses, ThoseOfThisMachineAreListed) {
    for (const Interface& i : list_interfaces()) {
        EXPECT_FALSE(i.name.empty());
        EXPECT_EQ(i.address.port(), 0);
        EXPECT_GE(i.prefix_bits, 0);
        EXPECT_LE(i.prefix_bits, i.address.bits());
        EXPECT_TRUE(i.on_loopback || !i.loopback) << i.name;
        EXPECT_TRUE(Address::parse(i.address.text())) << i.address.text();
    }
}

}  // namespace
}  // namespace adi
