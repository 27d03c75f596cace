// One process's end of Fast Messages: streams out, packets in, credits, deposits.
//
// Below is a Board (send slots in its SRAM, a receive ring in host memory); above are two users:
// the fm device of MPI (devices/fm/fm.cpp), which takes packets as they come, and the FM library
// (devices/fm/library.hpp, fm.h), which runs a handler on a fiber for each message.
//
// What it promises:
//   - Messages of one (source, destination) pair arrive in the order in which they were begun,
//   whole
//     and once. The firmware sees to that; a node that cannot be reached is a fault
//     (Sink::on_lost).
//   - Nothing here blocks. What finds no room answers `again`, or how much it took; the caller
//     extracts, then asks again.
//   - Room at the receiver is a sender's before it sends: credits, one per packet, counted for each
//     pair. A receiver that does not extract stops its senders and nobody else.
//   - A message is cut into packets; each is gathered straight into a send slot by stores to the
//     board (short ones) or into a staging page (long ones). A packet's bytes are shown where the
//     board has put them: whoever takes them copies once, to the place where they belong.
//   - Deposits (put) go from the sender's memory to the receiver's without a copy.
//
// Used by one thread at a time; wake() may be called by any. FORMAT.md tells the bytes.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "adi/base/futex.hpp"
#include "adi/base/layout.hpp"
#include "adi/base/status.hpp"
#include "devices/fm/board.hpp"
#include "devices/fm/pin_cache.hpp"
#include "devices/fm/words.hpp"
#include "firmware/protocol/layout.h"

namespace dev::fm {

using Node = std::uint32_t;

struct Peer;

/// An open outgoing message. Plain state, owned by the caller from try_begin() on until all its
/// bytes are taken and end() was called; it does not move meanwhile. At most one per node.
struct OutMessage {
    Node node = 0;
    bool open = false;
    bool ended = false;        ///< its last packet has gone
    bool whole = false;        ///< all its packets' credits are set aside
    bool staged = false;       ///< its packets are gathered in staging pages
    std::uint64_t length = 0;  ///< most bytes that will come
    std::uint64_t sent = 0;    ///< bytes taken so far
    // The endpoint's own.
    Peer* peer = nullptr;          ///< its node
    std::byte* slot = nullptr;     ///< where its packet is gathered, if it has the open slot
    std::uint32_t filled = 0;      ///< bytes there
    std::uint32_t room = 0;        ///< bytes that it still takes; 0 without a slot
    std::uint32_t first_word = 0;  ///< of its next packet, without kLast and credits
    std::uint32_t second_word = 0;
    std::uint32_t reserved = 0;      ///< credits set aside for it
    std::uint32_t packet_bytes = 0;  ///< how long its packets are
    std::vector<std::byte> kept;     ///< bytes that had to leave the slot for another message
};

/// What an endpoint knows of a node. The endpoint's own.
struct Peer {
    OutMessage* out = nullptr;    ///< the open message to it
    std::uint64_t in_offset = 0;  ///< of the next byte of the message that is coming from it
    /// Between messages: the upper half of the first word of one that is a packet, flags and
    /// serial. Within one, and of a node that is lost: the serial and kWithin, which is no upper
    /// half.
    static constexpr std::uint32_t kWithin = 1U << 31;
    std::uint32_t due = Words::kWhole << 8;
    std::uint16_t sent = 0;          ///< packets that took a credit, free-running
    std::uint16_t limit = 0;         ///< so far may that go: less what is set aside for `out`
    std::uint16_t returned = 0;      ///< of those sent, given back by the peer
    std::uint16_t consumed = 0;      ///< packets of the peer that were consumed here
    std::uint16_t told = 0;          ///< of these, as the peer was told last
    std::uint16_t waiting_puts = 0;  ///< not all of them handed over
    std::uint8_t serial_out = 0;
    bool owing = false;    ///< stands in owing_
    bool starved = false;  ///< a packet to it found no credit
    bool lost = false;

