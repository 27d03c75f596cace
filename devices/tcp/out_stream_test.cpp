#include "devices/tcp/out_stream.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <random>

namespace dev::tcp {
namespace {

using Bytes = std::vector<std::byte>;

/// An OutStream beside the plain truth: all bytes in one vector.
class Model {
  public:
    explicit Model(unsigned seed) : random_(seed) {}

    void step() {
        switch (random_() % 8) {
            case 0:
            case 1: append(); break;
            case 2: append_kept(); break;
            case 3:
            case 4:
            case 5: send(); break;
            case 6: acknowledge(); break;
            default: rewind(); break;
        }
        check_tokens();
    }
    void finish() {
        while (stream_.pending()) send();
        ASSERT_TRUE(stream_.acknowledge(all_.size()));
        acknowledged_ = all_.size();
        check_tokens();
        EXPECT_TRUE(kept_.empty());
        EXPECT_EQ(stream_.take_any(), nullptr);
    }

  private:
    struct Kept {
        Bytes bytes;
        std::uint64_t end;
    };
    std::uint64_t up_to(std::uint64_t most) { return random_() % (most + 1); }
    Bytes make(std::uint64_t count) {
        Bytes bytes(count);
        unsigned x = static_cast<unsigned>(random_());
        for (std::byte& b : bytes) b = static_cast<std::byte>((x += 77773) >> 9);
        all_.insert(all_.end(), bytes.begin(), bytes.end());
        return bytes;
    }

    void append() {
        const std::uint64_t count = up_to(random_() % 4 == 0 ? 60'000 : 200);
        if (!stream_.make_room(count)) {
            EXPECT_GT(in_ring_ + count, OutStream::kMostRingBytes);
            return;
        }
        EXPECT_GE(stream_.room(), count);
        in_ring_ += count;
        const Bytes bytes = make(count);
        if (random_() % 2 == 0) {
            stream_.append(bytes.data(), count);
        } else {
            Bytes wider(count + 5);
            std::copy(bytes.begin(), bytes.end(), wider.begin() + 5);
            stream_.append(adi::contiguous(wider.data(), wider.size()), 5, count);
        }
    }
    void append_kept() {
        Kept& kept = kept_.emplace_back();
        kept.bytes = make(1 + up_to(100'000));
        kept.end = all_.size();
        in_ring_ = 0;  // A lower bound is enough from here on.
        stream_.append_kept(kept.bytes.data(), kept.bytes.size(), &kept);
    }
    void send() {
        iovec parts[3];
        const std::size_t count = stream_.next(std::span(parts, 1 + random_() % 3));
        EXPECT_EQ(count > 0, stream_.pending());
        EXPECT_EQ(stream_.pending(), sent_ < all_.size());
        std::uint64_t at = sent_;
        for (std::size_t i = 0; i < count; ++i) {
            const auto* bytes = static_cast<const std::byte*>(parts[i].iov_base);
            ASSERT_LE(at + parts[i].iov_len, all_.size());
            ASSERT_TRUE(
                std::equal(bytes, bytes + parts[i].iov_len, all_.begin() + static_cast<long>(at)))
                << "at " << at;
            at += parts[i].iov_len;
        }
        const std::uint64_t taken = random_() % 2 == 0 ? at - sent_ : up_to(at - sent_);
        stream_.sent(taken);
        sent_ += taken;
        most_sent_ = std::max(most_sent_, sent_);
    }
    void acknowledge() {
        EXPECT_FALSE(stream_.acknowledge(most_sent_ + 1));
        // What was true once may come again.
        EXPECT_TRUE(stream_.acknowledge(up_to(acknowledged_)));
        const std::uint64_t to = acknowledged_ + up_to(sent_ - acknowledged_);
        ASSERT_TRUE(stream_.acknowledge(to));
        acknowledged_ = to;
        EXPECT_EQ(stream_.acknowledged(), to);
        in_ring_ = 0;
    }
    void rewind() {
        EXPECT_FALSE(stream_.rewind(most_sent_ + 1));
        if (acknowledged_ > 0) {
            EXPECT_FALSE(stream_.rewind(acknowledged_ - 1));
        }
        // It may have had more than was sent since the last time.
        sent_ = acknowledged_ + up_to(most_sent_ - acknowledged_);
        ASSERT_TRUE(stream_.rewind(sent_));
        acknowledged_ = sent_;
        in_ring_ = 0;
    }
    void check_tokens() {
        while (!kept_.empty() && kept_.front().end <= acknowledged_) {
            ASSERT_EQ(stream_.take_done(), &kept_.front());
            kept_.pop_front();
        }
        ASSERT_EQ(stream_.take_done(), nullptr);
    }

    std::mt19937 random_;
    OutStream stream_;
    Bytes all_;
    std::deque<Kept> kept_;
    std::uint64_t sent_ = 0, most_sent_ = 0, acknowledged_ = 0, in_ring_ = 0;
};

TEST(OutStream, IsTheStreamThatAModelIs) {
    for (unsigned seed = 0; seed < 16; ++seed) {
        Model model(seed);
        for (int i = 0; i < 250 && !::testing::Test::HasFatalFailure(); ++i) model.step();
        model.finish();
        ASSERT_FALSE(::testing::Test::HasFailure()) << "seed " << seed;
    }
}

TEST(OutStream, TheRingHasABoundAndRoomAgainAfterAnAcknowledgement) {
    OutStream stream;
    const Bytes bytes(1000);
    std::uint64_t taken = 0;
    while (stream.make_room(bytes.size())) {
        stream.append(bytes.data(), bytes.size());
        taken += bytes.size();
        ASSERT_LE(taken, OutStream::kMostRingBytes);
    }
    EXPECT_GT(taken + bytes.size(), OutStream::kMostRingBytes);
    stream.sent(taken);
    ASSERT_TRUE(stream.acknowledge(bytes.size()));
    EXPECT_TRUE(stream.make_room(bytes.size()));
}

TEST(OutStream, TokensOfALostPeerAreGivenBackOnce) {
    OutStream stream;
    const Bytes bytes(10);
    int tokens[3] = {};
    for (int& token : tokens) stream.append_kept(bytes.data(), bytes.size(), &token);
    stream.sent(15);
    ASSERT_TRUE(stream.acknowledge(12));
    for (int& token : tokens) EXPECT_EQ(stream.take_any(), &token);
    EXPECT_EQ(stream.take_any(), nullptr);
}

}  // namespace
}  // namespace dev::tcp
