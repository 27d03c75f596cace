// The shared memory device: processes of one host. README.md says what it does and why so.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "adi/base/copy.hpp"
#include "adi/device.hpp"
#include "devices/shm/chunks.hpp"
#include "devices/shm/format.hpp"
#include "devices/shm/ring.hpp"
#include "devices/shm/segment.hpp"

namespace dev::shm {

class Shm final : public adi::Device {
  public:
    Shm() = default;
    ~Shm() override { close(); }

    const char* name() const override { return "shm"; }
    const adi::Capabilities& capabilities() const override { return capabilities_; }

    adi::Result<bool> probe(const adi::OpenInfo& info) override;
    adi::Status open(const adi::OpenInfo& info, std::string* error) override;
    std::string address() const override;
    bool reaches(adi::Peer peer) const override;
    adi::Status connect(adi::Peer peer, std::string* error) override;
    void disconnect(adi::Peer peer) override;
    adi::Status quiesce(std::chrono::steady_clock::time_point deadline) override;
    void close() override;

    int poll(adi::Sink& sink, int budget) override { return poll_into(sink, budget); }
    adi::Park prepare_park(bool by_fd) override;
    void cancel_park() override;
    void wake() override;

    adi::Status send_short(adi::Peer peer, const adi::Header& header,
                           const adi::Buffer& payload) override;
    adi::Status begin(adi::SendStream& stream, adi::Peer peer, const adi::Header& header) override;
    std::uint64_t send_piece(adi::SendStream& stream, const adi::Buffer& source,
                             std::uint64_t offset, std::uint64_t bytes) override;
    adi::Status end(adi::SendStream& stream) override;

    adi::Status receive(adi::ReceiveStream& stream, const adi::Buffer& target, std::uint64_t offset,
                        std::uint32_t accept) override;
    void discard(adi::ReceiveStream& stream) override;

    void* allocate(std::uint64_t bytes, adi::MemoryKey* key) override;
    void deallocate(void* memory, const adi::MemoryKey& key) override;
    void* map(adi::Peer peer, const adi::MemoryKey& key) override;
    void signal(adi::Peer peer) override {
        Outbound& to = outbound_[local_index(peer)];
        if (to.region == nullptr) to.region = header_of(local_index(peer));
        notify(to);
    }

    adi::Status get(adi::Peer peer, std::uint64_t address, void* to, std::uint64_t bytes) override;

    /// poll() with the sink's type known, so that the engine's handlers are called directly.
    template <class S>
    int poll_into(S& sink, int budget);

    /// For tests: the region of a local process, to write garbage into.
    std::byte* region_of(adi::Peer peer) { return segment_.region(local_index(peer)); }

  private:
    /// One sender's ring as its receiver sees it. `stream` comes first: it leads back here.
    struct Inbound {
        adi::ReceiveStream stream;
        InRing ring;
        std::uint32_t local = 0;             ///< the sender's index
        const std::byte* payload = nullptr;  ///< of the fragment being shown
        std::uint32_t payload_bytes = 0;
        bool open = false;     ///< a message is shown and not yet whole
        bool dropped = false;  ///< its payload is to be dropped
        bool later = false;    ///< receive() answered `again`: on_received is due
        bool dead = false;     ///< corrupt; not looked at any more
    };
    /// A local process as a sender sees it.
    struct Outbound {
        RegionHeader* region = nullptr;  ///< null until connected
        bool fence = true;               ///< a full fence is needed before looking at its state
        OutRing ring;
    };

