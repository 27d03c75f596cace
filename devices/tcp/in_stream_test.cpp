#include "devices/tcp/in_stream.hpp"

#include <gtest/gtest.h>

#include <random>

#include "devices/tcp/frames_fixture.hpp"

namespace dev::tcp {
namespace {

using testing::Bytes;
using testing::Fed;
using testing::Frames;
using testing::pattern;

/// Every kind of frame, with payload below and above each threshold.
Frames mixture() {
    Frames f;
    f.message({}, 1).message(pattern(1, 1), 2).message(pattern(4096, 2), 3);
    f.message(pattern(4097, 3), 4);
    f.message(pattern(100, 4), 9100, 5).put(3, pattern(5000, 5)).prefix(FrameKind::ack, 0);
    f.more(pattern(9000, 6)).message(pattern(7000, 7), 100);
    f.message(pattern(6000, 8), -1).message(pattern(10, 9), 20, -1).more(pattern(10, 9));
    f.put(3, pattern(3, 10)).put(4, {}).message(pattern(20, 11), 6);
    return f;
}

void expect_mixture(const testing::Taker& taker) {
    const std::vector<Bytes> expected{{}, pattern(1, 1), pattern(4096, 2), pattern(4097, 3)};
    ASSERT_EQ(taker.messages.size(), 9U);
    for (const auto& m : taker.messages) EXPECT_TRUE(m.whole) << m.tag;
    EXPECT_FALSE(taker.twice);
    for (std::size_t i = 0; i < expected.size(); ++i) {
        EXPECT_EQ(taker.messages[i].bytes, expected[i]) << i;
    }
    Bytes joined = pattern(100, 4);
    const Bytes rest = pattern(9000, 6);
    joined.insert(joined.end(), rest.begin(), rest.end());
    EXPECT_EQ(taker.messages[4].bytes, joined);
    Bytes front = pattern(7000, 7);
    front.resize(100);
    EXPECT_EQ(taker.messages[5].bytes, front);
    EXPECT_EQ(taker.messages[8].bytes, pattern(20, 11));
    Bytes stored = pattern(5000, 5);
    const Bytes over = pattern(3, 10);
    std::copy(over.begin(), over.end(), stored.begin());
    const Bytes& window = taker.windows.at(3);
    EXPECT_TRUE(std::equal(stored.begin(), stored.end(), window.begin()));
    EXPECT_EQ(window[5000], std::byte{0});
}

TEST(InStream, FramesCutAtEveryByte) {
    const Bytes bytes = mixture().bytes;
    for (std::size_t cut = 0; cut <= bytes.size(); cut += cut % 9001 > 300 ? 97 : 1) {
        Fed fed;
        ASSERT_EQ(fed.feed(bytes.data(), cut), nullptr) << cut;
        EXPECT_EQ(fed.stream.received(), cut);
        ASSERT_EQ(fed.feed(bytes.data() + cut, bytes.size() - cut), nullptr) << cut;
        expect_mixture(fed.taker);
        EXPECT_TRUE(fed.stream.take_put_done());
        EXPECT_FALSE(fed.stream.take_put_done());
        ASSERT_FALSE(::testing::Test::HasFailure()) << cut;
    }
}

TEST(InStream, OneByteAtATimeAndOneFrameAtATime) {
    const Bytes bytes = mixture().bytes;
    Fed slow;
    for (const std::byte& b : bytes) ASSERT_EQ(slow.feed(&b, 1), nullptr);
    expect_mixture(slow.taker);
    Fed stinted;
    ASSERT_EQ(stinted.feed(bytes.data(), bytes.size(), 1), nullptr);
    expect_mixture(stinted.taker);
}

TEST(InStream, InPiecesOfAnySize) {
    const Bytes bytes = mixture().bytes;
    std::mt19937 random(4);
    for (int round = 0; round < 50; ++round) {
        Fed fed;
        for (std::size_t at = 0; at < bytes.size();) {
            const std::size_t n = std::min<std::size_t>(1 + random() % 6000, bytes.size() - at);
            ASSERT_EQ(fed.feed(bytes.data() + at, n), nullptr);
            at += n;
        }
        expect_mixture(fed.taker);
        ASSERT_FALSE(::testing::Test::HasFailure()) << round;
    }
}

TEST(InStream, ABufferIsHeldOnlyForWhatIsNotShown) {
    Fed fed;
    const ReadBuffers::Buffer mine = fed.buffers.take();
    const std::byte* const address = mine.get();
    fed.buffers.give(std::move(const_cast<ReadBuffers::Buffer&>(mine)));
    EXPECT_EQ(fed.stream.read(fed.here.get()), InStream::Read::none);
    ReadBuffers::Buffer back = fed.buffers.take();
    EXPECT_EQ(back.get(), address);
    fed.buffers.give(std::move(back));
    const Bytes bytes = mixture().bytes;
    ASSERT_EQ(fed.feed(bytes.data(), 10), nullptr);
    back = fed.buffers.take();
    EXPECT_NE(back.get(), address);
    ASSERT_EQ(fed.feed(bytes.data() + 10, bytes.size() - 10), nullptr);
    EXPECT_EQ(fed.buffers.take().get(), address);
}

TEST(InStream, NothingIsStoredInAWindowThatWasClosed) {
    Frames f;
    f.put(5, Bytes(50'000, std::byte{7})).message(pattern(10, 1), 1);
    Fed fed;
    ASSERT_EQ(fed.feed(f.bytes.data(), 20'000), nullptr);
    Bytes& window = fed.taker.windows.at(5);
    EXPECT_EQ(window[19'000], std::byte{7});
    fed.stream.forget(4);
    ASSERT_EQ(fed.feed(f.bytes.data() + 20'000, 1000), nullptr);
    EXPECT_EQ(window[20'000], std::byte{7});
    fed.stream.forget(5);
    const Bytes before = window;
    ASSERT_EQ(fed.feed(f.bytes.data() + 21'000, f.bytes.size() - 21'000), nullptr);
    EXPECT_EQ(window, before);
    ASSERT_EQ(fed.taker.messages.size(), 1U) << "what follows is read all the same";
    EXPECT_EQ(fed.taker.messages[0].bytes, pattern(10, 1));
}

TEST(InStream, TheEndAndALeave) {
    Fed fed;
    ASSERT_EQ(fed.feed(Frames{}.prefix(FrameKind::leave, 0).bytes), nullptr);
    EXPECT_TRUE(fed.stream.left());
    fed.there.close();
    EXPECT_EQ(fed.stream.read(fed.here.get()), InStream::Read::end);
}

TEST(InStream, WhatMakesNoSenseIsSaid) {
    const Bytes two = pattern(2, 1);
    Frames lying;
    lying.received = 1;
    const std::vector<std::pair<const char*, Frames>> wrong{
        {"kind 0", Frames{}.prefix(FrameKind{0}, 0)},
        {"kind 6", Frames{}.prefix(FrameKind{6}, 0)},
        {"kind ~0", Frames{}.prefix(FrameKind{~0U}, 0)},
        {"ack with payload", Frames{}.prefix(FrameKind::ack, 1)},
        {"leave with payload", Frames{}.prefix(FrameKind::leave, 1)},
        {"more of nothing", Frames{}.more(two)},
        {"more of no bytes", Frames{}.message(two, 4, 1).prefix(FrameKind::more, 0)},
        {"more than there is", Frames{}.message(two, 3, 1).more(two)},
        {"a message in another", Frames{}.message(two, 4, 1).message(two, 2)},
        {"frame longer than message", Frames{}.message(two, 1, 1)},
        {"first frame without payload", Frames{}.message({}, 4, 1)},
        {"impossible length", Frames{}.prefix(FrameKind::put, kMostFrameBytes + 1)},
        {"key of nothing", Frames{}.put(99, two)},
        {"put too long", Frames{}.prefix(FrameKind::put, 100'001).raw(PutHeader{3, 0})},
        {"put header", Frames{}.prefix(FrameKind::put, 0).raw(PutHeader{3, 1})},
        {"acknowledges what was not sent", lying.prefix(FrameKind::ack, 0)},
    };
    for (const auto& [name, frames] : wrong) {
        Fed fed;
        EXPECT_NE(fed.feed(frames.bytes), nullptr) << name;
        Frames after;
        after.message(two, 1).raw(frames.bytes);
        Fed later;
        EXPECT_NE(later.feed(after.bytes), nullptr) << name;
        EXPECT_GE(later.taker.messages.size(), 1U) << name;
    }
}

}  // namespace
}  // namespace dev::tcp
