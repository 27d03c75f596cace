// The engine over every device, plain and faulty: several ranks in this process, a thread each.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "adi/engine/card.hpp"
#include "adi/engine/engine.hpp"
#include "adi/engine/registry.hpp"
#include "adi/testing/faulty_device.hpp"
#include "adi/testing/forwarding_device.hpp"
#include "adi/testing/local_bootstrap.hpp"
#include "adi/testing/put_device.hpp"
#include "devices/tcp/tcp.hpp"
#include "test/contract/fabrics.hpp"

namespace adi {
namespace {

using Bytes = std::vector<std::byte>;

Bytes pattern(std::size_t bytes, unsigned seed) {
    Bytes b(bytes);
    for (std::size_t i = 0; i < bytes; ++i) {
        b[i] = static_cast<std::byte>((i * 2654435761U + seed * 40503U) >> 11);
    }
    return b;
}

struct Case {
    const char* name;
    bool faulty = false;
    bool puts = false;  ///< long messages by put()
    /// Fm on these boards in place of shm.
    std::shared_ptr<testing::Boards> (*boards)() = nullptr;
    bool tcp = false;     ///< sockets in place of shm
    bool breaks = false;  ///< their connections break now and then
    /// The device ofi on this provider in place of all others.
    const char* provider = nullptr;
    /// Which matches, whoever reaches it.
    bool matches = false;
};

/// A provider that does the matching.
Case matching(const char* name, const char* provider, bool faulty = false) {
    return {name, faulty, false, nullptr, false, false, provider, true};
}

/// Breaks a connection now and then.
class BreakingDevice final : public testing::ForwardingDevice {
  public:
    BreakingDevice(std::unique_ptr<Device> inner, unsigned seed)
        : ForwardingDevice(std::move(inner)), random_(seed) {}
    Status open(const OpenInfo& info, std::string* error) override {
        size_ = info.size;
        return ForwardingDevice::open(info, error);
    }
    int poll(Sink& sink, int budget) override {
        const int done = ForwardingDevice::poll(sink, budget);
        // Most polls find nothing, and how many there are is chance.
        if (done > 0 && random_() % 50 == 0) {
            static_cast<dev::tcp::Tcp&>(*inner_).break_connection(
                static_cast<Peer>(random_() % size_));
        }
        return done;
    }

  private:
    std::mt19937 random_;
    Peer size_ = 1;
};

/// Is there a device ofi in this build, and such a provider on this machine? Or why not.
std::string lack_of(const char* provider) {
    if (provider == std::string_view("sockets") && !testing::full()) {
        return "its thread takes a millisecond for a frame: FATHOM_TEST_LONG=1 tries it";
    }
    if (testing::leaks(provider)) return "libfabric loses memory with it";
    OpenInfo info;
    info.size = 2;
    info.local = {0, 1};
    info.chosen = true;
    for (const DeviceEntry& entry : device_registry()) {
        if (entry.name != std::string_view("ofi")) continue;
        const Result<bool> can = testing::ofi_with(entry.make, provider)()->probe(info);
        return can ? "" : can.message();
    }
    return "this build is without libfabric";
}

template <class B>
std::shared_ptr<testing::Boards> make() {
    return std::make_shared<B>();
}

/// Runs body(engine) as `ranks` ranks, with faults and puts when the parameter says so.
class EngineContract : public ::testing::TestWithParam<Case> {
  protected:
    void SetUp() override {
        if (GetParam().tcp) ::setenv("FATHOM_DEVICE", "self,tcp", 1);
        if (GetParam().provider == nullptr) return;
        if (const std::string lack = lack_of(GetParam().provider); !lack.empty()) {
            GTEST_SKIP() << lack;
        }
        ::setenv("FATHOM_DEVICE", "ofi", 1);
        ::setenv("FATHOM_OFI_TAGGED", GetParam().matches ? "1" : "0", 1);
    }
    void TearDown() override {
        ::unsetenv("FATHOM_DEVICE");
        ::unsetenv("FATHOM_OFI_TAGGED");
    }

