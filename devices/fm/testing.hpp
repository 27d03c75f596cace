// What the tests of this folder share: a job whose nodes are all in this process.
#pragma once

#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "devices/fm/endpoint.hpp"
#include "devices/fm/loopback.hpp"

namespace dev::fm::testing {

inline std::vector<std::byte> pattern(std::uint64_t n, std::uint64_t seed) {
    std::vector<std::byte> bytes(n);
    for (std::uint64_t i = 0; i < n; ++i) bytes[i] = static_cast<std::byte>(i * 7 + i / 251 + seed);
    return bytes;
}

/// The same numbers in each run.
struct Random {
    explicit Random(std::uint32_t seed) : state(seed) {}
    std::uint32_t operator()() { return static_cast<std::uint32_t>(state()) >> 3; }
    std::minstd_rand state;
};

/// Puts messages together, and remembers what else it was told.
class Collector final : public Sink {
  public:
    struct Message {
        Node node;
        std::uint32_t handler;
        std::vector<std::byte> bytes;
    };
    std::vector<Message> messages;
    std::vector<std::pair<Node, adi::Status>> losses;
    std::vector<std::pair<std::uint64_t, adi::Status>> puts;
    std::size_t packets = 0;

    void on_packet(const Packet& packet) override {
        ++packets;
        Message& message = open_[packet.node];
        if (packet.first) message = {packet.node, packet.handler, {}};
        message.bytes.insert(message.bytes.end(), packet.data, packet.data + packet.bytes);
        if (packet.last) messages.push_back(std::move(message));
    }
    void on_lost(Node node, adi::Status why, const char*) override {
        losses.emplace_back(node, why);
    }
    void on_put(std::uint64_t token, adi::Status status) override {
        puts.emplace_back(token, status);
    }

  private:
    std::map<Node, Message> open_;
};

/// Counts what is charged; its time does not pass.
class FakeClock final : public Clock {
  public:
    std::map<Work, int> works;
    std::uint64_t pio_bytes = 0;
    std::uint64_t copied = 0;
    int pio_words = 0;
    int pio_reads = 0;
    int looks = 0;
    int waits = 0;

    std::int64_t now_ps() const override { return 0; }
    void charge_ps(std::int64_t) override {}
    void charge_copy(std::uint64_t bytes) override { copied += bytes; }
    void charge(Work work) override { ++works[work]; }
    void pio_write(std::uint64_t bytes) override { pio_bytes += bytes; }
    void pio_write_word() override { ++pio_words; }
    void pio_read_word() override { ++pio_reads; }
    void look() override { ++looks; }
    void wait() override { ++waits; }
};

struct Job {
    explicit Job(Node nodes, Strategy strategy = Strategy::adapt, std::vector<Clock*> clocks = {},
                 std::uint32_t pio_bytes = FM_INLINE_BYTES) {
        clocks.resize(nodes);
        for (Node node = 0; node < nodes; ++node) {
            auto board = fabric.make_board(Endpoint::ring_slots_for(nodes), clocks[node]);
            boards.push_back(board.get());
            endpoints.push_back(
                std::make_unique<Endpoint>(std::move(board), EndpointOptions{.self = node,
                                                                             .nodes = nodes,
                                                                             .strategy = strategy,
                                                                             .pio_bytes = pio_bytes,
                                                                             .probe_ns = 0}));
            sinks.push_back(std::make_unique<Collector>());
        }
    }
    Endpoint& operator[](Node node) { return *endpoints[node]; }
    Collector& sink(Node node) { return *sinks[node]; }
    /// Everybody extracts what there is.
    void turn() {
        for (Node node = 0; node < endpoints.size(); ++node) {
            endpoints[node]->extract(*sinks[node]);
        }
    }

    LoopbackFabric fabric;
    std::vector<LoopbackBoard*> boards;
    std::vector<std::unique_ptr<Endpoint>> endpoints;
    std::vector<std::unique_ptr<Collector>> sinks;
};

}  // namespace dev::fm::testing
