// The LANai control program: what the board's processor does from the reset on. One loop, turn(),
// looks at the interrupt status, the driver's command and the next slot of each open endpoint in
// turn. Nothing in it waits for one thing: an engine that is busy is looked at again in the next
// turn. So no board stops receiving while its own packet is held up in the network. With one
// endpoint open and nothing to do, alone() looks at the same, with everything at hand.
//
// Paths. A packet that fits its slot goes the *fast path* when its channel is clean
// (Channel::skip): poll_slot() sends the channel's header and then the slot's bytes. Everything
// else (pages, puts, packets sent again, packets to this very board) becomes a *job*: a buffer of
// SRAM that is filled and waits for the wire, in order. Data that comes in order goes from
// receive() to host memory at once; everything else is process()'s.
//
// All members are zero at first; start() does the rest.
#pragma once

#include "firmware/board/state.hpp"
#include "firmware/protocol/check.hpp"
#include "firmware/protocol/mapper.hpp"

namespace firmware {

#ifdef __lanai__
namespace {  // nobody else's: so the compiler knows that there is one, and where its members are
#endif
class ControlProgram {
  public:
    /// Once, after the reset; the driver has written `board`, `flags` and the times of the board's
    /// page, and the routes, unless they are to be found.
    void start();
    /// One turn; `e` is the endpoint to be looked at, at first first_endpoint(). Answers the one to
    /// be given next time.
    FM_INLINE Endpoint* turn(Endpoint* e);
    static Endpoint* first_endpoint() { return endpoint(0); }

  private:
    /// A packet on its way to the wire.
    struct Job {
        fm_wire* wire;
        Channel* channel;
        Peer* peer;
        uint8_t ready;  ///< filled
        uint8_t local;  ///< to this board: in a receive buffer
    };
    /// The put that fetch_put() makes packets of.
    struct Put {
        uint32_t id;  ///< of its channel; kNobody: there is none
        Channel* channel;
        Peer* peer;
        uint32_t type, key, source;  ///< of the wire header, sequence number 0
        uint32_t what;               ///< of its transfers, job 0
        uint32_t sequence;      ///< of its next packet: not this, and the cursor has been moved
        uint32_t left;          ///< bytes of that packet and those behind it
        const uint32_t* entry;  ///< of its page
        uint32_t offset;        ///< in the page
        uint32_t chunk;
        uint32_t window, at;
    };
    struct DmaOp {
        uint32_t bus, sram, bytes;
        uint32_t what;  ///< kDma* | endpoint << 24 | address of the packet, or number of the job
    };
    enum : uint32_t {
        kDmaRing = 0U << 28,     ///< a packet to a receive ring: its last transfer
        kDmaPart = 1U << 28,     ///< of a deposit, more follows
        kDmaDeposit = 2U << 28,  ///< the last of a deposit
        kDmaEvent = 3U << 28,
        kDmaFetch = 8U << 28,  ///< from the host; the top bit is the direction
        kDmaKind = 15U << 28
    };
    /// What look() has to know of the endpoint: its next page's footer, what is written there, key.
    struct Place {
        uint32_t foot, lap, done, key;
    };
    /// A packet that has come, as receive() sees it.
    struct Arrival {
        Endpoint* e;
        Channel* c;
        uint32_t from, end;   ///< header; behind the payload
        uint32_t bus, total;  ///< its transfer, with the footer
        uint32_t length, source;
        uint32_t done;   ///< slots, for the footer
        uint32_t lap;    ///< the same
        uint32_t wrong;  ///< 0: the next packet of data of its channel, and there is room
    };
    /// A short packet without a sequence number.
    struct Control {
        uint32_t type, key, source, length, reason;
        uint32_t board;
    };
    /// A ring of channel ids; each at most once, by a flag in Peer, so it is never full.
    struct Ring {
        uint16_t entries[FM_ENDPOINTS * FM_MAX_NODES];
        uint32_t head, tail;
        void push(uint32_t id) {
            entries[tail & (FM_ENDPOINTS * FM_MAX_NODES - 1)] = static_cast<uint16_t>(id);
            ++tail;
        }
        uint32_t first() const { return entries[head & (FM_ENDPOINTS * FM_MAX_NODES - 1)]; }
        uint32_t pop() { return entries[head++ & (FM_ENDPOINTS * FM_MAX_NODES - 1)]; }
        uint32_t size() const { return tail - head; }
    };

    /// Transfers are queued; the packet that is coming is longer than any and will be dropped.
    enum : uint32_t { kStopDma = 1, kStopLong = 2, kStopFlags = 3 };

