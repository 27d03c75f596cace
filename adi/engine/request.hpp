// One communication operation as the engine sees it.
#pragma once

#include <cstdint>

#include "adi/device.hpp"
#include "adi/engine/protocol.hpp"

namespace adi {

struct Landing;

/// A send or a receive. Owned by the caller, who keeps it in place from the moment it is given to
/// the engine until `complete`; blocking calls keep it on the stack. Steady state allocates
/// nothing: requests are recycled by their owners.
struct Request {
    enum class Stage : std::uint8_t {
        idle,       ///< not known to the engine
        posted,     ///< receive: in the posted queue
        delegated,  ///< receive: posted to the device that matches
        queued,     ///< send: waits in the peer's queue for room in the device
        announced,  ///< send: rts or synchronous eager sent, waiting for the answer
        transfer,   ///< the payload is moving
        complete,
    };

    // Written here, so that the members are set one by one and the compiler leaves out what the
    // engine sets again at once.
    Request() {}  // NOLINT(modernize-use-equals-default)

    // The matcher's and the send queue's links.
    Request* next = nullptr;
    Request* prev = nullptr;
    std::uint64_t sequence = 0;  ///< order of posting, over all receives

    Match match;
    Peer peer = 0;  ///< send: destination; receive: source, once matched
    Buffer buffer;
    std::uint64_t total_bytes = 0;   ///< length of the message
    std::uint64_t accept_bytes = 0;  ///< how much of it is transferred
    std::uint64_t moved_bytes = 0;   ///< send: taken by the device; receive: in the buffer
    std::uint32_t cookie = 0;        ///< this operation's name for the peer; 0: none given
    std::uint32_t lead_bytes = 0;    ///< of accept_bytes, what comes as the message's lead
    SendStream stream;               ///< send: the open stream while in transfer
    Stage stage = Stage::idle;
    MessageKind kind = MessageKind::eager;  ///< send: what the head of the queue sends next
    bool receive = false;
    bool synchronous = false;
    bool stream_open = false;
    bool timed = false;  ///< receive: a stream whose speed is being measured
    bool cancelled = false;
    bool cancel_pending = false;
    bool granted = false;          ///< send: the receiver wants it by puts
    std::uint16_t open_parts = 0;  ///< send, long: lead, data and puts not done, answers not sent
    Status status = Status::ok;    ///< valid once complete

    // The result of a completed receive.
    std::int32_t source = 0;
    std::int32_t tag = 0;
    std::uint64_t received_bytes = 0;  ///< bytes stored; less than total_bytes when truncated

    /// Called when the operation completes, if not null. It may not poll.
    void (*on_complete)(Request&) = nullptr;
    void* waiter = nullptr;      ///< for on_complete's use
    Landing* landing = nullptr;  ///< receive: the memory that is open for puts, if any

    bool complete() const { return stage == Stage::complete; }
};
static_assert(sizeof(Request) == 192, "made on the stack of every blocking call");

}  // namespace adi
