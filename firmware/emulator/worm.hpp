// Packets on their way, for firmware/emulator/fabric.*. Plain data; Fabric keeps the invariants.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "firmware/emulator/cable.hpp"
#include "firmware/emulator/faults.hpp"

namespace emulator {

struct Channel;
struct Endpoint;
struct Feeder;

/// One packet. Lives while it has uses: its chunks, the feeders that it passes, an open end.
struct Worm {
    static constexpr std::uint32_t kNobody = ~0U;
    std::uint32_t board = kNobody;  ///< its sender; kNobody: a copy, or from another emulator
    std::uint32_t uses = 0;
    std::uint32_t active = 0;    ///< place in Fabric's list
    std::uint32_t progress = 0;  ///< counts chunks that moved
    std::uint32_t seen = ~0U;    ///< the watchdog's: progress when it last looked
    std::uint32_t still = 0;     ///< the watchdog's: times in a row without progress
    bool dead = false;           ///< thrown away: whoever meets a chunk of it frees it
    Time begin = 0;              ///< when its head left, for the trace
    std::uint64_t bytes = 0;     ///< that left the sender
    std::vector<Feeder*> path;   ///< all that its head has reached
};

/// A piece of a packet: what moves as one.
struct Chunk {
    Worm* worm = nullptr;
    Chunk* next = nullptr;
    bool head = false;
    bool tail = false;
    bool piece_end = false;     ///< the sending board waits for it to leave
    std::uint8_t syndrome = 0;  ///< of the tail: what the links before have found
    std::uint32_t begin = 0;    ///< bytes before it are gone: stripped or taken
    Channel* via = nullptr;     ///< modelled time: that it is just on
    Time arrived = 0;
    std::vector<std::uint8_t> bytes;

    std::size_t size() const { return bytes.size() - begin; }
    std::span<const std::uint8_t> rest() const {
        return std::span<const std::uint8_t>(bytes).subspan(begin);
    }
};

/// The other end of what a fabric does not know: a link to another emulator.
class FarSide {
  public:
    /// The outlet has chunks, or may go on.
    virtual void outlet_ready() = 0;
    /// A packet that the outlet had begun to pass on was thrown away.
    virtual void outlet_lost() = 0;
    /// The inlet has room again.
    virtual void inlet_free() = 0;

  protected:
    ~FarSide() = default;
};

/// A place where packets wait in order and from which they go on: a board's send engine, a switch's
/// port with its slack buffer, a board's receive engine (its way on is the board), a fault's stock
/// of copies, and the two ends of a link to another emulator.
struct Feeder {
    enum class Kind : std::uint8_t { source, port, inbox, replay, inlet, outlet };
    enum class State : std::uint8_t {
        idle,        ///< the next chunk is a head, or there is none
        waiting,     ///< for `out`, which another holds
        streaming,   ///< holds `out`
        discarding,  ///< throws away up to the tail
    };
    Kind kind = Kind::port;
    State state = State::idle;
    bool queued = false;   ///< in Fabric's list of what is to be looked at
    bool stopped = false;  ///< STOP has been said to whoever feeds it
    Chunk* first = nullptr;
    Chunk* last = nullptr;
    std::size_t fill = 0;          ///< bytes here, with those that are just leaving
    Worm* current = nullptr;       ///< the packet that state speaks of
    Channel* out = nullptr;        ///< waited for or held
    Channel* into = nullptr;       ///< what feeds it
    Channel* fixed = nullptr;      ///< the only way on, where there is but one
    std::uint32_t node = 0;        ///< of a port: the switch
    std::uint32_t port = 0;        ///< of a port; else where it stands in arbitration
    Endpoint* endpoint = nullptr;  ///< of source and inbox: the board's
    FarSide* far = nullptr;        ///< of inlet and outlet
};

/// One direction of a link.
struct Channel {
    enum class Fate : std::uint8_t { none, drop, corrupt, duplicate, reorder };

    Feeder* sink = nullptr;
    bool up = true;
    Feeder* owner = nullptr;
    std::vector<Feeder*> waiting;
    std::uint32_t granted = 0;  ///< port that had it last, for the round robin

    // Modelled time: the chunk that is just leaving.
    bool busy = false;
    bool leaving_tail = false;
    bool leaving_piece_end = false;
    Feeder* leaver = nullptr;  ///< null: it was thrown away meanwhile
    std::size_t leaving = 0;
    Time free_at = 0;

    // Faults.
    FaultPlan::Rates rates;
    Fate fate = Fate::none;            ///< of the packet that holds the channel
    std::uint8_t error = 0;            ///< its CRC register, as far as errors of this link made it
    std::uint32_t corrupt_at = 0;      ///< bytes to go before the burst
    bool corrupted = false;            ///< the burst is behind
    std::vector<std::uint8_t> record;  ///< what is to come again
    std::uint8_t record_syndrome = 0;
    std::unique_ptr<Feeder> replay;  ///< where rates ask for it
    Chunk* held = nullptr;           ///< packet that waits for another to overtake it
    std::uint64_t held_number = 0;   ///< so that a timer knows whether it is still the same
};

}  // namespace emulator
