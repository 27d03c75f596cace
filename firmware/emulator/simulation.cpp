#include "firmware/emulator/simulation.hpp"

#include <algorithm>
#include <utility>

namespace emulator {

namespace {

// Fast: how much is handled before the processors get their turn again.
constexpr std::size_t kBatch = 64;
constexpr std::uint64_t kInstructions = 4096;

}  // namespace

Time Simulation::now() const {
    if (timed_) return running_ != nullptr ? running_->now() : now_;
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
        running_->stop_at(when);
    }
}

void Simulation::handle_first() {
    // The action may add events: it is out of the queue before it runs.
    const std::function<void()> action = std::move(const_cast<Event&>(timers_.top()).action);
    timers_.pop();
    action();
}

void Simulation::stop() {
    stopped_ = true;
    if (running_ != nullptr) {
        now_ = std::max(now_, running_->now());
        bound_ = now_;
        running_->stop_at(now_);
    }
}

void Simulation::run(Processor& processor, Time until) {
    running_ = &processor;
    bound_ = until;
    processor.run_until(until);
    running_ = nullptr;
}

void Simulation::advance(Time until) {
    stopped_ = false;
    active_.resize(processors_.size());
    for (std::size_t i = 0; i < processors_.size(); ++i) active_[i] = !processors_[i]->idle();
    while (!stopped_) {
        const Time event = timers_.empty() ? kNever : timers_.top().when;
        Processor* first = nullptr;
        Time first_time = kNever;
        Time second_time = kNever;
        for (std::size_t i = 0; i < processors_.size(); ++i) {
            Processor* const processor = processors_[i];
            active_[i] = active_[i] ? !processor->idle() : !processor->asleep();
            if (!active_[i]) continue;
            const Time time = processor->now();
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
        const Time ahead = second_time == kNever ? kNever : second_time + lookahead_;
        run(*first, std::max(std::min({event, until, ahead}), first_time + 1));
    }
    if (!stopped_) now_ = std::max(now_, until);
    for (Processor* processor : processors_) {
        if (processor->shared() && processor->now() < now_) run(*processor, now_);
    }
}

bool Simulation::pending() const {
    return !timers_.empty() || std::any_of(processors_.begin(), processors_.end(),
                                           [](const Processor* p) { return !p->idle(); });
}

bool Simulation::run_timers() {
    if (timers_.empty() || timers_.top().when > now()) return false;
    handle_first();
    return true;
}

bool Simulation::turn() {
    bool busy = run_timers();
    for (Processor* processor : processors_) {
        if (processor->idle()) continue;
        processor->run(kInstructions);
        busy = true;
    }
    for (std::size_t n = 0; n < kBatch && !soon_.empty(); ++n) {
        const std::function<void()> action = std::move(soon_.front());
        soon_.pop_front();
        action();
        busy = true;
    }
    return busy;
}

}  // namespace emulator
