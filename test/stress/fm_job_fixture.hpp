// For tests of what goes wrong under Fast Messages: a job on an emulator in a thread, all of its
// nodes in the test's own thread. Traffic checks itself: each message once, in order, each byte.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "devices/fm/endpoint.hpp"
#include "firmware/emulator/attach_fixture.hpp"

namespace fm_stress {

using dev::fm::Endpoint;

constexpr std::uint64_t kLongest = 30'000;
constexpr std::uint64_t kHead = 8;  ///< each message begins with its number in its flow

/// Bytes that all messages are cut from.
inline const std::vector<std::byte>& text() {
    static const std::vector<std::byte> bytes = [] {
        std::vector<std::byte> made(std::size_t{1} << 16);
        emulator::Random random(11);
        for (std::byte& byte : made) byte = static_cast<std::byte>(random.next());
        return made;
    }();
    return bytes;
}

/// Messages of one node to another, numbered from 0; length and bytes follow from the number.
class Flow {
  public:
    Flow(std::uint32_t source, std::uint32_t destination)
        : seed_(source * 7919U + destination * 104'729U) {}

    std::uint64_t limit = 0;     ///< so many are to be sent
    std::uint64_t sent = 0;      ///< begun and ended
    std::uint64_t received = 0;  ///< whole
    bool lost = false;           ///< as the source was told

    /// As much as there is room for, a few messages at most. True: something went.
    bool send(Endpoint& endpoint, std::uint32_t to) {
        bool moved = false;
        for (int i = 0; i < 8 && (open_ || sent < limit) && !lost; ++i) {
            if (!send_one(endpoint, to)) break;
            moved = true;
        }
        return moved;
    }

    void take(const dev::fm::Packet& packet) {
        std::uint64_t at = 0;
        if (packet.first) {
            std::uint64_t number = 0;
            ASSERT_EQ(packet.offset, 0U);
            ASSERT_GE(packet.bytes, kHead);
            std::memcpy(&number, packet.data, kHead);
            ASSERT_EQ(number, received) << "lost, twice, or out of order";
            ASSERT_EQ(packet.handler, handler(number));
            in_ = at = kHead;
        }
        ASSERT_EQ(packet.offset + at, in_);
        const std::uint64_t n = packet.bytes - at;
        ASSERT_LE(in_ + n, length(received));
        ASSERT_EQ(std::memcmp(packet.data + at, bytes(received) + in_, n), 0) << received;
        in_ += n;
        if (!packet.last) return;
        ASSERT_EQ(in_, length(received));
        ++received;
    }

  private:
    /// Mostly short ones, some of several packets.
    std::uint64_t length(std::uint64_t number) const {
        emulator::Random random(seed_ ^ number);
        const std::uint32_t kind = random.below(100);
        const std::uint32_t most = kind < 90 ? 440 : kind < 99 ? 4'000 : 29'000;
        return kHead + random.below(most);
    }
    const std::byte* bytes(std::uint64_t number) const {
        return text().data() + (seed_ + number * 977) % (text().size() - kLongest);
    }
    static std::uint32_t handler(std::uint64_t number) {
        return static_cast<std::uint32_t>(number % 1000);
    }

    bool send_one(Endpoint& endpoint, std::uint32_t to) {
        const std::uint64_t all = length(sent);
        if (!open_ && all <= Endpoint::kShortBytes) {
            const auto rest = adi::contiguous(bytes(sent), all);
            if (endpoint.try_send(to, handler(sent), &sent, kHead, rest, kHead,
                                  static_cast<std::uint32_t>(all - kHead)) != adi::Status::ok)
                return false;
            ++sent;
            return true;
        }
        if (!open_) {
            if (endpoint.try_begin(message_, to, all, handler(sent)) != adi::Status::ok)
                return false;
            open_ = true;
            out_.assign(bytes(sent), bytes(sent) + all);
            std::memcpy(out_.data(), &sent, kHead);
        }
        const std::uint64_t taken = endpoint.try_piece(message_, adi::contiguous(out_.data(), all),
                                                       message_.sent, all - message_.sent);
        if (message_.sent < all) return taken != 0;
        if (endpoint.try_end(message_) != adi::Status::ok) return false;
        open_ = false;
        ++sent;
        return true;
    }

    std::uint64_t seed_;
    bool open_ = false;
    dev::fm::OutMessage message_;
    std::vector<std::byte> out_;
    std::uint64_t in_ = 0;
};

/// A node: its endpoint, what it was told, flows to and from the others.
class Node final : public dev::fm::Sink {
  public:
    Node(std::unique_ptr<dev::fm::Board> board, std::uint32_t self, std::uint32_t nodes)
        : endpoint(std::move(board), {.self = self, .nodes = nodes, .patience = 0}) {
        for (std::uint32_t peer = 0; peer < nodes; ++peer) {
            out.emplace_back(self, peer);
            in.emplace_back(peer, self);
        }
    }

