// The engine: matching, protocols, routes, progress. One per process (tests make several).
//
// Protocols. A message of up to the device's short_bytes goes inline with its header; up to its
// eager_bytes it is streamed at once and buffered by the receiver if unexpected; above that the
// sender announces it (rts) and the receiver either fetches it (get, when the device's capabilities
// say that this is faster), or opens its buffer for the sender's puts (grant, deposit.cpp), or
// answers cts, whereupon the payload is streamed into the user's buffer. On devices that ask for it
// (lead_bytes) the message's beginning goes behind the rts, so that the wire is busy until the
// answer. Synchronous sends complete when matched. In contexts that are the network's to match
// (delegate.cpp) the messages are the same, but for an eager one that has to fit into send_short.
//
// Faults. A peer that is lost (a device found it so, or the launcher's board says it) is told to
// the layer above, which may end the process. If it does not, whatever depends on the peer ends
// with peer_failed (failure.cpp): the engine knows so of sends and of what is in transfer; which
// receives and which collectives depend on whom the layer above says (Hooks::lost).
//
// Threads: all functions but wake() are called by one thread at a time; under
// MPI_THREAD_MULTIPLE the caller's lock sees to that, and waiting lets go of it (Hooks).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "adi/base/fiber.hpp"
#include "adi/base/paged.hpp"
#include "adi/boot/board.hpp"
#include "adi/boot/boot.hpp"
#include "adi/engine/get_chooser.hpp"
#include "adi/engine/landing.hpp"
#include "adi/engine/matcher.hpp"
#include "adi/engine/operations.hpp"
#include "adi/engine/registry.hpp"
#include "adi/engine/route.hpp"
#include "adi/engine/run_queue.hpp"
#include "adi/engine/waiter.hpp"

namespace adi {

/// What a wait is for, as far as the engine is told; for reports.
struct Awaited {
    const Request* request = nullptr;
    const Match* match = nullptr;            ///< a message to be probed
    const std::uint32_t* context = nullptr;  ///< what the processes of a context do together
    int requests = 0;                        ///< one of so many
};

/// What the layer above lends to the engine.
struct Hooks {
    /// A peer broke the rules or died; `text` says what happened. Returns only if `why` is
    /// peer_failed, which is told once of a peer, and the process goes on without it.
    std::function<void(Peer peer, Status why, const std::string& text)> fault;
    /// After a peer was lost: can a receive for `match` not be expected to end any more? Or, when
    /// `sends`, a send of an operation that all processes of the context make together?
    bool (*lost)(const Match& match, bool sends) = nullptr;
    /// A call has waited for long, since `since_ns` of the steady clock; told again now and then;
    /// waited() follows when it ends. Both or none are given.
    void (*waits)(const Awaited& awaited, std::int64_t since_ns) = nullptr;
    void (*waited)() = nullptr;
    /// What the launcher says of lost peers; outlives the engine. May be null.
    Board* board = nullptr;
    /// Let go of, and take again, the lock under which the engine was called; null when the
    /// process has one thread in MPI.
    void (*unlock)() = nullptr;
    void (*lock)() = nullptr;
    /// For tests: puts another device around each one, before it is opened.
    std::function<std::unique_ptr<Device>(std::unique_ptr<Device>)> wrap;
};

/// What probe() finds.
struct Envelope {
    std::int32_t source = 0;
    std::int32_t tag = 0;
    std::uint64_t bytes = 0;
};

class Engine {
  public:
    Engine();
    ~Engine();
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    /// Opens the devices and makes the process reachable. Collective over the job; blocks.
    Status start(Bootstrap& boot, Hooks hooks, std::string* error);
    /// From now on several threads may call: waiting lets go of their lock.
    void share(void (*unlock)(), void (*lock)());
    /// Sends what is still queued; then the engine may be left alone, and be called again later.
    void rest();
    /// After rest(): must processes end together, because some device's peers need this one until
    /// all have what was sent to them?
    bool leaves_together() const;
    /// Sends what is still queued and closes the devices. The caller has seen to it that no
    /// message to or from this process is outstanding.
    void stop();

    Peer self() const { return self_; }
    Peer size() const { return static_cast<Peer>(routes_.size()); }
    /// Does one device carry and match all messages of `peer` and of this process, if their sources
    /// are less than `sources`? All processes find the same of one. Those that it is true of may
    /// use contexts with kNetworkContext among themselves.
    bool network_matches(Peer peer, std::size_t sources) const {
        return network_ != nullptr && sources <= network_->capabilities().match_sources &&
               network_->matches(peer);
    }
    bool oversubscribed() const { return oversubscribed_; }

