// Fibers: functions on stacks of their own, which can be left in the middle and resumed later, by
// another thread too. The switch is Boost.Context's; address and thread sanitizer know of it.
//
// A stack is address space with a guard page below it; memory comes as it is touched. Stacks are
// used again, so making a fiber costs little.
//
// Rules for what runs on a fiber. No exception leaves it. Between two suspensions it may have
// changed threads: it keeps no address of a thread's own variable, and takes no lock across one.
#pragma once

#include <cstddef>

namespace adi {

class FiberPool;

/// One running function. Lives on its own stack; most are made by a pool and given back to it.
class Fiber {
  public:
    using Entry = void (*)(void* argument) noexcept;

    Fiber(const Fiber&) = delete;
    Fiber& operator=(const Fiber&) = delete;

    /// A fiber that will run entry(argument) on the `bytes` bytes from `stack` on, aligned to 64,
    /// and lives there itself. Pools make theirs so; for those who have memory of their own.
    static Fiber* make_on(std::byte* stack, std::size_t bytes, Entry entry, void* argument);
    /// The end of one that has ended, or never ran. Its memory is the caller's again.
    static void unmake(Fiber* fiber);

    /// Runs it until it suspends or ends; true when it has ended, which is the last that it is
    /// good for. Not called on the fiber itself; on another one it may be.
    bool resume();
    /// Called on the fiber: goes on in resume()'s caller, and returns at the next resume().
    void suspend();

    /// What its entry was given.
    void* argument() const { return argument_; }

  private:
    friend class FiberPool;
    struct Start;

    Fiber(Entry entry, void* argument, std::size_t stack_bytes)
        : entry_(entry), argument_(argument), stack_bytes_(stack_bytes) {}
    ~Fiber() = default;

    Entry entry_;
    void* argument_;
    std::size_t stack_bytes_;
    void* context_ = nullptr;  ///< where it stands while it is suspended
    void* resumer_ = nullptr;  ///< where resume() was called, while it runs
    bool ended_ = false;
    // For the sanitizers.
    void* self_tsan_ = nullptr;
    void* resumer_tsan_ = nullptr;
    const void* resumer_stack_ = nullptr;
    std::size_t resumer_stack_bytes_ = 0;
    Fiber* next_ = nullptr;  ///< in the pool
};

/// Stacks, and the fibers on them. Used by one thread at a time.
class FiberPool {
  public:
    /// Of address space: a user's reduction function runs on it.
    static constexpr std::size_t kStackBytes = std::size_t{1} << 20;
    /// Stacks kept for later use.
    static constexpr std::size_t kMostSpare = 64;

    FiberPool() = default;
    /// All fibers were given back.
    ~FiberPool();
    FiberPool(const FiberPool&) = delete;
    FiberPool& operator=(const FiberPool&) = delete;

    /// A fiber that will run entry(argument); null when there is no memory for its stack.
    Fiber* make(Fiber::Entry entry, void* argument);
    /// Takes back one that has ended, or never ran.
    void recycle(Fiber* fiber);

    std::size_t spare() const { return spare_count_; }

  private:
    static void unmap(Fiber* fiber);

    Fiber* spare_ = nullptr;
    std::size_t spare_count_ = 0;
};

}  // namespace adi
