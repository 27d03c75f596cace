#include "adi/boot/board.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

namespace adi {
namespace {

constexpr std::uint32_t kRanks = 3;

class BoardTest : public testing::Test {
  protected:
    void SetUp() override {
        ASSERT_TRUE(keeper_);
        ::setenv(kBoardVariable, std::to_string(keeper_->fd()).c_str(), 1);
    }
    void TearDown() override { ::unsetenv(kBoardVariable); }
    std::optional<BoardKeeper> keeper_ = BoardKeeper::make(kRanks);
};

TEST_F(BoardTest, TellsWhatARankWaitsFor) {
    const auto board = Board::open(1, kRanks);
    ASSERT_NE(board, nullptr);
    EXPECT_EQ(keeper_->read(1).phase, BoardPhase::none);
    board->enter(BoardPhase::running);
    board->wait("MPI_Recv()", 17, 2, 3);
    BoardRecord record = keeper_->read(1);
    EXPECT_EQ(record.phase, BoardPhase::running);
    EXPECT_TRUE(record.waits);
    EXPECT_EQ(record.call, "MPI_Recv()");
    EXPECT_EQ(record.since_ns, 17);
    EXPECT_EQ(record.unexpected, 2U);
    EXPECT_EQ(record.posted, 3U);
    board->go_on();
    board->looked();
    record = keeper_->read(1);
    EXPECT_FALSE(record.waits);
    EXPECT_EQ(record.call, "MPI_Recv()") << "the last one";
    EXPECT_GT(record.since_ns, 17);
    EXPECT_EQ(record.looks, 1U);
    EXPECT_EQ(keeper_->read(0).phase, BoardPhase::none) << "another rank";
    EXPECT_EQ(keeper_->read(kRanks).phase, BoardPhase::none) << "no rank";
}

TEST_F(BoardTest, CutsALongCall) {
    const auto board = Board::open(0, kRanks);
    ASSERT_NE(board, nullptr);
    board->wait(std::string(10'000, 'x'), 0, 0, 0);
    const BoardRecord record = keeper_->read(0);
    EXPECT_GT(record.call.size(), 100U);
    EXPECT_LT(record.call.size(), 1000U);
}

TEST_F(BoardTest, TellsWhoIsLost) {
    const auto board = Board::open(0, kRanks);
    ASSERT_NE(board, nullptr);
    EXPECT_EQ(board->lost_count(), 0U);
    keeper_->mark_lost(2);
    keeper_->mark_lost(1);
    EXPECT_EQ(board->lost_count(), 2U);
    EXPECT_EQ(board->lost(0), 2U);
    EXPECT_EQ(board->lost(1), 1U);
    for (int i = 0; i < 5; ++i) keeper_->mark_lost(0);
    EXPECT_EQ(board->lost_count(), kRanks) << "there are no more";
}

TEST_F(BoardTest, PassesInvitationsOn) {
    const auto second = Board::open(1, kRanks), first = Board::open(0, kRanks);
    ASSERT_NE(second, nullptr);
    ASSERT_NE(first, nullptr);
    EXPECT_EQ(second->invited_count().load(), 0U);
    for (std::uint32_t from = 0; from < 1000; ++from) keeper_->invite(1, from);
    keeper_->invite(kRanks, 0);
    EXPECT_EQ(first->invited_count().load(), 0U);
    ASSERT_EQ(second->invited_count().load(), 1000U);
    for (std::uint32_t i = 600; i < 1000; ++i) EXPECT_EQ(second->invited_by(i), i);
    second->wait("MPI_Recv", 1, 2, 3);
    EXPECT_EQ(second->invited_count().load(), 1000U);
}

TEST_F(BoardTest, IsOnlyOpenedWhereItIsOne) {
    EXPECT_EQ(Board::open(0, kRanks + 5000), nullptr) << "of another job";
    int pipe[2];
    ASSERT_EQ(::pipe(pipe), 0);
    for (const std::string& text : {std::to_string(pipe[0]), std::string("9999"), std::string("x"),
                                    std::string("0"), std::string()}) {
        ::setenv(kBoardVariable, text.c_str(), 1);
        EXPECT_EQ(Board::open(0, kRanks), nullptr) << text;
    }
    ::close(pipe[0]);
    ::close(pipe[1]);
    ::unsetenv(kBoardVariable);
    EXPECT_EQ(Board::open(0, kRanks), nullptr);
}

}  // namespace
}  // namespace adi
