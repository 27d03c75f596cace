#include "firmware/emulator/remote_end.hpp"

#include <utility>

namespace emulator {

using adi::Result;
using adi::Status;

RemoteEnd::RemoteEnd(Fabric& fabric) : fabric_(fabric) {
    outlet.kind = Feeder::Kind::outlet;
    outlet.far = this;
    inlet_.kind = Feeder::Kind::inlet;
    inlet_.far = this;
}

RemoteEnd::~RemoteEnd() {
    for (Feeder* feeder : {&outlet, &inlet_})
        for (Chunk* chunk = feeder->first; chunk != nullptr;)
            delete std::exchange(chunk, chunk->next);
}

Result<std::unique_ptr<RemoteEnd>> RemoteEnd::open(Fabric& fabric, const Topology::Link& link) {
    if (fabric.timed())
        return Result<std::unique_ptr<RemoteEnd>>(
            Status::bad_argument, "in modelled time there are no links to other emulators");
    auto end = std::make_unique<RemoteEnd>(fabric);
    auto opened = RemoteLink::open({link.far == Topology::Far::listen, link.host, link.port,
                                    fabric.options().secret, fabric.options().wake});
    if (!opened) return Result<std::unique_ptr<RemoteEnd>>(opened.status(), opened.message());
    end->link_ = std::move(*opened);
    return end;
}

void RemoteEnd::plug(Channel& out, Channel& in) {
    out.up = in.up = false;
    inlet_.fixed = &in;
}

void RemoteEnd::say(RemoteFrame::Type type) {
    RemoteFrame frame;
    frame.type = type;
    link_->send(session_, std::move(frame));
}

// --- out ----------------------------------------------------------------------------------------

void RemoteEnd::outlet_ready() {
    while (outlet.first != nullptr) {
        if (!joined()) {
            fabric_.free_first(outlet);
            continue;
        }
        if (was_told_stop_ || !link_->room()) return fabric_.arm_watchdog();
        const Chunk& chunk = *outlet.first;
        if (outlet.current == nullptr) {
            outlet.current = chunk.worm;
            ++outlet.current->uses;
        }
        const auto rest = chunk.rest();
        link_->send(session_, {RemoteFrame::Type::data,
                               chunk.head,
                               chunk.tail,
                               chunk.syndrome,
                               {rest.begin(), rest.end()}});
        const bool tail = chunk.tail;
        fabric_.free_first(outlet);
        if (tail) fabric_.drop_use(*std::exchange(outlet.current, nullptr));
    }
}

void RemoteEnd::outlet_lost() {
    if (joined()) say(RemoteFrame::Type::reset);
}

// --- in -----------------------------------------------------------------------------------------

void RemoteEnd::inlet_free() {
    if (std::exchange(told_stop_, false) && joined()) say(RemoteFrame::Type::go);
}

void RemoteEnd::poll(const std::function<void()>& joined_changed) {
    RemoteEvent event;
    while (link_->take(&event)) {
        switch (event.type) {
            case RemoteEvent::Type::up:
                session_ = event.session;
                joined_changed();
                break;
            case RemoteEvent::Type::down:
                part();
                joined_changed();
                break;
            case RemoteEvent::Type::frame:
                if (joined()) take(event.frame);
                break;
        }
    }
    fabric_.ready(outlet);
}

/// The other side is gone: nothing of what was under way will come, or go, to its end.
void RemoteEnd::part() {
    session_ = 0;
    told_stop_ = was_told_stop_ = throwing_ = false;
    forget_open();
    fabric_.purge_feeder(outlet);
}

void RemoteEnd::forget_open() {
    if (open_ == nullptr) return;
    Worm& worm = *std::exchange(open_, nullptr);
    fabric_.purge(worm);
    fabric_.drop_use(worm);
}

void RemoteEnd::take(RemoteFrame& frame) {
    using Type = RemoteFrame::Type;
    switch (frame.type) {
        case Type::data: take_data(frame); break;
        case Type::reset:
            forget_open();
            throwing_ = false;
            break;
        case Type::stop: was_told_stop_ = true; break;
        case Type::go: was_told_stop_ = false; break;
    }
}

void RemoteEnd::take_data(RemoteFrame& frame) {
    if (open_ != nullptr && open_->dead) {
        fabric_.drop_use(*std::exchange(open_, nullptr));
        throwing_ = true;
    }
    if (throwing_ && !frame.head) {
        throwing_ = !frame.tail;
        return;
    }
    throwing_ = false;
    // A packet has one head, and begins with it.
    if (frame.head != (open_ == nullptr) || inlet_.fill > kMostWaiting)
        return link_->drop(session_);
    if (frame.head) {
        open_ = fabric_.new_worm(Worm::kNobody);
        ++open_->uses;
    }
    Chunk* chunk = fabric_.new_chunk(*open_, frame.bytes);
    chunk->head = frame.head;
    chunk->tail = frame.tail;
    chunk->syndrome = frame.syndrome;
    if (frame.tail) fabric_.drop_use(*std::exchange(open_, nullptr));
    fabric_.push(inlet_, chunk);
    if (inlet_.stopped && !std::exchange(told_stop_, true)) say(RemoteFrame::Type::stop);
}

}  // namespace emulator
