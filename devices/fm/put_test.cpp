// Deposits and the pin-down cache.
#include <gtest/gtest.h>

#include <cstdlib>

#include "devices/fm/endpoint.hpp"
#include "devices/fm/testing.hpp"

namespace dev::fm {
namespace {

using adi::Status;
using testing::Job;
using testing::pattern;
using testing::Random;

/// Memory that begins at a page.
struct Pages {
    explicit Pages(std::size_t count)
        : bytes(count * FM_PAGE_BYTES),
          data(static_cast<std::byte*>(std::aligned_alloc(FM_PAGE_BYTES, bytes))) {
        std::memset(data, 0, bytes);
    }
    ~Pages() { std::free(data); }
    Pages(const Pages&) = delete;
    Pages& operator=(const Pages&) = delete;

    std::size_t bytes;
    std::byte* data;
};

TEST(Put, OfAllLengthsAndPlaces) {
    Job job(2);
    Pages from(520);
    Pages to(520);
    Random random(5);
    for (std::size_t i = 0; i < from.bytes; ++i) from.data[i] = static_cast<std::byte>(i * 31 >> 3);
    for (std::uint64_t token = 1; token < 60; ++token) {
        const std::uint64_t bytes =
            token % 4 == 0 ? (1 + random() % 500'000) * 4 : (1 + random() % 2000) * 4;
        const std::uint64_t source = random() % 1024 * 4;
        const std::uint64_t target = random() % 1024 * 4;
        const std::uint64_t slack = random() % 8 * 4;
        std::memset(to.data, 0, to.bytes);
        WindowKey key = 0;
        ASSERT_EQ(job[1].open_window(0, to.data + target, bytes + slack, &key), Status::ok);
        ASSERT_EQ(job[0].put(1, from.data + source, bytes, key, slack, token), Status::ok);
        // What is begun now arrives after the bytes.
        while (job[0].try_send(1, 1, &token, 8, {}, 0, 0) == Status::again) {
            job[0].extract(job.sink(0));
        }
        job[1].extract(job.sink(1));
        ASSERT_EQ(job.sink(1).messages.size(), 1U);
        job.sink(1).messages.clear();
        ASSERT_EQ(std::memcmp(to.data + target + slack, from.data + source, bytes), 0);
        EXPECT_EQ(std::count(to.data, to.data + target + slack, std::byte{0}),
                  static_cast<std::ptrdiff_t>(target + slack));
        EXPECT_EQ(to.data[target + slack + bytes], std::byte{0});
        while (!job[0].idle()) job[0].extract(job.sink(0));
        ASSERT_EQ(job.sink(0).puts.size(), token);
        EXPECT_EQ(job.sink(0).puts.back(), std::pair(token, Status::ok));
        job[1].close_window(key);
    }
    EXPECT_EQ(job[0].counters().puts, 59U);
}

TEST(Put, ArgumentsAreChecked) {
    Job job(2);
    Pages memory(4);
    WindowKey key = 0;
    EXPECT_EQ(job[1].open_window(0, memory.data + 2, 16, &key), Status::bad_argument);
    EXPECT_EQ(job[1].open_window(0, memory.data, 18, &key), Status::bad_argument);
    EXPECT_EQ(job[1].open_window(0, memory.data, 0, &key), Status::bad_argument);
    EXPECT_EQ(job[1].open_window(2, memory.data, 16, &key), Status::bad_argument);
    EXPECT_EQ(job[1].open_window(0, memory.data, job[1].most_window_bytes() + 4, &key),
              Status::bad_argument);
    ASSERT_EQ(job[1].open_window(0, memory.data, 4096, &key), Status::ok);
    EXPECT_EQ(job[0].put(1, memory.data + 1, 16, key, 0, 1), Status::bad_argument);
    EXPECT_EQ(job[0].put(1, memory.data, 15, key, 0, 1), Status::bad_argument);
    EXPECT_EQ(job[0].put(1, memory.data, 16, key, 2, 1), Status::bad_argument);
    EXPECT_EQ(job[0].put(1, memory.data, 0, key, 0, 1), Status::bad_argument);
    EXPECT_EQ(job[0].put(9, memory.data, 16, key, 0, 1), Status::bad_argument);
    EXPECT_EQ(job[0].put(1, memory.data, 16, key, std::uint64_t{1} << 32, 1), Status::bad_argument);
}

TEST(Put, OnlyIntoItsWindow) {
    Job job(3);
    Pages from(4);
    Pages to(4);
    std::memset(from.data, 0xff, from.bytes);
    WindowKey key = 0;
    ASSERT_EQ(job[1].open_window(0, to.data, 4096, &key), Status::ok);
    const auto refused = [&](Node node, std::uint64_t bytes, WindowKey window, std::uint64_t at) {
        EXPECT_EQ(job[node].put(1, from.data, bytes, window, at, 1), Status::ok);
        while (!job[node].idle()) job[node].extract(job.sink(node));
        const Status status = job.sink(node).puts.back().second;
        EXPECT_EQ(std::count(to.data, to.data + to.bytes, std::byte{0}), 4 * FM_PAGE_BYTES);
        return status == Status::bad_argument;
    };
    EXPECT_TRUE(refused(0, 4100, key, 0));
    EXPECT_TRUE(refused(0, 4, key, 4096));
    EXPECT_TRUE(refused(0, 4, key + 64, 0));
    EXPECT_TRUE(refused(0, 4, key + 1, 0));
    EXPECT_TRUE(refused(0, 4, 0, 0));
    EXPECT_TRUE(refused(2, 4, key, 0));  // it is not for that node
    job[1].close_window(key);
    EXPECT_TRUE(refused(0, 4, key, 0));
    // A late deposit does not meet the window that is opened next.
    WindowKey next = 0;
    ASSERT_EQ(job[1].open_window(0, to.data, 4096, &next), Status::ok);
    EXPECT_NE(next, key);
    EXPECT_TRUE(refused(0, 4, key, 0));
}

TEST(Put, ToALostNode) {
    Job job(2);
    Pages memory(64);
    WindowKey key = 0;
    ASSERT_EQ(job[1].open_window(0, memory.data, memory.bytes, &key), Status::ok);
    job.fabric.hold(0, true);
    for (std::uint64_t token = 0; token < 12; ++token) {
        ASSERT_EQ(job[0].put(1, memory.data, memory.bytes, key, 0, token), Status::ok);
    }
    EXPECT_EQ(job[0].try_send(1, 1, nullptr, 0, {}, 0, 0), Status::again);
    job.fabric.lose(1);
    job[0].extract(job.sink(0));
    job.fabric.hold(0, false);
    while (!job[0].idle()) job[0].extract(job.sink(0));
    ASSERT_EQ(job.sink(0).puts.size(), 12U);
    for (const auto& [token, status] : job.sink(0).puts) EXPECT_EQ(status, Status::peer_failed);
    EXPECT_EQ(job.sink(0).losses.size(), 1U);
    EXPECT_EQ(job[0].put(1, memory.data, 16, key, 0, 99), Status::peer_failed);
    EXPECT_EQ(job[0].open_window(1, memory.data, 16, &key), Status::peer_failed);
}

// Puts take a few slots at a time, so messages to others get through between their parts.
TEST(Put, LeavesSlotsToMessages) {
    Job job(3);
    Pages memory(1024);
    WindowKey key = 0;
    ASSERT_EQ(job[1].open_window(0, memory.data, memory.bytes, &key), Status::ok);
    job.fabric.hold(0, true);
    for (std::uint64_t i = 0; i < 4; ++i) {
        ASSERT_EQ(job[0].put(1, memory.data, memory.bytes, key, 0, i), Status::ok);
    }
    EXPECT_EQ(job[0].try_send(2, 1, nullptr, 0, {}, 0, 0), Status::ok);
    EXPECT_EQ(job[0].try_send(1, 1, nullptr, 0, {}, 0, 0), Status::again);
    job.fabric.hold(0, false);
    while (!job[0].idle()) job[0].extract(job.sink(0));
    EXPECT_EQ(job[0].try_send(1, 1, nullptr, 0, {}, 0, 0), Status::ok);
    EXPECT_EQ(job.sink(0).puts.size(), 4U);
}

TEST(Put, WindowsAndPagesAreBounded) {
    Job job(2);
    Pages memory(1);
    std::vector<WindowKey> keys(FM_WINDOWS);
    for (WindowKey& key : keys) {
        ASSERT_EQ(job[1].open_window(0, memory.data, 16, &key), Status::ok);
    }
    WindowKey more = 0;
    EXPECT_EQ(job[1].open_window(0, memory.data, 16, &more), Status::again);
    job[1].close_window(keys[3]);
    EXPECT_EQ(job[1].open_window(0, memory.data, 16, &more), Status::ok);
    EXPECT_EQ(job[1].pin_cache().pages(), 1U);
    for (const WindowKey key : keys) job[1].close_window(key);
    job[1].close_window(more);
    // Windows leave pages to puts.
    const std::uint64_t most = job[1].most_window_bytes();
    Pages large(2 * most / FM_PAGE_BYTES);
    ASSERT_EQ(job[1].open_window(0, large.data, most, &keys[0]), Status::ok);
    EXPECT_EQ(job[1].open_window(0, large.data + most, most, &keys[1]), Status::again);
    ASSERT_EQ(job[0].open_window(1, memory.data, 4096, &keys[2]), Status::ok);
    ASSERT_EQ(job[1].put(0, large.data + most, 4096, keys[2], 0, 7), Status::ok);
    while (!job[1].idle()) job[1].extract(job.sink(1));
    EXPECT_EQ(job.sink(1).puts.back(), std::pair(std::uint64_t{7}, Status::ok));
}

// --- the cache --------------------------------------------------------------------------------

struct Cache : ::testing::Test {
    LoopbackFabric fabric;
    std::unique_ptr<LoopbackBoard> board = fabric.make_board(64);
    Pages memory{64};
    std::byte* page(std::size_t i) const { return memory.data + i * FM_PAGE_BYTES; }
};

TEST_F(Cache, KeepsWhatWasUsed) {
    PinCache cache(*board, 16);
    PinCache::Entry* entry = nullptr;
    ASSERT_EQ(cache.hold(page(3) + 100, 5000, &entry), Status::ok);
    EXPECT_EQ(cache.pages(), 2U);
    const Region region = PinCache::locate(*entry, page(4) + 8, 4);
    EXPECT_EQ(region.page, entry->region.page + 1);
    EXPECT_EQ(region.offset, 8U);
    cache.release(entry);
    PinCache::Entry* again = nullptr;
    ASSERT_EQ(cache.hold(page(4), 10, &again), Status::ok);
    EXPECT_EQ(again, entry);
    EXPECT_EQ(cache.hits(), 1U);
    EXPECT_EQ(cache.misses(), 1U);
    cache.release(again);
    EXPECT_EQ(board->pinned_pages(), 2U);
}

TEST_F(Cache, GivesBackTheLongestUnused) {
    PinCache cache(*board, 4);
    PinCache::Entry* entry = nullptr;
    for (std::size_t i = 0; i < 4; ++i) {
        ASSERT_EQ(cache.hold(page(2 * i), 1, &entry), Status::ok);
        cache.release(entry);
    }
    ASSERT_EQ(cache.hold(page(0), 1, &entry), Status::ok);  // page 2 is the longest unused now
    cache.release(entry);
    ASSERT_EQ(cache.hold(page(20), 1, &entry), Status::ok);
    cache.release(entry);
    EXPECT_EQ(cache.pages(), 4U);
    const std::uint64_t misses = cache.misses();
    ASSERT_EQ(cache.hold(page(0), 1, &entry), Status::ok);
    cache.release(entry);
    EXPECT_EQ(cache.misses(), misses);
    ASSERT_EQ(cache.hold(page(2), 1, &entry), Status::ok);
    cache.release(entry);
    EXPECT_EQ(cache.misses(), misses + 1);
}

TEST_F(Cache, KeepsWhatIsHeld) {
    PinCache cache(*board, 4);
    PinCache::Entry* held = nullptr;
    PinCache::Entry* entry = nullptr;
    ASSERT_EQ(cache.hold(page(0), 3 * FM_PAGE_BYTES, &held), Status::ok);
    EXPECT_EQ(cache.hold(page(10), 2 * FM_PAGE_BYTES, &entry), Status::again);
    EXPECT_EQ(cache.hold(page(10), 5 * FM_PAGE_BYTES, &entry), Status::bad_argument);
    EXPECT_EQ(cache.hold(page(10), 0, &entry), Status::bad_argument);
    cache.release(held);
    ASSERT_EQ(cache.hold(page(10), 2 * FM_PAGE_BYTES, &entry), Status::ok);
    EXPECT_EQ(cache.pages(), 2U);
}

// The board's table is fuller than the cache knows.
TEST_F(Cache, YieldsToTheBoard) {
    PinCache cache(*board, FM_PAGES);
    PinCache::Entry* entry = nullptr;
    ASSERT_EQ(cache.hold(page(0), 10 * FM_PAGE_BYTES, &entry), Status::ok);
    cache.release(entry);
    const std::uint64_t rest = FM_PAGES - 64 - FM_SEND_SLOTS - 10;
    Pages much(rest);
    ASSERT_EQ(cache.hold(much.data, much.bytes - FM_PAGE_BYTES, &entry), Status::ok);
    PinCache::Entry* more = nullptr;
    ASSERT_EQ(cache.hold(page(30), 4 * FM_PAGE_BYTES, &more), Status::ok);
    EXPECT_EQ(cache.pages(), rest - 1 + 4);
    PinCache::Entry* most = nullptr;
    EXPECT_EQ(cache.hold(page(40), 20 * FM_PAGE_BYTES, &most), Status::again);
}

TEST_F(Cache, GivesAllBack) {
    {
        PinCache cache(*board, 16);
        PinCache::Entry* entry = nullptr;
        ASSERT_EQ(cache.hold(page(0), 7 * FM_PAGE_BYTES, &entry), Status::ok);
        cache.release(entry);
    }
    EXPECT_EQ(board->pinned_pages(), 0U);
}

}  // namespace
}  // namespace dev::fm
