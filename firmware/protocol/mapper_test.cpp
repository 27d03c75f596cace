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