    // --- point to point --------------------------------------------------------------------

    /// Sends and returns when the buffer is reusable: at once for short messages with room.
    Status send(Peer to, const Match& match, const Buffer& buffer) {
        if (send_short(to, routes_[to], match, buffer)) [[likely]]
            return Status::ok;
        return send_long(to, match, buffer);
    }
    /// Starts a send; `r` must be idle and stays the caller's.
    void isend(Request& r, Peer to, const Match& match, const Buffer& buffer, bool synchronous) {
        if (synchronous || !send_short(to, routes_[to], match, buffer)) [[unlikely]]
            return begin_send(r, to, match, buffer, synchronous);
        r.receive = r.cancelled = false;
        r.status = Status::ok;
        complete(r);
    }
    /// Starts a receive; source and tag in `match` may be wildcards. `from` is the peer that
    /// match.source stands for, and of no meaning for a wildcard.
    void irecv(Request& r, const Match& match, const Buffer& buffer) {
        reset_receive(r, buffer);
        r.match = match;
        if (matcher_.unexpected() > 0 && receive_unexpected(r)) return;
        r.stage = Request::Stage::posted;
        if (lost(match)) [[unlikely]]
            return fail(r);
        if (is_network_context(match.context) && delegate(r)) [[unlikely]]
            return;
        matcher_.post(r);
    }
    /// Is there a message for `match`? Does not wait and does not poll.
    bool probe(const Match& match, Envelope* found);
    /// Takes the message that probe() would find out of the queue, so that nothing else receives
    /// it; null when there is none. It has to be given to mrecv().
    Unexpected* mprobe(const Match& match, Envelope* found);
    /// Starts the receive of a message that mprobe() gave. A synchronous send completes now.
    void mrecv(Request& r, Unexpected& message, const Buffer& buffer);
    /// Can a receive, or a probe, for `match` not be expected to end, as a peer is lost?
    bool lost(const Match& match) const {
        return any_lost_ && hooks_.lost != nullptr && hooks_.lost(match, false);
    }
    /// Tries to cancel. The operation still completes, cancelled or not; wait for it.
    void cancel(Request& r);
    /// Completes a request that was never given to the engine: an operation that the layer above
    /// makes of several, or that its user ends.
    void finish(Request& r, Status status) {
        r.status = status;
        complete(r);
    }

    // --- progress --------------------------------------------------------------------------

    /// Does what can be done now; returns the number of events.
    int poll();
    /// poll() for calls that look and return (MPI_Test, MPI_Iprobe): when nothing came and there
    /// are more processes than CPUs, gives the core to another one.
    int look();
    /// Waits, by spinning, yielding or sleeping, until done() is true, and does not call it again
    /// then: it may have taken something. done() is cheap and may be called often; anything it
    /// looks at changes only by poll() or by a peer that signals.
    template <class Done>
    void wait_until(Done&& done, const Awaited& awaited = {}) {
        wait_until(done, wait_policy_, &awaited);
    }
    /// The same for a thread that nobody waits for: sleeps whenever nothing comes.
    template <class Done>
    void wait_asleep(Done&& done) {
        wait_until(done, {0, 0}, nullptr);
    }
    void wait(Request& r) { wait(std::span(&r, 1)); }
    void wait(std::span<Request> requests) {
        if (fiber_ != nullptr) [[unlikely]]
            return wait_on_fiber(requests);
        for (Request& r : requests) {
            wait_until([&r] { return r.complete(); }, Awaited{.request = &r});
        }
    }
    /// Ends the sleep of threads that wait here. Any thread.
    void wake();

    // --- work that goes on by itself -------------------------------------------------------

    /// Runs `task` in a later poll(), whoever calls that. The task may call the engine, but may
    /// not poll or wait.
    void defer(Task& task) {
        deferred_.push(task);
        if (sleepers_ > 0) [[unlikely]]
            wake();
    }
    /// Runs entry(argument) on a fiber, until it waits for the first time, and in later calls of
    /// poll() to its end; false when there is no memory for its stack. On a fiber, send() and
    /// wait() give the thread back instead of polling; wait_until() is not allowed there. Requests
    /// that a fiber waits for have no on_complete of their own.
    bool spawn(Fiber::Entry entry, void* argument);
    /// On a fiber: gives the thread back; a later poll() goes on.
    void yield_fiber();
    /// The fiber that this is called on; null on a thread's own stack.
    Fiber* fiber() const { return fiber_; }

