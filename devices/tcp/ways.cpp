// How connections come to be, break, and are mended.
//
// Who wants to send connects, to one address of the peer after the other; an address that does not
// answer soon is not waited for before the next is tried. When both sides connect at once, the
// lower rank's claim counts. A connection that breaks is made anew by the side that made it, or
// after a while by the other; each tells how much it has had, and sends what the other has not.
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "adi/base/config.hpp"
#include "devices/tcp/greeting.hpp"
#include "devices/tcp/tcp.hpp"

namespace dev::tcp {

using adi::Status;

namespace {

using std::chrono::milliseconds;

/// An address that has not answered after this long is joined by the next one.
constexpr milliseconds kNextWay{250};
/// From the end of a round over all addresses to the next one.
constexpr milliseconds kAgain{100};
/// An address that has not answered after this long is tried anew in the next round: the kernel
/// repeats its request at longer and longer intervals.
constexpr milliseconds kStale{3000};
/// For so long the side that did not connect waits for the one that did.
constexpr milliseconds kPatience{1000};
/// A host that answers, but where nobody listens any more, has lost the process.
constexpr milliseconds kRefused{2000};
/// After so long the peer is asked to connect: it may be that only it can.
constexpr milliseconds kInvite{500};
constexpr milliseconds kTendInterval{10};
/// Between two looks more time than this is this process's own absence, not the peer's.
constexpr milliseconds kMostStep{500};
constexpr std::size_t kMostVisitors = 128;  ///< and one for each rank
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
    if (tending_++ == 0) last_tend_ = Clock::now();
    c.next_try = Clock::now();
    c.next_way = 0;
    c.sought = {};
    c.invited = false;
    next_tend_ = {};
    pause_.end();
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
            const auto step = std::min<Clock::duration>(now - last_tend_, kMostStep);
            last_tend_ = now;
            next_tend_ = now + kTendInterval;
            for (Connection* c : open_) {
                if (c->wanted) tend(*c, now, step);
            }
            while (!visitors_.empty() && now - visitors_.front()->guest.since() > kVisit) {
                drop_guest(*visitors_.front());
            }
        }
    }
    old_dials_.clear();
    old_visitors_.clear();
}

void Tcp::tend(Connection& c, Clock::time_point now, Clock::duration step) {
    const auto any = [&c](auto&& f) {
        return std::any_of(c.dials.begin(), c.dials.end(), [&](const auto& d) { return f(*d); });
    };
    // Who was reached answers when it looks, and may be busy for as long as it likes. But it may be
    // somebody else: other addresses are tried beside it.
    const bool reached = any([](const Dial& d) { return d.attempt.reached(); });
    if (!reached) c.sought += step;
    const bool claimed =
        any([](const Dial& d) { return d.attempt.state() == Attempt::State::challenged; });
    if (claimed || now < c.next_try) return;
    if (c.next_way < c.ways.size()) {
        if (c.dials.empty() || now - c.dialed > kNextWay) try_next_way(c);
        return;
    }
    if (!reached) {
        const bool gone = c.met < c.ways.size() && c.ways[c.met].refused;
        if (c.sought > (gone ? std::min(kRefused, timeout_) : timeout_)) {
            return give_up(c, Status::peer_failed, what_was_tried(c));
        }
        if (c.sought > kInvite && !std::exchange(c.invited, true) && info_.invite) {
            info_.invite(c.peer);
        }
    }
    for (std::size_t i = c.dials.size(); i-- > 0;) {
        Dial& dial = *c.dials[i];
        if (!dial.attempt.reached() && now - dial.since > kStale) drop_dial(dial);
    }
    c.next_way = 0;
    c.next_try = now + kAgain;
}

/// Passes those that are being tried.
void Tcp::try_next_way(Connection& c) {
    const auto trying = [&c](std::size_t way) {
        return std::any_of(c.dials.begin(), c.dials.end(),
                           [&](const auto& d) { return d->way == way; });
    };
    while (c.next_way < c.ways.size() && trying(c.next_way)) ++c.next_way;
    if (c.next_way == c.ways.size()) return;
    Hello hello;
    hello.from = info_.self;
    hello.to = c.peer;
    hello.process = process_;
    c.dialed = Clock::now();
    const std::size_t way = c.next_way++;
    auto dial = std::make_unique<Dial>(c, way, c.ways[way].address, hello, timeout_);
    Dial& made = *dial;
    c.dials.push_back(std::move(dial));
    if (made.attempt.state() == Attempt::State::failed) return on_dial(made);
    watch(made.attempt.fd(), &made, EPOLLIN | EPOLLOUT);
}

