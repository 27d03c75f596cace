// The abstract device interface: what the engine asks of anything that moves bytes between
// processes.
//
// The interface streams, after Fast Messages 2.x (Lauria, Pakin, Chien, "Efficient layering for
// high speed communication", HPDC 1998): on send, header and pieces are gathered; on receive the
// header is shown first, the engine matches it, and the device then moves the payload straight
// into the buffer that the engine names. No layer copies or stages what the next could take.
//
// Rules that hold for every function below:
//   - The engine asks for work by poll(); a device never calls the engine at another time.
//   - Nothing blocks, except open, connect, quiesce and close.
//   - `Status::again` means: nothing happened. The caller polls, then asks again; if it sleeps
//     meanwhile, the device ends the sleep when there is room.
//   - A device is used by one thread at a time; wake() alone may be called from any thread.
//   - Messages of one (source, destination) pair are shown in the order in which they were begun.
//   - Bytes that a peer can write are validated before use, never trusted.
//
// Control goes through the virtual class Device. The data path of the self and shm devices is
// called through their final classes, so that the compiler sees it (adi/engine/route.hpp).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "adi/base/layout.hpp"
#include "adi/base/status.hpp"

namespace adi {

/// A process of the job, by its rank in the job.
using Peer = std::uint32_t;

/// What travels ahead of a message's payload. Devices carry it and look at `bytes` alone; the
/// other fields belong to the engine (adi/engine/protocol.hpp). Only a device that matches looks at
/// what is matched on.
struct Header {
    std::uint32_t context = 0;
    std::int32_t source = 0;
    std::int32_t tag = 0;
    std::uint8_t kind = 0;
    std::uint8_t flags = 0;
    std::uint16_t zero = 0;
    std::uint32_t bytes = 0;   ///< payload bytes of this stream
    std::uint32_t cookie = 0;  ///< names an operation at one of the ends
};
static_assert(sizeof(Header) == 24);

/// Messages of these contexts are matched by the network, on which the processes of the context
/// have agreed: kNetworkContext, and below that bit a number less than kNetworkContexts.
inline constexpr std::uint32_t kNetworkContext = 1U << 26;
inline constexpr std::uint32_t kNetworkContexts = 1U << 17;
constexpr bool is_network_context(std::uint32_t context) {
    return context / kNetworkContext == 1;
}
/// Kinds of messages up to this one are matched, by context, source and tag.
inline constexpr std::uint8_t kLastMatchedKind = 2;
constexpr bool network_matches(const Header& header) {
    return header.kind <= kLastMatchedKind && is_network_context(header.context);
}

/// An open outgoing message. Plain state, owned by the caller from begin() to end(); at most one
/// is open per peer at a time.
struct SendStream {
    Peer peer = 0;
    Header header;
    std::uint32_t sent_bytes = 0;  ///< payload bytes that the device has taken
};

/// An incoming message, owned by the device; valid from Sink::on_header until the engine has
/// discarded it or it was received whole.
struct ReceiveStream {
    Peer peer = 0;
    Header header;
    Buffer target;  ///< where receive() said the payload goes
    std::uint64_t target_offset = 0;
    std::uint32_t accept_bytes = 0;  ///< payload bytes to keep; the rest is dropped
    std::uint32_t moved_bytes = 0;   ///< payload bytes seen so far, kept or dropped
    void* token = nullptr;           ///< the engine's, handed back in on_received
};

/// The engine's side of poll().
class Sink {
  public:
    /// A message's header has arrived. Before returning, the engine calls receive() or discard()
    /// on the stream, exactly once. It may send (and gets `again` when there is no room), but not
    /// poll.
    virtual void on_header(ReceiveStream& stream) = 0;
    /// All payload of a stream for which receive() answered `again` is in its buffer.
    virtual void on_received(ReceiveStream& stream) = 0;
    /// A put() of this process is done: the source's bytes are reusable; or why it is not.
    virtual void on_put(void* token, Status status) = 0;
    /// The device can no longer talk to `peer`, or got bytes from it that make no sense. Comes
    /// before the puts that fail by it.
    virtual void on_fault(Peer peer, Status why, const char* what) = 0;
    /// The network has matched a message with the receive that was posted as `token`, which is
    /// posted no more. As on_header otherwise; of a device that matches.
    virtual void on_matched(ReceiveStream& /*stream*/, void* /*token*/) {}
    /// The receive posted as `token` is taken back: it got no message and will get none.
    virtual void on_retracted(void* /*token*/) {}

