// What a board and the network see of each other: the connector of one cable. The board's side
// (firmware/emulator/board.*) sends pieces of packets and takes what comes; the network's side
// (links, switches, firmware/emulator/network.*) carries them, in modelled time or as fast as it
// goes.
//
// All of an emulator runs on one thread, driven by Simulation; these calls are made on it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace emulator {

/// Time in picoseconds since the emulator's start.
using Time = std::int64_t;

/// The network's side. Made by the network, one per board.
class Cable {
  public:
    virtual ~Cable() = default;

    /// The next piece of the packet that is being sent (route bytes are simply the first bytes of a
    /// packet): the bytes are taken at once (copied), but are on the wire only when
    /// Connector::sent() is called; one piece at a time. `tail`: the packet ends with it, and the
    /// network appends the CRC-8. An empty piece with `tail` is legal.
    virtual void send(std::span<const std::uint8_t> piece, bool tail) = 0;
    /// The board can take bytes again, after received() took less than it was offered.
    virtual void resume() = 0;
    /// Is a working cable plugged in at both ends?
    virtual bool up() const = 0;
    /// A packet of this board that stands still for so long is thrown away (register TIMEOUT).
    /// 1/16 s until it is called.
    virtual void set_timeout(Time timeout) = 0;
};

/// The board's side.
class Connector {
  public:
    /// The piece given to send() has left. Never called from within send(), resume() or
    /// set_timeout(), as little as the other functions here; may call send().
    virtual void sent() = 0;
    /// Bytes have come: returns how many were taken (all, or up to the board's limit; 0 when it is
    /// not ready). The rest is offered again after resume(); meanwhile the link is stopped and the
    /// packet holds its path. `tail`: with the last byte of `bytes` the packet is at its end;
    /// `syndrome` then is the CRC-8's (0: good). Route bytes have been stripped on the way. For a
    /// tail that comes alone, without bytes, the answer 1 says that it was taken.
    virtual std::size_t received(std::span<const std::uint8_t> bytes, bool tail,
                                 std::uint8_t syndrome) = 0;
    /// Lost, by a forward reset or because the cable went: the packet that was being sent
    /// (`sending`), or else the one that was being received. Of sending: a piece that was under way
    /// counts as sent, no sent() follows; what is sent of the packet from then on, up to its tail,
    /// is thrown away by the network.
    virtual void reset(bool sending) = 0;
    /// The cable went up or down.
    virtual void link_changed(bool up) = 0;

  protected:
    ~Connector() = default;
};

}  // namespace emulator
