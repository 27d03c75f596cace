#include "mpi/launch/output.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "mpi/launch/job.hpp"

namespace launch {
namespace {

std::string cut(const std::string& stream, std::size_t piece, std::vector<std::string>* emitted) {
    LineSplitter splitter;
    std::string all;
    const auto emit = [&](std::string_view text) {
        emitted->emplace_back(text);
        all += text;
    };
    for (std::size_t at = 0; at < stream.size(); at += piece) {
        splitter.feed(std::string_view(stream).substr(at, piece), emit);
    }
    splitter.flush(emit);
    EXPECT_FALSE(splitter.partial());
    return all;
}

TEST(LineSplitter, EmitsWholeLinesHoweverTheBytesArrive) {
    const std::string stream = "one\ntwo two\n\n\nthree\nlast";
    for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
        std::vector<std::string> emitted;
        EXPECT_EQ(cut(stream, piece, &emitted), stream);
        for (std::size_t i = 0; i + 1 < emitted.size(); ++i) EXPECT_EQ(emitted[i].back(), '\n');
        EXPECT_TRUE(emitted.back().ends_with("last"));
    }
}

TEST(LineSplitter, PassesAnEndlessLineOnInPieces) {
    const std::string stream(LineSplitter::kMaxLineBytes * 2 + 5, 'x');
    std::vector<std::string> emitted;
    EXPECT_EQ(cut(stream, 65536, &emitted), stream);
    EXPECT_GE(emitted.size(), 2U);
    for (const std::string& text : emitted) {
        EXPECT_LE(text.size(), LineSplitter::kMaxLineBytes + 65536);
    }
}

// A pipe's two ends, the sink's being the write end.
struct Pipe {
    Pipe() {
        int fds[2];
        EXPECT_EQ(::pipe(fds), 0);
        read_end.reset(fds[0]);
        write_end.reset(fds[1]);
    }
    std::string read_all() {
        write_end.reset();
        std::string all;
        char bytes[4096];
        for (ssize_t got = 0; (got = ::read(read_end.get(), bytes, sizeof bytes)) > 0;) {
            all.append(bytes, static_cast<std::size_t>(got));
        }
        return all;
    }
    UniqueFd read_end;
    UniqueFd write_end;
};

TEST(Sink, EndsAnotherOwnersUnfinishedLine) {
    EventLoop loop;
    Pipe pipe;
    const int a = 0;
    const int b = 0;
    {
        Sink sink(&loop, pipe.write_end.get(), [] {});
        sink.write(&a, "a1\na2");
        sink.write(&a, "-a3");
        sink.write(&b, "b1\n");
        sink.write(&b, "b2\n");
        sink.write(&a, "a4");
    }
    EXPECT_EQ(pipe.read_all(), "a1\na2-a3\nb1\nb2\na4");
}

TEST(Sink, QueuesWhatTheReaderDoesNotTake) {
    EventLoop loop;
    Pipe pipe;
    int drained = 0;
    const std::string text(Sink::kHighWaterBytes + 200000, 'x');
    Sink sink(&loop, pipe.write_end.get(), [&] { ++drained; });
    sink.write(&loop, text);
    EXPECT_TRUE(sink.congested());
    std::size_t taken = 0;
    std::string bytes(65536, ' ');
    ::fcntl(pipe.read_end.get(), F_SETFL, O_NONBLOCK);
    while (taken < text.size()) {
        const ssize_t got = ::read(pipe.read_end.get(), bytes.data(), bytes.size());
        ASSERT_GT(got, 0) << "the sink did not write on";
        taken += static_cast<std::size_t>(got);
        sink.drain(std::chrono::milliseconds(1));
    }
    EXPECT_EQ(taken, text.size());
    EXPECT_FALSE(sink.congested());
    EXPECT_EQ(drained, 1);
    pipe.read_end.reset();
    ::signal(SIGPIPE, SIG_IGN);
    sink.write(&loop, "more\n");
    EXPECT_TRUE(sink.closed());
}

TEST(Names, PatternsAndRanks) {
    EXPECT_EQ(expand_pattern("o.%r.%a-%h-%p%%%", 3, 1, "host", 77), "o.3.1-host-77%%");
    EXPECT_EQ(expand_pattern("plain%x", 0, 0, "h", 1), "plain%x");
    EXPECT_EQ(format_ranks({0, 1, 2, 5, 7, 8}), "0-2,5,7-8");
    EXPECT_EQ(format_ranks({}), "");
    EXPECT_EQ(format_ranks({4}), "4");
}

TEST(EventLoop, RunsTimersInOrderAndForgetsCancelledOnes) {
    EventLoop loop;
    std::string order;
    using std::chrono::milliseconds;
    loop.call_after(milliseconds(20), [&] { order += 'c', loop.stop(); });
    loop.call_after(milliseconds(0), [&] { order += 'a'; });
    const auto cancelled = loop.call_after(milliseconds(5), [&] { order += 'x'; });
    loop.call_after(milliseconds(1), [&] { order += 'b', loop.cancel(cancelled); });
    loop.run();
    EXPECT_EQ(order, "abc");
}

}  // namespace
}  // namespace launch
