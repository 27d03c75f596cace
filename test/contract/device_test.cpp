// The device contract (adi/device.hpp), on every device of the registry, plain and with faults
// injected. Ranks are endpoints in this one process, polled in turn.
#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <numeric>
#include <random>
#include <thread>
#include <vector>

#include "adi/base/futex.hpp"
#include "adi/engine/registry.hpp"
#include "adi/testing/faulty_device.hpp"
#include "test/contract/fabrics.hpp"

namespace adi {
namespace {

using Bytes = std::vector<std::byte>;

Bytes pattern(std::size_t bytes, unsigned seed) {
    std::mt19937 random(seed);
    Bytes b(bytes);
    for (std::byte& x : b) x = static_cast<std::byte>(random());
    return b;
}

/// What arrived, in order; what to do with each is asked from `accept`.
struct Recorder final : Sink {
    struct Message {
        Peer peer;
        Header header;
        Bytes bytes;
        bool whole = false;
    };
    explicit Recorder(Device& d) : device(d) {}

    void on_header(ReceiveStream& stream) override {
        Message& m = messages.emplace_back();
        m.peer = stream.peer;
        m.header = stream.header;
        if (discard_all) {
            device.discard(stream);
            m.whole = true;
            return;
        }
        const std::uint32_t keep = std::min(most, stream.header.bytes);
        m.bytes.resize(keep + 16, std::byte{0x5a});
        stream.token = &m;
        const Status s = device.receive(stream, contiguous(m.bytes.data(), keep), 0, keep);
        m.whole = s == Status::ok;
        EXPECT_TRUE(s == Status::ok || s == Status::again);
    }
    void on_received(ReceiveStream& stream) override {
        auto& m = *static_cast<Message*>(stream.token);
        EXPECT_FALSE(m.whole);
        m.whole = true;
    }
    void on_put(void* token, Status status) override { puts.emplace_back(token, status); }
    void on_fault(Peer peer, Status why, const char* what) override {
        faults.emplace_back(peer, why);
        last_fault = what;
    }
    /// The payload kept of message i, after checking that nothing was written behind it.
    Bytes payload(std::size_t i) const {
        const Bytes& b = messages[i].bytes;
        for (std::size_t k = b.size() - 16; k < b.size(); ++k) EXPECT_EQ(b[k], std::byte{0x5a});
        return Bytes(b.begin(), b.end() - 16);
    }

    Device& device;
    std::deque<Message> messages;
    std::vector<std::pair<Peer, Status>> faults;
    std::vector<std::pair<void*, Status>> puts;
    std::string last_fault;
    std::uint32_t most = ~0U;
    bool discard_all = false;
};

struct Case {
    std::string name;
    std::function<std::unique_ptr<Device>()> make;
    bool faulty;
    bool may_lack = false;  ///< this machine may lack what it needs
};

class DeviceContract : public ::testing::TestWithParam<Case> {
  protected:
    void SetUp() override {
        // A device that wants company gets it; one that is for a process alone has one endpoint.
        if (!open(2) || !ends_[0]->reaches(1)) {
            ends_.clear();
            sinks_.clear();
            if (!open(1) && GetParam().may_lack) GTEST_SKIP() << lack_;
            ASSERT_FALSE(ends_.empty()) << lack_;
        }
        to_ = static_cast<Peer>(ends_.size() - 1);
    }
    void TearDown() override {
        for (auto& end : ends_) end->close();
    }

