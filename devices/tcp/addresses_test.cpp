#include "devices/tcp/addresses.hpp"

#include <gtest/gtest.h>

namespace dev::tcp {
namespace {

Address address(const std::string& text) {
    const std::optional<Address> parsed = Address::parse(text);
    EXPECT_TRUE(parsed) << text;
    return parsed.value_or(Address{});
}

Interface interface(const std::string& name, const std::string& text, int prefix_bits,
                    bool loopback = false, bool link_local = false) {
    return {name, address(text), prefix_bits, loopback, link_local, loopback};
}

const std::vector<Interface> kHost{
    interface("lo", "127.0.0.1:0", 8, true), interface("lo", "[::1]:0", 128, true),
    interface("eth0", "10.0.0.5:0", 24),     interface("eth0", "[fe80::1]:0", 64, false, true),
    interface("eth0", "[fd00::5]:0", 64),    interface("docker0", "172.17.0.1:0", 16)};

std::string chosen(const std::string& only, bool alone,
                   const std::vector<Interface>& host = kHost) {
    const adi::Result<std::vector<Interface>> result = choose_interfaces(host, only, alone);
    if (!result) return "error: " + result.message();
    std::string text;
    for (const Interface& i : *result) text += i.address.text() + ' ';
    return text;
}

TEST(Addresses, OfThisHostAreThoseThatLeadOut) {
    EXPECT_EQ(chosen("", false), "10.0.0.5:0 [fd00::5]:0 172.17.0.1:0 ");
    EXPECT_EQ(chosen("", true), "127.0.0.1:0 [::1]:0 ");
}

TEST(Addresses, WithoutAnyOfTheRightKindTheOthersServe) {
    const std::vector<Interface> cut_off(kHost.begin(), kHost.begin() + 2);
    EXPECT_EQ(chosen("", false, cut_off), "127.0.0.1:0 [::1]:0 ");
    const std::vector<Interface> no_loopback(kHost.begin() + 2, kHost.begin() + 3);
    EXPECT_EQ(chosen("", true, no_loopback), "10.0.0.5:0 ");
    EXPECT_EQ(chosen("", true, {}), "");
}

TEST(Addresses, APersonChooses) {
    EXPECT_EQ(chosen("eth0", false), "10.0.0.5:0 [fd00::5]:0 ");
    EXPECT_EQ(chosen("10.0.0.0/8,docker0", false), "10.0.0.5:0 172.17.0.1:0 ");
    EXPECT_EQ(chosen("fd00::5", false), "[fd00::5]:0 ");
    EXPECT_EQ(chosen("^docker0", false), "10.0.0.5:0 [fd00::5]:0 ");
    EXPECT_EQ(chosen("^nosuch", false), chosen("", false));
    EXPECT_EQ(chosen("lo", false), "127.0.0.1:0 [::1]:0 ");
    EXPECT_EQ(chosen("eth0,^10.0.0.5", true), "[fd00::5]:0 ");
    for (const char* wrong : {"eth7", "10.0.0.0/33", "10.0.0.0/", "192.168.0.0/16", "eth0,eth7"}) {
        EXPECT_TRUE(chosen(wrong, false).starts_with("error")) << wrong;
    }
    EXPECT_NE(chosen("eth7", false).find("\"eth7\""), std::string::npos);
}

TEST(Cards, TextAndBack) {
    const Card card{"node7", {address("10.0.0.5:4000"), address("[fd00::5]:4001")}};
    EXPECT_EQ(card.text(), "node7,10.0.0.5:4000,[fd00::5]:4001");
    const std::optional<Card> back = Card::parse(card.text());
    ASSERT_TRUE(back);
    EXPECT_EQ(back->host, "node7");
    EXPECT_EQ(back->text(), card.text());
    for (const char* wrong : {"", "node7", "node7,", "node7,10.0.0.5", "node7,10.0.0.5:0"}) {
        EXPECT_FALSE(Card::parse(wrong)) << wrong;
    }
}

TEST(Cards, StayWithinTheirRoom) {
    Card card{std::string(100, 'h'), {}};
    for (int i = 0; i < 100; ++i) card.addresses.push_back(address("[fd00:1:2:3:4:5:6:7]:65535"));
    EXPECT_LE(card.text().size(), kMostCardBytes);
    ASSERT_TRUE(Card::parse(card.text()));
    EXPECT_GE(Card::parse(card.text())->addresses.size(), 10U);
    EXPECT_FALSE(Card::parse("h," + std::string(600, '1')));
}

TEST(Preference, NetworksInCommonFirstAndBridgesLast) {
    const std::vector<Address> theirs{address("172.17.0.1:1"), address("192.168.3.4:1"),
                                      address("10.0.0.9:1")};
    const auto text = [&](bool same_host) {
        std::string all;
        for (const Address& a : by_preference(theirs, kHost, same_host)) all += a.text() + ' ';
        return all;
    };
    EXPECT_EQ(text(false), "10.0.0.9:1 192.168.3.4:1 172.17.0.1:1 ");
    EXPECT_EQ(text(true), "172.17.0.1:1 10.0.0.9:1 192.168.3.4:1 ");
}

}  // namespace
}  // namespace dev::tcp
