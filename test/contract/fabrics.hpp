// Boards for the fm device in tests of one process.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>

#include "devices/fm/fm.hpp"
#include "devices/fm/loopback.hpp"

namespace adi::testing {

/// The boards of one job without a network between them. They are made in the order of nodes,
/// whoever comes first.
class LoopbackJob {
  public:
    Result<std::unique_ptr<dev::fm::Board>> open(dev::fm::Node node, dev::fm::Node nodes) {
        std::unique_lock lock(mutex_);
        turned_.wait(lock, [&] { return next_ == node; });
        std::unique_ptr<dev::fm::Board> board =
            fabric_.make_board(dev::fm::Endpoint::ring_slots_for(nodes));
        ++next_;
        turned_.notify_all();
        return board;
    }

  private:
    std::mutex mutex_;
    std::condition_variable turned_;
    dev::fm::LoopbackFabric fabric_;
    dev::fm::Node next_ = 0;
};

/// A device for each rank of one job.
inline std::unique_ptr<Device> fm_on(std::shared_ptr<LoopbackJob> job) {
    return std::make_unique<dev::fm::Fm>(
        [job](dev::fm::Node node, dev::fm::Node nodes) { return job->open(node, nodes); });
}

/// A device of a job of its own: with those made before it, until as many are open as it has ranks.
inline std::unique_ptr<Device> fm_on_loopback() {
    // Outlives the devices: tests close what they open.
    static std::shared_ptr<LoopbackJob> job;
    return std::make_unique<dev::fm::Fm>(
        [mine = std::shared_ptr<LoopbackJob>()](dev::fm::Node node, dev::fm::Node nodes) mutable {
            if (node == 0) job = std::make_shared<LoopbackJob>();
            mine = job;
            return mine->open(node, nodes);
        });
}

}  // namespace adi::testing
