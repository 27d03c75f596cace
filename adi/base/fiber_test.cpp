#include "adi/base/fiber.hpp"

#include <gtest/gtest.h>

#include <array>
#include <numeric>
#include <thread>
#include <vector>

namespace adi {
namespace {

struct Counter {
    Fiber* self = nullptr;
    int steps = 0;
    int wanted = 0;
};

void count(void* argument) noexcept {
    auto& counter = *static_cast<Counter*>(argument);
    while (++counter.steps < counter.wanted) counter.self->suspend();
}

TEST(Fiber, RunsInSteps) {
    FiberPool pool;
    Counter counter{nullptr, 0, 3};
    counter.self = pool.make(count, &counter);
    ASSERT_NE(counter.self, nullptr);
    EXPECT_EQ(counter.self->argument(), &counter);
    EXPECT_EQ(counter.steps, 0);
    EXPECT_FALSE(counter.self->resume());
    EXPECT_EQ(counter.steps, 1);
    EXPECT_FALSE(counter.self->resume());
    EXPECT_TRUE(counter.self->resume());
    EXPECT_EQ(counter.steps, 3);
    pool.recycle(counter.self);
    EXPECT_EQ(pool.spare(), 1U);
}

TEST(Fiber, ManyInTurn) {
    FiberPool pool;
    std::vector<Counter> counters(300);
    for (std::size_t i = 0; i < counters.size(); ++i) {
        counters[i].wanted = static_cast<int>(1 + i % 7);
        counters[i].self = pool.make(count, &counters[i]);
        ASSERT_NE(counters[i].self, nullptr);
    }
    std::size_t running = counters.size();
    while (running > 0) {
        for (Counter& c : counters) {
            if (c.self == nullptr || !c.self->resume()) continue;
            pool.recycle(c.self);
            c.self = nullptr;
            --running;
        }
    }
    for (const Counter& c : counters) EXPECT_EQ(c.steps, c.wanted);
    EXPECT_EQ(pool.spare(), FiberPool::kMostSpare);
}

// A stack is used again; nothing of its last fiber shows.
TEST(Fiber, StacksAreUsedAgain) {
    FiberPool pool;
    Counter counter{nullptr, 0, 2};
    Fiber* first = pool.make(count, &counter);
    counter.self = first;
    EXPECT_FALSE(first->resume());
    EXPECT_TRUE(first->resume());
    pool.recycle(first);
    counter = {nullptr, 0, 1};
    counter.self = pool.make(count, &counter);
    EXPECT_EQ(counter.self, first);
    EXPECT_EQ(pool.spare(), 0U);
    EXPECT_TRUE(counter.self->resume());
    EXPECT_EQ(counter.steps, 1);
    pool.recycle(counter.self);
}

void use_stack(void* argument) noexcept {
    constexpr std::size_t kMuch = FiberPool::kStackBytes * 3 / 4;
    std::array<volatile unsigned char, kMuch> space;
    for (std::size_t i = 0; i < kMuch; i += 512) space[i] = static_cast<unsigned char>(i / 512);
    unsigned sum = 0;
    for (std::size_t i = 0; i < kMuch; i += 512) sum += space[i];
    *static_cast<unsigned*>(argument) = sum;
}

TEST(Fiber, TheStackIsLarge) {
    FiberPool pool;
    unsigned sum = 0;
    Fiber* fiber = pool.make(use_stack, &sum);
    EXPECT_TRUE(fiber->resume());
    unsigned expected = 0;
    for (std::size_t i = 0; i < FiberPool::kStackBytes * 3 / 4; i += 512) {
        expected += static_cast<unsigned>(i / 512 % 256);
    }
    EXPECT_EQ(sum, expected);
    pool.recycle(fiber);
}

void overflow(void*) noexcept {
    std::array<volatile unsigned char, FiberPool::kStackBytes> space;
    for (std::size_t i = space.size(); i-- > 0;) space[i] = 1;
}

TEST(FiberDeathTest, OverflowMeetsTheGuard) {
    EXPECT_DEATH(
        {
            FiberPool pool;
            pool.make(overflow, nullptr)->resume();
        },
        "");
}

TEST(Fiber, ChangesThreads) {
    FiberPool pool;
    Counter counter{nullptr, 0, 10};
    counter.self = pool.make(count, &counter);
    bool ended = false;
    while (!ended) {
        std::thread([&] { ended = counter.self->resume(); }).join();
        if (!ended) ended = counter.self->resume();
    }
    EXPECT_EQ(counter.steps, 10);
    pool.recycle(counter.self);
}

struct Nested {
    FiberPool* pool;
    Fiber* self = nullptr;
    Counter inner;
    std::vector<int> seen;
};

void nest(void* argument) noexcept {
    auto& nested = *static_cast<Nested*>(argument);
    nested.inner.self = nested.pool->make(count, &nested.inner);
    nested.inner.self->resume();
    nested.seen.push_back(nested.inner.steps);
    nested.self->suspend();
    nested.inner.self->resume();
    nested.seen.push_back(nested.inner.steps);
    nested.pool->recycle(nested.inner.self);
}

TEST(Fiber, ResumesAnother) {
    FiberPool pool;
    Nested nested{&pool, nullptr, {nullptr, 0, 2}, {}};
    nested.self = pool.make(nest, &nested);
    EXPECT_FALSE(nested.self->resume());
    EXPECT_TRUE(nested.self->resume());
    EXPECT_EQ(nested.seen, (std::vector<int>{1, 2}));
    pool.recycle(nested.self);
}

// A switch keeps what the calling convention says that calls keep: also floating-point state.
void halve(void* argument) noexcept {
    auto& counter = *static_cast<Counter*>(argument);
    double x = 1;
    for (int i = 0; i < 10; ++i) {
        x /= 2;
        counter.self->suspend();
    }
    counter.steps = static_cast<int>(1 / x);
}

TEST(Fiber, LocalsSurvive) {
    FiberPool pool;
    Counter counter;
    counter.self = pool.make(halve, &counter);
    double y = 1;
    while (!counter.self->resume()) y *= 2;
    EXPECT_EQ(counter.steps, 1024);
    EXPECT_EQ(y, 1024);
    pool.recycle(counter.self);
}

}  // namespace
}  // namespace adi
