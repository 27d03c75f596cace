// Fast Messages' rules, one by one. Handlers are plain functions, so what they share with the tests
// stands in one global.
#include "devices/fm/library.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <thread>

#include "devices/fm/testing.hpp"

namespace dev::fm {
namespace {

using testing::pattern;
using testing::Random;
using Bytes = std::vector<std::byte>;

/// A job of which this test runs one node after the other, or each on a thread.
struct Job {
    explicit Job(Node nodes) {
        for (Node node = 0; node < nodes; ++node) {
            auto endpoint =
                std::make_unique<Endpoint>(fabric.make_board(Endpoint::ring_slots_for(nodes)),
                                           EndpointOptions{node, nodes, Strategy::adapt});
            libraries.push_back(std::make_unique<Library>(
                std::move(endpoint), handlers,
                Library::Hooks{[this](const std::string& s) { failures.push_back(s); },
                               [this](const std::string& s) { said.push_back(s); }}));
        }
    }
    Library& operator[](Node node) { return *libraries[node]; }
    ULONG add(FM_handler* handler) {
        ULONG id = FM_ANY_ID;
        EXPECT_TRUE(handlers.add(&id, handler));
        return id;
    }
    void send(Node from, Node to, ULONG handler, const void* bytes, std::uint64_t n) {
        FM_stream* stream = (*this)[from].begin(to, n, static_cast<std::uint32_t>(handler));
        ASSERT_NE(stream, nullptr);
        (*this)[from].send_piece(*stream, bytes, n);
        (*this)[from].end(*stream);
    }
    int extract(Node node, std::uint64_t bytes = ~0ULL) { return (*this)[node].extract(bytes); }