    static constexpr uint32_t kCommanded = ISR_LAN_SIG(FM_COMMAND_SIGNAL);
    static constexpr uint32_t kSignals = 0xffff0000 & ~ISR_HOST_SIG;  ///< that one is never read
    static constexpr uint32_t kDmaOps = 16;  ///< two for each receive buffer, jobs, the event
    static constexpr uint32_t kControls = 16;
    static constexpr uint32_t kSoon = 1024;  ///< bytes of a transfer that is worth waiting for
    static constexpr uint32_t kVerySoon = 600;
    static constexpr uint32_t kAwait = 40;  ///< looks at the DMA engine, as long as kVerySoon lasts
    static constexpr uint32_t kNobody = 0x10000;  ///< no node
    static constexpr uint32_t kPutWindow = 32;    ///< packets of a channel's jobs in flight
    /// Slots in flight at which their oldest is asked for: more than a stream has, whose receiver
    /// acknowledges each 16 packets.
    static constexpr uint32_t kCrowded = 24;
    static constexpr uint32_t kOutstanding = 0x4000;  ///< sequence numbers given away at a time
    static constexpr uint32_t kSuspicious =
        4;  // checks without progress until routes are looked at
    static constexpr uint32_t kEagerChecks = 16;
    static constexpr uint32_t kPatience = 24;  ///< looks at the send engine in the fast path

    fm_board_page* page() { return hw::at<fm_board_page>(FM_SRAM_BOARD); }
    fm_counters* counters() { return hw::at<fm_counters>(FM_SRAM_COUNTERS); }
    FM_INLINE static void count(uint32_t& counter) { counter = fm_be32(fm_be32(counter) + 1); }
    static Endpoint* endpoint(uint32_t index) { return hw::at<Endpoint>(kEndpoints) + index; }
    /// The same by a load; after start() has begun.
    static Endpoint* endpoint_at(uint32_t index) {
        return hw::at<Ref<Endpoint>>(kEndpointTable)[index];
    }
    static uint32_t id(const Endpoint* e, uint32_t node) { return e->index << 8 | node; }
    static uint32_t board_of(const Channel* c) { return c->rx_source >> 24; }
    static fm_node& scratch(Endpoint* e, uint32_t node) {
        return hw::at<fm_node>(FM_SRAM_NODES)[id(e, node)];
    }
    bool room(Endpoint* e);

    // program.cpp: the loop's rarer work
    Endpoint* alone(Endpoint* e);
    void events(uint32_t due);
    void tick();
    void arm_timer();
    void flush_owed();
    void check_progress();
    void give_up(Endpoint* e, uint32_t node);
    void link_reset();
    void interrupt(Endpoint* e);
    void tell(Endpoint* e);
    void tell_all();

    // command.cpp: the driver's
    void command(uint32_t word);
    bool open(Endpoint* e);
    void open_channel(Endpoint* e, uint32_t node);
    bool close(Endpoint* e);
    void link_polled();
    static uint32_t route_skip(const fm_route* route, Channel* c);

