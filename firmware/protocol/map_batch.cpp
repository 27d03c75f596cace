#include "firmware/protocol/map_batch.hpp"

namespace firmware {
namespace {

constexpr uint32_t kTimeoutUs = 200;  // at least
constexpr uint32_t kMaxTimeoutUs = 100'000;
constexpr uint32_t kTurns = 3;  // of the caller, at least, before a try counts as lost

}  // namespace

void MapBatch::reset(uint32_t seed) {
    serial_ = seed;
    count_ = 0;
    open_ = 0;
    unsent_ = 0;
    cursor_ = 0;
    turn_ = 0;
    timeout_us_ = kTimeoutUs;
    for (uint32_t& at : sent_at_) at = 0;
}

void MapBatch::clear() {
    ++serial_;
    count_ = 0;
    open_ = 0;
    unsent_ = 0;
    cursor_ = 0;
    timeout_us_ -= (timeout_us_ - kTimeoutUs) / 8;
}

void MapBatch::add(MapAsk ask, uint32_t s, uint32_t port, uint32_t to, uint32_t to_port,
                   uint32_t tries, bool patient) {
    if (full()) return;
    MapRequest& request = requests_[count_++];
    request.ask = ask;
    request.s = static_cast<uint8_t>(s);
    request.port = static_cast<uint8_t>(port);
    request.to = static_cast<uint8_t>(to);
    request.to_port = static_cast<uint8_t>(to_port);
    request.tries = static_cast<uint8_t>(tries);
    request.patient = patient;
    request.sent = 0;
    request.done = false;
    request.answered = false;
    request.board = 0;
    request.flags = 0;
    request.map = 0;
    request.at = 0;
    request.turn = 0;
    ++open_;
    ++unsent_;
}

uint32_t MapBatch::wait_us(const MapRequest& request) const {
    return request.patient ? timeout_us_ << (request.sent - 1u) : timeout_us_;
}

uint32_t MapBatch::next(uint32_t now_us) {
    for (uint32_t n = 0; n < count_; ++n) {
        const uint32_t i = cursor_;
        cursor_ = cursor_ + 1 < count_ ? cursor_ + 1 : 0;
        MapRequest& request = requests_[i];
        if (request.done) continue;
        if (request.sent == 0) return i;
        if (now_us - request.at < wait_us(request) || turn_ - request.turn < kTurns) continue;
        if (request.sent < request.tries) return i;
        request.done = true;
        --open_;
    }
    return kRequests;
}

void MapBatch::sent(uint32_t i, uint32_t now_us) {
    MapRequest& request = requests_[i];
    if (request.sent++ == 0) --unsent_;
    request.at = now_us;
    request.turn = turn_;
    sent_at_[serial_ % kRecent] = now_us;
}

uint32_t MapBatch::find(uint32_t sequence) const {
    const uint32_t i = sequence % kRequests;
    if (sequence != this->sequence(i)) return kRequests;
    if (i >= count_ || requests_[i].done || requests_[i].sent == 0) return kRequests;
    return i;
}

void MapBatch::answer(uint32_t i, uint32_t now_us) {
    MapRequest& request = requests_[i];
    took(now_us - request.at);
    request.done = true;
    request.answered = true;
    --open_;
}

void MapBatch::late(uint32_t sequence, uint32_t now_us) {
    const uint32_t batches_ago = (this->sequence(kRequests - 1) - sequence) / kRequests;
    if (batches_ago < kRecent) took(now_us - sent_at_[(serial_ - batches_ago) % kRecent]);
}

/// So long at least somebody took to answer.
void MapBatch::took(uint32_t trip_us) {
    if (trip_us >= kMaxTimeoutUs / 4) {
        timeout_us_ = kMaxTimeoutUs;
    } else if (4 * trip_us > timeout_us_) {
        timeout_us_ = 4 * trip_us;
    }
}

void MapBatch::stop() {
    for (uint32_t i = 0; i < count_; ++i) requests_[i].done = true;
    open_ = 0;
    unsent_ = 0;
}

uint32_t MapBatch::due(uint32_t now_us) const {
    return unsent_ != 0 ? now_us : now_us + timeout_us_ / (kTurns + 1);
}

}  // namespace firmware
