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

TEST(OfiCard, TellsThatTheProviderMatches) {
    const Card card{"shm", {0x66, 0x69}, 63};
    EXPECT_EQ(card.text(), "shm/6669/63");
    const std::optional<Card> back = Card::parse(card.text());
    ASSERT_TRUE(back);
    EXPECT_EQ(back->address, card.address);
    EXPECT_EQ(back->tag_bits, 63U);
    for (const char* text : {"shm/6669/", "shm/6669/0", "shm/6669/65", "shm/6669/6x", "shm//63"}) {
        EXPECT_FALSE(Card::parse(text)) << text;
    }
}

adi::Header header_of(std::uint32_t context, std::int32_t source, std::int32_t tag) {
    adi::Header header;
    header.context = adi::kNetworkContext | context;
    header.source = source;
    header.tag = tag;
    return header;
}

/// As providers do it.
bool suits(const TagLayout& layout, const adi::Header& wanted, const adi::Header& message) {
    return ((layout.tag(wanted) ^ layout.tag(message)) & ~layout.open(wanted)) == 0;
}

TEST(OfiTags, TellApartWhatMpiDoes) {
    for (const unsigned bits : {64U, 63U, 60U}) {
        const TagLayout layout(bits);
        ASSERT_EQ(layout.sources(), 1U << (bits - 48));
        const auto last = static_cast<std::int32_t>(layout.sources() - 1);
        std::vector<adi::Header> messages;
        for (const std::uint32_t context : {0U, 2U, 3U, adi::kNetworkContexts - 1}) {
            for (const std::int32_t source : {0, 1, last}) {
                for (const std::int32_t tag : {0, 1, 1 << 30, INT32_MAX}) {
                    messages.push_back(header_of(context, source, tag));
                }
            }
        }
        for (const adi::Header& m : messages) {
            EXPECT_EQ(layout.tag(m) & ~layout.any(), 0U);
            for (adi::Header w : messages) {
                const bool context = w.context == m.context, source = w.source == m.source,
                           tag = w.tag == m.tag;
                EXPECT_EQ(suits(layout, w, m), context && source && tag);
                w.source = -1;
                EXPECT_EQ(suits(layout, w, m), context && tag);
                w.tag = -2;
                EXPECT_EQ(suits(layout, w, m), context);
                w.source = m.source;
                EXPECT_TRUE(!context || suits(layout, w, m));
            }
        }
    }
}

TEST(OfiTags, NeedRoomForSources) {
    EXPECT_EQ(TagLayout(64).any(), ~std::uint64_t{0});
    EXPECT_EQ(TagLayout(49).sources(), 2U);
    EXPECT_EQ(TagLayout(48).sources(), 0U);
    EXPECT_EQ(TagLayout(0).sources(), 0U);
    EXPECT_EQ(TagLayout().sources(), 0U);
}

TEST(OfiMatching, IsNotLeftToProvidersThatDoItWrong) {
    EXPECT_TRUE(mismatches("shm", 117));
    EXPECT_FALSE(mismatches("shm", 119));
    EXPECT_TRUE(mismatches("udp;ofi_rxd", 119));
    EXPECT_FALSE(mismatches("tcp;ofi_rxm", 117));
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
