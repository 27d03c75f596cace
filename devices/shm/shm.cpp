#include "devices/shm/shm.hpp"

#include <errno.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "adi/base/futex.hpp"

namespace dev::shm {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kAttachPatience = std::chrono::seconds(60);

/// Fewer cells per ring when there are more rings: memory grows with pairs that talk.
std::uint32_t cells_for(std::uint32_t processes) {
    return processes <= 16 ? 256 : processes <= 64 ? 64 : 32;
}

/// Bound of a class of chunks: about a second-level cache, less when many processes share the host.
std::uint32_t chunk_bytes_for(std::uint32_t processes) {
    return processes <= 16 ? 2U << 20 : processes <= 64 ? 512U << 10 : 256U << 10;
}

bool membarrier(int command) {
    return syscall(SYS_membarrier, command, 0, 0) == 0;
}

}  // namespace

// --- life ----------------------------------------------------------------------------------------

adi::Result<bool> Shm::probe(const adi::OpenInfo& info) {
    if (info.local.size() < 2) return {adi::Status::unsupported, "alone on this host"};
    return true;
}

adi::Status Shm::open(const adi::OpenInfo& info, std::string* error) {
    info_ = info;
    processes_ = static_cast<std::uint32_t>(info.local.size());
    first_peer_ = info.local.front();
    dense_ = info.local.back() - first_peer_ + 1 == processes_;
    if (!dense_) index_of_.assign(info.size, ~0U);
    for (std::uint32_t i = 0; i < processes_; ++i) {
        if (!dense_) index_of_[info.local[i]] = i;
        if (info.local[i] == info.self) self_ = i;
    }
    outbound_.resize(processes_);
    accepted_.assign(processes_, false);
    capabilities_.short_bytes = ChunkPool::kClassBytes.back();
    capabilities_.eager_bytes = 32768;
    // Alone on their cores two processes copy at the same time and may beat one copy by the kernel;
    // when they share a core the single copy wins. The engine finds out.
    capabilities_.get_bytes = capabilities_.eager_bytes;
    capabilities_.can_map = true;
    if (self_ != 0) return adi::Status::ok;  // attaches when the card is there: connect()
    if (adi::Status s = segment_.create(processes_, error); s != adi::Status::ok) return s;
    publish_region();
    return adi::Status::ok;
}

std::string Shm::address() const {
    return self_ == 0 ? segment_.card() : "";
}

bool Shm::reaches(adi::Peer peer) const {
    if (dense_) return peer - first_peer_ < processes_;
    return peer < index_of_.size() && index_of_[peer] != ~0U;
}

void Shm::publish_region() {
    mine_ = header_of(self_);
    membarrier_ = !info_.oversubscribed && membarrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED);
    mine_->pid = static_cast<std::uint32_t>(getpid());
    mine_->uses_membarrier = membarrier_ ? 1 : 0;
    heap_.open(&segment_, self_, header_bytes(processes_));
    chunks_.open(&heap_, chunk_bytes_for(processes_));
    // Pairs with the acquire in connect(): who sees the magic sees the header.
    mine_->magic.store(kMagic, std::memory_order_release);
}

adi::Status Shm::attach(std::string* error) {
    adi::Result<std::string> card = info_.card_of(first_peer_);
    if (!card) {
        *error = card.message();
        return card.status();
    }
    if (adi::Status s = segment_.attach(*card, processes_, error); s != adi::Status::ok) return s;
    publish_region();
    return adi::Status::ok;
}

adi::Status Shm::connect(adi::Peer peer, std::string* error) {
    if (!segment_.mapped()) {
        if (adi::Status s = attach(error); s != adi::Status::ok) return s;
    }
    const std::uint32_t local = local_index(peer);
    Outbound& to = outbound_[local];
    if (peer == info_.self || to.ring.open()) return adi::Status::ok;
    to.region = header_of(local);
    // The peer attaches soon: it has passed the same fence.
    const auto deadline = Clock::now() + kAttachPatience;
    while (to.region->magic.load(std::memory_order_acquire) != kMagic) {
        if (Clock::now() > deadline) {
            *error = "rank " + std::to_string(peer) + " did not join the shared memory segment";
            return adi::Status::peer_failed;
        }
        sched_yield();
    }
    to.fence = !(membarrier_ && to.region->uses_membarrier == 1);
    return make_ring(local, error);
}

