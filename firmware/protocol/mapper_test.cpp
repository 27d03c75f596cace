#include "firmware/protocol/mapper.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "firmware/protocol/map_expect.hpp"

namespace firmware::testing {
namespace {

TEST(Mapper, OneSwitchIsMappedInFewProbes) {
    MapModel model;
    one_switch(model, 16);
    model.start_all();
    const uint64_t us = model.settle(0, 1'000'000);
    const Quality quality = expect_routes(model, 0);
    EXPECT_EQ(quality.hops, 16u * 15);
    EXPECT_EQ(model.nodes()[0].mapper->hosts(), 16u);
    EXPECT_EQ(model.nodes()[0].mapper->switches(), 1u);
    EXPECT_LE(us, 10'000u);
    EXPECT_LE(model.packets(), 1000u);
    RecordProperty("microseconds", static_cast<int>(us));
    RecordProperty("packets", static_cast<int>(model.packets()));
    const uint64_t packets = model.packets();
    model.run(10'000'000);
    EXPECT_EQ(model.packets(), packets);  // no period: silence
}

/// Leaves with boards, and roots above them.
TEST(Mapper, AllRootsOfATreeCarryTraffic) {
    MapModel model;
    for (int leaf = 0; leaf < 8; ++leaf) {
        model.add_switch(16);
        for (int b = 0; b < 8; ++b) model.plug_board(static_cast<uint32_t>(8 * leaf + b), leaf, b);
    }
    for (int root = 8; root < 12; ++root) {
        model.add_switch(16);
        for (int leaf = 0; leaf < 8; ++leaf) {
            model.plug(leaf, root, root, 2 * leaf);
            model.plug(leaf, root + 4, root, 2 * leaf + 1);
        }
    }
    model.start_all();
    model.settle(0, 5'000'000);
    const Quality quality = expect_routes(model, 0);
    EXPECT_EQ(quality.hops, quality.shortest);
    std::map<std::pair<int, int>, int> load;  // of cables down to leaf 0
    for (uint32_t from = 8; from < 64; ++from) {
        for (uint32_t to = 0; to < 8; ++to) {
            std::vector<std::pair<int, int>> channels;
            model.follow(from, model.nodes()[from].table[to], &channels);
            ASSERT_EQ(channels.size(), 3u);
            ++load[channels[1]];
        }
    }
    ASSERT_EQ(load.size(), 8u);
    for (const auto& [channel, routes] : load) EXPECT_GE(routes, 56 * 8 / 8 / 2);
}

class RandomNetworks : public ::testing::TestWithParam<int> {};

TEST_P(RandomNetworks, AllRoutesAreValidAndWithoutDeadlock) {
    uint64_t hops = 0;
    uint64_t least = 0;
    const uint32_t seeds = GetParam() <= 16 ? 8 : 2;
    for (uint32_t seed = 0; seed < seeds; ++seed) {
        SCOPED_TRACE(seed);
        MapModel model;
        random_network(model, seed, GetParam(), std::min(2 + 5 * GetParam(), 200), seed % 2 == 0);
        if (model.nodes().size() < 2) continue;
        model.start_all();
        const uint32_t mapper = model.nodes().begin()->first;
        model.settle(mapper, 60'000'000);
        const Quality quality = expect_routes(model, mapper);
        hops += quality.hops;
        least += quality.shortest;
        EXPECT_LE(model.nodes()[mapper].mapper->switches(), static_cast<uint32_t>(GetParam()));
        EXPECT_EQ(model.nodes()[mapper].mapper->counters().doubles, 0u);
    }
    EXPECT_LE(hops * 10, least * 13);
}

INSTANTIATE_TEST_SUITE_P(Switches, RandomNetworks,
                         ::testing::Values(1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64));

}  // namespace
}  // namespace firmware::testing
