// The Mapper's packets: what is sent, and what is believed of what comes.
#include "firmware/protocol/mapper.hpp"

namespace firmware {
namespace {

/// May it be used as it is? `some`: it must lead somewhere.
bool valid_route(const fm_route& route, bool some) {
    const uint32_t n = route.bytes[0];
    if (n > FM_MAX_ROUTE || (some && n == 0)) return false;
    for (uint32_t i = sizeof(fm_route) - n; i < sizeof(fm_route); ++i) {
        if ((route.bytes[i] & ~FM_ROUTE_MASK) != FM_ROUTE_BIT) return false;
    }
    return true;
}

bool same_route(const fm_route& a, const fm_route& b) {
    for (uint32_t i = 0; i < sizeof(fm_route); ++i) {
        if (a.bytes[i] != b.bytes[i]) return false;
    }
    return true;
}

uint32_t packet_bytes(uint32_t kind) {
    return kind == FM_MAP_ROUTES ? sizeof(fm_map_routes) : sizeof(fm_map_packet);
}

uint32_t packet_type(uint32_t kind) {
    return kind <= FM_MAP_ANSWER ? FM_WIRE_TYPE_PROBE : FM_WIRE_TYPE_MAP;
}

/// The parts of the map that contain boards.
uint32_t parts_of(const fm_map_routes& packet) {
    uint32_t parts = 0;
    for (uint32_t i = 0; i < FM_MAX_BOARDS / 32; ++i) {
        const uint32_t boards = fm_be32(packet.present[i]);
        if ((boards & 0xffff) != 0) parts |= 1u << (2 * i);
        if ((boards >> 16) != 0) parts |= 2u << (2 * i);
    }
    return parts;
}

bool is_present(const fm_map_routes& packet, uint32_t board) {
    return (fm_be32(packet.present[board / 32]) >> (board % 32) & 1) != 0;
}

}  // namespace

void Mapper::head(fm_map_packet* packet, uint32_t kind, uint32_t sequence) const {
    packet->type = fm_be32(packet_type(kind) << 16 | kind << 8 | FM_MAP_VERSION);
    packet->sender = fm_be32(board_ << 24 | (may_map_ ? FM_MAP_CAN_MAP : 0));
    packet->sequence = fm_be32(sequence);
    packet->map = fm_be32(installed_);
    for (uint8_t& byte : packet->back.bytes) byte = 0;
}

/// Builds and sends request `index` of the batch. False: the board cannot now.
bool Mapper::send_request(uint32_t index) {
    const MapRequest& request = batch_.at(index);
    fm_map_routes packet;
    uint8_t route[MapGraph::kMaxProbeHops];
    uint32_t hops = 0;
    uint32_t kind = FM_MAP_TURN;
    if (request.ask == MapAsk::routes) {
        fm_route way;
        graph_.route(board_, request.to, &way);
        hops = way.bytes[0];
        for (uint32_t i = 0; i < hops; ++i) route[i] = way.bytes[sizeof(fm_route) - hops + i];
        kind = FM_MAP_ROUTES;
        head(&packet.head, kind, batch_.sequence(index));
        packet.head.map = fm_be32(board_ << 24 | number_);
        graph_.route(request.to, board_, &packet.head.back);
        build_routes(&packet, request.to, request.port);
    } else {
        if (request.ask == MapAsk::board) kind = FM_MAP_HOST;
        head(&packet.head, kind, batch_.sequence(index));
        if (request.ask != MapAsk::first) hops = graph_.path_to(request.s, request.port, route);
        if (request.ask == MapAsk::first || request.ask == MapAsk::turn)
            route[hops++] = FM_ROUTE_BIT;
        if (request.ask == MapAsk::turn) {
            hops += graph_.path_back(request.s, request.port, route + hops);
        } else if (request.ask == MapAsk::cable) {
            hops += graph_.path_back(request.to, request.to_port, route + hops);
        } else if (request.ask == MapAsk::board) {
            uint8_t* back = packet.head.back.bytes;
            back[0] = static_cast<uint8_t>(hops);
            graph_.path_back(request.s, request.port, back + sizeof(fm_route) - hops);
        }
    }
    if (!hooks_.send(hooks_.context, route, hops, &packet, packet_bytes(kind))) return false;
    ++counters_.probes;
    return true;
}

/// Answers a request by the route that it brought.
bool Mapper::reply(uint32_t kind, const fm_map_packet& to) {
    fm_map_packet packet;
    head(&packet, kind, fm_be32(to.sequence));
    const uint32_t hops = to.back.bytes[0];
    return hooks_.send(hooks_.context, to.back.bytes + sizeof(fm_route) - hops, hops, &packet,
                       sizeof packet);
}

void Mapper::on_packet(const void* bytes, uint32_t length, uint32_t now_us) {
    now_ = now_us;
    const fm_map_packet& packet = *static_cast<const fm_map_packet*>(bytes);
    if (length < sizeof packet) {
        ++counters_.bad;
        return;
    }
    const uint32_t type = fm_be32(packet.type);
    const uint32_t kind = type >> 8 & 0xff;
    const uint32_t sender = fm_be32(packet.sender) >> 24;
    const bool wants_back = kind == FM_MAP_HOST || kind == FM_MAP_ROUTES;
    if (kind < FM_MAP_TURN || kind > FM_MAP_SUSPECT || (type & 0xff) != FM_MAP_VERSION ||
        type >> 16 != packet_type(kind) || length != packet_bytes(kind) ||
        !valid_route(packet.back, wants_back)) {
        ++counters_.bad;
        return;
    }
    switch (kind) {
        case FM_MAP_TURN:
            if (sender == board_) on_answer(packet, sender);
            break;
        case FM_MAP_HOST: on_host(packet, sender); break;
        case FM_MAP_ROUTES: on_routes(*static_cast<const fm_map_routes*>(bytes), sender); break;
        case FM_MAP_SUSPECT: on_suspect(packet, sender); break;
        default: on_answer(packet, sender);  // ANSWER and ACK
    }
}

void Mapper::on_host(const fm_map_packet& packet, uint32_t sender) {
    reply(FM_MAP_ANSWER, packet);
    if (!may_map_ || sender == board_) return;
    if (sender < board_) {
        hear();
    } else if (is_mapper()) {
        // Somebody higher maps who does not know this mapper: there is something to be found.
        check_in(kForeignUs);
    } else if (phase_ == Phase::idle) {
        // It yields to this board, so this board has to begin.
        begin_at(now_ + kYieldedUs + board_ * kSlotUs);
    }
}

void Mapper::on_answer(const fm_map_packet& packet, uint32_t sender) {
    const uint32_t sequence = fm_be32(packet.sequence);
    const uint32_t kind = fm_be32(packet.type) >> 8 & 0xff;
    if (kind == FM_MAP_ACK && reporting_ && sequence == report_sequence_) {
        reporting_ = false;
        return;
    }
    const uint32_t i = batch_.find(sequence);
    if (phase_ == Phase::idle || i == MapBatch::kRequests) {
        batch_.late(sequence, now_);
        return;
    }
    const MapRequest& asked = batch_.at(i);
    const uint32_t expected = asked.ask == MapAsk::board    ? FM_MAP_ANSWER
                              : asked.ask == MapAsk::routes ? FM_MAP_ACK
                                                            : FM_MAP_TURN;
    if (kind != expected || (kind == FM_MAP_ACK && sender != asked.to)) {
        ++counters_.bad;
        return;
    }
    batch_.answer(i, now_);
    MapRequest& request = batch_.at(i);
    request.board = static_cast<uint8_t>(sender);
    request.map = fm_be32(packet.map);
    if (phase_ == Phase::compare) batch_.stop();
    if (batch_.done()) due_ = now_;
    if (kind != FM_MAP_ANSWER) return;
    const bool can_map = (fm_be32(packet.sender) & FM_MAP_CAN_MAP) != 0;
    if (sender < board_ && can_map) {
        hear();
    } else if (phase_ == Phase::boards && !patient_ && graph_.switch_of(sender) != kMapNone) {
        batch_.stop();  // that says which switch it is
        due_ = now_;
    }
    if (request.map >> 24 == board_ && (request.map & kNumberMask) > number_)
        number_ = request.map & kNumberMask;  // of this board before it was started anew
}

void Mapper::on_suspect(const fm_map_packet& packet, uint32_t sender) {
    const uint32_t subject = fm_be32(packet.sender) >> 16 & 0xff;
    // Only the mapper has to do with it; a route to everybody it has.
    if (!may_map_ || !is_mapper() || sender == board_) return;
    const fm_route& route = hooks_.table[sender];
    const uint32_t hops = route.bytes[0];
    if (hops == 0 || hops > FM_MAX_ROUTE) return;
    fm_map_packet answer;
    head(&answer, FM_MAP_ACK, fm_be32(packet.sequence));
    hooks_.send(hooks_.context, route.bytes + sizeof(fm_route) - hops, hops, &answer,
                sizeof answer);
    if (subject != board_ || sender != subject) check_in(0);
}

void Mapper::on_routes(const fm_map_routes& packet, uint32_t sender) {
    const uint32_t map = fm_be32(packet.head.map);
    const uint32_t first = fm_be32(packet.part) >> 24;
    bool good = sender != board_ && map >> 24 == sender && first % FM_MAP_CHUNK == 0 &&
                is_present(packet, board_) && is_present(packet, sender);
    for (uint32_t i = 0; good && i < FM_MAP_CHUNK; ++i) {
        const fm_route& route = packet.routes[i];
        good = valid_route(route, false) && (route.bytes[0] == 0 || is_present(packet, first + i));
    }
    if (!good) {
        ++counters_.bad;
        return;
    }
    if (!may_map_ || sender > board_) return;
    hear();
    if (installed_ != map) install(packet);
    reply(FM_MAP_ACK, packet.head);
}

/// A part of a new map.
void Mapper::install(const fm_map_routes& packet) {
    const uint32_t map = fm_be32(packet.head.map);
    const uint32_t part = fm_be32(packet.part) >> 24;
    if (incoming_ != map) {
        incoming_ = map;
        incoming_parts_ = 0;
    }
    for (uint32_t i = 0; i < FM_MAP_CHUNK; ++i) set_route(part + i, packet.routes[i]);
    incoming_parts_ |= 1u << (part / FM_MAP_CHUNK);
    const uint32_t wanted = parts_of(packet);
    if ((incoming_parts_ & wanted) != wanted) return;
    const fm_route none = {};
    hosts_ = 0;
    for (uint32_t b = 0; b < FM_MAX_BOARDS; ++b) {
        if (is_present(packet, b)) {
            ++hosts_;
        } else {
            set_route(b, none);
        }
    }
    switches_ = fm_be32(packet.part) & 0xff;
    installed_ = map;
    ++epoch_;
    hear();
}

void Mapper::set_route(uint32_t board, const fm_route& route) {
    fm_route& entry = hooks_.table[board];
    if (same_route(entry, route)) return;
    entry = route;
    ++epoch_;
}

}  // namespace firmware
