#include "adi/engine/run_queue.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace adi {
namespace {

struct Note : Task {
    Note(std::vector<int>& s, int i) : seen(s), id(i) {
        run = [](Task& task) {
            auto& note = static_cast<Note&>(task);
            note.seen.push_back(note.id);
        };
    }
    std::vector<int>& seen;
    int id;
};

TEST(RunQueue, FirstInFirstOut) {
    RunQueue queue;
    std::vector<int> seen;
    EXPECT_TRUE(queue.empty());
    EXPECT_EQ(queue.run(), 0);
    Note a(seen, 1), b(seen, 2), c(seen, 3);
    queue.push(b);
    queue.push(a);
    queue.push(c);
    EXPECT_FALSE(queue.empty());
    EXPECT_EQ(queue.run(), 3);
    EXPECT_TRUE(queue.empty());
    EXPECT_EQ(seen, (std::vector<int>{2, 1, 3}));
    queue.push(a);
    EXPECT_EQ(queue.run(), 1);
    EXPECT_EQ(seen.back(), 1);
}

struct Again : Task {
    explicit Again(RunQueue& q) : queue(q) {
        run = [](Task& task) {
            auto& again = static_cast<Again&>(task);
            ++again.runs;
            again.queue.push(again);
        };
    }
    RunQueue& queue;
    int runs = 0;
};

// A task that queues itself again runs once each time.
TEST(RunQueue, ABatchAtATime) {
    RunQueue queue;
    Again again(queue);
    queue.push(again);
    for (int i = 1; i <= 3; ++i) {
        EXPECT_EQ(queue.run(), 1);
        EXPECT_EQ(again.runs, i);
        EXPECT_FALSE(queue.empty());
    }
}

struct Last : Task {
    explicit Last(int& r) : runs(r) {
        run = [](Task& task) {
            auto* last = static_cast<Last*>(&task);
            ++last->runs;
            delete last;
        };
    }
    int& runs;
};

TEST(RunQueue, ATaskMayEndItself) {
    RunQueue queue;
    int runs = 0;
    for (int i = 0; i < 5; ++i) queue.push(*std::make_unique<Last>(runs).release());
    EXPECT_EQ(queue.run(), 5);
    EXPECT_EQ(runs, 5);
}

}  // namespace
}  // namespace adi
