#include "devices/tcp/meeting.hpp"

#include <gtest/gtest.h>
#include <linux/socket.h>
#include <poll.h>

#include <random>

#include "adi/base/hmac.hpp"
#include "devices/tcp/greeting.hpp"

namespace dev::tcp {
namespace {

const std::string kSecret(64, 's');
constexpr std::uint32_t kFrom = 4, kTo = 2, kSize = 8;

/// A listening socket of rank kTo.
class Host {
  public:
    Host() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        address_ = *Address::parse("127.0.0.1:0");
        EXPECT_EQ(::bind(socket_.get(), address_.get(), address_.size()), 0);
        EXPECT_EQ(::listen(socket_.get(), 8), 0);
        socklen_t size = sizeof address_.storage;
        ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address_.storage), &size);
    }
    const Address& address() const { return address_; }
    int accept() { return ::accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK); }
    void close() { socket_.close(); }

  private:
    Socket socket_;
    Address address_;
};

Hello hello(std::uint32_t from = kFrom, std::uint32_t to = kTo) {
    Hello h;
    h.from = from;
    h.to = to;
    h.process = 77;
    return h;
}

Attempt attempt_to(const Host& host, const Hello& h = hello()) {
    return Attempt(host.address(), h, std::chrono::seconds(60));
}

