#include "firmware/emulator/remote_session.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "firmware/emulator/faults.hpp"

namespace emulator {
namespace {

using State = RemoteSession::State;
using Type = RemoteFrame::Type;

constexpr const char* kSecret = "a secret of the fabrics";

RemoteSession make(bool listens, const std::string& secret = kSecret, std::uint8_t nonce = 0) {
    std::array<std::uint8_t, RemoteSession::kNonce> bytes{};
    bytes.fill(nonce != 0 ? nonce : (listens ? 7 : 9));
    return RemoteSession(listens, secret, bytes);
}

/// What one has to say goes to the other, `step` bytes at a time.
void carry(RemoteSession& from, RemoteSession& to, std::size_t step = 1000) {
    std::vector<std::uint8_t> bytes = std::move(from.output);
    from.output.clear();
    for (std::size_t at = 0; at < bytes.size(); at += step)
        to.feed(std::span(bytes).subspan(at, std::min(step, bytes.size() - at)));
}

void join(RemoteSession& a, RemoteSession& b, std::size_t step = 1000) {
    for (int i = 0; i < 3; ++i) {
        carry(a, b, step);
        carry(b, a, step);
    }
}

TEST(RemoteSession, CarriesFrames) {
    for (const std::size_t step : {1U, 3U, 1000U, 100'000U}) {
        RemoteSession a = make(false);
        RemoteSession b = make(true);
        join(a, b, step);
        ASSERT_EQ(a.state(), State::up) << a.error();
        ASSERT_EQ(b.state(), State::up) << b.error();
        const std::vector<RemoteFrame> frames = {
            {Type::data, true, false, 0, {1, 2, 3}}, {Type::data, false, true, 0xab, {}},
            {Type::stop, false, false, 0, {}},       {Type::go, false, false, 0, {}},
            {Type::reset, false, false, 0, {}},      {Type::data, true, true, 0, {5}}};
        for (const RemoteFrame& frame : frames) a.send(frame);
        a.send({Type::data, true, true, 9, std::vector<std::uint8_t>(20'000, 4)});
        carry(a, b, step);
        for (const RemoteFrame& frame : frames) EXPECT_EQ(b.take(), frame);
        // A long piece comes in several.
        auto part = b.take();
        ASSERT_TRUE(part);
        EXPECT_TRUE(part->head && !part->tail && part->syndrome == 0);
        std::size_t size = part->bytes.size();
        part = b.take();
        EXPECT_TRUE(part && !part->head && !part->tail);
        size += part->bytes.size();
        part = b.take();
        ASSERT_TRUE(part);
        EXPECT_TRUE(!part->head && part->tail && part->syndrome == 9);
        EXPECT_EQ(size + part->bytes.size(), 20'000U);
        EXPECT_FALSE(b.take());
        b.send(frames[0]);
        carry(b, a);
        EXPECT_EQ(a.take(), frames[0]);
    }
}

TEST(RemoteSession, RefusesStrangers) {
    {
        RemoteSession a = make(false, "another secret, also long");
        RemoteSession b = make(true);
        carry(b, a);
        carry(a, b);
        EXPECT_EQ(b.state(), State::failed);
        EXPECT_STREQ(b.error(), "the other side does not know the secret");
        EXPECT_TRUE(b.output.empty());  // the listener has proved nothing to it
    }
    {
        RemoteSession a = make(false);
        RemoteSession b = make(true, "another secret, also long");
        join(a, b);
        EXPECT_EQ(b.state(), State::failed);
        EXPECT_NE(a.state(), State::up);
    }
    {
        RemoteSession a = make(false);
        RemoteSession b = make(false, kSecret, 3);
        join(a, b);
        EXPECT_EQ(a.state(), State::failed);
    }
    {
        RemoteSession b = make(true);
        const std::string text = "GET / HTTP/1.1\r\n";
        b.feed(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
        EXPECT_EQ(b.state(), State::failed);
    }
    {
        RemoteSession b = make(true, "short");
        EXPECT_EQ(b.state(), State::failed);
    }
    {
        RemoteSession a = make(false);
        a.output[7] = 2;  // a version that is still to come
        RemoteSession b = make(true);
        carry(a, b);
        EXPECT_EQ(b.state(), State::failed);
        EXPECT_STREQ(b.error(), "the other emulator has another version");
    }
}

TEST(RemoteSession, RefusesReflectionAndReplay) {
    // Its own words, sent back.
    RemoteSession b = make(true);
    std::vector<std::uint8_t> hello = b.output;
    hello[8] = 1;
    b.feed(hello);
    EXPECT_EQ(b.state(), State::failed);

    // The words of an earlier session.
    RemoteSession a1 = make(false);
    RemoteSession b1 = make(true);
    std::vector<std::uint8_t> said = a1.output;
    carry(b1, a1);
    said = a1.output;
    RemoteSession b2 = make(true, kSecret, 77);
    b2.feed(said);
    EXPECT_EQ(b2.state(), State::failed);

    // A frame twice; a frame left out.
    for (const bool twice : {true, false}) {
        RemoteSession a = make(false);
        RemoteSession c = make(true);
        join(a, c);
        a.send({Type::data, true, true, 0, {1}});
        const std::vector<std::uint8_t> frame = std::move(a.output);
        a.output.clear();
        if (twice) c.feed(frame);
        if (twice) {
            c.feed(frame);
        } else {
            a.send({Type::data, true, true, 0, {2}});
            carry(a, c);
        }
        EXPECT_EQ(c.state(), State::failed);
        EXPECT_STREQ(c.error(), "a frame that the other side did not send");
    }
}

/// Every single bit counts, in greeting, proof and frames.
TEST(RemoteSession, RefusesEveryFlippedBit) {
    const auto listener_after = [](std::size_t flip, std::size_t* length) {
        RemoteSession a = make(false);
        RemoteSession b = make(true);
        std::size_t at = 0;
        const auto pass = [&] {
            for (std::uint8_t& byte : a.output) {
                if (at / 8 == flip / 8 && at <= flip)
                    byte ^= static_cast<std::uint8_t>(1U << flip % 8);
                at += 8;
            }
            carry(a, b);
            carry(b, a);
        };
        pass();
        pass();
        pass();
        a.send({Type::data, true, true, 1, {1, 2, 3, 4}});
        pass();
        *length = at;
        return b.take().has_value();
    };
    std::size_t bits = 0;
    ASSERT_TRUE(listener_after(~std::size_t{0}, &bits));
    ASSERT_EQ(bits, 8 * (48 + 32 + 4 + 4 + 4 + 16U));
    const std::size_t all = bits;
    for (std::size_t flip = 0; flip < all; ++flip)
        EXPECT_FALSE(listener_after(flip, &bits)) << flip;
}

/// Bytes of somebody who has joined and then goes mad: anything signed, of any form.
TEST(RemoteSession, SurvivesAnyBytes) {
    Random random(1);
    int failed = 0;
    for (int round = 0; round < 20'000; ++round) {
        RemoteSession a = make(false);
        RemoteSession b = make(true);
        if (random.below(4) != 0) join(a, b);
        for (std::uint32_t n = random.below(4); n > 0; --n)
            a.send({Type::data, random.below(2) == 0, random.below(2) == 0, 0,
                    std::vector<std::uint8_t>(random.below(100), 1)});
        std::vector<std::uint8_t> bytes = std::move(a.output);
        for (std::uint32_t n = random.below(3); n > 0 && !bytes.empty(); --n)
            bytes[random.below(static_cast<std::uint32_t>(bytes.size()))] =
                static_cast<std::uint8_t>(random.next());
        for (std::uint32_t n = random.below(40); n > 0; --n)
            bytes.push_back(static_cast<std::uint8_t>(random.below(3) == 0 ? random.next() : 0));
        for (std::size_t at = 0; at < bytes.size();) {
            const std::size_t n = std::min<std::size_t>(1 + random.below(60), bytes.size() - at);
            b.feed(std::span(bytes).subspan(at, n));
            at += n;
        }
        while (const auto frame = b.take()) {
            ASSERT_LE(frame->bytes.size(), RemoteSession::kMostBytes);
        }
        failed += b.state() == State::failed ? 1 : 0;
    }
    EXPECT_GT(failed, 5000);
}

}  // namespace
}  // namespace emulator