    bool open(Peer ranks) {
        OpenInfo info;
        info.size = ranks;
        info.local.resize(ranks);
        std::iota(info.local.begin(), info.local.end(), 0U);
        info.chosen = true;
        info.secret = [] { return Result<std::string>(std::string(64, '7')); };
        info.card_of = [this](Peer p) { return Result<std::string>(ends_[p]->address()); };
        for (Peer p = 0; p < ranks; ++p) {
            std::unique_ptr<Device> device = GetParam().make();
            if (GetParam().faulty) {
                device = std::make_unique<testing::FaultyDevice>(std::move(device),
                                                                 testing::Faults{}, 77 + p);
            }
            info.self = p;
            if (const Result<bool> can = device->probe(info); !can) {
                lack_ = can.message();
                return false;
            }
            std::string error;
            EXPECT_EQ(device->open(info, &error), Status::ok) << error;
            ends_.push_back(std::move(device));
            sinks_.push_back(std::make_unique<Recorder>(*ends_.back()));
        }
        for (Peer p = 0; p < ranks; ++p) {
            for (Peer q = 0; q < ranks; ++q) {
                std::string error;
                if (!ends_[p]->reaches(q)) continue;
                EXPECT_EQ(ends_[p]->connect(p, &error), Status::ok) << error;
            }
        }
        for (Peer p = 0; p < ranks; ++p) {
            for (Peer q = 0; q < ranks; ++q) {
                std::string error;
                if (!ends_[p]->reaches(q)) continue;
                EXPECT_EQ(ends_[p]->connect(q, &error), Status::ok) << error;
                EXPECT_EQ(ends_[p]->connect(q, &error), Status::ok) << "idempotent";
            }
        }
        return true;
    }

    Device& sender() { return *ends_[0]; }
    Device& receiver() { return *ends_[to_]; }
    Recorder& got() { return *sinks_[to_]; }
    void poll_all() {
        for (std::size_t i = 0; i < ends_.size(); ++i) ends_[i]->poll(*sinks_[i], 16);
    }

    static Header header(std::uint32_t bytes, std::int32_t tag) {
        Header h;
        h.context = 7;
        h.source = 3;
        h.tag = tag;
        h.kind = 1;
        h.bytes = bytes;
        h.cookie = 0xabcd;
        return h;
    }

    void send(const Bytes& payload, std::int32_t tag, std::size_t piece = ~std::size_t{0}) {
        const Buffer buffer = contiguous(payload.data(), payload.size());
        const Header h = header(static_cast<std::uint32_t>(payload.size()), tag);
        if (payload.size() <= sender().capabilities().short_bytes && piece == ~std::size_t{0}) {
            while (sender().send_short(to_, h, buffer) == Status::again) poll_all();
            return;
        }
        SendStream stream;
        while (sender().begin(stream, to_, h) == Status::again) poll_all();
        for (std::size_t at = 0; at < payload.size();) {
            const std::size_t n = std::min(piece, payload.size() - at);
            const std::uint64_t taken = sender().send_piece(stream, buffer, at, n);
            EXPECT_LE(taken, n);
            at += taken;
            if (taken < n) poll_all();
        }
        EXPECT_EQ(sender().end(stream), Status::ok);
    }

