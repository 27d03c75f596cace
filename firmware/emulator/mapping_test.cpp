// The control program finds its routes: whole fabrics of emulated boards, in modelled time.
#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "firmware/emulator/attach_fixture.hpp"
#include "firmware/emulator/board_processor.hpp"
#include "firmware/emulator/network.hpp"

namespace emulator {
namespace {

constexpr Time kMs = 1'000'000'000;

/// Boards that map, and the network between them; nobody is attached.
class MappedFabric {
  public:
    explicit MappedFabric(Topology topology, std::uint32_t map_ms = 0, std::string_view faults = "")
        : topology_(std::move(topology)) {
        NetworkOptions options;
        options.faults = *parse_faults(faults);
        network_ = std::move(*Network::make(topology_, machine_, simulation_, std::move(options)));
        FirmwareSettings settings;
        settings.map = true;
        settings.map_ms = map_ms;
        const Routes routes(topology_);
        for (const std::uint32_t id : topology_.boards) {
            drivers_.push_back(std::make_unique<Driver>(id, simulation_, machine_, nullptr));
            Driver& driver = *drivers_.back();
            EXPECT_TRUE(driver.start(firmware::kControlProgram, settings, topology_, routes));
            driver.board().plug(network_->attach(id, driver.board()));
            processors_.push_back(std::make_unique<BoardProcessor>(driver));
            simulation_.add(*processors_.back());
        }
        network_->start();
    }

    void run(Time time) {
        simulation_.advance(simulation_.now() + time);
        for (const auto& driver : drivers_) {
            const Fault* fault = driver->board().fault();
            ASSERT_EQ(fault, nullptr) << driver->board().id() << ": " << fault->text();
        }
    }
    /// Until all boards know so many; false when that takes longer.
    bool run_until_known(std::uint32_t boards, Time most) {
        for (const Time end = simulation_.now() + most; simulation_.now() < end;) {
            run(kMs);
            bool all = true;
            for (const auto& driver : drivers_) all = all && driver->ready(boards);
            if (all) return true;
        }
        return false;
    }

    /// A word of the board's page, or of its counters.
    std::uint32_t page(std::uint32_t index, std::size_t offset) const {
        return drivers_[index]->board().load_word(FM_SRAM_BOARD +
                                                  static_cast<std::uint32_t>(offset));
    }
    std::uint32_t counter(std::uint32_t index, std::size_t offset) const {
        return drivers_[index]->board().load_word(FM_SRAM_COUNTERS +
                                                  static_cast<std::uint32_t>(offset));
    }

    /// Where the route in a board's table leads in the topology; -1: none, or astray. `through`
    /// gets the switches.
    int follow(std::uint32_t index, std::uint32_t to,
               std::vector<std::uint32_t>* through = nullptr) const {
        Board& board = drivers_[index]->board();
        const auto* bytes = reinterpret_cast<const std::uint8_t*>(board.sram()) + FM_SRAM_ROUTES +
                            to * sizeof(fm_route);
        if (bytes[0] == 0 || bytes[0] > FM_MAX_ROUTE) return -1;
        LinkEnd here{true, board.id(), 0};
        for (std::uint32_t i = 0; i <= bytes[0]; ++i) {
            const Topology::Link* link = topology_.link_at(here);
            if (link == nullptr) return -1;
            here = link->a == here ? link->b : link->a;
            if (i == bytes[0]) return here.is_board ? static_cast<int>(here.index) : -1;
            if (here.is_board) return -1;
            if (through != nullptr) through->push_back(here.index);
            const std::uint32_t byte = bytes[sizeof(fm_route) - bytes[0] + i];
            here.port += (byte & 0x1fU) - (byte & 0x20U);
            if (here.port >= topology_.switches[here.index].ports) return -1;
        }
        return -1;
    }
    /// All boards in `known` have routes to each other, to nobody else, and none through a switch
    /// in `without`.
    void expect_routes(const std::set<std::uint32_t>& known,
                       const std::set<std::uint32_t>& without = {}) const {
        for (std::uint32_t from = 0; from < drivers_.size(); ++from) {
            if (known.count(topology_.boards[from]) == 0) continue;
            for (std::uint32_t to = 0; to < FM_MAX_BOARDS; ++to) {
                const bool expected = known.count(to) != 0 && to != topology_.boards[from];
                std::vector<std::uint32_t> through;
                EXPECT_EQ(follow(from, to, &through), expected ? static_cast<int>(to) : -1)
                    << topology_.boards[from] << " to " << to;
                for (const std::uint32_t s : through) EXPECT_EQ(without.count(s), 0u);
            }
        }
    }
    std::set<std::uint32_t> all() const {
        return {topology_.boards.begin(), topology_.boards.end()};
    }

