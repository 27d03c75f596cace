// The driver of one emulated board: what the kernel module is for a real one. Opens endpoints for
// processes, enters their pages in the board's page table (the processes never see a bus address),
// wakes them at the board's interrupts, and takes endpoints away from processes that have gone.
//
// Works by commands to the firmware, one at a time, whose ends poll() finds. What the board reads
// of a command is written when its turn comes.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "adi/base/status.hpp"
#include "firmware/emulator/board.hpp"
#include "firmware/emulator/iommu.hpp"
#include "firmware/emulator/lockstep.hpp"
#include "firmware/emulator/shared_memory.hpp"
#include "firmware/emulator/topology.hpp"
#include "firmware/protocol/attach.h"
#include "firmware/tools/firmware_image.hpp"

namespace emulator {

/// What the firmware is told before it starts.
struct FirmwareSettings {
    bool map = false;  ///< it finds routes by itself; else the driver writes them
    std::uint32_t retransmit_us = 2'000;
    std::uint32_t give_up_ms = 10'000;
    std::uint32_t ack_us = 200;
    std::uint32_t map_ms = 1'000;
};

class Trace;

class Driver {
  public:
    using Done = std::function<void(bool ok)>;

    /// All outlive it. `lockstep`: null in fast mode.
    Driver(std::uint32_t board, Scheduler& scheduler, const Machine& machine, Lockstep* lockstep);
    ~Driver();
    Driver(const Driver&) = delete;
    Driver& operator=(const Driver&) = delete;

    Board& board() { return board_; }
    /// Modelled time: processes tell what they do, and take_trace() writes it down.
    void set_trace(Trace* trace) { trace_ = trace; }
    void take_trace();
    const Board& board() const { return board_; }

    /// Starts the firmware. `routes`: used unless it finds them by itself.
    adi::Result<bool> start(const firmware::Image& image, const FirmwareSettings& settings,
                            const Topology& topology, const Routes& routes);
    /// The firmware runs, and knows routes to `hosts` boards, its own among them.
    bool ready(std::uint32_t hosts) const;

    /// Looks for the ends of commands, and starts the next. Cheap.
    void poll();
    /// A command is under way: the board has to run on.
    bool busy() const { return !commands_.empty(); }

    // --- endpoints
    // --------------------------------------------------------------------------------

    /// Reserves an endpoint; what the process gets is region(), host() and counters(). `again`:
    /// none is free.
    adi::Result<std::uint32_t> reserve(const fm_attach_request& request, pid_t process);
    /// Opens it for traffic with nodes at `places`.
    void open(std::uint32_t endpoint, std::span<const std::uint32_t> places, Done done);
    /// Its process has gone, or does not want it any more. Free again after a while.
    void close(std::uint32_t endpoint);

    /// The index of the first of `bytes` from `address` in the page table. `again`: it is full for
    /// now; `unsupported`: the memory cannot be reached.
    adi::Result<std::uint32_t> pin(std::uint32_t endpoint, std::uint64_t address,
                                   std::uint64_t bytes);
    /// No DMA touches the pages from now on. Their entries in the page table are given out again
    /// when the firmware has confirmed that it does not use them. False: no such pages.
    bool unpin(std::uint32_t endpoint, std::uint32_t page, std::uint32_t pages);

    const SharedMemory& region(std::uint32_t endpoint) const { return endpoints_[endpoint].region; }
    const SharedMemory& host(std::uint32_t endpoint) const { return endpoints_[endpoint].host; }
    const SharedMemory& counters() const { return counters_; }
    /// Null: not open.
    Lockstep::Host* lockstep_host(std::uint32_t endpoint) { return endpoints_[endpoint].clock; }
    bool used(std::uint32_t endpoint) const { return endpoints_[endpoint].used; }
    bool in_use() const { return endpoints_in_use_ != 0; }
    /// Is that node of that job here?
    bool has(std::uint32_t key, std::uint32_t node) const;

    /// Tells all processes that the emulator is going away.
    void farewell();

  private:
    enum class PageUse : std::uint8_t { free, taken, leaving };

    struct Endpoint {
        fm_host_trace* trace() const {
            return reinterpret_cast<fm_host_trace*>(host.data() + FM_HOST_TRACE);
        }
        bool used = false;
        std::uint32_t key = 0, node = 0, nodes = 0;
        std::uint32_t ring_slots = 0;
        pid_t process = 0;
        SharedMemory region;  // mapped in SRAM too
        SharedMemory host;
        Lockstep::Host* clock = nullptr;
        std::uint32_t send_done = 0;   // raw; modelled time: a change releases the process
        std::uint32_t interrupts = 0;  // as seen last
        std::vector<PageUse> pages;    // FM_PAGES of them
        std::uint32_t next_page = 0;   // where to look for free ones first
        fm_host_status* status() const { return reinterpret_cast<fm_host_status*>(host.data()); }
    };

    struct Command {
        std::uint32_t word;             // FM_COMMAND_* << 24 | endpoint
        std::function<void()> prepare;  // just before the firmware sees it
        Done done;
        bool started = false;
    };

    void command(std::uint32_t op, std::uint32_t endpoint, std::function<void()> prepare,
                 Done done);
    void interrupt();
    void written(std::uint32_t endpoint);
    void stored(std::uint32_t address);
    void write_control(std::uint32_t endpoint, std::uint32_t state);
    void write_page(std::uint32_t endpoint, std::uint32_t page, bool valid);
    std::uint32_t find_pages(Endpoint& endpoint, std::uint32_t pages) const;
    bool reachable(const Endpoint& endpoint, std::uint64_t address, std::uint64_t bytes) const;
    void released(std::uint32_t endpoint);

    Lockstep* lockstep_;
    Trace* trace_ = nullptr;
    Iommu iommu_;
    Board board_;
    SharedMemory counters_;
    bool map_ = false;
    std::array<Endpoint, FM_ENDPOINTS> endpoints_;
    unsigned endpoints_in_use_ = 0;
    std::deque<Command> commands_;
};

}  // namespace emulator
