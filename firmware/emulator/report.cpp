// Emulator::report(): what was counted, as JSON.
#include <cinttypes>
#include <cstddef>
#include <cstdio>
#include <iterator>
#include <string>

#include "firmware/emulator/emulator.hpp"

namespace emulator {

namespace {

struct Counter {
    const char* name;
    std::size_t offset;
};

#define COUNTER(name) \
    { #name, offsetof(fm_counters, name) }
constexpr Counter kCounters[] = {
    COUNTER(sent),
    COUNTER(received),
    COUNTER(acks_sent),
    COUNTER(acks_received),
    COUNTER(retransmitted),
    COUNTER(timeouts),
    COUNTER(gaps),
    COUNTER(duplicates),
    COUNTER(crc_errors),
    COUNTER(bad_packets),
    COUNTER(refused),
    COUNTER(ring_full),
    COUNTER(bad_descriptors),
    COUNTER(bad_deposits),
    COUNTER(deposits),
    COUNTER(nodes_lost),
    COUNTER(link_resets),
    COUNTER(interrupts),
    COUNTER(dma_to_host),
    COUNTER(dma_from_host),
    COUNTER(probes_sent),
    COUNTER(maps),
    COUNTER(map_packets_bad),
    COUNTER(loops),
};
#undef COUNTER
static_assert(std::size(kCounters) == sizeof(fm_counters) / sizeof(std::uint32_t));

void add(std::string& text, const char* name, std::uint64_t value) {
    char words[96];
    std::snprintf(words, sizeof words, "%s\"%s\": %" PRIu64,
                  text.empty() || text.back() == '{' ? "" : ", ", name, value);
    text += words;
}

std::string escaped(const std::string& text) {
    std::string result;
    for (const char c : text) {
        if (c == '"' || c == '\\') result += '\\';
        result += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
    return result;
}

std::string board_text(Driver& driver, const firmware::Image& image) {
    const Board& board = driver.board();
    std::string text = "{";
    add(text, "board", board.id());
    for (const auto& [name, offset] : kCounters)
        add(text, name, board.load_word(FM_SRAM_COUNTERS + static_cast<std::uint32_t>(offset)));
    const Core& core = board.core();
    add(text, "instructions", core.executed());
    add(text, "instructions_polling", core.polled());
    add(text, "instructions_working", core.worked());
    const Board::Counts& counts = board.counts();
    add(text, "packets_on_wire_sent", counts.packets_sent);
    add(text, "packets_on_wire_received", counts.packets_received);
    add(text, "dma_to_host_bytes", counts.dma_to_host_bytes);
    add(text, "dma_from_host_bytes", counts.dma_from_host_bytes);
    add(text, "dma_failed", counts.dma_failed);
    // Both directions together, acknowledgements included.
    const std::uint64_t packets = counts.packets_sent + counts.packets_received;
    if (packets != 0) add(text, "instructions_per_packet", core.worked() / packets);
    if (!core.counts().empty()) {
        text += ", \"profile\": \"";
        std::string profile = profile_text(core.counts(), image.symbols);
        for (char& c : profile) c = c == '\n' ? ';' : c;
        text += escaped(profile) + '"';
    }
    return text + '}';
}

}  // namespace

std::string Emulator::report() const {
    std::string text = "{\"mode\": \"";
    text += simulation_.timed() ? machine_.name : "fast";
    text += "\", \"now_us\": " + std::to_string(simulation_.now() / 1'000'000);
    std::uint64_t packets = 0;
    std::uint64_t worked = 0;
    for (const auto& driver : drivers_) {
        packets +=
            driver->board().counts().packets_sent + driver->board().counts().packets_received;
        worked += driver->board().core().worked();
    }
    if (packets != 0) text += ", \"instructions_per_packet\": " + std::to_string(worked / packets);
    const NetworkCounters network = network_->counters();
    std::string wire = "{";
    add(wire, "sent", network.sent);
    add(wire, "delivered", network.delivered);
    add(wire, "bytes", network.bytes);
    add(wire, "bad_routes", network.bad_routes);
    add(wire, "dead_links", network.dead_links);
    add(wire, "resets", network.resets);
    add(wire, "lost", network.lost);
    add(wire, "blocked", network.blocked);
    add(wire, "strangers", network.strangers);
    add(wire, "bad_frames", network.bad_frames);
    std::string faults = "{";
    add(faults, "dropped", network.faults.dropped);
    add(faults, "corrupted", network.faults.corrupted);
    add(faults, "duplicated", network.faults.duplicated);
    add(faults, "reordered", network.faults.reordered);
    add(faults, "links_down", network.faults.links_down);
    add(faults, "switches_removed", network.faults.switches_removed);
    add(faults, "switches_reset", network.faults.switches_reset);
    add(faults, "slowed", network.faults.slowed);
    text += ",\n \"network\": " + wire + "},\n \"faults\": " + faults + "},\n \"boards\": [";
    const char* separator = "\n  ";
    for (const auto& driver : drivers_) {
        // A board that did nothing is left out.
        if (driver->board().counts().packets_sent + driver->board().counts().dma_to_host == 0)
            continue;
        text += separator + board_text(*driver, *image_);
        separator = ",\n  ";
    }
    text += "]";
    if (!why_.empty()) text += ",\n \"failed\": \"" + escaped(why_) + "\"";
    return text + "}\n";
}

}  // namespace emulator