    // --- memory that peers can load and store ----------------------------------------------

    /// Memory that mappable() peers can map, zeroed; null when there is none.
    void* allocate(std::uint64_t bytes, MemoryKey* key);
    void deallocate(void* memory, const MemoryKey& key);
    /// May `peer` and this process map each other's memory (self included)?
    bool mappable(Peer peer) const;
    void* map(Peer peer, const MemoryKey& key);
    /// After stores that `peer` may wait for.
    void signal(Peer peer);

    const Matcher& matcher() const { return matcher_; }

    /// The process's time in nanoseconds where the job runs in modelled time; else negative.
    std::int64_t clock_ns() { return timed_ != nullptr ? timed_->clock_ns() : -1; }

  private:
    template <class D>
    struct DeviceSink;
    struct FiberWait;
    class LongWait;
    /// A message announced with kLeads, until its lead comes.
    struct Announced {
        Peer peer;
        Header header;
        RtsPayload rts;
    };

    Status open_devices(Bootstrap& boot, std::string* error);
    Status open_device(const DeviceEntry& entry, OpenInfo& info, Bootstrap& boot,
                       std::string* error);
    void find_network();
    SendQueue& queue_of(Route& route, Peer peer);
    bool connect(Route& route, Peer peer);
    void enqueue(Peer to, const Outgoing& item, Route& route);
    void submit(Outgoing& item, Peer to, Route& route);
    void announce(Request& r, Peer to, Route& route, const Capabilities& can);
    void end_lead(const Request& r);
    void send_control(Peer to, const Header& header, const void* payload);
    bool send_short(Peer to, const Route& route, const Match& match, const Buffer& buffer);
    Status send_long(Peer to, const Match& match, const Buffer& buffer);
    void begin_send(Request& r, Peer to, const Match& match, const Buffer& buffer,
                    bool synchronous);
    bool push(Outgoing& item, Peer to, const Route& route);
    bool push_payload(Outgoing& item, Peer to, const Route& route);
    bool push_put(Outgoing& item, Peer to, const Route& route);
    int flush();
    bool flush_queue(SendQueue& queue);

    template <class D>
    void on_header(D& device, ReceiveStream& stream);
    template <class D>
    void on_control(D& device, ReceiveStream& stream);
    template <class D>
    void on_eager(D& device, ReceiveStream& stream, Request* r);
    template <class D>
    void on_rts(D& device, ReceiveStream& stream);
    template <class D>
    void on_lead(D& device, ReceiveStream& stream);
    template <class D>
    void on_data(D& device, ReceiveStream& stream);
    template <class D>
    bool read_control(D& device, ReceiveStream& stream, void* payload, std::uint32_t bytes);
    template <class D>
    void buffer_unexpected(D& device, ReceiveStream& stream, const Header& header,
                           const RtsPayload& rts);
    void on_received(ReceiveStream& stream);
    void on_cts(Peer peer, const Header& header, const CtsPayload& cts);
    void on_cancel(Peer peer, const Header& header);
    void on_settled(Peer peer, const Header& header);
    void on_grant(Peer peer, const Header& header, const GrantPayload& grant);
    void on_put_done(Peer peer, const Header& header, const PutDonePayload& done);
    void on_put(void* token, Status status);

    // delegate.cpp
    bool delegate(Request& r);
    template <class D>
    void on_matched(D& device, ReceiveStream& stream, Request& r);
    void on_retracted(Request& r);
    void watch_for(const Match& match) {
        if (is_network_context(match.context)) [[unlikely]]
            network_->watch();
    }
    /// Messages to oneself, too, are matched by the network.
    Route& route_of(Peer to, const Match& match) {
        return to == self_ && is_network_context(match.context) ? loop_ : routes_.at(to);
    }

