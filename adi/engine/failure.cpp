// Peers that are lost: whatever depends on one ends with peer_failed, and what still comes for it
// is dropped.
#include <algorithm>
#include <utility>

#include "adi/engine/engine.hpp"

namespace adi {

/// May be called from anywhere in the engine, so requests end later, in poll().
void Engine::fault(Peer peer, Status why, const std::string& what) {
    if (peer < routes_.size() && routes_[peer].lost) return;  // all is said of it
    if (hooks_.fault) hooks_.fault(peer, why, what);
    if (why != Status::peer_failed || peer == self_ || peer >= routes_.size()) return;
    routes_.at(peer).lost = any_lost_ = true;
    to_fail_.push_back(peer);
    if (to_fail_.size() == 1) defer(fail_task_);
}

/// What the launcher's board says. All that a peer of this host sent before it was lost is here
/// already: polling has found nothing more.
void Engine::take_news() {
    const std::uint32_t count = lost_count_->load(std::memory_order_acquire);
    while (lost_seen_ != count) {
        const Peer peer = hooks_.board->lost(lost_seen_++);
        if (peer < routes_.size() && peer != self_) {
            fault(peer, Status::peer_failed, "its process has ended");
        }
    }
    take_invitations();
}

/// Peers that cannot connect to this process wait for it to connect to them.
void Engine::take_invitations() {
    const std::uint32_t count = invited_count_->load(std::memory_order_acquire);
    while (invited_seen_ != count) {
        const Peer peer = hooks_.board->invited_by(invited_seen_++);
        if (peer < routes_.size() && peer != self_ && !routes_[peer].lost) {
            (void)connect(routes_.at(peer), peer);
        }
    }
}

void Engine::fail_lost() {
    for (const Peer peer : std::exchange(to_fail_, {})) fail_peer(peer);
    if (hooks_.lost == nullptr) return;
    fail_receives();
    fail_sends();
}

/// Ends what the engine itself knows to depend on the peer.
void Engine::fail_peer(Peer peer) {
    Route& route = routes_.at(peer);
    route.way = Way::unconnected;
    route.short_limit = 0;
    route.leading = false;
    std::erase_if(announced_, [peer](const Announced& a) { return a.peer == peer; });
    if (route.queue != nullptr) fail_queue(*route.queue);
    for (ReceiveStream* stream : std::exchange(open_streams_, {})) {
        if (stream->peer == peer) {
            fail_stream(*stream);
        } else {
            open_streams_.push_back(stream);
        }
    }
    operations_.for_each([&](Request& r) {
        const bool in_transfer = !r.receive || r.stage == Request::Stage::transfer;
        if (r.peer == peer && in_transfer) fail(r);
    });
}

/// The queue stays where it is, empty: flush() takes it away.
void Engine::fail_queue(SendQueue& queue) {
    const std::deque<Outgoing> items = std::exchange(queue.items, {});
    for (const Outgoing& item : items) {
        const auto kind = static_cast<MessageKind>(item.header.kind);
        const bool part = kind != MessageKind::eager && kind != MessageKind::rts;
        if (item.request != nullptr && part) --item.request->open_parts;
    }
    // A request has several items at times, and is gone after its end.
    std::vector<Request*> requests;
    for (const Outgoing& item : items) {
        if (item.request != nullptr) requests.push_back(item.request);
    }
    std::sort(requests.begin(), requests.end());
    requests.erase(std::unique(requests.begin(), requests.end()), requests.end());
    for (Request* r : requests) fail(*r);
}

/// The rest of a stream will not come; if some of it does, it is not kept.
void Engine::fail_stream(ReceiveStream& stream) {
    const auto token = reinterpret_cast<std::uintptr_t>(std::exchange(stream.token, nullptr));
    if (token == 0) return;
    if (token & 1) {
        // Where nobody has claimed it, it is left for its receive, which fails then.
        auto& message = *reinterpret_cast<Unexpected*>(token - 1);
        if (message.claimed != nullptr) fail(*message.claimed);
    } else {
        stream.accept_bytes = stream.moved_bytes;
        fail(*reinterpret_cast<Request*>(token));
    }
}

/// Those that the layer above knows to depend on lost peers.
void Engine::fail_receives() {
    const auto lost = [this](const Match& match) { return hooks_.lost(match, false); };
    while (Request* r = matcher_.take_posted_if(lost)) fail(*r);
    for (Request* r = delegated_.head; r != nullptr; r = r->next) {
        if (lost(r->match)) network_->retract(r);
    }
}

/// What the processes of a context do together has failed, so a living peer may have left it and
/// never answer: messages that it has not matched yet are taken back.
void Engine::fail_sends() {
    operations_.for_each([&](Request& r) {
        if (r.receive || r.cancel_pending || routes_[r.peer].lost || !hooks_.lost(r.match, true)) {
            return;
        }
        if (r.stage == Request::Stage::announced || r.stage == Request::Stage::queued) {
            r.status = Status::peer_failed;
            cancel(r);
        }
    });
}

void Engine::fail(Request& r) {
    if (r.complete()) return;
    r.status = Status::peer_failed;
    if (!r.receive && r.open_parts > 0) {
        // The device has puts of it, and says when it is done with them.
        r.accept_bytes = r.moved_bytes;
        return;
    }
    if (r.receive && r.stage == Request::Stage::posted) {
        r.source = r.match.source;
        r.tag = r.match.tag;
    }
    if (r.receive && r.landing != nullptr) close_landing(r);
    complete(r);
}

}  // namespace adi
