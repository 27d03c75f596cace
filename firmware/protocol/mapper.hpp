// Finds the network and the routes through it: probes, a map, up*/down* routes for every board.
//
// Every board has a Mapper; the one with the lowest board number does the work, the others answer
// and take the routes that it sends them. A board that hears of no lower one for some time begins
// by itself, and yields to a lower one that it meets.
//
// Pure logic, for the LANai and for the host's tests: no heap, no library, no register. One thread.
// Nothing here waits: tick() does a bounded piece of work and says when it wants the next. Times
// are 32-bit microseconds that wrap round.
//
// How the network is found. Switches are anonymous; a switch is known by a path of port differences
// to it. From each switch, all differences are tried: a board answers a HOST probe, a switch behind
// the port returns a TURN probe. What a switch behind a port is: if one of its boards is known, the
// switch that this board is on; else if it has boards, a new one; else ports of the known switches
// without boards are tried: a probe that leaves there and comes home through the port in question
// proves that they are the two ends of one cable. There are no false answers, only lost ones, hence
// repetition, and a check after each map.
#pragma once

#include "firmware/protocol/map_batch.hpp"
#include "firmware/protocol/map_format.h"
#include "firmware/protocol/map_graph.hpp"

namespace firmware {

/// What a Mapper needs of its board.
struct MapperHooks {
    void* context;
    /// Sends route bytes and packet; the packet is copied or gone when it returns. False: cannot
    /// now.
    bool (*send)(void* context, const uint8_t* route, uint32_t hops, const void* packet,
                 uint32_t bytes);
    /// The board's route table, FM_MAX_BOARDS entries; written only by the Mapper once it is
    /// started with `may_map`.
    fm_route* table;
};

struct MapperOptions {
    uint32_t board;      ///< this one
    uint32_t period_us;  ///< of checks; 0: on command and on suspicion only
    bool may_map;        ///< false: answers probes, but the table is the driver's
};

struct MapperCounters {
    uint32_t probes;   ///< packets sent that want an answer
    uint32_t maps;     ///< completed by this board
    uint32_t bad;      ///< packets that were malformed or made no sense
    uint32_t doubles;  ///< boards seen in two places
};

class Mapper {
  public:
    void start(const MapperHooks& hooks, const MapperOptions& options, uint32_t now_us);

    /// Does what is due. Cheap, and stores nothing, before due().
    void tick(uint32_t now_us);
    /// When tick() has work: now or earlier, at once.
    uint32_t due() const { return due_; }
    /// There is nothing to do before a packet comes or a call is made.
    bool asleep() const;
    /// A packet of type FM_WIRE_TYPE_MAP or FM_WIRE_TYPE_PROBE with a good CRC, 4-byte aligned.
    void on_packet(const void* packet, uint32_t bytes, uint32_t now_us);

    /// The board does not acknowledge: look at the network soon.
    void suspect(uint32_t board, uint32_t now_us);
    /// Look at the network again, now.
    void map_again(uint32_t now_us);

    /// Increases with each change of the table.
    uint32_t epoch() const { return epoch_; }
    /// Board whose map this board's routes are of; FM_MAX_BOARDS: no routes yet.
    uint32_t mapper() const { return installed_ != 0 ? installed_ >> 24 : uint32_t{FM_MAX_BOARDS}; }
    /// Boards and switches of the map.
    uint32_t hosts() const { return hosts_; }
    uint32_t switches() const { return switches_; }
    /// This board maps, and nothing is under way.
    bool settled() const { return phase_ == Phase::idle && is_mapper(); }
    const MapperCounters& counters() const { return counters_; }

  private:
    enum class Phase : uint8_t {
        idle,
        first,
        boards,
        verify,
        compare,
        turns,
        root,
        ways,
        own,
        spread,
        check
    };

