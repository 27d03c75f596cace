#include "mpi/coll/select.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

namespace mpi::coll::select {
namespace {

class ReadLimits : public ::testing::Test {
  protected:
    void TearDown() override {
        limits = Limits();
        ::unsetenv("FATHOM_COLL_LIMITS");
    }
    std::string read(const char* text) {
        ::setenv("FATHOM_COLL_LIMITS", text, 1);
        ::testing::internal::CaptureStderr();
        read_limits();
        return ::testing::internal::GetCapturedStderr();
    }
};

TEST_F(ReadLimits, SetsWhatIsNamed) {
    EXPECT_EQ(read("bcast=65536,,scan=0,"), "");
    EXPECT_EQ(limits.bcast, 65536U);
    EXPECT_EQ(limits.scan, 0U);
    EXPECT_EQ(limits.reduce, Limits().reduce);
    EXPECT_TRUE(bcast_is_long(65537, 5));
    EXPECT_FALSE(bcast_is_long(65536, 5));
}

TEST_F(ReadLimits, IgnoresWhatIsNoLimit) {
    for (const char* word : {"bcast", "bcast=", "bcast=-1", "bcast=1k", "cast=1", "=1", "="}) {
        EXPECT_NE(read(word).find(std::string(word) + " ignored"), std::string::npos) << word;
    }
    EXPECT_EQ(read(""), "");
    EXPECT_EQ(limits.bcast, Limits().bcast);
    EXPECT_NE(read("reduce=7,what=1,gather=8").find("what=1"), std::string::npos);
    EXPECT_EQ(limits.reduce, 7U);
    EXPECT_EQ(limits.gather, 8U);
}

// What a slot does not hold is never put into one, whatever the limits say.
TEST_F(ReadLimits, CannotOverflowASlot) {
    read("pair_shared=9223372036854775807");
    EXPECT_TRUE(fits_epoch(kOneEpoch, 2));
    EXPECT_FALSE(fits_epoch(kOneEpoch + 1, 2));
    EXPECT_FALSE(fits_epoch(kOneEpoch + 1, 3));
}

}  // namespace
}  // namespace mpi::coll::select
