// Opening, sending, receiving. How connections come to be is in ways.cpp.
#include "devices/tcp/tcp.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "adi/base/config.hpp"
#include "adi/base/host.hpp"

namespace dev::tcp {

using adi::Status;

namespace {

/// Above this the receiver is asked first. What is shorter is copied once more, into the ring.
constexpr std::uint32_t kEagerBytes = 32 * 1024;
constexpr std::uint64_t kPutMostBytes = std::uint64_t{4} << 20;
/// Of a ring, what only acknowledgements may take: they must always find room.
constexpr std::uint64_t kReserveBytes = 4096;
/// A piece of a stream is not made shorter, unless it is the last.
constexpr std::uint64_t kLeastPieceBytes = 4096;
/// So much that has come is acknowledged without being asked.
constexpr std::uint64_t kAcknowledgeBytes = 128 * 1024;
/// What one connection may bring in one look.
constexpr std::uint64_t kFairBytes = std::uint64_t{1} << 20;
/// A socket is looked at again after this part of the time for which nothing came from any, so that
/// looks in vain cost other devices little; and at the latest after kLongestPause.
constexpr int kPauseShare = 32;
constexpr std::chrono::microseconds kLongestPause{20};

std::pair<int, int> port_range() {
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
                return {least, most};
            }
        }
        return {-1, -1};
    }
    return {0, 0};
}

