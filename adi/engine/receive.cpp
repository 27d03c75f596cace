// Receiving: posting, matching with what came before, rendezvous, cancelling.
#include <algorithm>
#include <cstring>
#include <new>

#include "adi/engine/engine.hpp"

namespace adi {

/// Gives a receive the message that came before it; false when there is none.
bool Engine::receive_unexpected(Request& r) {
    Unexpected* message = matcher_.find(r.match);
    if (message == nullptr) return false;
    matcher_.remove(*message);
    consume(r, *message);
    return true;
}

std::vector<Engine::Announced>::iterator Engine::find_announced(Peer peer) {
    return std::find_if(announced_.begin(), announced_.end(),
                        [peer](const Announced& a) { return a.peer == peer; });
}

/// How much of a message's lead the receive takes.
std::uint32_t Engine::lead_of(const Request& r, const Header& header) {
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(header.bytes, r.accept_bytes));
}

/// A receive found its message among the unexpected ones.
void Engine::consume(Request& r, Unexpected& message) {
    const Header header = message.header;
    begin_receive(r, message.peer, header, message.total_bytes);
    if (header.kind == static_cast<std::uint8_t>(MessageKind::rts)) {
        const std::uint64_t address = message.address;
        recycle(&message);
        return rendezvous(r, header, address);
    }
    if (header.kind == static_cast<std::uint8_t>(MessageKind::lead)) {
        r.lead_bytes = lead_of(r, header);
        rendezvous(r, header, message.address);
    } else if (header.flags & kSync) {
        answer(message.peer, MessageKind::ack, header.cookie);
    }
    if (message.arrived) return finish_unexpected(r, message);
    if (routes_[message.peer].lost) [[unlikely]] {  // the rest will not come
        recycle(&message);
        return fail(r);
    }
    message.claimed = &r;
}

/// The payload that was buffered is all there: an eager message, or a lead.
void Engine::finish_unexpected(Request& r, Unexpected& message) {
    const bool lead = message.header.kind == static_cast<std::uint8_t>(MessageKind::lead);
    const std::uint64_t bytes = lead ? r.lead_bytes : r.accept_bytes;
    r.buffer.write(0, message.data, bytes);
    recycle(&message);
    data_arrived(r, bytes);
}

/// The last payload byte of a stream is where on_header() asked for it.
void Engine::on_received(ReceiveStream& stream) {
    close_stream(stream);
    if (stream.token == nullptr) return;  // a control message in parts
    const auto token = reinterpret_cast<std::uintptr_t>(stream.token);
    if (token & 1) {
        auto& message = *reinterpret_cast<Unexpected*>(token - 1);
        message.arrived = true;
        if (message.claimed != nullptr) finish_unexpected(*message.claimed, message);
        return;
    }
    auto& r = *static_cast<Request*>(stream.token);
    switch (static_cast<MessageKind>(stream.header.kind)) {
        case MessageKind::data: return data_arrived(r, stream.header.bytes);
        case MessageKind::lead: return data_arrived(r, r.lead_bytes);
        default: return data_arrived(r, r.accept_bytes);
    }
}

/// The announced message of `header`, a rts or a lead, is matched: fetch the message, or what comes
/// behind the lead, have it put, or ask for it.
void Engine::rendezvous(Request& r, const Header& header, std::uint64_t address) {
    Route& route = routes_.at(r.peer);
    if (route.way == Way::unconnected && !connect(route, r.peer)) {
        r.status = Status::peer_failed;
        r.accept_bytes = r.lead_bytes;
    } else {
        if ((header.flags & kGettable) != 0 && r.buffer.layout == nullptr &&
            r.accept_bytes > r.lead_bytes &&
            (fetch(r, route, header, address) || deposit(r, route, header, address))) {
            return;
        }
        operations_.name(r);
        send_cts(r, header.cookie);
    }
    // Nothing will come that would complete the receive. A lead does, even if none of it is kept.
    if (r.accept_bytes == 0 && header.kind == static_cast<std::uint8_t>(MessageKind::rts)) {
        complete(r);
    }
}

