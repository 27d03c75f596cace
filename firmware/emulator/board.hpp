// A LANai board: core, SRAM, the special registers of firmware/protocol/registers.h, timers, one
// host DMA engine, a send and a receive engine on a Cable. "LANai 11 core, LANai 4 peripherals."
//
// What the registers do here, where the documentation leaves it open:
// - ISR. DMA, SEND, SEND_RDY are set after a reset: the engines are ready. A store to DMA_CTR takes
//   DMA away until the transfer is done; a store to SML or SMLT takes SEND and SEND_RDY away until
//   all of it has left; a store to RML takes BUFF and RECV away and lets bytes in. Storing 1 clears
//   a latched bit (all but SEND_RDY); storing HOST_SIG calls the driver, and does not latch.
// - Receive: what comes after the route, as sent, then one byte, the CRC's syndrome, are stored
//   from RMP on, which is then the address after that byte. RECV: the tail has come; BUFF: no room
//   up to and including the word at RML. After either, nothing is let in before the next store to
//   RML.
// - Send: SA (0-3) bytes of the first word are left out. SML may be moved on while bytes leave. A
//   store to SMP while they do stops the board. Fast: bytes are copied at once, a packet goes to
//   the network when its tail is stored, and SEND is taken away only while several packets wait.
// - DMA_STS: 0, or 1 when the host's memory could not be reached in the last transfer. From the
//   host the bytes are in SRAM at once; DMA_CTR counts down all the same. To the host they are
//   there when DMA is set. CKS adds up the words of all transfers since it was stored.
// - IT counts ticks of the RTC down, sets TIME when it comes to 0, and stays there. Storing 0 stops
//   it.
// - NRES: the packet that was being sent, or received, is lost. If it was the one being sent, SEND
//   is set, and what is sent up to its tail is lost too. If bytes of one had been received, nothing
//   is let in before the next store to RML.
// - MYRINET, HW_DBUG, LED, WRITE_ENABLE keep what is stored; reset and CRC are always on.
//   Receiving by hand (RB, RH, RW) is not there: such a load stops the board.
// - A register that changes by itself (RTC, IT, DMA_CTR under way) in a poll loop keeps the loop
//   from being idle. Poll ISR instead, and use IT for time-outs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "firmware/emulator/cable.hpp"
#include "firmware/emulator/core.hpp"
#include "firmware/emulator/machine.hpp"
#include "firmware/emulator/simulation.hpp"
#include "firmware/tools/firmware_image.hpp"

namespace emulator {

/// Host memory as a board's DMA engine sees it: bus addresses. Implemented by the driver.
class HostMemory {
  public:
    virtual ~HostMemory() = default;
    /// False: nothing there.
    virtual bool read(std::uint32_t bus, std::span<std::byte> to) = 0;
    /// The last eight bytes are stored last and release the rest (copy_released() does it).
    virtual bool write(std::uint32_t bus, std::span<const std::byte> from) = 0;
};

/// Copies to shared memory as a DMA in ascending addresses does: whoever acquires one of the last
/// two words sees all before them. `to` and the length are multiples of 4.
void copy_released(std::byte* to, std::span<const std::byte> from);

/// Told what a board does, for the trace. Times are modelled, or of the wall clock.
class BoardWatcher {
  public:
    virtual ~BoardWatcher() = default;
    virtual void dma(Time begin, Time end, std::uint32_t bytes, bool to_host) = 0;
    virtual void sent(Time begin, Time end, std::uint32_t bytes) = 0;
    virtual void received(Time begin, Time end, std::uint32_t bytes) = 0;
    /// The core worked (did not merely poll).
    virtual void worked(Time begin, Time end) = 0;
};

class Board final : public Connector, private Bus {
  public:
    /// `host_signal`: the firmware interrupts the host; called in the middle of run().
    Board(std::uint32_t id, Scheduler& scheduler, const Machine& machine, HostMemory& memory,
          std::function<void()> host_signal);
    ~Board();
    Board(const Board&) = delete;
    Board& operator=(const Board&) = delete;

    void plug(Cable& cable) { cable_ = &cable; }
    /// Told of each store of the firmware into the shared part of SRAM; in the middle of run().
    void on_store(std::function<void(std::uint32_t address)> stored) {
        stored_ = std::move(stored);
    }
    void watch(BoardWatcher* watcher) { watcher_ = watcher; }
    std::uint32_t id() const { return id_; }

    /// Resets the board and puts a firmware image at 0. Shared pieces stay mapped.
    void load(std::span<const std::uint8_t> image, std::uint32_t entry);

    // --- running ---------------------------------------------------------------------------------

    /// Modelled time: executes every instruction that begins before `until`; now() is then at least
    /// that. Turns of a poll loop are skipped, exactly. Before a host process stores into SRAM at
    /// its time t, run_until(t). Returns false when the core has stopped for good.
    bool run_until(Time until);
    /// Modelled time: where this board is. Within a call that this board makes, the time of the
    /// instruction that makes it. The Scheduler's now() while this board runs.
    Time now() const { return static_cast<Time>(core_->cycles()) * machine_.cycle_ps; }
    /// Modelled time: an event was scheduled for `when` while this board runs; it will go no
    /// further than that. The Scheduler calls it in at() and timer().
    void stop_at(Time when);
    /// Fast: executes at most so many instructions; less when it finds itself polling.
    Core::Stop run(std::uint64_t instructions);
    /// Polling and nothing that the poll loop looks at has changed: to run it would do nothing. A
    /// few loads; may be asked at any time between runs.
    bool idle() const { return core_->fault() != nullptr || core_->idle(); }
    /// The same without the look at shared memory.
    bool asleep() const { return core_->fault() != nullptr || core_->asleep(); }
    /// Null while the core has not stopped for good.
    const Fault* fault() const { return core_->fault(); }