void Tcp::drop_dial(Dial& dial) {
    drop(dial.attempt.take_socket());
    retire(&dial.connection.dials, &dial, &old_dials_);
}

void Tcp::drop_dials(Connection& c, const Dial* but) {
    for (std::size_t i = c.dials.size(); i-- > 0;) {
        if (c.dials[i].get() != but) drop_dial(*c.dials[i]);
    }
}

void Tcp::on_dial(Dial& dial) {
    Connection& c = dial.connection;
    Attempt& attempt = dial.attempt;
    const bool was_reached = attempt.reached();
    if (attempt.state() != Attempt::State::failed) {
        // An event of one that was dropped meanwhile.
        if (attempt.fd() < 0) return;
        attempt.advance(secret(), c.in.received());
    }
    switch (attempt.state()) {
        case Attempt::State::connecting:
            if (attempt.reached() && !was_reached) watch(attempt.fd(), &dial, EPOLLIN);
            return;
        case Attempt::State::challenged:
            watch(attempt.fd(), &dial, EPOLLIN);
            // One claim is enough.
            return drop_dials(c, &dial);
        case Attempt::State::failed:
            c.ways[dial.way].trouble = attempt.why();
            c.ways[dial.way].refused = attempt.error() == ECONNREFUSED;
            return drop_dial(dial);
        case Attempt::State::answered: return on_answer(dial);
    }
}

void Tcp::on_answer(Dial& dial) {
    Connection& c = dial.connection;
    const Answer answer = dial.attempt.answer();
    if (answer.verdict == Verdict::crossed) {
        drop_dials(c);
        c.next_try = Clock::now() + kPatience;
        return;
    }
    if (answer.verdict == Verdict::unknown || (c.process != 0 && c.process != answer.process)) {
        return give_up(c, Status::corrupt, "another process has taken its place");
    }
    c.process = answer.process;
    Socket socket = dial.attempt.take_socket();
    drop_dials(c);
    establish(c, std::move(socket), answer.received, true);
}

// --- guests --------------------------------------------------------------------------------------

void Tcp::accept_guests(Listener& listener) {
    for (int i = 0; i < kMostAccepted; ++i) {
        const int fd =
            ::accept4(listener.socket.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if ((errno == EMFILE || errno == ENFILE) &&
                !std::exchange(short_of_descriptors_, true)) {
                say("tcp has no descriptor left for a connection to it; raise the limit (ulimit "
                    "-n)");
            }
            return;
        }
        prepare_socket(fd, timeout_);
        visitors_.push_back(std::make_unique<Visitor>(fd));
        watch(fd, visitors_.back().get(), EPOLLIN);
        if (visitors_.size() > kMostVisitors + info_.size) drop_guest(*visitors_.front());
    }
}

void Tcp::drop_guest(Visitor& visitor) {
    ++strangers_;
    drop(visitor.guest.take_socket());
    retire(&visitors_, &visitor, &old_visitors_);
}

/// What a peer began before there was a connection, it has given up: where both claimed one, the
/// other's claim may still come in, and must not replace it.
void Tcp::drop_guests_of(adi::Peer peer) {
    for (std::size_t i = visitors_.size(); i-- > 0;) {
        Guest& guest = visitors_[i]->guest;
        if (guest.state() != Guest::State::claiming || guest.hello().from != peer) continue;
        drop(guest.take_socket());
        retire(&visitors_, visitors_[i].get(), &old_visitors_);
    }
}

void Tcp::on_guest(Visitor& visitor) {
    Guest& guest = visitor.guest;
    // An event of one that was dropped meanwhile.
    if (guest.fd() < 0) return;
    guest.advance(secret(), info_.self, info_.size);
    switch (guest.state()) {
        case Guest::State::greeting:
        case Guest::State::claiming: return;
        case Guest::State::refused: return drop_guest(visitor);
        case Guest::State::known: break;
    }
    welcome(guest);
    drop(guest.take_socket());
    retire(&visitors_, &visitor, &old_visitors_);
}

