// The LANai 11 core: an interpreter of its instructions over a board's SRAM. Knows nothing of the
// board's registers: accesses beyond the SRAM go to a Bus.
//
// Text is decoded once, at its first execution; whoever writes into SRAM from outside says so by
// written() or wake(). One instruction is one cycle. A program never harms the emulator: an illegal
// instruction, a wild or misaligned address, or a Bus that refuses, stops the core with a Fault.
//
// Memory, as on the board, is sequentially consistent: stores of the firmware into the shared part
// of SRAM, and register stores, are seen by other processes before its later loads take their
// values.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace emulator {

/// What lies beyond the SRAM: the special registers. `size` is 1, 2 or 4; addresses are aligned.
/// Called from within Core::run(); Core::cycles() is then exact.
class Bus {
  public:
    /// False: there is nothing at that address; the core stops.
    virtual bool load(std::uint32_t address, unsigned size, std::uint32_t* value) = 0;
    virtual bool store(std::uint32_t address, unsigned size, std::uint32_t value) = 0;

  protected:
    ~Bus() = default;
};

/// Why a core stopped for good.
struct Fault {
    std::string reason;
    std::uint32_t pc = 0;
    std::uint32_t instruction = 0;
    std::uint32_t address = 0;  ///< of an access
    std::array<std::uint32_t, 32> registers{};
    /// Several lines for people.
    std::string text() const;
};

/// The parts of SRAM.
struct CoreMemory {
    std::byte* sram = nullptr;  ///< big-endian, raw bytes
    std::uint32_t bytes = 0;
    std::uint32_t code_bytes = 0;   ///< instructions are fetched below this alone
    std::uint32_t shared_from = 0;  ///< from here on other processes load and store at any time
};

class Core {
  public:
    enum class Stop : std::uint8_t {
        budget,  ///< ran as far as it may
        idle,    ///< polls: goes round in a loop that changes nothing, until an input changes
        fault,
    };

    Core(const CoreMemory& memory, Bus& bus);
    ~Core();
    Core(const Core&) = delete;
    Core& operator=(const Core&) = delete;

    /// Starts at `pc` with all registers 0, but the stack pointer.
    void reset(std::uint32_t pc, std::uint32_t sp);

    /// Runs while cycles() < `limit`. With `skip_idle` a loop that polls counts as run through in
    /// whole turns: cycles() advances as if it had been executed. Else run() returns `idle` at once
    /// when such a loop is found, or still goes on.
    Stop run(std::uint64_t limit, bool skip_idle);
    /// From within a Bus call: lowers the limit of the run() under way.
    void stop_at(std::uint64_t cycles);

    /// Instructions since reset(), those of skipped turns included.
    std::uint64_t cycles() const { return cycles_; }
    /// Instructions that were executed, and of these the ones of turns that only polled.
    std::uint64_t executed() const { return cycles_ - skipped_; }
    std::uint64_t polled() const { return polled_; }

    /// Polling, and nothing that the loop looks at has changed. Looks at the shared words that the
    /// loop reads: a few loads. A loop that reads a register which changes by itself (Bus says so
    /// by moving()) is never idle.
    bool idle() const;
    /// An input has changed that is not shared memory: a register, or private SRAM.
    void wake() { woken_ = true; }
    /// [address, address + bytes) of SRAM was written by a DMA engine or the driver: wake(), and
    /// text there is decoded anew.
    void written(std::uint32_t address, std::uint64_t bytes);
    /// From within Bus::load(): this register changes without an event (a clock), or the load has
    /// an effect.
    void moving() { dirty_ = true; }

    /// Null while it has not stopped for good.
    const Fault* fault() const { return fault_.get(); }
    /// Stops it, from within a Bus call or between runs.
    void fail(std::string reason, std::uint32_t address);

    const std::array<std::uint32_t, 32>& registers() const { return registers_; }
    std::uint32_t pc() const { return pc_; }

    /// Counts executions per instruction from now on; index is the address / 4. Slower.
    void profile(bool on);
    const std::vector<std::uint64_t>& counts() const { return counts_; }

  private:
    struct Decoded;
    struct Watch;
    struct State;
    template <bool kRecord, bool kProfile>
    Stop interpret();
    template <bool kProfile>
    Stop run_mode(bool skip_idle);

    CoreMemory memory_;
    Bus& bus_;
    std::array<std::uint32_t, 32> registers_{};
    std::uint32_t pc_ = 0, next_ = 0;
    std::uint64_t cycles_ = 0, limit_ = 0, skipped_ = 0, polled_ = 0;
    bool woken_ = false, dirty_ = false;
    std::unique_ptr<Fault> fault_;
    std::vector<std::uint64_t> counts_;
};

}  // namespace emulator
