// A Myrinet: cables, crossbar switches, and the packets on their way (worms).
//
// Switches are source-routed: each takes a packet's first byte, 0x80 | delta (6 bits, signed), off
// and leads the rest from port p to port p + delta. A packet holds each link of its path from head
// to tail; one that finds a link taken waits and holds what it has (round robin among those that
// wait). What cannot go on fills the slack buffer of the port it has reached, then STOP halts
// whoever feeds that port, back to the sending board. A packet that stands still for the sender's
// time-out is thrown away (forward reset), which frees its path.
//
// Modelled time: bytes leave at the link's rate and cut through; packets are followed in chunks of
// `chunk_bytes`, at the exact times of their heads. Fast: pieces go at once as far as they can.
//
// CRC-8. Every link's CRC covers what is on that link, route bytes too; a switch that gets a bad
// one makes a bad one (errors propagate). Since the code is linear, the syndrome at the end depends
// on the errors alone: it is computed from these, exactly, and good bytes cost nothing (crc8.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adi/base/status.hpp"
#include "firmware/emulator/cable.hpp"
#include "firmware/emulator/faults.hpp"
#include "firmware/emulator/machine.hpp"
#include "firmware/emulator/simulation.hpp"
#include "firmware/emulator/topology.hpp"

namespace emulator {

class Trace;

struct NetworkCounters {
    std::uint64_t sent = 0;        ///< packets that boards began to send
    std::uint64_t delivered = 0;   ///< packets that boards took to the tail, duplicates too
    std::uint64_t bytes = 0;       ///< of these
    std::uint64_t bad_routes = 0;  ///< dropped: no route byte, or no such port
    std::uint64_t dead_links = 0;  ///< dropped: led to a port where nothing works
    std::uint64_t resets = 0;      ///< forward resets
    std::uint64_t lost = 0;        ///< packets that a link, a switch or a reset took with it
    std::uint64_t blocked = 0;     ///< times that a packet waited for a link
    std::uint64_t in_flight = 0;    ///< packets that are somewhere now, open ones too
    std::uint64_t strangers = 0;   ///< connections to remote links that did not know the secret
    std::uint64_t bad_frames = 0;  ///< of remote links
    FaultCounters faults;
};

struct NetworkOptions {
    FaultPlan faults;
    Trace* trace = nullptr;
    std::size_t chunk_bytes = 64;  ///< modelled time: what moves as one
    std::size_t stop_bytes = 256;  ///< a port with so much buffered says STOP
    std::size_t go_bytes = 128;    ///< and GO when it is down to that
    /// Remote links: what both fabrics know; at least 16 bytes.
    std::string secret;
    /// Remote links: called by another thread when poll() has something to do.
    std::function<void()> wake;
};

/// Everything here is done by the emulator's thread.
class Network {
  public:
    /// `machine` and `scheduler` outlive it. Refuses faults that name what is not there, and remote
    /// links without a secret or in modelled time.
    static adi::Result<std::unique_ptr<Network>> make(const Topology& topology,
                                                      const Machine& machine, Scheduler& scheduler,
                                                      NetworkOptions options = {});
    virtual ~Network() = default;

    /// The cable of a board of the topology, whose other end the board is from now on. Once each,
    /// before start(). A board without a link has one that is never up.
    virtual Cable& attach(std::uint32_t board, Connector& connector) = 0;
    /// Starts the clock of scheduled faults, and remote links.
    virtual void start() = 0;
    /// Takes what came over remote links. Cheap when nothing did. True: something happened.
    virtual bool poll() = 0;

    virtual NetworkCounters counters() const = 0;
    virtual const Topology& topology() const = 0;

    // Faults by hand, for tests. False: there is no such thing.
    virtual bool set_link(const LinkEnd& end, bool up) = 0;
    virtual bool set_switch(std::uint32_t index, bool on) = 0;
    virtual bool reset_switch(std::uint32_t index) = 0;
    virtual bool set_slow(std::uint32_t board, Time delay) = 0;
    /// TCP port on which the listening link at `end` listens (a test asks for port 0); 0: none.
    virtual std::uint16_t listening_port(const LinkEnd& end) const = 0;
};

}  // namespace emulator
