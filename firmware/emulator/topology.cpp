#include "firmware/emulator/topology.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>
#include <utility>

#include "adi/base/number.hpp"

namespace emulator {

namespace {

using adi::Result;
using adi::Status;

constexpr std::size_t kMaxText = 1U << 20;
constexpr std::size_t kMaxLinks = 4096;
constexpr std::uint32_t kMaxBoards = 256;
constexpr std::uint32_t kAnyPort = ~0U;

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool is_name(std::string_view word) {
    if (word.empty() || word.size() > 64 || !is_letter(word[0])) return false;
    return std::all_of(word.begin(), word.end(), [](char c) {
        return is_letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '.';
    });
}

std::vector<std::string_view> split(std::string_view line) {
    std::vector<std::string_view> words;
    line = line.substr(0, line.find('#'));
    for (std::size_t at = 0;;) {
        at = line.find_first_not_of(" \t\r", at);
        if (at == std::string_view::npos) return words;
        const std::size_t end = std::min(line.find_first_of(" \t\r", at), line.size());
        words.push_back(line.substr(at, end - at));
        at = end;
    }
}

std::string quoted(std::string_view word) {
    std::string text = "'";
    for (const char c : word.substr(0, 64)) text += c >= ' ' && c < 127 ? c : '?';
    return text + "'";
}

class Parser {
  public:
    explicit Parser(std::string_view source) : source_(source) {}

    Result<Topology> parse(std::string_view text) {
        if (text.size() > kMaxText) return Result<Topology>(Status::bad_argument, too_long());
        std::vector<std::pair<std::size_t, std::vector<std::string_view>>> links;
        std::size_t line = 0;
        for (std::size_t at = 0; at < text.size() && error_.empty();) {
            const std::size_t end = std::min(text.find('\n', at), text.size());
            const auto words = split(text.substr(at, end - at));
            at = end + 1;
            line_ = ++line;
            if (words.empty()) continue;
            if (words[0] == "switch")
                add_switch(words);
            else if (words[0] == "board")
                add_board(words);
            else if (words[0] == "link")
                links.emplace_back(line, words);
            else
                fail(quoted(words[0]) + " is none of switch, board, link");
        }
        for (const auto& [at, words] : links) {
            line_ = at;
            if (error_.empty()) add_link(words);
        }
        if (error_.empty()) give_ports();
        if (error_.empty()) check_boards();
        if (!error_.empty()) return Result<Topology>(Status::bad_argument, error_);
        return std::move(topology_);
    }

  private:
    void fail(const std::string& what) {
        if (error_.empty()) error_ = source_ + ":" + std::to_string(line_) + ": " + what;
    }
    std::string too_long() const { return source_ + ": longer than 1 MiB"; }

    void add_switch(const std::vector<std::string_view>& words) {
        const auto ports =
            words.size() == 3 ? adi::parse_number<std::uint32_t>(words[2]) : std::nullopt;
        if (words.size() != 3 || !ports) return fail("expected: switch NAME PORTS");
        if (!is_name(words[1]))
            return fail(quoted(words[1]) + " is no name: a letter, then letters, digits, - . _");
        if (*ports < Topology::kMinPorts || *ports > Topology::kMaxPorts)
            return fail("a switch has " + std::to_string(Topology::kMinPorts) + " to " +
                        std::to_string(Topology::kMaxPorts) + " ports");
        for (const Topology::Switch& other : topology_.switches)
            if (other.name == words[1]) return fail("switch " + other.name + " is there already");
        if (topology_.switches.size() == Topology::kMaxSwitches)
            return fail("more than " + std::to_string(Topology::kMaxSwitches) + " switches");
        topology_.switches.push_back({std::string(words[1]), *ports});
    }

    void add_board(const std::vector<std::string_view>& words) {
        const auto id =
            words.size() == 2 ? adi::parse_number<std::uint32_t>(words[1]) : std::nullopt;
        if (!id) return fail("expected: board ID");
        if (*id >= kMaxBoards) return fail("board ids are 0 to 255");
        const auto place = std::lower_bound(topology_.boards.begin(), topology_.boards.end(), *id);
        if (place != topology_.boards.end() && *place == *id)
            return fail("board " + std::to_string(*id) + " is there already");
        topology_.boards.insert(place, *id);
    }

