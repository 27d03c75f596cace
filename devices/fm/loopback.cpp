#include "devices/fm/loopback.hpp"

#include <algorithm>
#include <cstring>

#include "adi/base/futex.hpp"

namespace dev::fm {

namespace {
using Word = std::atomic_ref<std::uint32_t>;

std::uint32_t load(const std::uint32_t& word) {
    return fm_be32(Word(const_cast<std::uint32_t&>(word)).load(std::memory_order_acquire));
}
void store_word(std::uint32_t& word, std::uint32_t value) {
    Word(word).store(fm_be32(value), std::memory_order_release);
}
}  // namespace

// --- the boards -------------------------------------------------------------------------------

LoopbackBoard::LoopbackBoard(LoopbackFabric& fabric, std::uint32_t node, std::uint32_t ring_slots,
                             Clock* clock)
    : fabric_(fabric),
      node_(node),
      memory_(ring_slots + FM_SEND_SLOTS),
      sram_(std::make_unique<fm_endpoint>()),
      pages_(FM_PAGES) {
    endpoint_ = sram_.get();
    ring_ = memory_.front().bytes.data();
    staging_ = memory_[ring_slots].bytes.data();
    ring_slots_ = ring_slots;
    staging_pages_ = FM_SEND_SLOTS;
    clock_ = clock;
    for (std::size_t i = 0; i < memory_.size(); ++i) pages_[i] = memory_[i].bytes.data();
}

LoopbackBoard::~LoopbackBoard() {
    const std::lock_guard lock(fabric_.mutex_);
    fabric_.at(node_).board = nullptr;
}

adi::Result<Region> LoopbackBoard::pin(void* address, std::uint64_t bytes) {
    const std::lock_guard lock(fabric_.mutex_);
    const auto count = static_cast<std::ptrdiff_t>(bytes / FM_PAGE_BYTES);
    const auto at = std::search_n(pages_.begin(), pages_.end(), count, nullptr);
    if (at == pages_.end()) return {adi::Status::again, "the page table is full"};
    auto* page = static_cast<std::byte*>(address);
    for (std::ptrdiff_t i = 0; i < count; ++i) at[i] = page + i * FM_PAGE_BYTES;
    pinned_ += static_cast<std::uint32_t>(count);
    return Region{static_cast<std::uint32_t>(at - pages_.begin()), 0, bytes};
}

void LoopbackBoard::unpin(const Region& region) {
    const std::lock_guard lock(fabric_.mutex_);
    const std::uint64_t count = region.bytes / FM_PAGE_BYTES;
    std::fill_n(pages_.begin() + region.page, count, nullptr);
    pinned_ -= static_cast<std::uint32_t>(count);
}

void LoopbackBoard::wake() {
    Word(events_).fetch_add(1);
    adi::futex_wake(&events_);
}

// --- the fabric -------------------------------------------------------------------------------

std::unique_ptr<LoopbackBoard> LoopbackFabric::make_board(std::uint32_t ring_slots, Clock* clock) {
    const std::lock_guard lock(mutex_);
    const auto node = static_cast<std::uint32_t>(states_.size());
    auto board = std::make_unique<LoopbackBoard>(*this, node, ring_slots, clock);
    states_.push_back({});
    states_.back().board = board.get();
    return board;
}

void LoopbackFabric::hold(std::uint32_t node, bool held) {
    const std::lock_guard lock(mutex_);
    at(node).held = held;
    run();
}

void LoopbackFabric::lose(std::uint32_t node) {
    const std::lock_guard lock(mutex_);
    at(node).lost = true;
    for (State& state : states_) {
        if (&state != &at(node)) event(state, FM_EVENT_NODE_LOST, node);
    }
    run();
}

void LoopbackFabric::inject(std::uint32_t from, std::uint32_t to, std::uint32_t kind, Words words,
                            std::vector<std::byte> payload) {
    const std::lock_guard lock(mutex_);
    fm_wire wire{};
    wire.type = fm_be32(std::uint32_t{FM_WIRE_TYPE} << 16 | kind << 8);
    wire.source = fm_be32(from << 16);
    wire.user[0] = fm_be32(words.first());
    wire.user[1] = fm_be32(words.second);
    store(at(to), wire, payload.data(), static_cast<std::uint32_t>(payload.size()));
}

/// Takes all slots that can be taken, one of each node in turn.
void LoopbackFabric::run() {
    const std::lock_guard lock(mutex_);
    if (dead_) return;
    bool moved = true;
    while (moved) {
        moved = false;
        for (State& state : states_) moved = take(state) || moved;
    }
}

bool LoopbackFabric::take(State& from) {
    if (from.board == nullptr || from.held) return false;
    fm_endpoint& sram = *from.board->sram_;
    const fm_slot& slot = sram.slots[from.taken % FM_SEND_SLOTS];
    if (load(slot.lap) != from.taken / FM_SEND_SLOTS + 1) return false;
    const std::uint32_t command = fm_be32(slot.command);
    const std::uint32_t to = command & 0xffffff;
    const std::uint32_t bytes = fm_be32(slot.length);
    bool taken = true;
    if (to >= states_.size()) {
        event(from, FM_EVENT_BAD_SLOT, from.taken);
    } else if (at(to).lost || at(to).board == nullptr) {
        // Nobody is there.
    } else if (at(to).closed) {
        event(from, FM_EVENT_NODE_LOST, to);
    } else if (command >> 24 == FM_OP_PUT) {
        taken = deposit(from, slot, to);
    } else if (command >> 24 == FM_OP_PAGE) {
        taken = deliver(from, slot, to,
                        from.board->pages_[fm_be32(slot.page)] + fm_be32(slot.offset), bytes);
    } else {
        taken = deliver(from, slot, to, reinterpret_cast<const std::byte*>(slot.payload), bytes);
    }
    if (!taken) return false;
    ++from.taken;
    store_word(sram.send_done, from.taken);
    interrupt(from);
    return true;
}

bool LoopbackFabric::deliver(State& from, const fm_slot& slot, std::uint32_t to,
                             const std::byte* payload, std::uint32_t bytes) {
    fm_wire wire{};
    wire.type = fm_be32(std::uint32_t{FM_WIRE_TYPE} << 16 | FM_KIND_DATA << 8);
    wire.source = fm_be32(from.board->node_ << 16);
    wire.user[0] = slot.wire.user[0];
    wire.user[1] = slot.wire.user[1];
    return store(at(to), wire, payload, bytes);
}

bool LoopbackFabric::store(State& to, const fm_wire& wire, const std::byte* payload,
                           std::uint32_t bytes) {
    LoopbackBoard& board = *to.board;
    if (to.produced - load(board.sram_->consumed) >= board.ring_slots_) {
        ++ring_full_;
        return false;
    }
    std::byte* page = board.memory_[to.produced % board.ring_slots_].bytes.data();
    std::byte* end = page + FM_PAGE_BYTES - sizeof(fm_footer);
    std::byte* data = end - (bytes + 3) / 4 * 4;
    if (bytes > 0) std::memcpy(data, payload, bytes);
    std::memcpy(data - sizeof wire, &wire, sizeof wire);
    auto* footer = reinterpret_cast<fm_footer*>(end);
    store_word(footer->length, bytes << 16 | (to.taken & 0xffff));
    store_word(footer->lap, to.produced / board.ring_slots_ + 1);
    ++to.produced;
    interrupt(to);
    return true;
}

/// As the firmware does it: page by page, and nothing outside of the window.
bool LoopbackFabric::deposit(State& from, const fm_slot& slot, std::uint32_t to) {
    if (from.board->pages_[fm_be32(slot.page)] == nullptr) return true;  // without payload
    State& target = at(to);
    const std::uint32_t key = fm_be32(slot.window);
    const fm_window& window = target.board->sram_->windows[key % FM_WINDOWS];
    const std::uint32_t bytes = fm_be32(slot.length);
    const std::uint32_t offset = fm_be32(slot.window_offset);
    const std::uint32_t first = fm_be32(window.page);
    const bool good = key != 0 && load(window.key) == key && first >> 16 == from.board->node_ &&
                      std::uint64_t{offset} + bytes <= fm_be32(window.length);
    if (!good || target.refuses_puts) {
        event(from, FM_EVENT_PUT_REFUSED, to);
        return true;
    }
    std::uint32_t source = fm_be32(slot.offset);
    std::uint32_t sink = fm_be32(window.offset) + offset;
    for (std::uint32_t left = bytes; left > 0;) {
        const std::uint32_t n = std::min(
            {left, FM_PAGE_BYTES - source % FM_PAGE_BYTES, FM_PAGE_BYTES - sink % FM_PAGE_BYTES});
        std::byte* to_page = target.board->pages_[(first & 0xffff) + sink / FM_PAGE_BYTES];
        const std::byte* from_page =
            from.board->pages_[fm_be32(slot.page) + source / FM_PAGE_BYTES];
        std::memcpy(to_page + sink % FM_PAGE_BYTES, from_page + source % FM_PAGE_BYTES, n);
        source += n;
        sink += n;
        left -= n;
    }
    return true;
}

void LoopbackFabric::event(State& to, std::uint32_t what, std::uint32_t which) {
    if (to.board == nullptr) return;
    fm_wire wire{};
    wire.type = fm_be32(std::uint32_t{FM_WIRE_TYPE} << 16 | FM_KIND_EVENT << 8);
    wire.user[0] = fm_be32(what);
    wire.user[1] = fm_be32(which);
    store(to, wire, nullptr, 0);
}

void LoopbackFabric::interrupt(State& of) {
    fm_endpoint& sram = *of.board->sram_;
    if (load(sram.interrupt) == 0) return;
    store_word(sram.interrupt, 0);
    of.board->wake();
}

}  // namespace dev::fm