    void run(int ranks, const std::function<void(Engine&)>& body) {
        testing::LocalJob job(ranks);
        const auto boards = GetParam().boards != nullptr ? GetParam().boards() : nullptr;
        std::vector<std::thread> threads;
        std::atomic<int> staying = ranks;
        for (int rank = 0; rank < ranks; ++rank) {
            threads.emplace_back([&, rank] {
                testing::LocalBootstrap boot(job, rank);
                Engine engine;
                Hooks hooks;
                hooks.fault = [](Peer, Status, const std::string& text) { ADD_FAILURE() << text; };
                std::size_t registered = 0;
                hooks.wrap = [&, rank](std::unique_ptr<Device> device) {
                    if (boards != nullptr && device->name() == std::string_view("shm")) {
                        device = testing::fm_on(boards);
                    }
                    if (GetParam().breaks && device->name() == std::string_view("tcp")) {
                        device = std::make_unique<BreakingDevice>(
                            std::move(device), 200U + static_cast<unsigned>(rank));
                    }
                    if (GetParam().puts) {
                        device =
                            std::make_unique<testing::PutDevice>(std::move(device), &registered);
                    }
                    if (GetParam().faulty) {
                        device = std::make_unique<testing::FaultyDevice>(
                            std::move(device), testing::Faults{},
                            100U + static_cast<unsigned>(rank));
                    }
                    return device;
                };
                std::string error;
                ASSERT_EQ(engine.start(boot, hooks, &error), Status::ok) << error;
                for (Peer peer = 0; peer < engine.size(); ++peer) {
                    ASSERT_EQ(engine.network_matches(peer, engine.size()), GetParam().matches);
                }
                body(engine);
                leave_together(engine);
                // A connection that broke is mended only by two that look at it.
                --staying;
                while (staying > 0) {
                    engine.poll();
                    std::this_thread::yield();
                }
                EXPECT_EQ(registered, 0U);
                engine.stop();
            });
        }
        for (std::thread& t : threads) t.join();
    }
    static std::uint32_t context(std::uint32_t number) {
        return GetParam().matches ? kNetworkContext | number : number;
    }
    static Match match(std::int32_t source, std::int32_t tag) { return {context(2), source, tag}; }

