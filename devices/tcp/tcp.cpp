// Progress, sending, memory. Opening is in life.cpp; how connections come to be in ways.cpp.
#include "devices/tcp/tcp.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace dev::tcp {

using adi::Status;

namespace {

/// Of a ring, what only acknowledgements may take: they should find room.
constexpr std::uint64_t kReserveBytes = 4096;
/// A piece of a stream is not made shorter, unless it is the last.
constexpr std::uint64_t kLeastPieceBytes = 4096;
/// So much that has come is acknowledged without being asked.
constexpr std::uint64_t kAcknowledgeBytes = 128 * 1024;
/// After so many reads that brought something, all from one connection, that is the only one.
constexpr int kHotHits = 64;
/// What one connection may bring in one look.
constexpr std::uint64_t kFairBytes = std::uint64_t{1} << 20;

}  // namespace

// --- progress ------------------------------------------------------------------------------------

int Tcp::poll(adi::Sink& sink, int budget) {
    if (!fds_.is_open() || !pause_.over(unfinished_ || !held_.empty())) return 0;
    moved_ = false;
    holds_ = true;
    int done = look(sink, budget);
    holds_ = false;
    flush_held();
    done += reports_.show(sink);
    // Part of a long message is something, too.
    if (done == 0 && moved_) done = 1;
    if (done > 0) pause_.found();
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
    const int count = ::epoll_wait(fds_.epoll(), events, 64, 0);
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
        hit(c);
        moved_ = true;
        done += c.in.show(*this, sink, budget, &wrong);
    }
    if (wrong != nullptr) {
        give_up(c, Status::corrupt, wrong);
        return done + 1;
    }
    if (c.in.unfinished()) unfinished_ = true;
    c.owes_ack =
        c.in.take_put_done() || c.owes_ack || c.in.received() - c.told >= kAcknowledgeBytes;
    if (c.owes_ack && c.socket) acknowledge(c);
    return done;
}

/// Something has come. The one connection that is talking is read without asking epoll, which then
/// need not be told of each packet.
void Tcp::hit(Connection& c) {
    if (hot_ != &c) {
        if (hot_ != nullptr && hot_->socket && !hot_->watched) watch(*hot_);
        hot_ = &c;
        hits_ = 0;
    }
    if (++hits_ < kHotHits || !c.watched || c.writes_watched || parked_) return;
    fds_.forget(c.socket.get());
    c.watched = false;
}

bool Tcp::on_acknowledged(adi::Peer peer, std::uint64_t position) {
    Connection& c = *connections_[peer];
    if (!c.out.acknowledge(position)) return false;
    take_done_puts(c);
    return true;
}

void Tcp::take_done_puts(Connection& c) {
    while (void* token = c.out.take_done()) reports_.add_put(token, Status::ok);
}

adi::Park Tcp::prepare_park(bool) {
    pause_.end();
    parked_ = true;
    if (hot_ != nullptr && hot_->socket && !hot_->watched) watch(*hot_);
    arm_timer();
    adi::Park park;
    park.fd = fds_.epoll();
    return park;
}

void Tcp::cancel_park() {
    parked_ = false;
    pause_.end();
}

void Tcp::wake() {
    fds_.wake();
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
            moved_ = true;
        } else if (errno == EAGAIN) {
            break;
        } else if (errno != EINTR) {
            return on_broken(c, std::strerror(errno));
        }
    }
    const bool blocked = c.out.pending();
    if (blocked == c.writes_watched) return;
    c.writes_watched = blocked;
    watch(c);
}

/// False: there is no room, and no frame.
bool Tcp::open_frame(Connection& c, FrameKind kind, std::uint64_t bytes) {
    const Prefix prefix{kind, static_cast<std::uint32_t>(bytes), c.in.received()};
    if (!c.out.make_room(sizeof prefix)) return false;
    c.out.append(&prefix, sizeof prefix);
    c.told = prefix.received;
    c.owes_ack = false;
    return true;
}

/// If there is no room, it is owed still when the peer has acknowledged something, which is read.
void Tcp::acknowledge(Connection& c) {
    if (open_frame(c, FrameKind::ack, 0)) push(c);
}

/// What was added goes at once, unless something is before it, or poll() is about to add more.
void Tcp::push(Connection& c) {
    if (!c.socket) {
        want(c);
    } else if (holds_) {
        hold(c);
    } else if (!c.writes_watched) {
        flush(c);
    }
}

/// What was added goes with what is sent to the peer next, or at the end of the next poll().
void Tcp::hold(Connection& c) {
    if (!c.held) held_.push_back(&c);
    c.held = true;
}

void Tcp::flush_held() {
    for (Connection* c : held_) {
        c->held = false;
        if (c->socket && !c->writes_watched) flush(*c);
    }
    held_.clear();
}

Status Tcp::send_short(adi::Peer peer, const adi::Header& header, const adi::Buffer& payload) {
    Connection& c = *connections_[peer];
    if (c.dead) [[unlikely]]
        return Status::peer_failed;
    const std::uint64_t bytes = header.bytes;
    if (!c.out.make_room(kMostFrameHeader + bytes + kReserveBytes)) return Status::again;
    (void)open_frame(c, FrameKind::message, bytes);
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
    (void)open_frame(c, first ? FrameKind::message : FrameKind::more, part);
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
    if (bytes == 0 || bytes > kMostPutBytes) return Status::bad_argument;
    *key = windows_.open(address, bytes, peer);
    return Status::ok;
}

void Tcp::dereg(const adi::MemoryKey& key) {
    const std::optional<adi::Peer> peer = windows_.close(key.value);
    if (peer && connections_[*peer] != nullptr) connections_[*peer]->in.forget(key.value);
}

void* Tcp::window(adi::Peer peer, std::uint64_t key, std::uint32_t bytes) {
    return windows_.find(peer, key, bytes);
}

Status Tcp::put(adi::Peer peer, const void* address, std::uint64_t bytes, const adi::MemoryKey& key,
                void* token) {
    if (bytes == 0 || bytes > key.bytes || bytes > kMostPutBytes) return Status::bad_argument;
    Connection& c = *connections_[peer];
    if (c.dead) return Status::peer_failed;
    if (!c.out.make_room(kMostFrameHeader + kReserveBytes)) return Status::again;
    (void)open_frame(c, FrameKind::put, bytes);
    const PutHeader header{key.value, 0};
    c.out.append(&header, sizeof header);
    c.out.append_kept(address, bytes, token);
    // The engine says that it has put, and that goes with the bytes.
    if (c.socket) {
        hold(c);
    } else {
        want(c);
    }
    return Status::ok;
}

}  // namespace dev::tcp
