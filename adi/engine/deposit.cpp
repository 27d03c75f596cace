// Rendezvous by puts, where the device has them: the receiver registers memory and grants it, the
// sender puts, says so, and the receiver takes the registration back. What either side cannot do
// ends in data messages.
#include <algorithm>
#include <cstring>
#include <new>

#include "adi/engine/engine.hpp"

namespace adi {
namespace {

/// What is missing at `address` to a multiple of `align`.
std::uint64_t short_of(std::uint64_t address, std::uint32_t align) {
    return -address & (align - 1);
}

/// Up to where a message is put. Its last bytes come as data where the first do: the sender copies
/// them, and so is done with its buffer, and at its next message, while they are on their way.
std::uint64_t put_end(const Request& r, const Capabilities& can) {
    const bool long_enough = r.accept_bytes - r.lead_bytes >= can.put_bytes + can.lead_bytes;
    return r.accept_bytes - (long_enough ? can.lead_bytes : 0);
}

}  // namespace

// --- the receiver --------------------------------------------------------------------------------

/// Grants the first memory of an announced message; false when it has to come as data.
bool Engine::deposit(Request& r, const Route& route, const Header& header, std::uint64_t address) {
    const Capabilities& can = devices_.all[route.device]->capabilities();
    const std::uint64_t base = reinterpret_cast<std::uintptr_t>(r.buffer.base);
    if (r.accept_bytes - r.lead_bytes < can.put_bytes || can.put_most_bytes < 2 * kMostPutAlign ||
        ((address ^ base) & (can.put_align - 1)) != 0) {
        return false;
    }
    if (spare_landings_ == nullptr) {
        landings_.push_back(std::make_unique<Landing>());
        landings_.back()->next = std::exchange(spare_landings_, landings_.back().get());
    }
    r.landing = std::exchange(spare_landings_, spare_landings_->next);
    r.landing->first = r.landing->open = 0;
    r.landing->granted_bytes = r.lead_bytes;
    r.landing->sender_cookie = header.cookie;
    operations_.name(r);
    while (grant(r)) {
    }
    if (r.landing->open > 0) return true;
    operations_.release(r);
    close_landing(r);
    return false;
}

/// Opens the next window, if one is due and can be had; behind the last it asks for the end.
bool Engine::grant(Request& r) {
    Landing& landing = *r.landing;
    Device& device = *devices_.all[routes_[r.peer].device];
    const Capabilities& can = device.capabilities();
    const std::uint64_t end = put_end(r, can);
    if (landing.open == Landing::kWindows || landing.granted_bytes >= end) return false;
    const std::uint64_t left = end - landing.granted_bytes;
    const std::uint64_t most = can.put_most_bytes & ~std::uint64_t{can.put_align - 1};
    std::byte* start = static_cast<std::byte*>(r.buffer.base) + landing.granted_bytes;
    Landing::Window window;
    window.offset = landing.granted_bytes;
    window.head_bytes = short_of(reinterpret_cast<std::uintptr_t>(start), can.put_align);
    if (left <= window.head_bytes + can.put_align) return false;
    std::uint64_t inner = left - window.head_bytes;
    window.bytes = left;
    // A remainder that would be no window of its own goes with this one, or this one is shorter.
    if (inner > most) {
        inner = std::min(most, inner - 2 * std::uint64_t{can.put_align});
        inner &= ~std::uint64_t{can.put_align - 1};
        window.bytes = window.head_bytes + inner;
    }
    inner &= ~std::uint64_t{can.put_align - 1};
    if (device.reg(start + window.head_bytes, inner, r.peer, &window.key) != Status::ok) {
        return false;
    }
    landing.windows[(landing.first + landing.open++) % Landing::kWindows] = window;
    landing.granted_bytes += window.bytes;
    Header header;
    header.kind = static_cast<std::uint8_t>(MessageKind::grant);
    header.cookie = landing.sender_cookie;
    header.bytes = sizeof(GrantPayload);
    const GrantPayload payload{r.accept_bytes,
                               window.offset,
                               window.bytes,
                               window.key.value,
                               inner,
                               r.cookie,
                               static_cast<std::uint32_t>(window.head_bytes)};
    send_control(r.peer, header, &payload);
    if (landing.granted_bytes == end && end < r.accept_bytes) ask_for_rest(r);
    return true;
}

void Engine::on_put_done(Peer peer, const Header& header, const PutDonePayload& done) {
    Request* r = operations_.find(header.cookie);
    if (r == nullptr || !r->receive || r->peer != peer || r->landing == nullptr ||
        r->landing->open == 0) {
        return fault(peer, Status::corrupt, "a put into no memory that this process opened");
    }
    Landing& landing = *r->landing;
    const Landing::Window window = landing.windows[landing.first];
    if (done.offset != window.offset || done.bytes != window.bytes) {
        return fault(peer, Status::corrupt, "a put into other memory than was opened");
    }
    devices_.all[routes_[peer].device]->dereg(window.key);
    landing.first = (landing.first + 1) % Landing::kWindows;
    --landing.open;
    grant(*r);
    if (landing.open == 0 && landing.granted_bytes < r->accept_bytes) ask_for_rest(*r);
    if ((header.flags & kDeclined) != 0) return;
    const std::uint64_t tail = window.bytes - window.head_bytes - window.key.bytes;
    r->buffer.write(window.offset, done.head, window.head_bytes);
    r->buffer.write(window.offset + window.bytes - tail, done.tail, tail);
    data_arrived(*r, window.bytes);
}

/// No window is to be opened any more, or none could be: what is left comes as data.
void Engine::ask_for_rest(Request& r) {
    r.landing->granted_bytes = r.accept_bytes;
    send_cts(r, r.landing->sender_cookie);
}

/// Takes back what is open and gives the landing back.
void Engine::close_landing(Request& r) {
    Landing& landing = *r.landing;
    for (std::size_t i = 0; i < landing.open; ++i) {
        const auto& window = landing.windows[(landing.first + i) % Landing::kWindows];
        devices_.all[routes_[r.peer].device]->dereg(window.key);
    }
    landing.next = std::exchange(spare_landings_, &landing);
    r.landing = nullptr;
}

// --- the sender ----------------------------------------------------------------------------------

void Engine::on_grant(Peer peer, const Header& header, const GrantPayload& g) {
    Request* r = operations_.find(header.cookie);
    const bool first = r != nullptr && r->kind == MessageKind::rts &&
                       r->stage == Request::Stage::announced && g.accept_bytes <= r->total_bytes &&
                       g.offset == r->lead_bytes;
    const bool later = r != nullptr && r->granted && g.accept_bytes == r->accept_bytes;
    if (r == nullptr || r->receive || r->peer != peer || (!first && !later) ||
        g.offset >= g.accept_bytes || g.bytes > g.accept_bytes - g.offset ||
        g.head_bytes >= kMostPutAlign || g.bytes < g.head_bytes || g.key_bytes == 0 ||
        g.key_bytes > g.bytes - g.head_bytes ||
        g.bytes - g.head_bytes - g.key_bytes >= kMostPutAlign) {
        return fault(peer, Status::corrupt, "a grant for no message of this process");
    }
    if (first) end_lead(*r);
    r->accept_bytes = g.accept_bytes;
    r->kind = MessageKind::data;
    r->synchronous = false;
    r->granted = true;
    r->stage = Request::Stage::transfer;
    ++r->open_parts;
    Outgoing item;
    item.request = r;
    item.header.kind = static_cast<std::uint8_t>(MessageKind::grant);
    item.header.cookie = g.receiver_cookie;
    std::memcpy(item.control.data(), &g, sizeof g);
    enqueue(peer, item, routes_.at(peer));
}

/// push() for the answer to a grant: puts, then says so. A put that cannot be done is declined, and
/// the item goes on as data.
bool Engine::push_put(Outgoing& item, Peer to, const Route& route) {
    Request& r = *item.request;
    Device& device = *devices_.all[route.device];
    if (item.header.kind == static_cast<std::uint8_t>(MessageKind::grant)) {
        GrantPayload g;
        std::memcpy(&g, item.control.data(), sizeof g);
        if (g.offset != r.moved_bytes) {
            r.status = Status::corrupt;
            fault(to, Status::corrupt, "a grant out of turn");
            return true;
        }
        const Status put =
            r.buffer.layout != nullptr
                ? Status::unsupported
                : device.put(to, static_cast<std::byte*>(r.buffer.base) + g.offset + g.head_bytes,
                             g.key_bytes, {g.key, g.key_bytes}, &r);
        if (put == Status::again) return false;
        PutDonePayload done{g.offset, g.bytes, {}, {}};
        const std::uint64_t tail = g.bytes - g.head_bytes - g.key_bytes;
        r.buffer.read(g.offset, done.head, g.head_bytes);
        r.buffer.read(g.offset + g.bytes - tail, done.tail, tail);
        std::memcpy(item.control.data(), &done, sizeof done);
        item.header.kind = static_cast<std::uint8_t>(MessageKind::put_done);
        item.header.flags = put == Status::ok ? std::uint8_t{0} : kDeclined;
        item.header.bytes = sizeof done;
        item.end_bytes = g.offset + g.bytes;
        ++sent_;
        if (put == Status::ok) {
            ++r.open_parts;
            r.moved_bytes = item.end_bytes;
        }
    }
    const Buffer control = contiguous(item.control.data(), item.header.bytes);
    const Status s = device.send_short(to, item.header, control);
    if (s == Status::again) return false;
    if (s != Status::ok) fault(to, s, "a control message could not be sent");
    ++sent_;
    if ((item.header.flags & kDeclined) == 0) {
        settle_part(r);
        return true;
    }
    item.header.kind = static_cast<std::uint8_t>(MessageKind::data);
    item.header.flags = 0;
    return push_payload(item, to, route);
}

void Engine::on_put(void* token, Status status) {
    auto& r = *static_cast<Request*>(token);
    if (status != Status::ok) {
        r.status = status;
        fault(r.peer, status, "a put into the receiver's memory failed");
    }
    settle_part(r);
}

/// One thing less that a long send waits for. A receiver may want less than the lead; until it has
/// answered, accept_bytes is more.
void Engine::settle_part(Request& r) {
    if (--r.open_parts == 0 && r.moved_bytes >= r.accept_bytes) complete(r);
}

}  // namespace adi
