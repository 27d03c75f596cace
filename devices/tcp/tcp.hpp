// The device of plain sockets: whatever two hosts have between them, it works. README.md says how.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "adi/base/paged.hpp"
#include "adi/device.hpp"
#include "devices/look_pause.hpp"
#include "devices/reports.hpp"
#include "devices/sleep_fds.hpp"
#include "devices/tcp/in_stream.hpp"
#include "devices/tcp/meeting.hpp"
#include "devices/tcp/out_stream.hpp"
#include "devices/tcp/windows.hpp"

namespace dev::tcp {

/// A put is not longer: memory is opened to a peer in windows of this size.
inline constexpr std::uint64_t kMostPutBytes = std::uint64_t{4} << 20;

class Tcp final : public adi::Device, private InStream::Owner {
  public:
    Tcp() = default;
    ~Tcp() override { close(); }

    const char* name() const override { return "tcp"; }
    const adi::Capabilities& capabilities() const override { return capabilities_; }

    adi::Result<bool> probe(const adi::OpenInfo& info) override;
    adi::Status open(const adi::OpenInfo& info, std::string* error) override;
    std::string address() const override { return card_; }
    bool reaches(adi::Peer peer) const override { return peer != info_.self; }
    adi::Status connect(adi::Peer peer, std::string* error) override;
    void disconnect(adi::Peer peer) override;
    adi::Status quiesce(std::chrono::steady_clock::time_point deadline) override;
    void close() override;

    int poll(adi::Sink& sink, int budget) override;
    adi::Park prepare_park(bool by_fd) override;
    void cancel_park() override;
    void wake() override;

    adi::Status send_short(adi::Peer peer, const adi::Header& header,
                           const adi::Buffer& payload) override;
    adi::Status begin(adi::SendStream& stream, adi::Peer peer, const adi::Header& header) override;
    std::uint64_t send_piece(adi::SendStream& stream, const adi::Buffer& source,
                             std::uint64_t offset, std::uint64_t bytes) override;
    adi::Status end(adi::SendStream& stream) override;

    adi::Status receive(adi::ReceiveStream& stream, const adi::Buffer& target, std::uint64_t offset,
                        std::uint32_t accept) override {
        return InStream::of(stream).receive(target, offset, accept);
    }
    void discard(adi::ReceiveStream& stream) override { InStream::of(stream).discard(); }

    adi::Status reg(void* address, std::uint64_t bytes, adi::Peer peer,
                    adi::MemoryKey* key) override;
    void dereg(const adi::MemoryKey& key) override;
    adi::Status put(adi::Peer peer, const void* address, std::uint64_t bytes,
                    const adi::MemoryKey& key, void* token) override;

    /// Connections that were made to this process and were no peer's.
    std::uint64_t strangers() const { return strangers_; }
    /// For tests: breaks the way to a peer, as a network may.
    void break_connection(adi::Peer peer);

  private:
    /// What epoll hands back.
    struct Watched {
        enum class Kind { listener, guest, attempt, connection, waker, timer } kind;
    };
    struct Listener : Watched {
        Socket socket;
        Address address;
    };
    struct Visitor : Watched {
        explicit Visitor(int fd) : Watched{Kind::guest}, guest(fd) {}
        Guest guest;
    };
    /// An address of a peer, and what came of the last attempt to connect to it.
    struct Way {
        Address address;
        std::string trouble;
        bool refused = false;
    };
    struct Connection;
    struct Dial : Watched {
        Dial(Connection& c, std::size_t w, const Address& address, const Hello& hello,
             std::chrono::milliseconds timeout)
            : Watched{Kind::attempt}, connection(c), way(w), attempt(address, hello, timeout) {}
        Connection& connection;
        const std::size_t way;  ///< which of the peer's
        Clock::time_point since = Clock::now();
        Attempt attempt;
    };
    /// The way to a peer, for the whole of its life.
    struct Connection : Watched {
        Connection(adi::Peer p, ReadBuffers& buffers)
            : Watched{Kind::connection}, peer(p), in(p, buffers) {}
        const adi::Peer peer;
        Socket socket;  ///< none: on the way, broken, or not needed
        InStream in;
        OutStream out;
        std::uint64_t told = 0;     ///< of in.received(), in the last frame that was made
        bool owes_ack = false;      ///< the peer waits for one, or it is time
        std::uint64_t process = 0;  ///< which one the peer is; 0: they have not met yet
        bool mine = false;          ///< this side connects when it has to be mended
        bool watched = false;       ///< by epoll; always, but for the hot one
        bool writes_watched = false;
        bool held = false;  ///< in held_
        bool dead = false;
        bool wanted = false;   ///< a socket is, and there is none
        bool invited = false;  ///< the peer was asked to connect, too
        std::string host = "unknown";
        std::vector<Way> ways;
        std::size_t next_way = 0;
        std::size_t met = ~std::size_t{0};  ///< the way that led to the peer the last time
        std::vector<std::unique_ptr<Dial>> dials;
        Clock::time_point next_try;
        Clock::time_point dialed;  ///< the last time
        Clock::duration sought{};  ///< time with nothing at the other end
        std::string trouble;       ///< how the last socket ended
    };

