// Fabric, where it meets boards; and what is thrown away: resets, dead links, the watchdog.
#include <algorithm>
#include <array>
#include <utility>

#include "firmware/emulator/fabric.hpp"
#include "firmware/emulator/trace.hpp"
#include "firmware/protocol/layout.h"

namespace emulator {

// --- sending ------------------------------------------------------------------------------------

void Endpoint::send(std::span<const std::uint8_t> piece, bool tail) {
    if (throwing) {
        throwing = !tail;
        fabric->scheduler().at(fabric->scheduler().now(), [this] { connector->sent(); });
        return;
    }
    if (open == nullptr) {
        open = fabric->new_worm(board);
        ++open->uses;
    }
    Worm& worm = *open;
    const bool head = worm.path.empty();
    const std::size_t most = fabric->timed() ? fabric->options().chunk_bytes : piece.size();
    sending = &worm;
    std::size_t at = 0;
    do {
        const std::size_t bytes = std::min(most, piece.size() - at);
        Chunk* chunk = fabric->new_chunk(worm, piece.subspan(at, bytes));
        chunk->head = head && at == 0;
        at += bytes;
        chunk->piece_end = at == piece.size();
        chunk->tail = tail && chunk->piece_end;
        fabric->push(source, chunk);
    } while (at < piece.size());
    if (tail) fabric->drop_use(*std::exchange(open, nullptr));
    fabric->kick();
}

void Endpoint::resume() {
    fabric->ready(inbox);
    fabric->kick();
}

void Endpoint::set_timeout(Time time) {
    timeout = std::max<Time>(time, 1'000'000);
}

std::string packet_name(std::span<const std::uint8_t> bytes) {
    static constexpr std::array<const char*, 7> kKinds = {"?",   "data", "deposit", "ack",
                                                          "gap", "nak",  "event"};
    while (!bytes.empty() && (bytes[0] & 0xc0U) == 0x80) bytes = bytes.subspan(1);
    if (bytes.size() < 12) return "packet";
    const unsigned type = bytes[0] * 256U + bytes[1];
    if (type == FM_WIRE_TYPE_MAP) return "map";
    if (type == FM_WIRE_TYPE_PROBE) return "probe";
    if (type != FM_WIRE_TYPE) return "packet";
    return std::string(kKinds[bytes[2] < kKinds.size() ? bytes[2] : 0]) + " " +
           std::to_string(bytes[10] * 256U + bytes[11]);
}

// --- receiving ----------------------------------------------------------------------------------

void Fabric::deliver(Feeder& inbox) {
    Endpoint& endpoint = *inbox.endpoint;
    while (inbox.first != nullptr) {
        Chunk& chunk = *inbox.first;
        if (chunk.head && endpoint.slow > 0 && !endpoint.slow_done) {
            if (std::exchange(endpoint.slow_waits, true)) return;
            ++counters_.faults.slowed;
            scheduler_.timer(scheduler_.now() + endpoint.slow, [this, &endpoint] {
                endpoint.slow_waits = false;
                endpoint.slow_done = true;
                ready(endpoint.inbox);
                run();
            });
            return;
        }
        const auto rest = chunk.rest();
        if (!rest.empty() || chunk.tail) {
            // A board that nobody has attached takes everything.
            std::size_t taken = rest.size() + 1;
            if (endpoint.connector != nullptr)
                taken = endpoint.connector->received(rest, chunk.tail, chunk.syndrome);
            if (taken == 0) return arm_watchdog();
            taken = std::min(taken, rest.size());
            took(endpoint, chunk, taken);
            if (taken < rest.size()) {
                chunk.begin += static_cast<std::uint32_t>(taken);
                shrink(inbox, taken);
                return arm_watchdog();
            }
        }
        free_first(inbox);
    }
}

void Fabric::took(Endpoint& endpoint, Chunk& chunk, std::size_t bytes) {
    ++chunk.worm->progress;
    endpoint.slow_done = false;
    if (endpoint.receiving == nullptr) {
        endpoint.receiving = chunk.worm;
        if (options_.trace != nullptr) {
            endpoint.receive_begin = scheduler_.now();
            endpoint.received_name = "receive " + packet_name(chunk.rest());
        }
    }
    endpoint.taken += bytes;
    chunk.head = false;
    if (!chunk.tail || bytes < chunk.size()) return;
    ++counters_.delivered;
    counters_.bytes += endpoint.taken;
    if (options_.trace != nullptr)
        options_.trace->span(endpoint.board, Trace::Lane::wire,
                             endpoint.received_name + (chunk.syndrome == 0 ? "" : ", bad CRC"),
                             endpoint.receive_begin, scheduler_.now(),
                             static_cast<std::int64_t>(endpoint.taken));
    endpoint.receiving = nullptr;
    endpoint.taken = 0;
}

// --- throwing away ------------------------------------------------------------------------------

void Fabric::purge(Worm& worm) {
    if (worm.dead) return;
    worm.dead = true;
    ++worm.uses;
    ++counters_.lost;
    for (std::size_t i = 0; i < worm.path.size(); ++i) {
        reset_board(*worm.path[i], worm);
        forget(*worm.path[i], worm);
    }
    drop_use(worm);
}

/// Takes the packet out of a feeder. What it held passes on; what it filled is free again.
void Fabric::forget(Feeder& feeder, Worm& worm) {
    Chunk* chunk = std::exchange(feeder.first, nullptr);
    while (chunk != nullptr) {
        Chunk* next = chunk->next;
        if (chunk->worm == &worm) {
            feeder.fill -= chunk->size();
            free_chunk(chunk);
        } else {
            (feeder.first == nullptr ? feeder.first : feeder.last->next) = chunk;
            feeder.last = chunk;
            chunk->next = nullptr;
        }
        chunk = next;
    }
    if (feeder.current == &worm) {
        Channel* channel = feeder.out;
        const bool held = feeder.state == Feeder::State::streaming;
        if (held && channel->leaver == &feeder) {
            channel->leaver = nullptr;
            feeder.fill -= channel->leaving;
        }
        if (feeder.state == Feeder::State::waiting) std::erase(channel->waiting, &feeder);
        finish(feeder);
        if (feeder.kind == Feeder::Kind::outlet) feeder.far->outlet_lost();
        if (held) {
            channel->fate = Channel::Fate::none;
            channel->record.clear();
            channel->owner = nullptr;
            pass_on(*channel);
        }
    }
    shrink(feeder, 0);
    ready(feeder);
}

/// Tells the board at a source or inbox that a packet of its is lost.
void Fabric::reset_board(Feeder& feeder, Worm& worm) {
    if (feeder.endpoint == nullptr) return;
    Endpoint& endpoint = *feeder.endpoint;
    bool told = false;
    const bool sending = feeder.kind == Feeder::Kind::source;
    if (sending) {
        told = endpoint.sending == &worm || endpoint.open == &worm;
        if (endpoint.sending == &worm) endpoint.sending = nullptr;
        if (endpoint.open == &worm) {
            endpoint.open = nullptr;
            endpoint.throwing = true;
            drop_use(worm);
        }
    } else if (endpoint.receiving == &worm) {
        endpoint.receiving = nullptr;
        endpoint.taken = 0;
        told = true;
    }
    if (told && endpoint.connector != nullptr) endpoint.connector->reset(sending);
}

void Fabric::set_up(Channel& channel, bool up) {
    if (std::exchange(channel.up, up) == up || up) return;
    for (Feeder* feeder : std::exchange(channel.waiting, {})) {
        discard(*feeder, &counters_.dead_links);
        ready(*feeder);
    }
    if (channel.owner != nullptr) purge(*channel.owner->current);
    if (Chunk* held = std::exchange(channel.held, nullptr); held != nullptr) free_chunk(held);
}

void Fabric::purge_feeder(Feeder& feeder) {
    while (feeder.first != nullptr) purge(*feeder.first->worm);
    if (feeder.current != nullptr) purge(*feeder.current);
}

// --- the watchdog: forward reset ----------------------------------------------------------------

Time Fabric::timeout_of(const Worm& worm) const {
    const Endpoint* endpoint =
        worm.board < by_board_.size() ? by_board_[worm.board] : endpoints_.front().get();
    return endpoint->timeout;
}

Time Fabric::watch_period() const {
    Time period = kDefaultTimeout;
    for (const auto& endpoint : endpoints_) period = std::min(period, endpoint->timeout);
    return period / 2;
}

/// Something stands still: from now on looks whether it does for long. No clock is read on the way
/// of packets that move.
void Fabric::arm_watchdog() {
    if (endpoints_.empty() || std::exchange(watching_, true)) return;
    const Time period = watch_period();
    scheduler_.timer(scheduler_.now() + period, [this, period] {
        for (Worm* worm : active_) {
            const bool moved = std::exchange(worm->seen, worm->progress) != worm->progress;
            worm->still = moved ? 0 : worm->still + 1;
        }
        reset_still(period);
    });
}

/// One at a time, and a while between two: the first may be what the others wait for.
void Fabric::reset_still(Time period) {
    constexpr Time kBetween = 20'000'000;
    const auto still = [&](const Worm* worm) {
        return !worm->dead && worm->seen == worm->progress &&
               worm->still * period >= timeout_of(*worm);
    };
    const auto first = std::find_if(active_.begin(), active_.end(), still);
    if (first != active_.end()) {
        ++counters_.resets;
        purge(**first);
        run();
        scheduler_.timer(scheduler_.now() + kBetween, [this, period] { reset_still(period); });
        return;
    }
    watching_ = false;
    if (!active_.empty()) arm_watchdog();
}

}  // namespace emulator