adi::Status Shm::make_ring(std::uint32_t local, std::string* error) {
    Outbound& to = outbound_[local];
    const std::uint32_t cells = cells_for(processes_);
    const std::uint64_t offset = heap_.allocate(ring_bytes(cells));
    if (offset == 0) {
        *error = "no shared memory left for the ring to rank " + std::to_string(info_.local[local]);
        return adi::Status::no_memory;
    }
    auto* ring = reinterpret_cast<RingHeader*>(segment_.region(self_) + offset);
    std::uint32_t random = 0;
    if (getrandom(&random, sizeof random, 0) != sizeof random) random = 0x5eed;
    ring->cells = cells;
    ring->first_lap = random | 0x10000;
    for (std::uint32_t i = 0; i < cells; ++i) {
        ring->cell[i].lap.store(ring->first_lap, std::memory_order_relaxed);
    }
    to.ring.open(ring, cells, ring->first_lap);
    // Pairs with the acquires in accept_announcements: who sees the entry sees the ring.
    to.region->inbox[self_].store(offset, std::memory_order_release);
    to.region->announcements.fetch_add(1, std::memory_order_release);
    return adi::Status::ok;
}

void Shm::accept_announcements(adi::Sink& sink) {
    announcements_seen_ = mine_->announcements.load(std::memory_order_acquire);
    for (std::uint32_t local = 0; local < processes_; ++local) {
        if (accepted_[local] || local == self_) continue;
        const std::uint64_t offset = mine_->inbox[local].load(std::memory_order_acquire);
        if (offset == 0) continue;
        accepted_[local] = true;
        if (!open_inbound(local, offset)) {
            sink.on_fault(info_.local[local], adi::Status::corrupt, "a ring that is none");
        }
    }
}

bool Shm::open_inbound(std::uint32_t local, std::uint64_t offset) {
    if (offset % kLine != 0 || offset > kRegionBytes - ring_bytes(1)) return false;
    auto* ring = reinterpret_cast<RingHeader*>(segment_.region(local) + offset);
    const std::uint32_t cells = ring->cells;
    const std::uint32_t first_lap = ring->first_lap;
    if (cells != cells_for(processes_) || offset > kRegionBytes - ring_bytes(cells)) return false;
    auto in = std::make_unique<Inbound>();
    in->local = local;
    in->stream.peer = info_.local[local];
    in->ring.open(ring, cells, first_lap);
    inbound_.push_back(std::move(in));
    return true;
}

void Shm::disconnect(adi::Peer) {
    // Rings stay mapped while the job lives: what was sent must still be read.
}

adi::Status Shm::quiesce(Clock::time_point deadline) {
    for (Outbound& to : outbound_) {
        while (to.ring.open() && !to.ring.drained()) {
            // The consumed index lags by up to a quarter ring; an idle receiver that has taken all
            // of it cannot be told from one that has not, so the data being in shared memory is
            // enough: the mapping outlives this process in the receiver.
            if (to.ring.chunks_out() == 0) break;
            if (!to.ring.refresh(chunks_) && Clock::now() > deadline) return adi::Status::again;
            sched_yield();
        }
    }
    return adi::Status::ok;
}

void Shm::close() {
    inbound_.clear();
    outbound_.clear();
    mine_ = nullptr;
    segment_.close();
    for (int* fd : {&doorbell_, &bell_ringer_}) {
        if (*fd >= 0) ::close(*fd);
        *fd = -1;
    }
}

// --- sleeping ------------------------------------------------------------------------------------

