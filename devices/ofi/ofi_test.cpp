// What needs no network: the choice of providers, cards and proofs.
#include "devices/ofi/ofi.hpp"

#include <gtest/gtest.h>

#include "adi/base/hmac.hpp"

namespace dev::ofi {
namespace {

TEST(OfiCard, TextAndBack) {
    const Card card{"verbs;ofi_rxm", {0x02, 0x00, 0xff, 0x1a}};
    EXPECT_EQ(card.text(), "verbs+ofi_rxm/0200ff1a");
    const std::optional<Card> back = Card::parse(card.text());
    ASSERT_TRUE(back);
    EXPECT_EQ(back->provider, card.provider);
    EXPECT_EQ(back->address, card.address);
    for (const char* text : {"", "/00", "tcp", "tcp/", "tcp/0", "tcp/0g", "tcp/00 "}) {
        EXPECT_FALSE(Card::parse(text)) << text;
    }
    EXPECT_FALSE(Card::parse("tcp/" + std::string(600, '0')));
}

TEST(OfiProof, DependsOnAllThatItProves) {
    const Proof proof = make_proof("secret", 1, 2, "tcp/00");
    EXPECT_TRUE(adi::same(proof, make_proof("secret", 1, 2, "tcp/00")));
    EXPECT_FALSE(adi::same(proof, make_proof("Secret", 1, 2, "tcp/00")));
    EXPECT_FALSE(adi::same(proof, make_proof("secret", 2, 1, "tcp/00")));
    EXPECT_FALSE(adi::same(proof, make_proof("secret", 1, 3, "tcp/00")));
    EXPECT_FALSE(adi::same(proof, make_proof("secret", 1, 2, "tcp/01")));
}

class OfiChoice : public ::testing::Test {
  protected:
    int choose() { return ofi::choose(candidates_, wish_, &verdicts_); }
    std::vector<Candidate> candidates_{
        {"tcp;ofi_rxm", "lo", "127.0.0.1/32", true, false, ""},
        {"tcp;ofi_rxm", "eth0", "fe80::/64", false, true, ""},
        {"tcp;ofi_rxm", "eth0", "10.0.0.0/8", false, false, ""},
        {"verbs;ofi_rxm", "mlx5_0", "IB-0xfe", false, false, ""},
        {"efa", "rdmap0", "efa", false, false, "it carries no messages"},
    };
    Wish wish_;
    std::vector<std::string> verdicts_;
};

TEST_F(OfiChoice, PrefersAFastNetwork) {
    EXPECT_EQ(choose(), 3);
    EXPECT_EQ(verdicts_[0], "a loopback does not leave the host");
    EXPECT_EQ(verdicts_[1], "its address holds for one link only");
    EXPECT_EQ(verdicts_[2], "a faster one is there");
    EXPECT_EQ(verdicts_[3], "used");
    EXPECT_EQ(verdicts_[4], "it carries no messages");
}

TEST_F(OfiChoice, HeedsThePerson) {
    wish_.only = "tcp";
    EXPECT_EQ(choose(), 2);
    wish_.only = "tcp;ofi_rxm";
    EXPECT_EQ(choose(), 2);
    wish_.only = "tcp;ofi_rxd";
    EXPECT_EQ(choose(), -1);
    wish_.only = "efa";
    EXPECT_EQ(choose(), -1);
    EXPECT_EQ(verdicts_[3], "FATHOM_OFI_PROVIDER names efa");
}

TEST_F(OfiChoice, LeavesSocketsToTcp) {
    wish_.fast_only = true;
    EXPECT_EQ(choose(), 3);
    candidates_.erase(candidates_.begin() + 3);
    EXPECT_EQ(choose(), -1);
    EXPECT_EQ(verdicts_[2], "no faster than the device tcp");
}

TEST_F(OfiChoice, TakesTheLoopbackOfOneHost) {
    candidates_.resize(2);
    wish_.several_hosts = false;
    EXPECT_EQ(choose(), 0);
}

}  // namespace
}  // namespace dev::ofi
