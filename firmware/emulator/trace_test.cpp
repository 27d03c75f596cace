#include "firmware/emulator/trace.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>

namespace emulator {
namespace {

TEST(Trace, WritesEvents) {
    const std::string path = testing::TempDir() + "fathom_trace_test.json";
    {
        auto trace = Trace::open(path);
        ASSERT_TRUE(trace.ok()) << trace.message();
        (*trace)->span(3, Trace::Lane::wire, "a \"packet\"\n", 1'500'000, 2'000'001, 64);
        (*trace)->span(3, Trace::Lane::wire, "late", 5, 4);
        (*trace)->mark(3, Trace::Lane::host, "sleep", 7'000'000'000'000);
        EXPECT_EQ((*trace)->events(), 8U);  // a name for the board, two for each of two lanes
    }
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    std::remove(path.c_str());
    const std::string all = text.str();
    EXPECT_EQ(all.find("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n{"), 0U);
    EXPECT_NE(all.find("{\"ph\":\"X\",\"name\":\"a \\\"packet\\\"?\",\"pid\":3,\"tid\":3,"
                       "\"ts\":1.500000,\"dur\":0.500001,\"args\":{\"bytes\":64}},\n"),
              std::string::npos)
        << all;
    EXPECT_NE(
        all.find("\"name\":\"late\",\"pid\":3,\"tid\":3,\"ts\":0.000005,\"dur\":0.000000},\n"),
        std::string::npos)
        << all;
    EXPECT_NE(all.find("{\"ph\":\"i\",\"s\":\"t\",\"name\":\"sleep\",\"pid\":3,\"tid\":0,"
                       "\"ts\":7000000.000000}\n]}\n"),
              std::string::npos)
        << all;
    EXPECT_NE(all.find("\"args\":{\"name\":\"board 3\"}"), std::string::npos);
    EXPECT_NE(all.find("\"args\":{\"name\":\"wire\"}"), std::string::npos);
}

TEST(Trace, TakesWhatProcessesTell) {
    const std::string path = testing::TempDir() + "fathom_trace_host_test.json";
    auto trace = Trace::open(path);
    ASSERT_TRUE(trace.ok()) << trace.message();
    fm_host_trace ring{};
    take_host_trace(ring, 1, **trace);
    EXPECT_EQ((*trace)->events(), 0U);
    ring.events[0] = {5, 7, FM_TRACE_PIO_WRITE, 64};
    ring.events[1] = {5, 7, FM_TRACE_KINDS, 0};  // nothing that is known
    ring.events[2] = {~0ULL, 7, 0, 0};           // no time that comes
    ring.head = 3;
    take_host_trace(ring, 1, **trace);
    EXPECT_EQ((*trace)->events(), 4U);  // a span, three names
    EXPECT_EQ(ring.tail, 3U);
    ring.head = 3 + FM_TRACE_EVENTS;
    for (fm_trace_event& event : ring.events) event = {9, 1, FM_TRACE_PIO_READ, 4};
    take_host_trace(ring, 1, **trace);
    EXPECT_EQ((*trace)->events(), 4U + FM_TRACE_EVENTS);
    ring.head = 7;  // cannot be: nothing is taken, and the ring works on
    take_host_trace(ring, 1, **trace);
    EXPECT_EQ((*trace)->events(), 4U + FM_TRACE_EVENTS);
    EXPECT_EQ(ring.tail, 7U);
    std::remove(path.c_str());
}

TEST(Trace, SaysWhyNot) {
    const auto trace = Trace::open("/nonexistent/trace.json");
    ASSERT_FALSE(trace.ok());
    EXPECT_NE(trace.message().find("/nonexistent/trace.json"), std::string::npos);
}

}  // namespace
}  // namespace emulator
