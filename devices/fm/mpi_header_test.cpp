#include "devices/fm/mpi_header.hpp"

#include <gtest/gtest.h>

namespace dev::fm {
namespace {

struct Case {
    adi::Header header;
    std::uint32_t whole_bytes, stream_bytes;  ///< of the packed header
};

TEST(MpiHeader, ArrivesAsItWas) {
    constexpr std::uint32_t kMost = 0xffffff;
    const Case cases[] = {
        {{3, 1, 7, 1, 0, 0, 100, 0}, 8, 12},          {{kMost, -1, -2, 15, 0, 0, 0, 0}, 8, 12},
        {{kMost + 1, 1, 7, 1, 0, 0, 100, 0}, 24, 24}, {{3, 1, 7, 16, 0, 0, 100, 0}, 24, 24},
        {{3, 1, 7, 1, 1, 0, 100, 0}, 24, 24},         {{3, 1, 7, 1, 0, 1, 100, 0}, 24, 24},
        {{3, 1, 7, 1, 0, 0, 100, 9}, 24, 24},
    };
    for (const Case& c : cases) {
        for (const bool whole : {true, false}) {
            const MpiHeader packed = MpiHeader::pack(c.header, whole);
            EXPECT_EQ(packed.bytes, whole ? c.whole_bytes : c.stream_bytes);
            EXPECT_EQ(MpiHeader::bytes_of(packed.handler), packed.bytes);
            const adi::Header h = packed.unpack(whole ? c.header.bytes : 0);
            EXPECT_EQ(h.context, c.header.context);
            EXPECT_EQ(h.source, c.header.source);
            EXPECT_EQ(h.tag, c.header.tag);
            EXPECT_EQ(h.kind, c.header.kind);
            EXPECT_EQ(h.flags, c.header.flags);
            EXPECT_EQ(h.zero, c.header.zero);
            EXPECT_EQ(h.bytes, c.header.bytes);
            EXPECT_EQ(h.cookie, c.header.cookie);
        }
    }
    EXPECT_EQ(MpiHeader::bytes_of(0), 0U);
    EXPECT_EQ(MpiHeader::bytes_of(0x4d504930), 0U);
}

}  // namespace
}  // namespace dev::fm
