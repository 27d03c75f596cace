// BIP. Short messages: the host stores them into slots; at the receiver they go to a ring in host
// memory. Long ones are announced, cleared when the receiver has posted a buffer, and go from
// memory to memory in fragments: while one leaves, the next is fetched from the host; while one
// arrives, the one before is stored. What a transfer takes is found out while the one before is
// under way. There are no acknowledgements and no protection: pages are bus addresses that the
// hosts wrote.
#include "firmware/papers/start.hpp"

namespace firmware::papers {
namespace {

constexpr uint32_t kPage = FM_PAGE_BYTES, kPacket = sizeof(Header) + kPage;

/// On its way out. A power of two long, as the LANai multiplies by shifts.
struct alignas(2 * kPage) Fragment {
    uint32_t payload;  ///< bytes
    uint32_t route;
    Header header;
    uint8_t bytes[kPage];
};
/// On its way in.
struct Packet {
    uint32_t bus, from, bytes;  ///< the transfer to make of it
    uint32_t rest;              ///< bytes, behind the end of a page, for another transfer
    uint32_t last;              ///< it ends a message
    Header header;
    uint8_t payload[kPage + 4];
};
constexpr uint32_t kPackets = 4;
/// What engines read and write.
struct Buffers {
    Fragment out[2];
    Fragment clear;
    Status status;
    Packet in[kPackets];
};
static_assert(kReceiveSlots + sizeof(Buffers) <= kEnd);

class Bip {
  public:
    [[noreturn]] FM_INLINE void run() {
        buffers_->clear.header.type = type_of(kClear);
        for (Fragment& fragment : buffers_->out) fragment.header.type = type_of(kFragment);
        bus_ = control_->ring_bus + kBip.stride();
        hw::set(REG_DMA_DIR, 0);
        receive();
        for (;;) {
            const uint32_t isr = hw::get(REG_ISR);
            hw::barrier();
            const uint32_t due = isr & mask_, news = hw::read(control_->sent) ^ sent_;
            if ((due | news) == 0) continue;
            if ((due & ISR_DMA) != 0) transfer(isr);
            if ((due & ISR_RECV) != 0) received(isr);
            if ((isr & ISR_SEND) != 0) {
                if ((mask_ & ISR_SEND) != 0)
                    send();
                else if (news != 0)
                    take_slot();
            }
            if (fetch_left_ != 0 && planned_ == 0) plan();
        }
    }

  private:
    // --- the wire --------------------------------------------------------------------------------

    FM_INLINE void send_packet(const uint32_t* route, uint32_t payload) {
        const uint32_t from = hw::address(route);
        hw::set(REG_SA, control_->skip);
        hw::set(REG_SMP, from);
        hw::start(REG_SMLT, from + sizeof(Header) + payload);
    }

    FM_INLINE void take_slot() {
        auto* const route = hw::at<uint32_t>(slot_);
        const auto* const header = hw::at<Header>(slot_ + 4);
        const uint32_t type = header->type;
        *route = control_->routes[*route];
        if (type != type_of(kClear)) [[likely]]
            send_packet(route, header->length);
        hw::write(control_->taken, sent_);
        ++sent_;
        slot_ += send_stride(kBip.payload);
        if (slot_ == kSendSlots + kSlots * send_stride(kBip.payload)) slot_ = kSendSlots;
        if (type == type_of(kShort)) return;
        if (type == type_of(kRequest)) {
            buffers_->out[0].route = buffers_->out[1].route = *route;
            fetch_left_ = out_->bytes;
            position_ = 0;
            cleared_ = 0;
        } else {
            ++answer_;
            mask_ |= ISR_SEND;
        }
    }

    /// Fragments, and the answer to a request.
    FM_INLINE void send() {
        if (fetched_ != left_ && cleared_ != 0) {
            const Fragment* fragment = &buffers_->out[left_ & 1];
            send_packet(&fragment->route, fragment->payload);
            ++left_;
        } else if (answer_ == 2) {
            buffers_->clear.route = requested_;
            send_packet(&buffers_->clear.route, 0);
            store_left_ = requested_bytes_;
            answer_ = 0;
        }
        if (fetched_ == left_ && answer_ != 2) mask_ &= ~ISR_SEND;
    }

    FM_INLINE void receive() {
        hw::set(REG_RMP, hw::address(&in_->header));
        hw::start(REG_RML, hw::address(&in_->header) + kPacket);
    }

    FM_INLINE void received(uint32_t isr) {
        const uint32_t footer = hw::get(REG_RMP) - 1;  // where the CRC's syndrome is
        const uint32_t from = hw::address(&in_->header), bytes = footer - from;
        const uint32_t type = in_->header.type, syndrome = *hw::at<uint8_t>(footer);
        if (((type ^ type_of(kShort)) | syndrome) == 0) [[likely]] {
            *hw::at<uint32_t>(footer) = lap_ | bytes;
            store(isr, bus_ - 4 - bytes, from, bytes + 4, 0, 0);
            bus_ += kBip.stride();
            if (++place_ == kBip.slots) {
                place_ = 0;
                bus_ = control_->ring_bus + kBip.stride();
                lap_ += 1U << 16;
            }
        } else if (syndrome != 0) [[unlikely]] {
            ++control_->dropped;
        } else if (type == type_of(kFragment)) {
            const uint32_t at = into_->offset + in_->header.length, in_page = at & (kPage - 1);
            const uint32_t payload = bytes - sizeof(Header);
            const uint32_t room = kPage - in_page, rest = payload > room ? payload - room : 0;
            store_left_ -= payload;
            store(isr, into_->pages[at >> 12] + in_page, from + sizeof(Header), payload - rest,
                  rest, store_left_ == 0);
        } else if (type == type_of(kClear)) {
            cleared_ = 1;
            mask_ |= ISR_SEND;
        } else {
            requested_ = control_->routes[in_->header.source >> 24];
            requested_bytes_ = in_->header.total;
            ++answer_;
            mask_ |= ISR_SEND;
        }
        if (full_ == 0)
            receive();
        else
            hw::set(REG_ISR, ISR_RECV);  // the wire waits
    }

