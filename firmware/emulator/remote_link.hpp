// A link between the fabrics of two emulators, over TCP. A thread of its own has the sockets; the
// emulator's thread puts frames in and takes them out. The connecting side tries until it succeeds,
// again after each loss; the listening side drops who does not know the secret, and takes the
// newest who does.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "adi/base/status.hpp"
#include "firmware/emulator/remote_session.hpp"

namespace emulator {

/// What poll() of the network finds: frames, and that a session began or ended.
struct RemoteEvent {
    enum class Type : std::uint8_t { up, down, frame };
    Type type = Type::frame;
    std::uint32_t session = 0;  ///< counts from 1; what is sent names it
    RemoteFrame frame;
};

class RemoteLink {
  public:
    struct Options {
        bool listens = false;
        std::string host;
        std::uint16_t port = 0;
        std::string secret;
        std::function<void()> wake;  ///< called by the thread when take() or room() has news
    };
    /// So many bytes may wait to be written before room() says no.
    static constexpr std::size_t kBacklog = 256U << 10;

    /// Listens at once, so that an address that is taken is an error here; connects later.
    static adi::Result<std::unique_ptr<RemoteLink>> open(Options options);
    ~RemoteLink();
    RemoteLink(const RemoteLink&) = delete;
    RemoteLink& operator=(const RemoteLink&) = delete;

    // The emulator's thread.
    /// Cheap: may take() have something?
    bool news() const { return news_.load(std::memory_order_acquire); }
    bool take(RemoteEvent* event);
    /// Is lost when that session is over.
    void send(std::uint32_t session, RemoteFrame frame);
    bool room() const {
        return queued_.load(std::memory_order_relaxed) +
                   unwritten_.load(std::memory_order_relaxed) <
               kBacklog;
    }
    /// Ends the session: the other side broke the rules.
    void drop(std::uint32_t session);

    std::uint16_t port() const { return port_; }
    std::uint64_t strangers() const { return strangers_.load(std::memory_order_relaxed); }
    std::uint64_t bad_frames() const { return bad_frames_.load(std::memory_order_relaxed); }

  private:
    struct Peer;

    explicit RemoteLink(Options options);
    adi::Result<bool> listen();
    void run();
    void wait();
    void connect();
    void accept();
    void add_candidate(int fd, bool connecting);
    bool read(Peer& peer);
    bool write(Peer& peer);
    void look_at_candidates();
    void look_at_session();
    void take_outgoing();
    void promote(std::unique_ptr<Peer> peer);
    void close_session();
    void post(RemoteEvent event);
    void ring();

    Options options_;
    std::uint16_t port_ = 0;
    int listener_ = -1;
    int bell_ = -1;  // eventfd: the emulator's thread wants something

    std::mutex mutex_;  // over the next two
    std::deque<RemoteEvent> incoming_;
    std::deque<std::pair<std::uint32_t, RemoteFrame>> outgoing_;
    std::atomic<bool> news_ = false;  // release by the thread, pairs with news()
    std::atomic<bool> end_ = false;
    std::atomic<std::uint32_t> dropped_ = 0;  // session to end
    std::atomic<std::size_t> queued_ = 0;     // bytes in outgoing_
    std::atomic<std::size_t> unwritten_ = 0;  // bytes that the session has still to write
    std::atomic<std::uint64_t> strangers_ = 0;
    std::atomic<std::uint64_t> bad_frames_ = 0;

    // The thread's.
    std::unique_ptr<Peer> session_;
    std::uint32_t number_ = 0;                       // of the session
    std::vector<std::unique_ptr<Peer>> candidates_;  // have still to prove themselves
    std::int64_t retry_ms_ = 0;                      // when to connect next
    std::thread thread_;
};

}  // namespace emulator