    LoopbackFabric fabric;
    HandlerTable handlers{1024};
    std::vector<std::string> failures;
    std::vector<std::string> said;
    std::vector<std::unique_ptr<Library>> libraries;
};

struct Shared {
    Job* job = nullptr;
    std::vector<Bytes> messages;
    std::vector<unsigned> senders;
    std::vector<std::string> log;
    std::vector<std::uint32_t> pieces;  ///< how a handler receives
    std::uint64_t missing = 0;
    int begun = 0;
    FM_stream* answer = nullptr;
};
Shared shared;

struct LibraryTest : ::testing::Test {
    void SetUp() override { shared = Shared{}; }
};

Library& here(Node node) {
    return (*shared.job)[node];
}

/// Receives all of it, in pieces of 7, 1000, 7, … bytes: a length first.
int take_all(FM_stream* stream, unsigned sender) {
    Library& fm = here(1);
    std::uint32_t length = 0;
    fm.receive(&length, *stream, sizeof length);
    Bytes bytes(length);
    std::uint32_t at = 0;
    for (std::size_t i = 0; at < length; ++i) {
        const std::uint32_t n = std::min(
            length - at, shared.pieces.empty() ? length : shared.pieces[i % shared.pieces.size()]);
        fm.receive(bytes.data() + at, *stream, n);
        at += n;
    }
    shared.messages.push_back(std::move(bytes));
    shared.senders.push_back(sender);
    shared.missing += stream->missing;
    return FM_CONTINUE;
}

TEST_F(LibraryTest, PiecesNeedNotMatch) {
    Job job(2);
    shared.job = &job;
    const ULONG id = job.add(take_all);
    Random random(2);
    for (int round = 0; round < 100; ++round) {
        shared.messages.clear();
        shared.pieces = {1 + random() % 900, 1 + random() % 5000};
        const Bytes sent = pattern(random() % 30000, random());
        const auto length = static_cast<std::uint32_t>(sent.size());
        FM_stream* stream = job[0].begin(1, sent.size() + 4, static_cast<std::uint32_t>(id));
        ASSERT_NE(stream, nullptr);
        job[0].send_piece(*stream, &length, 4);
        for (std::size_t at = 0; at < sent.size();) {
            const std::size_t n = std::min<std::size_t>(random() % 4000, sent.size() - at);
            job[0].send_piece(*stream, sent.data() + at, n);
            at += n;
            if (random() % 2 == 0) job.extract(1, random() % 3000);
        }
        job[0].end(*stream);
        while (job.extract(1) > 0) continue;
        job.extract(0);
        ASSERT_EQ(shared.messages.size(), 1U);
        ASSERT_EQ(shared.messages[0], sent);
    }
    EXPECT_EQ(shared.missing, 0U);
    EXPECT_TRUE(job.failures.empty());
}

TEST_F(LibraryTest, LengthIsAnUpperBound) {
    Job job(2);
    shared.job = &job;
    const auto id = static_cast<std::uint32_t>(job.add(take_all));
    const std::uint32_t length = 3;
    FM_stream* stream = job[0].begin(1, 1000, id);
    job[0].send_piece(*stream, &length, 4);
    job[0].send_piece(*stream, "abc", 3);
    job[0].end(*stream);
    job.extract(1);
    ASSERT_EQ(shared.messages.size(), 1U);
    EXPECT_EQ(std::memcmp(shared.messages[0].data(), "abc", 3), 0);
    EXPECT_TRUE(job.failures.empty());
    // More are an error.
    stream = job[0].begin(1, 6, id);
    job[0].send_piece(*stream, &length, 4);
    job[0].send_piece(*stream, "abc", 3);
    ASSERT_EQ(job.failures.size(), 1U);
    EXPECT_NE(job.failures[0].find("longer"), std::string::npos);
}

TEST_F(LibraryTest, ThereIsOneOpenMessageForARecipient) {
    Job job(3);
    shared.job = &job;
    const auto id = static_cast<std::uint32_t>(job.add(take_all));
    FM_stream* stream = job[0].begin(1, 100, id);
    ASSERT_NE(stream, nullptr);
    EXPECT_EQ(job[0].begin(1, 100, id), nullptr);
    EXPECT_NE(job[0].begin(2, 100, id), nullptr);
    job[0].end(*stream);
    EXPECT_NE(job[0].begin(1, 100, id), nullptr);
    job[0].end(*stream);
    job[0].send_piece(*stream, "x", 1);  // it was ended
    EXPECT_EQ(job.failures.size(), 1U);
    EXPECT_EQ(job[0].begin(3, 1, id), nullptr);
    EXPECT_EQ(job.failures.size(), 2U);
}

int log_first_word(FM_stream* stream, unsigned sender) {
    Library& fm = here(1);
    shared.log.push_back("start " + std::to_string(sender));
    char text[3000] = {};
    fm.receive(text, *stream, 2);
    shared.log.push_back(text);
    fm.receive(text, *stream, 2998);
    shared.log.push_back("end " + std::to_string(sender));
    return FM_CONTINUE;
}

// A handler starts on the first packet; while it waits for the next one, those of other senders
// run.
TEST_F(LibraryTest, HandlersInterleave) {
    Job job(4);
    shared.job = &job;
    const auto id = static_cast<std::uint32_t>(job.add(log_first_word));
    Bytes rest(2998);
    FM_stream* from0 = job[0].begin(1, 3000, id);
    FM_stream* from2 = job[2].begin(1, 3000, id);
    FM_stream* from3 = job[3].begin(1, 3000, id);
    job[0].send_piece(*from0, "a0", 2);
    job[0].send_piece(*from0, rest.data(), 1500);
    EXPECT_EQ(job.extract(1), 1);
    EXPECT_EQ(shared.log, (std::vector<std::string>{"start 0", "a0"}));
    job[2].send_piece(*from2, "b2", 2);
    job[2].send_piece(*from2, rest.data(), 1500);
    job[3].send_piece(*from3, "c3", 2);
    job[3].send_piece(*from3, rest.data(), 2998);
    job.extract(1);
    job[2].send_piece(*from2, rest.data(), 1498);
    job.extract(1);
    job[0].send_piece(*from0, rest.data(), 1498);
    job.extract(1);
    EXPECT_EQ(shared.log, (std::vector<std::string>{"start 0", "a0", "start 2", "b2", "start 3",
                                                    "c3", "end 3", "end 2", "end 0"}));
    EXPECT_TRUE(job.failures.empty());
}

int take_two(FM_stream* stream, unsigned) {
    char text[3] = {};
    here(1).receive(text, *stream, 2);
    shared.log.push_back(text);
    return FM_CONTINUE;
}

TEST_F(LibraryTest, UnreadBytesAreDropped) {
    Job job(2);
    shared.job = &job;
    const ULONG id = job.add(take_two);
    const Bytes rest(9000);
    for (const char* text : {"ab", "cd", "ef"}) {
        FM_stream* stream = job[0].begin(1, 9002, static_cast<std::uint32_t>(id));
        job[0].send_piece(*stream, text, 2);
        job[0].send_piece(*stream, rest.data(), 9000);
        job[0].end(*stream);
        job.send(0, 1, id, text, 2);
        job.extract(1);
        job.extract(0);
    }
    EXPECT_EQ(shared.log, (std::vector<std::string>{"ab", "ab", "cd", "cd", "ef", "ef"}));
}

int take_too_much(FM_stream* stream, unsigned) {
    Bytes bytes(3000, std::byte{9});
    here(1).receive(nullptr, *stream, 1);
    here(1).receive(bytes.data(), *stream, 3000);
    shared.messages.push_back(bytes);
    shared.missing = stream->missing;
    return FM_CONTINUE;
}

TEST_F(LibraryTest, BytesThatNeverComeAreZero) {
    Job job(2);
    shared.job = &job;
    job.send(0, 1, job.add(take_too_much), "xab", 3);
    job.extract(1);
    ASSERT_EQ(shared.messages.size(), 1U);
    EXPECT_EQ(shared.messages[0][0], std::byte{'a'});
    EXPECT_EQ(std::count(shared.messages[0].begin(), shared.messages[0].end(), std::byte{0}), 2998);
    EXPECT_EQ(shared.missing, 2998U);
}

int note(FM_stream*, unsigned sender) {
    shared.senders.push_back(sender);
    return FM_CONTINUE;
}
int note_and_quit(FM_stream*, unsigned sender) {
    shared.senders.push_back(sender);
    return FM_QUIT;
}

TEST_F(LibraryTest, ExtractHasASoftLimit) {
    Job job(2);
    const ULONG id = job.add(note);
    const Bytes bytes(100);
    for (int i = 0; i < 5; ++i) job.send(0, 1, id, bytes.data(), 100);
    EXPECT_EQ(job.extract(1, 0), 0);
    EXPECT_EQ(job.extract(1, 1), 1);
    EXPECT_EQ(job.extract(1, 101), 2);
    EXPECT_EQ(job.extract(1), 2);
    EXPECT_EQ(shared.senders.size(), 5U);
}

TEST_F(LibraryTest, QuitStopsExtract) {
    Job job(2);
    const ULONG id = job.add(note);
    const ULONG quit = job.add(note_and_quit);
    for (const ULONG handler : {id, quit, id, id}) job.send(0, 1, handler, nullptr, 0);
    job.extract(1);
    EXPECT_EQ(shared.senders.size(), 2U);
    job.extract(1);
    EXPECT_EQ(shared.senders.size(), 4U);
}

TEST_F(LibraryTest, HandlersHaveIds) {
    HandlerTable table(4);
    ULONG id = FM_ANY_ID;
    ASSERT_TRUE(table.add(&id, note));
    EXPECT_EQ(id, 0U);
    id = 1;
    ASSERT_TRUE(table.add(&id, note));
    id = FM_ANY_ID;
    ASSERT_TRUE(table.add(&id, note_and_quit));
    EXPECT_EQ(id, 2U);
    id = 1;  // is taken: the new one replaces it
    ASSERT_TRUE(table.add(&id, note_and_quit));
    EXPECT_EQ(table.find(1), note_and_quit);
    id = 4;
    EXPECT_FALSE(table.add(&id, note));
    id = FM_ANY_ID;
    EXPECT_TRUE(table.add(&id, note));
    id = FM_ANY_ID;
    EXPECT_FALSE(table.add(&id, note));
    EXPECT_EQ(table.find(7), nullptr);
}

TEST_F(LibraryTest, MessagesForNoHandlerAreDropped) {
    Job job(2);
    const ULONG id = job.add(note);
    const Bytes bytes(6000);
    job.send(0, 1, 77, bytes.data(), 6000);
    job.send(0, 1, id, bytes.data(), 6000);
    job.send(0, 1, 0xffffffff, bytes.data(), 0);
    job.extract(1);
    EXPECT_EQ(shared.senders.size(), 1U);
    ASSERT_EQ(job.said.size(), 2U);
    EXPECT_EQ(job.said[0], "FM: received invalid handler ID 77 from node 0");
}

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
    EXPECT_EQ(shared.missing, 3001U - 1024U);
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
