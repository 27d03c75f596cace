#include "mpi/datatype/shape.hpp"

#include <algorithm>
#include <utility>

namespace mpi {
namespace {

// A list inside a list is copied into it while the result stays this short (or shorter than twice
// the list itself): fewer levels to walk, and long chains of nested structs stay shallow.
constexpr std::uint64_t kSpliceParts = 64;
// A loop this short is worth less than its node when it stands inside a list.
constexpr std::uint64_t kShortLoop = 4;
// See join().
constexpr std::uint64_t kShortRun = 32;
constexpr std::uint64_t kLongList = 64;

using NodeRef = std::shared_ptr<const Node>;

bool is_list(const Shape& shape) {
    return shape.node && shape.node->kind != Node::Kind::loop;
}

bool is_short_loop(const Shape& shape) {
    return shape.node && shape.node->kind == Node::Kind::loop && shape.node->count <= kShortLoop;
}

/// How many parts `shape` is when it is spliced.
std::uint64_t parts_of(const Shape& shape) {
    return is_list(shape) || is_short_loop(shape) ? shape.node->count : 1;
}

/// Part `i` of a node that lies at `at`.
Shape part_of(const Node& node, std::int64_t at, std::size_t i) {
    if (node.kind == Node::Kind::loop) {
        return {at + static_cast<std::int64_t>(i) * node.stride, node.part_bytes, node.part};
    }
    const bool blocks = node.kind == Node::Kind::blocks;
    return {at + node.at[i], blocks ? node.part_bytes : node.start[i + 1] - node.start[i],
            node.parts.empty() ? nullptr : node.parts[i]};
}

/// Replaces small lists and short loops by their parts; drops empty parts.
std::vector<Shape> splice(std::vector<Shape> parts) {
    std::erase_if(parts, [](const Shape& part) { return part.bytes == 0; });
    std::uint64_t spliced = 0;
    for (const Shape& part : parts) spliced += parts_of(part);
    if (spliced == parts.size()) return parts;
    if (spliced > std::max<std::uint64_t>(kSpliceParts, 2 * parts.size())) return parts;
    std::vector<Shape> result;
    result.reserve(spliced);
    for (Shape& part : parts) {
        if (parts_of(part) == 1) {
            result.push_back(std::move(part));
            continue;
        }
        for (std::size_t i = 0; i < part.node->count; ++i) {
            result.push_back(part_of(*part.node, part.at, i));
        }
    }
    return result;
}

/// Does `next` go on where the run `part` ends?
bool touch(const Shape& part, const Shape& next) {
    return !part.node && !next.node && part.at + static_cast<std::int64_t>(part.bytes) == next.at;
}

/// Makes one run of runs that touch, unless a long list of short equal runs would become a hardly
/// shorter one of unequal runs: those are copied more slowly, run by run.
void join(std::vector<Shape>& parts) {
    std::size_t joined = parts.size();
    bool equal = true;
    for (std::size_t i = 1; i < parts.size(); ++i) {
        if (touch(parts[i - 1], parts[i])) --joined;
        equal = equal && !parts[i].node && parts[i].bytes == parts[0].bytes;
    }
    if (joined == parts.size()) return;
    const bool short_runs = equal && !parts[0].node && parts[0].bytes <= kShortRun;
    if (short_runs && joined >= kLongList && joined > parts.size() / 2) return;
    std::size_t last = 0;
    for (std::size_t i = 1; i < parts.size(); ++i) {
        if (touch(parts[last], parts[i])) {
            parts[last].bytes += parts[i].bytes;
        } else if (++last != i) {
            parts[last] = std::move(parts[i]);
        }
    }
    parts.resize(last + 1);
}

bool same_part(const Shape& a, const Shape& b) {
    return a.bytes == b.bytes && a.node == b.node;
}

/// Are the parts equal and equally spaced?
bool is_regular(const std::vector<Shape>& parts) {
    const std::int64_t stride = parts[1].at - parts[0].at;
    for (std::size_t i = 1; i < parts.size(); ++i) {
        if (!same_part(parts[i], parts[0]) || parts[i].at - parts[i - 1].at != stride) return false;
    }
    return true;
}

NodeRef make_list_node(std::vector<Shape>& parts, std::uint64_t& bytes) {
    auto node = std::make_shared<Node>();
    node->count = parts.size();
    bool runs = true;
    bool equal = true;
    for (const Shape& part : parts) {
        runs = runs && !part.node;
        equal = equal && part.bytes == parts[0].bytes;
    }
    node->kind = !runs ? Node::Kind::mixed : equal ? Node::Kind::blocks : Node::Kind::runs;
    node->at.reserve(parts.size());
    if (node->kind == Node::Kind::blocks) {
        node->part_bytes = parts[0].bytes;
    } else {
        node->start.reserve(parts.size() + 1);
    }
    if (!runs) node->parts.reserve(parts.size());
    bytes = 0;
    for (Shape& part : parts) {
        node->at.push_back(part.at - parts[0].at);
        if (node->kind != Node::Kind::blocks) node->start.push_back(bytes);
        bytes += part.bytes;
        if (!runs) node->parts.push_back(std::move(part.node));
    }
    if (node->kind != Node::Kind::blocks) node->start.push_back(bytes);
    return node;
}

}  // namespace

Shape make_run(std::int64_t at, std::uint64_t bytes) {
    return {at, bytes, nullptr};
}

Shape make_loop(std::uint64_t count, std::int64_t stride, const Shape& part) {
    if (count == 0 || part.bytes == 0) return {};
    if (count == 1) return part;
    if (!part.node && stride == static_cast<std::int64_t>(part.bytes)) {
        return make_run(part.at, count * part.bytes);
    }
    auto node = std::make_shared<Node>();
    node->count = count;
    node->stride = stride;
    node->part_bytes = part.bytes;
    node->part = part.node;
    if (part.node && part.node->kind == Node::Kind::loop) {
        const Node& inner = *part.node;
        std::int64_t span;
        if (!__builtin_mul_overflow(static_cast<std::int64_t>(inner.count), inner.stride, &span) &&
            span == stride) {
            node->count = count * inner.count;
            node->stride = inner.stride;
            node->part_bytes = inner.part_bytes;
            node->part = inner.part;
        }
    }
    return {part.at, count * part.bytes, std::move(node)};
}

Shape make_list(std::vector<Shape> parts) {
    parts = splice(std::move(parts));
    if (parts.empty()) return {};
    join(parts);
    if (parts.size() == 1) return std::move(parts[0]);
    if (is_regular(parts)) {
        return make_loop(parts.size(), parts[1].at - parts[0].at, parts[0]);
    }
    Shape shape{parts[0].at, 0, nullptr};
    shape.node = make_list_node(parts, shape.bytes);
    return shape;
}

}  // namespace mpi
