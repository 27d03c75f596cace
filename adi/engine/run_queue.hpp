// Work that waits for its turn in the engine.
#pragma once

namespace adi {

/// A piece of work. Belongs to whoever defers it, and stays in place until it runs; run() may end
/// its life.
struct Task {
    void (*run)(Task&) = nullptr;
    Task* next = nullptr;  ///< in the queue
};

/// First in, first out. Intrusive: to queue allocates nothing.
class RunQueue {
  public:
    bool empty() const { return first_ == nullptr; }

    /// `task` is not in a queue.
    void push(Task& task) {
        task.next = nullptr;
        *end_ = &task;
        end_ = &task.next;
    }

    /// Runs what is queued now and returns how much it was. What these tasks push waits for the
    /// next time, so that they cannot keep the caller for ever.
    int run() {
        Task* task = first_;
        first_ = nullptr;
        end_ = &first_;
        int done = 0;
        while (task != nullptr) {
            Task* const next = task->next;  // running may end the task's life
            task->run(*task);
            task = next;
            ++done;
        }
        return done;
    }

    RunQueue() = default;
    RunQueue(const RunQueue&) = delete;  // end_ points into it
    RunQueue& operator=(const RunQueue&) = delete;

  private:
    Task* first_ = nullptr;
    Task** end_ = &first_;
};

}  // namespace adi
