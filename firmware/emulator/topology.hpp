// What is cabled to what: switches, boards and links, as people write it in a small text file.
//
//     # two switches, a board on each, and a link to the fabric of another emulator
//     switch left 8
//     switch right 8
//     board 0
//     board 1
//     link 0 left          # a switch's port without a number: the lowest that is free
//     link 1 right:3
//     link left right
//     link left:7 remote other.example:7101
//     link right:7 listen 7102
//
// A switch is named by a word that begins with a letter, a board by its number, 0..255. A board has
// one port. What a file declares may stand in any order; ports without a number are given out last.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adi/base/status.hpp"

namespace emulator {

/// One end of a link.
struct LinkEnd {
    bool is_board = false;
    std::uint32_t index = 0;  ///< the board's id, or the switch's place in Topology::switches
    std::uint32_t port = 0;   ///< of a switch

    bool operator==(const LinkEnd&) const = default;
};

struct Topology {
    static constexpr std::uint32_t kMinPorts = 2;
    static constexpr std::uint32_t kMaxPorts = 32;  // a route byte reaches 31 ports up and down
    static constexpr std::size_t kMaxSwitches = 256;

    struct Switch {
        std::string name;
        std::uint32_t ports = 16;
        bool operator==(const Switch&) const = default;
    };
    enum class Far : std::uint8_t { here, remote, listen };
    struct Link {
        LinkEnd a;
        LinkEnd b;            ///< where `far` is `here`
        Far far = Far::here;  ///< else the other end is in another emulator
        std::string host;     ///< to connect to, or to listen on (empty: the loopback interface)
        std::uint16_t port = 0;
        bool operator==(const Link&) const = default;
    };

    std::vector<Switch> switches;
    std::vector<std::uint32_t> boards;  ///< ids, ascending
    std::vector<Link> links;

    /// The end's name in the text: "5", "left:3".
    std::string name(const LinkEnd& end) const;
    /// The link with that end; null: nothing is plugged in there.
    const Link* link_at(const LinkEnd& end) const;
    /// "left:3", "5"; none when there is no such board or port.
    std::optional<LinkEnd> find_end(std::string_view name) const;

    bool operator==(const Topology&) const = default;
};

/// Reads the text above. `source` names it in messages: "fabric.txt:3: there is no switch 'lfet'".
adi::Result<Topology> parse_topology(std::string_view text, std::string_view source);
/// Reads the file.
adi::Result<Topology> read_topology(const std::string& path);
/// The text that parses to the same topology.
std::string write_topology(const Topology& topology);

/// Boards 0..n-1 on the ports of one switch of 16; above 16 boards two levels: leaves with eight
/// boards each, and eight links up from each leaf, spread over four or eight roots. `boards` is
/// 1..256.
Topology default_topology(std::uint32_t boards);

/// Routes between boards, as route bytes: shortest of those that go up and then down in an order of
/// the switches (up*/down*), so that packets that wait for each other's links never do so in a
/// circle. For fabrics whose boards do not find their routes themselves.
class Routes {
  public:
    explicit Routes(Topology topology);
    /// None: there is no way, or the two are the same. Empty is legal: two boards on one cable.
    std::optional<std::vector<std::uint8_t>> between(std::uint32_t from, std::uint32_t to) const;

  private:
    struct Hop {
        std::uint32_t out = 0;  // port here
        std::uint32_t to = 0;   // switch
        std::uint32_t in = 0;   // port there
    };
    /// Order by distance from the boards and from the middle, or by the distance from it alone.
    void rank(bool boards_below);
    bool all_reached() const;
    std::vector<std::uint32_t> distances(const std::vector<std::uint32_t>& from) const;

    Topology topology_;
    std::vector<std::vector<Hop>> hops_;  // by switch
    std::vector<std::uint32_t> rank_;     // by switch: lower is nearer to the top
};

/// The byte that leads a packet from one port of a switch to another.
constexpr std::uint8_t route_byte(std::uint32_t in, std::uint32_t out) {
    return static_cast<std::uint8_t>(0x80U | ((out - in) & 0x3fU));
}

}  // namespace emulator
