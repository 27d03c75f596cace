// Handlers that send, nodes that run at the same time, faults.
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "devices/fm/library_testing.hpp"

namespace dev::fm {
namespace {

using testing::Bytes;
using testing::here;
using testing::LibraryTest;
using testing::note;
using testing::pattern;
using testing::shared;
using testing::take_too_much;
using Job = testing::LibraryJob;

// --- sends in handlers ------------------------------------------------------------------------

int answer_twice(FM_stream* stream, unsigned sender) {
    Library& fm = here(1);
    std::uint32_t length = 0;
    fm.receive(&length, *stream, 4);
    const Bytes bytes = pattern(length, 1);
    EXPECT_EQ(fm.extract(~0ULL), 0);  // not in a handler
    FM_stream* answer = fm.begin(sender, length, 0);
    if (answer == nullptr) return FM_CONTINUE;
    ++shared.begun;
    EXPECT_EQ(fm.begin(sender, 1, 0), nullptr);
    fm.send_piece(*answer, bytes.data(), length);
    fm.end(*answer);
    return FM_CONTINUE;
}

TEST_F(LibraryTest, HandlersBeginOnlyWhatCanEnd) {
    Job job(2);
    shared.job = &job;
    job.add(note);
    const ULONG id = job.add(answer_twice);
    const std::uint64_t most = std::uint64_t{job[1].endpoint().credits()} * FM_PACKET_BYTES;
    auto length = static_cast<std::uint32_t>(most);
    job.send(0, 1, id, &length, 4);
    ++length;
    job.send(0, 1, id, &length, 4);  // more than there are credits: never
    length = 10;
    job.send(0, 1, id, &length, 4);  // none are left now
    job.extract(1);
    EXPECT_EQ(shared.begun, 1);
    job.extract(0);
    EXPECT_EQ(shared.senders.size(), 1U);
    job.send(0, 1, id, &length, 4);
    job.extract(1);
    EXPECT_EQ(shared.begun, 2);
    EXPECT_TRUE(job.failures.empty());
}

// The board takes nothing for a while: the handler waits for slots, not for its peer.
TEST_F(LibraryTest, HandlersWaitForSlotsAlone) {
    Job job(3);
    shared.job = &job;
    job.add(note);
    const ULONG id = job.add(answer_twice);
    job.fabric.hold(1, true);
    while (job[1].endpoint().try_send(2, 0, nullptr, 0, {}, 0, 0) == adi::Status::ok) continue;
    const std::uint32_t length = 20 * 1024;
    job.send(0, 1, id, &length, 4);
    std::thread releases([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        job.fabric.hold(1, false);
    });
    job.extract(1);
    releases.join();
    EXPECT_EQ(shared.begun, 1);
    job.extract(0);
    EXPECT_EQ(shared.senders, (std::vector<unsigned>{1}));
}

// --- nodes that run at the same time ------------------------------------------------------------

std::atomic<int> arrived[2];
int count_bytes(FM_stream* stream, unsigned sender) {
    Library& fm = here(1 - sender);
    Bytes bytes(200'000);
    fm.receive(bytes.data(), *stream, 200'000);
    if (bytes == pattern(200'000, 5) && stream->missing == 0) ++arrived[1 - sender];
    return FM_CONTINUE;
}

// Both send far more than fits anywhere, and nobody calls extract but the sends themselves.
TEST_F(LibraryTest, SendsExtract) {
    Job job(2);
    shared.job = &job;
    const ULONG id = job.add(count_bytes);
    arrived[0] = arrived[1] = 0;
    const auto run = [&](Node node) {
        const Bytes bytes = pattern(200'000, 5);
        for (int i = 0; i < 20; ++i) job.send(node, 1 - node, id, bytes.data(), bytes.size());
        job[node].leave();
    };
    std::thread other(run, 1);
    run(0);
    other.join();
    EXPECT_EQ(arrived[0], 20);
    EXPECT_EQ(arrived[1], 20);
    EXPECT_TRUE(job.failures.empty());
    EXPECT_TRUE(job[0].endpoint().idle());
}

// A node that computes: its senders go on up to their credits, then sleep until it extracts.
TEST_F(LibraryTest, SendersWaitForSlowReceivers) {
    Job job(2);
    const ULONG id = job.add(note);
    std::atomic<std::uint32_t> sent = 0;
    std::thread sender([&] {
        for (int i = 0; i < 200; ++i) {
            job.send(0, 1, id, nullptr, 0);
            ++sent;
        }
        job[0].leave();
    });
    const std::uint32_t credits = job[0].endpoint().credits();
    while (sent < credits) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_EQ(sent, credits);
    job[1].leave();
    sender.join();
    EXPECT_EQ(shared.senders.size(), 200U);
}

// --- faults, deposits, leaving ------------------------------------------------------------------

TEST_F(LibraryTest, LostSendersEndTheirMessages) {
    Job job(2);
    shared.job = &job;
    const auto id = static_cast<std::uint32_t>(job.add(take_too_much));
    FM_stream* stream = job[0].begin(1, 3001, id);
    const Bytes bytes(1500, std::byte{5});
    job[0].send_piece(*stream, bytes.data(), 1500);
    job.extract(1);
    EXPECT_TRUE(shared.messages.empty());
    std::vector<Node> lost;
    job[1].on_lost([&](Node node, const char*) { lost.push_back(node); });
    job.fabric.lose(0);
    job.extract(1);
    EXPECT_EQ(lost, (std::vector<Node>{0}));
    ASSERT_EQ(shared.messages.size(), 1U);
    EXPECT_EQ(shared.missing, 3001U - 1500U / Endpoint::kShortBytes * Endpoint::kShortBytes);
    EXPECT_EQ(job[1].begin(0, 1, id), nullptr);
    job[1].leave();
    EXPECT_TRUE(job.failures.empty());
}

TEST_F(LibraryTest, ALostNodeIsAFailureUnlessSomebodyCares) {
    Job job(2);
    job.fabric.lose(0);
    job.extract(1);
    ASSERT_EQ(job.failures.size(), 1U);
    EXPECT_NE(job.failures[0].find("node 0 is lost"), std::string::npos);
}

TEST_F(LibraryTest, Puts) {
    Job job(2);
    alignas(FM_PAGE_BYTES) static std::array<std::byte, 3 * FM_PAGE_BYTES> target;
    const Bytes bytes = pattern(8000, 3);
    WindowKey key = 0;
    ASSERT_EQ(job[1].endpoint().open_window(0, target.data(), target.size(), &key),
              adi::Status::ok);
    volatile int done = 7;
    volatile int refused = 7;
    ASSERT_EQ(job[0].put(1, bytes.data(), 8000, key, 16, &done), adi::Status::ok);
    EXPECT_EQ(done, 0);
    while (done == 0) job.extract(0);
    EXPECT_EQ(done, 1);
    ASSERT_EQ(job[0].put(1, bytes.data(), 8000, key, 8000, &refused), adi::Status::ok);
    while (refused == 0) job.extract(0);
    EXPECT_EQ(refused, -1);
    EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), target.begin() + 16));
}

// A handler that still waits when the library ends: it returns, and its stack is given back.
TEST_F(LibraryTest, EndsItsHandlers) {
    Job job(2);
    shared.job = &job;
    const auto id = static_cast<std::uint32_t>(job.add(take_too_much));
    FM_stream* stream = job[0].begin(1, 3001, id);
    const Bytes bytes(1500);
    job[0].send_piece(*stream, bytes.data(), 1500);
    job.extract(1);
    job.libraries[1].reset();
    EXPECT_EQ(shared.messages.size(), 1U);
}

TEST_F(LibraryTest, LeavingWaitsForAll) {
    Job job(3);
    const ULONG id = job.add(note);
    std::vector<std::thread> threads;
    for (Node node = 0; node < 3; ++node) {
        threads.emplace_back([&job, node, id] {
            if (node != 2) job.send(node, 2, id, nullptr, 0);
            job[node].leave();
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(shared.senders.size(), 2U);
    FM_stream* open = job[0].begin(1, 1, 0);
    ASSERT_NE(open, nullptr);
    job[0].leave();
    EXPECT_EQ(job.failures.size(), 1U);
}

}  // namespace
}  // namespace dev::fm
