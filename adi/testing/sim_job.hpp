// SimJob: a job of up to many thousand ranks in one process and one thread, in modelled time.
//
// Each rank is a fiber with a real engine of its own; SimDevice (sim_device.hpp) carries its
// messages. Time is virtual: it moves by messages alone, as LogGP says (Alexandrov, Ionescu,
// Schauser, Scheiman 1995), and what a rank computes in between takes none. Events happen in the
// order of their times, and those of one time in the order in which they were caused: a run gives
// the same times whenever it is repeated.
//
// A message of k bytes takes its sender `overhead`, waits until the sender's link is free,
// occupies the link for gap + (k - 1) byte, is at the other end after `latency`, waits until the
// receiver's link is free, occupies it as long, and takes the receiver another `overhead`. Between
// two ranks of a host the links are the ranks' own; a host has one link to the network, which its
// ranks share. A rank sees what has arrived when it polls; while it is busy nothing is lost.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <queue>
#include <string>
#include <utility>
#include <vector>

#include "adi/base/fiber.hpp"
#include "adi/engine/engine.hpp"

namespace adi::testing {

/// In picoseconds, so that sums are exact.
using SimTime = std::int64_t;

/// What messages cost on one kind of way.
struct LogGP {
    SimTime latency = 0;
    SimTime overhead = 0;
    SimTime gap = 0;
    SimTime byte = 0;
};

/// A cluster of hosts.
struct SimModel {
    LogGP host;     ///< between two ranks of a host
    LogGP network;  ///< between hosts
    std::uint32_t short_bytes = 1024;
    std::uint32_t eager_bytes = 64 * 1024;
    /// Do ranks know who shares their host? Else every rank believes that it has one of its own;
    /// the times stay those of where it is.
    bool hosts_known = true;
};

/// A message under way or arrived; its payload lies behind it.
struct SimMessage {
    SimMessage* next = nullptr;
    SimTime ready = 0;  ///< its last byte is there
    Peer from = 0;
    Peer to = 0;
    Header header;

    static SimMessage* make(Peer from, Peer to, const Header& header);
    static void free(SimMessage* message);
    std::byte* payload() { return reinterpret_cast<std::byte*>(this + 1); }
};

class SimJob {
  public:
    /// Of address space for each rank; memory comes as it is touched.
    static constexpr std::size_t kStackBytes = 128 * 1024;

    /// Host h has the next host_sizes[h] ranks.
    SimJob(const std::vector<Peer>& host_sizes, const SimModel& model);
    ~SimJob();
    SimJob(const SimJob&) = delete;
    SimJob& operator=(const SimJob&) = delete;

    /// Starts the engine of `rank` on the job's devices.
    Status start(Engine& engine, Peer rank, Hooks hooks, std::string* error);

    /// Runs body(rank) for all ranks, from time 0 on, until all have returned. False, with the
    /// reason in why(), when ranks wait for what never comes; the job is of no use then.
    bool run(const std::function<void(Peer)>& body);
    const std::string& why() const { return why_; }
    /// Is called whenever another rank goes on, before it does: to set what a process has once.
    void on_switch(std::function<void(Peer)> hook) { on_switch_ = std::move(hook); }

    Peer size() const { return static_cast<Peer>(ranks_.size()); }
    const SimModel& model() const { return model_; }
    bool same_host(Peer a, Peer b) const { return ranks_[a].host == ranks_[b].host; }
    /// The ranks of this rank's host: [first, first + number).
    std::pair<Peer, Peer> host_of(Peer rank) const;

    /// The rank's clock; when a run is over, when it returned.
    SimTime now(Peer rank) const { return ranks_[rank].clock; }
    /// When the last rank returned.
    SimTime end() const;
    /// Messages sent since the job was made, those of the protocols included.
    std::uint64_t messages() const { return messages_; }

    // --- for the device --------------------------------------------------------------------

    /// Sends a message of its sender's, who is running; takes it over.
    void send(SimMessage* message);
    /// The next message that has arrived by the rank's clock, the receiver's work charged, or null.
    /// The caller frees it.
    SimMessage* receive(Peer rank);
    /// The rank, which is running, has nothing to do: goes on when the next message is there.
    void idle(Peer rank);

  private:
    /// A queue of messages in the order in which they are ready.
    struct Inbox {
        SimMessage* first = nullptr;
        SimMessage* last = nullptr;
        void push(SimMessage* message);
        SimMessage* pop();
    };
    struct Link {
        SimTime out_free = 0;
        SimTime in_free = 0;
    };
    struct Rank {
        SimTime clock = 0;
        Link link;           ///< within the host
        Inbox from_host;     ///< what came by it
        Inbox from_network;  ///< what came by the host's
        Fiber* fiber = nullptr;
        Peer host = 0;
        bool idle = false;
    };
    struct Host {
        Link link;
        Peer first = 0;
        Peer size = 0;
    };
    enum class What : std::uint8_t { wake, inject, arrive };
    struct Event {
        SimTime time;
        std::uint64_t order;
        SimMessage* message;  ///< null: a rank wakes
        Peer rank;
        What what;
        bool operator>(const Event& other) const {
            return time != other.time ? time > other.time : order > other.order;
        }
    };

    bool inside(const SimMessage& m) const { return same_host(m.from, m.to); }
    const LogGP& costs(const SimMessage& m) const {
        return inside(m) ? model_.host : model_.network;
    }
    void add(SimTime time, What what, Peer rank, SimMessage* message);
    void inject(SimTime time, SimMessage* message);
    void arrive(SimTime time, SimMessage* message);
    static Inbox* next_of(Rank& rank);
    void resume(Peer rank);
    void make_fibers();
    void unmake_fibers();
    static void enter(void* argument) noexcept;

    SimModel model_;
    std::vector<Rank> ranks_;
    std::vector<Host> hosts_;
    std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
    std::uint64_t order_ = 0;
    std::uint64_t messages_ = 0;
    std::byte* stacks_ = nullptr;
    std::function<void(Peer)> on_switch_;
    const std::function<void(Peer)>* body_ = nullptr;
    Peer entering_ = 0;  ///< the rank whose fiber starts
    Peer ended_ = 0;     ///< ranks that have returned
    std::string why_;
};

}  // namespace adi::testing
