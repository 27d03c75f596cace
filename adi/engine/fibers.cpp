// Fibers in the engine: starting them, and waiting on them without polling.
#include "adi/engine/engine.hpp"

namespace adi {

/// One wait of a fiber; lives on its stack. The last completion queues it, and a later poll() goes
/// on with the fiber.
struct Engine::FiberWait : Task {
    FiberWait(Engine& e, Fiber& f) : engine(e), fiber(f) {
        run = [](Task& task) {
            auto& wait = static_cast<FiberWait&>(task);
            wait.engine.resume(wait.fiber);
        };
    }

    static void completed(Request& r) {
        auto& wait = *static_cast<FiberWait*>(r.waiter);
        r.on_complete = nullptr;
        r.waiter = nullptr;
        if (--wait.pending == 0) wait.engine.defer(wait);
    }

    Engine& engine;
    Fiber& fiber;
    std::size_t pending = 0;
};

bool Engine::spawn(Fiber::Entry entry, void* argument) {
    Fiber* fiber = fibers_.make(entry, argument);
    if (fiber == nullptr) return false;
    resume(*fiber);
    return true;
}

void Engine::resume(Fiber& fiber) {
    Fiber* const outer = fiber_;
    fiber_ = &fiber;
    const bool ended = fiber.resume();
    fiber_ = outer;
    if (ended) fibers_.recycle(&fiber);
}

void Engine::wait_on_fiber(std::span<Request> requests) {
    FiberWait wait(*this, *fiber_);
    for (Request& r : requests) {
        if (r.complete()) continue;
        r.on_complete = FiberWait::completed;
        r.waiter = &wait;
        ++wait.pending;
    }
    if (wait.pending > 0) wait.fiber.suspend();
}

void Engine::yield_fiber() {
    FiberWait wait(*this, *fiber_);
    defer(wait);
    wait.fiber.suspend();
}

}  // namespace adi