    /// "5", "left", "left:3".
    std::optional<LinkEnd> end(std::string_view word) {
        if (const auto id = adi::parse_number<std::uint32_t>(word)) {
            if (std::binary_search(topology_.boards.begin(), topology_.boards.end(), *id))
                return LinkEnd{true, *id, 0};
            fail("there is no board " + std::to_string(*id));
            return std::nullopt;
        }
        const std::size_t colon = word.find(':');
        const std::string_view name = word.substr(0, colon);
        for (std::uint32_t i = 0; i < topology_.switches.size(); ++i) {
            const Topology::Switch& it = topology_.switches[i];
            if (it.name != name) continue;
            if (colon == std::string_view::npos) return LinkEnd{false, i, kAnyPort};
            const auto port = adi::parse_number<std::uint32_t>(word.substr(colon + 1));
            if (port && *port < it.ports) return LinkEnd{false, i, *port};
            fail("switch " + it.name + " has the ports 0 to " + std::to_string(it.ports - 1) +
                 ", not " + quoted(word.substr(colon + 1)));
            return std::nullopt;
        }
        fail("there is no switch " + quoted(name));
        return std::nullopt;
    }

    void take(const LinkEnd& end) {
        if (!end.is_board && end.port == kAnyPort) return;
        const std::uint32_t key = (end.is_board ? 1U << 24 : 0U) | end.index << 8 | end.port;
        const auto place = std::lower_bound(taken_.begin(), taken_.end(), std::pair{key, 0UL});
        if (place != taken_.end() && place->first == key)
            return fail(topology_.name(end) + " is taken by the link of line " +
                        std::to_string(place->second));
        taken_.insert(place, {key, line_});
    }

    void add_link(const std::vector<std::string_view>& words) {
        const bool far = words.size() == 4 && (words[2] == "remote" || words[2] == "listen");
        if (words.size() != 3 && !far)
            return fail(
                "expected: link END END, link END remote HOST:PORT, or link END listen PORT");
        if (topology_.links.size() == kMaxLinks)
            return fail("more than " + std::to_string(kMaxLinks) + " links");
        Topology::Link link;
        const auto a = end(words[1]);
        if (!a) return;
        link.a = *a;
        take(link.a);
        if (far) {
            link.far = words[2] == "remote" ? Topology::Far::remote : Topology::Far::listen;
            address(link, words[3]);
        } else {
            const auto b = end(words[2]);
            if (!b) return;
            link.b = *b;
            if (link.a.is_board == link.b.is_board && link.a.index == link.b.index)
                return fail("both ends are at the same place");
            take(link.b);
        }
        topology_.links.push_back(std::move(link));
        lines_.push_back(line_);
    }

    void address(Topology::Link& link, std::string_view word) {
        const std::size_t colon = word.rfind(':');
        const std::string_view digits =
            colon == std::string_view::npos ? word : word.substr(colon + 1);
        const auto port = adi::parse_number<std::uint32_t>(digits);
        const bool listens = link.far == Topology::Far::listen;
        if (!port || *port > 0xffff || (*port == 0 && !listens))
            return fail(quoted(digits) + " is no TCP port");
        link.port = static_cast<std::uint16_t>(*port);
        if (colon != std::string_view::npos) link.host = word.substr(0, colon);
        const auto plain = [](char c) { return c > ' ' && c < 127; };
        if (!std::all_of(link.host.begin(), link.host.end(), plain) || link.host.size() > 255 ||
            (link.host.empty() && !listens))
            fail(quoted(word) + " is not HOST:PORT");
    }

    void give_port(LinkEnd& end) {
        if (end.is_board || end.port != kAnyPort) return;
        const Topology::Switch& it = topology_.switches[end.index];
        for (std::uint32_t port = 0; port < it.ports; ++port) {
            const std::uint32_t key = end.index << 8 | port;
            const auto place = std::lower_bound(taken_.begin(), taken_.end(), std::pair{key, 0UL});
            if (place != taken_.end() && place->first == key) continue;
            end.port = port;
            return take(end);
        }
        fail("switch " + it.name + " has no free port left");
    }

    void give_ports() {
        for (std::size_t i = 0; i < topology_.links.size() && error_.empty(); ++i) {
            line_ = lines_[i];
            give_port(topology_.links[i].a);
            if (topology_.links[i].far == Topology::Far::here) give_port(topology_.links[i].b);
        }
    }

    void check_boards() {
        if (topology_.boards.empty()) error_ = source_ + ": has no board";
    }