/// Asks for what was not granted, or fetched, as data.
void Engine::send_cts(const Request& r, std::uint32_t sender_cookie) {
    Header cts;
    cts.kind = static_cast<std::uint8_t>(MessageKind::cts);
    cts.cookie = sender_cookie;
    cts.bytes = sizeof(CtsPayload);
    const CtsPayload payload{r.accept_bytes, r.cookie, 0};
    send_control(r.peer, cts, &payload);
}

/// Fetches the message when the device can and that is (or has to be found out to be) faster.
bool Engine::fetch(Request& r, const Route& route, const Header& header, std::uint64_t address) {
    Device& device = *devices_.all[route.device];
    const Capabilities& can = device.capabilities();
    if (r.accept_bytes < can.get_bytes || r.lead_bytes > 0) return false;
    GetChooser& chooser = choosers_[route.device];
    const std::int64_t start = can.get_certain ? 0 : Waiter::now_ns();
    if (!can.get_certain && chooser.choose(r.accept_bytes) == GetChooser::Way::stream) {
        chooser.stream_started(start);
        r.timed = true;
        return false;
    }
    const Status got = device.get(r.peer, address, r.buffer.base, r.accept_bytes);
    if (got == Status::unsupported) return false;
    if (got != Status::ok) {
        fault(r.peer, got, "the message's memory could not be read");
        r.status = got;
    } else {
        r.received_bytes = r.accept_bytes;
        if (!can.get_certain) chooser.got(r.accept_bytes, Waiter::now_ns() - start);
    }
    answer(r.peer, MessageKind::fin, header.cookie);
    complete(r);
    return true;
}

void Engine::data_arrived(Request& r, std::uint64_t bytes) {
    r.received_bytes += bytes;
    if (r.received_bytes < r.accept_bytes) return;
    if (r.timed) choosers_[routes_[r.peer].device].stream_done(r.accept_bytes, Waiter::now_ns());
    if (r.landing != nullptr) close_landing(r);
    complete(r);
}

/// The receiver is ready for an announced message.
void Engine::on_cts(Peer peer, const Header& header, const CtsPayload& cts) {
    Request* r = operations_.find(header.cookie);
    const bool first = r != nullptr && r->kind == MessageKind::rts &&
                       r->stage == Request::Stage::announced && cts.accept_bytes <= r->total_bytes;
    // Or the receiver has no memory any more to grant, and asks for the rest.
    const bool rest = r != nullptr && r->granted && cts.accept_bytes == r->accept_bytes &&
                      r->moved_bytes < r->accept_bytes;
    if (r == nullptr || r->receive || r->peer != peer || (!first && !rest)) {
        return fault(peer, Status::corrupt, "clear to send for no message of this process");
    }
    operations_.release(*r);
    if (first) end_lead(*r);
    r->accept_bytes = cts.accept_bytes;
    r->kind = MessageKind::data;
    r->synchronous = false;
    r->stage = Request::Stage::transfer;
    if (r->accept_bytes <= r->lead_bytes) {  // the lead is all that is wanted
        if (r->open_parts == 0) complete(*r);
        return;
    }
    ++r->open_parts;
    Outgoing item;
    item.request = r;
    item.header.kind = static_cast<std::uint8_t>(MessageKind::data);
    item.header.cookie = cts.receiver_cookie;
    item.end_bytes = r->accept_bytes;
    enqueue(peer, item, routes_.at(peer));
}

