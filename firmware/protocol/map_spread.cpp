// The Mapper's routes: their computation, their way to the boards, and checks of the map.
#include "firmware/protocol/mapper.hpp"

namespace firmware {
namespace {

constexpr uint32_t kParts = uint32_t{FM_MAX_BOARDS} / FM_MAP_CHUNK;

}  // namespace

void Mapper::begin_routes() {
    phase_ = Phase::root;
    batch_.clear();
    graph_.index();
    step_ = 0;
    best_ = 0;
    best_sum_ = ~0u;
}

/// One switch, or some boards, at a time: packets wait meanwhile.
void Mapper::step_routes() {
    if (phase_ == Phase::root) {
        const uint32_t sum = graph_.distances(step_);
        if (sum < best_sum_) {
            best_sum_ = sum;
            best_ = step_;
        }
        if (++step_ < graph_.count()) return;
        boards_below_ = true;
        graph_.set_order(best_, true);
        phase_ = Phase::ways;
        step_ = 0;
    } else if (phase_ == Phase::ways) {
        if (!graph_.find_ways(step_) && boards_below_) {
            boards_below_ = false;
            graph_.set_order(best_, false);
            step_ = 0;
            return;
        }
        if (++step_ < graph_.count()) return;
        phase_ = Phase::own;
        step_ = 0;
    } else {
        for (uint32_t i = 0; i < FM_MAP_CHUNK; ++i, ++step_) {
            fm_route route;
            graph_.route(board_, step_, &route);
            set_route(step_, route);
            if (step_ != board_ && graph_.switch_of(step_) != kMapNone) set_stale(step_);
        }
        if (step_ < FM_MAX_BOARDS) return;
        number_ = number_ < kNumberMask ? number_ + 1 : 1;
        installed_ = board_ << 24 | number_;
        hosts_ = graph_.boards();
        switches_ = graph_.count();
        ++epoch_;
        failed_ = false;
        cursor_ = 0;
        cursor_port_ = 0;
        spread();
    }
}

bool Mapper::part_in_use(uint32_t part) const {
    return (graph_.present()[part / 2] >> (FM_MAP_CHUNK * (part % 2)) & 0xffff) != 0;
}

void Mapper::build_routes(fm_map_routes* packet, uint32_t board, uint32_t part) const {
    const uint32_t first = part * FM_MAP_CHUNK;
    packet->part = fm_be32(first << 24 | graph_.count());
    for (uint32_t i = 0; i < FM_MAX_BOARDS / 32; ++i)
        packet->present[i] = fm_be32(graph_.present()[i]);
    for (uint32_t i = 0; i < FM_MAP_CHUNK; ++i) graph_.route(board, first + i, &packet->routes[i]);
}

/// Sends their tables to the boards that are marked.
void Mapper::spread() {
    phase_ = Phase::spread;
    batch_.clear();
    for (; cursor_ < FM_MAX_BOARDS; ++cursor_, cursor_port_ = 0) {
        if (!is_stale(cursor_)) continue;
        for (; cursor_port_ < kParts && !batch_.full(); ++cursor_port_) {
            if (part_in_use(cursor_port_))
                batch_.add(MapAsk::routes, 0, cursor_port_, cursor_, 0, kSureTries, true);
        }
        if (batch_.full()) return;
        stale_[cursor_ / 32] &= ~(1u << (cursor_ % 32));
    }
    if (batch_.count() != 0) return;
    if (mapped_) {
        begin_check();  // lost answers may have left something out
    } else {
        finish();
    }
}

void Mapper::finish_spread() {
    for (uint32_t i = 0; i < batch_.count(); ++i) {
        if (!batch_.at(i).answered) failed_ = true;
    }
    spread();
}

void Mapper::begin_check() {
    check_wanted_ = false;
    checked_at_ = now_;
    cursor_ = 0;
    cursor_port_ = 0;
    check();
}

/// Asks again for what the map says, and once where it says that there is nothing.
void Mapper::check() {
    phase_ = Phase::check;
    batch_.clear();
    for (; cursor_ < graph_.count(); ++cursor_, cursor_port_ = 0) {
        for (; cursor_port_ < kMapPorts; ++cursor_port_) {
            if (batch_.count() + 2 > MapBatch::kRequests) return;
            check_port(cursor_, cursor_port_);
        }
    }
    if (batch_.count() == 0) finish();
}

void Mapper::check_port(uint32_t s, uint32_t port) {
    const MapPort& p = graph_.at(s).ports[port];
    if (p.kind == MapKind::board && p.to != board_) {
        batch_.add(MapAsk::board, s, port, p.to, 0, kSureTries, true);
    } else if (p.kind == MapKind::cable && (s < p.to || (s == p.to && port <= p.port))) {
        batch_.add(MapAsk::cable, s, port, p.to, p.port, kSureTries, true);
    } else if (p.kind == MapKind::none) {
        batch_.add(MapAsk::board, s, port, 0, 0, 1, false);
        batch_.add(MapAsk::turn, s, port, 0, 0, 1, false);
    }
}

void Mapper::finish_check() {
    for (uint32_t i = 0; i < batch_.count(); ++i) {
        const MapRequest& request = batch_.at(i);
        const MapPort& port = graph_.at(request.s).ports[request.port];
        bool as_mapped = request.answered == (port.kind != MapKind::none);
        if (request.ask == MapAsk::board && request.answered) {
            if (port.kind == MapKind::board) {
                as_mapped = request.board == port.to;
                if (request.map != installed_) set_stale(port.to);
            } else {
                as_mapped = graph_.switch_of(request.board) != kMapNone;  // a board twice
            }
        }
        if (!as_mapped) {
            begin_again();
            return;
        }
    }
    if (cursor_ < graph_.count()) {
        check();
        return;
    }
    bool stale = false;
    for (const uint32_t boards : stale_) stale = stale || boards != 0;
    if (stale && !failed_) {
        failed_ = true;  // once only, in this round
        cursor_ = 0;
        cursor_port_ = 0;
        spread();
    } else {
        mismatches_ = 0;
        finish();
    }
}

/// The map is wrong. One that was wrong from the start may be so again: not at once, then.
void Mapper::begin_again() {
    const bool fresh = mapped_;
    finish();
    check_wanted_ = false;
    begin_at(fresh ? now_ + (kMismatchUs << mismatches_) : now_);
    if (fresh && mismatches_ < 9) ++mismatches_;
}

void Mapper::finish() {
    phase_ = Phase::idle;
    batch_.clear();
    counters_.maps += mapped_ ? 1 : 0;
    mapped_ = false;
    if (failed_) check_in(kFailedUs);
    failed_ = false;
    if (period_us_ != 0) check_in(period_us_);
}

}  // namespace firmware
