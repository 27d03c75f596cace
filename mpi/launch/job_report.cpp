// What the ranks of a job do, told on SIGQUIT, when time is up, and by --report-stuck.
#include <algorithm>
#include <utility>

#include "mpi/launch/job.hpp"

namespace launch {

namespace {

/// A host that does not answer by then is left out.
constexpr std::chrono::milliseconds kAnswerLimit{1000};
/// When a wait began is known from its length, and that at different times.
constexpr std::int64_t kSameWaitMs = 300;

std::int64_t now_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               EventLoop::Clock::now().time_since_epoch())
        .count();
}

}  // namespace

std::vector<int> Job::running() const {
    std::vector<int> found;
    for (int rank = 0; rank < static_cast<int>(ranks_.size()); ++rank) {
        if (ranks_[static_cast<std::size_t>(rank)].state != State::ended) found.push_back(rank);
    }
    return found;
}

void Job::report(std::function<void()> then) {
    only_stuck_ = false;
    if (then) then_ = std::move(then);
    if (std::exchange(asking_, true)) return;
    states_.clear();
    report_timer_ = loop_.call_after(kAnswerLimit, [this] { end_report(); });
    fleet_.ask_states();
}

void Job::on_state(const RankState& state) {
    if (!asking_ || !exists(state.rank)) return;
    const auto known = [&](const RankState& other) { return other.rank == state.rank; };
    const bool ended = at(state.rank).state == State::ended;
    if (ended || std::any_of(states_.begin(), states_.end(), known)) return;
    states_.push_back(state);
    if (states_.size() >= running().size()) end_report();
}

void Job::end_report() {
    loop_.cancel(report_timer_);
    asking_ = false;
    // When time is up for programs that do not use MPI, there is nothing to tell.
    const bool mpi = std::any_of(states_.begin(), states_.end(), [](const RankState& state) {
        return state.phase != adi::BoardPhase::none;
    });
    bool news = !only_stuck_ && (mpi || !then_);
    for (const RankState& state : states_) {
        const bool stuck = state.phase == adi::BoardPhase::running && state.waits &&
                           state.since_ms >= std::int64_t{options_.report_stuck_s} * 1000;
        if (!stuck) continue;
        const std::int64_t since = now_ms() - state.since_ms;
        const auto known = stuck_since_ms_.find(state.rank);
        const bool told =
            known != stuck_since_ms_.end() && std::abs(known->second - since) < kSameWaitMs;
        if (told) continue;
        news = true;
    }
    for (const RankState& state : states_) {
        if (news && state.waits) stuck_since_ms_[state.rank] = now_ms() - state.since_ms;
    }
    if (news && states_.empty()) say("nothing is known of what the ranks do");
    if (news) {
        for (const std::string& line : describe_states(states_)) say(line);
    }
    if (then_) std::exchange(then_, {})();
}

/// Only waits that were not reported yet are news.
void Job::watch_stuck() {
    const auto interval = std::chrono::seconds(1);
    loop_.call_after(interval, [this] { on_watch_stuck(); });
}

void Job::on_watch_stuck() {
    if (!asking_ && !failed_ && !ranks_.empty()) {
        report({});
        only_stuck_ = true;
    }
    watch_stuck();
}

}  // namespace launch