  protected:
    ~Sink() = default;
};

/// What open() is told about the job.
struct OpenInfo {
    Peer self = 0;
    Peer size = 1;
    std::vector<Peer> local;      ///< the peers on this host, ascending, self included
    bool oversubscribed = false;  ///< more local ranks than CPUs that they may use
    bool chosen = false;          ///< a person named this device
    bool first = false;           ///< none but self is preferred to this device
    /// The business card that `peer`'s device published; blocks; usable once all have opened.
    std::function<Result<std::string>(Peer)> card_of;
    /// What the processes of this job know and nobody else does; 64 characters; blocks; usable once
    /// all have opened.
    std::function<Result<std::string>()> secret;
    /// Has `peer` connect() to this process when it next looks, where the launcher can pass that
    /// on: a network may let connections be made in one direction only. Null: nobody can.
    std::function<void(Peer)> invite;
};

/// What a device can do; constant once open.
struct Capabilities {
    std::uint32_t short_bytes = 0;  ///< most payload of send_short; such messages arrive whole
    std::uint32_t eager_bytes = 0;  ///< up to here a message is best sent without rendezvous
    /// So much of a longer message is best sent right behind its announcement: what goes out until
    /// the receiver has answered; and so much behind its puts: what goes out until they are
    /// acknowledged. At most eager_bytes, as the receiver buffers it if it is unexpected; 0:
    /// nothing.
    std::uint32_t lead_bytes = 0;
    /// From here on get() may beat a stream; ~0 when the device has no (working) get.
    std::uint64_t get_bytes = ~std::uint64_t{0};
    bool get_certain = false;  ///< it does: there is nothing to find out
    bool can_map = false;      ///< map() and signal() work
    /// From here on put() beats a stream; ~0 when the device has no (working) put.
    std::uint64_t put_bytes = ~std::uint64_t{0};
    std::uint64_t put_most_bytes = 0;  ///< most that one reg() or put() takes
    /// Of a put: addresses at both ends and length are multiples of it; a power of two, at most
    /// kMostPutAlign.
    std::uint32_t put_align = 1;
    /// What was sent arrives though its sender has ended. Else processes leave together, after
    /// quiesce().
    bool outlives = true;
    /// The network matches messages whose sources are less than this; 0: it matches none.
    std::uint32_t match_sources = 0;
    /// Processes besides the ranks, on this host, that have to run for the device to work.
    std::uint32_t helpers = 0;
    bool parks_on_fd = false;  ///< its Park is a descriptor
};
inline constexpr std::uint32_t kMostPutAlign = 8;

/// How to sleep until something happens: until `fd` is readable when it is not negative, else on
/// `futex_word` while it holds `futex_value`, unless that is null: nothing ends this sleep.
struct Park {
    std::uint32_t* futex_word = nullptr;
    std::uint32_t futex_value = 0;
    int fd = -1;
};

/// Memory that peers may reach, as its owner names it to them.
struct MemoryKey {
    std::uint64_t value = 0;  ///< the device's own encoding: an offset, an rkey, …
    std::uint64_t bytes = 0;
};

class Device {
  public:
    virtual ~Device() = default;
    virtual const char* name() const = 0;
    virtual const Capabilities& capabilities() const = 0;

    // --- life ------------------------------------------------------------------------------

    /// Can this device run here at all? Cheap, without side effects; the message says why not.
    virtual Result<bool> probe(const OpenInfo& info) = 0;
    /// Takes resources: memory, descriptors. Once. May block.
    virtual Status open(const OpenInfo& info, std::string* error) = 0;
    /// The business card that lets peers connect; ≤ 512 printable characters without spaces or
    /// '='; empty when peers need none from this process.
    virtual std::string address() const = 0;
    /// Is the peer reachable by this device? Known after all have opened; may fetch cards.
    virtual bool reaches(Peer peer) const = 0;
    /// Readies the way to a peer; lazily, on the first message to it. Idempotent. May block.
    virtual Status connect(Peer peer, std::string* error) = 0;
    /// Gives up the way to a peer; what was sent before is still delivered.
    virtual void disconnect(Peer peer) = 0;
    /// Waits until what was sent has left this process, or the deadline passes (`again`).
    virtual Status quiesce(std::chrono::steady_clock::time_point deadline) = 0;
    /// Gives back everything that open took. The streams are dead.
    virtual void close() = 0;

    // --- progress --------------------------------------------------------------------------

    /// Does up to `budget` events' work, showing arrivals to `sink`. Returns the events done: 0
    /// means that nothing was there. Does not reenter.
    virtual int poll(Sink& sink, int budget) = 0;
    /// Announces that this process is about to sleep. After it the caller polls once more; if
    /// still nothing came it sleeps as the Park says: whatever arrives from now on ends the sleep.
    /// `by_fd`: other devices sleep on descriptors, and one of this device's is better than a word.
    virtual Park prepare_park(bool by_fd) = 0;
    /// Takes the announcement back, after the sleep or instead of it.
    virtual void cancel_park() = 0;
    /// Ends this process's sleep. Any thread.
    virtual void wake() = 0;

    // --- send ------------------------------------------------------------------------------

