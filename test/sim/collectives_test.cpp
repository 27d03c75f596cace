// Every algorithm of every collective, on more ranks than a machine has cores for, gives the right
// results: odd and even numbers of ranks, hosts of the same and of different sizes.
#include <gtest/gtest.h>

#include <numeric>
#include <string>

#include "test/sim/collectives.hpp"
#include "test/sim/world.hpp"

namespace sim {
namespace {

using adi::testing::SimModel;
using Hosts = std::vector<adi::Peer>;

constexpr SimModel kModel{{200'000, 100'000, 10'000, 100}, {1'500'000, 250'000, 20'000, 80}};

/// All algorithms, and the selection's choice, with short and with longer data.
void check_all(const Hosts& hosts) {
    const int ranks = static_cast<int>(std::accumulate(hosts.begin(), hosts.end(), adi::Peer{0}));
    for (const bool by_hosts : {false, true}) {
        SimModel model = kModel;
        model.hosts_known = by_hosts;
        World world(hosts, model);
        world.warm_up();
        const auto check = [&](const Collective& collective, const char* algorithm) {
            for (const std::uint64_t bytes : {8, 520, 20'000}) {
                if (bytes > 8 && !collective.has_data) break;
                if (bytes > 520 &&
                    collective.memory(bytes, static_cast<std::uint64_t>(ranks)) > 1'000'000)
                    break;
                int wrong = 0;
                const int root = ranks * 2 / 3;
                world.run([&](mpi::Comm& comm) { wrong += !collective.call(comm, bytes, root); });
                EXPECT_EQ(wrong, 0)
                    << collective.name << ", " << algorithm << ", " << bytes << " bytes, " << ranks
                    << " ranks on " << hosts.size() << " hosts of " << hosts[0];
            }
        };
        for (const Collective& collective : collectives()) {
            check(collective, "the choice");
            for (const Algorithm& algorithm : collective.algorithms) {
                if (algorithm.by_hosts != by_hosts) continue;
                const Wanting wanting(algorithm);
                check(collective, algorithm.name);
            }
        }
    }
}

/// Whatever a communicator is used for first: it then finds out what it has.
TEST(SimCollectives, AnyCallMayBeTheFirst) {
    for (const Hosts& hosts : {Hosts{4, 4, 4}, Hosts{2, 5, 1}, Hosts{1, 1, 1}, Hosts{6}}) {
        for (const Collective& collective : collectives()) {
            for (const std::uint64_t bytes : {8, 1'100'000}) {
                if (collective.memory(bytes, 12) > 10'000'000) continue;
                World world(hosts, kModel);
                int wrong = 0;
                for (int i = 0; i < 4; ++i) {
                    world.run([&](mpi::Comm& comm) { wrong += !collective.call(comm, bytes, 1); });
                }
                EXPECT_EQ(wrong, 0) << collective.name << ", " << bytes << " bytes";
            }
        }
    }
}

TEST(SimCollectives, OneHost) {
    for (const adi::Peer ranks : {2U, 3U, 8U, 13U}) check_all({ranks});
}

TEST(SimCollectives, ARankPerHost) {
    for (const int ranks : {2, 5, 16, 33}) check_all(hosts_of(ranks, 1));
}

TEST(SimCollectives, EqualHosts) {
    check_all({2, 2});
    check_all({4, 4, 4});
    check_all(hosts_of(64, 8));
    check_all(hosts_of(300, 25));
}

TEST(SimCollectives, TheLastHostHasFewer) {
    check_all({3, 2});
    check_all({4, 4, 1});
    check_all(hosts_of(101, 10));
}

TEST(SimCollectives, UnevenHosts) {
    check_all({1, 4});
    check_all({2, 5, 1, 3});
    check_all({1, 1, 2});
    check_all({17, 3, 40, 8, 8, 1, 64});
}

}  // namespace
}  // namespace sim
