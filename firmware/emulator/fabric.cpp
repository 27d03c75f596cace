#include "firmware/emulator/fabric.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "firmware/emulator/trace.hpp"

namespace emulator {

// --- worms and chunks ---------------------------------------------------------------------------

Worm* Fabric::new_worm(std::uint32_t board) {
    Worm* worm = nullptr;
    if (free_worms_.empty()) {
        worm = new Worm;
    } else {
        worm = free_worms_.back();
        free_worms_.pop_back();
    }
    worm->board = board;
    worm->active = static_cast<std::uint32_t>(active_.size());
    active_.push_back(worm);
    return worm;
}

void Fabric::drop_use(Worm& worm) {
    if (--worm.uses > 0) return;
    active_.back()->active = worm.active;
    active_[worm.active] = active_.back();
    active_.pop_back();
    std::vector<Feeder*> path = std::move(worm.path);
    path.clear();
    worm = Worm{};
    worm.path = std::move(path);
    free_worms_.push_back(&worm);
}

Chunk* Fabric::new_chunk(Worm& worm, std::span<const std::uint8_t> bytes) {
    Chunk* chunk = nullptr;
    if (free_chunks_.empty()) {
        chunk = new Chunk;
    } else {
        chunk = free_chunks_.back();
        free_chunks_.pop_back();
    }
    chunk->worm = &worm;
    ++worm.uses;
    chunk->bytes.assign(bytes.begin(), bytes.end());
    return chunk;
}

void Fabric::free_chunk(Chunk* chunk) {
    drop_use(*chunk->worm);
    std::vector<std::uint8_t> bytes = std::move(chunk->bytes);
    *chunk = Chunk{};
    chunk->bytes = std::move(bytes);
    free_chunks_.push_back(chunk);
}

void Fabric::push(Feeder& feeder, Chunk* chunk) {
    (feeder.first == nullptr ? feeder.first : feeder.last->next) = chunk;
    feeder.last = chunk;
    chunk->next = nullptr;
    if (timed_) chunk->arrived = scheduler_.now();
    if (chunk->head) chunk->worm->path.push_back(&feeder);
    feeder.fill += chunk->size();
    if (feeder.fill >= options_.stop_bytes) feeder.stopped = true;
    ready(feeder);
}

/// Takes the first chunk off the list, but leaves its bytes counted.
Chunk* Fabric::unlink(Feeder& feeder) {
    Chunk* chunk = feeder.first;
    feeder.first = chunk->next;
    return chunk;
}

void Fabric::shrink(Feeder& feeder, std::size_t bytes) {
    feeder.fill -= bytes;
    if (!feeder.stopped || feeder.fill > options_.go_bytes) return;
    feeder.stopped = false;
    if (feeder.kind == Feeder::Kind::inlet)
        feeder.far->inlet_free();
    else if (feeder.into != nullptr && feeder.into->owner != nullptr)
        ready(*feeder.into->owner);
}

void Fabric::free_first(Feeder& feeder) {
    Chunk* chunk = unlink(feeder);
    ++chunk->worm->progress;
    shrink(feeder, chunk->size());
    free_chunk(chunk);
}

// --- the loop -----------------------------------------------------------------------------------

void Fabric::ready(Feeder& feeder) {
    if (std::exchange(feeder.queued, true)) return;
    ready_.push_back(&feeder);
}

void Fabric::run() {
    if (std::exchange(running_, true)) return;
    for (std::size_t i = 0; i < ready_.size(); ++i) {
        ready_[i]->queued = false;
        step(*ready_[i]);
    }
    ready_.clear();
    running_ = false;
}

void Fabric::kick() {
    if (running_ || std::exchange(kicked_, true)) return;
    scheduler_.at(scheduler_.now(), [this] {
        kicked_ = false;
        run();
    });
}

void Fabric::step(Feeder& feeder) {
    if (feeder.kind == Feeder::Kind::inbox) return deliver(feeder);
    if (feeder.kind == Feeder::Kind::outlet) return feeder.far->outlet_ready();
    using State = Feeder::State;
    while (feeder.first != nullptr) {
        if (feeder.state == State::idle && !start(feeder)) return;
        if (feeder.state == State::waiting) return;
        if (feeder.state == State::discarding) {
            const bool tail = feeder.first->tail;
            const bool piece_end = feeder.first->piece_end;
            free_first(feeder);
            if (tail) finish(feeder);
            if (piece_end) piece_sent(feeder);
            continue;
        }
        Channel& channel = *feeder.out;
        if (channel.busy) return;
        const bool swallowed =
            channel.fate == Channel::Fate::drop || channel.fate == Channel::Fate::reorder;
        if (channel.sink->stopped && !swallowed) return arm_watchdog();
        leave(feeder, channel);
    }
}

/// Finds the way of the packet at the front and takes it, or waits for it. False: not now.
bool Fabric::start(Feeder& feeder) {
    Channel* out = feeder.fixed;
    if (feeder.kind == Feeder::Kind::port) {
        const Way way = route(feeder, &out);
        if (way == Way::unknown) return false;
        if (way == Way::bad) {
            discard(feeder, &counters_.bad_routes);
            return true;
        }
    }
    if (out == nullptr || !out->up) {
        discard(feeder, &counters_.dead_links);
        return true;
    }
    feeder.current = feeder.first->worm;
    ++feeder.current->uses;
    feeder.out = out;
    if (out->owner == nullptr) {
        grant(feeder, *out);
        return true;
    }
    feeder.state = Feeder::State::waiting;
    out->waiting.push_back(&feeder);
    ++counters_.blocked;
    arm_watchdog();
    return false;
}

/// Takes the route byte off the packet at the front. Unknown: it has not come yet.
Fabric::Way Fabric::route(Feeder& feeder, Channel** out) {
    while (feeder.first->size() == 0 && !feeder.first->tail) {
        if (feeder.first->next == nullptr) return Way::unknown;
        feeder.first->next->head = true;
        free_first(feeder);
    }
    Chunk& chunk = *feeder.first;
    if (chunk.size() == 0) return Way::bad;
    const unsigned byte = chunk.bytes[chunk.begin];
    if ((byte & 0xc0U) != 0x80) return Way::bad;
    const int delta = static_cast<int>((byte & 0x3fU) ^ 0x20U) - 0x20;
    const int port = static_cast<int>(feeder.port) + delta;
    const Switch& here = switches_[feeder.node];
    if (port < 0 || port >= static_cast<int>(here.out.size())) return Way::bad;
    ++chunk.begin;
    shrink(feeder, 1);
    *out = here.out[static_cast<std::size_t>(port)];
    return Way::found;
}

/// Throws away the packet at the front, or the rest of the current one, as it comes.
void Fabric::discard(Feeder& feeder, std::uint64_t* counter) {
    ++*counter;
    feeder.state = Feeder::State::discarding;
    feeder.out = nullptr;
    if (feeder.current != nullptr) return;
    feeder.current = feeder.first->worm;
    ++feeder.current->uses;
}

void Fabric::grant(Feeder& feeder, Channel& channel) {
    channel.owner = &feeder;
    channel.granted = feeder.port;
    feeder.state = Feeder::State::streaming;
    if (channel.replay) choose_fate(channel);
}

void Fabric::finish(Feeder& feeder) {
    feeder.state = Feeder::State::idle;
    feeder.out = nullptr;
    drop_use(*std::exchange(feeder.current, nullptr));
}

/// The tail has left.
void Fabric::release(Feeder& feeder) {
    Channel& channel = *feeder.out;
    if (options_.trace != nullptr && feeder.kind == Feeder::Kind::source)
        options_.trace->span(feeder.endpoint->board, Trace::Lane::wire, feeder.endpoint->name,
                             feeder.current->begin, scheduler_.now(),
                             static_cast<std::int64_t>(feeder.current->bytes));
    if (channel.replay) end_fate(channel);
    channel.owner = nullptr;
    finish(feeder);
    pass_on(channel);
}

/// Round robin among those that wait.
void Fabric::pass_on(Channel& channel) {
    if (channel.waiting.empty()) return;
    const auto distance = [&](const Feeder* feeder) {
        return (feeder->port + 64 - channel.granted - 1) % 64;
    };
    const auto next = std::min_element(
        channel.waiting.begin(), channel.waiting.end(),
        [&](const Feeder* a, const Feeder* b) { return distance(a) < distance(b); });
    Feeder& feeder = **next;
    channel.waiting.erase(next);
    grant(feeder, channel);
    ready(feeder);
}

// --- along a channel ----------------------------------------------------------------------------

void Fabric::leave(Feeder& feeder, Channel& channel) {
    Chunk* chunk = unlink(feeder);
    Worm& worm = *chunk->worm;
    const std::size_t bytes = chunk->size();
    ++worm.progress;
    if (feeder.kind == Feeder::Kind::source) {
        if (chunk->head) ++counters_.sent;
        worm.bytes += bytes;
        if (options_.trace != nullptr && chunk->head) {
            worm.begin = scheduler_.now();
            feeder.endpoint->name = "send " + packet_name(chunk->rest());
        }
    }
    const bool tail = chunk->tail;
    const bool piece_end = chunk->piece_end;
    chunk->piece_end = false;
    if (!timed_) {
        shrink(feeder, bytes);
        if (channel.fate == Channel::Fate::none || inject(channel, chunk))
            push(*channel.sink, chunk);
        if (tail) release(feeder);
        if (piece_end) piece_sent(feeder);
        return;
    }
    const Time hop = feeder.kind == Feeder::Kind::port ? machine_.hop_ps : 0;
    const Time start = std::max({scheduler_.now(), chunk->arrived + hop, channel.free_at});
    const Time length = static_cast<Time>(bytes + (tail ? 1 : 0)) * machine_.link_byte_ps;
    channel.busy = true;
    channel.free_at = start + length;
    channel.leaver = &feeder;
    channel.leaving = bytes;
    channel.leaving_tail = tail;
    channel.leaving_piece_end = piece_end;
    scheduler_.at(channel.free_at, [this, &channel] { left(channel); });
    if (channel.fate != Channel::Fate::none && !inject(channel, chunk)) return;
    // A switch sees the head, a board only what is there whole.
    const bool whole = channel.sink->kind != Feeder::Kind::port;
    chunk->via = &channel;
    scheduler_.at(start + machine_.cable_ps + (whole ? length : 0),
                  [this, chunk] { arrive(*chunk->via, chunk); });
}

void Fabric::left(Channel& channel) {
    channel.busy = false;
    if (Feeder* feeder = std::exchange(channel.leaver, nullptr); feeder != nullptr) {
        shrink(*feeder, channel.leaving);
        if (channel.leaving_tail) release(*feeder);
        if (channel.leaving_piece_end) piece_sent(*feeder);
        ready(*feeder);
    }
    if (channel.owner != nullptr) ready(*channel.owner);
    run();
}

void Fabric::arrive(Channel& channel, Chunk* chunk) {
    if (chunk->worm->dead) return free_chunk(chunk);
    push(*channel.sink, chunk);
    run();
}

void Fabric::piece_sent(Feeder& feeder) {
    feeder.endpoint->sending = nullptr;
    feeder.endpoint->connector->sent();
}

}  // namespace emulator
