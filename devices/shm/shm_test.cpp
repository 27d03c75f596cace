// What is the shm device's own: garbage in shared memory, full pools, the segment.
#include "devices/shm/shm.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <random>
#include <vector>

namespace dev::shm {
namespace {

struct Counter final : adi::Sink {
    explicit Counter(Shm& d) : device(d) {}
    void on_header(adi::ReceiveStream& stream) override {
        ++headers;
        bytes.resize(stream.header.bytes);
        const adi::Buffer target = adi::contiguous(bytes.data(), bytes.size());
        static_cast<void>(device.receive(stream, target, 0, stream.header.bytes));
    }
    void on_received(adi::ReceiveStream&) override {}
    void on_put(void*, adi::Status) override {}
    void on_fault(adi::Peer, adi::Status why, const char*) override {
        ++faults;
        last = why;
    }
    Shm& device;
    std::vector<std::byte> bytes;
    int headers = 0;
    int faults = 0;
    adi::Status last = adi::Status::ok;
};

class ShmPair : public ::testing::Test {
  protected:
    void SetUp() override {
        adi::OpenInfo info;
        info.size = 2;
        info.local = {0, 1};
        info.card_of = [this](adi::Peer) { return adi::Result<std::string>(a_.address()); };
        std::string error;
        ASSERT_EQ(a_.open(info, &error), adi::Status::ok) << error;
        info.self = 1;
        ASSERT_EQ(b_.open(info, &error), adi::Status::ok) << error;
        ASSERT_EQ(b_.connect(1, &error), adi::Status::ok) << error;
        ASSERT_EQ(a_.connect(1, &error), adi::Status::ok) << error;
        ASSERT_EQ(b_.connect(0, &error), adi::Status::ok) << error;
    }
    static adi::Header header(std::uint32_t bytes) {
        adi::Header h;
        h.kind = 1;
        h.bytes = bytes;
        return h;
    }
    adi::Status send(std::uint32_t bytes) {
        const std::vector<std::byte> payload(bytes);
        const adi::Buffer buffer = adi::contiguous(payload.data(), bytes);
        if (bytes <= kInlineBytes) return a_.send_short(1, header(bytes), buffer);
        adi::SendStream stream;
        static_cast<void>(a_.begin(stream, 1, header(bytes)));
        return a_.send_piece(stream, buffer, 0, bytes) == bytes ? adi::Status::ok
                                                                : adi::Status::again;
    }
    Shm a_, b_;
    Counter sink_{b_};
};

TEST(Format, Sizes) {
    EXPECT_EQ(sizeof(Cell), 128U);
    EXPECT_EQ(header_bytes(2), 4096U);
    EXPECT_EQ(header_bytes(1024), 12288U);
}

TEST(Card, NonsenseIsRefused) {
    Segment owner, guest;
    std::string error;
    ASSERT_EQ(owner.create(2, &error), adi::Status::ok) << error;
    EXPECT_EQ(guest.attach(owner.card(), 2, &error), adi::Status::ok) << error;
    for (const std::string& card : {std::string(), std::string("x"), std::string("1:2:3"),
                                    std::string("-1:4:2:1"), owner.card() + "x"}) {
        Segment s;
        EXPECT_NE(s.attach(card, 2, &error), adi::Status::ok) << card;
        EXPECT_FALSE(error.empty());
    }
    Segment s;
    EXPECT_NE(s.attach(owner.card(), 3, &error), adi::Status::ok) << "another size";
    // A descriptor of the same process that is another file.
    const std::string other = std::to_string(getpid()) + ":0:2:1";
    EXPECT_NE(s.attach(other, 2, &error), adi::Status::ok);
}

TEST(Heap, ExhaustionIsAnAnswer) {
    Segment segment;
    std::string error;
    ASSERT_EQ(segment.create(1, &error), adi::Status::ok) << error;
    Heap heap;
    heap.open(&segment, 0, header_bytes(1));
    std::vector<std::uint64_t> got;
    while (const std::uint64_t offset = heap.allocate(1 << 20)) got.push_back(offset);
    EXPECT_EQ(got.size(), kRegionBytes / (1 << 20) - 1);
    heap.deallocate(got[3], 1 << 20);
    EXPECT_EQ(heap.allocate(1 << 20), got[3]);
}

// Payload that nobody fetches fills the sender's pool; then `again`, then all of it arrives.
TEST_F(ShmPair, FullPoolAnswersAgain) {
    int sent = 0;
    adi::SendStream stream;
    const std::vector<std::byte> payload(16384);
    const adi::Buffer buffer = adi::contiguous(payload.data(), payload.size());
    std::uint64_t left = 0;
    for (; sent < 10000; ++sent) {
        ASSERT_EQ(a_.begin(stream, 1, header(16384)), adi::Status::ok);
        const std::uint64_t taken = a_.send_piece(stream, buffer, 0, 16384);
        left = 16384 - taken;
        if (left != 0) break;
    }
    EXPECT_GE(sent, 64);
    EXPECT_LE(sent, 128) << "2 MiB of chunks, or 256 cells";
    while (b_.poll(sink_, 16) > 0) {
    }
    EXPECT_EQ(a_.send_piece(stream, buffer, 16384 - left, left), left) << "room again";
    while (b_.poll(sink_, 16) > 0) {
    }
    EXPECT_EQ(sink_.headers, sent + 1);
}

TEST(Chunks, GrowByUseUpToTheBoundAndComeBackInOrder) {
    Segment segment;
    std::string error;
    ASSERT_EQ(segment.create(1, &error), adi::Status::ok) << error;
    Heap heap;
    heap.open(&segment, 0, header_bytes(1));
    ChunkPool pool;
    pool.open(&heap, 256 * 1024);
    Chunk first = pool.take(1);
    EXPECT_EQ(pool.made(1), ChunkPool::kFirst[1]);
    pool.give_back(first);
    for (int i = 0; i < 1000; ++i) {
        const Chunk c = pool.take(1);
        ASSERT_EQ(c.bytes, 8192U);
        pool.give_back(c);
    }
    EXPECT_EQ(pool.made(1), 32U) << "the bound";
    std::vector<Chunk> all;
    for (Chunk c = pool.take(1); c.bytes != 0; c = pool.take(1)) all.push_back(c);
    EXPECT_EQ(all.size(), 32U);
    for (const Chunk& c : all) pool.give_back(c);
    for (const Chunk& c : all) EXPECT_EQ(pool.take(1).offset_lines, c.offset_lines);
}

// Garbage over everything that a peer can write, at random places, many times: the receiver
// reports a fault or goes on; it neither crashes nor hangs.
TEST(ShmGarbage, IsReportedAndSurvived) {
    int faults = 0;
    for (unsigned seed = 0; seed < 200; ++seed) {
        std::mt19937 random(seed);
        adi::OpenInfo info;
        info.size = 2;
        info.local = {0, 1};
        Shm a, b;
        info.card_of = [&a](adi::Peer) { return adi::Result<std::string>(a.address()); };
        std::string error;
        ASSERT_EQ(a.open(info, &error), adi::Status::ok) << error;
        info.self = 1;
        ASSERT_EQ(b.open(info, &error), adi::Status::ok) << error;
        ASSERT_EQ(b.connect(1, &error), adi::Status::ok) << error;
        ASSERT_EQ(a.connect(1, &error), adi::Status::ok) << error;
        Counter sink(b);
        const std::vector<std::byte> payload(20000);
        const auto send = [&](std::uint32_t bytes) {
            adi::Header h;
            h.kind = 1;
            h.bytes = bytes;
            adi::SendStream stream;
            if (bytes <= kInlineBytes) {
                static_cast<void>(a.send_short(1, h, adi::contiguous(payload.data(), bytes)));
            } else if (a.begin(stream, 1, h) == adi::Status::ok) {
                a.send_piece(stream, adi::contiguous(payload.data(), bytes), 0, bytes);
            }
        };
        send(8);
        send(20000);
        if (seed % 2 == 0) b.poll(sink, 16);
        // From the region's inbox to the end of the ring: header_bytes(2) + ring.
        std::byte* region = b.region_of(0);
        const std::uint64_t end = header_bytes(2) + ring_bytes(256);
        for (int hits = 0; hits < 400; ++hits) {
            const std::uint64_t at = 64 + random() % (end - 64);
            region[at] = static_cast<std::byte>(random());
        }
        for (int i = 0; i < 300; ++i) {
            send(i % 3 == 0 ? 5000 : 16);
            b.poll(sink, 16);
        }
        faults += sink.faults;
    }
    EXPECT_GT(faults, 100);
}

TEST_F(ShmPair, AWildOffsetIsReported) {
    ASSERT_EQ(send(5000), adi::Status::ok);
    auto* ring = reinterpret_cast<RingHeader*>(b_.region_of(0) + header_bytes(2));
    ring->cell[0].chunk = {0xffffffff, 5000};
    b_.poll(sink_, 16);
    EXPECT_EQ(sink_.faults, 1);
    EXPECT_EQ(sink_.last, adi::Status::corrupt);
    EXPECT_EQ(sink_.headers, 0);
    EXPECT_EQ(b_.poll(sink_, 16), 0) << "reported once";
}

TEST_F(ShmPair, AWildConsumedIndexStopsTheSender) {
    auto* ring = reinterpret_cast<RingHeader*>(b_.region_of(0) + header_bytes(2));
    ring->consumed.store(123456);
    adi::Status s = adi::Status::ok;
    for (int i = 0; i < 1000 && s == adi::Status::ok; ++i) s = send(8);
    EXPECT_EQ(s, adi::Status::corrupt);
}

}  // namespace
}  // namespace dev::shm
