// Fast Messages' rules, one by one; library_sends_test.cpp has those of handlers that send, of
// nodes that run at the same time, and of faults.
#include <gtest/gtest.h>

#include <algorithm>

#include "devices/fm/library_testing.hpp"

namespace dev::fm {
namespace {

using testing::Bytes;
using testing::here;
using testing::LibraryTest;
using testing::note;
using testing::pattern;
using testing::Random;
using testing::shared;
using testing::take_too_much;
using Job = testing::LibraryJob;

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
    EXPECT_EQ(job.extract(1), 1502 / static_cast<int>(Endpoint::kShortBytes));
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

}  // namespace
}  // namespace dev::fm
