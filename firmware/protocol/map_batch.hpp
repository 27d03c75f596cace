// Up to 64 requests under way at once, each repeated until it is answered or given up.
//
// A request that nobody answers is the usual case (most probes go nowhere), so time-outs are short;
// and they count turns of the caller too, because where boards are emulated time may pass without
// anybody having had a chance to answer. Answers that come late make them longer: emulators of one
// crowded machine answer each other when they have the core in turn.
#pragma once

#include "firmware/protocol/map_format.h"

namespace firmware {

enum class MapAsk : uint8_t {
    first,  // TURN in the first switch
    board,  // HOST out of (s, port)
    turn,   // TURN in the switch behind (s, port)
    cable,  // TURN that goes out of (s, port) and home by (to, to_port)
    routes  // ROUTES to board `to`, part `port`
};

struct MapRequest {
    MapAsk ask;
    uint8_t s, port, to, to_port;
    uint8_t tries;  // most
    bool patient;   // the time-out doubles with each try
    // Of the batch:
    uint8_t sent;  // tries so far
    bool done;
    bool answered;
    uint8_t board;  // who answered
    uint8_t flags;  // of the answer
    uint32_t map;   // of the answer
    uint32_t at;    // sent then
    uint32_t turn;
};

class MapBatch {
  public:
    static constexpr uint32_t kRequests = 64;

    void reset(uint32_t seed);
    /// Forgets all requests; answers to them are not recognised any more.
    void clear();
    bool full() const { return count_ == kRequests; }
    uint32_t count() const { return count_; }
    MapRequest& at(uint32_t i) { return requests_[i]; }
    void add(MapAsk ask, uint32_t s, uint32_t port, uint32_t to, uint32_t to_port, uint32_t tries,
             bool patient);

    bool done() const { return open_ == 0; }
    /// The next one to send (again), or kRequests. Gives up those whose tries are used up.
    uint32_t next(uint32_t now_us);
    /// It has been sent.
    void sent(uint32_t i, uint32_t now_us);
    /// To be called once for each turn of the caller.
    void turn() { ++turn_; }
    /// Sequence number of a request.
    uint32_t sequence(uint32_t i) const { return serial_ * kRequests + i; }
    /// The request with this sequence number, if it waits for its answer; or kRequests.
    uint32_t find(uint32_t sequence) const;
    void answer(uint32_t i, uint32_t now_us);
    /// An answer that no request waits for. If one of the last batches asked for it, the time-outs
    /// were too short.
    void late(uint32_t sequence, uint32_t now_us);
    /// Gives up what has no answer yet.
    void stop();
    /// When next() has something to do.
    uint32_t due(uint32_t now_us) const;

  private:
    static constexpr uint32_t kRecent = 8;

    uint32_t wait_us(const MapRequest& request) const;
    void took(uint32_t trip_us);

    uint32_t serial_;
    uint32_t count_;
    uint32_t open_;    // requests that are not done
    uint32_t unsent_;  // of these, not sent yet
    uint32_t cursor_;
    uint32_t turn_;
    uint32_t timeout_us_;
    uint32_t sent_at_[kRecent];  // the last try of each of the last batches, by serial number
    MapRequest requests_[kRequests];
};

}  // namespace firmware
