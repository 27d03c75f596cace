// Arrivals: from a device's poll() to the matched receive. Templates over the device, so that self
// and shm move payload without an indirect call. Included by engine.cpp alone.
#pragma once

#include <algorithm>
#include <cstring>

#include "adi/engine/engine.hpp"

namespace adi {

/// The sink that the engine lends to one device for one poll().
template <class D>
struct Engine::DeviceSink final : Sink {
    DeviceSink(Engine& e, D& d) : engine(e), device(d) {}
    void on_header(ReceiveStream& stream) override { engine.on_header(device, stream); }
    void on_received(ReceiveStream& stream) override { engine.on_received(stream); }
    void on_put(void* token, Status status) override { engine.on_put(token, status); }
    [[gnu::cold, gnu::noinline]] void on_fault(Peer peer, Status why, const char* what) override {
        engine.fault(peer, why, what);
    }
    void on_matched(ReceiveStream& stream, void* token) override {
        engine.on_matched(device, stream, *static_cast<Request*>(token));
    }
    void on_retracted(void* token) override { engine.on_retracted(*static_cast<Request*>(token)); }
    Engine& engine;
    D& device;
};

template <class D>
void Engine::on_header(D& device, ReceiveStream& stream) {
    switch (static_cast<MessageKind>(stream.header.kind)) {
        case MessageKind::eager:
            return on_eager(device, stream, matcher_.take_posted(stream.header));
        case MessageKind::lead: return on_lead(device, stream);
        case MessageKind::data: return on_data(device, stream);
        default: return on_control(device, stream);
    }
}

template <class D>
[[gnu::noinline]] void Engine::on_control(D& device, ReceiveStream& stream) {
    const Peer peer = stream.peer;
    const Header header = stream.header;
    stream.token = nullptr;
    switch (static_cast<MessageKind>(header.kind)) {
        case MessageKind::rts: return on_rts(device, stream);
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
        default: break;
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
    // Not into `payload`: if it came in parts, which no engine sends, the rest would be stored
    // after it is gone.
    if (device.receive(stream, contiguous(control_.data(), bytes), 0, bytes) != Status::ok) {
        fault(peer, Status::corrupt, "a control message in parts");
        return false;
    }
    if (bytes > 0) std::memcpy(payload, control_.data(), bytes);
    return true;
}

/// Of a message and the receive that it is for, or null.
template <class D>
void Engine::on_eager(D& device, ReceiveStream& stream, Request* r) {
    const Header& header = stream.header;
    if (r != nullptr) [[likely]] {
        begin_receive(*r, stream.peer, header, header.bytes);
        if (header.flags & kSync) answer(stream.peer, MessageKind::ack, header.cookie);
        stream.token = r;
        const auto accept = static_cast<std::uint32_t>(r->accept_bytes);
        if (device.receive(stream, r->buffer, 0, accept) == Status::ok) {
            r->received_bytes = r->accept_bytes;
            return complete(*r);
        }
        return open_stream(stream);
    }
    buffer_unexpected(device, stream, header, {header.bytes, 0});
}

/// The network matched what it had been posted.
template <class D>
void Engine::on_matched(D& device, ReceiveStream& stream, Request& r) {
    const Header header = stream.header;
    const Peer peer = stream.peer;
    delegated_.remove(r);
    if (header.kind == static_cast<std::uint8_t>(MessageKind::eager)) {
        return on_eager(device, stream, &r);
    }
    stream.token = nullptr;
    RtsPayload rts;
    if (!read_control(device, stream, &rts, sizeof rts)) return;
    begin_receive(r, peer, header, rts.total_bytes);
    rendezvous(r, header, rts.address);
}

/// Keeps what was not expected: an eager message, or a lead.
template <class D>
void Engine::buffer_unexpected(D& device, ReceiveStream& stream, const Header& header,
                               const RtsPayload& rts) {
    Unexpected* message = new_unexpected(stream.peer, header);
    if (message == nullptr) return device.discard(stream);
    message->total_bytes = rts.total_bytes;
    message->address = rts.address;
    matcher_.add(*message);
    // Tells an unexpected message from a request: on_received looks at its lowest bit.
    stream.token = reinterpret_cast<std::byte*>(message) + 1;
    const Buffer target = contiguous(message->data, header.bytes);
    message->arrived = device.receive(stream, target, 0, header.bytes) == Status::ok;
    if (!message->arrived) open_stream(stream);
}

template <class D>
void Engine::on_rts(D& device, ReceiveStream& stream) {
    const Header header = stream.header;
    const Peer peer = stream.peer;
    RtsPayload rts;
    if (!read_control(device, stream, &rts, sizeof rts)) return;
    if ((header.flags & kLeads) != 0) {
        if (find_announced(peer) == announced_.end()) {
            return announced_.push_back({peer, header, rts});
        }
        return fault(peer, Status::corrupt, "an announced message without its beginning");
    }
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

/// The lead is received like an eager message; the answer to the rts asks for the rest.
template <class D>
void Engine::on_lead(D& device, ReceiveStream& stream) {
    const Peer peer = stream.peer;
    const auto found = find_announced(peer);
    if (found == announced_.end() || found->header.cookie != stream.header.cookie ||
        stream.header.bytes >= found->rts.total_bytes) {
        device.discard(stream);
        return fault(peer, Status::corrupt, "the beginning of no announced message");
    }
    Header header = stream.header;
    header.flags = found->header.flags;
    const RtsPayload rts = found->rts;
    announced_.erase(found);
    if (Request* r = matcher_.take_posted(header); r != nullptr) {
        begin_receive(*r, peer, header, rts.total_bytes);
        stream.token = r;
        r->lead_bytes = lead_of(*r, header);
        // The answer first: the sender has less to send than a copy takes here.
        rendezvous(*r, header, rts.address);
        if (device.receive(stream, r->buffer, 0, r->lead_bytes) == Status::ok) {
            return data_arrived(*r, r->lead_bytes);
        }
        return open_stream(stream);
    }
    buffer_unexpected(device, stream, header, rts);
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
        return data_arrived(*r, header.bytes);
    }
    open_stream(stream);
}

}  // namespace adi
