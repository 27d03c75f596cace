// What the firmware believes of descriptors, windows and sequence numbers. Pure functions, no
// memory of their own: the same for the LANai and for the host's tests.
#pragma once

#include "firmware/protocol/layout.h"

namespace firmware {

/// How far sequence number `a` is ahead of `b`; negative when behind.
constexpr int32_t ahead(uint32_t a, uint32_t b) {
    return static_cast<int16_t>(static_cast<uint16_t>(a - b));
}

/// Is `acknowledged` one of the numbers after `acked`, up to and with `next`? What comes from the
/// wire may say anything.
constexpr bool acknowledges(uint32_t acknowledged, uint32_t acked, uint32_t next) {
    auto gained = static_cast<uint16_t>(acknowledged - acked);
    auto possible = static_cast<uint16_t>(next - acked);
    return gained != 0 && gained <= possible;
}

constexpr uint32_t words_up(uint32_t bytes) {
    return (bytes + 3) & ~3U;
}

/// Do `bytes` from `offset` of page `page` on lie within a page table? They do not wrap, whatever
/// is given.
constexpr bool pages_fit(uint32_t page, uint32_t offset, uint32_t bytes) {
    if (page >= FM_PAGES || offset >= FM_PAGE_BYTES || bytes > FM_PAGES * FM_PAGE_BYTES)
        return false;
    return page + (offset + bytes + FM_PAGE_BYTES - 1) / FM_PAGE_BYTES <= FM_PAGES;
}

constexpr bool inline_fits(uint32_t length) {
    return length <= FM_INLINE_BYTES;
}

/// FM_OP_PAGE: one page, from a word on.
constexpr bool page_fits(uint32_t length, uint32_t page, uint32_t offset) {
    return length <= FM_PACKET_BYTES && page < FM_PAGES && (offset & 3) == 0 &&
           offset <= FM_PAGE_BYTES && length <= FM_PAGE_BYTES - offset;
}

constexpr bool put_fits(uint32_t length, uint32_t page, uint32_t offset, uint32_t window_offset) {
    // What is out of bounds leaves a bit; so there is one branch for all.
    constexpr uint32_t kShift = 24;
    static_assert(FM_PAGES * FM_PAGE_BYTES == 1U << kShift && FM_PAGES == FM_PAGE_BYTES);
    return (((length | offset | window_offset) & 3) | (length - 1) >> kShift | page / FM_PAGES |
            offset / FM_PAGE_BYTES | (page * FM_PAGE_BYTES + offset + length - 1) >> kShift) == 0;
}

/// Bytes of a put's packets, as a shift. A packet is fetched whole before it leaves, and has come
/// whole before it is stored: the time of that is in a deposit's beside the transfers of all its
/// bytes, so packets of a short put are short. But each costs the bus about a microsecond, and the
/// processors ten. The bounds are where a put takes equally long either way.
constexpr uint32_t put_shift(uint32_t length) {
    if (length <= 4096) return 10;
    if (length <= 49152) return 11;
    return 12;
}
static_assert(1U << 12 == FM_DEPOSIT_BYTES);

/// The packets of a put: they end at multiples of their size in the sender's memory, so that none
/// needs two pages there.
constexpr uint32_t put_packets(uint32_t length, uint32_t offset, uint32_t shift) {
    return ((offset + length - 1) >> shift) - (offset >> shift) + 1;
}

struct Piece {
    uint32_t start, bytes;
};
/// Packet `index` of a put. `index` is within put_packets().
constexpr Piece put_piece(uint32_t length, uint32_t offset, uint32_t shift, uint32_t index) {
    uint32_t begin = ((offset >> shift) + index) << shift, end = begin + (1U << shift);
    if (begin < offset) begin = offset;
    if (end > offset + length) end = offset + length;
    return {begin - offset, end - begin};
}

/// Is a window, as it was read from a process's region, one of that key for that node, and within
/// the page table? A deposit then has to lie within its length.
constexpr bool window_fits(const fm_window& window, uint32_t key, uint32_t node) {
    return key != 0 && window.key == key && window.page >> 16 == node && (window.offset & 3) == 0 &&
           pages_fit(window.page & 0xffff, window.offset, window.length);
}

}  // namespace firmware
