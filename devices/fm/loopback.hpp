// Boards without a network: endpoints of one process that hand each other their slots, as layout.h
// says and in order. For a job of one process, and for tests, which can also make things go wrong.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "devices/fm/board.hpp"
#include "devices/fm/words.hpp"

namespace dev::fm {

class LoopbackBoard;

/// What the boards of one job share. Outlives them. Thread safe.
class LoopbackFabric {
  public:
    /// The board of the next node: 0, 1, …
    std::unique_ptr<LoopbackBoard> make_board(std::uint32_t ring_slots, Clock* clock = nullptr);

    // For tests.

    /// Nothing leaves that node until it is released.
    void hold(std::uint32_t node, bool held);
    /// The node is dead: the others get the event, and slots for it end at once.
    void lose(std::uint32_t node);
    /// The node's process ended: who sends to it from now on gets the event.
    void close(std::uint32_t node) { at(node).closed = true; }
    /// A packet out of nothing: of `from` to `to`.
    void inject(std::uint32_t from, std::uint32_t to, std::uint32_t kind, Words words,
                std::vector<std::byte> payload = {});
    /// Deposits to that node are refused.
    void refuse_puts(std::uint32_t node) { at(node).refuses_puts = true; }
    /// The boards are gone.
    void die() { dead_ = true; }
    bool dead() const { return dead_; }
    /// Packets that found no room in a ring and had to be tried again.
    std::uint64_t ring_full() const { return ring_full_; }

  private:
    friend class LoopbackBoard;
    struct State {
        LoopbackBoard* board = nullptr;
        bool held = false;
        bool lost = false;
        bool closed = false;
        bool refuses_puts = false;
        std::uint32_t taken = 0;     ///< slots
        std::uint32_t produced = 0;  ///< packets in its ring
    };

    State& at(std::uint32_t node) { return states_[node]; }
    void run();
    bool take(State& from);
    bool deliver(State& from, const fm_slot& slot, std::uint32_t to, const std::byte* payload,
                 std::uint32_t bytes);
    bool store(State& to, const fm_wire& wire, const std::byte* payload, std::uint32_t bytes);
    bool deposit(State& from, const fm_slot& slot, std::uint32_t to);
    void event(State& to, std::uint32_t what, std::uint32_t which);
    void interrupt(State& of);

    std::recursive_mutex mutex_;
    std::vector<State> states_;
    std::uint64_t ring_full_ = 0;
    bool dead_ = false;
};

class LoopbackBoard final : public Board {
  public:
    LoopbackBoard(LoopbackFabric& fabric, std::uint32_t node, std::uint32_t ring_slots,
                  Clock* clock);
    ~LoopbackBoard() override;

    std::uint32_t place() const override { return node_ << 16; }
    adi::Result<bool> connect(const std::vector<std::uint32_t>&) override { return true; }
    adi::Result<Region> pin(void* address, std::uint64_t bytes) override;
    void unpin(const Region& region) override;
    std::uint32_t* events() const override { return const_cast<std::uint32_t*>(&events_); }
    void wake() override;
    bool dead() const override { return fabric_.dead(); }

    /// The fabric lives as long as this board.
    void keep(std::shared_ptr<LoopbackFabric> fabric) { kept_ = std::move(fabric); }
    std::uint32_t pinned_pages() const { return pinned_; }

  private:
    friend class LoopbackFabric;
    void rouse() override { fabric_.run(); }
    struct Page {
        alignas(FM_PAGE_BYTES) std::array<std::byte, FM_PAGE_BYTES> bytes;
    };

    std::shared_ptr<LoopbackFabric> kept_;
    LoopbackFabric& fabric_;
    std::uint32_t node_;
    std::vector<Page> memory_;  ///< ring and staging
    std::unique_ptr<fm_endpoint> sram_;
    std::vector<std::byte*> pages_;  ///< the page table; null: free
    std::uint32_t pinned_ = 0;
    std::uint32_t events_ = 0;
};

}  // namespace dev::fm
