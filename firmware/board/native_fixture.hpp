// For tests of the control program on NativeBoards: hosts, and a wire that a test can spoil.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <memory>
#include <utility>

#include "firmware/board/native_board.hpp"

namespace firmware {

constexpr std::uint32_t kKey = 0x12345678;
constexpr std::uint32_t kRing = 32;

/// A process's side of an endpoint, as devices/fm does it.
struct Host {
    NativeBoard& board;
    std::uint32_t endpoint;
    std::uint32_t sent = 0, received = 0;

    fm_endpoint& region() { return board.region(endpoint); }
    std::uint32_t done() { return fm_be32(region().send_done); }
    bool can_send() { return sent - done() < FM_SEND_SLOTS; }
    fm_slot& slot() { return region().slots[sent % FM_SEND_SLOTS]; }
    void hand_over() {
        slot().lap = fm_be32(sent / FM_SEND_SLOTS + 1);
        ++sent;
    }
    void send(std::uint32_t node, const std::vector<std::uint8_t>& payload, std::uint32_t user0 = 0,
              std::uint32_t user1 = 0) {
        fm_slot& s = slot();
        s.command = fm_be32(FM_OP_INLINE << 24 | node);
        s.length = fm_be32(static_cast<std::uint32_t>(payload.size()));
        s.wire.user[0] = fm_be32(user0);
        s.wire.user[1] = fm_be32(user1);
        std::copy(payload.begin(), payload.end(), s.payload);
        hand_over();
    }
    void send_page(std::uint32_t node, std::uint32_t length, std::uint32_t page,
                   std::uint32_t offset) {
        fm_slot& s = slot();
        s.command = fm_be32(FM_OP_PAGE << 24 | node);
        s.length = fm_be32(length);
        s.page = fm_be32(page);
        s.offset = fm_be32(offset);
        hand_over();
    }
    void put(std::uint32_t node, std::uint32_t length, std::uint32_t page, std::uint32_t offset,
             std::uint32_t window, std::uint32_t at) {
        fm_slot& s = slot();
        s.window = fm_be32(window);
        s.window_offset = fm_be32(at);
        s.command = fm_be32(FM_OP_PUT << 24 | node);
        s.length = fm_be32(length);
        s.page = fm_be32(page);
        s.offset = fm_be32(offset);
        hand_over();
    }
    std::uint8_t* ring(std::uint32_t number) {
        return board.host_page(0x100000 * (endpoint + 1) + number % kRing * FM_PAGE_BYTES);
    }
    /// The next packet, if it is there: header and payload.
    bool receive(fm_wire* wire, std::vector<std::uint8_t>* payload) {
        std::uint8_t* page = ring(received);
        fm_footer footer;
        std::memcpy(&footer, page + FM_PAGE_BYTES - sizeof footer, sizeof footer);
        if (fm_be32(footer.lap) != received / kRing + 1) return false;
        std::uint32_t length = fm_be32(footer.length) >> 16;
        std::uint8_t* from =
            page + FM_PAGE_BYTES - sizeof footer - words_up(length) - sizeof(fm_wire);
        std::memcpy(wire, from, sizeof *wire);
        EXPECT_EQ(fm_be32(wire->length) >> 16, length);
        payload->assign(from + sizeof *wire, from + sizeof *wire + length);
        ++received;
        return true;
    }
    void consume() { region().consumed = fm_be32(received); }
};

/// Boards on a wire that is one list, so that a test can lose, double and reorder what is on it.
struct Fabric {
    struct Packet {
        std::uint32_t to;
        NativeBoard::Bytes bytes;
        std::uint8_t syndrome = 0;
    };
    std::vector<std::unique_ptr<NativeBoard>> boards;
    std::deque<Packet> wire;
    std::function<void(Packet&&)> fault;  ///< what becomes of a packet; plain: joins the wire

    explicit Fabric(std::uint32_t count, std::uint32_t hops = 1) {
        for (std::uint32_t i = 0; i < count; ++i) {
            auto& board = *boards.emplace_back(std::make_unique<NativeBoard>(i));
            board.page().retransmit_us = fm_be32(1000);
            board.page().give_up_ms = fm_be32(100);
            board.page().ack_us = fm_be32(100);
            for (std::uint32_t to = 0; to < count; ++to) {
                std::vector<std::uint8_t> route(to == i ? 0 : hops, 0x80);
                if (to != i) route.back() = static_cast<std::uint8_t>(0x80 | to);
                board.route(to, route);
            }
            board.sent = [this](const NativeBoard::Bytes& route, const NativeBoard::Bytes& packet) {
                Packet p{route.back() & 0x3fU, packet, 0};
                if (fault)
                    fault(std::move(p));
                else
                    wire.push_back(std::move(p));
            };
            board.start();
        }
    }
    /// Endpoints as `places` say, one after another, of one job.
    std::vector<Host> open(const std::vector<std::uint32_t>& places) {
        std::vector<Host> hosts;
        for (std::uint32_t node = 0; node < places.size(); ++node) {
            NativeBoard& board = *boards[places[node] >> 24];
            std::uint32_t endpoint = places[node] >> 16 & 15;
            for (std::uint32_t i = 0; i < kRing; ++i)
                board.map_page(endpoint, i, 0x100000 * (endpoint + 1) + i * FM_PAGE_BYTES);
            EXPECT_TRUE(board.open(endpoint, kKey, node, places, kRing));
            hosts.push_back({board, endpoint});
        }
        return hosts;
    }
    /// Packets with a bad CRC that have not arrived yet.
    std::uint32_t corrupted_on_wire() const {
        return static_cast<std::uint32_t>(std::count_if(
            wire.begin(), wire.end(), [](const Packet& p) { return p.syndrome != 0; }));
    }
    void step() {
        for (auto& board : boards) board->run(1);
        for (std::size_t n = wire.size(); n != 0; --n) {
            Packet p = std::move(wire.front());
            wire.pop_front();
            if (!boards[p.to]->deliver(p.bytes, p.syndrome)) wire.push_front(std::move(p));
            if (!wire.empty()) break;
        }
    }
    void run(int steps) {
        for (; steps != 0; --steps) step();
    }
    void pass(std::uint32_t us) {
        for (auto& board : boards) board->pass(2 * us);
    }
};

inline std::vector<std::uint8_t> bytes_of(std::uint32_t length, std::uint32_t seed) {
    std::vector<std::uint8_t> bytes(length);
    for (auto& b : bytes) b = static_cast<std::uint8_t>((seed = seed * 1664525 + 1013904223) >> 24);
    return bytes;
}

}  // namespace firmware
