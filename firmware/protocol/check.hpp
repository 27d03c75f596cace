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
    return length != 0 && ((length | offset | window_offset) & 3) == 0 &&
           pages_fit(page, offset, length);
}

/// Bytes of a put's packets: short messages in smaller ones, so that fetching, the wire and storing
/// overlap. A power of two.
constexpr uint32_t put_chunk(uint32_t length) {
    if (length <= 4096) return 1024;
    if (length <= 16384) return 2048;
    return FM_DEPOSIT_BYTES;
}

/// The packets of a put: they end at multiples of the chunk in the sender's memory, so that none
/// needs two pages there.
constexpr uint32_t put_first(uint32_t length, uint32_t offset, uint32_t chunk) {
    uint32_t first = chunk - (offset & (chunk - 1));
    return first < length ? first : length;
}
constexpr uint32_t put_packets(uint32_t length, uint32_t offset, uint32_t chunk) {
    // A power of two: the LANai shifts, but does not divide.
    auto shift = static_cast<uint32_t>(__builtin_ctz(chunk));
    return 1 + ((length - put_first(length, offset, chunk) + chunk - 1) >> shift);
}

struct Piece {
    uint32_t start, bytes;
};
/// Packet `index` of a put. `index` is within put_packets().
constexpr Piece put_piece(uint32_t length, uint32_t offset, uint32_t chunk, uint32_t index) {
    uint32_t first = put_first(length, offset, chunk);
    if (index == 0) return {0, first};
    uint32_t start = first + ((index - 1) << static_cast<uint32_t>(__builtin_ctz(chunk)));
    uint32_t rest = length - start;
    return {start, rest < chunk ? rest : chunk};
}

/// A window, as it was read from a process's region, against a deposit packet.
struct Deposit {
    bool fits;
    uint32_t page, offset;  ///< of its first byte
};
constexpr Deposit deposit_place(const fm_window& window, uint32_t key, uint32_t node, uint32_t at,
                                uint32_t bytes) {
    constexpr Deposit kNo{false, 0, 0};
    if (key == 0 || window.key != key || window.page >> 16 != node) return kNo;
    if ((window.offset & 3) != 0 || !pages_fit(window.page & 0xffff, window.offset, window.length))
        return kNo;
    if (((at | bytes) & 3) != 0 || at > window.length || bytes > window.length - at) return kNo;
    uint32_t from = window.offset + at;
    return {true, (window.page & 0xffff) + from / FM_PAGE_BYTES, from % FM_PAGE_BYTES};
}

}  // namespace firmware
