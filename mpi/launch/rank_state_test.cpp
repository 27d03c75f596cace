#include "mpi/launch/rank_state.hpp"

#include <gtest/gtest.h>

#include "mpi/launch/frames.hpp"

namespace launch {
namespace {

RankState waiting(int rank, const std::string& call, std::int64_t since_ms) {
    RankState state;
    state.rank = rank;
    state.phase = adi::BoardPhase::running;
    state.waits = true;
    state.since_ms = since_ms;
    state.call = call;
    return state;
}

using Lines = std::vector<std::string>;

TEST(RankStates, EqualRanksShareALine) {
    std::vector<RankState> states;
    for (const int rank : {7, 0, 2, 1}) states.push_back(waiting(rank, "MPI_Barrier()", 12'000));
    EXPECT_EQ(
        describe_states(states),
        Lines{"ranks 0-2,7 wait in MPI_Barrier() since 12.0 s (0 unexpected messages, 0 posted "
              "receives)"});
    EXPECT_EQ(describe_states({}), Lines{});
}

TEST(RankStates, NamesThoseThatDiffer) {
    std::vector<RankState> states{waiting(0, "A()", 1000), waiting(1, "A()", 3000),
                                  waiting(3, "A()", 200'000)};
    RankState odd;
    odd.rank = 2;
    odd.phase = adi::BoardPhase::running;
    states.push_back(odd);
    odd.rank = 4;
    odd.call = "B()";
    odd.since_ms = 500;
    states.push_back(odd);
    states[1].unexpected = 5;
    const Lines lines = describe_states(states);
    ASSERT_EQ(lines.size(), 4U);
    EXPECT_EQ(lines[0],
              "ranks 0-1,3 wait in A() since 1.0 to 200 s (0 to 5 unexpected messages, 0 posted "
              "receives)");
    EXPECT_EQ(lines[1], "rank 2 is not in MPI");
    EXPECT_EQ(lines[2], "rank 4 is not in MPI (its last long wait, in B(), ended 0.5 s ago)");
    EXPECT_EQ(lines[3], "ranks 2,4 differ from the rest");
    states.resize(2);
    states[1].call = "C()";
    EXPECT_EQ(describe_states(states).size(), 2U) << "neither is the rest";
}

TEST(RankStates, WhatARankWritesDoesNoHarm) {
    EXPECT_NE(describe_states({waiting(0, "\033[2J\n", 0)})[0].find("in ?[2J? since"),
              std::string::npos);
}

TEST(RankStates, TravelInFrames) {
    RankState state = waiting(9, "MPI_Recv(tag=1)", 77);
    state.unexpected = 3;
    state.posted = 4'000'000'000U;
    state.looks = true;
    Writer writer;
    writer.state(state);
    Reader reader(writer.bytes());
    const RankState read = reader.state();
    ASSERT_TRUE(reader.done());
    EXPECT_EQ(describe_states({read}), describe_states({state}));
    Reader cut(std::string_view(writer.bytes()).substr(0, 20));
    (void)cut.state();
    EXPECT_FALSE(cut.good());
}

}  // namespace
}  // namespace launch