    // How long this board waits before it begins to map by itself.
    static constexpr uint32_t kStartUs = 20'000;  // after the start, unless it is board 0
    static constexpr uint32_t kSilenceUs =
        500'000;                                    // after a lower board began, and did not finish
    static constexpr uint32_t kYieldedUs = 50'000;  // after a higher board yielded to it
    static constexpr uint32_t kDeadUs = 1'000;      // after the mapper was found dead
    static constexpr uint32_t kSlotUs = 4'000;      // and so much more for each lower number
    static constexpr uint32_t kNoNetworkUs = 500'000;
    static constexpr uint32_t kMismatchUs = 1'000;  // after a map that was wrong; doubles each time
    // The mapper's checks.
    static constexpr uint32_t kForeignUs = 5'000;  // after another that maps was heard of
    static constexpr uint32_t kFailedUs = 20'000;  // after a board did not take its routes
    static constexpr uint32_t kBetweenChecksUs = 10'000;
    static constexpr uint32_t kReportUs = 5'000;  // first time-out of a SUSPECT
    static constexpr uint32_t kReports = 4;
    static constexpr uint32_t kNumberMask = 0xffffff;
    // Tries of requests: of those that mostly have no answer, and of those that should have one.
    static constexpr uint32_t kTries = 3;
    static constexpr uint32_t kSureTries = 6;
    static constexpr uint32_t kSendsPerTick = 4;  // probes, or one ROUTES: packets wait meanwhile

    // Election (mapper.cpp).
    void hear();
    void begin_at(uint32_t us);
    void check_in(uint32_t us);
    void report();
    void plan();
    void wake_at(uint32_t us);
    bool reached(uint32_t us) const { return static_cast<int32_t>(now_ - us) >= 0; }
    bool is_mapper() const { return installed_ != 0 && installed_ >> 24 == board_; }

    // Packets (map_packets.cpp).
    void on_host(const fm_map_packet& packet, uint32_t sender);
    void on_answer(const fm_map_packet& packet, uint32_t sender);
    void on_routes(const fm_map_routes& packet, uint32_t sender);
    void on_suspect(const fm_map_packet& packet, uint32_t sender);
    void install(const fm_map_routes& packet);
    void set_route(uint32_t board, const fm_route& route);
    bool reply(uint32_t kind, const fm_map_packet& to);
    void head(fm_map_packet* packet, uint32_t kind, uint32_t sequence) const;
    bool send_request(uint32_t index);

    // Exploration (map_explore.cpp).
    void start_map();
    void step();
    void finish_batch();
    void finish_first();
    void next_end();
    void ask_boards();
    void finish_boards();
    bool identify();
    bool has_board(bool known) const;
    void compare();
    void finish_match();
    void adopt();
    void join(uint32_t s, uint32_t port);
    void ask_turns();
    void finish_turns();

    // Routes, their distribution, checks (map_spread.cpp).
    void begin_routes();
    void step_routes();
    void spread();
    void finish_spread();
    void build_routes(fm_map_routes* packet, uint32_t board, uint32_t part) const;
    bool part_in_use(uint32_t part) const;
    void begin_check();
    void check();
    void check_port(uint32_t s, uint32_t port);
    void finish_check();
    void begin_again();
    void finish();
    bool is_stale(uint32_t board) const { return (stale_[board / 32] >> (board % 32) & 1) != 0; }
    void set_stale(uint32_t board) { stale_[board / 32] |= 1u << (board % 32); }

    MapperHooks hooks_;
    uint32_t board_;
    uint32_t period_us_;
    bool may_map_;

    uint32_t now_;
    uint32_t due_;
    Phase phase_;
    uint32_t epoch_;
    uint32_t installed_;  // as in fm_map_packet::map
    uint32_t number_;     // of the last map
    uint32_t hosts_, switches_;
    bool candidate_;  // this board begins to map at candidate_at_, unless a lower one is heard of
    uint32_t candidate_at_;
    bool check_wanted_;  // at check_at_
    uint32_t check_at_;
    uint32_t checked_at_;  // the last one began

    // Routes that come from the mapper.
    uint32_t incoming_;        // map that parts are coming of
    uint32_t incoming_parts_;  // bit i: part i is here

    // A suspicion that the mapper has not acknowledged.
    bool reporting_;
    uint8_t reports_;
    uint32_t reported_, report_at_, report_sequence_;

    // The end of a cable that is looked at, the switch behind it, and the port that this may be.
    uint32_t end_switch_, end_port_;
    uint32_t fresh_;
    uint32_t match_switch_, match_port_;
    bool patient_;        // all HOST probes' answers are waited for
    bool mapped_;         // since start_map(): not confirmed yet
    bool more_;           // to be sent, at once
    uint8_t mismatches_;  // maps in succession that were wrong
    bool failed_;         // a board did not take its routes; something is not as the map says
    uint32_t cursor_, cursor_port_;  // of comparison, check, distribution
    uint32_t step_, best_, best_sum_;
    bool boards_below_;

    MapBatch batch_;
    MapGraph graph_;
    uint32_t stale_[FM_MAX_BOARDS / 32];  // boards to send routes to
    MapperCounters counters_;
};

}  // namespace firmware
