#include "devices/tcp/meeting.hpp"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "adi/base/hmac.hpp"
#include "devices/tcp/greeting.hpp"

namespace dev::tcp {

namespace {

/// A greeting's messages fit into any socket's buffer: what is not taken at once never will be.
bool write_all(int fd, const void* bytes, std::size_t count) {
    return ::send(fd, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT) == static_cast<ssize_t>(count);
}

enum class Got { all, part, nothing };

/// Reads on at `to`, of which `have` bytes are there.
Got read_on(int fd, void* to, std::size_t bytes, std::size_t* have) {
    const ssize_t got = ::recv(fd, static_cast<char*>(to) + *have, bytes - *have, MSG_DONTWAIT);
    if (got < 0) return errno == EAGAIN || errno == EINTR ? Got::part : Got::nothing;
    if (got == 0) {
        errno = ECONNRESET;
        return Got::nothing;
    }
    *have += static_cast<std::size_t>(got);
    if (*have < bytes) return Got::part;
    *have = 0;
    return Got::all;
}

void set_option(int fd, int level, int option, int value) {
    (void)::setsockopt(fd, level, option, &value, sizeof value);
}

}  // namespace

Socket& Socket::operator=(Socket&& other) noexcept {
    if (this != &other) {
        close();
        fd_ = other.release();
    }
    return *this;
}

int Socket::release() {
    return std::exchange(fd_, -1);
}

void Socket::close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
}

void prepare_socket(int fd, std::chrono::milliseconds timeout) {
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    // A host that vanished without a word is noticed within the time that a way may be broken.
    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(timeout.count()));
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 5);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, 2);
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 5);
}

void bound_send_buffer(int fd) {
    // Enough for 50 Gbit/s over the longest way that counts as short.
    constexpr std::uint32_t kShortWayUs = 100;
    constexpr int kSendBufferBytes = 384 * 1024;
    tcp_info info = {};
    socklen_t size = sizeof info;
    if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 || info.tcpi_min_rtt == 0 ||
        info.tcpi_min_rtt > kShortWayUs) {
        return;
    }
    set_option(fd, SOL_SOCKET, SO_SNDBUF, kSendBufferBytes);
    int got = 0;
    size = sizeof got;
    ::getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &got, &size);
    // The kernel doubles it, and where an administrator allows less, its own bound is better.
    if (got < 2 * kSendBufferBytes) set_option(fd, SOL_SOCKET, SO_BUF_LOCK, 0);
}

// --- from this side ------------------------------------------------------------------------------

Attempt::Attempt(const Address& address, const Hello& hello, std::chrono::milliseconds timeout)
    : hello_(hello) {
    hello_.nonce = make_nonce();
    socket_ = Socket(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (socket_) prepare_socket(socket_.get(), timeout);
    if (!socket_ ||
        (::connect(socket_.get(), address.get(), address.size()) != 0 && errno != EINPROGRESS)) {
        fail(errno);
    }
}

void Attempt::fail(int error, const char* why) {
    state_ = State::failed;
    error_ = error;
    why_ = why;
}

bool Attempt::read(void* to, std::size_t bytes) {
    const Got got = read_on(socket_.get(), to, bytes, &have_);
    if (got == Got::nothing) {
        const bool claimed = state_ == State::challenged;
        fail(errno, claimed ? "it ends the connection: another job's process, or gone" : "");
    }
    return got == Got::all;
}

void Attempt::advance(std::string_view secret, std::uint64_t received) {
    if (state_ == State::connecting && !reached_) {
        int error = 0;
        socklen_t size = sizeof error;
        ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
        if (error != 0) return fail(error);
        sockaddr_storage peer;
        size = sizeof peer;
        if (::getpeername(socket_.get(), reinterpret_cast<sockaddr*>(&peer), &size) != 0) return;
        reached_ = true;
        if (!write_all(socket_.get(), &hello_, sizeof hello_)) return fail(errno);
    }
    if (state_ == State::connecting) {
        if (!read(&challenge_, sizeof challenge_)) return;
        const Claim claim{received, claim_proof(secret, hello_, challenge_, received)};
        if (!write_all(socket_.get(), &claim, sizeof claim)) return fail(errno);
        state_ = State::challenged;
    }
    if (state_ == State::challenged) {
        if (!read(&answer_, sizeof answer_)) return;
        if (!adi::same(answer_.proof, answer_proof(secret, hello_, challenge_, answer_))) {
            return fail(0, "who listens there does not know the job's secret");
        }
        state_ = State::answered;
    }
}

std::string Attempt::why() const {
    if (state_ != State::failed) return reached_ ? "has not answered yet" : "no answer";
    return *why_ != '\0' ? why_ : std::strerror(error_);
}

// --- from the other ------------------------------------------------------------------------------

bool Guest::read(void* to, std::size_t bytes) {
    const Got got = read_on(socket_.get(), to, bytes, &have_);
    if (got == Got::nothing) state_ = State::refused;
    return got == Got::all;
}

void Guest::advance(std::string_view secret, std::uint32_t self, std::uint32_t size) {
    if (state_ == State::greeting) {
        if (!read(&hello_, sizeof hello_)) return;
        challenge_.nonce = make_nonce();
        if (hello_.magic != kMagic || hello_.to != self || hello_.from >= size ||
            hello_.from == self || !write_all(socket_.get(), &challenge_, sizeof challenge_)) {
            state_ = State::refused;
            return;
        }
        state_ = State::claiming;
    }
    if (state_ == State::claiming) {
        if (!read(&claim_, sizeof claim_)) return;
        const bool true_claim =
            adi::same(claim_.proof, claim_proof(secret, hello_, challenge_, claim_.received));
        state_ = true_claim ? State::known : State::refused;
    }
}

bool Guest::answer(std::string_view secret, Verdict verdict, std::uint64_t process,
                   std::uint64_t received) {
    Answer answer{verdict, 0, process, received, {}};
    answer.proof = answer_proof(secret, hello_, challenge_, answer);
    return write_all(socket_.get(), &answer, sizeof answer);
}

}  // namespace dev::tcp
