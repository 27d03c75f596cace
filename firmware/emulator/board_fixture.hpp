// What stands around a board in tests: its host's memory, and a process at its first endpoint.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <span>
#include <vector>

#include "firmware/emulator/board.hpp"
#include "firmware/protocol/layout.h"

namespace emulator {

/// Memory whose bus addresses begin at 0.
class TestMemory : public HostMemory {
  public:
    explicit TestMemory(std::size_t size) : bytes(size) {}
    bool read(std::uint32_t bus, std::span<std::byte> to) override {
        if (bus + to.size() > bytes.size()) return false;
        std::memcpy(to.data(), bytes.data() + bus, to.size());
        return true;
    }
    bool write(std::uint32_t bus, std::span<const std::byte> from) override {
        if (bus + from.size() > bytes.size()) return false;
        copy_released(bytes.data() + bus, from);
        return true;
    }
    std::vector<std::byte> bytes;
};

/// One of two processes, each on a board of its own. Stores what it and its driver would.
class TestProcess {
  public:
    struct Endpoint {
        std::uint32_t node;       ///< 0 or 1
        std::uint32_t boards[2];  ///< of the nodes
        std::uint32_t key, ring_bus, ring_slots;
    };

    explicit TestProcess(Board& board) : board_(board) {}

    void store(std::uint32_t address, std::uint32_t word) { board_.store_word(address, word); }
    std::uint32_t load(std::uint32_t address) const { return board_.load_word(address); }

    /// Of one byte.
    void set_route(std::uint32_t to_board, std::uint8_t byte) {
        store(FM_SRAM_ROUTES + to_board * 16, 1U << 24);
        store(FM_SRAM_ROUTES + to_board * 16 + 12, byte);
    }
    /// What the firmware reads when it is told to open the endpoint.
    void describe(const Endpoint& e) {
        const auto set = [&](std::size_t field, std::uint32_t value) {
            store(FM_SRAM_CONTROL + static_cast<std::uint32_t>(field), value);
        };
        set(offsetof(fm_endpoint_control, state), FM_ENDPOINT_OPEN);
        set(offsetof(fm_endpoint_control, key), e.key);
        set(offsetof(fm_endpoint_control, node), e.node);
        set(offsetof(fm_endpoint_control, nodes), 2);
        set(offsetof(fm_endpoint_control, ring_slots), e.ring_slots);
        for (std::uint32_t n = 0; n < 2; ++n)
            store(FM_SRAM_NODES + n * std::uint32_t{sizeof(fm_node)}, e.boards[n] << 24);
        for (std::uint32_t i = 0; i < e.ring_slots; ++i)
            store(FM_SRAM_PAGES + 4 * i, (e.ring_bus + i * FM_PAGE_BYTES) | FM_PAGE_VALID);
    }
    /// FM_COMMAND_OPEN or FM_COMMAND_CLOSE; done() when the board has had its time.
    void command(std::uint32_t what) {
        store(FM_SRAM_BOARD + offsetof(fm_board_page, command), what << 24);
        board_.signal(FM_COMMAND_SIGNAL);
    }
    bool done() const {
        return load(FM_SRAM_BOARD + offsetof(fm_board_page, command)) == 0 &&
               load(FM_SRAM_BOARD + offsetof(fm_board_page, result)) == FM_RESULT_OK;
    }
    /// Fills the next slot with what stands behind its first word, and hands it over.
    void send(std::initializer_list<std::uint32_t> words) {
        const std::uint32_t slot =
            FM_SRAM_ENDPOINTS + FM_PAGE_BYTES + slots % FM_SEND_SLOTS * FM_SLOT_BYTES;
        std::uint32_t at = slot;
        for (const std::uint32_t word : words) store(at += 4, word);
        store(slot, slots++ / FM_SEND_SLOTS + 1);
    }
    std::uint32_t slots = 0;  ///< that were handed over

  private:
    Board& board_;
};

}  // namespace emulator