    Endpoint endpoint;
    std::vector<Flow> out, in;
    std::vector<std::uint32_t> losses;  ///< nodes
    bool extracts = true;

    /// True: something happened.
    bool turn() {
        bool moved = false;
        // Each is the first in turn: the last may find all slots taken, each time.
        ++turns_;
        for (std::uint32_t i = 0; i < out.size(); ++i) {
            const auto peer = static_cast<std::uint32_t>((turns_ + i) % out.size());
            moved = out[peer].send(endpoint, peer) || moved;
        }
        if (extracts) moved = endpoint.extract(*this) != 0 || moved;
        return moved;
    }

    void on_packet(const dev::fm::Packet& packet) override { in[packet.node].take(packet); }
    void on_lost(std::uint32_t node, adi::Status why, const char* what) override {
        EXPECT_EQ(why, adi::Status::peer_failed) << what;
        out[node].lost = true;
        losses.push_back(node);
    }
    void on_put(std::uint64_t, adi::Status) override {}

  private:
    std::size_t turns_ = 0;
};

class Job {
  public:
    Job(const std::string& emulator, std::uint32_t nodes,
        const std::vector<std::uint32_t>& places) {
        static std::uint32_t key = 0x5000;
        dev::fm::EndpointRequest request;
        request.nodes = nodes;
        request.key = ++key;
        request.ring_slots = Endpoint::ring_slots_for(nodes);
        request.staging_pages = FM_SEND_SLOTS;
        std::vector<std::unique_ptr<dev::fm::Board>> boards;
        std::vector<std::uint32_t> where;
        for (std::uint32_t node = 0; node < nodes; ++node) {
            request.node = node;
            request.board = node < places.size() ? places[node] : ~0U;
            auto board = dev::fm::open_emulated_board(emulator, request);
            if (!board) throw std::runtime_error(board.message());
            where.push_back((*board)->place());
            boards.push_back(std::move(*board));
        }
        for (std::uint32_t node = 0; node < nodes; ++node) {
            const auto connected = boards[node]->connect(where);
            if (!connected) throw std::runtime_error(connected.message());
            nodes_.push_back(std::make_unique<Node>(std::move(boards[node]), node, nodes));
        }
    }
    std::uint32_t size() const { return static_cast<std::uint32_t>(nodes_.size()); }
    Node& operator[](std::uint32_t node) { return *nodes_[node]; }
    /// Its process ends, as far as the others see.
    void end(std::uint32_t node) { nodes_[node].reset(); }

    /// Everybody sends and extracts, until that is so. Without a limit: the test's is the limit.
    void run_until(const std::function<bool()>& done) {
        while (!done() && !testing::Test::HasFatalFailure()) {
            bool moved = false;
            for (const auto& node : nodes_) moved = (node != nullptr && node->turn()) || moved;
            if (!moved) sched_yield();
        }
    }
    /// All that was to be sent has been received, and all boards know.
    bool settled() {
        for (const auto& node : nodes_) {
            if (node == nullptr) continue;
            for (std::uint32_t peer = 0; peer < size(); ++peer) {
                const Flow& flow = node->out[peer];
                if (nodes_[peer] == nullptr || flow.lost) continue;
                if (flow.sent < flow.limit ||
                    nodes_[peer]->in[node->endpoint.self()].received < flow.sent)
                    return false;
            }
            if (!node->endpoint.idle()) return false;
        }
        return true;
    }
    /// The boards have nothing to say to each other any more.
    void wait_until_quiet();

  private:
    std::vector<std::unique_ptr<Node>> nodes_;
};

/// A counter of all boards together.
inline std::uint64_t total(emulator::Emulator& emulator, std::uint32_t fm_counters::*which) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < emulator.boards(); ++i) {
        fm_counters counters;
        std::memcpy(&counters, emulator.driver(i).counters().data(), sizeof counters);
        sum += fm_be32(counters.*which);
    }
    return sum;
}

inline void Job::wait_until_quiet() {
    const auto counted = [this] {
        std::vector<std::uint32_t> words;
        for (const auto& node : nodes_) {
            const fm_counters& c = *node->endpoint.board().counters();
            words.insert(words.end(), {c.sent, c.retransmitted, c.acks_sent, c.received,
                                       c.acks_received, c.duplicates, c.gaps, c.crc_errors});
        }
        return words;
    };
    alignas(FM_PAGE_BYTES) static std::byte page[FM_PAGE_BYTES];
    auto before = counted();
    for (int same = 0; same < 30; ++same) {
        ::usleep(3'000);
        for (const auto& node : nodes_) {  // the emulator has had its turns meanwhile
            node->turn();
            const auto region = node->endpoint.board().pin(page, sizeof page);
            if (region) node->endpoint.board().unpin(*region);
        }
        auto now = counted();
        if (now != before) same = 0;
        before = std::move(now);
    }
}

}  // namespace fm_stress
