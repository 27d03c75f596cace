// Two-copy pipeline: one process copies a message into slots in shared memory while the other
// copies it out.
//
// What matters is how soon a slot is used again. A slot that the reader has just read lies in its
// cache, and the writer must take every line back before it can write it; where all slots together
// exceed the reader's second-level cache, the lines have left it by then, and both run at full
// speed. So few slots are not the fastest, however well they fit the cache. The best of a few
// geometries is the limit.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <new>
#include <string>
#include <vector>

#include "limits.hpp"

namespace {

using namespace limits;

constexpr std::size_t kMaxSlots = 256;
constexpr std::size_t kMaxArea = 2u << 20;

struct Geometry {
    std::size_t slots;
    std::size_t slot_bytes;
};
constexpr Geometry kGeometries[] = {{8, 32u << 10}, {64, 32u << 10}, {256, 8u << 10}};

struct Flags {
    alignas(2 * kLine) std::atomic<std::uint64_t> filled;  // release by the writer: use number
    alignas(2 * kLine) std::atomic<std::uint64_t> freed;   // release by the reader: use number
};

struct Channel {
    Flags flags[kMaxSlots];
    alignas(4096) unsigned char area[kMaxArea];

    void reset() {
        for (Flags& slot : flags) {
            slot.filled.store(0);
            slot.freed.store(0);
        }
    }
};

struct Channels {
    Channel there, back;
};

// One end of a channel: copies a message into, or out of, its slots piece by piece. A message of
// several KiB goes in eight pieces or more, so that both cores copy at once.
class End {
  public:
    End(Channel& channel, Geometry geometry) : channel_(channel), geometry_(geometry) {}

    void write(const unsigned char* from, std::size_t bytes) {
        each_piece(bytes, [&](Flags& slot, unsigned char* data, std::uint64_t use, std::size_t at,
                              std::size_t n) {
            while (slot.freed.load(std::memory_order_acquire) + 1 != use) relax();
            std::memcpy(data, from + at, n);
            slot.filled.store(use, std::memory_order_release);
        });
    }
    void read(unsigned char* to, std::size_t bytes) {
        each_piece(bytes, [&](Flags& slot, const unsigned char* data, std::uint64_t use,
                              std::size_t at, std::size_t n) {
            while (slot.filled.load(std::memory_order_acquire) != use) relax();
            std::memcpy(to + at, data, n);
            slot.freed.store(use, std::memory_order_release);
        });
    }

  private:
    template <typename Step>
    void each_piece(std::size_t bytes, Step step) {
        const std::size_t least = std::min<std::size_t>(bytes, 4096);
        const std::size_t piece = std::clamp(bytes / 8, least, geometry_.slot_bytes);
        for (std::size_t at = 0; at < bytes; at += piece, ++next_) {
            const std::size_t slot = next_ % geometry_.slots;
            step(channel_.flags[slot], channel_.area + slot * geometry_.slot_bytes,
                 next_ / geometry_.slots + 1, at, std::min(piece, bytes - at));
        }
    }

    Channel& channel_;
    Geometry geometry_;
    std::uint64_t next_ = 0;
};

long operations(std::size_t bytes) {
    return static_cast<long>(std::clamp<std::size_t>((2u << 20) / bytes, 2, 500));
}

Sample ping_pong(Channels& channels, Geometry geometry, std::size_t bytes) {
    std::vector<unsigned char> out(bytes, 1), in(bytes, 2);
    channels.there.reset();
    channels.back.reset();
    const Child echo(g_options.cpu_b, [&] {
        End inbox(channels.there, geometry), outbox(channels.back, geometry);
        std::vector<unsigned char> mine(bytes, 3), got(bytes, 4);
        for (;;) {
            inbox.read(got.data(), bytes);
            outbox.write(mine.data(), bytes);
        }
    });
    End outbox(channels.there, geometry), inbox(channels.back, geometry);
    const Sample sample = measure(repetitions(), operations(bytes), [&](long n) {
        for (long k = 0; k < n; ++k) {
            outbox.write(out.data(), bytes);
            inbox.read(in.data(), bytes);
        }
    });
    if (in[bytes - 1] != 3) fail("the pipeline lost data");
    return sample;
}

Sample stream(Channels& channels, Geometry geometry, std::size_t bytes) {
    std::vector<unsigned char> in(bytes, 2);
    channels.there.reset();
    const Child source(g_options.cpu_b, [&] {
        End outbox(channels.there, geometry);
        std::vector<unsigned char> mine(bytes, 3);
        for (;;) outbox.write(mine.data(), bytes);
    });
    End inbox(channels.there, geometry);
    return measure(repetitions(), 4 * operations(bytes), [&](long n) {
        for (long k = 0; k < n; ++k) inbox.read(in.data(), bytes);
    });
}

struct Best {
    Sample sample{1e30, 1e30};
    Geometry geometry{};

    void offer(Sample other, Geometry with) {
        if (other.min_us < sample.min_us) *this = {other, with};
    }
    std::string label() const {
        return std::to_string(geometry.slots) + "x" + std::to_string(geometry.slot_bytes >> 10) +
               "K";
    }
};

}  // namespace

void limits::pipelines() {
    auto& channels = *new (share(sizeof(Channels))) Channels;
    for (const std::size_t bytes :
         {1u << 10, 8u << 10, 64u << 10, 256u << 10, 1u << 20, 4u << 20}) {
        Best time, rate;
        for (const Geometry geometry : kGeometries) {
            time.offer(ping_pong(channels, geometry, bytes), geometry);
            rate.offer(stream(channels, geometry, bytes), geometry);
        }
        const std::string time_labels =
            "name=pipeline bytes=" + std::to_string(bytes) + " slots=" + time.label();
        print_time(time_labels.c_str(), time.sample, 2);
        print_rate(("name=pipeline_rate slots=" + rate.label()).c_str(), bytes, rate.sample);
    }
}
