// Fabric, where faults are injected: what happens to each packet of a channel with rates.
#include <algorithm>
#include <utility>

#include "firmware/emulator/crc8.hpp"
#include "firmware/emulator/fabric.hpp"

namespace emulator {

namespace {

constexpr Time kOvertakePs = 200'000'000;  // a packet waits so long for another to overtake it

}  // namespace

void Fabric::choose_fate(Channel& channel) {
    using Fate = Channel::Fate;
    channel.fate = Fate::none;
    channel.record.clear();
    channel.error = 0;
    channel.corrupted = false;
    if (channel.owner->kind == Feeder::Kind::replay) return;
    const FaultPlan::Rates& rates = channel.rates;
    double at = static_cast<double>(random_.next() >> 11) * 0x1p-53;
    const auto hit = [&](double rate) { return (at -= rate) < 0; };
    if (hit(rates.drop)) {
        channel.fate = Fate::drop;
        ++counters_.faults.dropped;
    } else if (hit(rates.corrupt)) {
        channel.fate = Fate::corrupt;
        channel.corrupt_at = random_.below(2) == 0 ? random_.below(64) : random_.below(4200);
    } else if (hit(rates.duplicate)) {
        channel.fate = Fate::duplicate;
    } else if (hit(rates.reorder) && channel.held == nullptr) {
        channel.fate = Fate::reorder;
    }
}

bool Fabric::inject(Channel& channel, Chunk* chunk) {
    using Fate = Channel::Fate;
    if (channel.fate == Fate::corrupt) {
        corrupt(channel, *chunk);
        return true;
    }
    if (channel.fate != Fate::drop) {
        const auto bytes = chunk->rest();
        channel.record.insert(channel.record.end(), bytes.begin(), bytes.end());
        channel.record_syndrome = chunk->syndrome;
        if (channel.fate == Fate::duplicate) return true;
    }
    free_chunk(chunk);
    return false;
}

/// One burst of at most 8 wrong bits per packet, in its bytes or its CRC.
void Fabric::corrupt(Channel& channel, Chunk& chunk) {
    const std::size_t size = chunk.size();
    std::uint8_t in_crc = 0;
    if (channel.corrupted) {
        channel.error = crc8::skip(channel.error, size);
    } else if (channel.corrupt_at < size || chunk.tail) {
        std::size_t at = channel.corrupt_at;
        if (at >= size) at = random_.below(static_cast<std::uint32_t>(size + 1));
        const unsigned burst = 1 + random_.below(255);
        const bool crosses = at + 1 < size || (at + 1 == size && chunk.tail);
        const unsigned bits = burst << (crosses ? random_.below(8) : 0);
        const auto first = static_cast<std::uint8_t>(crosses ? bits >> 8 : bits);
        const auto second = static_cast<std::uint8_t>(crosses ? bits & 0xffU : 0);
        std::uint8_t* bytes = chunk.bytes.data() + chunk.begin;
        if (at == size) {
            in_crc = static_cast<std::uint8_t>(burst);
        } else {
            bytes[at] ^= first;
            channel.error = crc8::step(0, first);
            if (at + 1 < size) {
                bytes[at + 1] ^= second;
                channel.error = crc8::skip(crc8::step(channel.error, second), size - at - 2);
            } else {
                in_crc = second;
            }
        }
        channel.corrupted = true;
        ++counters_.faults.corrupted;
    } else {
        channel.corrupt_at -= static_cast<std::uint32_t>(size);
    }
    if (chunk.tail) chunk.syndrome ^= static_cast<std::uint8_t>(channel.error ^ in_crc);
}

/// The packet that holds the channel is past it.
void Fabric::end_fate(Channel& channel) {
    using Fate = Channel::Fate;
    const Fate fate = std::exchange(channel.fate, Fate::none);
    if (channel.owner->kind == Feeder::Kind::replay) return;
    if (channel.held != nullptr) {
        ++counters_.faults.reordered;
        let_go(channel);
    }
    if (fate != Fate::duplicate && fate != Fate::reorder) return;
    Worm* worm = new_worm(Worm::kNobody);
    Chunk* chunk = new_chunk(*worm, channel.record);
    chunk->head = true;
    chunk->tail = true;
    chunk->syndrome = channel.record_syndrome;
    if (fate == Fate::duplicate) {
        ++counters_.faults.duplicated;
        push(*channel.replay, chunk);
        return;
    }
    channel.held = chunk;
    scheduler_.timer(scheduler_.now() + kOvertakePs,
                     [this, &channel, number = ++channel.held_number] {
                         if (number != channel.held_number || channel.held == nullptr) return;
                         let_go(channel);
                         run();
                     });
}

void Fabric::let_go(Channel& channel) {
    push(*channel.replay, std::exchange(channel.held, nullptr));
}

}  // namespace emulator
