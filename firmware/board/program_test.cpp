// The control program, board to board, without an emulator.
#include "firmware/board/native_fixture.hpp"

namespace firmware {
namespace {

TEST(ControlProgram, CarriesAPacketOfEachLength) {
    Fabric fabric(2);
    auto hosts = fabric.open({0, 1U << 24});
    for (std::uint32_t length = 0; length <= FM_INLINE_BYTES; ++length) {
        hosts[0].send(1, bytes_of(length, length), length, 77);
        fabric.run(20);
        fm_wire wire;
        std::vector<std::uint8_t> payload;
        ASSERT_TRUE(hosts[1].receive(&wire, &payload)) << length;
        EXPECT_EQ(payload, bytes_of(length, length));
        EXPECT_EQ(fm_be32(wire.user[0]), length);
        EXPECT_EQ(fm_be32(wire.user[1]), 77U);
        EXPECT_EQ(fm_be32(wire.source), length);
        hosts[1].consume();
        ASSERT_FALSE(hosts[1].receive(&wire, &payload));
        fabric.pass(100);
        fabric.run(5);
        fabric.pass(100);
        fabric.run(5);
    }
    EXPECT_EQ(hosts[0].done(), FM_INLINE_BYTES + 1U);
    EXPECT_EQ(fabric.boards[1]->counter(&fm_counters::received), FM_INLINE_BYTES + 1U);
    EXPECT_EQ(fabric.boards[0]->counter(&fm_counters::retransmitted), 0U);
}

TEST(ControlProgram, PiggybacksAcknowledgements) {
    Fabric fabric(2);
    auto hosts = fabric.open({0, 1U << 24});
    fm_wire wire;
    std::vector<std::uint8_t> payload;
    for (std::uint32_t i = 0; i < 1000; ++i) {
        Host& from = hosts[i % 2];
        Host& to = hosts[1 - i % 2];
        from.send(1 - i % 2, bytes_of(8, i));
        fabric.run(10);
        ASSERT_TRUE(to.receive(&wire, &payload));
        EXPECT_EQ(payload, bytes_of(8, i));
        to.consume();
    }
    EXPECT_EQ(hosts[0].done(), 500U);
    EXPECT_EQ(fabric.boards[0]->counter(&fm_counters::acks_sent), 0U);
    EXPECT_EQ(fabric.boards[1]->counter(&fm_counters::acks_sent), 0U);
}

}  // namespace
}  // namespace firmware
