// The agreement on contexts, among processes that are threads of this one: each has its own pool
// and its own lock, and combines words through shared memory.
#include "mpi/comm/context.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace mpi {
namespace {

/// A process: what its threads share.
struct FakeProcess {
    ContextPool pool;
    std::mutex lock;
};

/// A communicator: its members meet here to combine their words.
class FakeComm {
  public:
    FakeComm(std::uint32_t context, int size) : context_(context), size_(size) {}
    std::uint32_t context() const { return context_; }
    int size() const { return size_; }
    int exchanges() const { return generation_; }

    void combine(std::span<std::uint64_t> words) {
        std::unique_lock guard(mutex_);
        if (arrived_ == 0) gathering_.assign(words.size(), ~std::uint64_t{0});
        ASSERT_EQ(gathering_.size(), words.size()) << "members look at different windows";
        for (std::size_t i = 0; i < words.size(); ++i) gathering_[i] &= words[i];
        const int generation = generation_;
        if (++arrived_ == size_) {
            result_ = gathering_;
            arrived_ = 0;
            ++generation_;
            all_here_.notify_all();
        } else {
            all_here_.wait(guard, [&] { return generation_ != generation; });
        }
        std::copy(result_.begin(), result_.end(), words.begin());
    }

  private:
    const std::uint32_t context_;
    const int size_;
    std::mutex mutex_;
    std::condition_variable all_here_;
    int arrived_ = 0;
    int generation_ = 0;
    std::vector<std::uint64_t> gathering_, result_;
};

/// One call of one thread; the caller holds the process's lock, as in an MPI call.
class FakeExchange final : public Exchange {
  public:
    FakeExchange(FakeProcess& process, FakeComm& comm) : process_(process), comm_(comm) {}
    Status combine(std::span<std::uint64_t> words) override {
        if (comm_.size() == 1) return Status::ok;
        process_.lock.unlock();
        comm_.combine(words);
        process_.lock.lock();
        return Status::ok;
    }
    void pause() override {
        process_.lock.unlock();
        std::this_thread::yield();
        process_.lock.lock();
    }

