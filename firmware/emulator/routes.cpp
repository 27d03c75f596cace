// Routes: shortest up*/down* paths over the switches.
#include <algorithm>
#include <deque>
#include <numeric>
#include <tuple>
#include <utility>

#include "firmware/emulator/topology.hpp"

namespace emulator {

namespace {

constexpr std::uint32_t kFar = ~0U;

/// What board `id` is cabled to.
std::optional<LinkEnd> plug(const Topology& topology, std::uint32_t id) {
    const Topology::Link* link = topology.link_at({true, id, 0});
    if (link == nullptr || link->far != Topology::Far::here) return std::nullopt;
    return link->a == LinkEnd{true, id, 0} ? link->b : link->a;
}

}  // namespace

Routes::Routes(Topology topology)
    : topology_(std::move(topology)), hops_(topology_.switches.size()) {
    for (const Topology::Link& link : topology_.links) {
        if (link.far != Topology::Far::here || link.a.is_board || link.b.is_board) continue;
        hops_[link.a.index].push_back({link.a.port, link.b.index, link.b.port});
        hops_[link.b.index].push_back({link.b.port, link.a.index, link.a.port});
    }
    // In a fat tree every root is above every leaf, and all of them carry traffic. Where that
    // leaves boards without a way, one spanning tree's order does not.
    rank(true);
    if (!all_reached()) rank(false);
}

std::vector<std::uint32_t> Routes::distances(const std::vector<std::uint32_t>& from) const {
    std::vector<std::uint32_t> distance(hops_.size(), kFar);
    std::deque<std::uint32_t> queue(from.begin(), from.end());
    for (const std::uint32_t it : from) distance[it] = 0;
    for (; !queue.empty(); queue.pop_front())
        for (const Hop& hop : hops_[queue.front()]) {
            if (distance[hop.to] != kFar) continue;
            distance[hop.to] = distance[queue.front()] + 1;
            queue.push_back(hop.to);
        }
    return distance;
}

void Routes::rank(bool boards_below) {
    std::vector<std::uint32_t> with_boards;
    for (const std::uint32_t id : topology_.boards)
        if (const auto end = plug(topology_, id); end && !end->is_board)
            with_boards.push_back(end->index);
    const std::vector<std::uint32_t> height = distances(with_boards);
    // The tree's root: the switch with the most links to others. What it does not reach has trees
    // of its own, with later roots.
    std::vector<std::uint32_t> level(hops_.size(), kFar);
    std::uint32_t base = 0;
    for (;;) {
        std::uint32_t root = kFar;
        for (std::uint32_t i = 0; i < hops_.size(); ++i)
            if (level[i] == kFar && (root == kFar || hops_[i].size() > hops_[root].size()))
                root = i;
        if (root == kFar) break;
        const std::vector<std::uint32_t> tree = distances({root});
        std::uint32_t deepest = base;
        for (std::uint32_t i = 0; i < hops_.size(); ++i) {
            if (tree[i] == kFar) continue;
            level[i] = base + tree[i];
            deepest = std::max(deepest, level[i]);
        }
        base = deepest + 1;
    }
    std::vector<std::uint32_t> order(hops_.size());
    std::iota(order.begin(), order.end(), 0U);
    std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
        const std::uint32_t up_a = boards_below ? ~height[a] : 0;
        const std::uint32_t up_b = boards_below ? ~height[b] : 0;
        return std::tuple(up_a, level[a], a) < std::tuple(up_b, level[b], b);
    });
    rank_.assign(hops_.size(), 0);
    for (std::uint32_t i = 0; i < order.size(); ++i) rank_[order[i]] = i;
}

bool Routes::all_reached() const {
    // Pairs of switches that carry boards, each once.
    std::vector<std::uint32_t> first(hops_.size(), kFar);
    for (const std::uint32_t id : topology_.boards)
        if (const auto end = plug(topology_, id);
            end && !end->is_board && first[end->index] == kFar)
            first[end->index] = id;
    for (std::uint32_t a = 0; a < first.size(); ++a) {
        if (first[a] == kFar) continue;
        const std::vector<std::uint32_t> reach = distances({a});
        for (std::uint32_t b = 0; b < first.size(); ++b)
            if (a != b && first[b] != kFar && reach[b] != kFar && !between(first[a], first[b]))
                return false;
    }
    return true;
}

std::optional<std::vector<std::uint8_t>> Routes::between(std::uint32_t from,
                                                         std::uint32_t to) const {
    const auto start = plug(topology_, from);
    const auto end = plug(topology_, to);
    if (from == to || !start || !end) return std::nullopt;
    if (start->is_board)
        return start->index == to ? std::optional(std::vector<std::uint8_t>{}) : std::nullopt;
    if (end->is_board) return std::nullopt;
    // States: switch * 2 + (1 once the path has gone down). Breadth first, so shortest; which of
    // several equal ways depends on the pair, so that traffic is spread.
    struct Step {
        std::uint32_t state = kFar;
        const Hop* hop = nullptr;
    };
    std::vector<Step> came(hops_.size() * 2);
    std::deque<std::uint32_t> queue{start->index * 2};
    came[start->index * 2].state = start->index * 2;
    std::uint32_t state = kFar;
    for (; !queue.empty(); queue.pop_front()) {
        const std::uint32_t here = queue.front() / 2;
        if (here == end->index) {
            state = queue.front();
            break;
        }
        const std::vector<Hop>& hops = hops_[here];
        for (std::size_t n = 0; n < hops.size(); ++n) {
            const Hop& hop = hops[(n + from * 7 + to) % hops.size()];
            const bool up = rank_[hop.to] < rank_[here];
            if (up && queue.front() % 2 == 1) continue;
            const std::uint32_t next = hop.to * 2 + (up ? 0 : 1);
            if (came[next].state != kFar) continue;
            came[next] = {queue.front(), &hop};
            queue.push_back(next);
        }
    }
    if (state == kFar) return std::nullopt;
    std::vector<const Hop*> path;
    for (; came[state].hop != nullptr; state = came[state].state) path.push_back(came[state].hop);
    std::vector<std::uint8_t> bytes;
    std::uint32_t in = start->port;
    for (auto hop = path.rbegin(); hop != path.rend(); ++hop) {
        bytes.push_back(route_byte(in, (*hop)->out));
        in = (*hop)->in;
    }
    bytes.push_back(route_byte(in, end->port));
    return bytes;
}

}  // namespace emulator
