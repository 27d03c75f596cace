// Matching by the network, in contexts whose processes have agreed on it. The device has the
// receives that are posted and the messages that suit none. The engine's own queues stand before
// it: what a probe has looked at, and what came while the device watched, waits among the
// unexpected messages as ever, and a receive looks there first. A receive that the device has no
// room for is posted here; until it has its message the device watches, and all receives after it
// are posted here, so that none is matched before its turn.
#include "adi/engine/engine.hpp"

namespace adi {

void Engine::find_network() {
    for (std::size_t i = 0; i < devices_.all.size() && network_ == nullptr; ++i) {
        const Capabilities& can = devices_.all[i]->capabilities();
        if (can.match_sources == 0) continue;
        network_ = devices_.all[i].get();
        loop_.way = Way::other;
        loop_.device = static_cast<std::uint8_t>(i);
        loop_.short_limit = can.short_bytes + 1;
    }
}

/// Posts a receive to the device; false: the engine has to match it.
bool Engine::delegate(Request& r) {
    const auto network = [](const Match& match) { return is_network_context(match.context); };
    spilled_ = spilled_ && matcher_.any_posted(network);
    Header wanted;
    wanted.context = r.match.context;
    wanted.source = r.match.source;
    wanted.tag = r.match.tag;
    if (spilled_ || network_->post(wanted, &r) != Status::ok) {
        spilled_ = true;
        network_->watch();
        return false;
    }
    r.stage = Request::Stage::delegated;
    delegated_.push(r);
    return true;
}

/// It was cancelled, or its peer is lost.
void Engine::on_retracted(Request& r) {
    delegated_.remove(r);
    r.stage = Request::Stage::posted;
    if (!r.cancel_pending) return fail(r);
    r.cancelled = true;
    complete(r);
}

}  // namespace adi
