// The part of a host that concerns its share of the emulated Myrinet.
#include <sys/epoll.h>

#include "mpi/launch/local_host.hpp"

namespace launch {

namespace {

constexpr std::chrono::seconds kReadyLimit{60};

}  // namespace

void LocalHost::join_fabric(const std::string& ways) {
    if (plan_ == nullptr || !plan_->wants_fabric || Fabric::is_first(*plan_, number_)) return;
    if (!ranks_.empty() && fabric_.pid() < 0) start_fabric(ways);
}

/// The ranks start when it is ready.
void LocalHost::start_fabric(const std::string& ways) {
    std::string why;
    if (!fabric_.start(*plan_, number_, ways, inherited_, &why)) {
        return events_->on_start_failed(ranks_.begin()->first, 1, why);
    }
    loop_->add(fabric_.news(), EPOLLIN, [this](std::uint32_t) { on_fabric_news(); });
    fabric_timer_ = loop_->call_after(kReadyLimit, [this] {
        events_->on_start_failed(ranks_.begin()->first, 1,
                                 "the Myrinet emulator (pid " + std::to_string(fabric_.pid()) +
                                     ") has no routes after " +
                                     std::to_string(kReadyLimit.count()) + " s");
    });
}

void LocalHost::on_fabric_news() {
    const int news = fabric_.news();
    std::string why;
    const Fabric::State state = fabric_.look(&why);
    if (state == Fabric::State::starting) return;
    loop_->remove(news);
    loop_->cancel(fabric_timer_);
    if (state == Fabric::State::failed) {
        return events_->on_start_failed(ranks_.begin()->first, 1, why);
    }
    if (fabric_.ended() >= 0) {
        loop_->add(fabric_.ended(), EPOLLIN, [this](std::uint32_t) { on_fabric_lost(); });
    }
    if (!fabric_.ways().empty()) events_->on_fabric(fabric_.ways());
    start_ranks();
}

/// Nothing of the Myrinet is told any more.
void LocalHost::forget_fabric() {
    loop_->cancel(fabric_timer_);
    for (const int fd : {fabric_.news(), fabric_.ended()}) {
        if (fd >= 0) loop_->remove(fd);
    }
}

void LocalHost::on_fabric_lost() {
    loop_->remove(fabric_.ended());
    events_->on_lost(
        number_, 1,
        "the Myrinet emulator (pid " + std::to_string(fabric_.pid()) + ") ended before the job");
}

}  // namespace launch