adi::Park Shm::prepare_park(bool by_fd) {
    if (mine_ == nullptr) return {};
    if (by_fd && doorbell_ < 0) by_fd = open_doorbell();
    // Several threads may sleep on the word. One that announced itself and was woken before it
    // slept would miss that if another's announcement looked the same; so a woken word gets a new
    // number, and a word that says sleeping is left alone.
    std::uint32_t number = mine_->state.load(std::memory_order_relaxed);
    if (number == kRunning) {
        if (++announced_ == kRunning) ++announced_;
        number = announced_;
        mine_->state.store(number, std::memory_order_relaxed);
    }
    // Pairs with signal_local(): see there. The barrier runs on the senders' cores for them.
    if (!membarrier_ || !membarrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED)) {
        std::atomic_thread_fence(std::memory_order_seq_cst);
    }
    return {reinterpret_cast<std::uint32_t*>(&mine_->state), number, by_fd ? doorbell_ : -1};
}

void Shm::cancel_park() {
    if (mine_ == nullptr) return;
    mine_->state.store(kRunning, std::memory_order_relaxed);
    char ring = 0;
    while (doorbell_ >= 0 && ::recv(doorbell_, &ring, 1, MSG_DONTWAIT) >= 0) {
    }
}

/// A socket that the system names, for peers to ring while this process sleeps.
bool Shm::open_doorbell() {
    const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_un name = {};
    name.sun_family = AF_UNIX;
    socklen_t size = sizeof name.sun_family;
    if (fd < 0 || ::bind(fd, reinterpret_cast<sockaddr*>(&name), size) != 0) {
        if (fd >= 0) ::close(fd);
        return false;
    }
    size = sizeof name;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size);
    std::uint64_t text = 0;
    std::memcpy(&text, name.sun_path + 1, kDoorbellBytes);
    doorbell_ = fd;
    // Before `state` says sleeping: who sees that sees this, by the fence between.
    mine_->doorbell.store(text, std::memory_order_relaxed);
    return true;
}

void Shm::ring(std::uint64_t doorbell) {
    if (bell_ringer_ < 0) {
        bell_ringer_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    }
    sockaddr_un name = {};
    name.sun_family = AF_UNIX;
    std::memcpy(name.sun_path + 1, &doorbell, kDoorbellBytes);
    // One that is full will be heard as well; one that is gone has nobody sleeping.
    (void)::sendto(bell_ringer_, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL,
                   reinterpret_cast<sockaddr*>(&name),
                   static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + kDoorbellBytes));
}

void Shm::wake() {
    if (mine_ != nullptr) wake_peer(mine_);
}

void Shm::wake_peer(RegionHeader* region) {
    if (region->state.exchange(kRunning, std::memory_order_acq_rel) == kRunning) return;
    adi::futex_wake(reinterpret_cast<std::uint32_t*>(&region->state));
    if (const std::uint64_t doorbell = region->doorbell.load(std::memory_order_acquire);
        doorbell != 0) {
        ring(doorbell);
    }
}

// --- streams -------------------------------------------------------------------------------------

adi::Status Shm::begin(adi::SendStream& stream, adi::Peer peer, const adi::Header& header) {
    if (!outbound_[local_index(peer)].ring.open()) return adi::Status::again;
    stream.peer = peer;
    stream.header = header;
    stream.sent_bytes = 0;
    return adi::Status::ok;
}

Chunk Shm::take_chunk(Outbound& to, std::size_t size_class) {
    Chunk c = chunks_.take(size_class);
    if (c.bytes != 0) [[likely]]
        return c;
    to.ring.refresh(chunks_);
    if (c = chunks_.take(size_class); c.bytes != 0) return c;
    for (Outbound& other : outbound_) {
        if (other.ring.chunks_out() != 0) other.ring.refresh(chunks_);
    }
    if (c = chunks_.take(size_class); c.bytes != 0) return c;
    return chunks_.grow(size_class) ? chunks_.take(size_class) : Chunk{};
}

/// Publishes the cell, which is filled but for the chunk; `bytes` of payload are there.
void Shm::publish_chunk(Outbound& to, Cell& cell, Chunk chunk, std::uint32_t bytes) {
    cell.chunk = {chunk.offset_lines, bytes};
    // Pairs with the acquire in InRing::peek.
    cell.lap.store(to.ring.commit(chunk), std::memory_order_release);
    notify(to);
}

