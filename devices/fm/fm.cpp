#include "devices/fm/fm.hpp"

#include <sched.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "adi/base/copy.hpp"

namespace dev::fm {

using adi::Status;

namespace {

/// Above this the receiver is asked first. Long enough that a rendezvous' two short messages cost
/// little beside it, short enough that what comes unexpected is bounded.
constexpr std::uint32_t kEagerBytes = 128 * 1024;
/// What keeps the wire busy until the receiver's answer is back and the first page put: whole
/// packets.
constexpr std::uint32_t kLeadBytes = 6 * FM_PACKET_BYTES - MpiHeader::kMostBytes;
/// A shorter rest is streamed as fast as it is put.
constexpr std::uint64_t kPutBytes = 128 * 1024;
/// One window: two of them are open at a time, so that the wire never waits for the next.
constexpr std::uint64_t kPutMostBytes = 512 * 1024;
/// What reading a clock costs; only so that loops until a time end.
constexpr std::int64_t kReadClockPs = 50'000;
/// Between two looks whether all is acknowledged, which may take an acknowledgement's delay.
constexpr std::int64_t kQuiescePs = 20'000'000;

}  // namespace

// --- life ----------------------------------------------------------------------------------------

adi::Result<bool> Fm::probe(const adi::OpenInfo& info) {
    if (info.size > FM_MAX_NODES) {
        return {Status::unsupported,
                "a job on Myrinet has " + std::to_string(FM_MAX_NODES) + " processes at most"};
    }
    if (open_board_) return true;
    const adi::Result<BoardPlace> where = board_from_environment();
    // What is set and wrong is an error of open().
    if (!where && where.status() == Status::unsupported) return {where.status(), where.message()};
    open_board_ = [where](Node node, Node nodes) -> adi::Result<std::unique_ptr<Board>> {
        if (!where) return {where.status(), where.message()};
        return open_board(*where, node, nodes);
    };
    return true;
}

Status Fm::open(const adi::OpenInfo& info, std::string* error) {
    info_ = info;
    adi::Result<std::unique_ptr<Board>> board = open_board_(info.self, info.size);
    if (!board) {
        *error = board.message();
        return board.status();
    }
    board_ = std::move(*board);
    place_ = board_->place();
    clock_ = board_->clock();
    capabilities_.short_bytes = Endpoint::kShortBytes - MpiHeader::kMostBytes;
    capabilities_.eager_bytes = kEagerBytes;
    capabilities_.helpers = 1;
    capabilities_.outlives = false;
    outbound_.resize(info.size);
    inbound_.resize(info.size);
    for (adi::Peer peer = 0; peer < info.size; ++peer) inbound_[peer].stream.peer = peer;
    return Status::ok;
}

/// All peers at once: the board wants to know all places before any traffic.
Status Fm::connect(adi::Peer, std::string* error) {
    if (endpoint_ != nullptr) return Status::ok;
    std::vector<std::uint32_t> places(info_.size);
    for (adi::Peer peer = 0; peer < info_.size; ++peer) {
        if (peer == info_.self) {
            places[peer] = place_;
            continue;
        }
        const adi::Result<std::string> card = info_.card_of(peer);
        if (!card || !place_from_text(*card, &places[peer])) {
            *error = "fm: rank " + std::to_string(peer) +
                     (card ? " published no place on a board: " + *card : ": " + card.message());
            return card ? Status::corrupt : card.status();
        }
    }
    if (const adi::Result<bool> connected = board_->connect(places); !connected) {
        *error = "fm: " + connected.message();
        return connected.status();
    }
    endpoint_ = std::make_unique<Endpoint>(std::move(board_),
                                           options_from_environment(info_.self, info_.size));
    use_puts();
    go_away();
    return Status::ok;
}

/// What follows, and may take long, is no matter of the board's: modelled time goes on without this
/// process until it comes back.
void Fm::go_away() {
    if (clock_ != nullptr) clock_->away();
}

/// Offers puts if the board may reach this process's memory: the system may not let an emulator.
void Fm::use_puts() {
    // The strategies of the papers are for measurements, and theirs had no deposits.
    if (endpoint_->strategy() != Strategy::adapt) return;
    alignas(FM_PAGE_BYTES) static std::array<std::byte, FM_PAGE_BYTES> page;
    adi::MemoryKey key;
    if (reg(page.data(), page.size(), info_.self, &key) != Status::ok) return;
    dereg(key);
    capabilities_.lead_bytes = kLeadBytes;
    capabilities_.put_bytes = kPutBytes;
    capabilities_.put_most_bytes = std::min(kPutMostBytes, endpoint_->most_window_bytes());
    capabilities_.put_align = Endpoint::kPutAlign;
}

Status Fm::quiesce(std::chrono::steady_clock::time_point deadline) {
    // What is not acknowledged lies in this process's slots and goes with it. Nothing is taken from
    // the ring: a peer that has left already is no fault now.
    while (endpoint_ != nullptr && !endpoint_->idle()) {
        if (std::chrono::steady_clock::now() > deadline) return Status::again;
        if (clock_ != nullptr) clock_->charge_ps(kQuiescePs);
        sched_yield();
    }
    go_away();
    return Status::ok;
}

void Fm::close() {
    endpoint_.reset();
    board_.reset();
    clock_ = nullptr;
    outbound_.clear();
    inbound_.clear();
}

// --- progress ------------------------------------------------------------------------------------

/// What the endpoint shows during one poll().
struct Fm::Taker final : Sink {
    Taker(Fm& d, adi::Sink& s) : device(d), sink(s) {}
    void on_packet(const Packet& packet) override { device.on_packet(sink, packet); }
    void on_lost(Node node, Status why, const char* what) override {
        sink.on_fault(node, why, what);
    }
    void on_put(std::uint64_t token, Status status) override {
        sink.on_put(reinterpret_cast<void*>(static_cast<std::uintptr_t>(token)), status);
    }
    Fm& device;
    adi::Sink& sink;
};

int Fm::poll(adi::Sink& sink, int budget) {
    if (endpoint_ == nullptr) return 0;
    Taker taker(*this, sink);
    return endpoint_->extract(taker, ~std::uint64_t{0}, budget);
}

adi::Park Fm::prepare_park(bool) {
    if (endpoint_ == nullptr) return {};
    const adi::FutexWord park = endpoint_->prepare_park();
    return {park.word, park.value, -1};
}

void Fm::cancel_park() {
    if (endpoint_ != nullptr) endpoint_->cancel_park();
}

void Fm::wake() {
    if (endpoint_ != nullptr) endpoint_->wake();
}

std::int64_t Fm::clock_ns() {
    if (clock_ == nullptr) return -1;
    clock_->charge_ps(kReadClockPs);
    return clock_->now_ps() / 1000;
}

void Fm::idle() {
    // In modelled time this waits, and there is nothing to take back.
    if (endpoint_ != nullptr) static_cast<void>(endpoint_->prepare_park());
}

// --- send ----------------------------------------------------------------------------------------

Status Fm::send_short(adi::Peer peer, const adi::Header& header, const adi::Buffer& payload) {
    const MpiHeader head = MpiHeader::pack(header, true);
    const Status s = endpoint_->try_send(peer, head.handler, head.words.data(), head.bytes, payload,
                                         0, header.bytes);
    if (s == Status::ok) charge(Clock::Work::mpi_send);
    return s;
}

Status Fm::begin(adi::SendStream& stream, adi::Peer peer, const adi::Header& header) {
    OutMessage& message = outbound_[peer];
    const MpiHeader head = MpiHeader::pack(header, false);
    const std::uint64_t length = std::uint64_t{head.bytes} + header.bytes;
    const Status s = endpoint_->try_begin(message, peer, length, head.handler);
    if (s != Status::ok) return s;
    charge(Clock::Work::mpi_send);
    stream.peer = peer;
    stream.header = header;
    stream.sent_bytes = 0;
    // There is room for the first packet, which mostly is longer than a header.
    endpoint_->try_piece(message, adi::contiguous(head.words.data(), head.bytes), 0, head.bytes);
    return Status::ok;
}

std::uint64_t Fm::send_piece(adi::SendStream& stream, const adi::Buffer& source,
                             std::uint64_t offset, std::uint64_t bytes) {
    OutMessage& message = outbound_[stream.peer];
    if (message.sent < MpiHeader::kMostBytes) [[unlikely]] {
        const MpiHeader head = MpiHeader::pack(stream.header, false);
        if (message.sent < head.bytes) {
            endpoint_->try_piece(message, adi::contiguous(head.words.data(), head.bytes),
                                 message.sent, head.bytes - message.sent);
            if (message.sent < head.bytes) return 0;
        }
    }
    const std::uint64_t taken = endpoint_->try_piece(message, source, offset, bytes);
    stream.sent_bytes += static_cast<std::uint32_t>(taken);
    return taken;
}

Status Fm::end(adi::SendStream& stream) {
    if (stream.sent_bytes != stream.header.bytes) return Status::bad_argument;
    return endpoint_->try_end(outbound_[stream.peer]);
}

// --- receive -------------------------------------------------------------------------------------

void Fm::on_packet(adi::Sink& sink, const Packet& packet) {
    Inbound& in = inbound_[packet.node];
    if (in.dead) return;
    if (const char* wrong = take(sink, in, packet)) [[unlikely]] {
        in.dead = true;
        sink.on_fault(packet.node, Status::corrupt, wrong);
    }
    // The caller may have what it waits for, and whoever asks for the next message then has its
    // buffer ready: FM_extract's receiver pacing.
    if (packet.last) endpoint_->stop();
}

/// Moves a packet on; what is wrong with it, or null.
const char* Fm::take(adi::Sink& sink, Inbound& in, const Packet& packet) {
    adi::ReceiveStream& stream = in.stream;
    MpiHeader& head = in.head;
    if (packet.first) {
        head.handler = packet.handler;
        head.bytes = MpiHeader::bytes_of(packet.handler);
        if (head.bytes == 0) return "fm: a message for another handler than MPI's";
        in.header_have = 0;
        in.dropped = in.later = false;
    }
    in.payload = packet.data;
    in.payload_bytes = packet.bytes;
    if (in.header_have < head.bytes) {
        const std::uint32_t n = std::min(packet.bytes, head.bytes - in.header_have);
        adi::copy_short(reinterpret_cast<std::byte*>(head.words.data()) + in.header_have,
                        packet.data, n);
        in.header_have += n;
        if (in.header_have < head.bytes) {
            return packet.last ? "fm: a message shorter than its header" : nullptr;
        }
        in.payload += n;
        in.payload_bytes -= n;
        stream.header = head.unpack(in.payload_bytes);
        stream.moved_bytes = 0;
        if (in.payload_bytes > stream.header.bytes ||
            packet.last != (in.payload_bytes == stream.header.bytes)) {
            return "fm: a message of another length than its header says";
        }
        charge(Clock::Work::mpi_receive);
        sink.on_header(stream);
        return nullptr;
    }
    const std::uint32_t left = stream.header.bytes - stream.moved_bytes;
    if (in.payload_bytes > left || packet.last != (in.payload_bytes == left)) {
        return "fm: a message of another length than its header says";
    }
    move_payload(in);
    if (packet.last && in.later) sink.on_received(stream);
    return nullptr;
}

/// Moves the packet's payload to the target, as far as it is wanted.
void Fm::move_payload(Inbound& in) {
    adi::ReceiveStream& stream = in.stream;
    if (!in.dropped && stream.moved_bytes < stream.accept_bytes) {
        const std::uint32_t n =
            std::min(in.payload_bytes, stream.accept_bytes - stream.moved_bytes);
        const std::uint64_t at = stream.target_offset + stream.moved_bytes;
        if (n <= kFewBytes && stream.target.layout == nullptr) {
            adi::copy_short(static_cast<std::byte*>(stream.target.base) + at, in.payload, n);
        } else {
            stream.target.write(at, in.payload, n);
        }
        endpoint_->charge_copy(n);
    }
    stream.moved_bytes += in.payload_bytes;
}

Status Fm::receive(adi::ReceiveStream& stream, const adi::Buffer& target, std::uint64_t offset,
                   std::uint32_t accept) {
    auto& in = reinterpret_cast<Inbound&>(stream);
    stream.target = target;
    stream.target_offset = offset;
    stream.accept_bytes = accept;
    move_payload(in);
    in.later = stream.moved_bytes < stream.header.bytes;
    return in.later ? Status::again : Status::ok;
}

void Fm::discard(adi::ReceiveStream& stream) {
    auto& in = reinterpret_cast<Inbound&>(stream);
    in.dropped = true;
    in.later = false;
    stream.moved_bytes += in.payload_bytes;
}

// --- puts ----------------------------------------------------------------------------------------

Status Fm::reg(void* address, std::uint64_t bytes, adi::Peer peer, adi::MemoryKey* key) {
    WindowKey window = 0;
    const Status s = endpoint_->open_window(peer, address, bytes, &window);
    if (s == Status::ok) *key = {window, bytes};
    return s;
}

void Fm::dereg(const adi::MemoryKey& key) {
    endpoint_->close_window(static_cast<WindowKey>(key.value));
}

Status Fm::put(adi::Peer peer, const void* address, std::uint64_t bytes, const adi::MemoryKey& key,
               void* token) {
    if (bytes > key.bytes || key.value > ~WindowKey{0}) return Status::bad_argument;
    return endpoint_->put(peer, address, bytes, static_cast<WindowKey>(key.value), 0,
                          reinterpret_cast<std::uintptr_t>(token));
}

std::unique_ptr<adi::Device> make() {
    return std::make_unique<Fm>();
}

}  // namespace dev::fm
