// The network as a mapper knows it, and deadlock-free routes through it.
//
// Ports of a switch are numbered from the port that it was found by, which is kMapEntry; a
// difference of two numbers is what a route byte says. Switch 0 is the one that this board is
// plugged into.
//
// Routes are up*/down*: the switches are ordered, and a route goes up for some hops, and then only
// down. No cycle of channels can arise of such routes, whatever the order. Switches far from all
// boards are above, so that all roots of a tree carry traffic; then those near to one middle. Where
// that leaves boards without a way, the distance from the middle alone decides: then there is one.
// Among the shortest routes, the pair of boards decides, so that traffic spreads over cables and
// roots.
#pragma once

#include "firmware/protocol/map_format.h"

namespace firmware {

constexpr uint32_t kMapPorts = 64;  // numbers of ports: 1..63
constexpr uint32_t kMapEntry = 32;
constexpr uint32_t kMapNone = 0xff;  // no switch
constexpr uint32_t kMapFar = 0xff;   // no way

enum class MapKind : uint8_t {
    unknown,
    none,    // nothing answers there, or no such port
    board,   // `to` is the board
    behind,  // some switch
    cable    // `to` and `port` are its other end
};

struct MapPort {
    MapKind kind;
    uint8_t to;
    uint8_t port;
    uint8_t tested;  // scratch of the comparison
};

struct MapSwitch {
    uint8_t hops;               // switches on the path before this one
    uint8_t boards;             // plugged in
    uint8_t level;              // distance from the middle
    uint8_t cables;             // of `out`
    uint32_t rank;              // less is further up
    int8_t path[FM_MAX_ROUTE];  // differences that lead here, `hops` of them
    uint8_t out[FM_MAP_PORTS];  // ports with a cable to another switch
    MapPort ports[kMapPorts];
};

class MapGraph {
  public:
    /// The network is switch 0 and on it this board.
    void clear(uint32_t board);

    uint32_t count() const { return count_; }
    uint32_t boards() const { return boards_; }
    /// The boards that are known: board b is bit b mod 32 of word b / 32.
    const uint32_t* present() const { return present_; }
    MapSwitch& at(uint32_t s) { return switches_[s]; }
    const MapSwitch& at(uint32_t s) const { return switches_[s]; }
    /// Where a board is; kMapNone when it is not known.
    uint32_t switch_of(uint32_t board) const { return board_switch_[board]; }
    uint32_t port_of(uint32_t board) const { return board_port_[board]; }

    /// Room for another switch, and within reach of a route behind (s, port)?
    bool has_room(uint32_t s) const;
    /// Fills in switch count(), behind (s, port), without adding it.
    void prepare(uint32_t s, uint32_t port);
    /// Adds it, with its cable to (s, port).
    void add(uint32_t s, uint32_t port);
    void add_board(uint32_t s, uint32_t port, uint32_t board);
    void add_cable(uint32_t s, uint32_t port, uint32_t to, uint32_t to_port);

    /// Prepares the computation of routes, after the last add_…().
    void index();
    /// Sum of the distances of all switches from s; for the choice of a root.
    uint32_t distances(uint32_t s);
    /// Orders the switches around s, if `boards_below` by their distance from the boards first.
    void set_order(uint32_t s, bool boards_below);
    /// Computes the ways to t from everywhere. To be called for each t, before route(). False:
    /// there are boards without a way (never when the boards are not below).
    bool find_ways(uint32_t t);
    /// The route from one board to another; without any, or with more than FM_MAX_ROUTE hops, or to
    /// itself: length 0.
    void route(uint32_t from, uint32_t to, fm_route* route) const;

    // --- routes of probes; each writes to `bytes` and returns the number of hops -----------------

    /// To switch s, out of the port.
    uint32_t path_to(uint32_t s, uint32_t port, uint8_t* bytes) const;
    /// From what is behind that port, back to this board.
    uint32_t path_back(uint32_t s, uint32_t port, uint8_t* bytes) const;

    static constexpr uint32_t kMaxProbeHops = 2 * FM_MAX_ROUTE + 2;

  private:
    bool above(uint32_t a, uint32_t b) const {  // is a step from b to a one up?
        return switches_[a].rank < switches_[b].rank;
    }
    uint32_t spread(uint32_t tail, uint8_t* queue);
    uint32_t next_hops(uint32_t s, uint32_t phase, uint32_t t, uint8_t* ports) const;

    uint32_t count_;
    uint32_t boards_;
    uint32_t present_[FM_MAX_BOARDS / 32];
    MapSwitch switches_[FM_MAP_SWITCHES];
    uint8_t board_switch_[FM_MAX_BOARDS];
    uint8_t board_port_[FM_MAX_BOARDS];
    // far_[t][2 s + phase]: hops from s to t; phase 1: the route has gone down already.
    uint8_t far_[FM_MAP_SWITCHES][2 * FM_MAP_SWITCHES];
};

}  // namespace firmware
