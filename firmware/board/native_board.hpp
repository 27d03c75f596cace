// The control program compiled for the host, on a board made of plain memory: for unit tests and
// fuzzing, with sanitizers, many times as fast as the emulator. No time passes in it but what a
// test lets pass.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <vector>

#include "firmware/board/program.hpp"

namespace firmware {

class NativeBoard final : public hw::Hardware {
  public:
    using Bytes = std::vector<std::uint8_t>;

    explicit NativeBoard(std::uint32_t id);
    NativeBoard(const NativeBoard&) = delete;
    NativeBoard& operator=(const NativeBoard&) = delete;

    // --- the driver's part -----------------------------------------------------------------------

    /// Words of the structures that the driver writes before start(): times in the board's page.
    fm_board_page& page() { return *hw_at<fm_board_page>(FM_SRAM_BOARD); }
    void route(std::uint32_t board, std::span<const std::uint8_t> hops);
    /// Starts the control program.
    void start();
    /// Host memory: a page with this bus address. The same address answers the same page.
    std::uint8_t* host_page(std::uint32_t bus);
    /// Takes a page away: transfers to it fail.
    void remove_page(std::uint32_t bus) { host_.erase(bus); }
    /// Writes an entry of an endpoint's page table; 0 makes it invalid.
    void map_page(std::uint32_t endpoint, std::uint32_t index, std::uint32_t bus);
    /// Opens an endpoint: ring pages first, `places` by node. Runs until it is done.
    bool open(std::uint32_t endpoint, std::uint32_t key, std::uint32_t node,
              std::span<const std::uint32_t> places, std::uint32_t ring_slots);
    /// A command of the driver; runs until it is done. FM_RESULT_*, or ~0 when it never is.
    std::uint32_t command(std::uint32_t word);
    fm_endpoint& region(std::uint32_t endpoint) {
        return *hw_at<fm_endpoint>(FM_SRAM_ENDPOINTS + endpoint * FM_ENDPOINT_BYTES);
    }
    /// As last read: a counter in host order.
    std::uint32_t counter(std::uint32_t fm_counters::*which);
    std::uint32_t interrupts = 0;  ///< of the host

    // --- time and wire ---------------------------------------------------------------------------

    /// Turns of the program's loop. `sent` is called with each packet that leaves.
    void run(unsigned turns);
    /// Time goes on by so many ticks of the RTC, and the interval timer with it.
    void pass(std::uint32_t ticks);
    /// A packet without its route comes; false while no buffer is armed. The syndrome is added.
    bool deliver(std::span<const std::uint8_t> packet, std::uint8_t syndrome = 0);
    /// Called with the route and the packet.
    std::function<void(const Bytes& route, const Bytes& packet)> sent;
    /// Is a transfer done at once, or only in so many reads of ISR? Then DMA and sending take time.
    unsigned dma_delay = 0, send_delay = 0;
    void reset_link();

    std::uint32_t get(std::uint32_t reg) override;
    void set(std::uint32_t reg, std::uint32_t value) override;

    template <class T>
    T* hw_at(std::uint32_t address) {
        return reinterpret_cast<T*>(memory_.data() + address);
    }

  private:
    void transfer(std::uint32_t bytes);
    void send(std::uint32_t last, bool tail);

    std::vector<std::uint8_t> memory_;
    std::map<std::uint32_t, std::vector<std::uint8_t>> host_;
    ControlProgram program_{};
    Endpoint* polled_ = nullptr;
    std::uint32_t registers_[64]{};
    std::uint32_t isr_ = ISR_DMA | ISR_SEND | ISR_SEND_RDY;
    unsigned dma_left_ = 0, send_left_ = 0;
    bool receiving_ = false;
    Bytes leaving_;
};

/// What is wrong with a call of the hardware by the program: wild addresses, an engine that is
/// started while it runs. Thrown, so that a test sees it.
struct Misuse {
    const char* what;
};

}  // namespace firmware
