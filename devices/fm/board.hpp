// A host process's view of its endpoint on a Myrinet board: what Fast Messages needs of it, whether
// an emulated one (firmware/emulator, through shared memory) or a real one behind the kernel
// module.
//
// The hot path is loads and stores: the endpoint's region of the board's SRAM and the receive ring
// in host memory are mapped. The functions here say which of them cost what, because in modelled
// time each access moves this process's clock (class Clock); otherwise they are plain accesses.
//
// Used by one thread at a time; wake() may be called by any.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "adi/base/status.hpp"
#include "firmware/protocol/layout.h"

namespace dev::fm {

/// Modelled time, on the host's side. A process's time moves only by what it says here. Null on a
/// board that runs in real time.
class Clock {
  public:
    virtual ~Clock() = default;
    /// The process's own time.
    virtual std::int64_t now_ps() const = 0;
    /// The process computes, or copies, for so long.
    virtual void charge_ps(std::int64_t ps) = 0;
    /// `bytes` of memory copied by the processor.
    virtual void charge_copy(std::uint64_t bytes) = 0;
    /// An overhead of the software above, named in the table of the modelled machine
    /// (firmware/emulator/machine.hpp): "fm_send", "fm_packet", "fm_handler", "mpi_send", ...
    enum class Work : std::uint8_t {
        fm_send,
        fm_piece,
        fm_packet,
        fm_handler,
        fm_poll,
        pin,
        mpi_send,
        mpi_receive
    };
    virtual void charge(Work work) = 0;
    /// Charges stores to the board, write-combined, and waits until the board has got so far.
    virtual void pio_write(std::uint64_t bytes) = 0;
    /// Charges one store that is not combined.
    virtual void pio_write_word() = 0;
    /// Charges one load from the board, and waits until the board has got so far.
    virtual void pio_read_word() = 0;
    /// Before a look at host memory that the board writes: waits until the board has got so far.
    virtual void look() = 0;
    /// Nothing to do: time goes on until the board writes something for this process, or
    /// Board::wake. Returns then, and at once when that happened since the last look(). Sleeping on
    /// Board::events() instead would hold everybody's time.
    virtual void wait() = 0;
    /// The process is about to do what takes no modelled time but may take long (start-up, files):
    /// others' time goes on without it, until its next access.
    virtual void away() {}
};

/// Pages that the board may reach, as descriptors name them.
struct Region {
    std::uint32_t page = 0;    ///< index of the first in the page table
    std::uint32_t offset = 0;  ///< of the first byte in it
    std::uint64_t bytes = 0;
};

/// What opening an endpoint takes.
struct EndpointRequest {
    std::uint32_t node = 0;
    std::uint32_t nodes = 1;
    std::uint32_t key = 0;  ///< of the job, not 0
    std::uint32_t ring_slots = 64;
    std::uint32_t staging_pages = 32;
    std::uint32_t board = ~0U;  ///< ~0: whoever drives the boards chooses
};

class Board {
  public:
    virtual ~Board() = default;

    /// Where this endpoint is: board << 24 | endpoint << 16. What peers need (connect()).
    virtual std::uint32_t place() const = 0;
    /// The places of all nodes of the job, by node; opens the endpoint for traffic. Once.
    virtual adi::Result<bool> connect(const std::vector<std::uint32_t>& places) = 0;

    /// Lets the board reach [address, address + bytes). Costs a system call or a message to the
    /// driver: keep regions (pin-down cache). `again`: the page table is full, give some back.
    virtual adi::Result<Region> pin(void* address, std::uint64_t bytes) = 0;
    /// Takes that back; when it returns, no DMA touches the memory any more.
    virtual void unpin(const Region& region) = 0;

    /// To be called after stores to the SRAM that the firmware is to see: ends the sleep of an
    /// emulator.
    void kick() {
        // Pairs with the emulator's: it announces its sleep, then looks once more.
        std::atomic_thread_fence(std::memory_order_seq_cst);
        if (std::atomic_ref<std::uint32_t>(*asleep_).load(std::memory_order_relaxed) != 0)
            [[unlikely]]
            rouse();
    }

    /// The futex to sleep on, after `interrupt` in the region was set and one more look was taken:
    /// it changes at each interrupt of this endpoint, or by wake().
    virtual std::uint32_t* events() const = 0;
    /// Ends this process's sleep. Any thread.
    virtual void wake() = 0;
    /// The board or its emulator is gone: nothing will come any more.
    virtual bool dead() const = 0;

    fm_endpoint* endpoint() const { return endpoint_; }
    const fm_counters* counters() const { return counters_; }
    /// Receive slot i, FM_PAGE_BYTES long.
    const std::byte* ring(std::uint32_t i) const { return ring_ + std::size_t{i} * FM_PAGE_BYTES; }
    std::uint32_t ring_slots() const { return ring_slots_; }
    /// Staging page i is page ring_slots() + i of the page table.
    std::byte* staging(std::uint32_t i) const { return staging_ + std::size_t{i} * FM_PAGE_BYTES; }
    std::uint32_t staging_pages() const { return staging_pages_; }
    /// Null in real time.
    Clock* clock() const { return clock_; }

    // --- accesses to the board's memory ------------------------------------------------------

    /// Copies `bytes` to the SRAM, by combined stores. Not yet visible in order: see publish().
    void pio_write(void* sram, const void* from, std::uint64_t bytes) {
        if (clock_ != nullptr) [[unlikely]]
            clock_->pio_write(bytes);
        std::memcpy(sram, from, bytes);
    }
    /// Stores one word, after everything written before.
    void publish(std::uint32_t* sram, std::uint32_t word) {
        if (clock_ != nullptr) [[unlikely]]
            clock_->pio_write_word();
        publish_now(sram, word);
    }
    /// In real time.
    static void publish_now(std::uint32_t* sram, std::uint32_t word) {
        // Pairs with the emulator's acquiring loads; on a real board a store fence comes first.
        std::atomic_ref<std::uint32_t>(*sram).store(fm_be32(word), std::memory_order_release);
    }
    /// Loads one word; dear on a real board.
    std::uint32_t pio_read(const std::uint32_t* sram) {
        if (clock_ != nullptr) [[unlikely]]
            clock_->pio_read_word();
        return fm_be32(std::atomic_ref<std::uint32_t>(*const_cast<std::uint32_t*>(sram))
                           .load(std::memory_order_acquire));
    }
    /// Loads a word of the receive ring: acquires what the DMA wrote before it.
    std::uint32_t host_read(const std::uint32_t* word) {
        return fm_be32(std::atomic_ref<std::uint32_t>(*const_cast<std::uint32_t*>(word))
                           .load(std::memory_order_acquire));
    }

  protected:
    /// `*asleep_` is not 0.
    virtual void rouse() = 0;

    std::uint32_t unknown_ = 1;
    std::uint32_t* asleep_ =
        &unknown_;  ///< 0: the board looks by itself; by default each kick asks
    fm_endpoint* endpoint_ = nullptr;
    const fm_counters* counters_ = nullptr;
    const std::byte* ring_ = nullptr;
    std::byte* staging_ = nullptr;
    std::uint32_t ring_slots_ = 0;
    std::uint32_t staging_pages_ = 0;
    Clock* clock_ = nullptr;
};

/// Opens an endpoint on the emulator that `name` names (an abstract socket), or says why not.
adi::Result<std::unique_ptr<Board>> open_emulated_board(const std::string& name,
                                                        const EndpointRequest& request);

}  // namespace dev::fm
