#include "adi/testing/sim_device.hpp"

#include <algorithm>

namespace adi::testing {

SimDevice::SimDevice(SimJob& job, Peer rank, Reach reach) : job_(job), rank_(rank), reach_(reach) {
    capabilities_.short_bytes = job.model().short_bytes;
    capabilities_.eager_bytes = job.model().eager_bytes;
    capabilities_.can_map = reach == Reach::host;
}

bool SimDevice::reaches(Peer peer) const {
    if (peer == rank_) return false;
    const bool known = job_.model().hosts_known && job_.same_host(rank_, peer);
    return known == (reach_ == Reach::host);
}

int SimDevice::poll(Sink& sink, int budget) {
    if (reach_ == Reach::host) return 0;
    int done = 0;
    for (; done < budget; ++done) {
        shown_ = job_.receive(rank_);
        if (shown_ == nullptr) break;
        ReceiveStream stream;
        stream.peer = shown_->from;
        stream.header = shown_->header;
        sink.on_header(stream);
        SimMessage::free(shown_);
    }
    return done;
}

Status SimDevice::send_short(Peer peer, const Header& header, const Buffer& payload) {
    SendStream stream;
    (void)begin(stream, peer, header);
    send_piece(stream, payload, 0, header.bytes);
    return end(stream);
}

Status SimDevice::begin(SendStream& stream, Peer peer, const Header& header) {
    stream = {peer, header, 0};
    open_ = SimMessage::make(rank_, peer, header);
    return Status::ok;
}

std::uint64_t SimDevice::send_piece(SendStream& stream, const Buffer& source, std::uint64_t offset,
                                    std::uint64_t bytes) {
    if (bytes > 0) source.read(offset, open_->payload() + stream.sent_bytes, bytes);
    stream.sent_bytes += static_cast<std::uint32_t>(bytes);
    return bytes;
}

Status SimDevice::end(SendStream& stream) {
    if (stream.sent_bytes != stream.header.bytes) return Status::bad_argument;
    job_.send(open_);
    open_ = nullptr;
    return Status::ok;
}

Status SimDevice::receive(ReceiveStream& stream, const Buffer& target, std::uint64_t offset,
                          std::uint32_t accept) {
    const std::uint32_t n = std::min(accept, stream.header.bytes);
    if (n > 0) target.write(offset, shown_->payload(), n);
    stream.moved_bytes = stream.header.bytes;
    return Status::ok;
}

}  // namespace adi::testing
