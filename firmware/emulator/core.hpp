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
#include <span>
#include <string>
#include <vector>

#include "firmware/emulator/decode.hpp"

namespace emulator {

/// What lies beyond the SRAM: the special registers. `size` is 1, 2 or 4; addresses are aligned.
/// Called from within Core::run(); Core::cycles() is then exact.
class Bus {
  public:
    /// False: there is nothing at that address; the core stops.
    virtual bool load(std::uint32_t address, unsigned size, std::uint32_t* value) = 0;
    virtual bool store(std::uint32_t address, unsigned size, std::uint32_t value) = 0;
    /// The program has stored into the shared part of SRAM.
    virtual void stored(std::uint32_t) {}

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
    Core(const Core&) = delete;
    Core& operator=(const Core&) = delete;

    /// Starts at `pc` with all registers 0, but the stack pointer; cycles() is then `cycles`, no
    /// less than before.
    void reset(std::uint32_t pc, std::uint32_t sp, std::uint64_t cycles = 0);

    /// Runs while cycles() < `limit`. With `skip_idle` a loop that polls counts as run through in
    /// whole turns: cycles() advances as if it had been executed. Else run() returns `idle` at once
    /// when such a loop is found, or still goes on.
    Stop run(std::uint64_t limit, bool skip_idle);
    /// From within a Bus call: lowers the limit of the run() under way.
    void stop_at(std::uint64_t cycles);

    /// Instructions since the start, those of skipped turns included.
    std::uint64_t cycles() const { return cycles_; }
    /// Instructions that were executed; of these, those in turns of loops that stored something,
    /// and those in turns that only looked.
    std::uint64_t executed() const { return cycles_ - skipped_; }
    std::uint64_t worked() const { return worked_; }
    std::uint64_t polled() const { return polled_; }

    /// Polling, and nothing that the loop looks at has changed. Looks at the shared words that the
    /// loop reads: a few loads. A loop that reads a register which changes by itself (Bus says so
    /// by moving()) is never idle.
    bool idle() const;
    /// Polling, and not woken: idle() but for the look at shared words.
    bool asleep() const { return idle_; }
    /// An input has changed that is not shared memory: a register, or private SRAM.
    void wake() {
        dirty_ = true;
        idle_ = false;
    }
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

    std::span<const std::uint32_t, 32> registers() const {
        return std::span<const std::uint32_t, 32>(state_.registers.data(), 32);
    }
    std::uint32_t pc() const { return state_.pc; }

    /// Counts executions per instruction from now on; index is the address / 4. Slower.
    void profile(bool on);
    const std::vector<std::uint64_t>& counts() const { return counts_; }

  private:
    /// All that decides what the core does next, but for memory and registers of the board.
    struct State {
        std::uint32_t pc = 0, next = 0, after = 0;  ///< of the next three instructions
        std::uint32_t flags = 0;
        std::array<std::uint32_t, 33> registers{};  ///< the last: where writes to r0 and r1 go
        bool operator==(const State&) const = default;
        std::uint64_t hash() const;
    };
    struct Seen {
        std::uint64_t hash, cycles;
        std::size_t watched;
        State state;
    };
    /// A load of shared memory, and what it gave.
    struct Watch {
        std::uint32_t address, size, value;
    };
    static constexpr std::size_t kWatches = 256, kSeen = 64;

    struct Frame;
    void interpret();
    template <bool kProfile>
    void interpret_mode();
    void save(std::uint32_t pc, std::uint32_t next, std::uint32_t after, std::uint32_t flags,
              std::uint64_t left);
    void decode_at(std::uint32_t address);
    void undecode(std::uint32_t address, std::uint64_t bytes);
    bool load_slow(std::uint32_t address, unsigned size, std::uint32_t* value);
    bool store_slow(std::uint32_t address, unsigned size, std::uint32_t value);
    bool load_at(std::uint32_t address, unsigned size, std::uint32_t* value);
    bool store_at(std::uint32_t address, unsigned size, std::uint32_t value);
    bool access_general(const Decoded& d);
    bool alu_general(const Decoded& d);
    bool jump_to(std::uint32_t target);
    /// The end of a turn: true when the core goes round in a loop that changes nothing.
    bool turn();
    void forget();
    bool unchanged() const;

    CoreMemory memory_;
    Bus& bus_;
    State state_;
    std::vector<Decoded> code_;
    std::uint32_t code_top_ = 0;  ///< no text is decoded from here on
    std::uint64_t cycles_ = 0, limit_ = 0, skipped_ = 0, polled_ = 0, worked_ = 0;

    // Finding poll loops. A turn is what lies between two taken branches backwards; it is quiet
    // when it stored nothing. The states at the end of the quiet turns since something was stored
    // are kept; when one comes again, all comes again, as long as no input changes.
    std::vector<Seen> seen_;
    std::uint64_t quiet_ = 0, turn_began_ = 0, resume_at_ = 0;
    std::uint64_t period_ = 0;  ///< cycles once round the loop; 0: not known to be in one
    std::array<Watch, kWatches> watches_;
    std::size_t first_watch_ = 0,
                watched_ = 0;  ///< loads since seen_ began; from the first on: of the loop
    bool dirty_ = false;       ///< the turn stored, or an input changed
    bool idle_ = false;        ///< the state is one of a loop's, at the end of a turn
    bool unfenced_ = false;    ///< a store to shared memory has not been fenced yet

    std::unique_ptr<Fault> fault_;
    std::vector<std::uint64_t> counts_;
    bool profile_ = false;
};

}  // namespace emulator
