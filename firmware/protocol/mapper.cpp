// Who maps, and when.
#include "firmware/protocol/mapper.hpp"

namespace firmware {
namespace {

constexpr uint32_t kSleepUs = 1'000'000'000;  // nothing to do: less than half of the clock's round

}  // namespace

void Mapper::start(const MapperHooks& hooks, const MapperOptions& options, uint32_t now_us) {
    hooks_ = hooks;
    board_ = options.board % FM_MAX_BOARDS;
    period_us_ = options.period_us < kSleepUs / 4 ? options.period_us : kSleepUs / 4;
    may_map_ = options.may_map;
    now_ = now_us;
    phase_ = Phase::idle;
    epoch_ = 0;
    installed_ = 0;
    number_ = 0;
    hosts_ = 0;
    switches_ = 0;
    candidate_ = false;
    check_wanted_ = false;
    checked_at_ = now_us - kBetweenChecksUs;
    incoming_ = 0;
    incoming_parts_ = 0;
    reporting_ = false;
    report_sequence_ = 0;
    patient_ = false;
    more_ = false;
    mapped_ = false;
    mismatches_ = 0;
    failed_ = false;
    counters_ = MapperCounters{0, 0, 0, 0};
    for (uint32_t& boards : stale_) boards = 0;
    batch_.reset(now_us);
    if (may_map_) begin_at(board_ == 0 ? now_us : now_us + kStartUs + board_ * kSlotUs);
    plan();
}

void Mapper::tick(uint32_t now_us) {
    if (static_cast<int32_t>(now_us - due_) < 0) return;
    now_ = now_us;
    batch_.turn();
    if (reporting_ && reached(report_at_)) report();
    if (phase_ == Phase::idle) {
        if (candidate_ && reached(candidate_at_)) {
            start_map();
        } else if (check_wanted_ && reached(check_at_)) {
            begin_check();
        }
    }
    if (phase_ != Phase::idle) step();
    plan();
}

bool Mapper::asleep() const {
    return phase_ == Phase::idle && !reporting_ && !candidate_ && !check_wanted_;
}

/// Sets due_.
void Mapper::plan() {
    due_ = now_ + kSleepUs;
    if (reporting_) wake_at(report_at_);
    if (phase_ == Phase::idle) {
        if (candidate_) wake_at(candidate_at_);
        if (check_wanted_) wake_at(check_at_);
    } else if (batch_.done() || more_) {
        wake_at(now_);
    } else {
        wake_at(batch_.due(now_));
    }
}

void Mapper::wake_at(uint32_t us) {
    if (static_cast<int32_t>(us - due_) < 0) due_ = us;
}

/// A lower board maps: this one does not, for now.
void Mapper::hear() {
    phase_ = Phase::idle;
    batch_.clear();
    check_wanted_ = false;
    mapped_ = false;
    candidate_ = false;
    if (installed_ == 0 || is_mapper()) {
        begin_at(now_ + kSilenceUs + board_ * kSlotUs);
    } else if (period_us_ != 0) {
        begin_at(now_ + kSilenceUs + 3 * period_us_ + board_ * kSlotUs);
    }
    plan();
}

void Mapper::begin_at(uint32_t us) {
    if (!candidate_ || static_cast<int32_t>(us - candidate_at_) < 0) candidate_at_ = us;
    candidate_ = true;
    if (phase_ == Phase::idle) wake_at(candidate_at_);
}

void Mapper::check_in(uint32_t us) {
    uint32_t at = now_ + us;
    if (static_cast<int32_t>(at - checked_at_) < static_cast<int32_t>(kBetweenChecksUs))
        at = checked_at_ + kBetweenChecksUs;
    if (!check_wanted_ || static_cast<int32_t>(at - check_at_) < 0) check_at_ = at;
    check_wanted_ = true;
    if (phase_ == Phase::idle) wake_at(check_at_);
}

void Mapper::suspect(uint32_t board, uint32_t now_us) {
    now_ = now_us;
    if (!may_map_ || board >= FM_MAX_BOARDS) return;
    if (is_mapper()) {
        check_in(0);
    } else if (installed_ != 0 && !reporting_) {
        reporting_ = true;
        reports_ = 0;
        reported_ = board;
        report_at_ = now_;
        wake_at(now_);
    }
}

void Mapper::map_again(uint32_t now_us) {
    if (may_map_ && installed_ == 0) {
        now_ = now_us;
        begin_at(now_us);
    } else {
        suspect(board_, now_us);
    }
}

/// Tells the mapper of a suspicion. One that does not answer is dead: somebody else has to map.
void Mapper::report() {
    const fm_route& route = hooks_.table[installed_ >> 24];
    const uint32_t hops = route.bytes[0];
    if (is_mapper()) {
        reporting_ = false;
        check_in(0);
        return;
    }
    if (reports_ == kReports || hops == 0 || hops > FM_MAX_ROUTE) {
        reporting_ = false;
        begin_at(now_ + kDeadUs + board_ * kSlotUs);
        return;
    }
    if (reports_ == 0) report_sequence_ = ~batch_.sequence(0);
    fm_map_packet packet;
    head(&packet, FM_MAP_SUSPECT, report_sequence_);
    packet.sender = fm_be32(board_ << 24 | reported_ << 16);
    if (hooks_.send(hooks_.context, route.bytes + sizeof(fm_route) - hops, hops, &packet,
                    sizeof packet))
        ++counters_.probes;
    report_at_ = now_ + (kReportUs << reports_++);
}

}  // namespace firmware