/// fin, ack, cancel_reply: what the peer says about an announced message of this process.
void Engine::on_settled(Peer peer, const Header& header) {
    const auto kind = static_cast<MessageKind>(header.kind);
    Request* r = operations_.find(header.cookie);
    const bool valid = r != nullptr && !r->receive && r->peer == peer &&
                       r->stage == Request::Stage::announced && r->open_parts == 0;
    if (kind == MessageKind::cancel_reply) {
        // A message that was matched in the meantime is simply not cancelled.
        if (valid && (header.flags & kCancelled) != 0) {
            end_lead(*r);
            r->cancelled = true;
            complete(*r);
        } else if (valid && r->cancel_pending && is_network_context(r->match.context)) {
            // Not matched, or there would have been an answer before: the network has it still.
            answer(peer, MessageKind::cancel, r->cookie);
        }
        return;
    }
    // A stream is matched by its header: the answer may come while the rest is still being sent.
    if (kind == MessageKind::ack && r != nullptr && !r->receive && r->peer == peer &&
        r->kind == MessageKind::eager && r->stream_open && r->synchronous) {
        r->synchronous = false;
        return;
    }
    if (!valid) return fault(peer, Status::corrupt, "an answer to no message of this process");
    complete(*r);
}

// --- cancel and probe ----------------------------------------------------------------------------

void Engine::cancel(Request& r) {
    if (r.complete() || r.cancel_pending) return;
    if (r.receive) {
        if (r.stage == Request::Stage::delegated) {
            r.cancel_pending = true;
            return network_->retract(&r);
        }
        if (r.stage != Request::Stage::posted) return;
        matcher_.remove_posted(r);
        r.cancelled = true;
        return complete(r);
    }
    if (r.stage == Request::Stage::announced) {
        r.cancel_pending = true;
        return answer(r.peer, MessageKind::cancel, r.cookie);
    }
    if (r.stage != Request::Stage::queued || r.stream_open) return;
    SendQueue& queue = *route_of(r.peer, r.match).queue;
    std::erase_if(queue.items, [&r](const Outgoing& item) { return item.request == &r; });
    end_lead(r);
    r.cancelled = true;
    complete(r);
}

void Engine::on_cancel(Peer peer, const Header& header) {
    Unexpected* message = matcher_.find_by(peer, header.cookie);
    // Payload that is still being moved stays where it goes: the message is not cancelled then.
    const bool moving = message != nullptr && !message->arrived &&
                        message->header.kind != static_cast<std::uint8_t>(MessageKind::rts);
    if (message == nullptr && network_ != nullptr) network_->watch();  // it may be there
    if (message == nullptr || header.cookie == 0 || moving) {
        return answer(peer, MessageKind::cancel_reply, header.cookie);
    }
    matcher_.remove(*message);
    recycle(message);
    answer(peer, MessageKind::cancel_reply, header.cookie, kCancelled);
}

bool Engine::probe(const Match& match, Envelope* found) {
    const Unexpected* message = matcher_.find(match);
    if (message == nullptr) {
        watch_for(match);
        return false;
    }
    *found = {message->header.source, message->header.tag, message->total_bytes};
    return true;
}

Unexpected* Engine::mprobe(const Match& match, Envelope* found) {
    if (!probe(match, found)) return nullptr;
    Unexpected* message = matcher_.find(match);
    matcher_.remove(*message);
    return message;
}

void Engine::mrecv(Request& r, Unexpected& message, const Buffer& buffer) {
    reset_receive(r, buffer);
    consume(r, message);
}

// --- unexpected messages -------------------------------------------------------------------------

Unexpected* Engine::new_unexpected(Peer peer, const Header& header) {
    Unexpected* message = free_unexpected_;
    if (message != nullptr) {
        free_unexpected_ = message->later;
    } else if (message = new (std::nothrow) Unexpected; message == nullptr) {
        fault(peer, Status::no_memory, "no memory for an unexpected message");
        return nullptr;
    }
    message->header = header;
    message->peer = peer;
    message->arrived = false;
    message->claimed = nullptr;
    message->data = message->small;
    if (header.bytes > sizeof message->small) {
        message->heap.reset(new (std::nothrow) std::byte[header.bytes]);
        message->data = message->heap.get();
        if (message->data == nullptr) {
            recycle(message);
            fault(peer, Status::no_memory, "no memory for an unexpected message");
            return nullptr;
        }
    }
    return message;
}

void Engine::recycle(Unexpected* message) {
    message->heap.reset();
    message->later = free_unexpected_;
    free_unexpected_ = message;
}

}  // namespace adi
