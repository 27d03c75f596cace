#include "firmware/emulator/remote_link.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sodium.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <system_error>

namespace emulator {

namespace {

using adi::Result;
using adi::Status;

constexpr std::int64_t kRetryMs = 200;
constexpr std::int64_t kProveMs = 2000;  // so long a connection has to prove itself
constexpr std::size_t kCandidates = 8;

std::int64_t now_ms() {
    using namespace std::chrono;
    return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

std::string system_error() {
    return std::generic_category().message(errno);
}

struct Addresses {
    addrinfo* first = nullptr;
    ~Addresses() {
        if (first != nullptr) freeaddrinfo(first);
    }
};

/// Empty: found.
std::string look_up(const std::string& host, std::uint16_t port, bool listens, Addresses& out) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    const char* name = host.empty() ? "127.0.0.1" : host.c_str();
    const int error = getaddrinfo(name, std::to_string(port).c_str(), &hints, &out.first);
    if (error == 0) return {};
    return std::string(listens ? "the address to listen on, " : "the host ") + name + ": " +
           gai_strerror(error);
}

}  // namespace

/// A connection.
struct RemoteLink::Peer {
    int fd;
    bool connecting;
    std::int64_t deadline_ms;
    RemoteSession session;

    Peer(int socket, bool is_connecting, bool listens, const std::string& secret)
        : fd(socket),
          connecting(is_connecting),
          deadline_ms(now_ms() + kProveMs),
          session(listens, secret, nonce()) {}
    ~Peer() { ::close(fd); }
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;

    static std::array<std::uint8_t, RemoteSession::kNonce> nonce() {
        std::array<std::uint8_t, RemoteSession::kNonce> bytes;
        randombytes_buf(bytes.data(), bytes.size());
        return bytes;
    }
};

RemoteLink::RemoteLink(Options options) : options_(std::move(options)) {}

Result<std::unique_ptr<RemoteLink>> RemoteLink::open(Options options) {
    using Answer = Result<std::unique_ptr<RemoteLink>>;
    if (sodium_init() < 0) return Answer(Status::internal, "libsodium does not start");
    if (options.secret.size() < RemoteSession::kLeastSecret)
        return Answer(Status::bad_argument,
                      "links to other emulators take a secret of 16 bytes or more");
    std::unique_ptr<RemoteLink> link(new RemoteLink(std::move(options)));
    link->bell_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (link->bell_ < 0) return Answer(Status::internal, "eventfd: " + system_error());
    if (link->options_.listens)
        if (const auto listening = link->listen(); !listening)
            return Answer(listening.status(), listening.message());
    link->thread_ = std::thread([it = link.get()] { it->run(); });
    return link;
}

RemoteLink::~RemoteLink() {
    end_.store(true);
    if (bell_ >= 0) ring();
    if (thread_.joinable()) thread_.join();
    candidates_.clear();
    session_.reset();
    if (listener_ >= 0) ::close(listener_);
    if (bell_ >= 0) ::close(bell_);
}

Result<bool> RemoteLink::listen() {
    Addresses addresses;
    const std::string wrong = look_up(options_.host, options_.port, true, addresses);
    if (!wrong.empty()) return Result<bool>(Status::bad_argument, wrong);
    const addrinfo& it = *addresses.first;
    listener_ = socket(it.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int yes = 1;
    if (listener_ >= 0) setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (listener_ < 0 || bind(listener_, it.ai_addr, it.ai_addrlen) != 0 ||
        ::listen(listener_, 16) != 0)
        return Result<bool>(
            Status::bad_argument,
            "cannot listen on port " + std::to_string(options_.port) + ": " + system_error());
    sockaddr_storage bound{};
    socklen_t length = sizeof bound;
    getsockname(listener_, reinterpret_cast<sockaddr*>(&bound), &length);
    port_ = ntohs(bound.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(bound).sin6_port
                                              : reinterpret_cast<sockaddr_in&>(bound).sin_port);
    return true;
}

// --- the emulator's thread ----------------------------------------------------------------------

void RemoteLink::ring() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = ::write(bell_, &one, sizeof one);
}

bool RemoteLink::take(RemoteEvent* event) {
    const std::lock_guard lock(mutex_);
    if (incoming_.empty()) {
        news_.store(false, std::memory_order_relaxed);
        return false;
    }
    *event = std::move(incoming_.front());
    incoming_.pop_front();
    return true;
}

void RemoteLink::send(std::uint32_t session, RemoteFrame frame) {
    {
        const std::lock_guard lock(mutex_);
        queued_.fetch_add(frame.bytes.size() + 28, std::memory_order_relaxed);
        outgoing_.emplace_back(session, std::move(frame));
    }
    ring();
}

void RemoteLink::drop(std::uint32_t session) {
    bad_frames_.fetch_add(1, std::memory_order_relaxed);
    dropped_.store(session);
    ring();
}

// --- the link's thread --------------------------------------------------------------------------

void RemoteLink::post(RemoteEvent event) {
    event.session = number_;
    {
        const std::lock_guard lock(mutex_);
        incoming_.push_back(std::move(event));
        news_.store(true, std::memory_order_release);
    }
    if (options_.wake) options_.wake();
}

void RemoteLink::run() {
    while (!end_.load()) {
        if (!options_.listens && !session_ && candidates_.empty() && now_ms() >= retry_ms_)
            connect();
        wait();
        take_outgoing();
        if (session_ && dropped_.load() == number_) close_session();
        look_at_session();
        look_at_candidates();
    }
}

void RemoteLink::wait() {
    std::array<pollfd, kCandidates + 3> polls{};
    nfds_t count = 0;
    const auto add = [&](int fd, bool writes) {
        polls[count++] = {fd, static_cast<short>(POLLIN | (writes ? POLLOUT : 0)), 0};
    };
    add(bell_, false);
    std::int64_t until = now_ms() + 60'000;
    if (session_) add(session_->fd, !session_->session.output.empty());
    for (const auto& peer : candidates_) {
        add(peer->fd, peer->connecting || !peer->session.output.empty());
        until = std::min(until, peer->deadline_ms);
    }
    const bool accepting = listener_ >= 0 && candidates_.size() < kCandidates;
    if (accepting) add(listener_, false);
    if (!options_.listens && !session_) until = std::min(until, retry_ms_);
    const std::int64_t left = std::max<std::int64_t>(until - now_ms(), 0);
    ::poll(polls.data(), count, static_cast<int>(left + 1));
    std::uint64_t rung = 0;
    [[maybe_unused]] const ssize_t n = ::read(bell_, &rung, sizeof rung);
    if (accepting && (polls[count - 1].revents & POLLIN) != 0) accept();
}

void RemoteLink::add_candidate(int fd, bool connecting) {
    const int yes = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    candidates_.push_back(
        std::make_unique<Peer>(fd, connecting, options_.listens, options_.secret));
}

void RemoteLink::connect() {
    retry_ms_ = now_ms() + kRetryMs;
    Addresses addresses;
    if (!look_up(options_.host, options_.port, false, addresses).empty()) return;
    for (const addrinfo* it = addresses.first; it != nullptr; it = it->ai_next) {
        const int fd = socket(it->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0) continue;
        if (::connect(fd, it->ai_addr, it->ai_addrlen) == 0 || errno == EINPROGRESS)
            return add_candidate(fd, true);
        ::close(fd);
    }
}

void RemoteLink::accept() {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) add_candidate(fd, false);
}