    FM_INLINE Packet* next(Packet* packet) {
        return packet == &buffers_->in[kPackets - 1] ? buffers_->in : packet + 1;
    }

    // --- the host's bus --------------------------------------------------------------------------

    FM_INLINE void start_dma(uint32_t bus, uint32_t place, uint32_t bytes) {
        hw::set(REG_EAR, bus);
        hw::set(REG_LAR, place);
        hw::start(REG_DMA_CTR, bytes);
    }

    /// The packet at in_ goes to the host, now or when the bus is free. A packet's buffer is not
    /// received into before the next one's transfer has begun.
    FM_INLINE void store(uint32_t isr, uint32_t bus, uint32_t from, uint32_t bytes, uint32_t rest,
                         uint32_t last) {
        if ((rest | last) == 0 && (isr & ISR_DMA & ~mask_) != 0) {
            start_dma(bus, from, bytes);
            waiting_ = in_ = next(in_);
            return;
        }
        Packet* const packet = in_;
        in_ = next(in_);
        packet->bus = bus;
        packet->from = from;
        packet->bytes = bytes;
        packet->rest = rest;
        packet->last = last;
        mask_ |= ISR_DMA;
        if (next(in_) == waiting_) full_ = 1;
    }

    /// The bus is free.
    FM_INLINE void transfer(uint32_t isr) {
        if (fetching_ != 0) {
            fetching_ = 0;
            ++fetched_;
            mask_ |= ISR_SEND;
            if ((fetch_left_ | planned_) == 0) {
                ++buffers_->status.sends;
                status_due_ = 1;
            }
        }
        // A buffer for a fragment is free when the one before the last has left.
        if (planned_ != 0 && fetched_ - left_ <= ((isr & ISR_SEND) != 0 ? 1U : 0U)) {
            hw::set(REG_DMA_DIR, 1);
            Fragment* const fragment = &buffers_->out[fetched_ & 1];
            start_dma(plan_bus_, hw::address(fragment->bytes), planned_);
            fragment->payload = planned_;
            fragment->header.length = position_ - planned_;
            fetching_ = 1;
            planned_ = 0;
        } else if (waiting_ != in_) {
            hw::set(REG_DMA_DIR, 0);
            store_first();
        } else if (status_due_ != 0) {
            hw::set(REG_DMA_DIR, 0);
            status_due_ = 0;
            start_dma(control_->status_bus, hw::address(&buffers_->status), sizeof(Status));
        } else if (planned_ == 0) {
            hw::set(REG_DMA_DIR, 0);
            mask_ &= ~ISR_DMA;
        }
    }

    FM_INLINE void store_first() {
        Packet* const packet = waiting_;
        start_dma(packet->bus, packet->from, packet->bytes);
        if (packet->rest != 0) [[unlikely]] {
            const uint32_t at = into_->offset + packet->header.length + packet->bytes;
            packet->bus = into_->pages[at >> 12];
            packet->from += packet->bytes;
            packet->bytes = packet->rest;
            packet->rest = 0;
            return;
        }
        if (packet->last != 0) {
            ++buffers_->status.receives;
            status_due_ = 1;
        }
        waiting_ = next(waiting_);
        if (full_ != 0) {
            full_ = 0;
            receive();
        }
    }

    /// The next fragment to fetch.
    FM_INLINE void plan() {
        const uint32_t at = out_->offset + position_, in_page = at & (kPage - 1);
        uint32_t bytes = out_->fragment;
        if (bytes > fetch_left_) bytes = fetch_left_;
        if (bytes > kPage - in_page) bytes = kPage - in_page;
        plan_bus_ = out_->pages[at >> 12] + in_page;
        planned_ = bytes;
        position_ += bytes;
        fetch_left_ -= bytes;
        mask_ |= ISR_DMA;
    }

    Control* const control_ = hw::at<Control>(kControl);
    Buffers* const buffers_ = hw::at<Buffers>(kReceiveSlots);
    const Buffer* const out_ = hw::at<Buffer>(kSendBuffer);
    const Buffer* const into_ = hw::at<Buffer>(kReceiveBuffer);
    uint32_t sent_ = 0, slot_ = kSendSlots;  // to be taken next
    // What to look at: DMA while there are transfers to make, SEND while there may be packets to
    // send that no host has stored.
    uint32_t mask_ = ISR_RECV;
    uint32_t status_due_ = 0;

    // A long message out.
    uint32_t cleared_ = 0;
    uint32_t fetch_left_ = 0, position_ = 0;  // bytes not planned yet; where they begin
    uint32_t planned_ = 0, plan_bus_ = 0;     // bytes of the fragment to fetch next
    uint32_t fetching_ = 0;                   // one is being fetched
    uint32_t fetched_ = 0, left_ = 0;         // fragments, ever

    // In.
    Packet* in_ = buffers_->in;                      // to be received into
    Packet* waiting_ = buffers_->in;                 // up to that one, to be stored
    uint32_t full_ = 0;                              // as many as may
    uint32_t bus_ = 0, place_ = 0, lap_ = 1U << 16;  // the ring of short messages
    uint32_t answer_ = 0;                            // 2: a buffer is posted, and one is asked for
    uint32_t requested_ = 0, requested_bytes_ = 0;   // the route back
    uint32_t store_left_ = 0;                        // bytes of the message
};

}  // namespace

void run() {
    Bip{}.run();
}

}  // namespace firmware::papers
