#include "firmware/emulator/simulation.hpp"

#include <algorithm>
#include <utility>

namespace emulator {

namespace {

// Fast: how much is handled before the processors get their turn again.
constexpr std::size_t kBatch = 64;

}  // namespace

Simulation::Simulation(bool timed, Time lookahead) : timed_(timed), lookahead_(lookahead) {}

Time Simulation::now() const {
    if (timed_) return running_ != nullptr ? std::max(now_, running_->time()) : now_;
    using std::chrono::nanoseconds;
    const auto passed = std::chrono::steady_clock::now() - start_;
    return std::chrono::duration_cast<nanoseconds>(passed).count() * 1000;
}

void Simulation::at(Time when, std::function<void()> action) {
    if (timed_)
        timer(when, std::move(action));
    else
        soon_.push_back(std::move(action));
}

void Simulation::timer(Time when, std::function<void()> action) {
    timers_.push({when, order_++, std::move(action)});
    if (running_ != nullptr && when < bound_) {
        bound_ = when;
        running_->limit(when);
    }
}

void Simulation::handle_first() {
    // The action may add events: it is out of the queue before it runs.
    const std::function<void()> action = std::move(const_cast<Event&>(timers_.top()).action);
    timers_.pop();
    action();
}

void Simulation::advance(Time until) {
    stopped_ = false;
    while (!stopped_) {
        const Time event = timers_.empty() ? kNever : timers_.top().when;
        Processor* first = nullptr;
        Time first_time = kNever;
        Time second_time = kNever;
        for (Processor* processor : processors_) {
            const Time time = processor->time();
            if (time < first_time) {
                second_time = first_time;
                first_time = time;
                first = processor;
            } else {
                second_time = std::min(second_time, time);
            }
        }
        if (std::min(event, first_time) >= until) break;
        if (event <= first_time) {
            now_ = std::max(now_, event);
            handle_first();
            continue;
        }
        now_ = std::max(now_, first_time);
        bound_ =
            std::min({event, until, second_time == kNever ? kNever : second_time + lookahead_});
        bound_ = std::max(bound_, first_time + 1);
        running_ = first;
        first->run(bound_);
        running_ = nullptr;
    }
    if (!stopped_ && until != kNever) now_ = std::max(now_, until);
}

Time Simulation::next() const {
    Time result = timers_.empty() ? kNever : timers_.top().when;
    for (const Processor* processor : processors_) result = std::min(result, processor->time());
    return result;
}

void Simulation::notice() {
    for (Processor* processor : processors_) processor->notice();
}

bool Simulation::run_timers() {
    if (timers_.empty() || timers_.top().when > now()) return false;
    handle_first();
    return true;
}

bool Simulation::turn() {
    bool busy = run_timers();
    for (Processor* processor : processors_) busy |= processor->run(kNever);
    for (std::size_t n = 0; n < kBatch && !soon_.empty(); ++n) {
        const std::function<void()> action = std::move(soon_.front());
        soon_.pop_front();
        action();
        busy = true;
    }
    return busy;
}

}  // namespace emulator
