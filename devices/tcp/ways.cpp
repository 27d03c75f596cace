// How connections come to be, break, and are mended.
//
// Who wants to send connects, to one address of the peer after the other; an address that does not
// answer soon is not waited for before the next is tried. When both sides connect at once, the
// lower rank's attempt counts. A connection that breaks is made anew by the side that made it, or
// after a while by the other; each tells how much it has had, and sends what the other has not.
#include <arpa/inet.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "devices/tcp/greeting.hpp"
#include "devices/tcp/tcp.hpp"

namespace dev::tcp {

using adi::Status;

namespace {

using std::chrono::milliseconds;

/// An address that has not answered after this long is joined by the next one.
constexpr milliseconds kNextWay{250};
/// From the last address' failure to the first one's next try.
constexpr milliseconds kAgain{100};
/// For so long the side that did not connect waits for the one that did.
constexpr milliseconds kPatience{1000};
/// A host that answers, but where nobody listens any more, has lost the process.
constexpr milliseconds kRefused{2000};
constexpr milliseconds kTendInterval{10};
constexpr std::size_t kMostVisitors = 128;
/// Connections that are accepted in one look: whoever knocks without end does not hold up the job.
constexpr int kMostAccepted = 64;
constexpr std::chrono::seconds kVisit{60};

/// Takes an object out of its list; it lives on for the events that name it.
template <class T>
void retire(std::vector<std::unique_ptr<T>>* from, const T* what,
            std::vector<std::unique_ptr<T>>* to) {
    const auto at =
        std::find_if(from->begin(), from->end(), [&](const auto& o) { return o.get() == what; });
    if (at == from->end()) return;
    to->push_back(std::move(*at));
    from->erase(at);
}

}  // namespace

std::string_view Tcp::secret() {
    if (secret_.empty() && info_.secret) {
        if (adi::Result<std::string> secret = info_.secret(); secret) secret_ = *secret;
    }
    return secret_;
}

void Tcp::want(Connection& c) {
    if (c.wanted || c.dead) return;
    c.wanted = true;
    ++tending_;
    c.broken_since = c.next_try = Clock::now();
    next_tend_ = {};
    must_look_ = true;
    if (c.ways.empty()) {
        std::string error;
        if (Status s = connect(c.peer, &error); s != Status::ok) give_up(c, s, error);
    }
}

/// Looks after the connections that have no socket and want one.
void Tcp::tend() {
    if (tending_ > 0 || !visitors_.empty()) {
        const Clock::time_point now = Clock::now();
        if (now >= next_tend_) {
            next_tend_ = now + kTendInterval;
            for (Connection* c : open_) {
                if (c->wanted) tend(*c, now);
            }
            while (!visitors_.empty() && now - visitors_.front()->guest.since() > kVisit) {
                ++strangers_;
                retire(&visitors_, visitors_.front().get(), &old_visitors_);
            }
        }
    }
    old_dials_.clear();
    old_visitors_.clear();
}

void Tcp::tend(Connection& c, Clock::time_point now) {
    const bool reached = std::any_of(c.dials.begin(), c.dials.end(),
                                     [](const auto& d) { return d->attempt.reached(); });
    // Who was reached answers when it looks, and may be busy for as long as it likes.
    if (reached || now < c.next_try) return;
    if (c.next_way < c.ways.size()) {
        if (c.dials.empty() || now - c.dialed > kNextWay) try_next_way(c);
        return;
    }
    if (!c.dials.empty() && now - c.broken_since < timeout_) return;
    drop_dials(c);
    const bool refused = c.established && c.error == ECONNREFUSED;
    if (now - c.broken_since > (refused ? std::min(kRefused, timeout_) : timeout_)) {
        return give_up(c, Status::peer_failed, "no connection to it: " + c.trouble);
    }
    c.next_way = 0;
    c.next_try = now + kAgain;
}

void Tcp::try_next_way(Connection& c) {
    if (c.session == 0) {
        const Nonce random = make_nonce();
        std::memcpy(&c.session, random.data(), sizeof c.session);
        c.session |= 1;
    }
    Hello hello;
    hello.from = info_.self;
    hello.to = c.peer;
    hello.session = c.session;
    c.dialed = Clock::now();
    auto dial = std::make_unique<Dial>(c, c.ways[c.next_way++], hello, timeout_);
    Dial& made = *dial;
    c.dials.push_back(std::move(dial));
    if (made.attempt.state() == Attempt::State::failed) return on_dial(made);
    watch(made.attempt.fd(), &made, EPOLLIN | EPOLLOUT);
}

void Tcp::drop_dials(Connection& c) {
    while (!c.dials.empty()) {
        Dial* dial = c.dials.back().get();
        (void)dial->attempt.take_socket();
        retire(&c.dials, dial, &old_dials_);
    }
}

void Tcp::on_dial(Dial& dial) {
    Connection& c = dial.connection;
    Attempt& attempt = dial.attempt;
    const bool was_reached = attempt.reached();
    if (attempt.fd() >= 0) attempt.advance(secret(), c.in.received());
    switch (attempt.state()) {
        case Attempt::State::connecting:
        case Attempt::State::challenged:
            if (attempt.reached() && !was_reached) watch(attempt.fd(), &dial, EPOLLIN);
            // One claim is enough.
            if (attempt.state() == Attempt::State::challenged && c.dials.size() > 1) {
                std::vector<std::unique_ptr<Dial>> all = std::exchange(c.dials, {});
                for (auto& other : all) {
                    if (other.get() == &dial) {
                        c.dials.push_back(std::move(other));
                    } else {
                        (void)other->attempt.take_socket();
                        old_dials_.push_back(std::move(other));
                    }
                }
            }
            return;
        case Attempt::State::failed:
            c.trouble = attempt.why();
            c.error = attempt.error();
            // It had time to answer: the time that counts begins now.
            if (was_reached) c.broken_since = Clock::now();
            retire(&c.dials, &dial, &old_dials_);
            return;
        case Attempt::State::answered: break;
    }
    const Answer answer = attempt.answer();
    Socket socket = attempt.take_socket();
    drop_dials(c);
    switch (answer.verdict) {
        case Verdict::accepted: return establish(c, std::move(socket), answer.received, true);
        case Verdict::crossed: c.next_try = Clock::now() + kPatience; return;
        default: return give_up(c, Status::corrupt, "it does not know of the connection any more");
    }
}

// --- guests --------------------------------------------------------------------------------------

void Tcp::accept_guests(Listener& listener) {
    for (int i = 0; i < kMostAccepted; ++i) {
        const int fd =
            ::accept4(listener.socket.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return;
        prepare_socket(fd, timeout_);
        visitors_.push_back(std::make_unique<Visitor>(fd));
        watch(fd, visitors_.back().get(), EPOLLIN);
        if (visitors_.size() > kMostVisitors) {
            ++strangers_;
            Visitor* oldest = visitors_.front().get();
            (void)oldest->guest.take_socket();
            retire(&visitors_, oldest, &old_visitors_);
        }
    }
}

void Tcp::on_guest(Visitor& visitor) {
    Guest& guest = visitor.guest;
    if (guest.fd() < 0) return;
    guest.advance(secret(), info_.self, info_.size);
    if (guest.state() == Guest::State::greeting || guest.state() == Guest::State::claiming) return;
    if (guest.state() == Guest::State::known) {
        welcome(guest);
    } else {
        ++strangers_;
    }
    (void)guest.take_socket();
    retire(&visitors_, &visitor, &old_visitors_);
}

/// It has shown that it is of the job.
void Tcp::welcome(Guest& guest) {
    const adi::Peer peer = guest.hello().from;
    Connection& c = connection_to(peer);
    if (c.dead) return;
    Verdict verdict = Verdict::accepted;
    if (!c.dials.empty() && info_.self < peer) {
        verdict = Verdict::crossed;
    } else if (c.established && c.session != guest.hello().session) {
        verdict = Verdict::unknown;
    }
    if (!guest.answer(secret(), verdict, c.in.received()) || verdict != Verdict::accepted) return;
    c.session = guest.hello().session;
    const std::uint64_t received = guest.received();
    drop_dials(c);
    establish(c, guest.take_socket(), received, false);
}

// --- from then on --------------------------------------------------------------------------------

void Tcp::establish(Connection& c, Socket socket, std::uint64_t received, bool mine) {
    if (!c.out.rewind(received)) {
        return give_up(c, Status::corrupt, "it has had more than was sent");
    }
    if (c.wanted) --tending_;
    if (!c.socket) ++sockets_;
    c.wanted = false;
    c.established = true;
    c.mine = mine;
    c.next_way = 0;
    c.socket = std::move(socket);
    c.writes_watched = false;
    watch(c.socket.get(), &c, EPOLLIN);
    if (verbose_) say_way(c);
    must_look_ = true;
    flush(c);
}

void Tcp::on_broken(Connection& c, const std::string& why) {
    if (c.socket) --sockets_;
    c.socket.close();
    c.writes_watched = false;
    if (c.dead || c.in.left()) return;
    c.trouble = why;
    c.error = 0;
    want(c);
    if (!c.mine) c.next_try = Clock::now() + kPatience;
}

void Tcp::break_connection(adi::Peer peer) {
    Connection& c = *connections_[peer];
    if (!c.socket) return;
    const linger none{1, 0};
    ::setsockopt(c.socket.get(), SOL_SOCKET, SO_LINGER, &none, sizeof none);
    on_broken(c, "it was broken for a test");
}

void Tcp::give_up(Connection& c, Status why, const std::string& what) {
    if (c.dead) return;
    if (c.wanted) --tending_;
    if (c.socket) --sockets_;
    c.socket.close();
    drop_dials(c);
    c.wanted = false;
    c.dead = true;
    faults_.push_back(
        {c.peer, why,
         "tcp: host " + (c.card.host.empty() ? "unknown" : c.card.host) + ": " + what});
}

void Tcp::say_way(const Connection& c) const {
    Address here, there;
    socklen_t size = sizeof here.storage;
    ::getsockname(c.socket.get(), reinterpret_cast<sockaddr*>(&here.storage), &size);
    size = sizeof there.storage;
    ::getpeername(c.socket.get(), reinterpret_cast<sockaddr*>(&there.storage), &size);
    say("tcp to rank " + std::to_string(c.peer) + " by " + here.text() + " - " + there.text());
}

void Tcp::say(const std::string& text) const {
    const std::string line = "fathom: rank " + std::to_string(info_.self) + ": " + text + '\n';
    (void)!::write(STDERR_FILENO, line.data(), line.size());
}

void Tcp::on_way_event(Watched* watched) {
    std::uint64_t count = 0;
    switch (watched->kind) {
        case Watched::Kind::waker: (void)!::read(waker_.get(), &count, sizeof count); break;
        case Watched::Kind::timer:
            (void)!::read(timer_.get(), &count, sizeof count);
            next_tend_ = {};
            break;
        case Watched::Kind::listener: accept_guests(*static_cast<Listener*>(watched)); break;
        case Watched::Kind::guest: on_guest(*static_cast<Visitor*>(watched)); break;
        case Watched::Kind::attempt: on_dial(*static_cast<Dial*>(watched)); break;
        case Watched::Kind::connection: break;
    }
}

/// Connections come to be; what comes on them stays where it is.
void Tcp::serve_ways() {
    epoll_event events[64];
    const int count = ::epoll_wait(epoll_.get(), events, 64, 0);
    for (int i = 0; i < count; ++i) on_way_event(static_cast<Watched*>(events[i].data.ptr));
    tend();
}

/// While the process sleeps, what is not an event of a socket has to be seen to as well.
void Tcp::arm_timer() {
    itimerspec when = {};
    if (tending_ > 0) {
        when.it_value.tv_nsec = when.it_interval.tv_nsec =
            std::chrono::nanoseconds(kTendInterval).count();
    }
    ::timerfd_settime(timer_.get(), 0, &when, nullptr);
}

}  // namespace dev::tcp
