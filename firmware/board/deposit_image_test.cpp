// Deposits between two emulated boards in modelled time, from slot to host memory: how long one
// takes, and how closely the transfers of a long one follow each other. README.md has the figures.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "firmware/emulator/board.hpp"
#include "firmware/emulator/board_fixture.hpp"
#include "firmware/emulator/board_processor.hpp"
#include "firmware/emulator/network.hpp"
#include "firmware/emulator/simulation.hpp"
#include "firmware/protocol/layout.h"
#include "firmware/tools/firmware_image.hpp"

namespace emulator {
namespace {

constexpr std::uint32_t kKey = 77, kRingSlots = 64, kMemory = 1 << 24;
constexpr std::uint32_t kRing = 0x100000, kData = 0x200000, kFirstPage = 64, kPages = 1024;
constexpr std::uint32_t kWindow = 1 << 6 | 5;
constexpr Time kMicrosecond = 1'000'000;
/// What the figures may be; the reports print what they are.
constexpr std::int64_t kAligned = 17, kUnaligned = 46;
constexpr struct {
    std::uint32_t bytes;
    double most_us;
} kTimes[] = {{512, 44}, {4096, 90}, {16384, 198}, {65536, 615}, {262144, 2170}};

/// Notes when a packet has come to the ring.
class Memory final : public TestMemory {
  public:
    explicit Memory(Scheduler& scheduler) : TestMemory(kMemory), scheduler_(scheduler) {}
    bool write(std::uint32_t bus, std::span<const std::byte> from) override {
        if (!TestMemory::write(bus, from)) return false;
        if (bus < kData) arrivals.push_back(scheduler_.now());
        return true;
    }
    std::vector<Time> arrivals;

  private:
    Scheduler& scheduler_;
};

/// The transfers between a board and its host.
class Watch final : public BoardWatcher {
  public:
    struct Transfer {
        Time begin, end;
        std::uint32_t bytes;
    };
    void dma(Time begin, Time end, std::uint32_t bytes, bool) override {
        transfers.push_back({begin, end, bytes});
    }
    void sent(Time, Time, std::uint32_t) override {}
    void received(Time, Time, std::uint32_t) override {}
    void worked(Time, Time) override {}
    std::vector<Transfer> transfers;
};

class DepositImage : public testing::Test {
  protected:
    struct Node {
        Node(std::uint32_t id, Simulation& simulation, const Machine& machine)
            : memory(simulation),
              board(id, simulation, machine, memory, [] {}),
              clock(board, true),
              process(board) {}
        void store(std::uint32_t address, std::uint32_t word) { process.store(address, word); }
        Memory memory;
        Board board;
        BoardProcessor clock;
        TestProcess process;
        Watch watch;
    };

