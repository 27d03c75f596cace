// Endpoints in this one process, on the provider tcp;ofi_rxm: strangers, and peers that die.
#include <gtest/gtest.h>

#include <cstdlib>
#include <thread>

#include "devices/ofi/ofi.hpp"

namespace dev::ofi {
namespace {

using adi::Peer;
using adi::Status;

/// Drops what comes, and counts.
struct Counter final : adi::Sink {
    explicit Counter(Ofi& o) : ofi(o) {}
    void on_header(adi::ReceiveStream& stream) override {
        ++messages;
        ofi.discard(stream);
    }
    void on_received(adi::ReceiveStream&) override {}
    void on_put(void*, Status) override {}
    void on_fault(Peer peer, Status why, const char* what) override {
        ++faults;
        faulty = peer;
        status = why;
        text = what;
    }
    Ofi& ofi;
    int messages = 0, faults = 0;
    Peer faulty = ~0U;
    Status status = Status::ok;
    std::string text;
};

class OfiPair : public ::testing::Test {
  protected:
    void SetUp() override {
        ::setenv("FATHOM_OFI_PROVIDER", "tcp;ofi_rxm", 1);
        if (!open(ends_[0], 0, '7') || !open(ends_[1], 1, '7')) GTEST_SKIP() << lack_;
    }
    void TearDown() override { ::unsetenv("FATHOM_OFI_PROVIDER"); }

    bool open(Ofi& ofi, Peer self, char secret) {
        adi::OpenInfo info;
        info.self = self;
        info.size = 2;
        info.local = {0, 1};
        info.chosen = true;
        info.secret = [secret] { return adi::Result<std::string>(std::string(64, secret)); };
        info.card_of = [this](Peer p) { return adi::Result<std::string>(ends_[p].address()); };
        if (const adi::Result<bool> can = ofi.probe(info); !can) {
            lack_ = can.message();
            return false;
        }
        std::string error;
        EXPECT_EQ(ofi.open(info, &error), Status::ok) << error;
        return true;
    }
    /// Sends an empty message to `to`, with which the way is made.
    void send(Ofi& from, Peer to) {
        std::string error;
        ASSERT_EQ(from.connect(to, &error), Status::ok) << error;
        Counter sink(from);
        ASSERT_TRUE(poll_until([&] {
            from.poll(sink, 16);
            return from.send_short(to, {}, {}) == Status::ok;
        }));
    }
    template <class Done>
    bool poll_until(Done&& done) {
        const auto hopeless = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (!done()) {
            for (std::size_t i = 0; i < 2; ++i) ends_[i].poll(sinks_[i], 16);
            if (std::chrono::steady_clock::now() > hopeless) return false;
            std::this_thread::yield();
        }
        return true;
    }

    Ofi ends_[2];
    Counter sinks_[2]{Counter(ends_[0]), Counter(ends_[1])};
    std::string lack_;
};

TEST_F(OfiPair, DropsAndCountsStrangers) {
    Ofi stranger;
    ASSERT_TRUE(open(stranger, 0, '8'));
    send(stranger, 1);
    Counter sink(stranger);
    ASSERT_TRUE(poll_until([&] {
        stranger.poll(sink, 16);
        return ends_[1].strangers() == 1;
    }));
    EXPECT_EQ(sinks_[1].messages, 0);
    // The job goes on.
    send(ends_[0], 1);
    ASSERT_TRUE(poll_until([&] { return sinks_[1].messages == 1; }));
    EXPECT_EQ(ends_[1].strangers(), 1U);
    EXPECT_EQ(sinks_[1].faults, 0) << sinks_[1].text;
}

TEST_F(OfiPair, ReportsAPeerThatIsGone) {
    send(ends_[0], 1);
    ASSERT_TRUE(poll_until([&] { return sinks_[1].messages == 1; }));
    ends_[1].close();
    ASSERT_TRUE(poll_until([&] {
        (void)!(ends_[0].send_short(1, {}, {}) == Status::ok);
        return sinks_[0].faults > 0;
    }));
    EXPECT_EQ(sinks_[0].faulty, 1U);
    EXPECT_EQ(sinks_[0].status, Status::peer_failed);
    EXPECT_NE(sinks_[0].text.find("tcp;ofi_rxm"), std::string::npos) << sinks_[0].text;
    EXPECT_EQ(ends_[0].send_short(1, {}, {}), Status::peer_failed);
    Counter& sink = sinks_[0];
    while (ends_[0].poll(sink, 16) > 0) {
    }
    EXPECT_EQ(sink.faults, 1);
}

TEST_F(OfiPair, RefusesAPeerOfAnotherProvider) {
    Ofi other;
    ::setenv("FATHOM_OFI_PROVIDER", "udp;ofi_rxd", 1);
    if (!open(other, 0, '7')) GTEST_SKIP() << lack_;
    std::string error;
    EXPECT_EQ(other.connect(1, &error), Status::unsupported);
    EXPECT_NE(error.find("rank 1 has the provider tcp;ofi_rxm"), std::string::npos) << error;
    EXPECT_NE(error.find("rank 0 has udp;ofi_rxd"), std::string::npos) << error;
}

}  // namespace
}  // namespace dev::ofi
