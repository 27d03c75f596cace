// For tests of the network: a clock, and boards that send and keep packets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "firmware/emulator/network.hpp"

namespace emulator::testing {

/// Events in order of time, and of calls. Fast mode: time stands still until only timers are left.
class TestClock final : public Scheduler {
  public:
    explicit TestClock(bool timed) : timed_(timed) {}
    bool timed() const override { return timed_; }
    Time now() const override { return now_; }
    void at(Time when, std::function<void()> action) override {
        events_.emplace(timed_ ? when : now_, std::move(action));
    }
    void timer(Time when, std::function<void()> action) override {
        events_.emplace(when, std::move(action));
    }
    bool step() {
        if (events_.empty()) return false;
        const auto first = events_.begin();
        now_ = std::max(now_, first->first);
        const auto action = std::move(first->second);
        events_.erase(first);
        action();
        return true;
    }
    /// Up to and with `until`.
    void run(Time until) {
        while (!events_.empty() && events_.begin()->first <= until) step();
        now_ = std::max(now_, until);
    }

  private:
    const bool timed_;
    Time now_ = 0;
    std::multimap<Time, std::function<void()>> events_;  // equal keys stay in order
};

using Bytes = std::vector<std::uint8_t>;

/// A board that sends what is queued, in pieces, and takes what comes, up to `room` bytes.
class TestBoard final : public Connector {
  public:
    struct Packet {
        Bytes bytes;
        std::uint8_t syndrome = 0;
        Time head = 0;  ///< when the first bytes came
        Time tail = 0;
    };

    TestBoard(TestClock& clock, Network& network, std::uint32_t id)
        : clock_(clock), cable(network.attach(id, *this)) {}

    /// `piece`: bytes given at a time.
    void send(const Bytes& packet, std::size_t piece = ~std::size_t{0}) {
        queue_.push_back({packet, piece});
        if (!busy_) next();
    }
    void give_room(std::size_t bytes) {
        room = bytes;
        cable.resume();
    }

    void sent() override {
        last_sent = clock_.now();
        busy_ = false;
        next();
    }
    std::size_t received(std::span<const std::uint8_t> bytes, bool tail,
                         std::uint8_t syndrome) override {
        const std::size_t taken = std::min(bytes.size(), room);
        if (room == 0) return 0;
        if (partial_.bytes.empty()) partial_.head = clock_.now();
        partial_.bytes.insert(partial_.bytes.end(), bytes.begin(), bytes.begin() + taken);
        room -= taken;
        if (tail && taken == bytes.size()) {
            partial_.syndrome = syndrome;
            partial_.tail = clock_.now();
            packets.push_back(std::exchange(partial_, {}));
        }
        return bytes.empty() ? 1 : taken;
    }
    void reset(bool sending) override {
        ++resets;
        if (!sending) {
            partial_ = {};
            return;
        }
        // A board gives up the packet: what is left of it is not sent.
        if (!busy_) return;
        busy_ = false;
        if (at_ < queue_.front().first.size()) {
            queue_.pop_front();
            at_ = 0;
            busy_ = true;
            cable.send({}, true);  // its tail, which the network throws away
            return;
        }
        queue_.pop_front();
        at_ = 0;
        next();
    }
    void link_changed(bool up) override { links.push_back(up); }

    bool idle() const { return queue_.empty(); }

    std::vector<Packet> packets;
    std::size_t room = ~std::size_t{0};
    int resets = 0;
    std::vector<bool> links;
    Time last_sent = 0;

  private:
    void next() {
        if (!queue_.empty() && at_ >= queue_.front().first.size() && at_ > 0) {
            queue_.pop_front();
            at_ = 0;
        }
        if (queue_.empty()) return;
        const Bytes& bytes = queue_.front().first;
        const std::size_t n = std::min(queue_.front().second, bytes.size() - at_);
        const std::span<const std::uint8_t> piece(bytes.data() + at_, n);
        at_ += n;
        busy_ = true;
        cable.send(piece, at_ == bytes.size());
    }

    TestClock& clock_;
    std::deque<std::pair<Bytes, std::size_t>> queue_;
    std::size_t at_ = 0;
    bool busy_ = false;
    Packet partial_;

  public:
    Cable& cable;
};

/// A network of a text, with all its boards.
struct TestNetwork {
    TestNetwork(bool timed, const std::string& text, NetworkOptions options = {},
                const Machine& the_machine = machines()[0])
        : machine(the_machine), clock(timed) {
        auto topology = parse_topology(text, "test");
        if (!topology) {
            error = topology.message();
            return;
        }
        auto made = Network::make(*topology, machine, clock, std::move(options));
        if (!made) {
            error = made.message();
            return;
        }
        network = std::move(*made);
        for (const std::uint32_t id : topology->boards)
            boards.push_back(std::make_unique<TestBoard>(clock, *network, id));
        routes = std::make_unique<Routes>(*topology);
        network->start();
    }

    TestBoard& board(std::size_t index) { return *boards[index]; }
    /// Route and payload.
    Bytes packet(std::uint32_t from, std::uint32_t to, const Bytes& payload) const {
        Bytes bytes = routes->between(from, to).value_or(Bytes{});
        bytes.insert(bytes.end(), payload.begin(), payload.end());
        return bytes;
    }
    void settle() { clock.run(clock.now() + 10'000'000'000'000); }

    Machine machine;
    TestClock clock;
    std::string error;
    std::unique_ptr<Network> network;
    std::vector<std::unique_ptr<TestBoard>> boards;
    std::unique_ptr<Routes> routes;
};

inline Bytes pattern(std::size_t size, std::uint32_t seed) {
    Bytes bytes(size);
    Random random(seed);
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random.next());
    return bytes;
}

}  // namespace emulator::testing