    // send.cpp
    FM_INLINE void slot_here(Endpoint*& e, fm_slot* s, uint32_t word, uint32_t isr);
    FM_INLINE bool poll_slot(Endpoint*& e, fm_slot* s, uint32_t word, uint32_t free);
    void take_slot(Endpoint* e);
    void refuse_slot(Endpoint* e);
    bool check_slot(Endpoint* e, const fm_slot* s, uint32_t op, Record* r);
    FM_INLINE void send_slot(Endpoint*& e, fm_slot* s, Channel* c, uint32_t node, uint32_t length,
                             uint32_t skip, uint32_t sequence);
    FM_INLINE void advance_slot(Endpoint*& e, fm_slot* s, uint32_t number, uint32_t key);
    void crowded(Endpoint* e);
    FM_INLINE static void clear_owed(Peer* p);
    FM_INLINE static uint32_t sole_key(const Peer* p, uint32_t next);
    FM_INLINE static Peer* peer(Endpoint* e, const Channel* c);
    FM_INLINE static uint32_t node_of(uint32_t source) {
        return hw::shifted<-24>(hw::shifted<8>(source));
    }
    void complete_slot(Endpoint* e);
    void complete(Endpoint* e, uint32_t node, uint32_t next);
    void activate(Endpoint* e, uint32_t node);
    void add_work(Endpoint* e, uint32_t node);
    static void clean(Channel* c);
    void resend(Endpoint* e, uint32_t node);
    void pump();
    void pump_when_quiet();
    bool engines_due();
    static bool may_send(Endpoint* e, uint32_t node);
    bool make_job(Endpoint* e, uint32_t node);
    bool emit_job(Endpoint* e, uint32_t node, Record* r, uint32_t slot, uint32_t index);
    void fill_inline(Job* job, const fm_slot& s);
    FM_INLINE Job& new_job(Endpoint* e, uint32_t node, fm_wire* local);
    FM_INLINE void fetch(Job* job, uint32_t page, uint32_t offset, uint32_t bytes, uint32_t what);
    FM_INLINE static fm_wire* job_buffer(uint32_t number) {
        return &hw::at<Buffer>(kBuffers)[kReceiveBuffers + number].wire;
    }
    FM_INLINE static bool in_window(const Peer* p) {
        return static_cast<uint16_t>(p->cursor - p->acked) < (p->stall > 2 ? 1U : kPutWindow);
    }
    FM_INLINE void seek_put(Endpoint* e, uint32_t node, const Record& r, uint32_t start);
    bool fetch_put();
    void serve_send();
    void serve_engine();
    bool serve_short();
    FM_INLINE bool start_direct(Job* job);
    FM_INLINE bool nothing_short() const;
    FM_INLINE bool send_free() const;
    bool start_ready(Job* job, uint32_t number);
    void start_job(Job* job);
    void finish_job(bool more);
    bool queue_control(const Control& control);
    void start_control(const Control& control);
    void acknowledge(Endpoint* e, uint32_t node, uint32_t kind, uint32_t reason);
    void acked(Endpoint* e, uint32_t node, uint32_t next);

    // receive.cpp
    FM_INLINE void receive(Endpoint* polled, const Arrival& a);
    FM_INLINE void receive_behind(uint32_t due, uint32_t rmp);
    FM_INLINE static Place place_of(const Endpoint* e);
    FM_INLINE static Endpoint* destination(uint32_t from);
    FM_INLINE static Arrival look(Endpoint* e, const Place& place, uint32_t from, uint32_t rmp);
    FM_INLINE static Arrival look(uint32_t from, uint32_t rmp) {
        Endpoint* e = destination(from);
        return look(e, place_of(e), from, rmp);
    }
    FM_INLINE static void close_packet(const Arrival& a);
    FM_INLINE void transfer(const Arrival& a);
    FM_INLINE void transferred(Endpoint* e, uint32_t wire);
    FM_INLINE bool taken(const Arrival& a, bool answer);
    FM_INLINE bool accept(Endpoint* e, Channel* c, uint32_t source, uint32_t ack, bool answer);
    void owe(Endpoint* e, uint32_t node, uint32_t weight);
    FM_INLINE void arm_receive();
    FM_INLINE static void receive_into(uint32_t wire);
    FM_INLINE void free_receive(uint32_t wire);
    /// The chain of free buffers goes through the word before the header.
    static Be32* next_free(uint32_t wire) { return hw::at<Be32>(wire - 4); }
    void feed();
    void wanted(Endpoint* e);
    fm_wire* take_free();
    void receive_among();
    void receive_other();
    void process_armed(fm_wire* wire, uint32_t end);
    void process(fm_wire* wire, uint32_t end);
    bool process_packet(fm_wire* wire, uint32_t end);
    bool process_open(Endpoint* e, fm_wire* wire, uint32_t kind);
    void answer_closed(Endpoint* e, const fm_wire& wire, uint32_t kind);
    void closed_by_peer(Endpoint* e, uint32_t type, uint32_t source);
    bool in_order(Endpoint* e, uint32_t node, uint32_t source);
    bool to_ring(Endpoint* e, fm_wire* wire, uint32_t what);
    FM_INLINE void advance_ring(Endpoint* e);
    void turn_ring(Endpoint* e);
    static void set_ring(Endpoint* e, uint32_t* entry, uint32_t left);

    // deposit.cpp
    bool take_next(fm_wire* packet, uint32_t end);
    FM_INLINE void take_ack(Endpoint* e, uint32_t node, uint32_t ack);
    bool find_window(Endpoint* e, uint32_t node, uint32_t key);
    FM_INLINE bool take_deposit(Endpoint* e, uint32_t node, const fm_wire* packet, uint32_t bytes);
    void accept_deposit(Endpoint* e, uint32_t node, Channel* c, uint32_t source, uint32_t ack,
                        bool last);
    bool deposit(Endpoint* e, uint32_t node, const fm_wire* wire);

