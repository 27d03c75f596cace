#include "firmware/emulator/lockstep.hpp"

#include <algorithm>

#include "adi/base/futex.hpp"

namespace emulator {

namespace {

std::atomic_ref<std::uint32_t> state_of(fm_host_status& status) {
    return std::atomic_ref<std::uint32_t>(status.state);
}

std::atomic_ref<std::uint64_t> clock_of(fm_host_status& status) {
    return std::atomic_ref<std::uint64_t>(status.clock_ps);
}

bool asleep(fm_host_status& status) {
    return std::atomic_ref<std::uint32_t>(status.asleep).load(std::memory_order_seq_cst) != 0;
}

/// A process's clock as a time; a foolish one is as late as can be.
Time as_time(std::uint64_t clock) {
    return static_cast<Time>(std::min<std::uint64_t>(clock, kNever / 2));
}

}  // namespace

Lockstep::Host* Lockstep::add(fm_host_status* status) {
    hosts_.push_back(std::make_unique<Host>(status));
    return hosts_.back().get();
}

void Lockstep::remove(Host* host) {
    std::erase_if(hosts_, [host](const auto& other) { return other.get() == host; });
}

void Lockstep::admit(fm_host_status& status, std::uint32_t from, Time now) {
    // WAITING and JOINING: the clock is the emulator's to set, and the process believes it once it
    // sees RUNNING (release; the process acquires).
    const std::uint64_t clock = clock_of(status).load(std::memory_order_relaxed);
    clock_of(status).store(std::max(clock, static_cast<std::uint64_t>(now)),
                           std::memory_order_relaxed);
    if (state_of(status).compare_exchange_strong(from, FM_HOST_RUNNING,
                                                 std::memory_order_seq_cst)) {
        if (asleep(status)) adi::futex_wake(&status.state);
    } else if (from == FM_HOST_JOINING) {
        // Called back from WAITING at this very moment.
        if (state_of(status).compare_exchange_strong(from, FM_HOST_RUNNING,
                                                     std::memory_order_seq_cst) &&
            asleep(status))
            adi::futex_wake(&status.state);
    }
}

void Lockstep::begin(Host& host) {
    host.moved_ = WallClock::now();
    const std::uint32_t state = state_of(*host.status_).load(std::memory_order_acquire);
    if (state == FM_HOST_AWAY || state == FM_HOST_JOINING)
        admit(*host.status_, state, simulation_.now());
}

void Lockstep::release(Host& host) {
    std::atomic_ref<std::uint32_t>(host.status_->written).fetch_add(1, std::memory_order_release);
    if (state_of(*host.status_).load(std::memory_order_acquire) != FM_HOST_WAITING) return;
    host.moved_ = WallClock::now();
    admit(*host.status_, FM_HOST_WAITING, simulation_.now());
    simulation_.stop();
}

bool Lockstep::stands_still(Host& host, std::uint64_t clock) const {
    const auto now = WallClock::now();
    if (clock != host.seen_ps_) {
        host.seen_ps_ = clock;
        host.moved_ = now;
        return false;
    }
    return now - host.moved_ > patience_;
}

Time Lockstep::horizon() {
    Time result = kNever;
    for (const auto& host : hosts_) {
        fm_host_status& status = *host->status_;
        std::uint32_t state = state_of(status).load(std::memory_order_acquire);
        if (state == FM_HOST_JOINING) {
            host->moved_ = WallClock::now();
            admit(status, state, simulation_.now());
            state = FM_HOST_RUNNING;
        }
        if (state != FM_HOST_RUNNING) continue;
        // Acquires the accesses that the process made before it moved its clock.
        const std::uint64_t clock = clock_of(status).load(std::memory_order_acquire);
        if (as_time(clock) <= simulation_.now() && stands_still(*host, clock)) {
            state_of(status).compare_exchange_strong(state, FM_HOST_AWAY,
                                                     std::memory_order_seq_cst);
            continue;
        }
        result = std::min(result, as_time(clock));
    }
    return result;
}

bool Lockstep::waiting() const {
    return std::any_of(hosts_.begin(), hosts_.end(), [](const auto& host) {
        return state_of(*host->status_).load(std::memory_order_acquire) == FM_HOST_WAITING;
    });
}

void Lockstep::publish() {
    const auto now = static_cast<std::uint64_t>(simulation_.now());
    for (const auto& host : hosts_) {
        fm_host_status& status = *host->status_;
        std::atomic_ref<std::uint64_t> fabric(status.fabric_ps);
        if (fabric.load(std::memory_order_relaxed) >= now) continue;
        // Releases what the boards have done; the process acquires it.
        fabric.store(now, std::memory_order_seq_cst);
        if (asleep(status)) adi::futex_wake(fm_low_word(&status.fabric_ps));
    }
}

fm_host_costs host_costs(const Machine& machine) {
    const auto ps = [](Time time) { return static_cast<std::uint64_t>(time); };
    fm_host_costs costs{};
    costs.pio_write_start = ps(machine.pio_write_start_ps);
    costs.pio_write_byte = ps(machine.pio_write_byte_ps);
    costs.pio_word = ps(machine.pio_word_ps);
    costs.pio_read = ps(machine.pio_read_ps);
    costs.poll = ps(machine.poll_ps);
    costs.copy_start = ps(machine.copy_start_ps);
    costs.copy_byte = ps(machine.copy_byte_ps);
    const Time works[FM_WORKS] = {
        machine.fm_send_ps, machine.fm_piece_ps, machine.fm_packet_ps, machine.fm_handler_ps,
        machine.fm_poll_ps, machine.pin_ps,      machine.mpi_send_ps,  machine.mpi_receive_ps};
    for (unsigned i = 0; i < FM_WORKS; ++i) costs.work[i] = ps(works[i]);
    return costs;
}

}  // namespace emulator
