// The control program's image on an emulated board: it is executed, and its hot paths hold to their
// numbers of instructions. These are what the modelled time of a message is made of.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <vector>

#include "firmware/emulator/board.hpp"
#include "firmware/emulator/board_fixture.hpp"
#include "firmware/emulator/board_processor.hpp"
#include "firmware/emulator/simulation.hpp"
#include "firmware/protocol/layout.h"
#include "firmware/tools/firmware_image.hpp"

namespace emulator {
namespace {

constexpr std::uint32_t kKey = 77, kRing = 0x100000, kRingSlots = 64;
constexpr Time kCycle = 10'000;
/// Instructions, as README.md has them; the reports below print what they are.
constexpr std::int64_t kSend = 34, kReceive = 43, kTurn = 7, kStream = 135;

/// Host memory that a board's DMA reaches, all of it; says when something was written.
class Memory final : public HostMemory {
  public:
    bool read(std::uint32_t, std::span<std::byte> to) override {
        std::fill(to.begin(), to.end(), std::byte{1});
        return true;
    }
    bool write(std::uint32_t, std::span<const std::byte> from) override {
        last.assign(from.begin(), from.end());
        written();
        return true;
    }
    std::vector<std::byte> last;
    std::function<void()> written;
};

/// A cable without anything at its end; bytes leave in no time.
class Wire final : public Cable {
  public:
    void send(std::span<const std::uint8_t> piece, bool tail) override {
        packet.insert(packet.end(), piece.begin(), piece.end());
        if (tail) {
            sent();
            packet.clear();
        }
        scheduler->at(scheduler->now(), [this] { board->sent(); });
    }
    void resume() override { resumed(); }
    bool up() const override { return true; }
    void set_timeout(Time) override {}
    Scheduler* scheduler = nullptr;
    Board* board = nullptr;
    std::vector<std::uint8_t> packet;
    std::function<void()> sent, resumed = [] {};
};

class Image : public testing::Test {
  protected:
    void SetUp() override {
        wire.scheduler = &simulation;
        wire.board = &board;
        wire.sent = [this] {
            sent_at = simulation.now();
            ++packets;
        };
        memory.written = [this] {
            written_at = simulation.now();
            ++writes;
        };
        board.plug(wire);
        simulation.add(clock);
        board.load(firmware::kControlProgram.bytes, 0);
        store(FM_SRAM_BOARD + offsetof(fm_board_page, board), 3);
        store(FM_SRAM_BOARD + offsetof(fm_board_page, ack_us), 1'000'000);  // no timer in between
        process.set_route(5, 0x82);
        run(100'000);
        ASSERT_EQ(load(FM_SRAM_BOARD), FM_MAGIC);
        process.describe({0, {3, 5}, kKey, kRing, kRingSlots});
        process.command(FM_COMMAND_OPEN);
        run(100'000);
        ASSERT_TRUE(process.done());
    }
    void store(std::uint32_t address, std::uint32_t word) { process.store(address, word); }
    std::uint32_t load(std::uint32_t address) { return process.load(address); }
    void run(std::int64_t cycles) { simulation.advance(simulation.now() + cycles * kCycle); }

    /// Hands over a slot with `length` bytes for node 1, now.
    void send(std::uint32_t length) { process.send({FM_OP_INLINE << 24 | 1, length}); }
    /// A packet of node 1's comes, with an acknowledgement of all that was sent.
    void receive(std::uint32_t length,
                 std::uint32_t type = std::uint32_t{FM_WIRE_TYPE} << 16 | FM_KIND_DATA << 8) {
        std::vector<std::uint8_t> bytes(24 + (length + 3) / 4 * 4, 9);
        const std::uint32_t header[] = {type,
                                        kKey,
                                        5U << 24 | 1U << 16 | (arrivals++ & 0xffff),
                                        length << 16 | (process.slots & 0xffff),
                                        0,
                                        0};
        for (std::size_t i = 0; i < 24; ++i)
            bytes[i] = static_cast<std::uint8_t>(header[i / 4] >> (24 - 8 * (i % 4)));
        store(FM_SRAM_ENDPOINTS, arrivals - 1);  // consumed
        offer(bytes);
    }

    /// Lets a packet in, now or when a buffer is there.
    void offer(const std::vector<std::uint8_t>& bytes) {
        wire.resumed = [] {};
        if (board.received(bytes, true, 0) == bytes.size()) return;
        wire.resumed = [this, bytes] {
            simulation.at(simulation.now(), [this, bytes] { offer(bytes); });
        };
    }

    Simulation simulation{true};
    Machine machine = [] {
        Machine m;
        m.cycle_ps = kCycle;
        return m;
    }();
    Memory memory;
    Wire wire;
    Board board{3, simulation, machine, memory, [] {}};
    BoardProcessor clock{board, true};
    TestProcess process{board};
    std::uint32_t arrivals = 0, packets = 0, writes = 0;
    Time sent_at = 0, written_at = 0;
};

// From the load that sees the slot's lap to the store to SMLT. Stored when the loop is somewhere,
// the lap waits for that load at most one turn.
TEST_F(Image, SendsASlotIn34Instructions) {
    send(8);
    run(5000);
    ASSERT_EQ(packets, 1U);
    std::int64_t least = 1000, most = 0;
    for (int phase = 0; phase < 200; ++phase) {
        receive(8);  // acknowledges, so that the slots come back
        run(1000 + phase % 37);
        const std::uint32_t before = packets;
        const Time start = simulation.now();
        send(8);
        run(400);
        ASSERT_EQ(packets, before + 1) << phase;
        least = std::min(least, (sent_at - start) / kCycle);
        most = std::max(most, (sent_at - start) / kCycle);
    }
    RecordProperty("instructions", static_cast<int>(least));
    EXPECT_LE(least, kSend);
    EXPECT_LE(most, kSend + kTurn);
}

// From the load that sees RECV to the store that starts the transfer; before that, at most a turn
// of the loop.
TEST_F(Image, StartsATransferIn43Instructions) {
    send(8);
    run(5000);
    std::int64_t least = 1000, most = 0;
    for (int phase = 0; phase < 200; ++phase) {
        const std::uint32_t before = writes;
        run(1000 + phase % 37);
        const Time start = simulation.now();
        receive(100);
        run(400);
        ASSERT_EQ(writes, before + 1) << phase;
        least = std::min(least, (written_at - start) / kCycle);
        most = std::max(most, (written_at - start) / kCycle);
    }
    RecordProperty("instructions", static_cast<int>(least));
    EXPECT_LE(least, kReceive);
    EXPECT_LE(most, kReceive + kTurn);
}

// An endpoint that is opened again knows nothing of the nodes that it had: alone on the board, it
// is looked at without its number.
TEST_F(Image, TakesNothingFromANodeOfTheLastJob) {
    receive(8);
    run(1000);
    ASSERT_EQ(writes, 1U);
    store(FM_SRAM_CONTROL + offsetof(fm_endpoint_control, nodes), 1);
    for (const std::uint32_t command : {FM_COMMAND_CLOSE, FM_COMMAND_OPEN}) {
        process.command(command);
        run(100'000);
        ASSERT_TRUE(process.done());
    }
    const std::uint32_t before = writes;
    receive(8, 1);
    run(1000);
    EXPECT_EQ(writes, before);
    EXPECT_EQ(load(FM_SRAM_COUNTERS + offsetof(fm_counters, bad_packets)), 1U);
}

// All that a small packet costs at its receiver, with its share of the acknowledgements.
TEST_F(Image, AStreamOfSmallPacketsCostsItsReceiver135InstructionsEach) {
    send(8);
    run(5000);
    const std::uint32_t before = writes;
    const Time start = simulation.now();
    std::function<void()> next = [&] { receive(16); };
    memory.written = [&] {
        ++writes;
        if (writes < before + 256) simulation.at(simulation.now(), next);
    };
    receive(16);
    for (int i = 0; i < 4000 && writes < before + 256; ++i) run(50);
    ASSERT_EQ(writes, before + 256);
    const std::int64_t each = (simulation.now() - start) / kCycle / 256;
    RecordProperty("instructions", static_cast<int>(each));
    EXPECT_LE(each, kStream);
}

}  // namespace
}  // namespace emulator
