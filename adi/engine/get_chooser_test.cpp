#include "adi/engine/get_chooser.hpp"

#include <gtest/gtest.h>

#include <map>

namespace adi {
namespace {

using Way = GetChooser::Way;

std::map<Way, int> play(GetChooser& chooser, std::uint64_t bytes, int messages, std::int64_t get_ns,
                        std::int64_t stream_ns) {
    std::map<Way, int> used;
    for (int i = 0; i < messages; ++i) {
        const Way way = chooser.choose(bytes);
        ++used[way];
        if (way == Way::get) {
            chooser.got(bytes, get_ns);
        } else {
            chooser.stream_started(1000);
            chooser.stream_done(bytes, 1000 + stream_ns);
        }
    }
    return used;
}

TEST(GetChooser, TriesBothThenUsesTheFaster) {
    GetChooser chooser;
    auto used = play(chooser, 1 << 20, 1000, 100, 50);
    EXPECT_GE(used[Way::get], 2);
    EXPECT_LT(used[Way::get], 30);
    used = play(chooser, 1 << 16, 1000, 50, 100);
    EXPECT_GE(used[Way::stream], 2);
    EXPECT_LT(used[Way::stream], 30) << "sizes do not influence each other";
}

TEST(GetChooser, NoticesThatTheMachineChanged) {
    GetChooser chooser;
    play(chooser, 1 << 20, 1000, 100, 50);
    auto used = play(chooser, 1 << 20, 2000, 100, 500);
    EXPECT_GT(used[Way::get], 1500);
}

// A window of messages at once, each of which takes as long as all: still the stream is faster.
TEST(GetChooser, OverlappingStreamsAreMeasuredTogether) {
    GetChooser chooser;
    std::int64_t now = 1;
    std::map<Way, int> used;
    for (int window = 0; window < 50; ++window) {
        int streams = 0;
        for (int i = 0; i < 16; ++i) {
            const Way way = chooser.choose(1 << 20);
            ++used[way];
            if (way == Way::get) {
                now += 100;
                chooser.got(1 << 20, 100);
            } else {
                chooser.stream_started(now);
                ++streams;
            }
        }
        now += 50 * streams;
        while (streams-- > 0) chooser.stream_done(1 << 20, now);
    }
    EXPECT_GT(used[Way::stream], 700);
}

TEST(GetChooser, ExtremeLengths) {
    GetChooser chooser;
    for (std::uint64_t bytes : {std::uint64_t{1}, ~std::uint64_t{0}})
        play(chooser, bytes, 10, 1, 2);
}

}  // namespace
}  // namespace adi
