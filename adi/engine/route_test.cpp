#include "adi/engine/route.hpp"

#include <gtest/gtest.h>

namespace adi {
namespace {

TEST(Routes, APeerOfNoMessageIsUnconnected) {
    Routes routes;
    routes.resize(1000);
    EXPECT_EQ(routes.size(), 1000U);
    for (Peer peer = 0; peer < 1000; ++peer) {
        EXPECT_EQ(routes[peer].way, Way::unconnected);
        EXPECT_EQ(routes[peer].short_limit, 0U);
        EXPECT_EQ(routes[peer].queue, nullptr);
    }
}

TEST(Routes, AChangeIsOfOnePeerAlone) {
    Routes routes;
    routes.resize(1000);
    Route& changed = routes.at(500);
    changed.short_limit = 7;
    for (Peer peer = 0; peer < 1000; peer += 3) routes.at(peer).lost = true;
    EXPECT_EQ(&routes.at(500), &changed) << "a route moved";
    for (Peer peer = 0; peer < 1000; ++peer) {
        EXPECT_EQ(routes[peer].short_limit, peer == 500 ? 7U : 0U) << peer;
        EXPECT_EQ(routes[peer].lost, peer % 3 == 0) << peer;
    }
}

}  // namespace
}  // namespace adi
