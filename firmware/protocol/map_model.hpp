// A network for the mapper's tests: switches, cables, boards with a Mapper each, packets that
// follow their route bytes, and a clock. Loses packets by seed.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <queue>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "firmware/protocol/mapper.hpp"

namespace firmware::testing {

class MapModel {
  public:
    struct End {
        bool board = false;
        int index = -1;  // of a switch, or a board's number; -1: nothing
        int port = 0;
    };
    struct Node {
        std::unique_ptr<Mapper> mapper = std::make_unique<Mapper>();
        std::vector<fm_route> table = std::vector<fm_route>(FM_MAX_BOARDS);
        MapModel* model = nullptr;
        uint32_t id = 0;
        bool alive = true;
        End cable;
    };

    explicit MapModel(uint32_t seed = 1) : random_(seed) {}

    int add_switch(int ports) {
        switches_.emplace_back(static_cast<std::size_t>(ports));
        return static_cast<int>(switches_.size()) - 1;
    }
    void plug(int a, int port_a, int b, int port_b) {
        switches_[at(a)][at(port_a)] = End{false, b, port_b};
        switches_[at(b)][at(port_b)] = End{false, a, port_a};
    }
    void unplug(int a, int port) {
        const End other = switches_[at(a)][at(port)];
        switches_[at(a)][at(port)] = End{};
        if (other.board)
            nodes_[static_cast<uint32_t>(other.index)].cable = End{};
        else if (other.index >= 0)
            switches_[at(other.index)][at(other.port)] = End{};
    }
    Node& plug_board(uint32_t id, int s, int port) {
        Node& node = nodes_[id];
        node.model = this;
        node.id = id;
        node.cable = End{false, s, port};
        switches_[at(s)][at(port)] = End{true, static_cast<int>(id), 0};
        return node;
    }
    void start(uint32_t id, uint32_t period_us = 0, bool may_map = true) {
        Node& node = nodes_[id];
        node.alive = true;
        for (fm_route& route : node.table) route = fm_route{};
        node.mapper->start(MapperHooks{&node, send, node.table.data()},
                           MapperOptions{id, period_us, may_map}, static_cast<uint32_t>(now_));
    }
    void start_all(uint32_t period_us = 0) {
        for (auto& [id, node] : nodes_) start(id, period_us);
    }

    /// Lets time pass.
    void run(uint64_t us) {
        const uint64_t end = now_ + us;
        while (now_ < end) {
            while (!events_.empty() && events_.top().at <= now_) {
                Event event = events_.top();
                events_.pop();
                Node& node = nodes_[event.to];
                if (node.alive)
                    node.mapper->on_packet(event.words.data(), event.bytes,
                                           static_cast<uint32_t>(now_));
            }
            for (auto& [id, node] : nodes_) {
                if (node.alive) node.mapper->tick(static_cast<uint32_t>(now_));
            }
            uint64_t next = events_.empty() ? end : events_.top().at;
            for (auto& [id, node] : nodes_) {
                if (!node.alive) continue;
                const auto wait =
                    static_cast<int32_t>(node.mapper->due() - static_cast<uint32_t>(now_));
                next = std::min(next, now_ + static_cast<uint64_t>(std::max(wait, 1)));
            }
            now_ = std::min(end, std::max(next, now_ + 1));
        }
    }
    /// Until the mapper has settled, or for so long. Returns the time that it took.
    uint64_t settle(uint32_t mapper, uint64_t most_us) {
        const uint64_t start = now_;
        const uint32_t maps = nodes_[mapper].mapper->counters().maps;
        while (now_ - start < most_us) {
            run(100);
            const Mapper& m = *nodes_[mapper].mapper;
            if (m.settled() && m.counters().maps != maps) break;
        }
        return now_ - start;
    }

    /// Where a packet goes: the board, or -1. Appends the channels (switch, port out) it passes.
    int follow(uint32_t from, const uint8_t* route, uint32_t hops,
               std::vector<std::pair<int, int>>* channels = nullptr) const {
        End here = nodes_.at(from).cable;
        for (uint32_t i = 0; i < hops; ++i) {
            if (here.index < 0 || here.board) return -1;
            if ((route[i] & 0xc0) != 0x80) return -1;
            const int delta = (route[i] & 0x20) != 0 ? (route[i] & 0x1f) - 32 : route[i] & 0x1f;
            const int out = here.port + delta;
            const auto& ports = switches_[at(here.index)];
            if (out < 0 || out >= static_cast<int>(ports.size())) return -1;
            if (channels != nullptr) channels->emplace_back(here.index, out);
            here = ports[at(out)];
        }
        return here.board ? here.index : -1;
    }
    int follow(uint32_t from, const fm_route& route,
               std::vector<std::pair<int, int>>* channels = nullptr) const {
        const uint32_t hops = route.bytes[0];
        if (hops == 0 || hops > FM_MAX_ROUTE) return -1;
        return follow(from, route.bytes + 16 - hops, hops, channels);
    }

    void inject(uint32_t to, const std::vector<uint32_t>& words, uint32_t bytes) {
        events_.push(Event{now_, serial_++, to, words, bytes});
    }

    std::map<uint32_t, Node>& nodes() { return nodes_; }
    const std::vector<std::vector<End>>& switches() const { return switches_; }
    std::vector<End>& ports(int s) { return switches_[at(s)]; }
    uint64_t now() const { return now_; }
    uint64_t packets() const { return packets_; }
    void set_loss(double loss) { loss_ = loss; }
    void set_board_us(uint64_t us) { board_us_ = us; }

  private:
    struct Event {
        uint64_t at;
        uint64_t serial;
        uint32_t to;
        std::vector<uint32_t> words;
        uint32_t bytes;
        bool operator<(const Event& other) const {
            return std::pair(at, serial) > std::pair(other.at, other.serial);
        }
    };

    static std::size_t at(int i) { return static_cast<std::size_t>(i); }
    static bool send(void* context, const uint8_t* route, uint32_t hops, const void* packet,
                     uint32_t bytes) {
        auto* node = static_cast<Node*>(context);
        return node->model->carry(node->id, route, hops, packet, bytes);
    }
    bool carry(uint32_t from, const uint8_t* route, uint32_t hops, const void* packet,
               uint32_t bytes) {
        ++packets_;
        const int to = follow(from, route, hops);
        if (to < 0 || std::uniform_real_distribution<>(0, 1)(random_) < loss_) return true;
        const auto* words = static_cast<const uint32_t*>(packet);
        events_.push(Event{now_ + board_us_ + hops / 8, serial_++, static_cast<uint32_t>(to),
                           std::vector<uint32_t>(words, words + bytes / 4), bytes});
        return true;
    }

    std::vector<std::vector<End>> switches_;
    std::map<uint32_t, Node> nodes_;
    std::priority_queue<Event> events_;
    std::mt19937 random_;
    uint64_t now_ = 0xfff00000;  // the 32-bit clock wraps in the tests
    uint64_t serial_ = 0;
    uint64_t packets_ = 0;
    uint64_t board_us_ = 3;
    double loss_ = 0;
};

}  // namespace firmware::testing