    /// False: it did not come to that, and will not.
    template <class Done>
    bool poll_until(Done&& done) {
        const auto hopeless = std::chrono::steady_clock::now() + std::chrono::seconds(40);
        for (unsigned polls = 1; !done(); ++polls) {
            poll_all();
            // A network in a thread of its own may need this core.
            if (polls % 64 != 0) continue;
            if (std::chrono::steady_clock::now() > hopeless) return false;
            std::this_thread::yield();
        }
        return true;
    }
    /// Sleeps as the Park says, at most five seconds.
    static void sleep(const Park& park) {
        pollfd waited{park.fd, POLLIN, 0};
        if (park.fd >= 0) {
            EXPECT_GE(::poll(&waited, 1, 60'000), 0);
        } else {
            futex_wait(park.futex_word, park.futex_value, 60'000'000'000);
        }
    }
    bool drain(std::size_t messages) {
        return poll_until([&] {
            return got().messages.size() >= messages && got().messages[messages - 1].whole;
        });
    }

    std::vector<std::unique_ptr<Device>> ends_;
    std::vector<std::unique_ptr<Recorder>> sinks_;
    Peer to_ = 0;
    std::string lack_;
};

TEST_P(DeviceContract, HeaderAndPayloadArriveUnchanged) {
    std::size_t n = 0;
    const std::vector<std::size_t> sizes{
        0,    1,    7,    8,    24,   31,   32,   33,   63,   64,    95,    96,    97,     128,
        1000, 1024, 1025, 4096, 8191, 8192, 8193, 9000, 9217, 32768, 32769, 65536, 100000, 1 << 20};
    for (std::size_t bytes : sizes) {
        const Bytes payload = pattern(bytes, static_cast<unsigned>(bytes));
        // A stream of no payload does not exist.
        send(payload, static_cast<std::int32_t>(n));
        ASSERT_TRUE(drain(n + 1)) << bytes;
        const Header& h = got().messages[n].header;
        EXPECT_EQ(h.context, 7U);
        EXPECT_EQ(h.source, 3);
        EXPECT_EQ(h.tag, static_cast<std::int32_t>(n));
        EXPECT_EQ(h.cookie, 0xabcdU);
        EXPECT_EQ(h.bytes, bytes);
        EXPECT_EQ(got().messages[n].peer, 0U);
        EXPECT_EQ(got().payload(n), payload) << bytes;
        ++n;
    }
}

TEST_P(DeviceContract, PiecesOfAnySize) {
    std::size_t n = 0;
    for (std::size_t piece : {1UL, 3UL, 97UL, 1000UL, 8192UL, 40000UL}) {
        const Bytes payload = pattern(20000, static_cast<unsigned>(piece));
        send(payload, 1, piece);
        ASSERT_TRUE(drain(++n));
        EXPECT_EQ(got().payload(n - 1), payload) << piece;
    }
}

TEST_P(DeviceContract, OrderIsKept) {
    std::mt19937 random(1);
    const int messages = 2000;
    std::vector<Bytes> sent;
    for (int i = 0; i < messages; ++i) {
        sent.push_back(pattern(random() % 3 == 0 ? random() % 20000 : random() % 100,
                               static_cast<unsigned>(i)));
        send(sent.back(), i);
    }
    ASSERT_TRUE(drain(messages));
    for (int i = 0; i < messages; ++i) {
        const auto k = static_cast<std::size_t>(i);
        ASSERT_EQ(got().messages[k].header.tag, i);
        ASSERT_EQ(got().payload(k), sent[k]) << i;
    }
}

// Nobody polls: the device must come to `again`, and lose nothing of what it took before.
TEST_P(DeviceContract, AgainWhenFullLosesNothing) {
    const Bytes payload = pattern(48, 5);
    // A way may need both sides to poll until it is made.
    send(payload, -4);
    ASSERT_TRUE(drain(1));
    got().messages.clear();
    std::size_t taken = 0;
    int refused = 0;
    while (refused < 1000 && taken < 1'000'000) {
        const Status s = sender().send_short(to_, header(48, static_cast<std::int32_t>(taken)),
                                             contiguous(payload.data(), 48));
        s == Status::ok ? static_cast<void>(++taken) : static_cast<void>(++refused);
    }
    ASSERT_LT(taken, 1'000'000U) << "no bound";
    ASSERT_GE(taken, 16U);
    ASSERT_TRUE(drain(taken));
    for (std::size_t i = 0; i < taken; ++i) {
        ASSERT_EQ(got().messages[i].header.tag, static_cast<std::int32_t>(i));
        ASSERT_EQ(got().payload(i), payload);
    }
    send(payload, -5);
    EXPECT_TRUE(drain(taken + 1));
}

TEST_P(DeviceContract, TruncationKeepsTheFront) {
    got().most = 1000;
    std::size_t n = 0;
    for (std::size_t bytes : {90UL, 1000UL, 1001UL, 5000UL, 50000UL}) {
        const Bytes payload = pattern(bytes, 9);
        send(payload, 1);
        ASSERT_TRUE(drain(++n));
        const Bytes kept(payload.begin(),
                         payload.begin() + static_cast<long>(std::min(bytes, 1000UL)));
        EXPECT_EQ(got().payload(n - 1), kept);
    }
    got().most = ~0U;
    send(pattern(3000, 2), 2);
    ASSERT_TRUE(drain(++n));
    EXPECT_EQ(got().payload(n - 1), pattern(3000, 2)) << "what follows is whole";
}

TEST_P(DeviceContract, DiscardedMessagesVanish) {
    got().discard_all = true;
    for (std::size_t bytes : {8UL, 5000UL, 70000UL}) send(pattern(bytes, 1), 1);
    ASSERT_TRUE(drain(3));
    while (sinks_[to_]->device.poll(got(), 16) > 0) {
    }
    got().discard_all = false;
    // The last fragments of a discarded message may still come before the next one.
    send(pattern(2000, 4), 4);
    ASSERT_TRUE(drain(4));
    EXPECT_EQ(got().payload(3), pattern(2000, 4));
}

/// Every second byte of a buffer.
struct EverySecond final : Layout {
    void pack(const void* base, std::uint64_t, std::uint64_t offset, std::byte* to,
              std::uint64_t n) const override {
        const auto* b = static_cast<const std::byte*>(base);
        for (std::uint64_t i = 0; i < n; ++i) to[i] = b[2 * (offset + i)];
    }
    void unpack(void* base, std::uint64_t, std::uint64_t offset, const std::byte* from,
                std::uint64_t n) const override {
        auto* b = static_cast<std::byte*>(base);
        for (std::uint64_t i = 0; i < n; ++i) b[2 * (offset + i)] = from[i];
    }
};

TEST_P(DeviceContract, LayoutsArePackedOnTheWay) {
    const EverySecond layout;
    for (std::uint32_t bytes : {5U, 90U, 3000U, 40000U}) {
        Bytes wide = pattern(2 * bytes, bytes);
        const Buffer source{wide.data(), bytes, &layout, 1};
        const std::size_t before = got().messages.size();
        const Header h = header(bytes, 1);
        if (bytes <= sender().capabilities().short_bytes) {
            while (sender().send_short(to_, h, source) == Status::again) poll_all();
        } else {
            SendStream stream;
            while (sender().begin(stream, to_, h) == Status::again) poll_all();
            for (std::uint64_t at = 0; at < bytes; poll_all()) {
                at += sender().send_piece(stream, source, at, bytes - at);
            }
            ASSERT_EQ(sender().end(stream), Status::ok);
        }
        ASSERT_TRUE(drain(before + 1));
        const Bytes packed = got().payload(before);
        for (std::uint32_t i = 0; i < bytes; ++i) ASSERT_EQ(packed[i], wide[2 * i]);
    }
}

TEST_P(DeviceContract, MappedMemoryIsShared) {
    if (!sender().capabilities().can_map) GTEST_SKIP() << "the device does not map";
    MemoryKey key;
    void* mine = receiver().allocate(1000, &key);
    ASSERT_NE(mine, nullptr);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(mine) % 64, 0U);
    for (int i = 0; i < 1000; ++i) ASSERT_EQ(static_cast<char*>(mine)[i], 0);
    auto* theirs = static_cast<char*>(sender().map(to_, key));
    ASSERT_NE(theirs, nullptr);
    theirs[999] = 42;
    EXPECT_EQ(static_cast<char*>(mine)[999], 42);
    MemoryKey wrong = key;
    wrong.bytes = ~std::uint64_t{0} / 2;
    EXPECT_EQ(sender().map(to_, wrong), nullptr);
    wrong = {~std::uint64_t{0} - 63, 64};
    EXPECT_EQ(sender().map(to_, wrong), nullptr);
    receiver().deallocate(mine, key);
}

TEST_P(DeviceContract, AMessageEndsASleep) {
    Park park = receiver().prepare_park(false);
    ASSERT_TRUE(park.futex_word != nullptr || park.fd >= 0);
    receiver().cancel_park();
    if (to_ == 0) return;  // to itself nothing arrives while it sleeps
    send({}, 0);
    ASSERT_TRUE(drain(1));
    for (int i = 1; i < 20; ++i) {
        while (receiver().poll(got(), 16) > 0) {
        }
        park = receiver().prepare_park(false);
        std::thread other([&] {
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
            while (sender().send_short(to_, header(0, i), Buffer{}) == Status::again) {
                sender().poll(*sinks_[0], 16);
            }
        });
        if (receiver().poll(got(), 16) == 0) {
            const auto start = std::chrono::steady_clock::now();
            sleep(park);
            EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(50));
        }
        other.join();
        receiver().cancel_park();
        ASSERT_TRUE(drain(static_cast<std::size_t>(i) + 1));
    }
}

TEST_P(DeviceContract, WakeEndsASleep) {
    Park park = receiver().prepare_park(false);
    std::thread other([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        receiver().wake();
    });
    const auto start = std::chrono::steady_clock::now();
    sleep(park);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(50));
    other.join();
    receiver().cancel_park();
}

TEST_P(DeviceContract, GetFetchesOrSaysNo) {
    const Bytes source = pattern(100000, 3);
    Bytes target(100000);
    const Status s = receiver().get(0, reinterpret_cast<std::uintptr_t>(source.data()),
                                    target.data(), source.size());
    ASSERT_TRUE(s == Status::ok || s == Status::unsupported);
    if (s == Status::ok) {
        EXPECT_EQ(source, target);
    }
}

// What is sent after a put is shown after its bytes are in place.
TEST_P(DeviceContract, PutStoresOrSaysNo) {
    const Capabilities& can = sender().capabilities();
    if (can.put_bytes == ~std::uint64_t{0}) {
        MemoryKey key;
        std::uint64_t word = 0;
        EXPECT_NE(receiver().reg(&word, sizeof word, 0, &key), Status::ok);
        GTEST_SKIP() << "the device does not put";
    }
    ASSERT_LE(can.put_align, kMostPutAlign);
    const std::uint64_t most = can.put_most_bytes / can.put_align * can.put_align;
    std::size_t n = 0;
    for (std::uint64_t bytes : {std::uint64_t{can.put_align}, std::uint64_t{4096},
                                std::uint64_t{20'000}, std::uint64_t{70'000}, most}) {
        bytes = std::min(most, bytes / can.put_align * can.put_align);
        const Bytes source = pattern(bytes, static_cast<unsigned>(bytes));
        Bytes target(bytes + 16, std::byte{0x5a});
        MemoryKey key;
        while (receiver().reg(target.data() + 8, bytes, 0, &key) == Status::again) poll_all();
        Status put = Status::again;
        while (put == Status::again || put == Status::unsupported) {
            put = sender().put(to_, source.data(), bytes, key, &n);
            poll_all();
        }
        ASSERT_EQ(put, Status::ok);
        send({}, 1);
        ASSERT_TRUE(drain(++n));
        ASSERT_TRUE(std::equal(source.begin(), source.end(), target.begin() + 8)) << bytes;
        for (std::size_t i = 0; i < 8; ++i) {
            ASSERT_EQ(target[i], std::byte{0x5a});
            ASSERT_EQ(target[bytes + 8 + i], std::byte{0x5a});
        }
        receiver().dereg(key);
        ASSERT_TRUE(poll_until([&] { return sinks_[0]->puts.size() == n; }));
        EXPECT_EQ(sinks_[0]->puts.back(), (std::pair<void*, Status>(&n, Status::ok)));
    }
}

std::vector<Case> cases() {
    std::vector<Case> all;
    for (const bool faulty : {false, true}) {
        for (const DeviceEntry& entry : device_registry()) {
            // Needs a board, which the test has to make.
            if (entry.name == std::string_view("fm")) continue;
            if (entry.name != std::string_view("ofi")) {
                all.push_back({entry.name, entry.make, faulty});
                continue;
            }
            for (const auto& [name, provider] : testing::kOfiProviders) {
                // Enough of faults, and its thread takes a millisecond for a frame.
                if (faulty && name != testing::kOfiProviders[0].first) continue;
                if (provider == std::string_view("sockets") && !testing::full()) continue;
                if (testing::leaks(provider)) continue;
                all.push_back({name, testing::ofi_with(entry.make, provider), faulty, true});
            }
        }
        all.push_back({"fm_loopback", testing::fm_on_new<testing::LoopbackBoards>, faulty});
        all.push_back({"fm_emulator", testing::fm_on_new<testing::EmulatedBoards>, faulty});
    }
    return all;
}

INSTANTIATE_TEST_SUITE_P(Registry, DeviceContract, ::testing::ValuesIn(cases()),
                         [](const auto& tested) {
                             return tested.param.name + (tested.param.faulty ? "_faulty" : "");
                         });

}  // namespace
}  // namespace adi
