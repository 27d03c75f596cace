// What the mapper's tests build, and what they expect of every network.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <numeric>

#include "firmware/protocol/map_model.hpp"

namespace firmware::testing {

/// Hops of the shortest path between boards, whatever deadlocks: breadth first.
inline int shortest(MapModel& model, uint32_t from, uint32_t to) {
    const auto& switches = model.switches();
    std::vector<int> hops(switches.size(), -1);
    const int start = model.nodes()[from].cable.index;
    const int goal = model.nodes()[to].cable.index;
    if (start < 0 || goal < 0) return -1;
    std::queue<int> queue;
    queue.push(start);
    hops[static_cast<std::size_t>(start)] = 1;
    while (!queue.empty()) {
        const int s = queue.front();
        queue.pop();
        for (const MapModel::End& end : switches[static_cast<std::size_t>(s)]) {
            if (end.board || end.index < 0 || hops[static_cast<std::size_t>(end.index)] >= 0)
                continue;
            hops[static_cast<std::size_t>(end.index)] = hops[static_cast<std::size_t>(s)] + 1;
            queue.push(end.index);
        }
    }
    return hops[static_cast<std::size_t>(goal)];
}

struct Quality {
    uint64_t hops = 0;
    uint64_t shortest = 0;
};

/// Every live board of the network of `mapper` has a valid route to every other, and all routes
/// together depend on no cycle of channels.
inline Quality expect_routes(MapModel& model, uint32_t mapper) {
    using Channel = std::pair<int, int>;
    std::map<Channel, std::set<Channel>> after;
    Quality quality;
    for (auto& [from, node] : model.nodes()) {
        const bool in = node.alive && (from == mapper || shortest(model, mapper, from) > 0);
        for (auto& [to, other] : model.nodes()) {
            const int least = other.alive && in ? shortest(model, from, to) : -1;
            const fm_route& route = node.table[to];
            if (!in) continue;
            if (from == to || least < 0) {
                EXPECT_EQ(route.bytes[0], 0) << from << " to " << to;
                continue;
            }
            std::vector<Channel> channels;
            EXPECT_EQ(model.follow(from, route, &channels), static_cast<int>(to))
                << from << " to " << to;
            for (std::size_t i = 1; i < channels.size(); ++i)
                after[channels[i - 1]].insert(channels[i]);
            quality.hops += route.bytes[0];
            quality.shortest += static_cast<uint64_t>(least);
        }
        if (in) {
            EXPECT_EQ(node.mapper->mapper(), mapper);
            EXPECT_EQ(node.mapper->hosts(), model.nodes()[mapper].mapper->hosts());
            EXPECT_EQ(node.mapper->switches(), model.nodes()[mapper].mapper->switches());
        }
    }
    std::map<Channel, int> seen;  // 1: on the path, 2: done
    std::function<bool(const Channel&)> cyclic = [&](const Channel& channel) {
        int& state = seen[channel];
        if (state != 0) return state == 1;
        state = 1;
        for (const Channel& next : after[channel]) {
            if (cyclic(next)) return true;
        }
        seen[channel] = 2;
        return false;
    };
    std::vector<Channel> channels;
    for (const auto& [channel, unused] : after) channels.push_back(channel);
    for (const Channel& channel : channels) EXPECT_FALSE(cyclic(channel)) << "a cycle of channels";
    return quality;
}

/// n switches: a random tree, more cables at random, and boards on free ports. Every fourth switch
/// has none.
inline void random_network(MapModel& model, uint32_t seed, int n, int boards, bool full) {
    std::mt19937 random(seed);
    const auto pick = [&](int most) {
        return static_cast<int>(random() % static_cast<uint32_t>(most));
    };
    std::vector<std::vector<int>> free(static_cast<std::size_t>(n));
    for (int s = 0; s < n; ++s) {
        const int ports = full ? 16 : 4 + pick(29);
        model.add_switch(ports);
        auto& mine = free[static_cast<std::size_t>(s)];
        mine.resize(static_cast<std::size_t>(ports));
        std::iota(mine.begin(), mine.end(), 0);
        std::shuffle(mine.begin(), mine.end(), random);
    }
    const auto take = [&](int s) {
        auto& mine = free[static_cast<std::size_t>(s)];
        if (mine.empty()) return -1;
        const int port = mine.back();
        mine.pop_back();
        return port;
    };
    const auto cable = [&](int a, int b) {
        if (free[static_cast<std::size_t>(a)].empty() ||
            free[static_cast<std::size_t>(b)].size() < 1u + (a == b))
            return;
        const int port = take(a);
        model.plug(a, port, b, take(b));
    };
    for (int s = 1; s < n; ++s) cable(s, std::max(0, s - 1 - pick(4)) / (1 + pick(3)));
    for (int i = 0; i < n + pick(2 * n); ++i) cable(pick(n), pick(n));
    std::vector<uint32_t> ids(FM_MAX_BOARDS);
    std::iota(ids.begin(), ids.end(), 0u);
    std::shuffle(ids.begin(), ids.end(), random);
    for (int i = 0, tries = 0; i < boards && tries < 10 * boards; ++tries) {
        const int s = pick(n);
        if (n > 1 && s % 4 == 3) continue;
        const int port = take(s);
        if (port >= 0) model.plug_board(ids[static_cast<std::size_t>(i++)], s, port);
    }
}

inline void one_switch(MapModel& model, int boards, int ports = 16) {
    const int s = model.add_switch(ports);
    for (int b = 0; b < boards; ++b) model.plug_board(static_cast<uint32_t>(b), s, b);
}

}  // namespace firmware::testing