    // mapping.cpp
    void start_mapping();
    uint32_t now_us();
    void map_turn();
    void arm_mapping();
    void map_packet(const fm_wire* packet, uint32_t bytes);
    void map_suspect(uint32_t board);
    void map_again();
    void publish_map();
    void routes_changed();
    static bool send_map_packet(void* context, const uint8_t* route, uint32_t hops,
                                const void* packet, uint32_t bytes);
    bool queue_map_packet(const uint8_t* route, uint32_t hops, const void* packet, uint32_t bytes);
    void start_map_packet();
    static MapPacket* map_packet_at(uint32_t i) {
        return hw::at<MapPacket>(kMapQueue) + i % kMapPackets;
    }

    // dma.cpp
    void queue_waiting();
    void queue_dma(uint32_t bus, uint32_t sram, uint32_t bytes, uint32_t what);
    FM_INLINE void start_dma(const DmaOp& op);
    FM_INLINE DmaOp* behind(DmaOp* op) { return op == dma_ + kDmaOps - 1 ? dma_ : op + 1; }
    FM_INLINE void dma_done();
    void queued_done(uint32_t wire, uint32_t what, bool failed);
    void finish_transfer(uint32_t wire, uint32_t what, bool failed);
    FM_INLINE void next_transfer(uint32_t wire);
    FM_INLINE void next_started(DmaOp* op, uint32_t wire);
    FM_INLINE void await_transfer();
    void await_transfer(DmaOp* next);
    void await_transfer_alone(Endpoint* e);
    FM_INLINE void follow(DmaOp* op, const DmaOp& next);

    /// ISR bits that are work now. DMA: there are transfers; SEND: something waits for the engine;
    /// RECV and BUFF: a buffer is armed.
    uint32_t mask_;
    Endpoint* polled_;  ///< turn()'s, over its calls: the next to be looked at
    uint32_t board_;

    /// Why receive() has to leave a packet to process(): kStop*, or the address of the packet that
    /// it gave to the DMA engine itself, for endpoint `direct_`.
    uint32_t stop_;
    Endpoint* direct_;
    /// A packet that receive() has accepted while its own transfer of another is under way: the
    /// next one. 0: none.
    uint32_t waiting_;
    uint32_t waiting_bus_, waiting_bytes_;
    Endpoint* waiting_endpoint_;
    uint32_t armed_;    ///< the receive engine's buffer; 0: none left
    uint32_t free_;     ///< chain of the others; 0: none
    uint32_t starved_;  ///< somebody waits for one

    DmaOp dma_[kDmaOps];
    DmaOp* dma_next_;               ///< the first that has not been started
    DmaOp* dma_end_;                ///< behind the last
    uint32_t dma_what_;             ///< DmaOp::what of the one under way
    uint32_t dma_head_, dma_tail_;  ///< transfers that have ended, and all; free-running

    Job jobs_[kJobs];
    uint32_t job_head_, job_tail_;
    uint32_t job_sending_;
    uint32_t pump_due_;  ///< channels wait for pump()
    Put put_;
    uint32_t piece_from_,
        piece_last_;  ///< rest of a packet whose header has begun to leave; last 0: none
    Control controls_[kControls];
    uint32_t control_head_, control_tail_;

    Ring work_, owed_, active_;
    uint32_t owed_mark_;  ///< entries of owed_ before it are due at the next tick
    uint32_t timer_on_;
    uint32_t tick_;         ///< ticks of the RTC between looks
    uint32_t check_ticks_;  ///< ticks of the RTC between checks for progress
    uint32_t checked_;      ///< when the last one was
    uint32_t checks_;       ///< how many there were
    uint32_t lazy_;         ///< mask: after kEagerChecks in vain, a channel is looked at only when
                            ///< these bits of checks_ are 0
    uint32_t patience_;     ///< checks without progress until a node is given up
    uint32_t event_busy_;
    uint32_t telling_;  ///< endpoints (bits) that have something to be told
    uint32_t fence_;    ///< a fence waits until dma_head_ is here
    uint32_t fencing_;

    uint32_t map_rtc_, map_us_;  ///< the Mapper's time: what the clock showed, and what that means
    uint32_t map_wants_;         ///< it is due now
    uint32_t map_head_, map_tail_;
    uint32_t map_sending_;  ///< the queue's first is leaving
    Mapper mapper_;
};
#ifdef __lanai__
}  // namespace
#endif

}  // namespace firmware

#include "firmware/board/hot.hpp"