    void SetUp() override {
        simulation.set_lookahead(machine.hop_ps + machine.cable_ps);
        const Topology topology = default_topology(2);
        auto made = Network::make(topology, machine, simulation);
        ASSERT_TRUE(made.ok());
        network = std::move(*made);
        const Routes routes(topology);
        for (std::uint32_t id = 0; id < 2; ++id) {
            Node& node = nodes[id];
            node.board.plug(network->attach(id, node.board));
            simulation.add(node.clock);
            node.board.load(firmware::kControlProgram.bytes, 0);
            node.store(FM_SRAM_BOARD + offsetof(fm_board_page, board), id);
            node.process.set_route(1 - id, routes.between(id, 1 - id)->front());
        }
        network->start();
        run(10'000);
        for (std::uint32_t id = 0; id < 2; ++id) open(id);
        run(10'000);
        for (Node& node : nodes) ASSERT_TRUE(node.process.done());
        for (Node& node : nodes) node.board.watch(&node.watch);
    }

    void open(std::uint32_t id) {
        Node& node = nodes[id];
        node.process.describe({id, {0, 1}, kKey, kRing, kRingSlots});
        // Neighbours in the table are none in memory: no two pages are one transfer.
        for (std::uint32_t i = 0; i < kPages; ++i)
            node.store(FM_SRAM_PAGES + 4 * (kFirstPage + i), page(i) | FM_PAGE_VALID);
        const std::uint32_t window =
            FM_SRAM_ENDPOINTS + std::uint32_t{offsetof(fm_endpoint, windows)} + 5 * 16;
        node.store(window + 4, (1 - id) << 16 | kFirstPage);
        node.store(window + 12, kPages * FM_PAGE_BYTES);
        node.store(window, kWindow);
        node.process.command(FM_COMMAND_OPEN);
    }
    static std::uint32_t page(std::uint32_t i) { return kData + (i ^ 1) * FM_PAGE_BYTES; }

    void run(Time us) { simulation.advance(simulation.now() + us * kMicrosecond); }

    void put(Node& node, std::uint32_t bytes, std::uint32_t offset, std::uint32_t window_offset) {
        node.process.send({FM_OP_PUT << 24 | (1 - node.board.id()), bytes, kFirstPage, offset,
                           kWindow, window_offset});
    }
    void message(Node& node) { node.process.send({FM_OP_INLINE << 24 | (1 - node.board.id()), 0}); }
    std::uint32_t done(Node& node) {
        return node.board.load_word(FM_SRAM_ENDPOINTS + offsetof(fm_endpoint, send_done));
    }
    /// Until the receiver has `count` messages.
    void run_until(std::size_t count) {
        for (int i = 0; i < 100'000 && nodes[1].memory.arrivals.size() < count; ++i) run(1);
    }
    /// Microseconds from the handing over of a put, with a message behind it, to the message.
    double put_us(std::uint32_t bytes, std::uint32_t offset = 0) {
        const Time begin = simulation.now();
        const std::size_t before = nodes[1].memory.arrivals.size();
        put(nodes[0], bytes, offset, 0);
        message(nodes[0]);
        run_until(before + 1);
        const double took = static_cast<double>(nodes[1].memory.arrivals.back() - begin) / 1e6;
        run(500);
        nodes[1].store(FM_SRAM_ENDPOINTS,
                       static_cast<std::uint32_t>(nodes[1].memory.arrivals.size()));
        EXPECT_EQ(done(nodes[0]), nodes[0].process.slots);
        return took;
    }

    Machine machine = *find_machine("ppro200");
    Simulation simulation{true};
    Node nodes[2] = {{0, simulation, machine}, {1, simulation, machine}};
    std::unique_ptr<Network> network;
};

/// Cycles of the processor for each page that the bus stands still, in the middle of what was seen.
std::int64_t idle_cycles(const std::vector<Watch::Transfer>& all, Time cycle) {
    Time idle = 0;
    std::uint64_t bytes = 0;
    for (std::size_t i = all.size() / 4; i < all.size() * 3 / 4; ++i) {
        idle += all[i + 1].begin - all[i].end;
        bytes += all[i].bytes;
    }
    return idle * FM_PAGE_BYTES / static_cast<Time>(bytes) / cycle;
}

// The host's bus is what bounds a long put: 126 MB/s leave 36 cycles a page. Pages in the middle of
// the receiver's take two transfers each.
TEST_F(DepositImage, TheBusHardlyStandsStill) {
    struct Case {
        std::uint32_t window_offset;
        std::int64_t sender, receiver;
    };
    for (const Case& c : {Case{0, kAligned, kAligned}, Case{1024, kUnaligned, kUnaligned}}) {
        for (Node& node : nodes) node.watch.transfers.clear();
        const std::size_t before = nodes[1].memory.arrivals.size();
        for (int i = 0; i < 8; ++i) put(nodes[0], 0x40000, 0, c.window_offset);
        message(nodes[0]);
        run_until(before + 1);
        run(500);
        const std::int64_t sender = idle_cycles(nodes[0].watch.transfers, machine.cycle_ps);
        const std::int64_t receiver = idle_cycles(nodes[1].watch.transfers, machine.cycle_ps);
        const std::string at = std::to_string(c.window_offset);
        RecordProperty("sender_" + at, static_cast<int>(sender));
        RecordProperty("receiver_" + at, static_cast<int>(receiver));
        EXPECT_LE(sender, c.sender) << at;
        EXPECT_LE(receiver, c.receiver) << at;
    }
}

TEST_F(DepositImage, TakesLittleMoreThanItsTransfers) {
    for (const auto& [bytes, most_us] : kTimes) {
        const double took_us = put_us(bytes);
        RecordProperty("put_" + std::to_string(bytes), static_cast<int>(took_us));
        EXPECT_LE(took_us, most_us) << bytes;
    }
}

}  // namespace
}  // namespace emulator
