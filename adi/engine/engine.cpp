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
        Unexpected* next = free_unexpected_->next;
        delete free_unexpected_;
        free_unexpected_ = next;
    }
}

void Engine::fault(Peer peer, Status why, const std::string& what) {
    if (hooks_.fault) hooks_.fault(peer, why, what);
}

// --- sending -------------------------------------------------------------------------------------

Status Engine::send(Peer to, const Match& match, const Buffer& buffer) {
    Route& route = routes_[to];
    if (buffer.bytes <= dev::shm::kInlineBytes && route.queue == nullptr) [[likely]] {
        const Header header{match.context,
                            match.source,
                            match.tag,
                            static_cast<std::uint8_t>(MessageKind::eager),
                            0,
                            0,
                            static_cast<std::uint32_t>(buffer.bytes),
                            0};
        if (route.way == Way::shm) [[likely]] {
            if (devices_.shm->send_short(to, header, buffer) == Status::ok) return Status::ok;
        }
    }
    Request r;
    isend(r, to, match, buffer, false);
    if (!r.complete()) wait(r);
    return r.status;
}

void Engine::isend(Request& r, Peer to, const Match& match, const Buffer& buffer,
                   bool synchronous) {
    r.receive = false;
    r.match = match;
    r.peer = to;
    r.buffer = buffer;
    r.total_bytes = r.accept_bytes = buffer.bytes;
    r.moved_bytes = 0;
    r.synchronous = synchronous;
    r.stream_open = r.cancelled = r.cancel_pending = r.granted = false;
    r.open_puts = 0;
    r.status = Status::ok;
    r.stage = Request::Stage::queued;
    Route& route = routes_[to];
    if (route.way == Way::unconnected && !connect(route, to)) {
        r.status = Status::peer_failed;
        return complete(r);
    }
    const Capabilities& can =
        devices_.call(route, [](auto& d) -> const Capabilities& { return d.capabilities(); });
    Outgoing item;
    item.request = &r;
    item.header.context = match.context;
    item.header.source = match.source;
    item.header.tag = match.tag;
    if (buffer.bytes <= can.eager_bytes) {
        item.header.kind = static_cast<std::uint8_t>(MessageKind::eager);
        item.header.bytes = static_cast<std::uint32_t>(buffer.bytes);
        if (synchronous) {
            operations_.name(r);
            item.header.flags = kSync;
            item.header.cookie = r.cookie;
        }
    } else {
        operations_.name(r);
        const RtsPayload rts{buffer.bytes, reinterpret_cast<std::uintptr_t>(buffer.base)};
        std::memcpy(item.control.data(), &rts, sizeof rts);
        item.header.kind = static_cast<std::uint8_t>(MessageKind::rts);
        item.header.flags = buffer.layout == nullptr ? kGettable : std::uint8_t{0};
        item.header.bytes = sizeof rts;
        item.header.cookie = r.cookie;
    }
    r.kind = static_cast<MessageKind>(item.header.kind);
    if (route.queue != nullptr && !route.queue->items.empty()) return enqueue(to, item);
    if (!push(item, to, route)) enqueue(to, item);
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
    }
    return *route.queue;
}

void Engine::enqueue(Peer to, const Outgoing& item) {
    SendQueue& queue = queue_of(routes_[to], to);
    queue.items.push_back(item);
    if (!queue.listed) {
        queue.listed = true;
        busy_.push_back(&queue);
    }
}

void Engine::send_control(Peer to, const Header& header, const void* payload) {
    Route& route = routes_[to];
    if (route.way == Way::unconnected && !connect(route, to)) return;
    Outgoing item;
    item.header = header;
    if (payload != nullptr) std::memcpy(item.control.data(), payload, header.bytes);
    if (route.queue != nullptr && !route.queue->items.empty()) return enqueue(to, item);
    if (!push(item, to, route)) enqueue(to, item);
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

/// push() for payload: a short or streamed eager message, or segments of data.
bool Engine::push_payload(Outgoing& item, Peer to, const Route& route) {
    Request& r = *item.request;
    const bool eager = r.kind == MessageKind::eager;
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
                if (!eager) {
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
        if (eager && r.synchronous) {
            r.stage = Request::Stage::announced;
        } else if (r.granted) {
            settle_put(r);
        } else {
            complete(r);
        }
        return true;
    });
}

/// Sends what the queue holds, as far as there is room; true when it is empty.
bool Engine::flush_queue(SendQueue& queue) {
    const Route& route = routes_[queue.peer];
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
        routes_[queue.peer].queue = nullptr;
        spare_.push_back(&queue);
        busy_[i] = busy_.back();
        busy_.pop_back();
    }
    return sent_ != before ? 1 : 0;
}

void Engine::complete(Request& r) {
    operations_.release(r);
    r.stage = Request::Stage::complete;
    if (sleepers_ > 0) [[unlikely]]
        wake();
    if (r.on_complete != nullptr) r.on_complete(r);
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
    if (done == 0 && oversubscribed_) sched_yield();
    return done;
}

}  // namespace adi