/// It has shown that it is of the job.
void Tcp::welcome(Guest& guest) {
    const Hello& hello = guest.hello();
    Connection& c = connection_to(hello.from);
    // It had less before than it has said in the meantime: this was begun long ago, and given up.
    if (c.dead || guest.received() < c.out.acknowledged()) return;
    const bool claimed = std::any_of(c.dials.begin(), c.dials.end(), [](const auto& dial) {
        return dial->attempt.state() == Attempt::State::challenged;
    });
    Verdict verdict = Verdict::accepted;
    if (claimed && info_.self < hello.from) {
        verdict = Verdict::crossed;
    } else if (c.process != 0 && c.process != hello.process) {
        verdict = Verdict::unknown;
    }
    if (!guest.answer(secret(), verdict, process_, c.in.received())) return;
    if (verdict != Verdict::accepted) return;
    c.process = hello.process;
    drop_dials(c);
    establish(c, guest.take_socket(), guest.received(), false);
}

// --- from then on --------------------------------------------------------------------------------

void Tcp::establish(Connection& c, Socket socket, std::uint64_t received, bool mine) {
    if (c.wanted) --tending_;
    if (c.socket) --sockets_;
    c.wanted = false;
    drop(std::move(c.socket));
    if (!c.out.rewind(received)) {
        drop(std::move(socket));
        return give_up(c, Status::corrupt, "it has had other bytes than were sent");
    }
    take_done_puts(c);
    ++sockets_;
    c.mine = mine;
    c.socket = std::move(socket);
    c.writes_watched = false;
    for (Way& way : c.ways) way = {way.address, {}, false};
    watch(c);
    drop_guests_of(c.peer);
    if (adi::verbose()) say_way(c);
    bound_send_buffer(c.socket.get());
    pause_.end();
    flush(c);
}

void Tcp::on_broken(Connection& c, const std::string& why) {
    if (c.socket) --sockets_;
    drop(std::move(c.socket));
    c.writes_watched = false;
    if (c.dead || c.in.left()) return;
    c.trouble = why;
    want(c);
    if (!c.mine) c.next_try = Clock::now() + kPatience;
}

void Tcp::break_connection(adi::Peer peer) {
    Connection* c = connections_[peer].get();
    if (c == nullptr || !c->socket) return;
    const linger none{1, 0};
    ::setsockopt(c->socket.get(), SOL_SOCKET, SO_LINGER, &none, sizeof none);
    on_broken(*c, "it was broken for a test");
}

void Tcp::give_up(Connection& c, Status why, const std::string& what) {
    if (c.dead) return;
    if (c.wanted) --tending_;
    if (c.socket) --sockets_;
    drop(std::move(c.socket));
    drop_dials(c);
    c.wanted = false;
    c.dead = true;
    while (void* token = c.out.take_any()) reports_.add_put(token, why);
    reports_.add_fault(c.peer, why, "tcp: host " + c.host + ": " + what);
    pause_.end();
}

std::string Tcp::what_was_tried(const Connection& c) const {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(c.sought).count();
    std::string text = c.trouble.empty() ? "" : "the connection broke (" + c.trouble + "), and ";
    text += "no address could be connected to for " + std::to_string(seconds) + " s:";
    for (std::size_t i = 0; i < c.ways.size(); ++i) {
        const auto dial = std::find_if(c.dials.begin(), c.dials.end(),
                                       [&](const auto& d) { return d->way == i; });
        const std::string& trouble = c.ways[i].trouble;
        text += (i == 0 ? " " : ", ") + c.ways[i].address.text() + " (";
        text += dial != c.dials.end() || trouble.empty() ? "no answer" : trouble;
        text += ')';
    }
    return text;
}

void Tcp::on_way_event(Watched* watched) {
    switch (watched->kind) {
        case Watched::Kind::waker: fds_.clear_waker(); break;
        case Watched::Kind::timer:
            fds_.clear_timer();
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
    const int count = ::epoll_wait(fds_.epoll(), events, 64, 0);
    for (int i = 0; i < count; ++i) on_way_event(static_cast<Watched*>(events[i].data.ptr));
    tend();
}

/// While the process sleeps, what is not an event of a socket has to be seen to as well.
void Tcp::arm_timer() {
    const bool needed = tending_ > 0;
    if (needed == timer_armed_) return;
    timer_armed_ = needed;
    itimerspec when = {};
    if (needed) {
        when.it_value.tv_nsec = when.it_interval.tv_nsec =
            std::chrono::nanoseconds(kTendInterval).count();
    }
    fds_.set_timer(when);
}

}  // namespace dev::tcp