    // --- the driver's side -----------------------------------------------------------------------

    std::byte* sram() { return sram_; }
    /// Maps pages of a file over a piece of SRAM: what a process shares. Keeps what the file has.
    bool map(std::uint32_t address, int fd, std::size_t bytes);
    /// Puts private memory, all zero, there again.
    bool unmap(std::uint32_t address, std::size_t bytes);
    /// Words of SRAM, in host order here. Out of range: 0, and nothing.
    std::uint32_t load_word(std::uint32_t address) const;
    void store_word(std::uint32_t address, std::uint32_t word);
    /// After sram() was written directly.
    void written(std::uint32_t address, std::size_t bytes) {
        catch_up();
        core_->written(address, bytes);
    }
    /// Sets ISR_LAN_SIG(n).
    void signal(unsigned n);

    // --- counts ----------------------------------------------------------------------------------

    struct Counts {
        std::uint64_t dma_to_host = 0, dma_to_host_bytes = 0;
        std::uint64_t dma_from_host = 0, dma_from_host_bytes = 0;
        std::uint64_t dma_failed = 0;
        std::uint64_t packets_sent = 0, bytes_sent = 0;
        std::uint64_t packets_received = 0, bytes_received = 0;
        std::uint64_t host_signals = 0, resets = 0;
    };
    const Counts& counts() const { return counts_; }
    const Core& core() const { return *core_; }
    void profile(bool on) { core_->profile(on); }

    // --- the network's side (Connector) ----------------------------------------------------------

    void sent() override;
    std::size_t received(std::span<const std::uint8_t> bytes, bool tail,
                         std::uint8_t syndrome) override;
    void reset(bool sending) override;
    void link_changed(bool up) override;

  private:
    /// What is merely kept, and what the timers and the host DMA's registers hold.
    struct Registers {
        std::uint32_t isr = 0, eimr = 0, ear = 0, lar = 0, dma_dir = 0, dma_status = 0,
                      checksum = 0;
        std::uint32_t kept[64] = {};
        Time rtc_zero = 0;
        Time timer_end = 0;           ///< 0: the timer is off
        std::uint64_t timer_set = 0;  ///< counts the stores to IT
    };
    struct Dma {
        bool active = false, to_host = false, failed = false;
        std::uint32_t bus = 0, address = 0, bytes = 0;
        Time begin = 0, end = 0;
    };
    struct Piece {
        std::vector<std::uint8_t> bytes;
        bool tail = false;
    };
    struct Send {
        std::uint32_t smp = 0, sa = 0, limit = 0;
        bool tail = false;   ///< SMLT
        bool armed = false;  ///< the limit was stored and the bytes have not been handed over yet
        bool busy = false;   ///< bytes are leaving
        Piece by_hand;  ///< SB, SH, SW, ST: to leave before what is armed. Fast: the open packet
        std::deque<Piece> waiting;  ///< fast
        std::uint32_t bytes = 0;
        Time began = 0;
    };
    struct Receive {
        std::uint32_t rmp = 0, rml = 0;
        bool armed = false;
        bool refused = false;     ///< bytes wait in the network
        bool tail_waits = false;  ///< all bytes are stored, the syndrome is not
        std::uint8_t syndrome = 0;
        std::uint32_t bytes = 0;  ///< of the packet, so far
        bool open = false;        ///< a packet has begun
        Time began = 0;
    };

    bool load(std::uint32_t address, unsigned size, std::uint32_t* value) override;
    bool store(std::uint32_t address, unsigned size, std::uint32_t value) override;
    void stored(std::uint32_t address) override {
        if (stored_) stored_(address);
    }
    bool store_send(std::uint32_t offset, std::uint32_t value);
    void store_by_hand(std::uint32_t offset, std::uint32_t value);
    std::span<const std::uint8_t> take_armed();
    void store_isr(std::uint32_t value);
    void set_isr(std::uint32_t bits);
    void signal_host();
    /// Modelled time: something from outside happens now, and the core may be behind: it has gone
    /// round in its poll loop until then. (Others need not bring an idle board along.)
    void catch_up() {
        if (timed_ && now() < scheduler_.now()) run_until(scheduler_.now());
    }
    bool fail(const char* reason, std::uint32_t address);
    bool start_dma(std::uint32_t bytes);
    void finish_dma();
    std::uint32_t dma_left();
    void start_timer(std::uint32_t ticks);
    std::uint32_t timer_left();
    bool send_ready() const;
    void send_more();
    void send_piece(std::span<const std::uint8_t> piece, bool tail);
    void queue_piece();
    bool arm_receive(std::uint32_t limit);
    void finish_receive(std::uint8_t syndrome);
    Time time() const { return scheduler_.now(); }

    const std::uint32_t id_;
    Scheduler& scheduler_;
    const Machine& machine_;
    HostMemory& memory_;
    const std::function<void()> host_signal_;
    std::function<void(std::uint32_t)> stored_;
    const bool timed_;
    Cable* cable_ = nullptr;
    BoardWatcher* watcher_ = nullptr;
    std::byte* sram_ = nullptr;
    std::unique_ptr<Core> core_;
    Registers registers_;
    Dma dma_;
    Send send_;
    Receive receive_;
    std::uint64_t life_ = 0;  ///< counts load(): events of a former life do nothing
    Counts counts_;
};

/// Instructions per function, the most first, one line each: share, count, name.
std::string profile_text(const std::vector<std::uint64_t>& counts,
                         std::span<const firmware::Symbol> symbols);

}  // namespace emulator