  private:
    FakeProcess& process_;
    FakeComm& comm_;
};

/// The context agreed on, or 0 when there was none.
std::uint32_t agree(FakeProcess& process, FakeComm& comm, bool threads) {
    std::lock_guard guard(process.lock);
    FakeExchange exchange(process, comm);
    std::uint32_t context = 0;
    const bool all_present = !threads || comm.size() == 1;
    const Status s = process.pool.agree({comm.context()}, all_present, exchange, &context);
    EXPECT_EQ(s == Status::ok, context != 0);
    EXPECT_TRUE(s == Status::ok || s == Status::other);
    return context;
}

void give_back(FakeProcess& process, std::uint32_t context) {
    std::lock_guard guard(process.lock);
    process.pool.give_back(context);
}

/// Runs f(0) … f(n - 1), each in a thread.
void in_parallel(int n, const std::function<void(int)>& f) {
    std::vector<std::thread> threads;
    for (int i = 0; i < n; ++i) threads.emplace_back(f, i);
    for (std::thread& t : threads) t.join();
}

TEST(ContextTest, OneProcessTakesTheLowestFreeOne) {
    FakeProcess process;
    FakeComm comm(4, 1);
    EXPECT_EQ(agree(process, comm, false), 6U);
    EXPECT_EQ(agree(process, comm, false), 8U);
    EXPECT_EQ(agree(process, comm, true), 10U);
    give_back(process, 8);
    EXPECT_EQ(agree(process, comm, false), 8U);
    EXPECT_EQ(process.pool.in_use(), ContextPool::kReserved + 3);
}

TEST(ContextTest, AllContextsAreGivenOutOnceThenAnErrorAndNoHang) {
    FakeProcess process;
    FakeComm comm(4, 1);
    std::set<std::uint32_t> seen;
    for (std::uint32_t i = ContextPool::kReserved; i < ContextPool::kContexts; ++i) {
        const std::uint32_t context = agree(process, comm, false);
        ASSERT_NE(context, 0U);
        ASSERT_EQ(context % 2, 0U);
        ASSERT_GT(context, 4U);
        ASSERT_TRUE(seen.insert(context).second);
    }
    EXPECT_EQ(agree(process, comm, false), 0U);
    EXPECT_NE(std::string(error_detail()).find("no context is free"), std::string::npos);
    give_back(process, 40'000);
    EXPECT_EQ(agree(process, comm, false), 40'000U);
    EXPECT_EQ(agree(process, comm, true), 0U);
}

TEST(ContextTest, ProcessesAgreeThoughTheirListsDiffer) {
    constexpr int kSize = 3;
    FakeProcess processes[kSize];
    FakeComm world(2, kSize);
    std::uint32_t found[kSize];
    // Process p has taken the first 100 p + 5 contexts by itself.
    in_parallel(kSize, [&](int p) {
        FakeComm self(4, 1);
        for (int i = 0; i < 100 * p + 5; ++i) ASSERT_NE(agree(processes[p], self, false), 0U);
        found[p] = agree(processes[p], world, false);
    });
    EXPECT_EQ(found[0], 2 * (ContextPool::kReserved + 205));
    EXPECT_EQ(found[1], found[0]);
    EXPECT_EQ(found[2], found[0]);
    EXPECT_EQ(world.exchanges(), 1);
}

TEST(ContextTest, NoCommonContextIsAnErrorEverywhere) {
    constexpr int kSize = 2;
    FakeProcess processes[kSize];
    FakeComm world(2, kSize);
    std::uint32_t found[kSize] = {1, 1}, after[kSize] = {1, 1};
    // The one has taken the even-numbered half, the other one the rest.
    in_parallel(kSize, [&](int p) {
        FakeComm self(4, 1);
        std::vector<std::uint32_t> taken;
        while (const std::uint32_t context = agree(processes[p], self, false)) {
            taken.push_back(context);
        }
        for (const std::uint32_t context : taken) {
            if (context / 2 % 2 == static_cast<std::uint32_t>(p)) {
                give_back(processes[p], context);
            }
        }
        found[p] = agree(processes[p], world, p == 1);
        if (p == 0) give_back(processes[p], 2 * 65535);
        after[p] = agree(processes[p], world, p == 0);
    });
    for (int p = 0; p < kSize; ++p) {
        EXPECT_EQ(found[p], 0U);
        EXPECT_EQ(after[p], 2U * 65535);
    }
}

TEST(ContextTest, OneExchangeWithoutThreadsTwoWith) {
    for (const bool threads : {false, true}) {
        FakeProcess processes[2];
        FakeComm world(2, 2);
        in_parallel(2, [&](int p) { EXPECT_EQ(agree(processes[p], world, threads), 6U); });
        EXPECT_EQ(world.exchanges(), threads ? 2 : 1);
    }
}

// Thread 0 of process 0 waits on comm A for process 1, which comes there only after comm B, on
// which it needs thread 1 of process 0.
TEST(ContextTest, ALateMemberDoesNotBlockTheOthers) {
    for (const std::uint32_t a_context : {6U, 10U}) {
        FakeProcess processes[2];
        FakeComm a(a_context, 2), b(8, 2);
        std::uint32_t of_a[2], of_b[2];
        in_parallel(3, [&](int i) {
            if (i == 0) of_a[0] = agree(processes[0], a, true);
            if (i == 1) {
                std::this_thread::sleep_for(std::chrono::milliseconds(20));
                of_b[0] = agree(processes[0], b, true);
            }
            if (i == 2) {
                std::this_thread::sleep_for(std::chrono::milliseconds(40));
                of_b[1] = agree(processes[1], b, false);
                of_a[1] = agree(processes[1], a, false);
            }
        });
        EXPECT_EQ(of_a[0], of_a[1]);
        EXPECT_EQ(of_b[0], of_b[1]);
        EXPECT_NE(of_a[0], of_b[0]);
    }
}

// Three processes, three threads each, every thread on communicators of its own that overlap with
// those of other threads in each process; contexts come and go. No two live ones may be the same
// in a process, and all members must agree.
TEST(ContextTest, ManyThreadsNegotiateAtATime) {
    constexpr int kProcesses = 3, kThreads = 3, kRounds = 150;
    FakeProcess processes[kProcesses];
    std::mutex mutex;
    std::set<std::uint32_t> live[kProcesses];
    std::map<std::pair<int, int>, std::uint32_t> agreed;  // (thread, round) → context
    // Thread 0 on all processes, 1 on the first two, 2 on the last two.
    std::vector<std::unique_ptr<FakeComm>> comms;
    for (int t = 0; t < kThreads; ++t) {
        comms.push_back(std::make_unique<FakeComm>(2 + 2 * t, t == 0 ? 3 : 2));
    }
    in_parallel(kProcesses * kThreads, [&](int i) {
        const int p = i / kThreads, t = i % kThreads;
        if ((t == 1 && p == 2) || (t == 2 && p == 0)) return;
        FakeComm& comm = *comms[static_cast<std::size_t>(t)];
        std::mt19937 random(static_cast<unsigned>(t));  // the same choices on all members
        std::vector<std::uint32_t> mine;
        for (int round = 0; round < kRounds; ++round) {
            const std::uint32_t context = agree(processes[p], comm, true);
            ASSERT_NE(context, 0U);
            {
                std::lock_guard guard(mutex);
                ASSERT_TRUE(live[p].insert(context).second) << "in use already";
                ASSERT_EQ(agreed.try_emplace({t, round}, context).first->second, context);
            }
            mine.push_back(context);
            while (mine.size() > 5 || (random() % 2 == 0 && !mine.empty())) {
                const std::size_t which = random() % mine.size();
                {
                    std::lock_guard guard(mutex);
                    live[p].erase(mine[which]);
                }
                give_back(processes[p], mine[which]);
                mine.erase(mine.begin() + static_cast<std::ptrdiff_t>(which));
            }
        }
    });
}

}  // namespace
}  // namespace mpi
