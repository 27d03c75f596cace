// Simulated jobs: what messages cost, their order, and that a run can be repeated.
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <numeric>
#include <random>
#include <vector>

#include "adi/testing/sim_job.hpp"

namespace adi::testing {
namespace {

constexpr LogGP kHost{300'000, 100'000, 10'000, 50};
constexpr LogGP kNetwork{5'000'000, 700'000, 40'000, 800};
constexpr SimModel kModel{kHost, kNetwork};

SimTime one_way(const LogGP& c, std::uint64_t bytes) {
    const auto rest = static_cast<SimTime>(bytes > 1 ? bytes - 1 : 0);
    return c.overhead + c.latency + rest * c.byte + c.overhead;
}

/// A job with the engines of its ranks.
struct Engines {
    Engines(const std::vector<Peer>& hosts, const SimModel& model) : job(hosts, model) {
        for (Peer rank = 0; rank < job.size(); ++rank) {
            engines.push_back(std::make_unique<Engine>());
            std::string error;
            EXPECT_EQ(job.start(*engines[rank], rank, {}, &error), Status::ok) << error;
        }
    }
    void send(Peer from, Peer to, int tag, const void* data, std::size_t bytes) {
        const Match match{0, static_cast<int>(from), tag};
        // Engines only read what they send.
        EXPECT_EQ(engines[from]->send(to, match, contiguous(const_cast<void*>(data), bytes)),
                  Status::ok);
    }
    /// Returns the source.
    int receive(Peer at, int from, int tag, void* data, std::size_t bytes) {
        Request r;
        engines[at]->irecv(r, {0, from, tag}, contiguous(data, bytes));
        engines[at]->wait(r);
        EXPECT_EQ(r.status, Status::ok);
        EXPECT_EQ(r.received_bytes, bytes);
        return r.source;
    }
    SimJob job;
    std::vector<std::unique_ptr<Engine>> engines;
};

/// Ten round trips between ranks 0 and 1; returns when rank 0 has the last answer.
SimTime ping_pong(const std::vector<Peer>& hosts, std::size_t bytes) {
    Engines e(hosts, kModel);
    std::vector<unsigned char> out(bytes), in(bytes);
    std::iota(out.begin(), out.end(), static_cast<unsigned char>(1));
    const bool ended = e.job.run([&](Peer rank) {
        std::vector<unsigned char> back(bytes);
        for (int i = 0; i < 10; ++i) {
            if (rank == 0) {
                e.send(0, 1, i, out.data(), bytes);
                e.receive(0, 1, i, in.data(), bytes);
            } else {
                e.receive(1, 0, i, back.data(), bytes);
                e.send(1, 0, i, back.data(), bytes);
            }
        }
    });
    EXPECT_TRUE(ended) << e.job.why();
    EXPECT_EQ(in, out);
    return e.job.now(0);
}

TEST(Sim, AnEagerPingPongTakesWhatLogGPSays) {
    for (const std::size_t bytes : {0UL, 1UL, 8UL, 1024UL, 1025UL, 65536UL}) {
        EXPECT_EQ(ping_pong({2}, bytes), 20 * one_way(kHost, bytes)) << bytes;
        EXPECT_EQ(ping_pong({1, 1}, bytes), 20 * one_way(kNetwork, bytes)) << bytes;
    }
}

TEST(Sim, ALongMessageIsAnnouncedAndAskedFor) {
    constexpr std::size_t kBytes = 100'000;
    const SimTime once = one_way(kNetwork, sizeof(RtsPayload)) +
                         one_way(kNetwork, sizeof(CtsPayload)) + one_way(kNetwork, kBytes);
    EXPECT_EQ(ping_pong({1, 1}, kBytes), 20 * once);
}

TEST(Sim, ALinkCarriesOneMessageAtATime) {
    // What the sender's work does not hide: 8000 bytes take the link longer.
    constexpr std::size_t kBytes = 8001;
    constexpr int kMessages = 5;
    Engines e({1, 1}, kModel);
    std::vector<char> data(kBytes);
    ASSERT_TRUE(e.job.run([&](Peer rank) {
        for (int i = 0; i < kMessages; ++i) {
            if (rank == 0) e.send(0, 1, 0, data.data(), kBytes);
            if (rank == 1) e.receive(1, 0, 0, data.data(), kBytes);
        }
    }));
    const SimTime each = kNetwork.gap + 8000 * kNetwork.byte;
    ASSERT_GT(each, kNetwork.overhead);
    EXPECT_EQ(e.job.now(0), kMessages * kNetwork.overhead) << "the sender waits for no link";
    EXPECT_EQ(e.job.now(1), one_way(kNetwork, kBytes) + (kMessages - 1) * each);
    EXPECT_EQ(e.job.messages(), kMessages);
}

/// Two senders and two receivers; returns when the last one has its message.
SimTime two_pairs(const std::vector<Peer>& hosts) {
    constexpr std::size_t kBytes = 8001;
    Engines e(hosts, kModel);
    std::vector<char> data(kBytes);
    EXPECT_TRUE(e.job.run([&](Peer rank) {
        if (rank < 2) e.send(rank, rank + 2, 0, data.data(), kBytes);
        if (rank >= 2) e.receive(rank, static_cast<int>(rank) - 2, 0, data.data(), kBytes);
    }));
    return e.job.end();
}

TEST(Sim, RanksOfAHostShareItsLink) {
    EXPECT_EQ(two_pairs({1, 1, 1, 1}), one_way(kNetwork, 8001));
    EXPECT_EQ(two_pairs({2, 2}), one_way(kNetwork, 8001) + kNetwork.gap + 8000 * kNetwork.byte);
    EXPECT_EQ(two_pairs({1, 1, 2}), two_pairs({2, 2})) << "the receivers' link is one, too";
    EXPECT_EQ(two_pairs({4}), one_way(kHost, 8001)) << "in a host ranks have links of their own";
}

TEST(Sim, AClockStandsStillForARankThatOnlyComputes) {
    Engines e({3}, kModel);
    ASSERT_TRUE(e.job.run([&](Peer rank) {
        char byte = 0;
        if (rank == 1) e.send(1, 2, 0, &byte, 1);
        if (rank == 2) e.receive(2, 1, 0, &byte, 1);
    }));
    EXPECT_EQ(e.job.now(0), 0);
    EXPECT_EQ(e.engines[2]->clock_ns(), one_way(kHost, 1) / 1000);
    EXPECT_EQ(e.job.end(), e.job.now(2));
}

TEST(Sim, EveryRunBeginsAtZero) {
    Engines e({1, 1}, kModel);
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(e.job.run([&](Peer rank) {
            int value = 7;
            if (rank == 0) e.send(0, 1, 0, &value, sizeof value);
            if (rank == 1) e.receive(1, 0, 0, &value, sizeof value);
        }));
        EXPECT_EQ(e.job.end(), one_way(kNetwork, sizeof(int)));
    }
}

TEST(Sim, RanksKnowTheirHostOrDoNot) {
    Engines known({2, 3}, kModel);
    SimModel model = kModel;
    model.hosts_known = false;
    Engines unknown({2, 3}, model);
    for (Peer peer = 0; peer < 5; ++peer) {
        EXPECT_EQ(known.engines[3]->mappable(peer), peer >= 2) << peer;
        EXPECT_EQ(unknown.engines[3]->mappable(peer), peer == 3) << peer;
    }
}

/// What every rank saw, in order, of a run in which all send to all at random; and when it ended.
struct Seen {
    std::vector<std::vector<std::pair<int, unsigned>>> messages;
    std::vector<SimTime> ends;
    bool operator==(const Seen&) const = default;
};

Seen random_run(unsigned seed) {
    constexpr unsigned kEach = 20;
    const std::vector<Peer> hosts{3, 1, 4, 2};
    Engines e(hosts, kModel);
    const Peer size = e.job.size();
    Seen seen{std::vector<std::vector<std::pair<int, unsigned>>>(size), {}};
    EXPECT_TRUE(e.job.run([&](Peer rank) {
        std::mt19937 random(seed + rank);
        std::vector<std::vector<unsigned>> data(size * kEach, std::vector<unsigned>(100'000 / 4));
        std::vector<Request> sends(size * kEach);
        for (unsigned i = 0; i < sends.size(); ++i) {
            const Peer to = i % size;
            data[i][0] = i / size;
            const std::size_t bytes = 4 + random() % 400 * (random() % 8 == 0 ? 1000 : 1) / 4 * 4;
            e.engines[rank]->isend(
                sends[i], to, {0, static_cast<int>(rank), 0},
                contiguous(data[i].data(), std::min<std::size_t>(bytes, 100'000)), false);
        }
        std::vector<unsigned> in(100'000 / 4);
        for (unsigned i = 0; i < size * kEach; ++i) {
            Request r;
            e.engines[rank]->irecv(r, {0, kAnySource, kAnyTag},
                                   contiguous(in.data(), in.size() * 4));
            e.engines[rank]->wait(r);
            seen.messages[rank].push_back({r.source, in[0]});
        }
        e.engines[rank]->wait(std::span<Request>(sends));
    })) << e.job.why();
    for (Peer rank = 0; rank < size; ++rank) seen.ends.push_back(e.job.now(rank));
    return seen;
}

TEST(Sim, MessagesOfAPairKeepTheirOrder) {
    const Seen seen = random_run(1);
    for (const auto& messages : seen.messages) {
        std::vector<unsigned> next(seen.messages.size());
        for (const auto& [source, number] : messages) {
            EXPECT_EQ(number, next[static_cast<std::size_t>(source)]++);
        }
    }
}

TEST(Sim, ARunCanBeRepeated) {
    EXPECT_EQ(random_run(2), random_run(2));
    EXPECT_NE(random_run(2), random_run(3));
}

TEST(Sim, WhoWaitsForEverIsNamed) {
    Engines e({2, 2}, kModel);
    EXPECT_FALSE(e.job.run([&](Peer rank) {
        char byte = 0;
        if (rank == 2) e.receive(2, 0, 0, &byte, 1);
    }));
    EXPECT_EQ(e.job.why(), "1 of 4 ranks wait for ever; ranks 2");
}

TEST(Sim, ThousandsOfRanks) {
    // Around a ring, which must be as long as its ways are.
    const std::vector<Peer> hosts(128, 32);
    Engines e(hosts, kModel);
    const Peer size = e.job.size();
    unsigned sum = 0;
    ASSERT_TRUE(e.job.run([&](Peer rank) {
        unsigned value = 0;
        if (rank != 0) e.receive(rank, static_cast<int>(rank) - 1, 0, &value, sizeof value);
        value += rank;
        e.send(rank, (rank + 1) % size, 0, &value, sizeof value);
        if (rank == 0) e.receive(0, static_cast<int>(size) - 1, 0, &sum, sizeof sum);
    }));
    EXPECT_EQ(sum, size * (size - 1) / 2);
    EXPECT_EQ(e.job.end(), (size - 128) * one_way(kHost, 4) + 128 * one_way(kNetwork, 4));
}

}  // namespace
}  // namespace adi::testing