    std::uint16_t credits() const { return static_cast<std::uint16_t>(limit - sent); }
};

/// A packet that has arrived. `data` is valid during Sink::on_packet only.
struct Packet {
    Node node = 0;              ///< who sent it
    std::uint32_t handler = 0;  ///< of the message; known with `first` only
    bool first = false;         ///< a message begins with it
    bool last = false;          ///< and ends with it
    std::uint64_t offset = 0;   ///< of its first byte in the message
    const std::byte* data = nullptr;
    std::uint32_t bytes = 0;
};

/// Who takes what comes: called from within extract() alone. It may send (try_…), but not extract.
class Sink {
  public:
    virtual void on_packet(const Packet& packet) = 0;
    /// Nothing more comes from `node` or reaches it; an open message from it ends here. With
    /// `corrupt` it sent what makes no sense. Once per node.
    virtual void on_lost(Node node, adi::Status why, const char* what) = 0;
    /// The put of that token is over: all of its bytes are in the peer's memory, or why not. The
    /// source is the caller's again.
    virtual void on_put(std::uint64_t token, adi::Status status) = 0;

  protected:
    ~Sink() = default;
};

/// How packets are sent; for measurements. `adapt` is what everybody should use.
enum class Strategy : std::uint8_t {
    adapt,  ///< stores up to kInline bytes, staging pages above
    pio,    ///< all payload by stores into slots, as FM 2.x did
    dma     ///< all payload by staging pages, as BIP and others
};

struct EndpointOptions {
    Node self = 0;
    Node nodes = 1;
    Strategy strategy = Strategy::adapt;
    /// With `pio`: most payload of a packet of a stream. For measurements: FM 1.x had 128.
    std::uint32_t pio_bytes = FM_INLINE_BYTES;
    /// How often wait() only gives the processor away before it sleeps: 0 where the processes
    /// and the emulator have fewer processors than they are.
    std::uint32_t patience = 500;
    /// How often a node that gives no credits back is asked whether it is still there.
    std::int64_t probe_ns = 500'000'000;
};
/// For a node of a job, with what FATHOM_FM_STRATEGY=adapt|pio|dma and FATHOM_FM_PACKET=4 to 448
/// (pio_bytes) ask for; a value that makes no sense is not taken, with a warning.
EndpointOptions options_from_environment(Node self, Node nodes);

/// A window that a peer may deposit into, as its owner names it to the peer.
using WindowKey = std::uint32_t;

class Endpoint {
  public:
    /// What to ask of the board (EndpointRequest::ring_slots) for a job of so many nodes.
    static std::uint32_t ring_slots_for(Node nodes);

    /// The board is connected (Board::connect). It has as many staging pages as send slots.
    Endpoint(std::unique_ptr<Board> board, const EndpointOptions& options);
    ~Endpoint();
    Endpoint(const Endpoint&) = delete;
    Endpoint& operator=(const Endpoint&) = delete;

    Node self() const { return self_; }
    Node nodes() const { return nodes_; }
    Strategy strategy() const { return strategy_; }
    Board& board() { return *board_; }
    /// Null in real time.
    Clock* clock() const { return clock_; }

    // --- send --------------------------------------------------------------------------------

    /// Most bytes of send(), which go in one packet and by stores.
    static constexpr std::uint32_t kShortBytes = FM_INLINE_BYTES;

    /// A whole message of head and payload, head_bytes + bytes ≤ kShortBytes: all of it or
    /// `again`. Not while a message to that node is open (`again`). `peer_failed`: the node is
    /// lost.
    adi::Status try_send(Node node, std::uint32_t handler, const void* head,
                         std::uint32_t head_bytes, const adi::Buffer& payload, std::uint64_t offset,
                         std::uint32_t bytes);

