// Frames: what is sent, and what is shown to the engine, in order and only if it is from the job.
#include <algorithm>
#include <cstring>

#include "adi/base/hmac.hpp"
#include "devices/ofi/ofi.hpp"

namespace dev::ofi {

using adi::Status;

namespace {

/// What came is told without being asked when so much is untold.
constexpr std::uint64_t kTellBytes = kCreditBytes / 4;
/// Ahead of its turn by more no frame can be.
constexpr std::uint32_t kMostEarly = kCreditBytes / sizeof(Prefix);

}  // namespace

// --- out -----------------------------------------------------------------------------------------

Status Ofi::send_frame(Way& way, FrameKind kind, const void* head, std::size_t head_bytes,
                       const adi::Buffer& payload, std::uint64_t offset, std::uint64_t bytes) {
    if (way.dead) [[unlikely]]
        return Status::peer_failed;
    const std::size_t length = sizeof(Prefix) + head_bytes + bytes;
    const bool matched = kind == FrameKind::matched;
    const bool ordered = !matched && kind != FrameKind::ack;
    // One peer that takes nothing leaves slots for others.
    if (free_slots_.empty() || (ordered && way.sent - way.taken_there + length > kCreditBytes) ||
        (kind != FrameKind::ack && way.slots > slots_.size() / 2)) {
        return Status::again;
    }
    Slot& slot = *free_slots_.back();
    const Prefix prefix{kind, info_.self, way.sequence, way.puts, way.taken, way.proof_out};
    std::memcpy(slot.bytes, &prefix, sizeof prefix);
    if (head_bytes > 0) std::memcpy(slot.bytes + sizeof prefix, head, head_bytes);
    payload.read(offset, slot.bytes + sizeof prefix + head_bytes, bytes);
    slot.peer = way.stream.peer;
    void* where = buffers_memory_ ? fi_mr_desc(buffers_memory_.get()) : nullptr;
    auto* context = static_cast<Context*>(&slot);
    const ssize_t answer =
        matched ? fi_tsend(fabric_.endpoint(), slot.bytes, length, where, way.address,
                           tags_.tag(*static_cast<const adi::Header*>(head)), context)
                : fi_send(fabric_.endpoint(), slot.bytes, length, where, way.address, context);
    if (answer == -FI_EAGAIN) return Status::again;
    if (answer != 0) {
        lose(way, Status::peer_failed, "a message could not be sent: " + fabric_.error(answer));
        return Status::peer_failed;
    }
    free_slots_.pop_back();
    ++way.slots;
    way.told = way.taken;
    if (ordered) {
        ++way.sequence;
        way.sent += length;
    }
    return Status::ok;
}

Status Ofi::send_short(adi::Peer peer, const adi::Header& header, const adi::Buffer& payload) {
    const FrameKind kind = adi::network_matches(header) ? FrameKind::matched : FrameKind::message;
    return send_frame(*ways_[peer], kind, &header, sizeof header, payload, 0, header.bytes);
}

Status Ofi::begin(adi::SendStream& stream, adi::Peer peer, const adi::Header& header) {
    if (ways_[peer]->dead) return Status::peer_failed;
    stream.peer = peer;
    stream.header = header;
    stream.sent_bytes = 0;
    return Status::ok;
}

std::uint64_t Ofi::send_piece(adi::SendStream& stream, const adi::Buffer& source,
                              std::uint64_t offset, std::uint64_t bytes) {
    Way& way = *ways_[stream.peer];
    std::uint64_t taken = 0;
    bytes = std::min<std::uint64_t>(bytes, stream.header.bytes - stream.sent_bytes);
    while (taken < bytes) {
        const bool first = stream.sent_bytes == 0;
        const std::size_t head = first ? sizeof stream.header : 0;
        const std::uint64_t part = std::min(bytes - taken, kFrameBytes - sizeof(Prefix) - head);
        const FrameKind kind = first ? FrameKind::message : FrameKind::more;
        if (send_frame(way, kind, &stream.header, head, source, offset + taken, part) !=
            Status::ok) {
            break;
        }
        taken += part;
        stream.sent_bytes += static_cast<std::uint32_t>(part);
    }
    return taken;
}

Status Ofi::end(adi::SendStream& stream) {
    return stream.sent_bytes == stream.header.bytes ? Status::ok : Status::bad_argument;
}

/// Tells peers what was taken from them, if they have not heard it on other frames.
void Ofi::acknowledge() {
    std::erase_if(owing_, [this](Way* way) {
        std::string error;
        if (way->taken - way->told >= kTellBytes && !way->dead) {
            if (Status s = connect(way->stream.peer, &error); s != Status::ok) {
                lose(*way, s, error);
            } else if (send_frame(*way, FrameKind::ack, nullptr, 0, {}, 0, 0) == Status::again) {
                return false;
            }
        }
        way->owes = false;
        return true;
    });
}

// --- in ------------------------------------------------------------------------------------------

bool Ofi::post(Slab& slab) {
    iovec part{slab.bytes, slab.size};
    void* where = buffers_memory_ ? fi_mr_desc(buffers_memory_.get()) : nullptr;
    fi_msg message = {};
    message.msg_iov = &part;
    message.desc = &where;
    message.iov_count = 1;
    message.addr = FI_ADDR_UNSPEC;
    message.context = static_cast<Context*>(&slab);
    return fi_recvmsg(fabric_.endpoint(), &message, fabric_.multi_recv() ? FI_MULTI_RECV : 0) == 0;
}

bool Ofi::in_turn(const Way& way, const Prefix& prefix) const {
    return prefix.sequence == way.expected &&
           static_cast<std::int32_t>(way.puts_in - prefix.puts) >= 0;
}

/// Who sent it, if it was one of the job that is not lost, and makes sense.
Ofi::Way* Ofi::proven(const Prefix& prefix) {
    if (prefix.from >= info_.size || secret().empty() ||
        !adi::same(prefix.proof, way_to(prefix.from).proof_in)) {
        ++strangers_;
        return nullptr;
    }
    Way& way = *ways_[prefix.from];
    if (prefix.taken > way.sent) lose(way, Status::corrupt, "it took more than was sent");
    if (way.dead) return nullptr;
    way.taken_there = std::max(way.taken_there, prefix.taken);
    return &way;
}

void Ofi::on_frame(const std::byte* frame, std::size_t bytes, adi::Sink& sink) {
    Prefix prefix;
    if (bytes >= sizeof prefix) std::memcpy(&prefix, frame, sizeof prefix);
    if (bytes < sizeof prefix || bytes > kFrameBytes || prefix.from == info_.self) {
        ++strangers_;
        return;
    }
    Way* const sender = proven(prefix);
    if (sender == nullptr || prefix.kind == FrameKind::ack) return;
    Way& way = *sender;
    if (!in_turn(way, prefix)) {
        const bool kept = prefix.sequence - way.expected <= kMostEarly &&
                          way.early.try_emplace(prefix.sequence, frame, frame + bytes).second;
        if (!kept) lose(way, Status::corrupt, "a frame came twice, or far too early");
        return;
    }
    show(way, prefix, frame, bytes, sink);
    if (!way.early.empty()) show_early(way, sink);
}

/// Shows what came early and whose turn it is now.
void Ofi::show_early(Way& way, adi::Sink& sink) {
    while (!way.dead) {
        const auto next = way.early.find(way.expected);
        if (next == way.early.end()) return;
        Prefix prefix;
        std::memcpy(&prefix, next->second.data(), sizeof prefix);
        if (!in_turn(way, prefix)) return;
        const std::vector<std::byte> frame = std::move(next->second);
        way.early.erase(next);
        show(way, prefix, frame.data(), frame.size(), sink);
    }
}

void Ofi::show(Way& way, const Prefix& prefix, const std::byte* frame, std::size_t bytes,
               adi::Sink& sink) {
    ++way.expected;
    way.taken += bytes;
    const char* wrong =
        open_frame(way, prefix.kind, frame + sizeof prefix, bytes - sizeof prefix, sink);
    if (wrong != nullptr) return lose(way, Status::corrupt, wrong);
    if (!way.owes && way.taken - way.told >= kTellBytes) {
        way.owes = true;
        owing_.push_back(&way);
    }
}

/// Null, or what is wrong with the frame.
const char* Ofi::open_frame(Way& way, FrameKind kind, const std::byte* body, std::size_t bytes,
                            adi::Sink& sink) {
    adi::ReceiveStream& stream = way.stream;
    switch (kind) {
        case FrameKind::message: {
            adi::Header header;
            if (way.open) return "a message began inside of another one";
            if (bytes < sizeof header) return "a message without a header";
            std::memcpy(&header, body, sizeof header);
            if (bytes - sizeof header > header.bytes) return "a message with too much payload";
            stream.header = header;
            stream.accept_bytes = stream.moved_bytes = 0;
            way.body = body + sizeof header;
            way.body_bytes = static_cast<std::uint32_t>(bytes - sizeof header);
            way.open = true;
            way.discards = false;
            sink.on_header(stream);
            return nullptr;
        }
        case FrameKind::more: {
            if (!way.open || bytes > stream.header.bytes - stream.moved_bytes) {
                return "payload of no message";
            }
            way.body = body;
            way.body_bytes = static_cast<std::uint32_t>(bytes);
            take_body(way);
            if (!way.open && !way.discards) sink.on_received(stream);
            return nullptr;
        }
        case FrameKind::window: {
            WindowBody window;
            if (bytes != sizeof window) return "a window of another size";
            std::memcpy(&window, body, sizeof window);
            const std::uint64_t index = window.name % kMostWindows;
            if (index >= way.windows.size()) way.windows.resize(index + 1);
            way.windows[index] = window;
            return nullptr;
        }
        default: return "a frame of no known kind";
    }
}

void Ofi::take_body(Way& way) {
    adi::ReceiveStream& stream = way.stream;
    if (stream.moved_bytes < stream.accept_bytes) {
        const std::uint32_t kept =
            std::min(way.body_bytes, stream.accept_bytes - stream.moved_bytes);
        stream.target.write(stream.target_offset + stream.moved_bytes, way.body, kept);
    }
    stream.moved_bytes += way.body_bytes;
    way.body_bytes = 0;
    way.open = stream.moved_bytes < stream.header.bytes;
}

Status Ofi::receive(adi::ReceiveStream& stream, const adi::Buffer& target, std::uint64_t offset,
                    std::uint32_t accept) {
    if (&stream == &matched_) {
        target.write(offset, matched_body_, std::min(accept, stream.header.bytes));
        return Status::ok;
    }
    Way& way = *ways_[stream.peer];
    stream.target = target;
    stream.target_offset = offset;
    stream.accept_bytes = std::min(accept, stream.header.bytes);
    take_body(way);
    return way.open ? Status::again : Status::ok;
}

void Ofi::discard(adi::ReceiveStream& stream) {
    if (&stream == &matched_) return;
    Way& way = *ways_[stream.peer];
    stream.accept_bytes = 0;
    way.discards = true;
    take_body(way);
}

}  // namespace dev::ofi
