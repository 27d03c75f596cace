#include "firmware/board/native_board.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace firmware {

NativeBoard::NativeBoard(std::uint32_t id) : memory_(FM_SRAM_BYTES) {
    sram = memory_.data();
    page().board = fm_be32(id);
}

void NativeBoard::route(std::uint32_t board, std::span<const std::uint8_t> hops) {
    fm_route& r = hw_at<fm_route>(FM_SRAM_ROUTES)[board];
    r = {};
    r.bytes[0] = static_cast<std::uint8_t>(hops.size());
    std::copy(hops.begin(), hops.end(), r.bytes + 16 - hops.size());
}

void NativeBoard::start() {
    hw::board = this;
    program_.start();
    polled_ = program_.first_endpoint();
}

std::uint8_t* NativeBoard::host_page(std::uint32_t bus) {
    std::vector<std::uint8_t>& bytes = host_[bus];
    bytes.resize(FM_PAGE_BYTES);
    return bytes.data();
}

void NativeBoard::map_page(std::uint32_t endpoint, std::uint32_t index, std::uint32_t bus) {
    if (bus != 0) host_page(bus);
    hw_at<std::uint32_t>(FM_SRAM_PAGES)[endpoint * FM_PAGES + index] =
        fm_be32(bus == 0 ? 0 : bus | FM_PAGE_VALID);
}

bool NativeBoard::open(std::uint32_t endpoint, std::uint32_t key, std::uint32_t node,
                       std::span<const std::uint32_t> places, std::uint32_t ring_slots) {
    fm_endpoint_control& control = hw_at<fm_endpoint_control>(FM_SRAM_CONTROL)[endpoint];
    control.state = fm_be32(FM_ENDPOINT_OPEN);
    control.key = fm_be32(key);
    control.node = fm_be32(node);
    control.nodes = fm_be32(static_cast<std::uint32_t>(places.size()));
    control.ring_slots = fm_be32(ring_slots);
    for (std::size_t i = 0; i < places.size(); ++i)
        hw_at<fm_node>(FM_SRAM_NODES)[endpoint * FM_MAX_NODES + i].place = fm_be32(places[i]);
    std::memset(&region(endpoint), 0, sizeof(fm_endpoint));
    return command(FM_COMMAND_OPEN << 24 | endpoint) == FM_RESULT_OK;
}

std::uint32_t NativeBoard::command(std::uint32_t word) {
    page().command = fm_be32(word);
    isr_ |= ISR_LAN_SIG(FM_COMMAND_SIGNAL);
    for (int i = 0; i < 1000 && page().command != 0; ++i) run(1);
    return page().command != 0 ? ~0U : fm_be32(page().result);
}

std::uint32_t NativeBoard::counter(std::uint32_t fm_counters::*which) {
    return fm_be32(hw_at<fm_counters>(FM_SRAM_COUNTERS)->*which);
}

void NativeBoard::run(unsigned turns) {
    hw::board = this;
    for (; turns != 0; --turns) polled_ = program_.turn(polled_);
}

void NativeBoard::pass(std::uint32_t ticks) {
    registers_[REG_RTC / 4] += ticks;
    std::uint32_t& timer = registers_[REG_IT / 4];
    if (timer == 0) return;
    timer -= std::min(timer, ticks);
    if (timer == 0) isr_ |= ISR_TIME;
}

bool NativeBoard::deliver(std::span<const std::uint8_t> packet, std::uint8_t syndrome) {
    if (!receiving_) return false;
    std::uint32_t& at = registers_[REG_RMP / 4];
    std::uint32_t limit = registers_[REG_RML / 4] + 4;
    for (std::size_t i = 0; i <= packet.size(); ++i) {
        if (at == limit) {
            isr_ |= ISR_BUFF;
            hw::board = this;
            receiving_ = false;
            for (int turn = 0; turn < 100 && !receiving_; ++turn) run(1);
            if (!receiving_) throw Misuse{"nothing receives the rest of a long packet"};
            limit = registers_[REG_RML / 4] + 4;
        }
        memory_.at(at++) = i < packet.size() ? packet[i] : syndrome;
    }
    receiving_ = false;
    isr_ |= ISR_RECV;
    return true;
}

