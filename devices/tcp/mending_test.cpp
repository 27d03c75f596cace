// Whole devices in one process, polled in turn: connections that cross, that break, that strangers
// make, and that nobody answers.
#include <gtest/gtest.h>
#include <poll.h>

#include <cstdlib>
#include <numeric>
#include <random>
#include <thread>

#include "devices/tcp/frames_fixture.hpp"
#include "devices/tcp/tcp.hpp"

namespace dev::tcp {
namespace {

using adi::Peer;
using adi::Status;
using testing::Bytes;
using testing::pattern;

constexpr std::uint32_t kPutBytes = 150'000;

/// Expects from each peer the messages 0, 1, 2 … of which `seed_of` and `length_of` know all.
struct Receiver final : adi::Sink {
    struct From {
        std::int32_t next = 0;
        std::deque<Bytes> coming;
    };
    explicit Receiver(Tcp& d, std::size_t peers) : device(d), from(peers) {}
    static unsigned seed_of(Peer from, std::int32_t tag) {
        return from * 1'000'003U + static_cast<unsigned>(tag);
    }
    static std::size_t length_of(Peer from, std::int32_t tag) {
        const unsigned x = seed_of(from, tag) * 2654435761U >> 8;
        return x % 5 == 0 ? x % 70'000 : x % 300;
    }
    void on_header(adi::ReceiveStream& stream) override {
        From& f = from[stream.peer];
        ASSERT_EQ(stream.header.tag, f.next) << "from " << stream.peer;
        ++f.next;
        Bytes& bytes = f.coming.emplace_back(stream.header.bytes);
        const Status s = device.receive(stream, adi::contiguous(bytes.data(), bytes.size()), 0,
                                        stream.header.bytes);
        if (s == Status::ok) on_received(stream);
    }
    void on_received(adi::ReceiveStream& stream) override {
        From& f = from[stream.peer];
        const auto seed = seed_of(stream.peer, stream.header.tag);
        ASSERT_EQ(f.coming.size(), 1U);
        ASSERT_EQ(f.coming.front(), pattern(length_of(stream.peer, stream.header.tag), seed));
        f.coming.pop_front();
        ++whole;
    }
    void on_put(void* token, Status status) override {
        ++*static_cast<int*>(token);
        EXPECT_EQ(status, put_status);
        EXPECT_TRUE(status == Status::ok || !faults.empty()) << "the cause comes first";
    }
    void on_fault(Peer, Status why, const char* what) override { faults.emplace_back(why, what); }
    Tcp& device;
    std::vector<From> from;
    std::size_t whole = 0;
    Status put_status = Status::ok;
    std::vector<std::pair<Status, std::string>> faults;
};

class TcpJob {
  public:
    explicit TcpJob(Peer ranks, std::vector<std::string> secrets = {}) {
        for (Peer p = 0; p < ranks; ++p) {
            adi::OpenInfo info;
            info.self = p;
            info.size = ranks;
            info.local.resize(ranks);
            std::iota(info.local.begin(), info.local.end(), 0U);
            info.chosen = true;
            const std::string secret = secrets.empty() ? std::string(64, '7') : secrets[p];
            info.secret = [secret] { return adi::Result<std::string>(secret); };
            info.card_of = [this](Peer q) { return adi::Result<std::string>(cards[q]); };
            devices.push_back(std::make_unique<Tcp>());
            std::string error;
            EXPECT_EQ(devices.back()->open(info, &error), Status::ok) << error;
            sinks.push_back(std::make_unique<Receiver>(*devices.back(), ranks));
            cards.push_back(devices.back()->address());
        }
    }
    void connect_all() {
        std::string error;
        for (Peer p = 0; p < devices.size(); ++p) {
            for (Peer q = 0; q < devices.size(); ++q) {
                EXPECT_EQ(devices[p]->connect(q, &error), Status::ok) << error;
            }
        }
    }
    void poll() {
        for (Peer p = 0; p < devices.size(); ++p) {
            if (devices[p] != nullptr) devices[p]->poll(*sinks[p], 16);
        }
    }
    template <class Done>
    bool poll_until(Done&& done) {
        const auto hopeless = Clock::now() + std::chrono::seconds(60);
        while (!done()) {
            for (int i = 0; i < 16; ++i) poll();
            if (Clock::now() > hopeless || ::testing::Test::HasFatalFailure()) return false;
            std::this_thread::yield();
        }
        return true;
    }
    /// The next message of `from` to `to`, by whichever way its length asks for.
    void send(Peer from, Peer to, std::int32_t tag) {
        Tcp& device = *devices[from];
        const Bytes bytes = pattern(Receiver::length_of(from, tag), Receiver::seed_of(from, tag));
        adi::Header header;
        header.tag = tag;
        header.bytes = static_cast<std::uint32_t>(bytes.size());
        const adi::Buffer buffer = adi::contiguous(bytes.data(), bytes.size());
        if (bytes.size() <= kShortBytes) {
            ASSERT_TRUE(
                poll_until([&] { return device.send_short(to, header, buffer) != Status::again; }));
            return;
        }
        adi::SendStream stream;
        ASSERT_EQ(device.begin(stream, to, header), Status::ok);
        std::uint64_t at = 0;
        ASSERT_TRUE(poll_until([&] {
            at += device.send_piece(stream, buffer, at, bytes.size() - at);
            return at == bytes.size();
        }));
        ASSERT_EQ(device.end(stream), Status::ok);
    }

