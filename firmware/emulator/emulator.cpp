#include "firmware/emulator/emulator.hpp"

#include <sched.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "adi/base/futex.hpp"
#include "firmware/emulator/board_processor.hpp"
#include "firmware/emulator/traced_board.hpp"

namespace emulator {

namespace {

constexpr std::uint64_t kLifelineToken = 1;
static_assert(kLifelineToken < AttachServer::kTokens);

/// How long to poll on when there is nothing to do. A process that answers a packet is back by
/// then.
constexpr auto kSpin = std::chrono::microseconds(100);
/// Whoever got the core by a yield and kept it for so long has work of its own. For a while the
/// emulator then sleeps at once: who is woken has the core sooner than who yields in turn.
constexpr auto kLongYield = std::chrono::microseconds(300);
constexpr auto kCrowded = std::chrono::milliseconds(20);
/// A process may spoil the futex that wakes the emulator: it looks around by itself this often.
constexpr std::int64_t kMostSleep_ns = 100'000'000;
/// Modelled time: how far to go at once while no process runs.
constexpr Time kSlice = 1'000'000'000;
/// After so many slices in which nothing came for anybody, no faster than the wall clock.
constexpr unsigned kFreeSlices = 50;

/// A processor may run ahead of others by what a packet needs at least to get to them.
Time lookahead(const Machine& machine, const Topology& topology) {
    return machine.cable_ps + (topology.switches.empty() ? 0 : machine.hop_ps);
}

fm_fabric_page& page_of(const SharedMemory& fabric) {
    return *reinterpret_cast<fm_fabric_page*>(fabric.data());
}

}  // namespace

Emulator::Emulator(EmulatorOptions options)
    : options_(std::move(options)),
      machine_(options_.machine != nullptr ? *options_.machine : machines().front()),
      simulation_(options_.machine != nullptr),
      lockstep_(simulation_) {}

Emulator::~Emulator() {
    for (const auto& driver : drivers_) driver->farewell();
    server_.reset();  // closes endpoints
    network_.reset();
}

adi::Result<std::unique_ptr<Emulator>> Emulator::make(EmulatorOptions options,
                                                      const firmware::Image& image) {
    std::unique_ptr<Emulator> emulator(new Emulator(std::move(options)));
    auto started = emulator->start(image);
    if (!started) return {started.status(), started.message()};
    return emulator;
}

adi::Result<bool> Emulator::start(const firmware::Image& image) {
    const auto failed = [](const auto& result) {
        return adi::Result<bool>(result.status(), result.message());
    };
    image_ = &image;
    auto topology = options_.fabric.empty()
                        ? adi::Result<Topology>(default_topology(options_.boards))
                        : read_topology(options_.fabric);
    if (!topology) return failed(topology);
    auto faults = parse_faults(options_.faults);
    if (!faults) return failed(faults);
    auto fabric = SharedMemory::create("fathom-fm-fabric", FM_PAGE_BYTES);
    if (!fabric) return failed(fabric);
    fabric_ = std::move(*fabric);
    page_of(fabric_).costs = host_costs(machine_);
    if (!options_.trace.empty()) {
        auto trace = Trace::open(options_.trace);
        if (!trace) return failed(trace);
        trace_ = std::move(*trace);
    }
    simulation_.set_lookahead(lookahead(machine_, *topology));
    NetworkOptions network_options;
    network_options.faults = *faults;
    network_options.trace = trace_.get();
    network_options.secret = options_.secret;
    network_options.wake = [this] { kick(); };
    auto network = Network::make(*topology, machine_, simulation_, std::move(network_options));
    if (!network) return failed(network);
    network_ = std::move(*network);
    const Routes routes(*topology);
    for (const std::uint32_t id : topology->boards) {
        auto driver = std::make_unique<Driver>(id, simulation_, machine_,
                                               simulation_.timed() ? &lockstep_ : nullptr);
        auto started = driver->start(image, options_.firmware, *topology, routes);
        if (!started) return started;
        Board& board = driver->board();
        board.plug(network_->attach(id, board));
        board.profile(options_.profile);
        if (trace_ != nullptr) {
            watchers_.push_back(std::make_unique<TracedBoard>(id, *trace_));
            board.watch(watchers_.back().get());
            driver->set_trace(trace_.get());
        }
        processors_.push_back(std::make_unique<BoardProcessor>(*driver));
        simulation_.add(*processors_.back());
        drivers_.push_back(std::move(driver));
    }
    if (drivers_.empty()) return {adi::Status::bad_argument, "the fabric has no board"};
    doorbell_ = std::make_unique<Doorbell>([this] { kick(); });
    if (options_.lifeline >= 0 && !doorbell_->watch(options_.lifeline, kLifelineToken))
        return {adi::Status::bad_argument, "the lifeline is not a descriptor that can be watched"};
    auto server = AttachServer::make(options_.listen, drivers_, fabric_,
                                     simulation_.timed() ? &lockstep_ : nullptr, *doorbell_);
    if (!server) return failed(server);
    server_ = std::move(*server);
    return true;
}

// --- the loop ----------------------------------------------------------------------------------

bool Emulator::run() {
    using Clock = std::chrono::steady_clock;
    network_->start();
    auto quiet = Clock::now();
    auto crowded = quiet;  // until then others want this core
    bool was_busy = true;
    while (!stopping_.load(std::memory_order_acquire)) {
        if (turn()) {
            was_busy = true;
            continue;
        }
        if (!look_for_faults()) return false;
        if (!ready_) look_for_ready();
        const auto now = Clock::now();
        if (was_busy) quiet = now;
        was_busy = false;
        if (now < crowded || now - quiet > kSpin) {
            sleep();
            continue;
        }
        sched_yield();
        if (Clock::now() - now > kLongYield) crowded = now + kCrowded;
    }
    // What processes did last, and left behind.
    for (const auto& driver : drivers_) driver->take_trace();
    return true;
}

bool Emulator::turn() {
    bool busy = false;
    if (doorbell_->rung()) [[unlikely]] {
        look_after_descriptors();
        busy = true;
    }
    busy |= network_->poll();
    busy |= simulation_.timed() ? turn_timed() : simulation_.turn();
    for (const auto& driver : drivers_) {
        if (driver->busy()) driver->poll();
        if (trace_ != nullptr) driver->take_trace();
    }
    return busy;
}

bool Emulator::turn_timed() {
    const Time now = simulation_.now();
    Time until = lockstep_.horizon();
    if (until != kNever) {
        slices_ = 0;
    } else {
        // No process runs. Time goes on if something is to be done, or somebody waits.
        const bool driver_waits = std::any_of(drivers_.begin(), drivers_.end(),
                                              [](const auto& driver) { return driver->busy(); });
        if (!driver_waits && ready_ && !(lockstep_.waiting() && simulation_.pending())) {
            slices_ = 0;
            return false;
        }
        const auto wall = std::chrono::steady_clock::now();
        if (++slices_ > kFreeSlices && wall < next_slice_) return false;
        next_slice_ = wall + std::chrono::nanoseconds(kSlice / 1000);
        until = now + kSlice;
    }
    if (until <= now) return false;
    simulation_.advance(until);
    lockstep_.publish();
    if (!ready_) look_for_ready();
    return true;
}

void Emulator::kick() {
    // Pairs with sleep(): what was to be seen was stored before.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    std::uint32_t* sleeping = &page_of(fabric_).sleeping;
    if (std::atomic_ref<std::uint32_t>(*sleeping).exchange(0, std::memory_order_seq_cst) != 0)
        adi::futex_wake(sleeping);
}

void Emulator::sleep() {
    std::uint32_t* word = &page_of(fabric_).sleeping;
    const std::atomic_ref<std::uint32_t> sleeping(*word);
    sleeping.store(1, std::memory_order_seq_cst);
    // Either whoever gives work now sees that it has to wake, or turn() sees the work.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (!turn() && !stopping_.load(std::memory_order_seq_cst)) {
        std::int64_t most = kMostSleep_ns;
        if (simulation_.timed())
            most = slices_ > 0 ? kSlice / 1000 : most;
        else if (simulation_.next_timer() != kNever)
            most = std::min(most, (simulation_.next_timer() - simulation_.now()) / 1000);
        if (most > 0) adi::futex_wait(word, 1, most);
    }
    sleeping.store(0, std::memory_order_relaxed);
}