    std::uint32_t local_index(adi::Peer peer) const {
        if (dense_) [[likely]]
            return peer - first_peer_;
        return index_of_[peer];
    }
    RegionHeader* header_of(std::uint32_t local) const {
        return reinterpret_cast<RegionHeader*>(segment_.region(local));
    }
    adi::Status attach(std::string* error);
    void publish_region();
    adi::Status make_ring(std::uint32_t local, std::string* error);
    void accept_announcements(adi::Sink& sink);
    bool open_inbound(std::uint32_t local, std::uint64_t offset);
    Chunk take_chunk(Outbound& to, std::size_t size_class);
    std::byte* memory_of(Chunk own) const {
        return segment_.region(self_) + std::uint64_t{own.offset_lines} * kLine;
    }
    void move_fragment(Inbound& in);
    const char* check_inline(Inbound& in, const Cell& cell);
    const char* check_fragment(Inbound& in, const Cell& cell, CellType type);
    template <class S>
    void take_fragment(Inbound& in, CellType type, S& sink);
    adi::Status send_chunk(Outbound& to, Cell& cell, const adi::Header& header,
                           const adi::Buffer& payload);
    void publish_chunk(Outbound& to, Cell& cell, Chunk chunk, std::uint32_t bytes);
    void wake_peer(RegionHeader* region);
    bool open_doorbell();
    void ring(std::uint64_t doorbell);

    /// After a store that the process may wait for; its region is known.
    void notify(const Outbound& to) {
        // The store before and the load of `state` after must not pass each other: either the
        // sleeper's last look sees the store or this load sees the sleeper. A sleeper that uses
        // membarrier pays for both sides.
        if (to.fence) {
            std::atomic_thread_fence(std::memory_order_seq_cst);
        } else {
            std::atomic_signal_fence(std::memory_order_seq_cst);
        }
        if (to.region->state.load(std::memory_order_relaxed) != kRunning) [[unlikely]] {
            wake_peer(to.region);
        }
    }