    static void reset_receive(Request& r, const Buffer& buffer) {
        r.receive = true;
        r.buffer = buffer;
        r.moved_bytes = r.received_bytes = 0;
        r.lead_bytes = 0;
        r.cancelled = r.cancel_pending = false;
        r.timed = false;
        r.landing = nullptr;
        r.status = Status::ok;
    }
    bool receive_unexpected(Request& r);
    static void begin_receive(Request& r, Peer peer, const Header& header, std::uint64_t total);
    std::vector<Announced>::iterator find_announced(Peer peer);
    static std::uint32_t lead_of(const Request& r, const Header& header);
    void consume(Request& r, Unexpected& message);
    void finish_unexpected(Request& r, Unexpected& message);
    void rendezvous(Request& r, const Header& header, std::uint64_t address);
    bool fetch(Request& r, const Route& route, const Header& header, std::uint64_t address);
    bool deposit(Request& r, const Route& route, const Header& header, std::uint64_t address);
    bool grant(Request& r);
    void ask_for_rest(Request& r);
    void send_cts(const Request& r, std::uint32_t sender_cookie);
    void close_landing(Request& r);
    void settle_part(Request& r);
    void data_arrived(Request& r, std::uint64_t bytes);
    void answer(Peer to, MessageKind kind, std::uint32_t cookie, std::uint8_t flags = 0);
    void complete(Request& r) {
        if (r.cookie != 0) operations_.release(r);
        r.stage = Request::Stage::complete;
        if (sleepers_ > 0) [[unlikely]]
            wake();
        if (r.on_complete != nullptr) r.on_complete(r);
    }
    void fault(Peer peer, Status why, const std::string& what);
    /// Has the launcher's board something that this process does not know of?
    bool news() const {
        return lost_count_->load(std::memory_order_acquire) != lost_seen_ ||
               invited_count_->load(std::memory_order_acquire) != invited_seen_;
    }
    void take_news();
    void take_invitations();
    void fail_lost();
    void fail_peer(Peer peer);
    void fail_queue(SendQueue& queue);
    void fail_stream(ReceiveStream& stream);
    void fail_receives();
    void fail_sends();
    void fail(Request& r);
    /// receive() answered `again`.
    void open_stream(ReceiveStream& stream) { open_streams_.push_back(&stream); }
    void close_stream(const ReceiveStream& stream) { std::erase(open_streams_, &stream); }

    Unexpected* new_unexpected(Peer peer, const Header& header);
    void recycle(Unexpected* message);

    template <class Done>
    void wait_until(Done& done, const Waiter::Policy& policy, const Awaited* awaited);
    void resume(Fiber& fiber);
    void wait_on_fiber(std::span<Request> requests);

    void say_devices() const;
    Parks sleep_begin();
    void sleep_end();

