// Arrivals: from a device's poll() to the matched receive. Templates over the device, so that self
// and shm move payload without an indirect call. Included by engine.cpp alone.
#pragma once

#include "adi/engine/engine.hpp"

namespace adi {

/// The sink that the engine lends to one device for one poll().
template <class D>
struct Engine::DeviceSink final : Sink {
    DeviceSink(Engine& e, D& d) : engine(e), device(d) {}
    void on_header(ReceiveStream& stream) override { engine.on_header(device, stream); }
    void on_received(ReceiveStream& stream) override { engine.on_received(stream); }
    void on_put(void* token, Status status) override { engine.on_put(token, status); }
    void on_fault(Peer peer, Status why, const char* what) override {
        engine.fault(peer, why, what);
    }
    Engine& engine;
    D& device;
};

template <class D>
void Engine::on_header(D& device, ReceiveStream& stream) {
    const Peer peer = stream.peer;
    const Header header = stream.header;
    stream.token = nullptr;
    switch (static_cast<MessageKind>(header.kind)) {
        case MessageKind::eager: return on_eager(device, stream);
        case MessageKind::rts: return on_rts(device, stream);
        case MessageKind::data: return on_data(device, stream);
        case MessageKind::cts: {
            CtsPayload cts;
            if (read_control(device, stream, &cts, sizeof cts)) on_cts(peer, header, cts);
            return;
        }
        case MessageKind::grant: {
            GrantPayload grant;
            if (read_control(device, stream, &grant, sizeof grant)) on_grant(peer, header, grant);
            return;
        }
        case MessageKind::put_done: {
            PutDonePayload done;
            if (read_control(device, stream, &done, sizeof done)) on_put_done(peer, header, done);
            return;
        }
        case MessageKind::fin:
        case MessageKind::ack:
        case MessageKind::cancel_reply:
            if (read_control(device, stream, nullptr, 0)) on_settled(peer, header);
            return;
        case MessageKind::cancel:
            if (read_control(device, stream, nullptr, 0)) on_cancel(peer, header);
            return;
    }
    device.discard(stream);
    fault(peer, Status::corrupt, "a message of unknown kind " + std::to_string(header.kind));
}

/// Control payload is short, hence whole; a wrong length is the peer's fault.
template <class D>
bool Engine::read_control(D& device, ReceiveStream& stream, void* payload, std::uint32_t bytes) {
    const Peer peer = stream.peer;
    if (stream.header.bytes != bytes) {
        device.discard(stream);
        fault(peer, Status::corrupt, "a control message of the wrong length");
        return false;
    }
    Buffer target = contiguous(payload, bytes);
    return device.receive(stream, target, 0, bytes) == Status::ok;
}

template <class D>
void Engine::on_eager(D& device, ReceiveStream& stream) {
    const Header& header = stream.header;
    Request* r = matcher_.take_posted(header);
    if (r != nullptr) [[likely]] {
        begin_receive(*r, stream.peer, header, header.bytes);
        if (header.flags & kSync) answer(stream.peer, MessageKind::ack, header.cookie);
        stream.token = r;
        const auto accept = static_cast<std::uint32_t>(r->accept_bytes);
        if (device.receive(stream, r->buffer, 0, accept) == Status::ok) {
            r->received_bytes = r->accept_bytes;
            complete(*r);
        }
        return;
    }
    Unexpected* message = new_unexpected(stream.peer, header);
    if (message == nullptr) return device.discard(stream);
    message->total_bytes = header.bytes;
    matcher_.add(*message);
    const Buffer target = contiguous(message->data, header.bytes);
    message->arrived = device.receive(stream, target, 0, header.bytes) == Status::ok;
    // Tells an unexpected message from a request: on_received looks at its lowest bit.
    stream.token = reinterpret_cast<std::byte*>(message) + 1;
}

template <class D>
void Engine::on_rts(D& device, ReceiveStream& stream) {
    const Header header = stream.header;
    const Peer peer = stream.peer;
    RtsPayload rts;
    if (!read_control(device, stream, &rts, sizeof rts)) return;
    Request* r = matcher_.take_posted(header);
    if (r != nullptr) {
        begin_receive(*r, peer, header, rts.total_bytes);
        return rendezvous(*r, header, rts.address);
    }
    Unexpected* message = new_unexpected(peer, header);
    if (message == nullptr) return;
    message->total_bytes = rts.total_bytes;
    message->address = rts.address;
    matcher_.add(*message);
}

template <class D>
void Engine::on_data(D& device, ReceiveStream& stream) {
    const Header& header = stream.header;
    Request* r = operations_.find(header.cookie);
    const std::uint64_t offset = data_offset(header);
    if (r == nullptr || !r->receive || r->peer != stream.peer ||
        r->stage != Request::Stage::transfer || offset > r->accept_bytes ||
        header.bytes > r->accept_bytes - offset) {
        const Peer peer = stream.peer;
        device.discard(stream);
        return fault(peer, Status::corrupt, "data for no receive of this process");
    }
    stream.token = r;
    if (device.receive(stream, r->buffer, offset, header.bytes) == Status::ok) {
        data_arrived(*r, header.bytes);
    }
}

}  // namespace adi
