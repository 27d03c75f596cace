#include "devices/fm/pin_cache.hpp"

namespace dev::fm {

namespace {
constexpr std::uintptr_t kMask = FM_PAGE_BYTES - 1;

std::uint32_t pages_of(std::uintptr_t begin, std::uintptr_t end) {
    return static_cast<std::uint32_t>((end - begin) / FM_PAGE_BYTES);
}
}  // namespace

PinCache::~PinCache() {
    for (Entry& entry : entries_) board_.unpin(entry.region);
}

PinCache::Entry* PinCache::find(std::uintptr_t begin, std::uintptr_t end) {
    // Entries may overlap, so the one that begins last before the range need not be the one that
    // contains it. A few steps back find nearly all; a miss costs a second registration.
    auto at = by_begin_.upper_bound(begin);
    for (int steps = 0; steps < 8 && at != by_begin_.begin(); ++steps) {
        --at;
        if (at->second->end >= end) return &*at->second;
    }
    return nullptr;
}

adi::Status PinCache::hold(const void* address, std::uint64_t bytes, Entry** entry) {
    const auto first = reinterpret_cast<std::uintptr_t>(address);
    if (bytes == 0 || bytes > std::uint64_t{limit_} * FM_PAGE_BYTES) {
        return adi::Status::bad_argument;
    }
    const std::uintptr_t begin = first & ~kMask;
    const std::uintptr_t end = (first + bytes + kMask) & ~kMask;
    if (Clock* clock = board_.clock()) clock->charge(Clock::Work::pin);
    if (Entry* found = find(begin, end)) {
        ++hits_;
        ++found->users;
        entries_.splice(entries_.begin(), entries_, found->self);
        *entry = found;
        return adi::Status::ok;
    }
    const std::uint32_t wanted = pages_of(begin, end);
    if (wanted > limit_) return adi::Status::bad_argument;
    while (pages_ + wanted > limit_) {
        if (!evict()) return adi::Status::again;
    }
    ++misses_;
    adi::Result<Region> region = board_.pin(reinterpret_cast<void*>(begin), end - begin);
    // The table may be full of holes.
    while (!region && region.status() == adi::Status::again && evict()) {
        region = board_.pin(reinterpret_cast<void*>(begin), end - begin);
    }
    if (!region) return region.status();
    entries_.push_front({begin, end, *region, 1, {}, {}});
    Entry& made = entries_.front();
    made.self = entries_.begin();
    made.place = by_begin_.emplace(begin, entries_.begin());
    pages_ += wanted;
    *entry = &made;
    return adi::Status::ok;
}

void PinCache::release(Entry* entry) {
    --entry->users;
}

Region PinCache::locate(const Entry& entry, const void* address, std::uint64_t bytes) {
    const std::uintptr_t at =
        entry.region.offset + (reinterpret_cast<std::uintptr_t>(address) - entry.begin);
    return {entry.region.page + static_cast<std::uint32_t>(at / FM_PAGE_BYTES),
            static_cast<std::uint32_t>(at % FM_PAGE_BYTES), bytes};
}

bool PinCache::evict() {
    for (auto at = entries_.end(); at != entries_.begin();) {
        --at;
        if (at->users != 0) continue;
        board_.unpin(at->region);
        pages_ -= pages_of(at->begin, at->end);
        by_begin_.erase(at->place);
        entries_.erase(at);
        return true;
    }
    return false;
}

}  // namespace dev::fm