void raise_descriptor_limit() {
    rlimit limit = {};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
    limit.rlim_cur = limit.rlim_max;
    (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

// --- life ----------------------------------------------------------------------------------------

adi::Result<bool> Tcp::probe(const adi::OpenInfo& info) {
    const bool named = info.chosen;
    if (info.local.size() == info.size && !named) {
        return {Status::unsupported, "all processes are on this host"};
    }
    return true;
}

Status Tcp::open(const adi::OpenInfo& info, std::string* error) {
    info_ = info;
    verbose_ = std::getenv("FATHOM_VERBOSE") != nullptr;
    timeout_ = std::chrono::seconds(adi::config_number("FATHOM_TCP_TIMEOUT", 20, 1, 86400));
    const char* only = std::getenv("FATHOM_TCP_INTERFACE");
    adi::Result<std::vector<Interface>> chosen = choose_interfaces(
        list_interfaces(), only == nullptr ? "" : only, info.local.size() == info.size);
    if (!chosen) {
        *error = chosen.message();
        return chosen.status();
    }
    if (chosen->empty()) {
        *error = "tcp: no network interface of this host can be used";
        return Status::unsupported;
    }
    interfaces_ = std::move(*chosen);
    raise_descriptor_limit();
    epoll_ = Socket(::epoll_create1(EPOLL_CLOEXEC));
    waker_ = Socket(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    timer_ = Socket(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    if (!epoll_ || !waker_ || !timer_) {
        *error = std::string("tcp: no descriptor left: ") + std::strerror(errno);
        return Status::internal;
    }
    watch(waker_.get(), &waker_mark_, EPOLLIN);
    watch(timer_.get(), &timer_mark_, EPOLLIN);
    for (const Interface& interface : interfaces_) {
        if (!listen(interface.address, error)) return Status::internal;
        // A way to this host itself needs no second one.
        if (interface.loopback) break;
    }
    Card card{adi::host_name(), {}};
    for (const auto& listener : listeners_) card.addresses.push_back(listener->address);
    card_ = card.text();
    connections_.resize(info.size);
    capabilities_.short_bytes = kShortBytes;
    capabilities_.eager_bytes = kEagerBytes;
    capabilities_.put_bytes = kEagerBytes + 1;
    capabilities_.put_most_bytes = kPutMostBytes;
    capabilities_.outlives = false;
    capabilities_.parks_on_fd = true;
    last_event_ = Clock::now();
    return Status::ok;
}

bool Tcp::listen(const Address& address, std::string* error) {
    const auto [least, most] = port_range();
    if (least < 0) {
        *error = "FATHOM_PORT_RANGE is no range of ports like 4000:4100";
        return false;
    }
    Address at = address;
    for (int port = least; port <= most; ++port) {
        auto listener = std::make_unique<Listener>();
        listener->kind = Watched::Kind::listener;
        listener->socket =
            Socket(::socket(at.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        const int fd = listener->socket.get();
        at.set_port(static_cast<std::uint16_t>(port));
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
        error->clear();
        return true;
    }
    return false;
}

void Tcp::watch(int fd, Watched* what, std::uint32_t events) {
    epoll_event event = {};
    event.events = events;
    event.data.ptr = what;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0 && errno == EEXIST) {
        ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
    }
}

Tcp::Connection& Tcp::connection_to(adi::Peer peer) {
    std::unique_ptr<Connection>& c = connections_[peer];
    if (c == nullptr) {
        c = std::make_unique<Connection>(peer);
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
        c.card = *card;
        c.ways = by_preference(card->addresses, interfaces_);
    }
    if (!c.socket) want(c);
    return Status::ok;
}

void Tcp::disconnect(adi::Peer peer) {
    Connection* c = connections_[peer].get();
    if (c == nullptr || !c->socket) return;
    open_frame(*c, FrameKind::leave, 0);
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
    if (verbose_ && strangers_ > 0) {
        say("tcp: " + std::to_string(strangers_) + " connections of strangers were dropped");
    }
    return Status::ok;
}

void Tcp::close() {
    for (Connection* c : open_) {
        if (c->socket && !c->dead) disconnect(c->peer);
    }
    open_.clear();
    old_dials_.clear();
    old_visitors_.clear();
    connections_.clear();
    visitors_.clear();
    listeners_.clear();
    hot_ = nullptr;
    sockets_ = tending_ = 0;
    for (Socket* s : {&timer_, &waker_, &epoll_}) s->close();
}

// --- progress ------------------------------------------------------------------------------------

bool Tcp::time_to_look() {
    if (must_look_ || unfinished_) {
        must_look_ = false;
        return true;
    }
    const Clock::time_point now = Clock::now();
    if (now < next_look_) return false;
    next_look_ = now + std::min<Clock::duration>((now - last_event_) / kPauseShare, kLongestPause);
    return true;
}

int Tcp::poll(adi::Sink& sink, int budget) {
    if (!epoll_ || !time_to_look()) return 0;
    int done = look(sink, budget);
    if (puts_done_ || !faults_.empty()) done += report(sink);
    if (done > 0) last_event_ = next_look_ = Clock::now();
    return done;
}

int Tcp::look(adi::Sink& sink, int budget) {
    int done = 0;
    ++looks_;
    if (hot_ != nullptr && hot_->socket) {
        if (hot_->writes_watched) flush(*hot_);
        done = read(*hot_, sink, budget);
        // Most of the time this is all that there is to look at.
        const bool alone = sockets_ == 1 && tending_ == 0 && visitors_.empty();
        if ((done > 0 || alone) && looks_ % 16 != 0) return done;
    }
    if (unfinished_) {
        unfinished_ = false;
        for (Connection* c : open_) {
            if (c->in.unfinished()) done += read(*c, sink, budget);
        }
    }
    epoll_event events[64];
    const int count = ::epoll_wait(epoll_.get(), events, 64, 0);
    for (int i = 0; i < count; ++i) {
        auto* watched = static_cast<Watched*>(events[i].data.ptr);
        if (watched->kind != Watched::Kind::connection) {
            on_way_event(watched);
            continue;
        }
        auto& c = *static_cast<Connection*>(watched);
        if ((events[i].events & EPOLLOUT) != 0 && c.socket) flush(c);
        if ((events[i].events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0 && c.socket) {
            done += read(c, sink, budget);
        }
    }
    tend();
    return done;
}

int Tcp::read(Connection& c, adi::Sink& sink, int budget) {
    int done = 0;
    const char* wrong = nullptr;
    const std::uint64_t most = c.in.received() + kFairBytes;
    if (c.in.unfinished()) done = c.in.show(*this, sink, budget, &wrong);
    while (done == 0 && wrong == nullptr && c.socket && c.in.received() < most) {
        const InStream::Read got = c.in.read(c.socket.get());
        if (got == InStream::Read::none) break;
        if (got != InStream::Read::some) {
            on_broken(
                c, got == InStream::Read::end ? "the connection was closed" : std::strerror(errno));
            break;
        }
        hot_ = &c;
        done += c.in.show(*this, sink, budget, &wrong);
    }
    if (wrong != nullptr) {
        give_up(c, Status::corrupt, wrong);
        return done + 1;
    }
    if (c.in.unfinished()) unfinished_ = true;
    const bool asked = c.in.take_put_done();
    if (c.socket && (asked || c.in.received() - c.told >= kAcknowledgeBytes)) {
        open_frame(c, FrameKind::ack, 0);
        flush(c);
    }
    return done;
}

int Tcp::report(adi::Sink& sink) {
    int done = 0;
    puts_done_ = false;
    for (Connection* c : open_) {
        while (void* token = c->out.take_done()) {
            sink.on_put(token, Status::ok);
            ++done;
        }
        while (void* token = c->dead ? c->out.take_any() : nullptr) {
            sink.on_put(token, Status::peer_failed);
            ++done;
        }
    }
    while (!faults_.empty()) {
        const Fault fault = faults_.front();
        faults_.pop_front();
        sink.on_fault(fault.peer, fault.why, fault.what.c_str());
        ++done;
    }
    return done;
}

bool Tcp::on_acknowledged(adi::Peer peer, std::uint64_t position) {
    OutStream& out = connections_[peer]->out;
    if (!out.acknowledge(position)) return false;
    puts_done_ = puts_done_ || out.any_done();
    return true;
}

adi::Park Tcp::prepare_park(bool) {
    must_look_ = true;
    arm_timer();
    adi::Park park;
    park.fd = epoll_.get();
    return park;
}

void Tcp::cancel_park() {
    must_look_ = true;
}

void Tcp::wake() {
    const std::uint64_t one = 1;
    (void)!::write(waker_.get(), &one, sizeof one);
}

// --- send ----------------------------------------------------------------------------------------

void Tcp::flush(Connection& c) {
    while (c.out.pending()) {
        iovec parts[16];
        msghdr message = {};
        message.msg_iov = parts;
        message.msg_iovlen = c.out.next(parts);
        const int fd = c.socket.get();
        constexpr int kFlags = MSG_NOSIGNAL | MSG_DONTWAIT;
        const ssize_t put = message.msg_iovlen == 1
                                ? ::send(fd, parts[0].iov_base, parts[0].iov_len, kFlags)
                                : ::sendmsg(fd, &message, kFlags);
        if (put >= 0) {
            c.out.sent(static_cast<std::uint64_t>(put));
        } else if (errno == EAGAIN) {
            break;
        } else if (errno != EINTR) {
            return on_broken(c, std::strerror(errno));
        }
    }
    const bool blocked = c.out.pending();
    if (blocked == c.writes_watched) return;
    c.writes_watched = blocked;
    watch(c.socket.get(), &c, EPOLLIN | (blocked ? static_cast<std::uint32_t>(EPOLLOUT) : 0U));
}

void Tcp::open_frame(Connection& c, FrameKind kind, std::uint64_t bytes) {
    c.told = c.in.received();
    const Prefix prefix{kind, static_cast<std::uint32_t>(bytes), c.told};
    if (c.out.make_room(sizeof prefix)) c.out.append(&prefix, sizeof prefix);
}

/// What was added goes at once, unless something is before it.
void Tcp::push(Connection& c) {
    if (!c.socket) {
        want(c);
    } else if (!c.writes_watched) {
        flush(c);
    }
}

Status Tcp::send_short(adi::Peer peer, const adi::Header& header, const adi::Buffer& payload) {
    Connection& c = *connections_[peer];
    if (c.dead) [[unlikely]]
        return Status::peer_failed;
    const std::uint64_t bytes = header.bytes;
    if (!c.out.make_room(kMostFrameHeader + bytes + kReserveBytes)) return Status::again;
    open_frame(c, FrameKind::message, bytes);
    c.out.append(&header, sizeof header);
    c.out.append(payload, 0, bytes);
    push(c);
    return Status::ok;
}

Status Tcp::begin(adi::SendStream& stream, adi::Peer peer, const adi::Header& header) {
    if (connections_[peer]->dead) return Status::peer_failed;
    stream.peer = peer;
    stream.header = header;
    stream.sent_bytes = 0;
    return Status::ok;
}

std::uint64_t Tcp::send_piece(adi::SendStream& stream, const adi::Buffer& source,
                              std::uint64_t offset, std::uint64_t bytes) {
    Connection& c = *connections_[stream.peer];
    const std::uint64_t left = stream.header.bytes - stream.sent_bytes;
    const std::uint64_t wanted = std::min(bytes, left);
    const bool first = stream.sent_bytes == 0;
    if (c.dead) return 0;
    std::uint64_t part = wanted;
    while (!c.out.make_room(kMostFrameHeader + part + kReserveBytes)) {
        if (part <= kLeastPieceBytes) return 0;
        part = std::max(part / 2, kLeastPieceBytes);
    }
    open_frame(c, first ? FrameKind::message : FrameKind::more, part);
    if (first) c.out.append(&stream.header, sizeof stream.header);
    c.out.append(source, offset, part);
    stream.sent_bytes += static_cast<std::uint32_t>(part);
    push(c);
    return part;
}

Status Tcp::end(adi::SendStream& stream) {
    return stream.sent_bytes == stream.header.bytes ? Status::ok : Status::bad_argument;
}

// --- memory --------------------------------------------------------------------------------------

Status Tcp::reg(void* address, std::uint64_t bytes, adi::Peer peer, adi::MemoryKey* key) {
    if (bytes == 0 || bytes > kPutMostBytes) return Status::bad_argument;
    if (free_windows_.empty()) {
        free_windows_.push_back(static_cast<std::uint32_t>(windows_.size()));
        windows_.emplace_back();
    }
    const std::uint32_t index = free_windows_.back();
    free_windows_.pop_back();
    Window& w = windows_[index];
    w = {static_cast<std::byte*>(address), bytes, peer, w.generation + 1};
    *key = {std::uint64_t{w.generation} << 32 | index, bytes};
    return Status::ok;
}

void Tcp::dereg(const adi::MemoryKey& key) {
    const auto index = static_cast<std::uint32_t>(key.value);
    if (index >= windows_.size() || windows_[index].generation != key.value >> 32) return;
    Window& w = windows_[index];
    if (w.base == nullptr) return;
    if (connections_[w.peer] != nullptr) connections_[w.peer]->in.forget(key.value);
    w.base = nullptr;
    free_windows_.push_back(index);
}

void* Tcp::window(adi::Peer peer, std::uint64_t key, std::uint32_t bytes) {
    const auto index = static_cast<std::uint32_t>(key);
    if (index >= windows_.size()) return nullptr;
    const Window& w = windows_[index];
    const bool fits = w.generation == key >> 32 && w.peer == peer && bytes <= w.bytes;
    return fits ? w.base : nullptr;
}

Status Tcp::put(adi::Peer peer, const void* address, std::uint64_t bytes, const adi::MemoryKey& key,
                void* token) {
    if (bytes == 0 || bytes > key.bytes || bytes > kPutMostBytes) return Status::bad_argument;
    Connection& c = *connections_[peer];
    if (c.dead) return Status::peer_failed;
    if (!c.out.make_room(kMostFrameHeader + kReserveBytes)) return Status::again;
    open_frame(c, FrameKind::put, bytes);
    const PutHeader header{key.value, 0};
    c.out.append(&header, sizeof header);
    c.out.append_kept(address, bytes, token);
    push(c);
    return Status::ok;
}

std::unique_ptr<adi::Device> make() {
    return std::make_unique<Tcp>();
}

}  // namespace dev::tcp
