// The mapper when the network changes, loses packets, or says nonsense.
#include <gtest/gtest.h>

#include <random>

#include "firmware/protocol/map_expect.hpp"

namespace firmware::testing {
namespace {

Mapper& mapper_of(MapModel& model, uint32_t board) {
    return *model.nodes()[board].mapper;
}

/// Three switches in a triangle, four boards on each: ids 10 s + 0..3.
void triangle(MapModel& model) {
    for (int s = 0; s < 3; ++s) {
        model.add_switch(8);
        for (int b = 0; b < 4; ++b) model.plug_board(static_cast<uint32_t>(10 * s + b), s, b);
    }
    model.plug(0, 5, 1, 5);
    model.plug(1, 6, 2, 6);
    model.plug(2, 7, 0, 7);
}

TEST(MapperFaults, AMovedCableIsFollowed) {
    MapModel model;
    triangle(model);
    model.start_all();
    model.settle(0, 1'000'000);
    expect_routes(model, 0);
    const uint32_t epoch = mapper_of(model, 23).epoch();

    model.unplug(2, 3);
    model.plug_board(23, 1, 4);
    mapper_of(model, 1).suspect(23, static_cast<uint32_t>(model.now()));
    model.run(100'000);
    expect_routes(model, 0);
    EXPECT_NE(mapper_of(model, 23).epoch(), epoch);
    EXPECT_EQ(mapper_of(model, 0).hosts(), 12u);

    model.unplug(0, 5);
    model.plug(0, 6, 1, 7);
    mapper_of(model, 12).suspect(0, static_cast<uint32_t>(model.now()));
    model.run(300'000);
    expect_routes(model, 0);
}

/// As between emulators that have a core of a crowded machine in turn.
TEST(MapperFaults, AnswersThatTakeFiftyMillisecondsAreWaitedFor) {
    MapModel model;
    triangle(model);
    model.set_board_us(25'000);
    model.start_all(50'000);
    model.run(20'000'000);
    expect_routes(model, 0);
    EXPECT_EQ(mapper_of(model, 0).hosts(), 12u);
}

TEST(MapperFaults, TrafficGoesAroundACableThatIsOut) {
    MapModel model;
    triangle(model);
    model.start_all(1'000'000);
    model.settle(0, 1'000'000);
    model.unplug(1, 5);    // 0 - 1 directly
    model.run(1'500'000);  // nobody complains: the periodic check finds it
    expect_routes(model, 0);
    EXPECT_EQ(model.nodes()[0].table[10].bytes[0], 3);
    model.plug(0, 5, 1, 5);
    model.run(1'500'000);
    expect_routes(model, 0);
    EXPECT_EQ(model.nodes()[0].table[10].bytes[0], 2);
}

TEST(MapperFaults, ASwitchWithAnAlternativeIsReplaced) {
    // Two leaves, joined by two switches without boards.
    MapModel model;
    for (int s = 0; s < 4; ++s) model.add_switch(8);
    for (uint32_t b = 0; b < 4; ++b) {
        model.plug_board(b, 0, static_cast<int>(b));
        model.plug_board(b + 4, 1, static_cast<int>(b));
    }
    for (int spine = 2; spine < 4; ++spine) {
        model.plug(0, spine + 4, spine, 1);
        model.plug(1, spine + 4, spine, 6);
    }
    model.start_all();
    model.settle(0, 1'000'000);
    EXPECT_EQ(mapper_of(model, 0).switches(), 4u);
    expect_routes(model, 0);
    // Which of them does 5 use to reach 0?
    std::vector<std::pair<int, int>> channels;
    model.follow(5, model.nodes()[5].table[0], &channels);
    ASSERT_EQ(channels.size(), 3u);
    const int spine = channels[1].first;
    model.unplug(spine, 1);
    model.unplug(spine, 6);
    // The report to the mapper takes the broken way too: the board has to map by itself, and
    // yields.
    mapper_of(model, 5).suspect(0, static_cast<uint32_t>(model.now()));
    model.run(2'000'000);
    EXPECT_EQ(mapper_of(model, 0).switches(), 3u);
    expect_routes(model, 0);
}

TEST(MapperFaults, ADeadMapperIsSucceeded) {
    MapModel model;
    triangle(model);
    model.start_all();
    model.settle(0, 1'000'000);
    model.nodes()[0].alive = false;
    mapper_of(model, 22).suspect(0, static_cast<uint32_t>(model.now()));
    model.run(3'000'000);
    expect_routes(model, 1);
    EXPECT_EQ(mapper_of(model, 1).hosts(), 11u);

    // It comes back with an empty table, and takes over.
    model.start(0);
    model.run(3'000'000);
    expect_routes(model, 0);
    EXPECT_EQ(mapper_of(model, 0).hosts(), 12u);
}

TEST(MapperFaults, WithAPeriodADeadMapperNeedsNoComplaint) {
    MapModel model;
    triangle(model);
    model.start_all(200'000);
    model.run(1'000'000);
    expect_routes(model, 0);
    model.nodes()[0].alive = false;
    model.run(5'000'000);
    expect_routes(model, 1);
}

TEST(MapperFaults, ALateBoardIsFound) {
    MapModel model;
    triangle(model);
    for (auto& [id, node] : model.nodes()) node.alive = false;
    for (const uint32_t id : {0u, 1u, 2u, 10u, 11u}) model.start(id);
    model.run(200'000);
    expect_routes(model, 0);
    model.start(23);
    model.start(12);
    model.run(2'000'000);
    expect_routes(model, 0);
    EXPECT_EQ(mapper_of(model, 0).hosts(), 7u);
}

TEST(MapperFaults, ABoardThatWasRestartedGetsItsRoutesAgain) {
    MapModel model;
    triangle(model);
    model.start_all();
    model.settle(0, 1'000'000);
    model.start(13);
    model.run(2'000'000);
    expect_routes(model, 0);
    EXPECT_EQ(mapper_of(model, 0).counters().maps, 1u);  // a check was enough
}

TEST(MapperFaults, TwoNetworksAreJoined) {
    MapModel model;
    for (int s = 0; s < 2; ++s) {
        model.add_switch(16);
        for (int b = 0; b < 5; ++b) model.plug_board(static_cast<uint32_t>(20 * s + b), s, 2 * b);
    }
    model.start_all(300'000);
    model.run(1'000'000);
    expect_routes(model, 0);
    EXPECT_EQ(mapper_of(model, 21).mapper(), 20u);
    model.plug(0, 15, 1, 3);
    model.run(2'000'000);
    expect_routes(model, 0);
    EXPECT_EQ(mapper_of(model, 21).hosts(), 10u);
    model.unplug(0, 15);
    model.run(5'000'000);
    expect_routes(model, 0);
    expect_routes(model, 20);
}

TEST(MapperFaults, NoNetworkAtFirst) {
    MapModel model;
    triangle(model);
    model.unplug(0, 0);
    model.start_all();
    model.run(2'000'000);
    expect_routes(model, 1);
    EXPECT_EQ(mapper_of(model, 0).hosts(), 1u);
    model.plug_board(0, 0, 0);
    mapper_of(model, 0).map_again(static_cast<uint32_t>(model.now()));
    model.run(2'000'000);
    expect_routes(model, 0);
}

TEST(MapperFaults, TheDriversTableStays) {
    MapModel model;
    one_switch(model, 4);
    for (uint32_t id = 0; id < 4; ++id) model.start(id, 0, id != 2);
    model.nodes()[2].table[1].bytes[0] = 7;
    model.run(1'000'000);
    EXPECT_EQ(model.nodes()[2].table[1].bytes[0], 7);
    EXPECT_EQ(mapper_of(model, 2).epoch(), 0u);
    EXPECT_EQ(model.follow(0, model.nodes()[0].table[2]), 2);  // but others know it
}

TEST(MapperFaults, OddCables) {
    MapModel model;
    triangle(model);
    model.plug(0, 6, 0, 6);  // a port to itself
    model.plug(1, 4, 1, 7);  // two ports of one switch
    model.plug(2, 4, 2, 5);
    model.start_all();
    model.settle(0, 1'000'000);
    expect_routes(model, 0);
    EXPECT_EQ(mapper_of(model, 0).switches(), 3u);
    EXPECT_EQ(mapper_of(model, 0).counters().maps, 1u);
}

TEST(MapperFaults, OneNumberTwice) {
    MapModel model;
    triangle(model);
    model.ports(2)[5] = MapModel::End{true, 11, 0};  // as if another board 11 answered there
    model.start_all();
    model.run(2'000'000);
    for (const uint32_t to : {1u, 10u, 12u, 20u, 23u})
        EXPECT_EQ(model.follow(0, model.nodes()[0].table[to]), static_cast<int>(to));
    const uint64_t packets = model.packets();
    model.run(2'000'000);
    EXPECT_EQ(model.packets(), packets);  // it settles nevertheless
}

TEST(MapperFaults, LostPackets) {
    for (const double loss : {0.001, 0.01, 0.1}) {
        for (uint32_t seed = 0; seed < 8; ++seed) {
            SCOPED_TRACE(seed);
            MapModel model(seed);
            random_network(model, seed, 5, 30, true);
            model.set_loss(loss);
            model.start_all(1'000'000);
            model.run(10'000'000);
            model.set_loss(0);
            model.run(2'500'000);
            expect_routes(model, model.nodes().begin()->first);
        }
    }
}

TEST(MapperFaults, SlowBoards) {
    MapModel model;
    triangle(model);
    model.set_board_us(150);  // longer than half of the first time-out
    model.start_all();
    model.run(5'000'000);
    expect_routes(model, 0);
}

/// A packet of mapping with random fields: mostly nearly good.
std::vector<uint32_t> random_packet(std::mt19937& random, uint32_t* bytes) {
    const auto pick = [&](uint32_t most) { return static_cast<uint32_t>(random() % most); };
    std::vector<uint32_t> words(128);
    for (uint32_t& word : words) word = static_cast<uint32_t>(random());
    const uint32_t kind = pick(8);
    uint32_t type =
        kind <= FM_MAP_ANSWER ? uint32_t{FM_WIRE_TYPE_PROBE} : uint32_t{FM_WIRE_TYPE_MAP};
    if (pick(8) == 0) type = pick(0x10000);
    words[0] =
        fm_be32(type << 16 | kind << 8 | (pick(16) == 0 ? pick(256) : uint32_t{FM_MAP_VERSION}));
    words[1] = fm_be32((pick(2) == 0 ? pick(13) : pick(256)) << 24 | pick(256) << 16 | pick(2));
    words[2] = fm_be32(pick(2) == 0 ? words[2] : pick(256));
    words[3] = fm_be32((fm_be32(words[1]) & 0xff000000u) | pick(4));
    const auto fill_route = [&](uint32_t* at) {
        auto* route = reinterpret_cast<uint8_t*>(at);
        route[0] = static_cast<uint8_t>(pick(4) == 0 ? pick(256) : pick(4));
        for (int i = 1; i < 16; ++i) route[i] = static_cast<uint8_t>(0x80 | (pick(16) - 8u) % 64);
    };
    fill_route(&words[4]);
    words[8] = fm_be32(pick(16) * 16 << 24 | pick(256));
    for (int i = 9; i < 17; ++i) words[static_cast<std::size_t>(i)] |= ~0u << pick(32);
    for (int i = 0; i < 16; ++i) fill_route(&words[static_cast<std::size_t>(17 + 4 * i)]);
    *bytes = kind == FM_MAP_ROUTES ? sizeof(fm_map_routes) : sizeof(fm_map_packet);
    if (pick(8) == 0) *bytes = pick(500) & ~3u;
    return words;
}

TEST(MapperFaults, Garbage) {
    MapModel model;
    triangle(model);
    model.start_all(500'000);
    std::mt19937 random(4);
    for (int i = 0; i < 20'000; ++i) {
        uint32_t bytes = 0;
        const std::vector<uint32_t> words = random_packet(random, &bytes);
        model.inject(static_cast<uint32_t>(10 * (i % 3) + i % 4), words, bytes);
        if (i % 10 == 0) model.run(random() % 2000);
        for (auto& [id, node] : model.nodes()) {
            for (const fm_route& route : node.table) ASSERT_LE(route.bytes[0], FM_MAX_ROUTE);
        }
    }
    EXPECT_GT(mapper_of(model, 0).counters().bad, 100u);
    model.run(10'000'000);
    expect_routes(model, 0);  // and it heals
}

}  // namespace
}  // namespace firmware::testing
