// A bootstrap for several ranks in one process, a thread each: for tests of engines and devices.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <numeric>
#include <string>

#include "adi/boot/boot.hpp"

namespace adi::testing {

/// What the ranks share.
struct LocalJob {
    explicit LocalJob(int n) : LocalJob(n, n) {}
    /// Of `n` ranks only so many have a thread: fences wait for no others.
    LocalJob(int n, int threads) : size(n), present(threads) {}
    const int size;
    const int present;
    std::mutex mutex;
    std::condition_variable turned;
    std::map<std::string, std::string> values;
    int waiting = 0;
    int round = 0;
};

class LocalBootstrap final : public Bootstrap {
  public:
    LocalBootstrap(LocalJob& job, int rank) : job_(job), rank_(rank) {}
    int rank() const override { return rank_; }
    int size() const override { return job_.size; }
    Result<int> appnum() override { return 0; }
    Result<int> universe_size() override { return job_.size; }
    Result<bool> put(std::string_view key, std::string_view value) override {
        const std::lock_guard lock(job_.mutex);
        job_.values[std::string(key)] = value;
        return true;
    }
    std::vector<int> local_ranks() override {
        std::vector<int> ranks(static_cast<std::size_t>(job_.size));
        std::iota(ranks.begin(), ranks.end(), 0);
        return ranks;
    }
    std::string launcher_secret() override { return {}; }
    Result<std::string> get(int, std::string_view key) override {
        const std::lock_guard lock(job_.mutex);
        const auto found = job_.values.find(std::string(key));
        if (found == job_.values.end()) return {Status::bad_argument, "no such key"};
        return found->second;
    }
    Result<bool> fence() override {
        std::unique_lock lock(job_.mutex);
        const int round = job_.round;
        if (++job_.waiting == job_.present) {
            job_.waiting = 0;
            ++job_.round;
            job_.turned.notify_all();
        }
        job_.turned.wait(lock, [&] { return job_.round != round; });
        return true;
    }
    void abort(int, std::string_view) noexcept override {}
    Result<bool> finalize() override { return true; }

  private:
    LocalJob& job_;
    const int rank_;
};

}  // namespace adi::testing
