// Fast Messages, as the papers tell of it. The host stores packets into slots on the board and
// counts them; the LANai sends what is new, and brings what comes to a ring in the host's memory,
// several packets by one transfer when they have piled up. Nothing here waits, and nothing is
// acknowledged: the network is trusted, and the hosts' credits see to it that the ring has room.
#pragma once

#include "firmware/papers/start.hpp"

namespace firmware::papers {

template <Ring kRing>
class FastMessages {
  public:
    [[noreturn]] FM_INLINE void run() {
        hw::set(REG_DMA_DIR, 0);
        bus_ = control_->ring_bus + kStride;
        receive();
        for (;;) {
            const uint32_t isr = hw::get(REG_ISR);
            hw::barrier();
            if ((isr & ISR_SEND) != 0 && hw::read(control_->sent) != sent_) send();
            if ((isr & ISR_RECV) != 0) received();
            if (out_ != in_ && (isr & ISR_DMA) != 0) deliver();
        }
    }

  private:
    static constexpr uint32_t kPacket = kRing.packet(), kStride = kRing.stride(),
                              kEndOfRing = kReceiveSlots + kRing.bytes(),
                              kSendStride = send_stride(kRing.payload),
                              kEndOfSlots = kSendSlots + kSlots * kSendStride;

    FM_INLINE void send() {
        hw::write(control_->taken, sent_);  // all before it have left
        auto* const node = hw::at<uint32_t>(slot_);
        const uint32_t length = hw::at<Header>(slot_ + 4)->length >> 16;
        *node = control_->routes[*node];
        hw::set(REG_SA, control_->skip);
        hw::set(REG_SMP, slot_);
        hw::start(REG_SMLT, slot_ + sizeof(Header) + hw::words(length + 3));
        ++sent_;
        slot_ += kSendStride;
        if (slot_ == kEndOfSlots) slot_ = kSendSlots;
    }

    FM_INLINE void receive() {
        hw::set(REG_RMP, in_ + 4);
        hw::start(REG_RML, in_ + 4 + kPacket);
    }

    FM_INLINE void received() {
        const uint32_t footer = hw::get(REG_RMP) - 1;  // where the CRC's syndrome is
        if (*hw::at<uint8_t>(footer) == 0) [[likely]] {
            const uint32_t bytes = footer - (in_ + 4);
            *hw::at<uint32_t>(footer) = lap_ | bytes;
            *hw::at<uint32_t>(in_) = bytes;
            in_ += kStride;
            if (in_ == kEndOfRing) {
                in_ = kReceiveSlots;
                lap_ += 1U << 16;
            }
        } else {
            ++control_->dropped;
        }
        receive();
    }

    FM_INLINE void deliver() {
        const uint32_t from = out_ + 4;
        uint32_t bytes = *hw::at<uint32_t>(out_) + 4;
        hw::set(REG_EAR, bus_ - bytes);
        hw::set(REG_LAR, from);
        // Full packets lie in SRAM as they will lie at the host.
        const bool full = bytes == kPacket + 4;
        for (;;) {
            out_ += kStride;
            bus_ += kStride;
            if (out_ == kEndOfRing) {
                out_ = kReceiveSlots;
                bus_ = control_->ring_bus + kStride;
                break;
            }
            if (!full || out_ == in_ || *hw::at<uint32_t>(out_) != kPacket) break;
            bytes += kStride;
        }
        hw::start(REG_DMA_CTR, bytes);
    }

    Control* const control_ = hw::at<Control>(kControl);
    uint32_t sent_ = 0, slot_ = kSendSlots;         // to be sent next
    uint32_t in_ = kReceiveSlots, lap_ = 1U << 16;  // to be received into next
    uint32_t out_ = kReceiveSlots, bus_ = 0;        // to be brought to the host next; its end there
};

}  // namespace firmware::papers
