#include "firmware/protocol/map_graph.hpp"

namespace firmware {
namespace {

inline uint8_t route_byte(int difference) {
    return static_cast<uint8_t>(FM_ROUTE_BIT | (difference & FM_ROUTE_MASK));
}

}  // namespace

void MapGraph::clear(uint32_t board) {
    for (uint32_t b = 0; b < FM_MAX_BOARDS; ++b) {
        board_switch_[b] = kMapNone;
        board_port_[b] = 0;
    }
    for (uint32_t& boards : present_) boards = 0;
    count_ = 0;
    boards_ = 0;
    prepare(kMapNone, 0);
    count_ = 1;
    add_board(0, kMapEntry, board);
}

bool MapGraph::has_room(uint32_t s) const {
    // A route to a board there has one hop more than the path to the switch.
    return count_ < FM_MAP_SWITCHES && switches_[s].hops + 2u <= FM_MAX_ROUTE;
}

void MapGraph::prepare(uint32_t s, uint32_t port) {
    MapSwitch& fresh = switches_[count_];
    for (uint32_t p = 0; p < kMapPorts; ++p) fresh.ports[p] = MapPort{MapKind::unknown, 0, 0, 0};
    fresh.hops = 0;
    fresh.boards = 0;
    fresh.level = 0;
    fresh.cables = 0;
    fresh.rank = 0;
    if (s == kMapNone) return;
    const MapSwitch& before = switches_[s];
    for (uint32_t i = 0; i < before.hops; ++i) fresh.path[i] = before.path[i];
    fresh.path[before.hops] =
        static_cast<int8_t>(static_cast<int>(port) - static_cast<int>(kMapEntry));
    fresh.hops = static_cast<uint8_t>(before.hops + 1);
}

void MapGraph::add(uint32_t s, uint32_t port) {
    const uint32_t fresh = count_++;
    add_cable(s, port, fresh, kMapEntry);
}

void MapGraph::add_board(uint32_t s, uint32_t port, uint32_t board) {
    switches_[s].ports[port] = MapPort{MapKind::board, static_cast<uint8_t>(board), 0, 0};
    ++switches_[s].boards;
    board_switch_[board] = static_cast<uint8_t>(s);
    board_port_[board] = static_cast<uint8_t>(port);
    present_[board / 32] |= 1u << (board % 32);
    ++boards_;
}

void MapGraph::add_cable(uint32_t s, uint32_t port, uint32_t to, uint32_t to_port) {
    switches_[s].ports[port] =
        MapPort{MapKind::cable, static_cast<uint8_t>(to), static_cast<uint8_t>(to_port), 0};
    switches_[to].ports[to_port] =
        MapPort{MapKind::cable, static_cast<uint8_t>(s), static_cast<uint8_t>(port), 0};
}

void MapGraph::index() {
    for (uint32_t s = 0; s < count_; ++s) {
        MapSwitch& sw = switches_[s];
        sw.cables = 0;
        for (uint32_t p = 1; p < kMapPorts && sw.cables < FM_MAP_PORTS; ++p) {
            if (sw.ports[p].kind == MapKind::cable && sw.ports[p].to != s)
                sw.out[sw.cables++] = static_cast<uint8_t>(p);
        }
    }
}

/// Sets the levels of all switches but those in the queue, which have theirs, by their distance
/// from these. Returns the sum.
uint32_t MapGraph::spread(uint32_t tail, uint8_t* queue) {
    uint32_t sum = 0;
    for (uint32_t next = 0; next < tail; ++next) {
        const MapSwitch& sw = switches_[queue[next]];
        sum += sw.level;
        for (uint32_t i = 0; i < sw.cables; ++i) {
            const uint32_t to = sw.ports[sw.out[i]].to;
            if (switches_[to].level != kMapFar) continue;
            switches_[to].level = static_cast<uint8_t>(sw.level + 1);
            queue[tail++] = static_cast<uint8_t>(to);
        }
    }
    return sum;
}

uint32_t MapGraph::distances(uint32_t s) {
    uint8_t queue[FM_MAP_SWITCHES];
    for (uint32_t i = 0; i < count_; ++i) switches_[i].level = kMapFar;
    queue[0] = static_cast<uint8_t>(s);
    switches_[s].level = 0;
    return spread(1, queue);
}

void MapGraph::set_order(uint32_t s, bool boards_below) {
    uint8_t queue[FM_MAP_SWITCHES];
    uint32_t tail = 0;
    for (uint32_t i = 0; i < count_; ++i) {
        MapSwitch& sw = switches_[i];
        sw.level = sw.boards != 0 ? 0 : kMapFar;
        if (sw.boards != 0) queue[tail++] = static_cast<uint8_t>(i);
    }
    spread(tail, queue);
    for (uint32_t i = 0; i < count_; ++i)
        switches_[i].rank = boards_below ? (kMapFar - switches_[i].level) << 16 : 0;
    distances(s);
    for (uint32_t i = 0; i < count_; ++i)
        switches_[i].rank |= static_cast<uint32_t>(switches_[i].level) << 8 | i;
}

bool MapGraph::find_ways(uint32_t t) {
    uint8_t queue[2 * FM_MAP_SWITCHES];
    uint8_t* far = far_[t];
    for (uint32_t i = 0; i < 2 * count_; ++i) far[i] = kMapFar;
    far[2 * t] = 0;
    far[2 * t + 1] = 0;
    uint32_t tail = 0;
    queue[tail++] = static_cast<uint8_t>(2 * t);
    queue[tail++] = static_cast<uint8_t>(2 * t + 1);
    // Backwards: into phase 0 only by a step up in phase 0; into phase 1 by a step down from
    // either.
    for (uint32_t next = 0; next < tail; ++next) {
        const uint32_t state = queue[next];
        const uint32_t s = state >> 1;
        const uint8_t hops = static_cast<uint8_t>(far[state] + 1);
        const MapSwitch& sw = switches_[s];
        for (uint32_t i = 0; i < sw.cables; ++i) {
            const uint32_t from = sw.ports[sw.out[i]].to;
            const bool up = above(s, from);
            if (up == ((state & 1) != 0)) continue;
            if (far[2 * from] == kMapFar) {
                far[2 * from] = hops;
                queue[tail++] = static_cast<uint8_t>(2 * from);
            }
            if (!up && far[2 * from + 1] == kMapFar) {
                far[2 * from + 1] = hops;
                queue[tail++] = static_cast<uint8_t>(2 * from + 1);
            }
        }
    }
    if (switches_[t].boards == 0) return true;
    for (uint32_t s = 0; s < count_; ++s) {
        if (switches_[s].boards != 0 && far[2 * s] == kMapFar) return false;
    }
    return true;
}

/// The ports of s by which the way to t gets shorter, and their number.
uint32_t MapGraph::next_hops(uint32_t s, uint32_t phase, uint32_t t, uint8_t* ports) const {
    const MapSwitch& sw = switches_[s];
    const uint8_t* far = far_[t];
    const uint32_t wanted = far[2 * s + phase] - 1u;
    uint32_t found = 0;
    for (uint32_t i = 0; i < sw.cables; ++i) {
        const uint32_t to = sw.ports[sw.out[i]].to;
        const uint32_t down = above(to, s) ? 0 : 1;
        if (phase == 1 && down == 0) continue;
        if (far[2 * to + down] == wanted) ports[found++] = sw.out[i];
    }
    return found;
}

void MapGraph::route(uint32_t from, uint32_t to, fm_route* route) const {
    uint8_t hops[FM_MAX_ROUTE];
    uint8_t choices[FM_MAP_PORTS];
    for (uint8_t& byte : route->bytes) byte = 0;
    uint32_t s = board_switch_[from];
    const uint32_t t = board_switch_[to];
    if (s == kMapNone || t == kMapNone || from == to) return;
    uint32_t in = board_port_[from];
    uint32_t phase = 0;
    uint32_t n = 0;
    uint32_t pair = from * 37 + to * 101;
    if (far_[t][2 * s] >= FM_MAX_ROUTE) return;
    while (s != t) {
        const uint32_t found = next_hops(s, phase, t, choices);
        if (found == 0) return;  // find_ways() was not called
        uint32_t choice = pair & 31;
        while (choice >= found) choice -= found;
        const uint32_t out = choices[choice];
        pair = (pair >> 3) + pair * 5 + 1;
        hops[n++] = route_byte(static_cast<int>(out) - static_cast<int>(in));
        const MapPort& cable = switches_[s].ports[out];
        if (!above(cable.to, s)) phase = 1;
        s = cable.to;
        in = cable.port;
    }
    hops[n++] = route_byte(static_cast<int>(board_port_[to]) - static_cast<int>(in));
    route->bytes[0] = static_cast<uint8_t>(n);
    for (uint32_t i = 0; i < n; ++i) route->bytes[sizeof(fm_route) - n + i] = hops[i];
}

uint32_t MapGraph::path_to(uint32_t s, uint32_t port, uint8_t* bytes) const {
    const MapSwitch& sw = switches_[s];
    for (uint32_t i = 0; i < sw.hops; ++i) bytes[i] = route_byte(sw.path[i]);
    bytes[sw.hops] = route_byte(static_cast<int>(port) - static_cast<int>(kMapEntry));
    return sw.hops + 1u;
}

uint32_t MapGraph::path_back(uint32_t s, uint32_t port, uint8_t* bytes) const {
    const MapSwitch& sw = switches_[s];
    bytes[0] = route_byte(static_cast<int>(kMapEntry) - static_cast<int>(port));
    for (uint32_t i = 0; i < sw.hops; ++i) bytes[1 + i] = route_byte(-sw.path[sw.hops - 1u - i]);
    return sw.hops + 1u;
}

}  // namespace firmware