    Peer self_ = 0;
    bool oversubscribed_ = false;
    Paged<Route> routes_;  ///< by peer; those of peers without a message are nowhere
    Devices devices_;
    /// The device that memory is shared by: shm where it is open, else self.
    Device* sharing_ = nullptr;
    bool parks_on_fd_ = false;          ///< some device sleeps on a descriptor
    std::string missing_;               ///< devices that cannot run here, and why
    Device* timed_ = nullptr;           ///< the device whose clock rules, in modelled time
    std::vector<Device*> others_;       ///< neither self nor shm: polled by an indirect call
    std::vector<GetChooser> choosers_;  ///< one per device
    Matcher matcher_;
    Device* network_ = nullptr;                                ///< the device that matches, if any
    Route loop_;                                               ///< to this process, by it
    List<Request, &Request::next, &Request::prev> delegated_;  ///< posted to it, in order
    bool spilled_ = false;              ///< receives that it had no room for may be in matcher_
    std::vector<Announced> announced_;  ///< one of a peer at most
    std::array<std::byte, kMostControlBytes> control_;  ///< what read_control() receives into
    Operations operations_;
    std::vector<std::unique_ptr<SendQueue>> queues_;
    std::vector<SendQueue*> busy_;   ///< queues that hold something
    std::vector<SendQueue*> spare_;  ///< queues that no route uses now
    std::uint64_t sent_ = 0;  ///< counts items and pieces that devices took, to tell progress
    Unexpected* free_unexpected_ = nullptr;
    std::vector<std::unique_ptr<Landing>> landings_;
    Landing* spare_landings_ = nullptr;
    RunQueue deferred_;
    struct FailTask : Task {
        Engine* engine = nullptr;
    };
    FailTask fail_task_;         ///< fail_lost() is due
    std::vector<Peer> to_fail_;  ///< lost peers whose requests have not ended yet
    bool any_lost_ = false;
    std::uint32_t lost_seen_ = 0;
    const std::atomic<std::uint32_t>* lost_count_ = &kNone;
    std::uint32_t invited_seen_ = 0;
    const std::atomic<std::uint32_t>* invited_count_ = &kNone;
    static constexpr std::atomic<std::uint32_t> kNone{0};
    std::vector<ReceiveStream*> open_streams_;  ///< that are shown and not whole
    FiberPool fibers_;
    Fiber* fiber_ = nullptr;  ///< runs now
    Waiter::Policy wait_policy_;
    Crowd crowd_;
    Hooks hooks_;
    int sleepers_ = 0;  ///< threads in wait_until that sleep or are about to
};

/// A short message that nothing waits before, straight to the device; false when that has no room.
inline bool Engine::send_short(Peer to, const Route& route, const Match& match,
                               const Buffer& buffer) {
    if (buffer.bytes >= route.short_limit || route.queue != nullptr) [[unlikely]]
        return false;
    // The header is made in the call, so that shm stores its fields where they are read.
    const Status s = devices_.call(route, [&](auto& device) {
        return device.send_short(to, header_of(match, MessageKind::eager, buffer.bytes), buffer);
    });
    if (s != Status::ok) [[unlikely]]
        return false;
    // Another thread may sleep until this very message comes.
    if (sleepers_ > 0 && to == self_) [[unlikely]]
        wake();
    return true;
}

/// A receive has its message: notes what the status will say.
inline void Engine::begin_receive(Request& r, Peer peer, const Header& header,
                                  std::uint64_t total) {
    r.peer = peer;
    r.source = header.source;
    r.tag = header.tag;
    r.total_bytes = total;
    r.accept_bytes = total;
    r.stage = Request::Stage::transfer;
    if (total > r.buffer.bytes) [[unlikely]] {
        r.accept_bytes = r.buffer.bytes;
        r.status = Status::truncated;
    }
}

/// Tells the layer above of a wait that takes long. On the stack of wait_until().
class Engine::LongWait {
  public:
    LongWait(const Hooks& hooks, const Awaited* awaited)
        : hooks_(hooks), awaited_(hooks.waits != nullptr ? awaited : nullptr) {}
    ~LongWait() {
        if (told_) [[unlikely]]
            hooks_.waited();
    }
    LongWait(const LongWait&) = delete;
    LongWait& operator=(const LongWait&) = delete;

    bool tells() const { return awaited_ != nullptr; }
    /// About to sleep: tells when that is not the first sleep, nor right behind the last telling.
    void sleeps() {
        if (awaited_ == nullptr) return;
        const std::int64_t now = Waiter::now_ns();
        if (since_ns_ == 0) since_ns_ = last_ns_ = now;
        if (now - last_ns_ < Waiter::kLongestMs * std::int64_t{1'000'000}) return;
        last_ns_ = now;
        told_ = true;
        hooks_.waits(*awaited_, since_ns_);
    }

  private:
    const Hooks& hooks_;
    const Awaited* awaited_;
    std::int64_t since_ns_ = 0;
    std::int64_t last_ns_ = 0;
    bool told_ = false;
};

template <class Done>
void Engine::wait_until(Done& done, const Waiter::Policy& policy, const Awaited* awaited) {
    if (done()) return;
    if (fiber_ != nullptr) [[unlikely]]
        return fault(self_, Status::bad_argument, "wait_until() was called on a fiber");
    Waiter waiter(policy, crowd_);
    LongWait long_wait(hooks_, awaited);
    for (;;) {
        const int events = poll();
        if (done()) return;
        if (events > 0) {
            waiter.progressed();
        } else if (news()) [[unlikely]] {
            take_news();
        } else if (timed_ != nullptr) {
            // Other threads may be what this one waits for: with them it only looks again.
            if (hooks_.unlock == nullptr) timed_->idle();
        } else if (!waiter.spin(hooks_.unlock, hooks_.lock)) {
            long_wait.sleeps();
            const Parks parks = sleep_begin();
            // Announced; one more look, since what came before the announcement woke nobody.
            // While this thread was without the lock, another one may have received what this one
            // waits for.
            const int last_events = poll();
            const bool over = done();
            if (last_events == 0 && !over) {
                Waiter::sleep(parks, long_wait.tells() || hooks_.board != nullptr, hooks_.unlock,
                              hooks_.lock);
            }
            sleep_end();
            waiter.progressed();
            if (over || done()) return;
        }
        if (hooks_.unlock != nullptr) Waiter::give_way(hooks_.unlock, hooks_.lock);
    }
}

}  // namespace adi
