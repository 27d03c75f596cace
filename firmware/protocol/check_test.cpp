#include "firmware/protocol/check.hpp"

#include <gtest/gtest.h>

namespace firmware {
namespace {

TEST(Check, SequenceNumbersGoRound) {
    EXPECT_EQ(ahead(5, 3), 2);
    EXPECT_EQ(ahead(3, 5), -2);
    EXPECT_EQ(ahead(1, 0xffff), 2);
    EXPECT_EQ(ahead(0xffff, 1), -2);
    EXPECT_FALSE(acknowledges(7, 7, 9));
    EXPECT_TRUE(acknowledges(8, 7, 9));
    EXPECT_TRUE(acknowledges(9, 7, 9));
    EXPECT_FALSE(acknowledges(10, 7, 9));
    EXPECT_FALSE(acknowledges(6, 7, 9));
    EXPECT_TRUE(acknowledges(1, 0xfffe, 3));
    EXPECT_FALSE(acknowledges(4, 0xfffe, 3));
}

TEST(Check, PagesFit) {
    EXPECT_TRUE(pages_fit(0, 0, FM_PAGES * FM_PAGE_BYTES));
    EXPECT_FALSE(pages_fit(0, 4, FM_PAGES * FM_PAGE_BYTES));
    EXPECT_TRUE(pages_fit(FM_PAGES - 1, 4092, 4));
    EXPECT_FALSE(pages_fit(FM_PAGES - 1, 4092, 8));
    EXPECT_FALSE(pages_fit(FM_PAGES, 0, 4));
    EXPECT_FALSE(pages_fit(0, FM_PAGE_BYTES, 4));
    EXPECT_FALSE(pages_fit(1, 1, ~0U));
    EXPECT_TRUE(page_fits(FM_PACKET_BYTES, 1, 64));
    EXPECT_FALSE(page_fits(FM_PACKET_BYTES, 1, 68));
    EXPECT_FALSE(page_fits(FM_PACKET_BYTES + 1, 1, 0));
}

TEST(Check, PutsStayInThePageTable) {
    EXPECT_TRUE(put_fits(4, 0, 0, 0));
    EXPECT_TRUE(put_fits(FM_PAGES * FM_PAGE_BYTES, 0, 0, ~3U));
    EXPECT_TRUE(put_fits(4, FM_PAGES - 1, 4092, 0));
    EXPECT_FALSE(put_fits(8, FM_PAGES - 1, 4092, 0));
    EXPECT_FALSE(put_fits(FM_PAGES * FM_PAGE_BYTES, 0, 4, 0));
    EXPECT_FALSE(put_fits(0, 0, 0, 0));
    EXPECT_FALSE(put_fits(2, 0, 0, 0));
    EXPECT_FALSE(put_fits(4, 0, 1, 0));
    EXPECT_FALSE(put_fits(4, 0, 0, 2));
    EXPECT_FALSE(put_fits(4, FM_PAGES, 0, 0));
    EXPECT_FALSE(put_fits(4, 0, FM_PAGE_BYTES, 0));
    EXPECT_FALSE(put_fits(~3U, 1, 0, 0));
    EXPECT_FALSE(put_fits(4, ~0U, 0, 0));
    EXPECT_FALSE(put_fits(4, 0, ~3U, 0));
}

// Every put is cut into packets that follow each other, none over the end of a page of the
// sender's.
TEST(Check, PutsAreCutAtPages) {
    for (std::uint32_t length = 4; length < 70000; length += length < 5000 ? 4 : 1004) {
        for (std::uint32_t offset : {0U, 4U, 16U, 1020U, 1024U, 2048U, 4092U}) {
            std::uint32_t shift = put_shift(length), at = 0;
            std::uint32_t packets = put_packets(length, offset, shift);
            for (std::uint32_t i = 0; i < packets; ++i) {
                Piece piece = put_piece(length, offset, shift, i);
                ASSERT_EQ(piece.start, at) << length << ' ' << offset << ' ' << i;
                ASSERT_GT(piece.bytes, 0U);
                ASSERT_LE(piece.bytes, 1U << shift);
                ASSERT_LE((offset + at) % FM_PAGE_BYTES + piece.bytes,
                          std::uint32_t{FM_PAGE_BYTES});
                at += piece.bytes;
            }
            ASSERT_EQ(at, length) << offset;
        }
    }
}

TEST(Check, WindowsStayInThePageTable) {
    const fm_window w{0x85, 3 << 16 | 10, 100, 5000};
    EXPECT_TRUE(window_fits(w, 0x85, 3));
    EXPECT_FALSE(window_fits(w, 0x85, 2));
    EXPECT_FALSE(window_fits(w, 0xc5, 3));
    EXPECT_FALSE(window_fits({0, 3 << 16, 0, 64}, 0, 3));
    EXPECT_FALSE(window_fits({0x85, 3 << 16 | 10, 102, 5000}, 0x85, 3));
    EXPECT_FALSE(window_fits({0x85, 3 << 16 | 4095, 100, 5000}, 0x85, 3));
    EXPECT_FALSE(window_fits({0x85, 3 << 16 | 10, 4096, 64}, 0x85, 3));
    EXPECT_FALSE(window_fits({0x85, 3 << 16 | 10, 0, ~3U}, 0x85, 3));
}

}  // namespace
}  // namespace firmware