/// send_short() of what the cell has no room for: one fragment is the whole message. The cell, at
/// which the receiver looks all the time, is touched when the payload has been copied.
adi::Status Shm::send_chunk(Outbound& to, Cell& cell, const adi::Header& header,
                            const adi::Buffer& payload) {
    const Chunk chunk = take_chunk(to, ChunkPool::class_of(header.bytes));
    if (chunk.bytes == 0) return adi::Status::again;
    payload.read(0, memory_of(chunk), header.bytes);
    cell.type = CellType::first_fragment;
    cell.header = header;
    publish_chunk(to, cell, chunk, header.bytes);
    return adi::Status::ok;
}

std::uint64_t Shm::send_piece(adi::SendStream& stream, const adi::Buffer& source,
                              std::uint64_t offset, std::uint64_t bytes) {
    Outbound& to = outbound_[local_index(stream.peer)];
    std::uint64_t taken = 0;
    while (taken < bytes) {
        Cell* cell = to.ring.reserve(chunks_);
        if (cell == nullptr) break;
        const std::uint64_t rest = bytes - taken;
        const Chunk chunk = take_chunk(to, ChunkPool::class_of(rest));
        if (chunk.bytes == 0) break;
        const auto n = static_cast<std::uint32_t>(std::min<std::uint64_t>(rest, chunk.bytes));
        source.read(offset + taken, memory_of(chunk), n);
        if (stream.sent_bytes == 0) {
            cell->type = CellType::first_fragment;
            cell->header = stream.header;
        } else {
            cell->type = CellType::next_fragment;
        }
        publish_chunk(to, *cell, chunk, n);
        stream.sent_bytes += n;
        taken += n;
    }
    return taken;
}

adi::Status Shm::end(adi::SendStream& stream) {
    return stream.sent_bytes == stream.header.bytes ? adi::Status::ok : adi::Status::bad_argument;
}

void Shm::discard(adi::ReceiveStream& stream) {
    Inbound& in = reinterpret_cast<Inbound&>(stream);
    in.dropped = true;
    in.later = false;
    move_fragment(in);
}

// --- memory --------------------------------------------------------------------------------------

void* Shm::allocate(std::uint64_t bytes, adi::MemoryKey* key) {
    if (mine_ == nullptr || bytes == 0) return nullptr;
    const std::uint64_t offset = heap_.allocate(bytes);
    if (offset == 0) return nullptr;
    *key = {offset, bytes};
    return segment_.region(self_) + offset;
}

void Shm::deallocate(void*, const adi::MemoryKey& key) {
    heap_.deallocate(key.value, key.bytes);
}

void* Shm::map(adi::Peer peer, const adi::MemoryKey& key) {
    if (!segment_.mapped() || !reaches(peer)) return nullptr;
    if (key.value < header_bytes(processes_) || key.value % kLine != 0) return nullptr;
    if (key.value > kRegionBytes || key.bytes > kRegionBytes - key.value) return nullptr;
    return segment_.region(local_index(peer)) + key.value;
}

adi::Status Shm::get(adi::Peer peer, std::uint64_t address, void* to, std::uint64_t bytes) {
    const auto pid = static_cast<pid_t>(header_of(local_index(peer))->pid);
    std::uint64_t done = 0;
    while (done < bytes) {
        iovec local{static_cast<std::byte*>(to) + done, bytes - done};
        iovec remote{reinterpret_cast<void*>(address + done), bytes - done};
        const ssize_t n = process_vm_readv(pid, &local, 1, &remote, 1, 0);
        if (n <= 0) {
            // Refused here (a container, another user): refused for ever, the engine streams.
            if (n < 0 && errno == ESRCH) return adi::Status::peer_failed;
            if (errno != EPERM && errno != ENOSYS && errno != EACCES) return adi::Status::corrupt;
            capabilities_.get_bytes = ~std::uint64_t{0};
            return adi::Status::unsupported;
        }
        done += static_cast<std::uint64_t>(n);
    }
    return adi::Status::ok;
}

std::unique_ptr<adi::Device> make() {
    return std::make_unique<Shm>();
}

}  // namespace dev::shm