    std::vector<std::unique_ptr<Tcp>> devices;
    std::vector<std::unique_ptr<Receiver>> sinks;
    std::vector<std::string> cards;
};

/// A put that is under way, and the two ends' memory.
struct Put {
    Put(Peer f, Peer t, unsigned seed) : from(f), to(t), source(pattern(kPutBytes, seed)) {}
    Peer from, to;
    Bytes source;
    Bytes target = Bytes(kPutBytes);
    adi::MemoryKey key;
    int done = 0;
};

TEST(Mending, EveryMessageOnceAndInOrderThoughConnectionsBreak) {
    constexpr Peer kRanks = 3;
    std::mt19937 random(11);
    TcpJob job(kRanks);
    job.connect_all();
    std::int32_t next[kRanks][kRanks] = {};
    std::size_t expected[kRanks] = {};
    std::deque<Put> puts;
    int breaks = 0;
    for (int i = 0; i < 6000 && !::testing::Test::HasFatalFailure(); ++i) {
        const Peer from = static_cast<Peer>(random() % kRanks);
        const Peer to = static_cast<Peer>((from + 1 + random() % (kRanks - 1)) % kRanks);
        job.send(from, to, next[from][to]++);
        ++expected[to];
        if (random() % 20 == 0) {
            Put& put = puts.emplace_back(from, to, static_cast<unsigned>(i));
            ASSERT_EQ(job.devices[to]->reg(put.target.data(), kPutBytes, from, &put.key),
                      Status::ok);
            ASSERT_TRUE(job.poll_until([&] {
                return job.devices[from]->put(to, put.source.data(), kPutBytes, put.key,
                                              &put.done) != Status::again;
            }));
        }
        if (random() % 4 == 0) job.poll();
        if (random() % 60 == 0) {
            job.devices[from]->break_connection(to);
            ++breaks;
        }
        while (!puts.empty() && puts.front().done > 0) {
            ASSERT_EQ(puts.front().target, puts.front().source);
            job.devices[puts.front().to]->dereg(puts.front().key);
            puts.pop_front();
        }
    }
    ASSERT_TRUE(job.poll_until([&] {
        for (Peer p = 0; p < kRanks; ++p) {
            if (job.sinks[p]->whole < expected[p]) return false;
        }
        return std::all_of(puts.begin(), puts.end(), [](const Put& p) { return p.done > 0; });
    }));
    for (int i = 0; i < 50; ++i) job.poll();
    for (const Put& put : puts) {
        EXPECT_EQ(put.target, put.source);
        EXPECT_EQ(put.done, 1);
    }
    for (Peer p = 0; p < kRanks; ++p) {
        EXPECT_EQ(job.sinks[p]->whole, expected[p]);
        EXPECT_TRUE(job.sinks[p]->faults.empty()) << job.sinks[p]->faults[0].second;
    }
    EXPECT_GT(breaks, 50);
}

// A put that is the last thing said: its acknowledgement may be known from the mending alone.
TEST(Mending, APutIsReportedThoughNothingFollows) {
    for (unsigned polls = 0; polls < 60; ++polls) {
        TcpJob job(2);
        Put put(0, 1, polls);
        job.connect_all();
        ASSERT_EQ(job.devices[1]->reg(put.target.data(), kPutBytes, 0, &put.key), Status::ok);
        ASSERT_EQ(job.devices[0]->put(1, put.source.data(), kPutBytes, put.key, &put.done),
                  Status::ok);
        for (unsigned i = 0; i < polls; ++i) job.poll();
        job.devices[polls % 2]->break_connection(1 - polls % 2);
        ASSERT_TRUE(job.poll_until([&] { return put.done > 0; })) << polls;
        EXPECT_EQ(put.target, put.source);
    }
}

TEST(Mending, BothConnectAtOnce) {
    for (int round = 0; round < 30; ++round) {
        TcpJob job(2);
        job.connect_all();
        for (std::int32_t tag = 0; tag < 20; ++tag) {
            job.send(0, 1, tag);
            job.send(1, 0, tag);
            if (round % 3 == 0) job.devices[tag % 2]->poll(*job.sinks[tag % 2], 16);
        }
        ASSERT_TRUE(
            job.poll_until([&] { return job.sinks[0]->whole == 20 && job.sinks[1]->whole == 20; }));
        EXPECT_TRUE(job.sinks[0]->faults.empty() && job.sinks[1]->faults.empty());
    }
}

// Epoll is not told of the packets of the one that talks: it is again when that matters.
TEST(Mending, WhoTalkedAloneEndsTheSleepAndMakesRoomForOthers) {
    TcpJob job(3);
    job.connect_all();
    const auto talk = [&](Peer from, std::int32_t begin, std::int32_t end) {
        for (std::int32_t tag = begin; tag < end; ++tag) {
            const std::size_t whole = job.sinks[2]->whole;
            job.send(from, 2, tag);
            ASSERT_TRUE(job.poll_until([&] { return job.sinks[2]->whole > whole; })) << tag;
        }
    };
    std::int32_t last = 300;
    while (Receiver::length_of(0, last) > kShortBytes) ++last;
    talk(0, 0, last);
    for (int i = 0; i < 100; ++i) job.poll();
    pollfd sleep{job.devices[2]->prepare_park(true).fd, POLLIN, 0};
    job.devices[2]->poll(*job.sinks[2], 16);
    job.send(0, 2, last);
    EXPECT_EQ(::poll(&sleep, 1, 20'000), 1);
    job.devices[2]->cancel_park();
    ASSERT_TRUE(
        job.poll_until([&] { return job.sinks[2]->whole > static_cast<std::size_t>(last); }));
    talk(0, last + 1, last + 200);
    talk(1, 0, 200);
    talk(0, last + 200, last + 210);
}

TEST(Mending, ManyPeersAtOnce) {
    constexpr Peer kRanks = 24;
    TcpJob job(kRanks);
    job.connect_all();
    for (std::int32_t tag = 0; tag < 3; ++tag) {
        for (Peer p = 0; p < kRanks; ++p) {
            for (Peer q = 0; q < kRanks; ++q) {
                if (p != q) job.send(p, q, tag);
            }
        }
    }
    ASSERT_TRUE(job.poll_until([&] {
        return std::all_of(job.sinks.begin(), job.sinks.end(),
                           [](const auto& s) { return s->whole == 3 * (kRanks - 1); });
    }));
    for (const auto& sink : job.sinks) EXPECT_TRUE(sink->faults.empty());
}

TEST(Mending, StrangersDoNoHarm) {
    TcpJob job(2);
    const Address address = Card::parse(job.cards[1])->addresses.at(0);
    std::vector<Socket> strangers;
    std::mt19937 random(5);
    for (int i = 0; i < 400; ++i) {
        Socket s(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
        ASSERT_EQ(::connect(s.get(), address.get(), address.size()), 0);
        std::string bytes(random() % 100, '\0');
        for (char& c : bytes) c = static_cast<char>(random());
        if (random() % 3 == 0)
            bytes = "GET / HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\n\r\n";
        if (random() % 3 != 0) (void)!::send(s.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (random() % 2 == 0) strangers.push_back(std::move(s));
        job.poll();
    }
    job.connect_all();
    for (std::int32_t tag = 0; tag < 50; ++tag) job.send(0, 1, tag);
    ASSERT_TRUE(job.poll_until([&] { return job.sinks[1]->whole == 50; }));
    EXPECT_GT(job.devices[1]->strangers(), 100U);
    EXPECT_TRUE(job.sinks[0]->faults.empty() && job.sinks[1]->faults.empty());
}

/// With one second instead of twenty.
class Lost : public ::testing::Test {
  protected:
    Lost() { ::setenv("FATHOM_TCP_TIMEOUT", "1", 1); }
    ~Lost() override { ::unsetenv("FATHOM_TCP_TIMEOUT"); }
};

TEST_F(Lost, WhoIsGoneIsNamed) {
    TcpJob job(2);
    Put put(0, 1, 1);
    job.connect_all();
    job.send(0, 1, 0);
    ASSERT_TRUE(job.poll_until([&] { return job.sinks[1]->whole == 1; }));
    job.sinks[0]->put_status = Status::peer_failed;
    ASSERT_EQ(job.devices[1]->reg(put.target.data(), kPutBytes, 0, &put.key), Status::ok);
    job.devices[1]->break_connection(0);
    job.devices[1].reset();
    ASSERT_EQ(job.devices[0]->put(1, put.source.data(), kPutBytes, put.key, &put.done), Status::ok);
    ASSERT_TRUE(job.poll_until([&] { return !job.sinks[0]->faults.empty() && put.done > 0; }));
    const auto& [why, what] = job.sinks[0]->faults[0];
    EXPECT_EQ(why, Status::peer_failed);
    EXPECT_NE(what.find("Connection refused"), std::string::npos) << what;
    EXPECT_NE(what.find(Card::parse(job.cards[1])->addresses[0].text()), std::string::npos) << what;
    EXPECT_NE(what.find("host " + Card::parse(job.cards[1])->host), std::string::npos) << what;
    EXPECT_EQ(job.devices[0]->send_short(1, {}, {}), Status::peer_failed);
}

TEST_F(Lost, WhoHasAnotherSecretIsNoPeer) {
    TcpJob job(2, {std::string(64, 'a'), std::string(64, 'b')});
    job.connect_all();
    ASSERT_TRUE(job.poll_until(
        [&] { return !job.sinks[0]->faults.empty() && !job.sinks[1]->faults.empty(); }));
    for (const auto& sink : job.sinks) {
        EXPECT_EQ(sink->faults[0].first, Status::peer_failed);
        EXPECT_NE(sink->faults[0].second.find("another job"), std::string::npos)
            << sink->faults[0].second;
    }
}

TEST_F(Lost, WhoIsBusyIsWaitedFor) {
    TcpJob job(2);
    std::string error;
    ASSERT_EQ(job.devices[0]->connect(1, &error), Status::ok) << error;
    for (std::int32_t tag = 0; tag < 5; ++tag) job.send(0, 1, tag);
    const auto until = Clock::now() + std::chrono::milliseconds(2500);
    while (Clock::now() < until) job.devices[0]->poll(*job.sinks[0], 16);
    EXPECT_TRUE(job.sinks[0]->faults.empty());
    ASSERT_TRUE(job.poll_until([&] { return job.sinks[1]->whole == 5; }));
}

TEST_F(Lost, WhoWasAwayItselfGivesNobodyUp) {
    TcpJob job(2);
    std::string error;
    ASSERT_EQ(job.devices[0]->connect(1, &error), Status::ok) << error;
    job.send(0, 1, 0);
    std::this_thread::sleep_for(std::chrono::milliseconds(1500));
    job.devices[0]->poll(*job.sinks[0], 16);
    std::this_thread::sleep_for(std::chrono::milliseconds(1500));
    ASSERT_TRUE(job.poll_until([&] { return job.sinks[1]->whole == 1; }));
    EXPECT_TRUE(job.sinks[0]->faults.empty());
}

}  // namespace
}  // namespace dev::tcp
