// Deposits: windows of this process, puts into those of others.
#include <algorithm>

#include "devices/fm/endpoint.hpp"

namespace dev::fm {

using adi::Status;

namespace {
/// A put is handed over in parts. The firmware goes through slots in their order, so a part is as
/// long as a message may have to wait: a millisecond or two.
constexpr std::uint64_t kPartBytes = std::uint64_t{256} * 1024;
/// Slots that puts may have, so that messages find some.
constexpr std::uint32_t kPutSlots = 8;
/// Pages that windows leave to puts, which therefore always go on.
constexpr std::uint64_t kPutPages = kPutSlots * (kPartBytes / FM_PAGE_BYTES + 1);

bool aligned(std::uint64_t value) {
    return value % Endpoint::kPutAlign == 0;
}
}  // namespace

std::uint64_t Endpoint::most_window_bytes() const {
    return std::uint64_t{pins_.limit() / 2 - 1} * FM_PAGE_BYTES;
}

Status Endpoint::open_window(Node node, void* address, std::uint64_t bytes, WindowKey* key) {
    if (node >= nodes_ || bytes == 0 || bytes > most_window_bytes() || !aligned(bytes) ||
        !aligned(reinterpret_cast<std::uintptr_t>(address))) {
        return Status::bad_argument;
    }
    if (peers_[node].lost) return Status::peer_failed;
    const auto free = std::find_if(windows_.begin(), windows_.end(),
                                   [](const Window& w) { return w.pin == nullptr; });
    if (free == windows_.end()) return Status::again;
    const std::uint64_t pages = bytes / FM_PAGE_BYTES + 2;
    if (window_pages_ + pages + kPutPages > pins_.limit()) return Status::again;
    PinCache::Entry* pin = nullptr;
    if (Status s = pins_.hold(address, bytes, &pin); s != Status::ok) return s;
    const auto index = static_cast<std::uint32_t>(free - windows_.begin());
    // A key is not used again soon, so a deposit that is late meets no other window.
    if (++window_serial_ == 1U << 26) window_serial_ = 1;
    free->pin = pin;
    free->key = window_serial_ << 6 | index;
    free->pages = pages;
    window_pages_ += pages;
    const Region region = PinCache::locate(*pin, address, bytes);
    const std::uint32_t rest[3] = {fm_be32(node << 16 | region.page), fm_be32(region.offset),
                                   fm_be32(static_cast<std::uint32_t>(bytes))};
    fm_window& window = sram_->windows[index];
    board_->pio_write(&window.page, rest, sizeof rest);
    board_->publish(&window.key, free->key);
    *key = free->key;
    return Status::ok;
}

void Endpoint::close_window(WindowKey key) {
    Window& window = windows_[key % FM_WINDOWS];
    if (window.pin == nullptr || window.key != key) return;
    board_->publish(&sram_->windows[key % FM_WINDOWS].key, 0);
    pins_.release(window.pin);
    window_pages_ -= window.pages;
    window = Window{};
}

Status Endpoint::put(Node node, const void* from, std::uint64_t bytes, WindowKey window,
                     std::uint64_t window_offset, std::uint64_t token) {
    if (node >= nodes_ || bytes == 0 || !aligned(bytes) || !aligned(window_offset) ||
        !aligned(reinterpret_cast<std::uintptr_t>(from)) ||
        window_offset + bytes > std::uint64_t{1} << 32) {
        return Status::bad_argument;
    }
    if (peers_[node].lost) return Status::peer_failed;
    puts_.push_back({node, static_cast<const std::byte*>(from), bytes, 0, window, window_offset,
                     token, 0, true, Status::ok});
    ++peers_[node].waiting_puts;
    ++live_puts_;
    ++counters_.puts;
    counters_.put_bytes += bytes;
    issue_puts();
    return Status::ok;
}

/// Hands parts over, one of each put in turn, while there is room.
void Endpoint::issue_puts() {
    bool moved = true;
    while (moved) {
        moved = false;
        for (Put& put : puts_) {
            if (put.issued == put.bytes || put.status != Status::ok) continue;
            if (put_slots_ == kPutSlots || !issue_part(put)) return settle_puts();
            moved = true;
        }
    }
    settle_puts();
}

/// False: no room now.
bool Endpoint::issue_part(Put& put) {
    if (open_ != nullptr) flush_open();
    if (!has_slot()) return false;
    const std::byte* from = put.from + put.issued;
    const std::uint64_t bytes = std::min(kPartBytes, put.bytes - put.issued);
    PinCache::Entry* pin = nullptr;
    const Status held = pins_.hold(from, bytes, &pin);
    if (held == Status::again) return false;
    if (held != Status::ok) {
        put.status = held;
        return true;
    }
    const Region region = PinCache::locate(*pin, from, bytes);
    const std::uint32_t i = next_slot_ % FM_SEND_SLOTS;
    const std::uint32_t words[6] = {
        fm_be32(std::uint32_t{FM_OP_PUT} << 24 | put.node),
        fm_be32(static_cast<std::uint32_t>(bytes)),
        fm_be32(region.page),
        fm_be32(region.offset),
        fm_be32(put.window),
        fm_be32(static_cast<std::uint32_t>(put.window_offset + put.issued))};
    fm_slot& slot = sram_->slots[i];
    board_->pio_write(&slot.command, words, sizeof words);
    board_->publish(&slot.lap, next_slot_ / FM_SEND_SLOTS + 1);
    slots_[i] = {&put, pin};
    ++next_slot_;
    ++put_slots_;
    ++put.slots;
    put.issued += bytes;
    board_->kick();
    return true;
}

void Endpoint::end_slot(Slot& slot) {
    pins_.release(slot.pin);
    --slot.put->slots;
    --put_slots_;
    slot = Slot{};
}

/// Moves the puts that are over to those to be reported.
void Endpoint::settle_puts() {
    for (auto at = puts_.begin(); at != puts_.end();) {
        const auto put = at++;
        const bool over = put->issued == put->bytes || put->status != Status::ok;
        if (over && put->waiting) {
            put->waiting = false;
            --peers_[put->node].waiting_puts;
        }
        if (over && put->slots == 0) ended_puts_.splice(ended_puts_.end(), puts_, put);
    }
}

void Endpoint::fail_puts(Node node, Status why) {
    const auto fail = [=](Put& put) {
        if (put.node == node && put.status == Status::ok) put.status = why;
    };
    std::for_each(ended_puts_.begin(), ended_puts_.end(), fail);
    std::for_each(puts_.begin(), puts_.end(), fail);
    settle_puts();
}

/// Learns which slots are done; returns how many puts are over and not reported.
std::size_t Endpoint::end_puts() {
    if (put_slots_ > 0) refresh_slots();
    settle_puts();
    return ended_puts_.size();
}

int Endpoint::report_puts(Sink& sink, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        const Put put = ended_puts_.front();
        ended_puts_.pop_front();
        --live_puts_;
        sink.on_put(put.token, put.status);
    }
    return static_cast<int>(count);
}

}  // namespace dev::fm
