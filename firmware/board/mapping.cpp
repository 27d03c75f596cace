// The Mapper on its board: its clock, its packets' way to the wire, the routes that it finds.
#include "firmware/board/program.hpp"

namespace firmware {

void ControlProgram::start_mapping() {
    const fm_board_page* page_ = page();
    MapperHooks hooks{this, send_map_packet, hw::at<fm_route>(FM_SRAM_ROUTES)};
    MapperOptions options;
    options.board = board_;
    uint32_t period_ms = fm_be32(page_->map_ms);
    options.period_us = period_ms < 1000000 ? period_ms * 1000 : 0;
    options.may_map = (fm_be32(page_->flags) & FM_BOARD_MAP) != 0;
    map_rtc_ = hw::get(REG_RTC);
    mapper_.start(hooks, options, map_us_);
    arm_mapping();
}

/// Microseconds of the board's clock. Those of a sleep longer than 35 minutes are not counted.
uint32_t ControlProgram::now_us() {
    uint32_t passed_us = (hw::get(REG_RTC) - map_rtc_) / 2;
    map_rtc_ += 2 * passed_us;
    map_us_ += passed_us;
    return map_us_;
}

/// A turn of the Mapper, if it is due, between the turns of the loop.
void ControlProgram::map_turn() {
    uint32_t epoch = mapper_.epoch();
    mapper_.tick(now_us());
    if (mapper_.epoch() != epoch) routes_changed();
    publish_map();
    arm_mapping();
}

/// What is due now is done when the send engine is free; what is due later, at a time of the timer.
void ControlProgram::arm_mapping() {
    map_wants_ = 0;
    if (mapper_.asleep()) return;
    int32_t left_us = static_cast<int32_t>(mapper_.due() - now_us());
    if (left_us <= 0) {
        map_wants_ = 1;
        mask_ |= ISR_SEND;
    } else if (timer_on_ == 0) {
        hw::set(REG_IT, 2U * static_cast<uint32_t>(left_us) + 1);
    }
}

/// A packet of type MAP or PROBE, with a good CRC; `bytes` without it.
void ControlProgram::map_packet(const fm_wire* packet, uint32_t bytes) {
    uint32_t epoch = mapper_.epoch();
    mapper_.on_packet(packet, bytes, now_us());
    if (mapper_.epoch() != epoch) routes_changed();
    publish_map();
    arm_mapping();
}

void ControlProgram::map_suspect(uint32_t board) {
    mapper_.suspect(board, now_us());
    arm_mapping();
}

void ControlProgram::map_again() {
    mapper_.map_again(now_us());
    arm_mapping();
}

void ControlProgram::publish_map() {
    fm_board_page* page_ = page();
    const MapperCounters& seen = mapper_.counters();
    counters()->probes_sent = fm_be32(seen.probes);
    counters()->maps = fm_be32(seen.maps);
    counters()->map_packets_bad = fm_be32(seen.bad);
    page_->map_epoch = fm_be32(mapper_.epoch());
    page_->mapper = fm_be32(mapper_.mapper());
    page_->switches = fm_be32(mapper_.switches());
    hw::write(page_->hosts, mapper_.hosts());
}

/// The channels that are open keep a part of their routes.
void ControlProgram::routes_changed() {
    const fm_route* routes = hw::at<fm_route>(FM_SRAM_ROUTES);
    for (uint32_t i = 0; i < FM_ENDPOINTS; ++i) {
        Endpoint* e = endpoint(i);
        if (e->key == 0) continue;
        for (uint32_t node = 0; node < e->nodes; ++node) {
            Channel& c = e->channels[node];
            uint32_t board = board_of(&c);
            uint32_t kept = c.skip & ~(kSlowRoute | 3);
            c.skip = kept | (board == board_ ? kSlowRoute : route_skip(routes + board, &c));
        }
    }
}

bool ControlProgram::send_map_packet(void* context, const uint8_t* route, uint32_t hops,
                                     const void* packet, uint32_t bytes) {
    return static_cast<ControlProgram*>(context)->queue_map_packet(route, hops, packet, bytes);
}

bool ControlProgram::queue_map_packet(const uint8_t* route, uint32_t hops, const void* packet,
                                      uint32_t bytes) {
    if (map_tail_ - map_head_ == kMapPackets || hops > sizeof(MapPacket::route) ||
        bytes > sizeof(MapPacket::packet))
        return false;
    MapPacket* m = map_packet_at(map_tail_++);
    m->hops = static_cast<uint8_t>(hops);
    m->words = static_cast<uint8_t>(bytes / 4);
    uint8_t* last = m->route + sizeof m->route - hops;
    for (uint32_t i = 0; i < hops; ++i) last[i] = route[i];
    const auto* from = static_cast<const uint32_t*>(packet);
    auto* to = reinterpret_cast<uint32_t*>(&m->packet);
    for (uint32_t i = bytes / 4; i != 0; --i) *to++ = *from++;
    mask_ |= ISR_SEND;
    return true;
}

/// The send engine is free.
void ControlProgram::start_map_packet() {
    const MapPacket* m = map_packet_at(map_head_);
    uint32_t hops = m->hops, packet = hw::address(&m->packet);
    map_sending_ = 1;
    hw::set(REG_SA, words_up(hops) - hops);
    hw::set(REG_SMP, packet - words_up(hops));
    hw::start(REG_SMLT, packet + 4U * m->words - 4);
}

}  // namespace firmware