void Emulator::stop() {
    stopping_.store(true, std::memory_order_seq_cst);
    kick();
}

void Emulator::look_after_descriptors() {
    std::array<epoll_event, 32> room;
    for (const epoll_event& event : doorbell_->look(room)) {
        if (event.data.u64 == kLifelineToken)
            stopping_.store(true, std::memory_order_release);
        else
            server_->serve(event.data.u64);
    }
    doorbell_->rearm();
}

void Emulator::look_for_ready() {
    const Routes routes(network_->topology());
    const auto& boards = network_->topology().boards;
    ready_ = std::all_of(drivers_.begin(), drivers_.end(), [&](const auto& driver) {
        std::uint32_t hosts = 1;
        for (const std::uint32_t other : boards)
            hosts += routes.between(driver->board().id(), other) ? 1U : 0U;
        return driver->ready(hosts);
    });
    if (ready_ && options_.ready) options_.ready();
}

bool Emulator::look_for_faults() {
    for (const auto& driver : drivers_) {
        const Fault* fault = driver->board().fault();
        if (fault == nullptr) continue;
        why_ = "the processor of board " + std::to_string(driver->board().id()) +
               " has stopped: " + fault->text();
        std::fprintf(stderr, "fm-fabric: %s\n", why_.c_str());
        return false;
    }
    return true;
}

}  // namespace emulator
