#include "firmware/emulator/topology.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "firmware/emulator/faults.hpp"

namespace emulator {
namespace {

std::string error_of(const std::string& text) {
    const auto topology = parse_topology(text, "f");
    return topology ? "" : topology.message();
}

/// Follows route bytes from board to board; the channels (switch, out port) that are held on the
/// way. Empty: did not arrive.
std::vector<std::pair<std::uint32_t, std::uint32_t>> walk(const Topology& topology,
                                                          std::uint32_t from, std::uint32_t to,
                                                          const std::vector<std::uint8_t>& route) {
    std::vector<std::pair<std::uint32_t, std::uint32_t>> channels;
    LinkEnd at{true, from, 0};
    for (std::size_t n = 0;; ++n) {
        const Topology::Link* link = topology.link_at(at);
        if (link == nullptr) return {};
        at = link->a == at ? link->b : link->a;
        if (at.is_board) {
            if (at.index != to || n != route.size()) return {};
            return channels;
        }
        if (n == route.size() || (route[n] & 0xc0) != 0x80) return {};
        std::uint32_t delta = route[n] & 0x3fU;
        if (delta >= 32) delta -= 64;
        at.port += delta;
        channels.emplace_back(at.index, at.port);
    }
}

/// All pairs have a route that arrives; no packets can wait for each other in a circle.
void check_routes(const Topology& topology, std::size_t longest) {
    using Channel = std::pair<std::uint32_t, std::uint32_t>;
    const Routes routes(topology);
    std::map<Channel, std::set<Channel>> after;
    for (const std::uint32_t from : topology.boards)
        for (const std::uint32_t to : topology.boards) {
            const auto route = routes.between(from, to);
            ASSERT_EQ(route.has_value(), from != to) << from << " " << to;
            if (!route) continue;
            ASSERT_LE(route->size(), longest);
            const auto channels = walk(topology, from, to, *route);
            ASSERT_FALSE(channels.empty()) << from << " " << to;
            for (std::size_t i = 0; i + 1 < channels.size(); ++i)
                after[channels[i]].insert(channels[i + 1]);
        }
    // Takes away channels that wait for none, until none is left; a circle would stay.
    std::map<Channel, std::set<Channel>> left = after;
    for (bool gone = true; gone;) {
        gone = false;
        for (auto it = left.begin(); it != left.end();) {
            const bool waits = std::any_of(it->second.begin(), it->second.end(),
                                           [&](const Channel& c) { return left.count(c) != 0; });
            if (!waits) gone = true;
            it = waits ? std::next(it) : left.erase(it);
        }
    }
    EXPECT_TRUE(left.empty());
}

TEST(Topology, Reads) {
    auto read = parse_topology(
        "# comment\n link 1 right:3\nswitch left 8 # eight\r\nswitch right 16\nboard 1\nboard 0\n"
        "link 0 left\nlink left right\n\nlink left:7 remote other.example:7101\n"
        "link right:0 listen 7102\n",
        "f");
    ASSERT_TRUE(read.ok()) << read.message();
    EXPECT_EQ(read->boards, (std::vector<std::uint32_t>{0, 1}));
    ASSERT_EQ(read->links.size(), 5U);
    EXPECT_EQ(read->links[0].b, (LinkEnd{false, 1, 3}));
    EXPECT_EQ(read->links[1].b, (LinkEnd{false, 0, 0}));
    EXPECT_EQ(read->links[2].a, (LinkEnd{false, 0, 1}));
    EXPECT_EQ(read->links[2].b, (LinkEnd{false, 1, 1}));  // port 0 is named further down
    EXPECT_EQ(read->links[3].far, Topology::Far::remote);
    EXPECT_EQ(read->links[3].host, "other.example");
    EXPECT_EQ(read->links[3].port, 7101);
    EXPECT_EQ(read->links[4].far, Topology::Far::listen);
    EXPECT_EQ(read->name({false, 1, 3}), "right:3");
    EXPECT_EQ(read->find_end("right:3"), (LinkEnd{false, 1, 3}));
    EXPECT_EQ(read->find_end("1"), (LinkEnd{true, 1, 0}));
    EXPECT_FALSE(read->find_end("right:16"));
    EXPECT_FALSE(read->find_end("2"));
    const auto again = parse_topology(write_topology(*read), "g");
    ASSERT_TRUE(again.ok()) << again.message();
    EXPECT_EQ(*again, *read);
}

TEST(Topology, SaysWhatIsWrong) {
    const std::string two = "switch a 4\nboard 0\nboard 1\n";
    EXPECT_EQ(error_of(two + "link 0 b\n"), "f:4: there is no switch 'b'");
    EXPECT_EQ(error_of(two + "link 2 a\n"), "f:4: there is no board 2");
    EXPECT_EQ(error_of(two + "link 0 a:4\n"), "f:4: switch a has the ports 0 to 3, not '4'");
    EXPECT_EQ(error_of(two + "link 0 a\nlink 0 a\n"), "f:5: 0 is taken by the link of line 4");
    EXPECT_EQ(error_of(two + "link 0 a:1\nlink 1 a:1\n"),
              "f:5: a:1 is taken by the link of line 4");
    EXPECT_EQ(error_of(two + "link a a\n"), "f:4: both ends are at the same place");
    EXPECT_EQ(error_of(two + "cable 0 a\n"), "f:4: 'cable' is none of switch, board, link");
    EXPECT_EQ(error_of("switch a 33\n"), "f:1: a switch has 2 to 32 ports");
    EXPECT_EQ(error_of("switch a\n"), "f:1: expected: switch NAME PORTS");
    EXPECT_EQ(error_of("switch 9 8\n"),
              "f:1: '9' is no name: a letter, then letters, digits, - . _");
    EXPECT_EQ(error_of("switch a 8\nswitch a 8\n"), "f:2: switch a is there already");
    EXPECT_EQ(error_of("board 256\n"), "f:1: board ids are 0 to 255");
    EXPECT_EQ(error_of("board 1\nboard 1\n"), "f:2: board 1 is there already");
    EXPECT_EQ(error_of("switch a 8\n"), "f: has no board");
    EXPECT_EQ(error_of(two + "link a:0 remote host\n"), "f:4: 'host' is no TCP port");
    EXPECT_EQ(error_of(two + "link a:0 remote :80\n"), "f:4: ':80' is not HOST:PORT");
    EXPECT_EQ(error_of("switch a 2\nboard 0\nboard 1\nboard 2\nlink 0 a\nlink 1 a\nlink 2 a\n"),
              "f:7: switch a has no free port left");
    EXPECT_FALSE(read_topology("/nonexistent/fabric").ok());
}

TEST(Topology, SurvivesAnyText) {
    const std::vector<std::string> words = {
        "switch", "board", "link", "remote", "listen", "a",         "b",  "a:1",   "b:31",
        ":",      "a:",    "0",    "1",      "255",    "256",       "-1", "#",     "\n",
        "\n",     "\n",    "\t",   "8",      "32",     "h:1",       "::", "99999", "\xff",
        "\0x",    "a:99",  "a",    "link",   "link",   "4294967296"};
    Random random(5);
    int good = 0;
    for (int round = 0; round < 100'000; ++round) {
        std::string text = "switch a 8\nboard 0\n";
        for (std::uint32_t n = random.below(30); n > 0; --n)
            text += words[random.below(static_cast<std::uint32_t>(words.size()))] +
                    (random.below(8) == 0 ? "" : " ");
        auto topology = parse_topology(text, "f");
        if (!topology) {
            ASSERT_EQ(topology.message().substr(0, 1), "f");
            continue;
        }
        ++good;
        const auto again = parse_topology(write_topology(*topology), "g");
        ASSERT_TRUE(again.ok()) << text << again.message();
        ASSERT_EQ(*again, *topology) << text;
    }
    EXPECT_GT(good, 1000);
}

TEST(Topology, Default) {
    for (const std::uint32_t boards : {1U, 2U, 16U, 17U, 64U, 65U, 128U, 129U, 256U}) {
        const Topology topology = default_topology(boards);
        EXPECT_EQ(topology.boards.size(), boards);
        const auto again = parse_topology(write_topology(topology), "g");
        ASSERT_TRUE(again.ok()) << boards << ": " << again.message();
        EXPECT_EQ(*again, topology);
        if (boards <= 64) check_routes(topology, 3);
    }
}

TEST(Routes, ArriveWithoutCircles) {
    Random random(11);
    for (int round = 0; round < 200; ++round) {
        const std::uint32_t switches = 1 + random.below(12);
        std::string text;
        for (std::uint32_t i = 0; i < switches; ++i) {
            text += "switch s" + std::to_string(i) + " 32\n";
            if (i > 0)
                text +=
                    "link s" + std::to_string(i) + " s" + std::to_string(random.below(i)) + "\n";
        }
        for (std::uint32_t n = random.below(12); n > 0 && switches > 1; --n) {
            const std::uint32_t a = random.below(switches);
            const std::uint32_t b = (a + 1 + random.below(switches - 1)) % switches;
            text += "link s" + std::to_string(a) + " s" + std::to_string(b) + "\n";
        }
        for (std::uint32_t i = 0; i < 10; ++i)
            text += "board " + std::to_string(i) + "\nlink " + std::to_string(i) + " s" +
                    std::to_string(random.below(switches)) + "\n";
        auto topology = parse_topology(text, "f");
        ASSERT_TRUE(topology.ok()) << topology.message();
        check_routes(*topology, 15);
    }
}

TEST(Routes, NoWay) {
    const auto apart = parse_topology(
        "switch a 8\nswitch b 8\nboard 0\nboard 1\nboard 2\nboard 3\nboard 4\n"
        "link 0 a\nlink 1 b\nlink 2 3\n",
        "f");
    ASSERT_TRUE(apart.ok()) << apart.message();
    const Routes routes(*apart);
    EXPECT_FALSE(routes.between(0, 1));
    EXPECT_FALSE(routes.between(0, 4));
    EXPECT_FALSE(routes.between(4, 0));
    EXPECT_FALSE(routes.between(2, 0));
    EXPECT_FALSE(routes.between(0, 0));
    EXPECT_EQ(routes.between(2, 3), std::vector<std::uint8_t>{});
}

}  // namespace
}  // namespace emulator