    // life.cpp
    bool listen_on_all(std::string* error);
    bool listen(const Address& address, std::pair<int, int> ports, std::string* error);
    void watch(int fd, Watched* what, std::uint32_t events);
    void watch(Connection& c);
    void drop(Socket socket);
    Connection& connection_to(adi::Peer peer);
    void say(const std::string& text) const;
    void say_way(const Connection& c) const;

    // tcp.cpp
    int look(adi::Sink& sink, int budget);
    int read(Connection& c, adi::Sink& sink, int budget);
    void hit(Connection& c);
    void flush(Connection& c);
    bool open_frame(Connection& c, FrameKind kind, std::uint64_t bytes);
    void acknowledge(Connection& c);
    void take_done_puts(Connection& c);
    void push(Connection& c);
    void hold(Connection& c);
    void flush_held();
    bool on_acknowledged(adi::Peer peer, std::uint64_t position) override;
    void* window(adi::Peer peer, std::uint64_t key, std::uint32_t bytes) override;

    // ways.cpp: how connections come to be, break, and are mended
    std::string_view secret();
    void want(Connection& c);
    void tend();
    void tend(Connection& c, Clock::time_point now, Clock::duration step);
    void try_next_way(Connection& c);
    void drop_dial(Dial& dial);
    void drop_dials(Connection& c, const Dial* but = nullptr);
    void on_way_event(Watched* watched);
    void serve_ways();
    void on_dial(Dial& dial);
    void on_answer(Dial& dial);
    void accept_guests(Listener& listener);
    void on_guest(Visitor& visitor);
    void drop_guest(Visitor& visitor);
    void drop_guests_of(adi::Peer peer);
    void welcome(Guest& guest);
    void establish(Connection& c, Socket socket, std::uint64_t received, bool mine);
    void on_broken(Connection& c, const std::string& why);
    void give_up(Connection& c, adi::Status why, const std::string& what);
    std::string what_was_tried(const Connection& c) const;
    void arm_timer();

    adi::Capabilities capabilities_;
    adi::OpenInfo info_;
    std::string card_, secret_;
    std::uint64_t process_ = 0;  ///< this one's number
    std::vector<Interface> interfaces_;
    std::chrono::milliseconds timeout_{};

    SleepFds fds_;
    Watched waker_mark_{Watched::Kind::waker}, timer_mark_{Watched::Kind::timer};
    std::vector<std::unique_ptr<Listener>> listeners_;
    std::vector<std::unique_ptr<Visitor>> visitors_;
    ReadBuffers buffers_;
    adi::Paged<std::unique_ptr<Connection>> connections_;  ///< by peer
    std::vector<Connection*> open_;                         ///< those that ever were wanted
    std::vector<Connection*> held_;                         ///< with frames that go together
    std::vector<std::unique_ptr<Dial>> old_dials_;          ///< epoll may still name them
    std::vector<std::unique_ptr<Visitor>> old_visitors_;    ///< the same
    Connection* hot_ = nullptr;                             ///< the last that something came from
    int hits_ = 0;                                          ///< in a row from it
    bool parked_ = false;                                   ///< a thread sleeps, or is about to
    int sockets_ = 0;                                       ///< connections that have one
    int tending_ = 0;          ///< connections without one that want it
    bool unfinished_ = false;  ///< a connection holds unshown frames
    bool moved_ = false;       ///< bytes were, in this look
    bool holds_ = false;       ///< what is sent goes at the end of this look
    bool timer_armed_ = false;
    bool short_of_descriptors_ = false;  ///< and has been said so
    LookPause pause_;
    std::uint32_t looks_ = 0;
    Clock::time_point last_tend_, next_tend_;

    Windows windows_;
    Reports reports_;
    std::uint64_t strangers_ = 0;
};

}  // namespace dev::tcp