    /// A barrier inside of the engine: an answer that a rank still owes its peer may wait in its
    /// queue for room, and goes out only while the rank makes progress.
    static void leave_together(Engine& e) {
        std::vector<Request> from(e.size());
        const Match mine{context(99), static_cast<std::int32_t>(e.self()), 0};
        for (Peer p = 0; p < e.size(); ++p) {
            e.irecv(from[p], {context(99), static_cast<std::int32_t>(p), 0}, Buffer{});
        }
        for (Peer p = 0; p < e.size(); ++p) ASSERT_EQ(e.send(p, mine, Buffer{}), Status::ok);
        for (Request& r : from) e.wait(r);
    }
};

const std::vector<std::size_t> kSizes{0,     1,     8,     96,     97,      1000,   8192,
                                      32768, 32769, 70000, 300000, 1 << 20, 3000001};

TEST_P(EngineContract, EverySizeToAnotherRank) {
    run(2, [](Engine& e) {
        const Peer other = 1 - e.self();
        for (std::size_t bytes : kSizes) {
            Bytes in(bytes + 1, std::byte{7});
            const Bytes out = pattern(bytes, e.self());
            Request r;
            e.irecv(r, match(static_cast<int>(other), 5), contiguous(in.data(), bytes));
            const Status s =
                e.send(other, match(static_cast<int>(e.self()), 5), contiguous(out.data(), bytes));
            ASSERT_EQ(s, Status::ok);
            e.wait(r);
            ASSERT_EQ(r.status, Status::ok);
            ASSERT_EQ(r.received_bytes, bytes);
            ASSERT_EQ(in[bytes], std::byte{7});
            in.pop_back();
            ASSERT_EQ(in, pattern(bytes, other)) << bytes;
        }
    });
}

TEST_P(EngineContract, EverySizeToOneself) {
    run(1, [](Engine& e) {
        for (std::size_t bytes : kSizes) {
            Bytes in(bytes);
            const Bytes out = pattern(bytes, 1);
            Request send, receive;
            e.isend(send, 0, match(0, 5), contiguous(out.data(), bytes), bytes % 2 == 0);
            e.irecv(receive, match(kAnySource, kAnyTag), contiguous(in.data(), bytes));
            e.wait(receive);
            e.wait(send);
            ASSERT_EQ(in, out) << bytes;
        }
    });
}

// Buffers at every alignment to each other: what a put cannot take comes with its answer.
TEST_P(EngineContract, OddAddressesAndLengths) {
    run(2, [](Engine& e) {
        const Peer other = 1 - e.self();
        const auto self = static_cast<std::int32_t>(e.self());
        for (std::size_t bytes : {40000UL, 40001UL, 100007UL, 250003UL}) {
            for (std::size_t there = 0; there < 5; ++there) {
                for (std::size_t here = 0; here < 5; ++here) {
                    const std::size_t from = e.self() == 0 ? here : there;
                    const std::size_t to = e.self() == 0 ? there : here;
                    Bytes out(from), in(to + bytes + 8, std::byte{7});
                    const Bytes payload = pattern(bytes, e.self());
                    out.insert(out.end(), payload.begin(), payload.end());
                    Request receive;
                    e.irecv(receive, match(static_cast<int>(other), 5),
                            contiguous(in.data() + to, bytes));
                    ASSERT_EQ(e.send(other, match(self, 5), contiguous(out.data() + from, bytes)),
                              Status::ok);
                    e.wait(receive);
                    ASSERT_EQ(receive.received_bytes, bytes);
                    const Bytes expected = pattern(bytes, other);
                    ASSERT_TRUE(std::equal(expected.begin(), expected.end(), in.begin() + to));
                    for (std::size_t i = 0; i < to; ++i) ASSERT_EQ(in[i], std::byte{7});
                    for (std::size_t i = to + bytes; i < in.size(); ++i) {
                        ASSERT_EQ(in[i], std::byte{7});
                    }
                }
            }
        }
    });
}

// More at a time than can be registered; nobody waits for memory that does not come.
TEST_P(EngineContract, ManyLongMessagesAtOnce) {
    run(3, [](Engine& e) {
        constexpr std::size_t kEach = 4, kBytes = 350'001;
        const auto self = static_cast<std::int32_t>(e.self());
        std::vector<Bytes> in(kEach * 3, Bytes(kBytes)), out;
        std::vector<Request> receives(in.size()), sends(in.size());
        for (std::size_t i = 0; i < in.size(); ++i) {
            out.push_back(pattern(kBytes, e.self() * 100 + static_cast<unsigned>(i)));
        }
        for (std::size_t i = 0; i < in.size(); ++i) {
            const auto peer = static_cast<Peer>(i % 3);
            e.irecv(receives[i], match(static_cast<int>(peer), static_cast<int>(i / 3)),
                    contiguous(in[i].data(), kBytes));
        }
        for (std::size_t i = 0; i < in.size(); ++i) {
            e.isend(sends[i], static_cast<Peer>(i % 3), match(self, static_cast<int>(i / 3)),
                    contiguous(out[i].data(), kBytes), false);
        }
        for (Request& r : receives) e.wait(r);
        for (Request& r : sends) e.wait(r);
        for (std::size_t i = 0; i < in.size(); ++i) {
            const std::size_t theirs = i / 3 * 3 + e.self();
            ASSERT_EQ(in[i], pattern(kBytes, static_cast<unsigned>(i % 3 * 100 + theirs)));
        }
    });
}

TEST_P(EngineContract, UnexpectedMessagesKeepTheirOrder) {
    run(2, [](Engine& e) {
        const int messages = 300;
        const auto size_of = [](int i) { return static_cast<std::size_t>(i * i % 50000); };
        if (e.self() == 0) {
            std::vector<Bytes> out;
            std::vector<Request> requests(messages);
            for (int i = 0; i < messages; ++i)
                out.push_back(pattern(size_of(i), static_cast<unsigned>(i)));
            for (int i = 0; i < messages; ++i) {
                const auto k = static_cast<std::size_t>(i);
                e.isend(requests[k], 1, match(0, i % 3), contiguous(out[k].data(), out[k].size()),
                        i % 7 == 0);
            }
            for (Request& r : requests) e.wait(r);
            return;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        for (int tag = 2; tag >= 0; --tag) {
            for (int i = tag; i < messages; i += 3) {
                Bytes in(size_of(i));
                Request r;
                e.irecv(r, match(i % 2 == 0 ? 0 : kAnySource, tag),
                        contiguous(in.data(), in.size()));
                e.wait(r);
                ASSERT_EQ(r.status, Status::ok);
                ASSERT_EQ(r.source, 0);
                ASSERT_EQ(in, pattern(size_of(i), static_cast<unsigned>(i))) << i;
            }
        }
    });
}

// More receives than a network has room for, any of which suits any message.
TEST_P(EngineContract, ReceivesAreServedInTheOrderOfPosting) {
    run(2, [](Engine& e) {
        constexpr int kMessages = 600;
        const int me = static_cast<int>(e.self()), other = 1 - me;
        const auto size_of = [](int i) {
            return i % 50 == 7 ? std::size_t{70'000} : std::size_t{8};
        };
        std::vector<Bytes> in, out;
        std::vector<Request> receives(kMessages), sends(kMessages);
        for (int i = 0; i < kMessages; ++i) {
            in.emplace_back(size_of(i));
            out.push_back(pattern(size_of(i), static_cast<unsigned>(i)));
        }
        for (int i = 0; i < kMessages; ++i) {
            const auto k = static_cast<std::size_t>(i);
            e.isend(sends[k], static_cast<Peer>(other), match(me, 5),
                    contiguous(out[k].data(), out[k].size()), i % 9 == 0);
            e.irecv(receives[k], match(i % 2 == 0 ? other : kAnySource, i % 3 == 0 ? 5 : kAnyTag),
                    contiguous(in[k].data(), in[k].size()));
            Envelope found;
            if (i % 100 == 99) (void)e.probe(match(kAnySource, 6), &found);
        }
        for (Request& r : receives) e.wait(r);
        for (Request& r : sends) e.wait(r);
        for (std::size_t k = 0; k < kMessages; ++k) ASSERT_EQ(in[k], out[k]) << k;
    });
}

// Messages that were matched by a probe are hidden, and are received in any order.
TEST_P(EngineContract, MatchedProbesHoldMessages) {
    run(2, [](Engine& e) {
        const Peer other = 1 - e.self();
        const auto self = static_cast<std::int32_t>(e.self());
        std::vector<Bytes> out;
        for (std::size_t bytes : kSizes) out.push_back(pattern(bytes, e.self()));
        std::vector<Request> sends(kSizes.size());
        for (std::size_t i = 0; i < kSizes.size(); ++i) {
            e.isend(sends[i], other, match(self, static_cast<std::int32_t>(i)),
                    contiguous(out[i].data(), kSizes[i]), i % 2 == 0);
        }
        std::vector<Unexpected*> held;
        Envelope found;
        for (std::size_t i = 0; i < kSizes.size(); ++i) {
            Unexpected* message = nullptr;
            e.wait_until([&] {
                message = e.mprobe(match(kAnySource, kAnyTag), &found);
                return message != nullptr;
            });
            ASSERT_EQ(found.tag, static_cast<std::int32_t>(i));
            ASSERT_EQ(found.bytes, kSizes[i]);
            held.push_back(message);
        }
        ASSERT_FALSE(e.probe(match(kAnySource, kAnyTag), &found));
        for (std::size_t i = kSizes.size(); i-- > 0;) {
            Bytes in(kSizes[i]);
            Request r;
            e.mrecv(r, *held[i], contiguous(in.data(), in.size()));
            e.wait(r);
            ASSERT_EQ(r.tag, static_cast<std::int32_t>(i));
            ASSERT_EQ(in, pattern(in.size(), other)) << in.size();
        }
        for (Request& r : sends) e.wait(r);
    });
}

TEST_P(EngineContract, TruncationIsReportedAndContained) {
    run(2, [](Engine& e) {
        for (std::size_t bytes : {50UL, 5000UL, 500000UL}) {
            if (e.self() == 0) {
                const Bytes out = pattern(bytes, 3);
                ASSERT_EQ(e.send(1, match(0, 1), contiguous(out.data(), bytes)), Status::ok);
                ASSERT_EQ(e.send(1, match(0, 1), contiguous(out.data(), 10)), Status::ok);
                continue;
            }
            Bytes in(40, std::byte{1});
            Request r, next;
            e.irecv(r, match(0, 1), contiguous(in.data(), 30));
            e.wait(r);
            EXPECT_EQ(r.status, Status::truncated);
            EXPECT_EQ(r.received_bytes, 30U);
            EXPECT_EQ(r.total_bytes, bytes);
            for (std::size_t i = 30; i < 40; ++i) ASSERT_EQ(in[i], std::byte{1});
            e.irecv(next, match(0, 1), contiguous(in.data(), 40));
            e.wait(next);
            EXPECT_EQ(next.received_bytes, 10U);
        }
    });
}

/// Each byte of the message two places behind the one before.
class EveryOther final : public Layout {
  public:
    void pack(const void* base, std::uint64_t, std::uint64_t offset, std::byte* to,
              std::uint64_t n) const override {
        const auto* from = static_cast<const std::byte*>(base);
        for (std::uint64_t i = 0; i < n; ++i) to[i] = from[2 * (offset + i)];
    }
    void unpack(void* base, std::uint64_t, std::uint64_t offset, const std::byte* from,
                std::uint64_t n) const override {
        auto* to = static_cast<std::byte*>(base);
        for (std::uint64_t i = 0; i < n; ++i) to[2 * (offset + i)] = from[i];
    }
};

// Long messages of which the receive takes all, some or nothing, contiguous or not at either end,
// posted before or after they come. Several are under way at a time.
TEST_P(EngineContract, LongMessagesIntoAnyReceive) {
    run(2, [](Engine& e) {
        const EveryOther layout;
        const auto buffer = [&](Bytes& memory, std::size_t bytes, bool strided) {
            return strided ? Buffer{memory.data(), bytes, &layout, bytes}
                           : contiguous(memory.data(), bytes);
        };
        const std::size_t bytes = 400'003;
        const std::vector<std::size_t> wanted{bytes, 0, 1, 3000, 5000, 5001, 16104, 100'000};
        for (unsigned how = 0; how < 8; ++how) {
            const bool strided_send = (how & 1) != 0, strided_receive = (how & 2) != 0;
            const bool late = (how & 4) != 0;
            std::vector<Bytes> memory;
            std::vector<Request> requests(wanted.size());
            for (std::size_t i = 0; i < wanted.size(); ++i) memory.emplace_back(2 * bytes + 1);
            const auto go = [&] {
                ASSERT_EQ(e.send(1 - e.self(), match(9, 9), Buffer{}), Status::ok);
            };
            const auto met = [&] {
                Request r;
                e.irecv(r, match(9, 9), Buffer{});
                e.wait(r);
            };
            if (e.self() == 0) {
                if (!late) met();
                for (std::size_t i = 0; i < wanted.size(); ++i) {
                    const Buffer out = buffer(memory[i], bytes, strided_send);
                    const Bytes packed = pattern(bytes, static_cast<unsigned>(i));
                    out.write(0, packed.data(), bytes);
                    e.isend(requests[i], 1, match(0, static_cast<int>(i)), out, i % 2 == 1);
                }
                if (late) go();
                for (Request& r : requests) e.wait(r);
                continue;
            }
            if (late) met();
            for (std::size_t i = 0; i < wanted.size(); ++i) {
                e.irecv(requests[i], match(0, static_cast<int>(i)),
                        buffer(memory[i], wanted[i], strided_receive));
            }
            if (!late) go();
            for (std::size_t i = 0; i < wanted.size(); ++i) {
                Request& r = requests[i];
                e.wait(r);
                ASSERT_EQ(r.status, wanted[i] < bytes ? Status::truncated : Status::ok);
                ASSERT_EQ(r.received_bytes, wanted[i]);
                ASSERT_EQ(r.total_bytes, bytes);
                Bytes in(wanted[i]);
                buffer(memory[i], wanted[i], strided_receive).read(0, in.data(), in.size());
                Bytes expected = pattern(bytes, static_cast<unsigned>(i));
                expected.resize(wanted[i]);
                ASSERT_EQ(in, expected) << how << " " << wanted[i];
                const std::size_t end = (strided_receive ? 2 : 1) * wanted[i];
                ASSERT_EQ(memory[i][end], std::byte{0});
            }
        }
    });
}

TEST_P(EngineContract, CancelEitherSide) {
    run(2, [](Engine& e) {
        Request r;
        Bytes in(8);
        e.irecv(r, match(kAnySource, 77), contiguous(in.data(), 8));
        e.cancel(r);
        e.wait(r);
        EXPECT_TRUE(r.cancelled);
        const Bytes out = pattern(200000, 1);
        const int me = static_cast<int>(e.self()), other = 1 - me;
        Request s;
        e.isend(s, static_cast<Peer>(other), match(me, 78), contiguous(out.data(), out.size()),
                false);
        e.cancel(s);
        e.wait(s);
        EXPECT_TRUE(s.cancelled);
        // The network has the other's message until that is looked for.
        if (GetParam().matches) leave_together(e);
        // The message is gone: the next of that tag is another one.
        Bytes small(8);
        Request in_small;
        e.irecv(in_small, match(other, 78), contiguous(small.data(), 8));
        ASSERT_EQ(e.send(static_cast<Peer>(other), match(me, 78), contiguous(out.data(), 8)),
                  Status::ok);
        e.wait(in_small);
        EXPECT_EQ(in_small.status, Status::ok);
    });
}

TEST_P(EngineContract, ManyRanksAllToAll) {
    run(5, [](Engine& e) {
        const Peer n = e.size();
        std::vector<Bytes> in(n, Bytes(20000)), out(n);
        std::vector<Request> receives(n), sends(n);
        for (int round = 0; round < 10; ++round) {
            for (Peer p = 0; p < n; ++p) {
                e.irecv(receives[p], match(static_cast<int>(p), round),
                        contiguous(in[p].data(), in[p].size()));
            }
            for (Peer p = 0; p < n; ++p) {
                out[p] = pattern(20000, e.self() * 10 + p + static_cast<unsigned>(round));
                e.isend(sends[p], p, match(static_cast<int>(e.self()), round),
                        contiguous(out[p].data(), out[p].size()), false);
            }
            for (Peer p = 0; p < n; ++p) {
                e.wait(receives[p]);
                ASSERT_EQ(in[p], pattern(20000, p * 10 + e.self() + static_cast<unsigned>(round)));
            }
            for (Request& s : sends) e.wait(s);
        }
    });
}

// Long pauses, so that both sides sleep again and again.
TEST_P(EngineContract, SleepersAreWoken) {
    run(2, [](Engine& e) {
        const Peer other = 1 - e.self();
        for (int i = 0; i < 100; ++i) {
            std::uint64_t word = 0;
            if ((i + static_cast<int>(e.self())) % 2 == 0) {
                std::this_thread::sleep_for(std::chrono::microseconds(i * 10));
                ASSERT_EQ(e.send(other, match(static_cast<int>(e.self()), 1), contiguous(&word, 8)),
                          Status::ok);
            } else {
                Request r;
                e.irecv(r, match(static_cast<int>(other), 1), contiguous(&word, 8));
                e.wait(r);
            }
        }
    });
}

// Several threads of one rank wait at once, under a lock that the engine lets go of.
std::mutex big_lock;
void unlock_big() {
    big_lock.unlock();
}
void lock_big() {
    big_lock.lock();
}

TEST(EngineThreads, EachWaiterGetsItsMessage) {
    testing::LocalJob job(1);
    testing::LocalBootstrap boot(job, 0);
    Engine e;
    Hooks hooks;
    hooks.unlock = unlock_big;
    hooks.lock = lock_big;
    std::string error;
    ASSERT_EQ(e.start(boot, hooks, &error), Status::ok) << error;
    std::vector<std::thread> threads;
    std::atomic<int> sum{0};
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < 200; ++i) {
                int value = 0;
                const std::lock_guard lock(big_lock);
                Request r;
                e.irecv(r, {2, 0, t}, contiguous(&value, sizeof value));
                e.wait(r);
                sum += value;
            }
        });
    }
    for (int i = 0; i < 200; ++i) {
        for (int t = 0; t < 4; ++t) {
            if (i % 20 == 0) std::this_thread::sleep_for(std::chrono::microseconds(300));
            const int value = 1;
            const std::lock_guard lock(big_lock);
            ASSERT_EQ(e.send(0, {2, 0, t}, contiguous(&value, sizeof value)), Status::ok);
        }
    }
    for (std::thread& t : threads) t.join();
    EXPECT_EQ(sum, 800);
    e.stop();
}

// Of another build, and of one that had no number yet.
TEST(EngineStart, RefusesARankThatSpeaksOtherBytes) {
    const std::string card = "1:3:2:4d2";
    for (const auto& [published_card, format] :
         {std::pair(published(card, kWireFormat + 1), kWireFormat + 1), std::pair(card, 0)}) {
        testing::LocalJob job(2, 1);
        testing::LocalBootstrap boot(job, 1);
        job.values["fathom-shm-0"] = published_card;
        Engine e;
        std::string error;
        EXPECT_EQ(e.start(boot, {}, &error), Status::unsupported);
        EXPECT_EQ(error, "rank 0 has another build of Fathom: it speaks wire format " +
                             std::to_string(format) + ", and this process " +
                             std::to_string(kWireFormat) + "; all ranks of a job need the same");
    }
}

INSTANTIATE_TEST_SUITE_P(
    Registry, EngineContract,
    ::testing::Values(Case{"plain"}, Case{"faulty", true}, Case{"puts", false, true},
                      Case{"puts_faulty", true, true},
                      Case{"fm", false, false, make<testing::LoopbackBoards>},
                      Case{"fm_faulty", true, false, make<testing::LoopbackBoards>},
                      Case{"fm_emulator", false, false, make<testing::EmulatedBoards>},
                      Case{"tcp", false, false, nullptr, true},
                      Case{"tcp_faulty", true, false, nullptr, true},
                      Case{"tcp_breaks", false, false, nullptr, true, true},
                      Case{"ofi_tcp_rxm", false, false, nullptr, false, false, "tcp;ofi_rxm"},
                      Case{"ofi_tcp_rxm_faulty", true, false, nullptr, false, false, "tcp;ofi_rxm"},
                      Case{"ofi_udp_rxd", false, false, nullptr, false, false, "udp;ofi_rxd"},
                      Case{"ofi_sockets", false, false, nullptr, false, false, "sockets"},
                      Case{"ofi_shm", false, false, nullptr, false, false, "shm"},
                      Case{"ofi_net", false, false, nullptr, false, false, "net"},
                      matching("match_tcp_rxm", "tcp;ofi_rxm"),
                      matching("match_tcp_rxm_faulty", "tcp;ofi_rxm", true),
                      matching("match_sockets", "sockets"), matching("match_net", "net")),
    [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace adi
