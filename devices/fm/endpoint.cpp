// Life, sleep; endpoint_send.cpp, endpoint_receive.cpp and endpoint_put.cpp have the rest.
#include "devices/fm/endpoint.hpp"

#include <sched.h>

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "adi/base/config.hpp"
#include "adi/base/futex.hpp"

namespace dev::fm {

namespace {
/// Room in the ring for what needs no credit: the firmware's events.
constexpr std::uint32_t kEventSlots = 4;

/// Slots of a ring that may be consumed without the board having been told yet.
std::uint32_t lag_of(std::uint32_t ring_slots) {
    return ring_slots / 8;
}

/// Of each sender's share of the ring one slot is for a credit packet: since it is told when more
/// than half of its credits are due, and sends no more before it heard of it, one is enough.
std::uint32_t credits_of(std::uint32_t ring_slots, Node nodes) {
    const std::uint32_t usable = ring_slots - lag_of(ring_slots) - kEventSlots;
    return std::max(usable / nodes, 2U) - 1;
}

/// What keeps a pair busy: more than is on its way, and in half a window's time.
constexpr std::uint32_t kUsefulSlots = 20;
constexpr std::uint32_t kLeastSlots = 64;
constexpr std::uint32_t kMostSlots = 1024;

/// Messages so long are fetched by the board; below stores are quicker, copy and fetch saved.
constexpr std::uint64_t kStagedFrom = 4097;

std::uint64_t staged_from(Strategy strategy) {
    switch (strategy) {
        case Strategy::pio: return ~std::uint64_t{0};
        case Strategy::dma: return 0;
        case Strategy::adapt: break;
    }
    return kStagedFrom;
}

Strategy strategy_from_environment() {
    const char* text = std::getenv("FATHOM_FM_STRATEGY");
    if (text == nullptr) return Strategy::adapt;
    const std::string_view word = text;
    if (word == "pio") return Strategy::pio;
    if (word == "dma") return Strategy::dma;
    if (word != "adapt" && !word.empty()) {
        std::fprintf(stderr,
                     "fathom: FATHOM_FM_STRATEGY=%s is none of adapt, pio, dma; taken as adapt\n",
                     text);
    }
    return Strategy::adapt;
}
}  // namespace

std::uint32_t Endpoint::ring_slots_for(Node nodes) {
    if (nodes >= kMostSlots / kUsefulSlots) return kMostSlots;
    return std::max(std::bit_ceil(nodes * kUsefulSlots), kLeastSlots);
}

EndpointOptions options_from_environment(Node self, Node nodes) {
    constexpr std::int64_t kLeast = 4, kMost = Endpoint::kShortBytes;
    return {.self = self,
            .nodes = nodes,
            .strategy = strategy_from_environment(),
            .pio_bytes = static_cast<std::uint32_t>(
                adi::config_number("FATHOM_FM_PACKET", kMost, kLeast, kMost))};
}

Endpoint::Endpoint(std::unique_ptr<Board> board, const EndpointOptions& options)
    : board_(std::move(board)),
      sram_(board_->endpoint()),
      clock_(board_->clock()),
      self_(options.self),
      nodes_(options.nodes),
      strategy_(options.strategy),
      staged_from_(staged_from(options.strategy)),
      short_below_(0),
      pio_bytes_(std::clamp<std::uint32_t>(options.pio_bytes, 1, kShortBytes)),
      patience_(options.patience),
      probe_ns_(options.probe_ns),
      ring_mask_(board_->ring_slots() - 1),
      ring_shift_(static_cast<std::uint32_t>(std::countr_zero(board_->ring_slots()))),
      ring_lag_(lag_of(board_->ring_slots())),
      credits_(credits_of(board_->ring_slots(), options.nodes)),
      credit_debt_(credits_ / 2 + 1),
      peers_(options.nodes),
      pins_(*board_, FM_PAGES - board_->ring_slots() - board_->staging_pages()) {
    short_below_ = std::min<std::uint64_t>(staged_from_, pio_bytes_ + 1);
    for (Peer& peer : peers_) peer.limit = static_cast<std::uint16_t>(credits_);
}

Endpoint::~Endpoint() = default;

bool Endpoint::something_new() {
    if (look() != nullptr) return true;
    // Not a modelled load: where time is modelled, it stands still between the look and here.
    const std::uint32_t known = done_slot_;
    retire(
        fm_be32(std::atomic_ref<std::uint32_t>(sram_->send_done).load(std::memory_order_acquire)));
    return done_slot_ != known;
}

adi::FutexWord Endpoint::prepare_park() {
    std::uint32_t* word = board_->events();
    const adi::FutexWord park{
        word, std::atomic_ref<std::uint32_t>(*word).load(std::memory_order_acquire)};
    look_for_death();
    if (starving_) probe_starved();
    if (clock_ != nullptr) {
        if (!losses_.empty() || something_new()) return {word, park.value - 1};
        clock_->wait();
        return {word, park.value - 1};
    }
    board_->publish(&sram_->interrupt, 1);
    board_->kick();
    return park;
}

void Endpoint::cancel_park() {
    if (clock_ == nullptr) board_->publish(&sram_->interrupt, 0);
}

void Endpoint::wait() {
    constexpr std::int64_t kSleepNs = 100'000'000;
    if (clock_ == nullptr && ++idle_waits_ <= patience_) {
        sched_yield();
        return;
    }
    const adi::FutexWord park = prepare_park();
    if (clock_ == nullptr && losses_.empty() && !something_new()) {
        adi::futex_wait(park.word, park.value, kSleepNs);
    }
    cancel_park();
}

}  // namespace dev::fm