    /// Opens a message of at most `length` bytes. `again`: no room for its first packet, or one to
    /// that node is open, or a put to it not handed over. With `whole` it opens only if there is
    /// room for all of it, and sets that aside: nothing that the peer does then holds it up. That
    /// is for handlers, which must not wait for each other.
    adi::Status try_begin(OutMessage& message, Node node, std::uint64_t length,
                          std::uint32_t handler, bool whole = false);
    /// Takes bytes [offset, offset + bytes) of `source`, in order, as many as there is room for;
    /// returns how many, 0 for `again`, and also once the node is lost. They are the caller's again
    /// at once. More than the message's length are not taken.
    std::uint64_t try_piece(OutMessage& message, const adi::Buffer& source, std::uint64_t offset,
                            std::uint64_t bytes);
    /// Closes it, maybe before all its length was sent. `again`: the last packet needs room; never
    /// when all of `length` was taken and length > 0.
    adi::Status try_end(OutMessage& message);
    /// These three in the usual case: a message to a node below nodes() that is one packet, a few
    /// bytes that fit into it, its end after all of its bytes. False: nothing was done, try_…().
    bool begin_short(OutMessage& message, Node node, std::uint64_t length, std::uint32_t handler,
                     bool whole);
    bool piece_short(OutMessage& message, const void* from, std::uint64_t bytes);
    bool end_short(OutMessage& message);
    /// Gives it up (the node is lost). What was sent stays sent: only after a fault.
    void abandon(OutMessage& message);

    /// Learns from the board which slots are free again: a load from it. For those who wait for a
    /// slot and may not extract.
    void refresh_slots();
    /// Is everything sent, and acknowledged by the boards that it went to?
    bool idle();
    /// Is the node known to be unreachable?
    bool lost(Node node) const { return peers_[node].lost; }

    // --- receive -----------------------------------------------------------------------------

    /// Shows what has arrived to `sink`, until that were `max_bytes` (a soft limit: packets are
    /// shown whole) or `max_packets` > 0, and moves puts on. Returns the number of events: 0,
    /// nothing was there.
    template <std::derived_from<Sink> S>
    int extract(S& sink, std::uint64_t max_bytes = ~std::uint64_t{0}, int max_packets = 1 << 30);

    /// Called by a sink: extract() returns after the packet that it is at.
    void stop() { stop_ = attention_ = true; }
    /// The software above has worked: modelled time goes on.
    void charge(Clock::Work work) {
        if (clock_ != nullptr) [[unlikely]]
            clock_->charge(work);
    }
    /// A sink copies `bytes` out of a packet: modelled time goes on.
    void charge_copy(std::uint64_t bytes) {
        if (clock_ != nullptr) [[unlikely]]
            clock_->charge_copy(bytes);
    }

    // --- deposits ----------------------------------------------------------------------------

    /// Addresses and lengths of deposits are multiples of it.
    static constexpr std::uint32_t kPutAlign = 4;
    /// Longest window: what the page table surely takes.
    std::uint64_t most_window_bytes() const;

    /// Lets `node` deposit into [address, address + bytes), bytes > 0. `again`: no window or no
    /// page table entries left now: use messages. `bad_argument`: not aligned, or too long.
    adi::Status open_window(Node node, void* address, std::uint64_t bytes, WindowKey* key);
    /// Afterwards nothing is deposited there; what was on its way is refused. To be called when the
    /// message that follows the put has come, or to give up.
    void close_window(WindowKey key);

    /// Deposits [from, from + bytes) at `window_offset` in a window of `node`. Accepts at once, any
    /// length, without limit; Sink::on_put tells of its end. Messages to `node` that are begun from
    /// now on arrive after the bytes are in place: they get `again` until all of them went to the
    /// board.
    adi::Status put(Node node, const void* from, std::uint64_t bytes, WindowKey window,
                    std::uint64_t window_offset, std::uint64_t token);

    // --- sleep -------------------------------------------------------------------------------

