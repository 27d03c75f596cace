// Frames of the tcp device that are spoiled: valid streams, mutated, in pieces of any size.
// Whatever comes, an InStream shows no more than was sent and touches only the memory that it was
// given; the builds with sanitizers look at that. Each stream has a seed by which a finding can be
// repeated (FATHOM_FUZZ_SEED).
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "adi/base/config.hpp"
#include "adi/testing/rounds.hpp"
#include "devices/tcp/frames_fixture.hpp"

namespace dev::tcp {
namespace {

using testing::Bytes;
using testing::Fed;
using testing::Frames;
using testing::pattern;

class Fuzz {
  public:
    explicit Fuzz(std::uint64_t seed) : random_(seed) {}

    void run() {
        Bytes bytes = valid();
        const std::size_t changes = below(5);
        for (std::size_t i = 0; i < changes; ++i) mutate(bytes);
        Fed fed;
        fed.taker.sent = below(100);
        const char* wrong = nullptr;
        for (std::size_t at = 0; at < bytes.size() && wrong == nullptr;) {
            const std::size_t n = std::min(1 + below(6000), bytes.size() - at);
            wrong = fed.feed(bytes.data() + at, n, 1 + static_cast<int>(below(4)));
            if (below(8) == 0) fed.stream.forget(below(10));
            at += n;
        }
        ASSERT_LE(fed.stream.received(), bytes.size());
        ASSERT_FALSE(fed.taker.twice);
        std::size_t whole = 0;
        for (const auto& m : fed.taker.messages) whole += m.whole ? m.bytes.size() : 0;
        ASSERT_LE(whole, bytes.size());
        if (changes == 0) {
            ASSERT_EQ(wrong, nullptr);
            ASSERT_EQ(fed.taker.messages.size(), messages_);
        }
    }

  private:
    std::size_t below(std::size_t end) { return static_cast<std::size_t>(random_() % end); }
    std::size_t length() { return below(4) == 0 ? below(9000) : below(40); }

    Bytes valid() {
        Frames f;
        const std::size_t frames = 1 + below(6);
        for (std::size_t i = 0; i < frames; ++i) {
            const auto tag = static_cast<std::int32_t>(below(3)) - 1;
            switch (below(4)) {
                case 0:
                    f.message(pattern(length(), 1), tag);
                    ++messages_;
                    break;
                case 1: f.put(1 + below(9), pattern(length(), 2)); break;
                case 2: f.prefix(FrameKind::ack, 0); break;
                default: {
                    const std::size_t first = 1 + length(), rest = 1 + length();
                    f.message(pattern(first, 3), first + rest, tag);
                    if (below(2) == 0) f.put(1 + below(9), pattern(length(), 4));
                    f.more(pattern(rest, 5));
                    ++messages_;
                }
            }
        }
        return f.bytes;
    }
    void mutate(Bytes& bytes) {
        if (bytes.empty()) return;
        const std::size_t at = below(bytes.size());
        const auto from = bytes.begin() + static_cast<long>(at);
        const std::size_t n = std::min(1 + below(40), bytes.size() - at);
        switch (below(5)) {
            case 0: *from ^= static_cast<std::byte>(1U << below(8)); break;
            case 1:
                for (std::size_t i = 0; i < n; ++i)
                    bytes[at + i] = static_cast<std::byte>(random_());
                break;
            case 2: bytes.erase(from, from + static_cast<long>(n)); break;
            case 3: {
                const Bytes copy(from, from + static_cast<long>(n));
                bytes.insert(from, copy.begin(), copy.end());
                break;
            }
            default: {  // a field with an extreme in it
                constexpr std::uint32_t kExtremes[] = {0, 1, 4096, 4097, 1U << 30, ~0U, ~0U - 15};
                const std::uint32_t value = kExtremes[below(std::size(kExtremes))];
                const std::size_t field = at / 4 * 4;
                if (field + 4 <= bytes.size()) std::memcpy(bytes.data() + field, &value, 4);
            }
        }
    }

    std::mt19937_64 random_;
    std::size_t messages_ = 0;
};

TEST(Fuzz, TcpFrames) {
    const auto seed = adi::config_number("FATHOM_FUZZ_SEED", 0, 0, 1LL << 60);
    for (adi::testing::Rounds rounds(20'000); rounds.next();) {
        const std::int64_t one = seed + rounds.number();
        Fuzz(static_cast<std::uint64_t>(one)).run();
        ASSERT_FALSE(::testing::Test::HasFatalFailure()) << "FATHOM_FUZZ_SEED=" << one;
    }
}

}  // namespace
}  // namespace dev::tcp
