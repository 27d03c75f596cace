// The Mapper's exploration: from switch to switch until no cable's end is unknown.
#include "firmware/protocol/mapper.hpp"

namespace firmware {

void Mapper::start_map() {
    candidate_ = false;
    check_wanted_ = false;
    mapped_ = true;
    graph_.clear(board_);
    batch_.clear();
    phase_ = Phase::first;
    batch_.add(MapAsk::first, 0, 0, 0, 0, kSureTries, false);
}

void Mapper::step() {
    if (phase_ == Phase::root || phase_ == Phase::ways || phase_ == Phase::own) {
        step_routes();
        return;
    }
    const uint32_t most = phase_ == Phase::spread ? 1 : kSendsPerTick;
    more_ = true;
    for (uint32_t n = 0; n < most && more_; ++n) {
        const uint32_t i = batch_.next(now_);
        more_ = i != MapBatch::kRequests;
        if (!more_ || !send_request(i)) break;
        batch_.sent(i, now_);
    }
    if (batch_.done()) finish_batch();
}

void Mapper::finish_batch() {
    switch (phase_) {
        case Phase::first: finish_first(); break;
        case Phase::boards: finish_boards(); break;
        case Phase::verify:
        case Phase::compare: finish_match(); break;
        case Phase::turns: finish_turns(); break;
        case Phase::spread: finish_spread(); break;
        case Phase::check: finish_check(); break;
        default: break;
    }
}

void Mapper::finish_first() {
    fresh_ = 0;
    patient_ = true;
    if (batch_.at(0).answered) {
        ask_boards();
        return;
    }
    begin_at(now_ + kNoNetworkUs);
    begin_routes();
}

/// Chooses the next cable: near ones first, so that paths stay short; and those of switches without
/// boards first, since a switch with boards is recognised at once and one without by comparison
/// only.
void Mapper::next_end() {
    uint32_t best = ~0u;
    for (uint32_t s = 0; s < graph_.count(); ++s) {
        MapSwitch& sw = graph_.at(s);
        const uint32_t rank = 2u * sw.hops + (sw.boards != 0 ? 1 : 0);
        if (rank >= best) continue;
        for (uint32_t p = 1; p < kMapPorts; ++p) {
            if (sw.ports[p].kind != MapKind::behind) continue;
            if (!graph_.has_room(s)) {
                sw.ports[p].kind = MapKind::unknown;
                continue;
            }
            best = rank;
            end_switch_ = s;
            end_port_ = p;
            break;
        }
    }
    if (best == ~0u) {
        begin_routes();
        return;
    }
    fresh_ = graph_.count();
    graph_.prepare(end_switch_, end_port_);
    patient_ = false;
    ask_boards();
}

void Mapper::ask_boards() {
    phase_ = Phase::boards;
    batch_.clear();
    for (uint32_t p = 1; p < kMapPorts; ++p) {
        if (p != kMapEntry) batch_.add(MapAsk::board, fresh_, p, 0, 0, kTries, false);
    }
}

void Mapper::finish_boards() {
    MapSwitch& fresh = graph_.at(fresh_);
    for (uint32_t i = 0; i < batch_.count(); ++i) {
        const MapRequest& request = batch_.at(i);
        if (!request.answered) continue;
        MapPort& port = fresh.ports[request.port];
        if (port.kind == MapKind::board && port.to == request.board) continue;
        port = MapPort{MapKind::board, request.board, 0, 0};
    }
    if (fresh_ == 0) {
        adopt();
    } else if (!identify()) {
        if (!patient_ && has_board(true)) {
            // The answers of the others were not waited for.
            patient_ = true;
            ask_boards();
        } else if (has_board(false)) {
            adopt();
        } else {
            cursor_ = 0;
            cursor_port_ = 0;
            compare();
        }
    }
}

/// A board behind the end is known: then its switch is the one behind the end, and the difference
/// says which of its ports. To be verified, for the board may have been moved meanwhile.
bool Mapper::identify() {
    MapSwitch& fresh = graph_.at(fresh_);
    for (uint32_t p = 1; p < kMapPorts; ++p) {
        MapPort& port = fresh.ports[p];
        if (port.kind != MapKind::board || port.tested != 0) continue;
        const uint32_t s = graph_.switch_of(port.to);
        if (s == kMapNone) continue;
        port.tested = 1;
        const uint32_t q = graph_.port_of(port.to) + kMapEntry - p;
        if (q < 1 || q >= kMapPorts) continue;
        const MapKind kind = graph_.at(s).ports[q].kind;
        if (kind == MapKind::board || kind == MapKind::cable) continue;
        phase_ = Phase::verify;
        match_switch_ = s;
        match_port_ = q;
        batch_.clear();
        batch_.add(MapAsk::cable, s, q, end_switch_, end_port_, kSureTries, false);
        return true;
    }
    return false;
}

/// Does the switch have a board that is (not) on the map?
bool Mapper::has_board(bool known) const {
    const MapSwitch& fresh = graph_.at(fresh_);
    for (const MapPort& port : fresh.ports) {
        if (port.kind == MapKind::board && (graph_.switch_of(port.to) != kMapNone) == known)
            return true;
    }
    return false;
}

/// No board to go by: is the other end one of the open ends of switches without boards?
void Mapper::compare() {
    phase_ = Phase::compare;
    batch_.clear();
    for (; cursor_ < graph_.count(); ++cursor_, cursor_port_ = 0) {
        const MapSwitch& sw = graph_.at(cursor_);
        if (sw.boards != 0 && cursor_ != end_switch_) continue;
        for (; cursor_port_ < kMapPorts && !batch_.full(); ++cursor_port_) {
            if (sw.ports[cursor_port_].kind == MapKind::behind)
                batch_.add(MapAsk::cable, cursor_, cursor_port_, end_switch_, end_port_, kTries,
                           false);
        }
        if (batch_.full()) return;
    }
    if (batch_.count() == 0) adopt();
}

void Mapper::finish_match() {
    for (uint32_t i = 0; i < batch_.count(); ++i) {
        const MapRequest& request = batch_.at(i);
        if (!request.answered) continue;
        join(request.s, request.port);
        next_end();
        return;
    }
    if (phase_ == Phase::compare) {
        compare();
    } else {
        batch_.clear();
        finish_boards();  // the next board that may tell
    }
}

/// The end's cable leads to a known switch.
void Mapper::join(uint32_t s, uint32_t port) {
    MapSwitch& sw = graph_.at(s);
    const MapSwitch& fresh = graph_.at(fresh_);
    graph_.add_cable(s, port, end_switch_, end_port_);
    // Boards whose answers had been lost before.
    for (uint32_t p = 1; p < kMapPorts; ++p) {
        const uint32_t there = p + port - kMapEntry;
        if (fresh.ports[p].kind != MapKind::board || there < 1 || there >= kMapPorts) continue;
        if (sw.ports[there].kind == MapKind::none &&
            graph_.switch_of(fresh.ports[p].to) == kMapNone)
            graph_.add_board(s, there, fresh.ports[p].to);
    }
}

/// The switch is a new one.
void Mapper::adopt() {
    MapSwitch& fresh = graph_.at(fresh_);
    if (fresh_ != 0) graph_.add(end_switch_, end_port_);
    for (uint32_t p = 1; p < kMapPorts; ++p) {
        MapPort& port = fresh.ports[p];
        if (port.kind != MapKind::board || p == (fresh_ == 0 ? kMapEntry : 0)) continue;
        if (graph_.switch_of(port.to) == kMapNone) {
            graph_.add_board(fresh_, p, port.to);
        } else {
            port.kind = MapKind::none;
            ++counters_.doubles;
        }
    }
    ask_turns();
}

/// Which other ports have something behind them? The ports of a switch are at most FM_MAP_PORTS in
/// a row.
void Mapper::ask_turns() {
    const MapSwitch& fresh = graph_.at(fresh_);
    uint32_t low = kMapEntry;
    uint32_t high = kMapEntry;
    for (uint32_t p = 1; p < kMapPorts; ++p) {
        if (fresh.ports[p].kind != MapKind::board) continue;
        if (p < low) low = p;
        if (p > high) high = p;
    }
    phase_ = Phase::turns;
    batch_.clear();
    for (uint32_t p = 1; p < kMapPorts; ++p) {
        if (fresh.ports[p].kind == MapKind::unknown && p + FM_MAP_PORTS > high &&
            p < low + FM_MAP_PORTS)
            batch_.add(MapAsk::turn, fresh_, p, 0, 0, kTries, false);
    }
}

void Mapper::finish_turns() {
    MapSwitch& fresh = graph_.at(fresh_);
    for (uint32_t i = 0; i < batch_.count(); ++i) {
        const MapRequest& request = batch_.at(i);
        fresh.ports[request.port].kind = request.answered ? MapKind::behind : MapKind::none;
    }
    next_end();
}

}  // namespace firmware
