// The device of plain sockets: whatever two hosts have between them, it works. README.md says how.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "adi/device.hpp"
#include "devices/tcp/in_stream.hpp"
#include "devices/tcp/meeting.hpp"
#include "devices/tcp/out_stream.hpp"

namespace dev::tcp {

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

    void* allocate(std::uint64_t, adi::MemoryKey*) override { return nullptr; }
    void deallocate(void*, const adi::MemoryKey&) override {}
    void* map(adi::Peer, const adi::MemoryKey&) override { return nullptr; }
    void signal(adi::Peer) override {}

    adi::Status get(adi::Peer, std::uint64_t, void*, std::uint64_t) override {
        return adi::Status::unsupported;
    }
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
    struct Connection;
    struct Dial : Watched {
        Dial(Connection& c, const Address& address, const Hello& hello,
             std::chrono::milliseconds timeout)
            : Watched{Kind::attempt}, connection(c), attempt(address, hello, timeout) {}
        Connection& connection;
        Attempt attempt;
    };
    /// The way to a peer, for the whole of its life.
    struct Connection : Watched {
        explicit Connection(adi::Peer p) : Watched{Kind::connection}, peer(p), in(p) {}
        const adi::Peer peer;
        Socket socket;  ///< none: on the way, broken, or not needed
        InStream in;
        OutStream out;
        std::uint64_t told = 0;     ///< of in.received(), in the last frame that was made
        std::uint64_t session = 0;  ///< what both call the connection
        bool established = false;   ///< it was connected once
        bool mine = false;          ///< this side connects when it has to be mended
        bool writes_watched = false;
        bool dead = false;
        Card card;
        std::vector<Address> ways;
        std::size_t next_way = 0;
        std::vector<std::unique_ptr<Dial>> dials;
        Clock::time_point broken_since, next_try;
        Clock::time_point dialed;  ///< the last time
        bool wanted = false;       ///< a socket is, and there is none
        std::string trouble;       ///< the last thing that went wrong
        int error = 0;             ///< its errno, if it had one
    };
    struct Window {
        std::byte* base = nullptr;
        std::uint64_t bytes = 0;
        adi::Peer peer = 0;
        std::uint32_t generation = 0;
    };
    struct Fault {
        adi::Peer peer;
        adi::Status why;
        std::string what;
    };

    // tcp.cpp
    bool listen(const Address& address, std::string* error);
    void watch(int fd, Watched* what, std::uint32_t events);
    std::string_view secret();
    Connection& connection_to(adi::Peer peer);
    bool time_to_look();
    int look(adi::Sink& sink, int budget);
    int read(Connection& c, adi::Sink& sink, int budget);
    int report(adi::Sink& sink);
    void flush(Connection& c);
    void open_frame(Connection& c, FrameKind kind, std::uint64_t bytes);
    void push(Connection& c);
    bool on_acknowledged(adi::Peer peer, std::uint64_t position) override;
    void* window(adi::Peer peer, std::uint64_t key, std::uint32_t bytes) override;

    // ways.cpp: how connections come to be, break, and are mended
    void want(Connection& c);
    void tend();
    void tend(Connection& c, Clock::time_point now);
    void try_next_way(Connection& c);
    void drop_dials(Connection& c);
    void on_way_event(Watched* watched);
    void serve_ways();
    void on_dial(Dial& dial);
    void accept_guests(Listener& listener);
    void on_guest(Visitor& visitor);
    void welcome(Guest& guest);
    void establish(Connection& c, Socket socket, std::uint64_t received, bool mine);
    void on_broken(Connection& c, const std::string& why);
    void give_up(Connection& c, adi::Status why, const std::string& what);
    void say_way(const Connection& c) const;
    void say(const std::string& text) const;
    void arm_timer();

    adi::Capabilities capabilities_;
    adi::OpenInfo info_;
    std::string card_, secret_;
    std::vector<Interface> interfaces_;
    std::chrono::milliseconds timeout_{};
    bool verbose_ = false;

    Socket epoll_, waker_, timer_;
    Watched waker_mark_{Watched::Kind::waker}, timer_mark_{Watched::Kind::timer};
    std::vector<std::unique_ptr<Listener>> listeners_;
    std::vector<std::unique_ptr<Visitor>> visitors_;
    std::vector<std::unique_ptr<Connection>> connections_;  ///< by peer
    std::vector<Connection*> open_;                         ///< those that ever were wanted
    std::vector<std::unique_ptr<Dial>> old_dials_;          ///< epoll may still name them
    std::vector<std::unique_ptr<Visitor>> old_visitors_;    ///< the same
    Connection* hot_ = nullptr;                             ///< the last that something came from
    int sockets_ = 0;                                       ///< connections that have one
    int tending_ = 0;          ///< connections without one that want it
    bool unfinished_ = false;  ///< a connection holds unshown frames
    bool must_look_ = true;
    std::uint32_t looks_ = 0;
    Clock::time_point last_event_, next_look_, next_tend_;

    std::vector<Window> windows_;
    std::vector<std::uint32_t> free_windows_;
    std::deque<Fault> faults_;
    bool puts_done_ = false;  ///< some connection has tokens to be reported
    std::uint64_t strangers_ = 0;
};

}  // namespace dev::tcp