    Network& network() { return *network_; }
    const Topology& topology() const { return topology_; }
    Time now() const { return simulation_.now(); }

  private:
    const Machine& machine_ = machines().front();
    Topology topology_;
    Simulation simulation_{true};
    std::unique_ptr<Network> network_;
    std::vector<std::unique_ptr<Driver>> drivers_;
    std::vector<std::unique_ptr<BoardProcessor>> processors_;
};

/// Two leaves with three boards each, and two switches that join them.
constexpr const char* kTwoWays =
    "switch left 8\nswitch right 16\nswitch up 8\nswitch down 8\n"
    "board 3\nboard 4\nboard 5\nboard 6\nboard 7\nboard 8\n"
    "link 3 left:1\nlink 4 left:2\nlink 5 left:7\nlink 6 right:0\nlink 7 right:9\nlink 8 "
    "right:15\n"
    "link left:3 up:0\nlink right:3 up:5\nlink left:4 down:1\nlink right:12 down:7\n";

Topology two_ways() {
    return *parse_topology(kTwoWays, "test");
}

TEST(Mapping, TheDefaultFabric) {
    MappedFabric fabric(default_topology(16));
    ASSERT_TRUE(fabric.run_until_known(16, 50 * kMs));
    fabric.expect_routes(fabric.all());
    fabric.run(20 * kMs);
    EXPECT_EQ(fabric.counter(0, offsetof(fm_counters, maps)), 1u);
    EXPECT_LT(fabric.counter(0, offsetof(fm_counters, probes_sent)), 1000u);
    for (std::uint32_t board = 0; board < 16; ++board) {
        EXPECT_EQ(fabric.page(board, offsetof(fm_board_page, mapper)), 0u);
        EXPECT_EQ(fabric.page(board, offsetof(fm_board_page, switches)), 1u);
        EXPECT_GT(fabric.page(board, offsetof(fm_board_page, map_epoch)), 0u);
        EXPECT_EQ(fabric.counter(board, offsetof(fm_counters, map_packets_bad)), 0u);
    }
    const std::uint64_t sent = fabric.network().counters().sent;
    fabric.run(500 * kMs);
    EXPECT_EQ(fabric.network().counters().sent, sent);  // no period: silence
}

TEST(Mapping, LeavesAndRoots) {
    MappedFabric fabric(default_topology(40));
    ASSERT_TRUE(fabric.run_until_known(40, 2000 * kMs));
    fabric.expect_routes(fabric.all());
    EXPECT_EQ(fabric.page(7, offsetof(fm_board_page, switches)), fabric.topology().switches.size());
}

TEST(Mapping, ASwitchGoesAndAnotherTakesOver) {
    MappedFabric fabric(two_ways(), 50);
    ASSERT_TRUE(fabric.run_until_known(6, 300 * kMs));
    fabric.run(20 * kMs);
    fabric.expect_routes(fabric.all());
    for (const std::uint32_t gone : {2u, 3u}) {
        ASSERT_TRUE(fabric.network().set_switch(gone, false));
        fabric.run(300 * kMs);
        fabric.expect_routes(fabric.all(), {gone});
        EXPECT_EQ(fabric.page(0, offsetof(fm_board_page, switches)), 3u);
        ASSERT_TRUE(fabric.network().set_switch(gone, true));
        fabric.run(300 * kMs);
        EXPECT_EQ(fabric.page(5, offsetof(fm_board_page, switches)), 4u);
        fabric.expect_routes(fabric.all());
    }
}

TEST(Mapping, BothHalvesWorkWhenTheyAreParted) {
    MappedFabric fabric(two_ways(), 50);
    ASSERT_TRUE(fabric.run_until_known(6, 300 * kMs));
    const LinkEnd ends[] = {*fabric.topology().find_end("up:0"),
                            *fabric.topology().find_end("down:1")};
    for (const LinkEnd& end : ends) ASSERT_TRUE(fabric.network().set_link(end, false));
    fabric.run(3000 * kMs);
    fabric.expect_routes({3, 4, 5});
    fabric.expect_routes({6, 7, 8});
    EXPECT_EQ(fabric.page(5, offsetof(fm_board_page, mapper)), 6u);
    for (const LinkEnd& end : ends) ASSERT_TRUE(fabric.network().set_link(end, true));
    fabric.run(1000 * kMs);
    fabric.expect_routes(fabric.all());
    EXPECT_EQ(fabric.page(5, offsetof(fm_board_page, mapper)), 3u);
}

TEST(Mapping, ACableAtTheBoardSaysSoItself) {
    MappedFabric fabric(two_ways());  // no period
    const LinkEnd end = *fabric.topology().find_end("8");
    ASSERT_TRUE(fabric.network().set_link(end, false));
    fabric.run(500 * kMs);
    fabric.expect_routes({3, 4, 5, 6, 7});
    ASSERT_TRUE(fabric.network().set_link(end, true));
    fabric.run(500 * kMs);
    fabric.expect_routes(fabric.all());
}

TEST(Mapping, FaultsOnEveryLink) {
    MappedFabric fabric(two_ways(), 100,
                        "seed=3 drop=1e-2 corrupt=1e-2 duplicate=1e-2 reorder=1e-2");
    fabric.run(1000 * kMs);
    fabric.expect_routes(fabric.all());
    EXPECT_GT(fabric.network().counters().faults.dropped, 0u);
}

/// Nobody looks at the network but when packets are not acknowledged.
TEST(Mapping, MessagesFindTheirWayAroundASwitch) {
    const std::string file = testing::TempDir() + "fathom-mapping-" + std::to_string(::getpid());
    std::ofstream(file) << kTwoWays;
    EmulatorOptions options;
    options.fabric = file;
    options.machine = find_machine("ppro200");
    options.faults = "remove=up@100ms+300ms remove=down@600ms";
    options.firmware.map = true;
    options.firmware.map_ms = 0;
    emulator_test::RunningEmulator emulator(std::move(options));
    std::filesystem::remove(file);
    auto job = emulator_test::make_job(emulator.name(), 2, {}, {4, 7});
    for (std::uint32_t i = 0; i < 200; ++i) {
        dev::fm::Clock& clock = *job[i % 2]->board().clock();
        clock.charge_ps(5 * kMs);
        job[i % 2]->send(1 - i % 2, {i, 0}, emulator_test::some_bytes(100, i));
        const emulator_test::Arrived packet = job[1 - i % 2]->take();
        ASSERT_EQ(packet.user[0], i);
        ASSERT_EQ(packet.kind, FM_KIND_DATA);
    }
    EXPECT_GT(job[0]->board().clock()->now_ps(), 900 * kMs);
    const fm_counters& counters = *job[0]->board().counters();
    const fm_counters& others = *job[1]->board().counters();
    EXPECT_GT(fm_be32(counters.timeouts) + fm_be32(others.timeouts), 0u);
    EXPECT_EQ(fm_be32(counters.nodes_lost) + fm_be32(others.nodes_lost), 0u);
}

}  // namespace
}  // namespace emulator