    std::string source_;
    std::size_t line_ = 0;
    std::string error_;
    Topology topology_;
    std::vector<std::size_t> lines_;                            // by link
    std::vector<std::pair<std::uint32_t, std::size_t>> taken_;  // end, line
};

}  // namespace

std::string Topology::name(const LinkEnd& end) const {
    if (end.is_board) return std::to_string(end.index);
    if (end.index >= switches.size()) return "?";
    return switches[end.index].name + ":" + std::to_string(end.port);
}

const Topology::Link* Topology::link_at(const LinkEnd& end) const {
    for (const Link& link : links)
        if (link.a == end || (link.far == Far::here && link.b == end)) return &link;
    return nullptr;
}

std::optional<LinkEnd> Topology::find_end(std::string_view text) const {
    if (const auto id = adi::parse_number<std::uint32_t>(text)) {
        if (!std::binary_search(boards.begin(), boards.end(), *id)) return std::nullopt;
        return LinkEnd{true, *id, 0};
    }
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const auto port = adi::parse_number<std::uint32_t>(text.substr(colon + 1));
    for (std::uint32_t i = 0; i < switches.size(); ++i)
        if (switches[i].name == text.substr(0, colon) && port && *port < switches[i].ports)
            return LinkEnd{false, i, *port};
    return std::nullopt;
}

Result<Topology> parse_topology(std::string_view text, std::string_view source) {
    return Parser(source).parse(text);
}

Result<Topology> read_topology(const std::string& path) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"),
                                                               std::fclose);
    if (!file)
        return Result<Topology>(Status::bad_argument, path + ": cannot be opened: " +
                                                          std::generic_category().message(errno));
    std::string text;
    std::array<char, 4096> buffer{};
    for (std::size_t n = 1; n > 0 && text.size() <= kMaxText;) {
        n = std::fread(buffer.data(), 1, buffer.size(), file.get());
        text.append(buffer.data(), n);
    }
    if (std::ferror(file.get()) != 0)
        return Result<Topology>(Status::bad_argument, path + ": cannot be read");
    return parse_topology(text, path);
}

std::string write_topology(const Topology& topology) {
    std::string text;
    for (const Topology::Switch& it : topology.switches)
        text += "switch " + it.name + " " + std::to_string(it.ports) + "\n";
    for (const std::uint32_t id : topology.boards) text += "board " + std::to_string(id) + "\n";
    for (const Topology::Link& link : topology.links) {
        text += "link " + topology.name(link.a) + " ";
        if (link.far == Topology::Far::here) {
            text += topology.name(link.b) + "\n";
            continue;
        }
        text += link.far == Topology::Far::remote ? "remote " : "listen ";
        if (!link.host.empty()) text += link.host + ":";
        text += std::to_string(link.port) + "\n";
    }
    return text;
}

Topology default_topology(std::uint32_t boards) {
    constexpr std::uint32_t kPorts = 16;
    constexpr std::uint32_t kPerLeaf = 8;
    Topology topology;
    boards = std::clamp(boards, 1U, kMaxBoards);
    for (std::uint32_t id = 0; id < boards; ++id) topology.boards.push_back(id);
    if (boards <= kPorts) {
        topology.switches.push_back({"s0", kPorts});
        for (std::uint32_t id = 0; id < boards; ++id)
            topology.links.push_back({{true, id, 0}, {false, 0, id}, Topology::Far::here, {}, 0});
        return topology;
    }
    const std::uint32_t leaves = (boards + kPerLeaf - 1) / kPerLeaf;
    const std::uint32_t roots = leaves <= 8 ? 4 : 8;
    const std::uint32_t lines = kPerLeaf / roots;  // from each leaf to each root
    for (std::uint32_t leaf = 0; leaf < leaves; ++leaf)
        topology.switches.push_back({"leaf" + std::to_string(leaf), kPorts});
    for (std::uint32_t root = 0; root < roots; ++root)
        topology.switches.push_back(
            {"root" + std::to_string(root), leaves <= kPorts ? kPorts : Topology::kMaxPorts});
    for (std::uint32_t id = 0; id < boards; ++id)
        topology.links.push_back(
            {{true, id, 0}, {false, id / kPerLeaf, id % kPerLeaf}, Topology::Far::here, {}, 0});
    for (std::uint32_t leaf = 0; leaf < leaves; ++leaf)
        for (std::uint32_t up = 0; up < kPerLeaf; ++up)
            topology.links.push_back({{false, leaf, kPerLeaf + up},
                                      {false, leaves + up / lines, leaf * lines + up % lines},
                                      Topology::Far::here,
                                      {},
                                      0});
    return topology;
}

}  // namespace emulator
