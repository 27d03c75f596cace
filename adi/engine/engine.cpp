// Sending and progress. Receiving is in receive.cpp, the engine's life in life.cpp.
#include "adi/engine/engine.hpp"

#include <sched.h>

#include <algorithm>
#include <cstring>

#include "adi/engine/device_sink.hpp"

namespace adi {
namespace {

constexpr int kPollBudget = 16;  ///< events per ring and poll: fair to other peers, cheap to check

/// A message after rendezvous travels in segments, so that short messages to the same peer need
/// not wait for the whole of it.
constexpr std::uint64_t kSegmentBytes = 256 * 1024;

}  // namespace

Engine::Engine() = default;

Engine::~Engine() {
    while (free_unexpected_ != nullptr) {
        Unexpected* next = free_unexpected_->later;
        delete free_unexpected_;
        free_unexpected_ = next;
    }
}

// --- sending -------------------------------------------------------------------------------------

Status Engine::send_long(Peer to, const Match& match, const Buffer& buffer) {
    Request r;
    begin_send(r, to, match, buffer, false);
    if (!r.complete()) wait(r);
    return r.status;
}

/// isend() of what does not go in one call of the device now.
void Engine::begin_send(Request& r, Peer to, const Match& match, const Buffer& buffer,
                        bool synchronous) {
    r.receive = false;
    r.match = match;
    r.peer = to;
    r.buffer = buffer;
    r.total_bytes = r.accept_bytes = buffer.bytes;
    r.moved_bytes = 0;
    r.synchronous = synchronous;
    r.stream_open = r.cancelled = r.cancel_pending = r.granted = false;
    r.lead_bytes = 0;
    r.open_parts = 0;
    r.status = Status::ok;
    r.stage = Request::Stage::queued;
    Route& route = route_of(to, match);
    if (route.way == Way::unconnected && !connect(route, to)) {
        r.status = Status::peer_failed;
        return complete(r);
    }
    const Capabilities& can =
        devices_.call(route, [](auto& d) -> const Capabilities& { return d.capabilities(); });
    const bool network = is_network_context(match.context);
    if (buffer.bytes > (network ? can.short_bytes : can.eager_bytes)) {
        return announce(r, to, route, can);
    }
    r.kind = MessageKind::eager;
    Outgoing item;
    item.request = &r;
    item.header = header_of(match, MessageKind::eager, buffer.bytes);
    if (synchronous) {
        operations_.name(r);
        item.header.flags = kSync;
        item.header.cookie = r.cookie;
    }
    submit(item, to, route);
}

/// Announces a long message. Its lead goes behind that, unless another one's is unanswered: a
/// process that is not about to receive holds one lead of each peer at most.
void Engine::announce(Request& r, Peer to, Route& route, const Capabilities& can) {
    operations_.name(r);
    r.kind = MessageKind::rts;
    const bool leads = can.lead_bytes > 0 && !route.leading;
    const RtsPayload rts{r.total_bytes, reinterpret_cast<std::uintptr_t>(r.buffer.base)};
    Outgoing item;
    item.request = &r;
    item.header = header_of(r.match, MessageKind::rts, sizeof rts);
    item.header.flags = static_cast<std::uint8_t>((r.buffer.layout == nullptr ? kGettable : 0) |
                                                  (leads ? kLeads : 0));
    item.header.cookie = r.cookie;
    std::memcpy(item.control.data(), &rts, sizeof rts);
    if (leads) {
        route.leading = true;
        r.lead_bytes = std::min(can.lead_bytes, can.eager_bytes);
        r.open_parts = 1;
    }
    submit(item, to, route);
    if (!leads) return;
    item.header.kind = static_cast<std::uint8_t>(MessageKind::lead);
    item.header.flags = 0;
    item.header.bytes = r.lead_bytes;
    item.end_bytes = r.lead_bytes;
    submit(item, to, route);
}

/// A message sent with a lead is answered: the next one may lead.
void Engine::end_lead(const Request& r) {
    if (r.lead_bytes > 0) routes_.at(r.peer).leading = false;
}

SendQueue& Engine::queue_of(Route& route, Peer peer) {
    if (route.queue == nullptr) {
        if (spare_.empty()) {
            queues_.push_back(std::make_unique<SendQueue>());
            spare_.push_back(queues_.back().get());
        }
        route.queue = spare_.back();
        spare_.pop_back();
        route.queue->peer = peer;
        route.queue->route = &route;
    }
    return *route.queue;
}

void Engine::enqueue(Peer to, const Outgoing& item, Route& route) {
    SendQueue& queue = queue_of(route, to);
    queue.items.push_back(item);
    if (!queue.listed) {
        queue.listed = true;
        busy_.push_back(&queue);
    }
}

/// Sends an item now, or queues it.
void Engine::submit(Outgoing& item, Peer to, Route& route) {
    const bool waiting = route.queue != nullptr && !route.queue->items.empty();
    if (waiting || !push(item, to, route)) enqueue(to, item, route);
}

void Engine::send_control(Peer to, const Header& header, const void* payload) {
    Route& route = routes_.at(to);
    if (route.way == Way::unconnected && !connect(route, to)) return;
    Outgoing item;
    item.header = header;
    if (payload != nullptr) std::memcpy(item.control.data(), payload, header.bytes);
    submit(item, to, route);
}

void Engine::answer(Peer to, MessageKind kind, std::uint32_t cookie, std::uint8_t flags) {
    Header header;
    header.kind = static_cast<std::uint8_t>(kind);
    header.flags = flags;
    header.cookie = cookie;
    send_control(to, header, nullptr);
}

/// Hands an item to the device as far as there is room; true when it is through.
bool Engine::push(Outgoing& item, Peer to, const Route& route) {
    const auto kind = static_cast<MessageKind>(item.header.kind);
    if (item.request != nullptr && kind != MessageKind::rts) {
        const bool put = kind == MessageKind::grant || kind == MessageKind::put_done;
        return put ? push_put(item, to, route) : push_payload(item, to, route);
    }
    const Buffer control = contiguous(item.control.data(), item.header.bytes);
    const Status s =
        devices_.call(route, [&](auto& d) { return d.send_short(to, item.header, control); });
    if (s == Status::again) return false;
    if (s != Status::ok) fault(to, s, "a control message could not be sent");
    ++sent_;
    if (to == self_ && sleepers_ > 0) wake();
    if (item.request != nullptr) item.request->stage = Request::Stage::announced;
    return true;
}

/// push() for payload: a short or streamed eager message, a lead, or segments of data.
bool Engine::push_payload(Outgoing& item, Peer to, const Route& route) {
    Request& r = *item.request;
    const auto kind = static_cast<MessageKind>(item.header.kind);
    const bool eager = kind == MessageKind::eager;
    const std::uint64_t end = eager ? r.accept_bytes : item.end_bytes;
    return devices_.call(route, [&](auto& device) {
        if (eager && item.header.bytes <= device.capabilities().short_bytes) {
            const Status s = device.send_short(to, item.header, r.buffer);
            if (s == Status::again) return false;
            r.status = s;
            r.moved_bytes = r.accept_bytes;
            ++sent_;
        }
        while (r.moved_bytes < end) {
            if (!r.stream_open) {
                if (kind == MessageKind::data) {
                    set_data_offset(item.header, r.moved_bytes);
                    item.header.bytes =
                        static_cast<std::uint32_t>(std::min(kSegmentBytes, end - r.moved_bytes));
                }
                if (device.begin(r.stream, to, item.header) != Status::ok) return false;
                r.stream_open = true;
            }
            const std::uint64_t rest = r.stream.header.bytes - r.stream.sent_bytes;
            const std::uint64_t taken = device.send_piece(r.stream, r.buffer, r.moved_bytes, rest);
            r.moved_bytes += taken;
            if (taken > 0) ++sent_;
            if (taken < rest) return false;
            if (Status s = device.end(r.stream); s != Status::ok) r.status = s;
            r.stream_open = false;
        }
        // Another thread may sleep until this very message comes.
        if (to == self_ && sleepers_ > 0) wake();
        if (!eager) {
            settle_part(r);
        } else if (r.synchronous) {
            r.stage = Request::Stage::announced;
        } else {
            complete(r);
        }
        return true;
    });
}

/// Sends what the queue holds, as far as there is room; true when it is empty.
bool Engine::flush_queue(SendQueue& queue) {
    const Route& route = *queue.route;
    while (!queue.items.empty()) {
        if (!push(queue.items.front(), queue.peer, route)) {
            Outgoing& head = queue.items.front();
            // A long message lets others pass between two of its segments; grants are answered in
            // their order.
            if (head.header.kind == static_cast<std::uint8_t>(MessageKind::data) &&
                !head.request->granted && !head.request->stream_open && queue.items.size() > 1) {
                queue.items.push_back(head);
                queue.items.pop_front();
            }
            return false;
        }
        queue.items.pop_front();
    }
    return true;
}

int Engine::flush() {
    const std::uint64_t before = sent_;
    for (std::size_t i = 0; i < busy_.size();) {
        SendQueue& queue = *busy_[i];
        if (!flush_queue(queue)) {
            ++i;
            continue;
        }
        queue.listed = false;
        queue.route->queue = nullptr;
        spare_.push_back(&queue);
        busy_[i] = busy_.back();
        busy_.pop_back();
    }
    return sent_ != before ? 1 : 0;
}

// --- progress ------------------------------------------------------------------------------------

int Engine::poll() {
    int done = 0;
    if (devices_.shm != nullptr) {
        DeviceSink<dev::shm::Shm> sink{*this, *devices_.shm};
        done += devices_.shm->poll_into(sink, kPollBudget);
    }
    if (devices_.self != nullptr) {
        DeviceSink<dev::self::Self> sink{*this, *devices_.self};
        done += devices_.self->poll_into(sink, kPollBudget);
    }
    for (Device* device : others_) {
        DeviceSink<Device> sink{*this, *device};
        done += device->poll(sink, kPollBudget);
    }
    if (!busy_.empty()) done += flush();
    if (!deferred_.empty()) [[unlikely]]
        done += deferred_.run();
    if (done > 0 && sleepers_ > 0) [[unlikely]]
        wake();
    return done;
}

int Engine::look() {
    const int done = poll();
    if (done > 0) return done;
    if (news()) [[unlikely]] {
        take_news();
        return poll();
    }
    if (hooks_.board != nullptr) hooks_.board->looked();
    if (oversubscribed_) sched_yield();
    return 0;
}

}  // namespace adi