    /// Announces that this process is about to sleep: from now on each arrival, and each end of a
    /// slot, changes *word. Then look once more (extract), then futex_wait(word, value). In
    /// modelled time this already waits until there is something, and the sleep then ends at once.
    adi::FutexWord prepare_park();
    void cancel_park();
    /// Ends the sleep. Any thread.
    void wake() { board_->wake(); }
    /// Spins, then sleeps until something may have happened; for those who have nothing else to
    /// watch. Returns early without a reason at times.
    void wait();

    // --- figures -----------------------------------------------------------------------------

    struct Counters {
        std::uint64_t packets_sent = 0;
        std::uint64_t packets_received = 0;
        std::uint64_t credit_packets_sent = 0;  ///< that had to go by themselves
        std::uint64_t probes_sent = 0;          ///< to peers that gave no credits back
        std::uint64_t bad_packets = 0;          ///< that made no sense
        std::uint64_t puts = 0;
        std::uint64_t put_bytes = 0;
    };
    const Counters& counters() const { return counters_; }
    /// Packets that each sender may have on their way to, or in, this endpoint's ring.
    std::uint32_t credits() const { return credits_; }
    const PinCache& pin_cache() const { return pins_; }

  private:
    struct Put {
        Node node;
        const std::byte* from;
        std::uint64_t bytes;
        std::uint64_t issued;  ///< bytes handed to slots
        WindowKey window;
        std::uint64_t window_offset;
        std::uint64_t token;
        std::uint32_t slots;  ///< slots that carry parts of it now
        bool waiting;         ///< counted in waiting_puts
        adi::Status status;
    };
    struct Slot {  ///< what a slot of ours carries, apart from packets
        Put* put = nullptr;
        PinCache::Entry* pin = nullptr;
    };
    struct Window {
        PinCache::Entry* pin = nullptr;  ///< null: free
        WindowKey key = 0;
        std::uint64_t pages = 0;
    };
    struct Loss {
        Node node;
        adi::Status why;
        const char* what;
    };

    bool something_new();

    // endpoint_hot.hpp
    bool ready(const Peer& peer) const;
    std::byte* room(bool staged) const;
    void open(OutMessage& message, Peer& peer, std::uint32_t handler);
    void open_slot(OutMessage& message, std::uint32_t room_bytes);
    void took(OutMessage& message, std::uint32_t bytes);
    void publish(OutMessage& message, bool last);
    void hand_over(bool staged, Node node, Peer& peer, std::uint32_t bytes, std::uint32_t first,
                   std::uint32_t second);
    void close(OutMessage& message);
    const std::byte* arrived() const;
    const std::byte* look();
    template <class S>
    int take(S& sink, const std::byte* page, std::uint64_t max_bytes, int max_packets);
    template <class S>
    int extract_any(S& sink, std::uint64_t max_bytes, int max_packets);
    template <class S>
    std::uint32_t on_arrival(S& sink, const std::byte* page);
    template <class S>
    void on_data(S& sink, Node node, std::uint32_t first_word, std::uint32_t second,
                 const std::byte* data, std::uint32_t bytes);
    template <class S>
    void on_part(S& sink, Node node, Words words, const std::byte* data, std::uint32_t bytes);
    template <class S>
    void show(S& sink, Peer& peer, std::uint16_t credits, const Packet& packet);
    bool gave(const Peer& peer, std::uint16_t credits) const;
    void take_back(Peer& peer, std::uint16_t credits);
    void retire(std::uint32_t done);

