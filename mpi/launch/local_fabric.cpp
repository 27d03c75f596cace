// The part of a host that concerns its share of the emulated Myrinet.
#include <sys/epoll.h>

#include "mpi/launch/local_host.hpp"

namespace launch {

void LocalHost::join_fabric(const std::string& ways) {
    if (plan_ == nullptr || !plan_->wants_fabric || Fabric::is_first(*plan_, number_)) return;
    if (!ranks_.empty() && fabric_.pid() < 0 && start_fabric(ways)) start_ranks();
}

bool LocalHost::start_fabric(const std::string& ways) {
    std::string why;
    if (!fabric_.start(*plan_, number_, ways, inherited_, &why)) {
        events_->on_start_failed(ranks_.begin()->first, 1, why);
        return false;
    }
    if (fabric_.ended() >= 0) {
        loop_->add(fabric_.ended(), EPOLLIN, [this](std::uint32_t) { on_fabric_lost(); });
    }
    if (!fabric_.ways().empty()) events_->on_fabric(fabric_.ways());
    return true;
}

void LocalHost::on_fabric_lost() {
    loop_->remove(fabric_.ended());
    events_->on_lost(
        number_, 1,
        "the Myrinet emulator (pid " + std::to_string(fabric_.pid()) + ") ended before the job");
}

}  // namespace launch