/// Waits for the socket: greetings are made of messages that come.
void wait_for(int fd, short events = POLLIN) {
    pollfd p{fd, events, 0};
    ASSERT_EQ(::poll(&p, 1, 10'000), 1);
}

TEST(Meeting, OnAShortWayTheSendBufferIsBounded) {
    Host host;
    const Attempt attempt = attempt_to(host);
    const Socket other(host.accept());
    int before = 0, after = 0, locked = 0;
    socklen_t size = sizeof before;
    ::getsockopt(other.get(), SOL_SOCKET, SO_SNDBUF, &before, &size);
    bound_send_buffer(other.get());
    ::getsockopt(other.get(), SOL_SOCKET, SO_SNDBUF, &after, &size);
    ::getsockopt(other.get(), SOL_SOCKET, SO_BUF_LOCK, &locked, &size);
    if (after == before) GTEST_SKIP() << "loopback takes long on this machine";
    // The bound of this device, or that of the kernel.
    EXPECT_EQ((locked & SOCK_SNDBUF_LOCK) != 0, after == 2 * 384 * 1024) << after;
}

TEST(Meeting, TwoThatKnowTheSecretMeet) {
    Host host;
    Attempt attempt = attempt_to(host);
    Guest guest(host.accept());
    wait_for(attempt.fd(), POLLOUT);
    attempt.advance(kSecret, 111);
    EXPECT_TRUE(attempt.reached());
    EXPECT_EQ(attempt.state(), Attempt::State::connecting);
    wait_for(guest.fd());
    guest.advance(kSecret, kTo, kSize);
    EXPECT_EQ(guest.state(), Guest::State::claiming);
    wait_for(attempt.fd());
    attempt.advance(kSecret, 111);
    EXPECT_EQ(attempt.state(), Attempt::State::challenged);
    wait_for(guest.fd());
    guest.advance(kSecret, kTo, kSize);
    ASSERT_EQ(guest.state(), Guest::State::known);
    EXPECT_EQ(guest.hello().from, kFrom);
    EXPECT_EQ(guest.hello().process, 77U);
    EXPECT_EQ(guest.received(), 111U);
    ASSERT_TRUE(guest.answer(kSecret, Verdict::accepted, 88, 222));
    wait_for(attempt.fd());
    attempt.advance(kSecret, 111);
    ASSERT_EQ(attempt.state(), Attempt::State::answered);
    EXPECT_EQ(attempt.answer().verdict, Verdict::accepted);
    EXPECT_EQ(attempt.answer().process, 88U);
    EXPECT_EQ(attempt.answer().received, 222U);
    // And now the socket is for frames.
    const Socket here = attempt.take_socket(), there = guest.take_socket();
    ASSERT_EQ(::send(here.get(), "x", 1, 0), 1);
    wait_for(there.get());
    char got = 0;
    EXPECT_EQ(::recv(there.get(), &got, 1, 0), 1);
    EXPECT_EQ(got, 'x');
}

/// A guest with another secret is refused; what it has seen is 32 random bytes.
TEST(Meeting, WhoDoesNotKnowTheSecretIsRefused) {
    Host host;
    Attempt attempt = attempt_to(host);
    Guest guest(host.accept());
    wait_for(attempt.fd(), POLLOUT);
    attempt.advance("another secret", 0);
    wait_for(guest.fd());
    guest.advance(kSecret, kTo, kSize);
    wait_for(attempt.fd());
    attempt.advance("another secret", 0);
    wait_for(guest.fd());
    guest.advance(kSecret, kTo, kSize);
    EXPECT_EQ(guest.state(), Guest::State::refused);
    guest.take_socket().close();
    wait_for(attempt.fd());
    attempt.advance("another secret", 0);
    EXPECT_EQ(attempt.state(), Attempt::State::failed);
    EXPECT_NE(attempt.why().find("another job"), std::string::npos) << attempt.why();
}

TEST(Meeting, WhoListensHasToKnowTheSecretToo) {
    Host host;
    Attempt attempt = attempt_to(host);
    Guest guest(host.accept());
    wait_for(attempt.fd(), POLLOUT);
    attempt.advance(kSecret, 0);
    wait_for(guest.fd());
    guest.advance(kSecret, kTo, kSize);
    wait_for(attempt.fd());
    attempt.advance(kSecret, 0);
    wait_for(guest.fd());
    guest.advance(kSecret, kTo, kSize);
    ASSERT_TRUE(guest.answer("another secret", Verdict::accepted, 1, 0));
    wait_for(attempt.fd());
    attempt.advance(kSecret, 0);
    EXPECT_EQ(attempt.state(), Attempt::State::failed);
    EXPECT_NE(attempt.why().find("secret"), std::string::npos) << attempt.why();
}

TEST(Meeting, RanksThatCannotBeAreRefused) {
    const std::vector<Hello> wrong{hello(kFrom, kTo + 1), hello(kSize, kTo), hello(kTo, kTo),
                                   hello(~0U, kTo)};
    for (const Hello& h : wrong) {
        Host host;
        Attempt attempt = attempt_to(host, h);
        Guest guest(host.accept());
        wait_for(attempt.fd(), POLLOUT);
        attempt.advance(kSecret, 0);
        wait_for(guest.fd());
        guest.advance(kSecret, kTo, kSize);
        EXPECT_EQ(guest.state(), Guest::State::refused) << h.from << " to " << h.to;
    }
}

TEST(Meeting, AProofIsForOneGreetingAlone) {
    const Hello h = hello();
    Challenge one, two;
    one.nonce = make_nonce();
    two.nonce = make_nonce();
    const Proof proof = claim_proof(kSecret, h, one, 5);
    EXPECT_TRUE(adi::same(proof, claim_proof(kSecret, h, one, 5)));
    EXPECT_FALSE(adi::same(proof, claim_proof(kSecret, h, two, 5)));
    EXPECT_FALSE(adi::same(proof, claim_proof(kSecret, h, one, 6)));
    EXPECT_FALSE(adi::same(proof, claim_proof(kSecret, hello(3), one, 5)));
    EXPECT_FALSE(adi::same(proof, claim_proof("", h, one, 5)));
    Answer answer;
    const Proof said = answer_proof(kSecret, h, one, answer);
    answer.verdict = Verdict::crossed;
    EXPECT_FALSE(adi::same(said, answer_proof(kSecret, h, one, answer)));
    answer = {};
    answer.process = 1;
    EXPECT_FALSE(adi::same(said, answer_proof(kSecret, h, one, answer)));
    answer = {};
    answer.received = 5;
    EXPECT_FALSE(adi::same(said, answer_proof(kSecret, h, one, answer)));
    EXPECT_FALSE(adi::same(said, proof));
}

TEST(Meeting, GarbageAndSilence) {
    std::mt19937 random(3);
    for (int round = 0; round < 200; ++round) {
        int fds[2];
        ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
        Guest guest(fds[0]);
        Socket other(fds[1]);
        guest.advance(kSecret, kTo, kSize);
        EXPECT_EQ(guest.state(), Guest::State::greeting) << "silence";
        // A right beginning, so that every step is reached, and then anything.
        std::string bytes(200, '\0');
        for (char& c : bytes) c = static_cast<char>(random());
        const Hello h = hello();
        if (round % 2 == 0) std::memcpy(bytes.data(), &h, sizeof h);
        const std::size_t count = random() % bytes.size();
        for (std::size_t at = 0; at < count;) {
            const std::size_t n = std::min<std::size_t>(1 + random() % 100, count - at);
            (void)!::send(other.get(), bytes.data() + at, n, MSG_NOSIGNAL);
            at += n;
            if (guest.state() != Guest::State::refused) guest.advance(kSecret, kTo, kSize);
        }
        EXPECT_NE(guest.state(), Guest::State::known);
        if (guest.state() == Guest::State::refused) continue;
        other.close();
        guest.advance(kSecret, kTo, kSize);
        EXPECT_EQ(guest.state(), Guest::State::refused) << "gone";
    }
}

TEST(Meeting, NobodyListens) {
    Host host;
    const Address address = host.address();
    host.close();
    Attempt attempt(address, hello(), std::chrono::seconds(60));
    if (attempt.state() != Attempt::State::failed) {
        wait_for(attempt.fd(), POLLOUT);
        attempt.advance(kSecret, 0);
    }
    EXPECT_EQ(attempt.state(), Attempt::State::failed);
    EXPECT_EQ(attempt.error(), ECONNREFUSED);
    EXPECT_FALSE(attempt.reached());
}

}  // namespace
}  // namespace dev::tcp