void NativeBoard::reset_link() {
    leaving_.clear();
    send_left_ = 0;
    isr_ |= ISR_NRES | ISR_SEND;
}

std::uint32_t NativeBoard::get(std::uint32_t reg) {
    if (reg == REG_ISR) {
        if (dma_left_ != 0 && --dma_left_ == 0) isr_ |= ISR_DMA;
        if (send_left_ != 0 && --send_left_ == 0) isr_ |= ISR_SEND;
        return isr_;
    }
    return registers_[reg / 4];
}

void NativeBoard::set(std::uint32_t reg, std::uint32_t value) {
    if (reg == REG_ISR) {
        if ((value & ISR_HOST_SIG) != 0) ++interrupts;
        isr_ &= ~value;
        return;
    }
    registers_[reg / 4] = value;
    switch (reg) {
        case REG_DMA_CTR: transfer(value); break;
        case REG_SML:
        case REG_SMLT: send(value, reg == REG_SMLT); break;
        case REG_RML:
            isr_ &= ~(ISR_RECV | ISR_BUFF);
            receiving_ = true;
            break;
        case REG_SMP:
            if ((isr_ & ISR_SEND) == 0) throw Misuse{"SMP is stored while bytes leave"};
            break;
        default: break;
    }
}

void NativeBoard::transfer(std::uint32_t bytes) {
    if (dma_left_ != 0) throw Misuse{"a transfer is started while one runs"};
    std::uint32_t bus = registers_[REG_EAR / 4], at = registers_[REG_LAR / 4];
    if (bytes == 0 || ((bus | at | bytes) & 3) != 0)
        throw Misuse{"a transfer that is not of words"};
    if (at > FM_SRAM_BYTES || bytes > FM_SRAM_BYTES - at) throw Misuse{"a transfer out of SRAM"};
    std::uint32_t offset = bus % FM_PAGE_BYTES;
    if (bytes > FM_PAGE_BYTES - offset) throw Misuse{"a transfer over the end of a page"};
    auto page = host_.find(bus - offset);
    registers_[REG_DMA_STS / 4] = page == host_.end() ? 1 : 0;
    if (page != host_.end()) {
        if (registers_[REG_DMA_DIR / 4] != 0)
            std::memcpy(memory_.data() + at, page->second.data() + offset, bytes);
        else
            std::memcpy(page->second.data() + offset, memory_.data() + at, bytes);
    }
    dma_left_ = dma_delay;
    isr_ = dma_left_ != 0 ? isr_ & ~ISR_DMA : isr_ | ISR_DMA;
}

void NativeBoard::send(std::uint32_t last, bool tail) {
    if ((isr_ & ISR_SEND) == 0) throw Misuse{"a packet is sent while one leaves"};
    std::uint32_t at = registers_[REG_SMP / 4];
    if (((at | last) & 3) != 0 || last > FM_SRAM_BYTES - 4 || at > last + 4)
        throw Misuse{"a piece out of SRAM"};
    std::uint32_t skip = std::exchange(registers_[REG_SA / 4], 0);
    leaving_.insert(leaving_.end(), memory_.begin() + at + skip, memory_.begin() + last + 4);
    registers_[REG_SMP / 4] = last + 4;
    send_left_ = send_delay;
    if (send_left_ != 0) isr_ &= ~ISR_SEND;
    if (!tail) return;
    // Route bytes have their highest bit set; the packet's type does not.
    auto packet =
        std::find_if(leaving_.begin(), leaving_.end(), [](std::uint8_t b) { return b < 0x80; });
    Bytes route(leaving_.begin(), packet), rest(packet, leaving_.end());
    leaving_.clear();
    if (sent) sent(route, rest);
}

}  // namespace firmware
