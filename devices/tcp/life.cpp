// Opening and closing, and what is asked of the system for that.
#include <sys/epoll.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "adi/base/config.hpp"
#include "adi/base/host.hpp"
#include "devices/tcp/greeting.hpp"
#include "devices/tcp/tcp.hpp"

namespace dev::tcp {

using adi::Status;

namespace {

/// Above this the receiver is asked first. What is shorter is copied once more, into the ring.
constexpr std::uint32_t kEagerBytes = 64 * 1024;

/// Ports to listen on; {0, 0}: any.
adi::Result<std::pair<int, int>> port_range() {
    for (const char* name : {"FATHOM_PORT_RANGE", "MPIEXEC_PORT_RANGE"}) {
        const char* text = std::getenv(name);
        if (text == nullptr || *text == '\0') continue;
        const char* const end = text + std::strlen(text);
        int least = 0, most = 0;
        const auto first = std::from_chars(text, end, least);
        const bool separated = first.ptr != end && (*first.ptr == ':' || *first.ptr == '-');
        if (first.ec == std::errc() && separated) {
            const auto second = std::from_chars(first.ptr + 1, end, most);
            if (second.ec == std::errc() && second.ptr == end && least > 0 && least <= most &&
                most <= 65535) {
                return std::pair{least, most};
            }
        }
        return {Status::bad_argument, std::string("tcp: ") + name + " is \"" + text +
                                          "\", which is no range of ports like 4000:4100"};
    }
    return std::pair{0, 0};
}

/// A program that is content with few descriptors keeps its limit: select() knows only 1024.
void raise_descriptor_limit(rlim_t needed) {
    rlimit limit = {};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed) return;
    limit.rlim_cur = std::min(needed, limit.rlim_max);
    (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

adi::Result<bool> Tcp::probe(const adi::OpenInfo& info) {
    if (info.local.size() == info.size && !info.chosen) {
        return {Status::unsupported, "all processes are on this host"};
    }
    return true;
}

Status Tcp::open(const adi::OpenInfo& info, std::string* error) {
    info_ = info;
    timeout_ = std::chrono::seconds(adi::config_number("FATHOM_TCP_TIMEOUT", 20, 1, 86400));
    const char* only = std::getenv("FATHOM_TCP_INTERFACE");
    adi::Result<std::vector<Interface>> chosen = choose_interfaces(
        adi::list_interfaces(), only == nullptr ? "" : only, info.local.size() == info.size);
    if (!chosen) {
        *error = chosen.message();
        return chosen.status();
    }
    interfaces_ = std::move(*chosen);
    // For each peer a connection, and while they are made some more; and what the program opens.
    raise_descriptor_limit(rlim_t{2} * info.size + 512);
    if (!fds_.open(&waker_mark_, &timer_mark_)) {
        *error = std::string("tcp: no descriptor left: ") + std::strerror(errno);
        return Status::internal;
    }
    if (!listen_on_all(error)) return Status::internal;
    Card card{adi::host_name(), {}};
    for (const auto& listener : listeners_) card.addresses.push_back(listener->address);
    card_ = card.text();
    connections_.resize(info.size);
    const Nonce random = make_nonce();
    std::memcpy(&process_, random.data(), sizeof process_);
    process_ |= 1;
    capabilities_.short_bytes = kShortBytes;
    capabilities_.eager_bytes = kEagerBytes;
    capabilities_.put_bytes = kEagerBytes + 1;
    capabilities_.put_most_bytes = kMostPutBytes;
    capabilities_.outlives = false;
    capabilities_.parks_on_fd = true;
    pause_ = {};
    return Status::ok;
}

/// On every address that the job uses, of those that can be had now: an IPv6 address may not be
/// usable yet.
bool Tcp::listen_on_all(std::string* error) {
    const adi::Result<std::pair<int, int>> ports = port_range();
    if (!ports) {
        *error = ports.message();
        return false;
    }
    *error = "tcp: no network interface of this host can be used";
    for (const Interface& interface : interfaces_) {
        // A way to this host itself needs no second one.
        if (listen(interface.address, *ports, error) && interface.loopback) break;
    }
    return !listeners_.empty();
}

bool Tcp::listen(const Address& address, std::pair<int, int> ports, std::string* error) {
    const auto [least, most] = ports;
    Address at = address;
    for (int port = least; port <= most; ++port) {
        auto listener = std::make_unique<Listener>();
        listener->kind = Watched::Kind::listener;
        listener->socket =
            Socket(::socket(at.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        const int fd = listener->socket.get();
        at.set_port(static_cast<std::uint16_t>(port));
        // Connections of an earlier job that linger keep nobody from a port of a range.
        const int yes = 1;
        if (least > 0) (void)::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        if (fd < 0 || ::bind(fd, at.get(), at.size()) != 0 || ::listen(fd, SOMAXCONN) != 0) {
            *error = "tcp: cannot listen on " + at.text() + ": " + std::strerror(errno) +
                     (port == most && least > 0 ? "; nor on any other port of the range" : "");
            if (errno == EADDRINUSE) continue;
            return false;
        }
        socklen_t size = sizeof listener->address.storage;
        ::getsockname(fd, reinterpret_cast<sockaddr*>(&listener->address.storage), &size);
        watch(fd, listener.get(), EPOLLIN);
        listeners_.push_back(std::move(listener));
        return true;
    }
    return false;
}

void Tcp::watch(int fd, Watched* what, std::uint32_t events) {
    (void)fds_.watch(fd, events, what);
}

void Tcp::watch(Connection& c) {
    const std::uint32_t writes = c.writes_watched ? static_cast<std::uint32_t>(EPOLLOUT) : 0U;
    watch(c.socket.get(), &c, EPOLLIN | writes);
    c.watched = true;
    hits_ = 0;
}

/// A child that the program forked may have the socket too: closing alone would neither end the
/// connection nor keep epoll from naming what watched it.
void Tcp::drop(Socket socket) {
    if (!socket) return;
    fds_.forget(socket.get());
    ::shutdown(socket.get(), SHUT_RDWR);
}

Tcp::Connection& Tcp::connection_to(adi::Peer peer) {
    std::unique_ptr<Connection>& c = connections_.at(peer);
    if (c == nullptr) {
        c = std::make_unique<Connection>(peer, buffers_);
        open_.push_back(c.get());
    }
    return *c;
}

Status Tcp::connect(adi::Peer peer, std::string* error) {
    if (peer == info_.self) return Status::ok;
    Connection& c = connection_to(peer);
    if (c.ways.empty()) {
        const adi::Result<std::string> text = info_.card_of(peer);
        const std::optional<Card> card = text ? Card::parse(*text) : std::nullopt;
        if (!card) {
            *error = "tcp: rank " + std::to_string(peer) +
                     (text ? " published no addresses: " + *text : ": " + text.message());
            return text ? Status::corrupt : text.status();
        }
        c.host = card->host;
        const bool here = std::binary_search(info_.local.begin(), info_.local.end(), peer);
        for (const Address& address : by_preference(card->addresses, interfaces_, here)) {
            c.ways.push_back({address, {}, false});
        }
    }
    if (!c.socket) want(c);
    return Status::ok;
}

void Tcp::disconnect(adi::Peer peer) {
    Connection* c = connections_[peer].get();
    if (c == nullptr || !c->socket) return;
    (void)open_frame(*c, FrameKind::leave, 0);
    flush(*c);
    if (c->socket) ::shutdown(c->socket.get(), SHUT_WR);
}

/// All is in the kernel, which delivers it as long as this process keeps its sockets.
Status Tcp::quiesce(std::chrono::steady_clock::time_point deadline) {
    for (;;) {
        bool pending = false;
        for (Connection* c : open_) {
            if (c->dead) continue;
            if (c->socket) flush(*c);
            pending = pending || c->out.pending();
        }
        if (!pending) break;
        if (Clock::now() > deadline) return Status::again;
        serve_ways();
        std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
    if (adi::verbose() && strangers_ > 0) {
        say("tcp: " + std::to_string(strangers_) + " connections of strangers were dropped");
    }
    return Status::ok;
}

void Tcp::close() {
    for (Connection* c : open_) {
        if (c->socket && !c->dead) disconnect(c->peer);
    }
    open_.clear();
    held_.clear();
    old_dials_.clear();
    old_visitors_.clear();
    connections_.clear();
    visitors_.clear();
    listeners_.clear();
    hot_ = nullptr;
    sockets_ = tending_ = 0;
    fds_.close();
}

std::unique_ptr<adi::Device> make() {
    return std::make_unique<Tcp>();
}

void Tcp::say(const std::string& text) const {
    const std::string line = "fathom: rank " + std::to_string(info_.self) + ": " + text + '\n';
    (void)!::write(STDERR_FILENO, line.data(), line.size());
}

void Tcp::say_way(const Connection& c) const {
    Address here, there;
    socklen_t size = sizeof here.storage;
    ::getsockname(c.socket.get(), reinterpret_cast<sockaddr*>(&here.storage), &size);
    size = sizeof there.storage;
    ::getpeername(c.socket.get(), reinterpret_cast<sockaddr*>(&there.storage), &size);
    say("tcp to rank " + std::to_string(c.peer) + " by " + here.text() + " - " + there.text());
}

}  // namespace dev::tcp
