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
        chooser.note(way, bytes, way == Way::get ? get_ns : stream_ns);
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

TEST(GetChooser, ExtremeLengths) {
    GetChooser chooser;
    for (std::uint64_t bytes : {std::uint64_t{1}, ~std::uint64_t{0}})
        play(chooser, bytes, 10, 1, 2);
}

}  // namespace
}  // namespace adi