/// False: the connection is over.
bool RemoteLink::read(Peer& peer) {
    std::array<std::uint8_t, 65'536> buffer;
    const ssize_t n = ::recv(peer.fd, buffer.data(), buffer.size(), 0);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    if (n == 0) return false;
    peer.session.feed(std::span(buffer.data(), static_cast<std::size_t>(n)));
    return peer.session.state() != RemoteSession::State::failed;
}

bool RemoteLink::write(Peer& peer) {
    auto& output = peer.session.output;
    if (output.empty()) return true;
    const ssize_t n = ::send(peer.fd, output.data(), output.size(), MSG_NOSIGNAL);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    output.erase(output.begin(), output.begin() + n);
    return true;
}

void RemoteLink::look_at_candidates() {
    for (std::size_t i = 0; i < candidates_.size();) {
        Peer& peer = *candidates_[i];
        bool good = now_ms() < peer.deadline_ms;
        if (good && peer.connecting) {
            pollfd connected{peer.fd, POLLOUT, 0};
            if (::poll(&connected, 1, 0) == 0) {
                ++i;
                continue;
            }
            int error = 0;
            socklen_t length = sizeof error;
            getsockopt(peer.fd, SOL_SOCKET, SO_ERROR, &error, &length);
            if (error != 0) {  // nobody is there yet
                candidates_.erase(candidates_.begin() + static_cast<std::ptrdiff_t>(i));
                continue;
            }
            peer.connecting = false;
        }
        // The answer is written before the other side is taken for good: it waits for it.
        good = good && write(peer) && read(peer) && write(peer);
        if (good && peer.session.state() != RemoteSession::State::up) {
            ++i;
            continue;
        }
        std::unique_ptr<Peer> done = std::move(candidates_[i]);
        candidates_.erase(candidates_.begin() + static_cast<std::ptrdiff_t>(i));
        if (good)
            promote(std::move(done));
        else
            strangers_.fetch_add(1, std::memory_order_relaxed);
    }
}

void RemoteLink::promote(std::unique_ptr<Peer> peer) {
    close_session();
    session_ = std::move(peer);
    ++number_;
    post({RemoteEvent::Type::up, 0, {}});
    look_at_session();
}

void RemoteLink::close_session() {
    if (!session_) return;
    session_.reset();
    unwritten_.store(0, std::memory_order_relaxed);
    retry_ms_ = now_ms() + kRetryMs;
    post({RemoteEvent::Type::down, 0, {}});
}

void RemoteLink::take_outgoing() {
    std::deque<std::pair<std::uint32_t, RemoteFrame>> frames;
    {
        const std::lock_guard lock(mutex_);
        frames.swap(outgoing_);
        queued_.store(0, std::memory_order_relaxed);
    }
    if (!session_) return;
    for (const auto& [number, frame] : frames)
        if (number == number_) session_->session.send(frame);
    unwritten_.store(session_->session.output.size(), std::memory_order_relaxed);
}

void RemoteLink::look_at_session() {
    if (!session_) return;
    const bool had_room = room();
    const bool good = write(*session_) && read(*session_);
    unwritten_.store(session_->session.output.size(), std::memory_order_relaxed);
    while (auto frame = session_->session.take())
        post({RemoteEvent::Type::frame, 0, std::move(*frame)});
    if (session_->session.state() == RemoteSession::State::failed)
        bad_frames_.fetch_add(1, std::memory_order_relaxed);
    if (!good) return close_session();
    if (!had_room && room()) {
        news_.store(true, std::memory_order_release);
        if (options_.wake) options_.wake();
    }
}

}  // namespace emulator
