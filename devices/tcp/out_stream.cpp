#include "devices/tcp/out_stream.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace dev::tcp {

namespace {
constexpr std::uint64_t kLeastRingBytes = 16 * 1024;
}

bool OutStream::make_room(std::uint64_t bytes) {
    if (room() >= bytes) return true;
    const std::uint64_t used = ring_end_ - ring_begin_;
    if (used + bytes > kMostRingBytes) return false;
    std::vector<std::byte> larger(std::bit_ceil(std::max(used + bytes, kLeastRingBytes)));
    const std::uint64_t mask = larger.size() - 1;
    in_parts(ring_begin_, used, [&](const std::byte* from, std::uint64_t done, std::uint64_t n) {
        // One part here may be two there.
        for (std::uint64_t i = 0; i < n;) {
            const std::uint64_t to = (ring_begin_ + done + i) & mask;
            const std::uint64_t part = std::min(n - i, larger.size() - to);
            std::memcpy(larger.data() + to, from + i, part);
            i += part;
        }
    });
    ring_.swap(larger);
    return true;
}

/// The stream grows by `count` bytes at the end of the ring.
void OutStream::extend(std::uint64_t count) {
    if (segments_.empty() || segments_.back().kept != nullptr) {
        segments_.push_back({end_, end_, nullptr, ring_end_, nullptr});
    }
    end_ += count;
    ring_end_ += count;
    segments_.back().end = end_;
}

void OutStream::append(const void* bytes, std::uint64_t count) {
    if (count == 0) return;
    const auto* from = static_cast<const std::byte*>(bytes);
    in_parts(ring_end_, count, [&](const std::byte* to, std::uint64_t done, std::uint64_t n) {
        std::memcpy(const_cast<std::byte*>(to), from + done, n);
    });
    extend(count);
}

void OutStream::append(const adi::Buffer& buffer, std::uint64_t offset, std::uint64_t count) {
    if (count == 0) return;
    in_parts(ring_end_, count, [&](const std::byte* to, std::uint64_t done, std::uint64_t n) {
        buffer.read(offset + done, const_cast<std::byte*>(to), n);
    });
    extend(count);
}

void OutStream::append_kept(const void* bytes, std::uint64_t count, void* token) {
    segments_.push_back({end_, end_ + count, static_cast<const std::byte*>(bytes), 0, token});
    end_ += count;
}

std::size_t OutStream::next(std::span<iovec> parts) const {
    std::size_t used = 0;
    const auto add = [&](const std::byte* from, std::uint64_t n) {
        if (used < parts.size()) parts[used++] = {const_cast<std::byte*>(from), n};
    };
    for (const Segment& s : segments_) {
        if (s.end <= sent_) continue;
        const std::uint64_t skip = sent_ > s.begin ? sent_ - s.begin : 0;
        const std::uint64_t count = s.end - s.begin - skip;
        if (s.kept != nullptr) {
            add(s.kept + skip, count);
        } else {
            in_parts(s.ring + skip, count,
                     [&](const std::byte* from, std::uint64_t, std::uint64_t n) { add(from, n); });
        }
        if (used == parts.size()) break;
    }
    return used;
}

void OutStream::sent(std::uint64_t bytes) {
    sent_ += bytes;
    most_sent_ = std::max(most_sent_, sent_);
}

bool OutStream::acknowledge(std::uint64_t position) {
    if (position > most_sent_) return false;
    if (position <= acknowledged_) return true;
    acknowledged_ = position;
    sent_ = std::max(sent_, position);
    while (!segments_.empty() && segments_.front().end <= position) {
        const Segment& s = segments_.front();
        if (s.kept == nullptr) {
            ring_begin_ = s.ring + (s.end - s.begin);
        } else if (s.token != nullptr) {
            done_.push_back(s.token);
        }
        segments_.pop_front();
    }
    if (!segments_.empty() && segments_.front().kept == nullptr) {
        Segment& s = segments_.front();
        const std::uint64_t done = position > s.begin ? position - s.begin : 0;
        s.begin += done;
        s.ring += done;
        ring_begin_ = s.ring;
    }
    return true;
}

bool OutStream::rewind(std::uint64_t position) {
    if (position < acknowledged_ || !acknowledge(position)) return false;
    sent_ = position;
    return true;
}

void* OutStream::take_done() {
    if (done_.empty()) return nullptr;
    void* token = done_.front();
    done_.erase(done_.begin());
    return token;
}

void* OutStream::take_any() {
    if (void* token = take_done()) return token;
    for (Segment& s : segments_) {
        if (s.token != nullptr) return std::exchange(s.token, nullptr);
    }
    return nullptr;
}

}  // namespace dev::tcp