    adi::Capabilities capabilities_;
    Segment segment_;
    Heap heap_;
    ChunkPool chunks_;
    adi::OpenInfo info_;
    bool dense_ = true;  ///< local peers are consecutive
    adi::Peer first_peer_ = 0;
    std::uint32_t processes_ = 0;
    std::uint32_t self_ = 0;               ///< own local index
    std::vector<std::uint32_t> index_of_;  ///< peer → local index, when not dense
    std::vector<Outbound> outbound_;
    RegionHeader* mine_ = nullptr;
    std::uint32_t announcements_seen_ = 0;
    std::vector<std::unique_ptr<Inbound>> inbound_;
    std::vector<bool> accepted_;
    std::uint32_t announced_ = 0;  ///< the last number in `state` that said sleeping
    bool membarrier_ = false;
    int doorbell_ = -1;     ///< a socket that is rung when this process sleeps by descriptors
    int bell_ringer_ = -1;  ///< the socket that rings those of others
};

template <class S>
int Shm::poll_into(S& sink, int budget) {
    if (mine_ == nullptr) [[unlikely]]
        return 0;
    if (mine_->announcements.load(std::memory_order_acquire) != announcements_seen_) [[unlikely]] {
        accept_announcements(sink);
    }
    int done = 0;
    // By index: a handler that sends may connect, never accept, so the vector does not change.
    for (std::size_t i = 0; i < inbound_.size(); ++i) {
        Inbound& in = *inbound_[i];
        for (int left = budget; left > 0; --left) {
            const InRing::Look look = in.ring.peek();
            if (look == InRing::Look::none) [[likely]]
                break;
            if (in.dead) [[unlikely]]
                break;
            ++done;
            const Cell& cell = in.ring.cell();
            const CellType type = cell.type;
            const char* wrong = look == InRing::Look::corrupt ? "a ring cell of an impossible lap"
                                : type == CellType::inline_message ? check_inline(in, cell)
                                                                   : check_fragment(in, cell, type);
            if (wrong != nullptr) [[unlikely]] {
                in.dead = true;
                sink.on_fault(in.stream.peer, adi::Status::corrupt, wrong);
                break;
            }
            if (type == CellType::inline_message) [[likely]] {
                sink.on_header(in.stream);
            } else {
                take_fragment(in, type, sink);
            }
            if (in.ring.pop(type != CellType::inline_message)) signal(in.stream.peer);
        }
    }
    return done;
}

template <class S>
void Shm::take_fragment(Inbound& in, CellType type, S& sink) {
    if (type == CellType::next_fragment) {
        move_fragment(in);
    } else {
        sink.on_header(in.stream);
    }
    if (in.stream.moved_bytes != in.stream.header.bytes) return;
    in.open = false;
    if (in.later) {
        in.later = false;
        sink.on_received(in.stream);
    }
}

inline const char* Shm::check_inline(Inbound& in, const Cell& cell) {
    if (in.open) return "a message inside another";
    in.stream.header = cell.header;
    in.payload_bytes = cell.inline_bytes;
    in.payload = cell.data;
    in.stream.moved_bytes = 0;
    if (in.payload_bytes > kInlineBytes || in.stream.header.bytes != in.payload_bytes) {
        return "a message of impossible length";
    }
    return nullptr;
}

inline const char* Shm::check_fragment(Inbound& in, const Cell& cell, CellType type) {
    const ChunkRef chunk = cell.chunk;
    const std::uint64_t first = std::uint64_t{chunk.offset_lines} * kLine;
    if (first >= kRegionBytes || chunk.bytes == 0 || chunk.bytes > kRegionBytes - first) {
        return "payload outside the sender's region";
    }
    in.payload = segment_.region(in.local) + first;
    in.payload_bytes = chunk.bytes;
    if (type == CellType::first_fragment) {
        if (in.open) return "a message inside another";
        in.stream.header = cell.header;
        in.stream.moved_bytes = 0;
        if (in.payload_bytes > in.stream.header.bytes) return "more payload than announced";
        in.open = true;
        return nullptr;
    }
    if (type != CellType::next_fragment) return "a cell of an unknown type";
    if (!in.open) return "a fragment without its message";
    if (in.payload_bytes > in.stream.header.bytes - in.stream.moved_bytes) {
        return "more payload than announced";
    }
    return nullptr;
}

inline adi::Status Shm::send_short(adi::Peer peer, const adi::Header& header,
                                   const adi::Buffer& payload) {
    Outbound& to = outbound_[local_index(peer)];
    Cell* cell = to.ring.reserve(chunks_);
    if (cell == nullptr) [[unlikely]] {
        return to.ring.corrupt() ? adi::Status::corrupt : adi::Status::again;
    }
    if (header.bytes > kInlineBytes) return send_chunk(to, *cell, header, payload);
    cell->type = CellType::inline_message;
    cell->inline_bytes = static_cast<std::uint8_t>(header.bytes);
    cell->header = header;
    if (payload.layout == nullptr) [[likely]] {
        adi::copy_short(cell->data, payload.base, header.bytes);
    } else {
        payload.read(0, cell->data, header.bytes);
    }
    // Pairs with the acquire in InRing::peek: who sees the lap sees the message.
    cell->lap.store(to.ring.commit(), std::memory_order_release);
    notify(to);
    return adi::Status::ok;
}

inline adi::Status Shm::receive(adi::ReceiveStream& stream, const adi::Buffer& target,
                                std::uint64_t offset, std::uint32_t accept) {
    Inbound& in = reinterpret_cast<Inbound&>(stream);
    stream.target = target;
    stream.target_offset = offset;
    stream.accept_bytes = accept;
    in.dropped = false;
    if (in.payload_bytes <= kInlineBytes && accept >= in.payload_bytes &&
        target.layout == nullptr && !in.open) [[likely]] {
        adi::copy_short(static_cast<std::byte*>(target.base) + offset, in.payload,
                        in.payload_bytes);
        stream.moved_bytes = in.payload_bytes;
        return adi::Status::ok;
    }
    move_fragment(in);
    if (stream.moved_bytes == stream.header.bytes) [[likely]]
        return adi::Status::ok;
    in.later = true;
    return adi::Status::again;
}

inline void Shm::move_fragment(Inbound& in) {
    adi::ReceiveStream& s = in.stream;
    if (!in.dropped && s.moved_bytes < s.accept_bytes) {
        const std::uint32_t room = s.accept_bytes - s.moved_bytes;
        s.target.write(s.target_offset + s.moved_bytes, in.payload,
                       in.payload_bytes < room ? in.payload_bytes : room);
    }
    s.moved_bytes += in.payload_bytes;
}

/// For the registry of devices.
std::unique_ptr<adi::Device> make();

}  // namespace dev::shm
