// A host of modelled time whose software is a script in C++: the papers' own, as far as their
// figures need it. The script runs on a fiber. Whatever would take time says so, and goes on at
// that time of the simulation; so boards, wire and hosts meet exactly as they would.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "adi/base/fiber.hpp"
#include "firmware/emulator/board.hpp"
#include "firmware/emulator/machine.hpp"
#include "firmware/emulator/simulation.hpp"
#include "firmware/emulator/trace.hpp"

namespace fm_bench {

using emulator::Time;

/// What the board's DMA engine reaches of a host's memory: one range of bus addresses.
class Memory final : public emulator::HostMemory {
  public:
    static constexpr std::uint32_t kBus = 0x10000000, kBytes = 8U << 20, kPage = 4096;

    /// On a page of its own, plus `offset`. The memory lives as long as this.
    std::span<std::byte> allocate(std::size_t bytes, std::size_t offset = 0);
    std::uint32_t bus(const std::byte* place) const {
        return kBus + static_cast<std::uint32_t>(place - bytes_.get());
    }
    /// Called after each write of the board's.
    void on_write(std::function<void()> written) { written_ = std::move(written); }

    bool read(std::uint32_t bus, std::span<std::byte> to) override;
    bool write(std::uint32_t bus, std::span<const std::byte> from) override;

  private:
    struct Free {
        void operator()(void* place) const { std::free(place); }
    };
    // Pages that nobody touches cost nothing.
    std::unique_ptr<std::byte, Free> bytes_{static_cast<std::byte*>(std::calloc(kBytes, 1))};
    std::size_t used_ = 0;
    std::function<void()> written_;
};

class Host {
  public:
    Host(emulator::Simulation& simulation, const emulator::Machine& machine, emulator::Board& board,
         emulator::Trace* trace);
    ~Host();
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;

    /// Runs the script from now on.
    void start(std::function<void()> script);
    bool done() const { return done_; }

    const emulator::Machine& machine() const { return machine_; }
    Memory& memory() { return memory_; }
    Time now() const { return simulation_.now(); }

    // --- for the script --------------------------------------------------------------------------

    /// The software computes; `what` is its name in a trace.
    void compute(Time ps, std::string_view what) { spend(ps, Lane::host, what); }
    void copy(std::byte* to, const std::byte* from, std::size_t bytes);
    /// Combined stores to the board.
    void write(std::uint32_t address, const void* from, std::size_t bytes);
    /// One store that publishes what was written before.
    void publish(std::uint32_t address, std::uint32_t word);
    /// One load from the board.
    std::uint32_t read(std::uint32_t address);
    /// Before a look at memory that the board writes: a cache miss.
    void look();
    /// Until the board has written to this host's memory since the last look().
    void wait();

  private:
    using Lane = emulator::Trace::Lane;

    void spend(Time ps, Lane lane, std::string_view what, std::int64_t bytes = -1);
    void resume_at(Time when);
    void written();

    emulator::Simulation& simulation_;
    const emulator::Machine& machine_;
    emulator::Board& board_;
    emulator::Trace* trace_;
    Memory memory_;
    std::function<void()> script_;
    adi::FiberPool pool_;
    adi::Fiber* fiber_ = nullptr;
    bool done_ = false;
    bool waiting_ = false;
    std::uint64_t writes_ = 0, seen_ = 0;
};

}  // namespace fm_bench