    // endpoint_send.cpp: try_…() in all cases, and what it takes
    adi::Status make_way(Peer& peer);
    adi::Status send_any(Node node, std::uint32_t handler, const void* head,
                         std::uint32_t head_bytes, const adi::Buffer& payload, std::uint64_t offset,
                         std::uint32_t bytes);
    adi::Status begin_any(OutMessage& message, Node node, std::uint64_t length,
                          std::uint32_t handler, bool whole);
    std::uint64_t piece_any(OutMessage& message, const adi::Buffer& source, std::uint64_t offset,
                            std::uint64_t bytes);
    adi::Status end_any(OutMessage& message);
    void launch_timed(fm_slot& slot, bool staged, std::uint32_t bytes);
    bool take_credit(OutMessage& message);
    void give_credit_back(OutMessage& message);
    bool has_slot();
    void retire_puts(std::uint32_t done);
    bool acquire(OutMessage& message);
    void flush_open();
    bool secure_rest(OutMessage& message);
    bool send_credits(Node node);
    void starve(Peer& peer);
    void probe_starved();
    bool send_probe(Node node);

    // endpoint_receive.cpp
    void free_ring();
    std::uint32_t on_other(const fm_wire& wire);
    void on_fault(Node node, const char* what);
    void on_event(const fm_wire& wire);
    const char* check(Words words, const Peer& peer, std::uint32_t bytes) const;
    void pay_credits();
    void owe(Node node);
    void lose(Node node, adi::Status why, const char* what);
    void report_losses(Sink& sink);
    bool attend(Sink& sink);
    int find_nothing(Sink& sink);
    void look_for_death();
    void look_for_death_at_times();

    // endpoint_put.cpp
    void issue_puts();
    bool issue_part(Put& put);
    void end_slot(Slot& slot);
    std::size_t end_puts();
    void settle_puts();
    void fail_puts(Node node, adi::Status why);
    int report_puts(Sink& sink, std::size_t count);

    std::unique_ptr<Board> board_;
    fm_endpoint* sram_;
    Clock* clock_;
    Node self_;
    Node nodes_;
    Strategy strategy_;
    std::uint64_t staged_from_;  ///< messages so long, and longer ones, go by staging pages
    std::uint64_t short_below_;  ///< shorter ones are one packet of stores
    std::uint32_t pio_bytes_;
    std::uint32_t patience_;
    std::int64_t probe_ns_;
    std::uint32_t ring_mask_;
    std::uint32_t ring_shift_;
    std::uint32_t ring_lag_;  ///< slots of the ring that the board may not be told of yet
    std::uint32_t credits_;
    std::uint32_t credit_debt_;  ///< so many packets consumed and not told of: tell now
    std::vector<Peer> peers_;
    PinCache pins_;
    Counters counters_;

    std::uint32_t next_slot_ = 0;  ///< number of the next slot to hand over
    std::uint32_t done_slot_ = 0;  ///< slots completed, as known
    OutMessage* open_ = nullptr;   ///< whose bytes lie in slot next_slot_
    std::array<Slot, FM_SEND_SLOTS> slots_{};

    std::uint32_t next_ring_ = 0;   ///< number of the next packet
    std::uint32_t freed_ring_ = 0;  ///< as the board was told last
    std::vector<Node> owing_;       ///< peers to send a credit packet to
    std::vector<Loss> losses_;      ///< not yet reported
    bool attention_ = false;        ///< one of these two has something, or stop_
    bool extracting_ = false;
    bool stop_ = false;
    bool starving_ = false;         ///< some peer is starved
    std::int64_t probed_ns_ = 0;    ///< when all that were had been asked
    Node probe_next_ = 0;           ///< who is looked at next; others, when there was no slot
    std::uint32_t idle_turns_ = 0;  ///< looks that found nothing
    std::uint32_t idle_waits_ = 0;  ///< wait() in a row

    std::array<Window, FM_WINDOWS> windows_{};
    std::uint32_t window_serial_ = 0;
    std::uint64_t window_pages_ = 0;  ///< that windows hold, at most
    std::list<Put> puts_;             ///< not all issued, or with slots under way
    std::list<Put> ended_puts_;       ///< to be reported when the ring was seen empty
    std::uint32_t put_slots_ = 0;
    std::uint32_t live_puts_ = 0;  ///< not yet reported
};

}  // namespace dev::fm

#include "devices/fm/endpoint_hot.hpp"
