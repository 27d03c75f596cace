// The board's send and receive engines, and its registers.
#include <algorithm>
#include <cstring>
#include <utility>

#include "firmware/emulator/board.hpp"
#include "firmware/protocol/layout.h"
#include "firmware/protocol/registers.h"

namespace emulator {

namespace {

/// Of a forward reset, by the code in TIMEOUT; 2 is not documented: between its neighbours.
constexpr Time kSecond = 1'000'000'000'000;
constexpr Time kTimeouts[4] = {kSecond / 16, kSecond / 4, kSecond, kSecond * 4};

/// Fast: packets that may wait for the network before SEND goes away, and the most bytes of one
/// that are kept together.
constexpr std::size_t kWaiting = 4, kLongest = 0x10000;

}  // namespace

// --- send ----------------------------------------------------------------------------------------

bool Board::send_ready() const {
    if (!timed_) return send_.waiting.size() < kWaiting;
    return !send_.busy && !send_.armed;
}

/// Hands the next piece to the cable: what was stored by hand, then from SMP to the limit.
void Board::send_more() {
    if (!timed_) {
        if (send_.waiting.empty()) return;
        const Piece piece = std::move(send_.waiting.front());
        send_.waiting.pop_front();
        send_piece(piece.bytes, piece.tail);
        if ((registers_.isr & ISR_SEND) == 0) set_isr(ISR_SEND);
        return;
    }
    if (!send_.by_hand.bytes.empty() || send_.by_hand.tail) {
        const Piece piece = std::exchange(send_.by_hand, {});
        return send_piece(piece.bytes, piece.tail);
    }
    if (!std::exchange(send_.armed, false)) return set_isr(ISR_SEND);
    const std::span<const std::uint8_t> piece = take_armed();
    if (piece.empty() && !send_.tail) return set_isr(ISR_SEND);
    send_piece(piece, send_.tail);
}

/// The bytes from SMP to the limit, as in SRAM now; SMP passes them.
std::span<const std::uint8_t> Board::take_armed() {
    const std::uint32_t from = send_.smp + send_.sa, end = send_.limit + 4;
    send_.smp = std::max(end, send_.smp);
    send_.sa = 0;
    if (end <= from) return {};
    return {reinterpret_cast<const std::uint8_t*>(sram_) + from, std::size_t{end - from}};
}

void Board::send_piece(std::span<const std::uint8_t> piece, bool tail) {
    send_.busy = true;
    send_.bytes = static_cast<std::uint32_t>(piece.size());
    if (watcher_ != nullptr) send_.began = time();
    counts_.bytes_sent += piece.size();
    if (tail) ++counts_.packets_sent;
    if (cable_ != nullptr)
        cable_->send(piece, tail);
    else
        sent();
}

void Board::sent() {
    if (!send_.busy) return;
    catch_up();
    send_.busy = false;
    if (watcher_ != nullptr) watcher_->sent(send_.began, time(), send_.bytes);
    send_more();
}

/// Fast: the open packet is to leave, whole or, when it is longer than any, in pieces.
void Board::queue_piece() {
    Piece& open = send_.by_hand;
    if (!open.tail && open.bytes.size() < kLongest) return;
    if (send_.busy) {
        send_.waiting.push_back(std::exchange(open, {}));
        return;
    }
    send_piece(open.bytes, open.tail);
    open.bytes.clear();
    open.tail = false;
}

bool Board::store_send(std::uint32_t offset, std::uint32_t value) {
    const bool leaving = timed_ && (send_.busy || send_.armed);
    switch (offset) {
        case REG_SMP:
            if (leaving) return fail("SMP stored while bytes are leaving", value);
            send_.smp = value;
            return true;
        case REG_SA:
            if (leaving) return fail("SA stored while bytes are leaving", value);
            send_.sa = value & 3;
            return true;
        case REG_SML:
        case REG_SMLT:
            if (((value | send_.smp) & 3) != 0 || value >= FM_SRAM_BYTES ||
                send_.smp > FM_SRAM_BYTES)
                return fail("send: misaligned, or beyond the SRAM", value);
            send_.limit = value;
            send_.tail = offset == REG_SMLT;
            send_.armed = true;
            break;
        default:
            if (send_.armed) return fail("bytes stored by hand behind those from memory", value);
            if (send_.by_hand.tail) return fail("bytes stored by hand behind a tail", value);
            store_by_hand(offset, value);
    }
    registers_.isr &= ~ISR_SEND;
    if (timed_) {
        if (!send_.busy) send_more();
        return true;
    }
    if (std::exchange(send_.armed, false)) {
        const auto piece = take_armed();
        send_.by_hand.bytes.insert(send_.by_hand.bytes.end(), piece.begin(), piece.end());
        send_.by_hand.tail = send_.tail;
    }
    queue_piece();
    if (send_ready()) set_isr(ISR_SEND);
    return true;
}

void Board::store_by_hand(std::uint32_t offset, std::uint32_t value) {
    if (offset == REG_ST) send_.by_hand.tail = true;
    unsigned size = offset == REG_SW ? 4 : offset == REG_SH ? 2 : offset == REG_SB ? 1 : 0;
    for (; size != 0; --size)
        send_.by_hand.bytes.push_back(static_cast<std::uint8_t>(value >> (size - 1) * 8));
}

// --- receive -------------------------------------------------------------------------------------

bool Board::arm_receive(std::uint32_t limit) {
    if ((limit & 3) != 0 || limit >= FM_SRAM_BYTES || receive_.rmp > limit + 4)
        return fail("receive: misaligned, or beyond the SRAM", limit);
    receive_.rml = limit;
    receive_.armed = true;
    registers_.isr &= ~(ISR_RECV | ISR_BUFF);
    if (receive_.tail_waits) {
        if (receive_.rmp == limit + 4) {
            receive_.armed = false;
            set_isr(ISR_BUFF);
            return true;
        }
        finish_receive(receive_.syndrome);
    }
    // It may answer by received() from within.
    if (receive_.armed && std::exchange(receive_.refused, false) && cable_ != nullptr)
        cable_->resume();
    return true;
}

void Board::finish_receive(std::uint8_t syndrome) {
    sram_[receive_.rmp] = std::byte{syndrome};
    core_->written(receive_.rmp, 1);
    ++receive_.rmp;
    receive_.armed = receive_.tail_waits = receive_.open = false;
    ++counts_.packets_received;
    if (watcher_ != nullptr) watcher_->received(receive_.began, time(), receive_.bytes);
    set_isr(ISR_RECV);
}

std::size_t Board::received(std::span<const std::uint8_t> bytes, bool tail, std::uint8_t syndrome) {
    catch_up();
    if (!receive_.armed) {
        receive_.refused = true;
        return 0;
    }
    const std::uint32_t room = receive_.rml + 4 - receive_.rmp;
    const std::size_t taken = std::min<std::size_t>(bytes.size(), room);
    if (!receive_.open) {
        receive_.open = true;
        receive_.bytes = 0;
        if (watcher_ != nullptr) receive_.began = time();
    }
    if (taken != 0) std::memcpy(sram_ + receive_.rmp, bytes.data(), taken);
    core_->written(receive_.rmp, taken);
    receive_.rmp += static_cast<std::uint32_t>(taken);
    receive_.bytes += static_cast<std::uint32_t>(taken);
    counts_.bytes_received += taken;
    if (tail && taken == bytes.size()) {
        if (taken < room) {
            finish_receive(syndrome);
            return bytes.empty() ? 1 : taken;
        }
        receive_.tail_waits = true;
        receive_.syndrome = syndrome;
    }
    if (taken == room) {
        receive_.armed = false;
        receive_.refused |= taken < bytes.size();
        set_isr(ISR_BUFF);
    }
    return bytes.empty() ? 1 : taken;
}

void Board::reset(bool sending) {
    catch_up();
    ++counts_.resets;
    if (sending && timed_ && (send_.busy || send_.armed)) {
        const std::uint32_t smp = send_.smp;
        send_ = Send{};
        send_.smp = smp;
        registers_.isr |= ISR_SEND;
    } else if (sending && !timed_ && send_.busy) {
        // What waits here are whole packets: they go on.
        send_.busy = false;
        send_more();
    }
    if (!sending) {
        if (receive_.open && !receive_.tail_waits) receive_.open = receive_.armed = false;
        receive_.refused = false;
    }
    set_isr(ISR_NRES);
}

void Board::link_changed(bool) {
    catch_up();
    set_isr(ISR_LINK);
}

// --- registers -----------------------------------------------------------------------------------

bool Board::load(std::uint32_t address, unsigned size, std::uint32_t* value) {
    if (address < FM_REGISTERS || size != 4) return false;
    const std::uint32_t offset = address - FM_REGISTERS;
    switch (offset) {
        case REG_ISR: *value = registers_.isr | (send_ready() ? ISR_SEND_RDY : 0); break;
        case REG_EIMR: *value = registers_.eimr; break;
        case REG_IT: *value = timer_left(); break;
        case REG_RTC:
            core_->moving();
            *value =
                static_cast<std::uint32_t>((time() - registers_.rtc_zero) / machine_.rtc_tick_ps);
            break;
        case REG_CKS: *value = registers_.checksum; break;
        case REG_EAR: *value = registers_.ear; break;
        case REG_LAR: *value = registers_.lar; break;
        case REG_DMA_CTR: *value = dma_left(); break;
        case REG_RMP: *value = receive_.rmp; break;
        case REG_RML: *value = receive_.rml; break;
        case REG_SMP: *value = send_.smp; break;
        case REG_SML:
        case REG_SMLT: *value = send_.limit; break;
        case REG_SA: *value = send_.sa; break;
        case REG_DMA_DIR: *value = registers_.dma_dir; break;
        case REG_DMA_STS: *value = registers_.dma_status; break;
        case REG_VERSION: *value = 0x00040001; break;
        case REG_MYRINET:
        case REG_TIMEOUT:
        case REG_HW_DBUG:
        case REG_LED:
        case REG_WRITE_ENABLE: *value = registers_.kept[offset / 4]; break;
        default: return false;
    }
    return true;
}

bool Board::store(std::uint32_t address, unsigned size, std::uint32_t value) {
    const std::uint32_t offset = address - FM_REGISTERS;
    const bool part = offset == REG_SB || offset == REG_SH;
    if (address < FM_REGISTERS || (size != 4 && !part)) return false;
    switch (offset) {
        case REG_ISR: store_isr(value); break;
        case REG_EIMR: registers_.eimr = value; break;
        case REG_IT: start_timer(value); break;
        case REG_RTC: registers_.rtc_zero = time() - Time{value} * machine_.rtc_tick_ps; break;
        case REG_CKS: registers_.checksum = value; break;
        case REG_EAR: registers_.ear = value; break;
        case REG_LAR: registers_.lar = value; break;
        case REG_DMA_CTR: return start_dma(value);
        case REG_DMA_DIR: registers_.dma_dir = value & 1; break;
        case REG_DMA_STS: registers_.dma_status = value; break;
        case REG_RMP:
            receive_.rmp = value;
            receive_.armed = false;
            break;
        case REG_RML: return arm_receive(value);
        case REG_SMP:
        case REG_SML:
        case REG_SMLT:
        case REG_SA:
        case REG_SB:
        case REG_SH:
        case REG_SW:
        case REG_ST: return store_send(offset, value);
        case REG_TIMEOUT:
            registers_.kept[offset / 4] = value & 3;
            if (cable_ != nullptr) cable_->set_timeout(kTimeouts[value & 3]);
            break;
        case REG_MYRINET:
        case REG_HW_DBUG:
        case REG_LED:
        case REG_WRITE_ENABLE: registers_.kept[offset / 4] = value; break;
        default: return false;
    }
    return true;
}

void Board::store_isr(std::uint32_t value) {
    registers_.isr &= ~value;
    if ((value & ISR_HOST_SIG) != 0) signal_host();
}

}  // namespace emulator