    /// Sends header.bytes ≤ short_bytes of payload in one go; the buffer is reusable on `ok`.
    virtual Status send_short(Peer peer, const Header& header, const Buffer& payload) = 0;
    /// Opens a message of exactly header.bytes > 0 payload bytes.
    virtual Status begin(SendStream& stream, Peer peer, const Header& header) = 0;
    /// Takes payload from `source` at `offset`, up to `bytes`; returns how many it took, 0 for
    /// `again`. The source's bytes that were taken are reusable at once. Pieces need not be of
    /// the sizes that the receiver sees.
    virtual std::uint64_t send_piece(SendStream& stream, const Buffer& source, std::uint64_t offset,
                                     std::uint64_t bytes) = 0;
    /// Closes the message; all header.bytes have been taken.
    virtual Status end(SendStream& stream) = 0;

    // --- receive (only from on_header) -----------------------------------------------------

    /// Moves the payload to `target` from byte `offset` on, at most `accept` bytes of it; the rest
    /// is dropped. `ok`: all is in place now. `again`: it follows as it arrives, then on_received
    /// is called with the stream; until then target's memory stays valid.
    virtual Status receive(ReceiveStream& stream, const Buffer& target, std::uint64_t offset,
                           std::uint32_t accept) = 0;
    /// Drops the whole payload.
    virtual void discard(ReceiveStream& stream) = 0;

    // --- memory (a facet: of a device with can_map) ------------------------------------------

    /// `bytes` (rounded up to 64) of zeroed memory that peers can map, or null. Its content lives
    /// until deallocate() or close().
    virtual void* allocate(std::uint64_t /*bytes*/, MemoryKey* /*key*/) { return nullptr; }
    virtual void deallocate(void* /*memory*/, const MemoryKey& /*key*/) {}
    /// The address in this process of a peer's allocated memory, or null when the key is not
    /// within what the peer may share. What is read there is the peer's: validate it.
    virtual void* map(Peer /*peer*/, const MemoryKey& /*key*/) { return nullptr; }
    /// To be called after stores to mapped memory that `peer` may wait for: ends its sleep.
    virtual void signal(Peer /*peer*/) {}

    // --- one-sided (facets; `unsupported` unless get_bytes or put_bytes say otherwise) -------

    /// Copies `bytes` from `address` in the peer's address space to `to`; done on return.
    virtual Status get(Peer /*peer*/, std::uint64_t /*address*/, void* /*to*/,
                       std::uint64_t /*bytes*/) {
        return Status::unsupported;
    }

    /// Lets `peer`, and nobody else, put() into [address, address + bytes): the key is for it. Any
    /// status but `ok` means that the payload has to come as a message: there is no room for more
    /// registrations now (`again`), or this memory cannot be had.
    virtual Status reg(void* /*address*/, std::uint64_t /*bytes*/, Peer /*peer*/,
                       MemoryKey* /*key*/) {
        return Status::unsupported;
    }
    /// Takes that back: when it returns, nothing is stored there any more.
    virtual void dereg(const MemoryKey& /*key*/) {}
    /// Stores `bytes` at `address` into the beginning of the memory that `peer` registered as
    /// `key`, without the peer's processor. `ok`: it is under way, Sink::on_put(token) says later
    /// when the source is reusable; messages sent to the peer from now on are shown after the bytes
    /// are in place. `again` as ever; any other status: these bytes cannot be put, send them.
    virtual Status put(Peer /*peer*/, const void* /*address*/, std::uint64_t /*bytes*/,
                       const MemoryKey& /*key*/, void* /*token*/) {
        return Status::unsupported;
    }

    // --- matching (a facet: of a device with match_sources) -----------------------------------
    //
    // Messages for which network_matches(header) holds are sent by send_short like all others, to
    // oneself too, and arrive in order, but the network matches them with the receives that are
    // posted to it, in the order in which they were posted. What suits none waits there, unless the
    // device is told to watch.

    /// Do both processes match by this device, and send each other all messages by it? All
    /// processes of the job find the same of a pair, from what the two have published.
    virtual bool matches(Peer /*peer*/) const { return false; }
    /// Posts a receive for `wanted`'s context, source and tag, of which the last two may be
    /// negative: any. on_matched(token) or on_retracted(token) ends it. It ends a watch: `again`
    /// when that has not ended yet, or when there is no room. The engine then matches the message
    /// itself, and has the device watch.
    virtual Status post(const Header& /*wanted*/, void* /*token*/) { return Status::unsupported; }
    /// Takes a posted receive back, if it is not matched yet.
    virtual void retract(void* /*token*/) {}
    /// From now on, until a receive is posted, messages that suit no posted receive are shown by
    /// on_header, the oldest first, one by one. A device may do so without being told.
    virtual void watch() {}

    // --- time (a facet: of a device on modelled hardware) -----------------------------------

    /// This process's time in nanoseconds on the device's own clock, which never goes back;
    /// negative when the device works in real time.
    virtual std::int64_t clock_ns() { return -1; }
    /// Only of a device with a clock, instead of a sleep: nothing is to be done, the clock goes on
    /// until something arrives or wake() is called.
    virtual void idle() {}
};

}  // namespace adi
