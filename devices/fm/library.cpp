#include "devices/fm/library.hpp"

#include <sched.h>

#include <algorithm>
#include <cstring>

namespace dev::fm {

using adi::Status;

Library::Library(std::unique_ptr<Endpoint> endpoint, const HandlerTable& handlers, Hooks hooks)
    : endpoint_(std::move(endpoint)),
      handlers_(handlers),
      hooks_(std::move(hooks)),
      in_(endpoint_->nodes()),
      out_(endpoint_->nodes()),
      gone_(endpoint_->nodes()) {
    for (Node node = 0; node < endpoint_->nodes(); ++node) {
        in_[node].node = out_[node].node = node;
        in_[node].incoming = true;
    }
}

Library::~Library() {
    // Handlers whose messages did not come to their end: they see that and return.
    for (FM_stream& stream : in_) {
        if (stream.fiber == nullptr) continue;
        stream.bytes = 0;
        stream.last = true;
        feed(stream);
        run(stream);
    }
}

bool HandlerTable::add(ULONG* id, FM_handler* handler) {
    if (*id == FM_ANY_ID) {
        const auto free = std::find(handlers_.begin(), handlers_.end(), nullptr);
        *id = static_cast<ULONG>(free - handlers_.begin());
    }
    if (*id >= handlers_.size()) return false;
    handlers_[*id] = handler;
    return true;
}

// --- send -------------------------------------------------------------------------------------

FM_stream* Library::begin_any(std::uint64_t recipient, std::uint64_t length,
                              std::uint32_t handler) {
    if (recipient >= endpoint_->nodes()) {
        hooks_.fail("FM_begin_message: there is no node " + std::to_string(recipient));
        return nullptr;
    }
    const Node node = static_cast<Node>(recipient);
    FM_stream& stream = out_[node];
    while (true) {
        // A handler may have begun one meanwhile, and wait for its own message.
        if (stream.out.open) return nullptr;
        const Status s = endpoint_->try_begin(stream.out, node, length, handler, in_handler());
        if (s == Status::ok) return &stream;
        if (s != Status::again || in_handler()) return nullptr;
        progress();
    }
}

void Library::send_piece_any(FM_stream& stream, const void* buffer, std::uint64_t length) {
    if (!stream.out.open) {
        hooks_.fail("FM_send_piece: the stream is not one that is being sent");
        return;
    }
    if (length > stream.out.length - stream.out.sent) {
        hooks_.fail("FM_send_piece: a message is longer than FM_begin_message said (" +
                    std::to_string(stream.out.length) + " bytes)");
        return;
    }
    const adi::Buffer source = adi::contiguous(buffer, length);
    std::uint64_t at = endpoint_->try_piece(stream.out, source, 0, length);
    while (at < length && !endpoint_->lost(stream.node)) {
        make_room();
        at += endpoint_->try_piece(stream.out, source, at, length - at);
    }
}

void Library::end_any(FM_stream& stream) {
    if (stream.out.open) {
        while (endpoint_->try_end(stream.out) == Status::again) make_room();
    } else {
        hooks_.fail("FM_end_message: the stream is not one that is being sent");
    }
}

void Library::progress() {
    if (endpoint_->extract(*this) == 0) endpoint_->wait();
}

void Library::make_room() {
    if (!in_handler()) {
        progress();
        return;
    }
    // Its credits are set aside, so what it waits for is a slot.
    endpoint_->refresh_slots();
    sched_yield();
}

// --- receive ----------------------------------------------------------------------------------

void Library::receive_any(void* buffer, FM_stream& stream, std::uint64_t length) {
    if (&stream != running_) {
        hooks_.fail("FM_receive: the stream is not that of the handler that calls");
        return;
    }
    stream.wanted = static_cast<std::byte*>(buffer);
    stream.wanted_bytes = length;
    feed(stream);
    if (stream.wanted_bytes == 0) return;
    // Another handler's, or the program's, turn. feed() fills the buffer from there on, and this
    // goes on when all has come.
    running_ = nullptr;
    stream.fiber->suspend();
    running_ = &stream;
}

/// Moves bytes of the present packet to where FM_receive wants them.
void Library::feed(FM_stream& stream) {
    const auto part =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(stream.wanted_bytes, stream.bytes));
    if (stream.wanted != nullptr && part > 0) {
        copy_bytes(stream.wanted, stream.data, part);
        endpoint_->charge_copy(part);
        stream.wanted += part;
    }
    stream.data += part;
    stream.bytes -= part;
    stream.wanted_bytes -= part;
    if (stream.wanted_bytes > 0 && stream.last) {
        if (stream.wanted != nullptr) std::memset(stream.wanted, 0, stream.wanted_bytes);
        stream.missing += stream.wanted_bytes;
        stream.wanted_bytes = 0;
    }
}

/// A packet of a message that has several: its handler runs on a fiber.
void Library::on_part(FM_stream& stream, bool first, std::uint32_t handler) {
    if (first) {
        start(stream, handler);
    } else if (stream.fiber != nullptr) {
        feed(stream);
        if (stream.wanted_bytes == 0) run(stream);
    }
}

void Library::on_no_handler(Node sender, std::uint32_t handler) {
    if (handler == kGoodbye) {
        gone_[sender] = true;
        return;
    }
    hooks_.say("FM: received invalid handler ID " + std::to_string(handler) + " from node " +
               std::to_string(sender));
}

void Library::start(FM_stream& stream, std::uint32_t id) {
    stream.handler = handlers_.find(id);
    if (stream.handler == nullptr) return on_no_handler(stream.node, id);
    stream.id = id;
    stream.missing = 0;
    stream.wanted_bytes = 0;
    endpoint_->charge(Clock::Work::fm_handler);
    const auto entry = [](void* argument) noexcept {
        auto& s = *static_cast<FM_stream*>(argument);
        s.verdict = s.handler(&s, s.node);
    };
    stream.fiber = fibers_.make(entry, &stream);
    if (stream.fiber == nullptr) {
        hooks_.fail("FM: no memory for a handler's stack");
        return;
    }
    run(stream);
}

void Library::run(FM_stream& stream) {
    running_ = &stream;
    const bool ended = stream.fiber->resume();
    running_ = nullptr;
    if (!ended) return;
    fibers_.recycle(stream.fiber);
    stream.fiber = nullptr;
    if (stream.verdict == FM_QUIT) endpoint_->stop();
}

void Library::on_lost(Node node, Status, const char* what) {
    gone_[node] = true;
    FM_stream& stream = in_[node];
    if (stream.fiber != nullptr) {
        stream.bytes = 0;
        stream.last = true;
        feed(stream);
        run(stream);
    }
    if (lost_) {
        lost_(node, what);
    } else {
        hooks_.fail("FM: node " + std::to_string(node) + " is lost: " + what);
    }
}

// --- the rest ---------------------------------------------------------------------------------

Status Library::put(Node node, const void* from, std::uint64_t bytes, WindowKey window,
                    std::uint64_t offset, volatile int* done) {
    *done = 0;
    return endpoint_->put(node, from, bytes, window, offset,
                          reinterpret_cast<std::uintptr_t>(done));
}

void Library::on_put(std::uint64_t token, Status status) {
    *reinterpret_cast<volatile int*>(static_cast<std::uintptr_t>(token)) =
        status == Status::ok ? 1 : -1;
}

void Library::leave() {
    for (Node node = 0; node < endpoint_->nodes(); ++node) {
        if (out_[node].out.open) {
            hooks_.fail("FM_finalize: a message to node " + std::to_string(node) + " is not ended");
            return;
        }
        FM_stream* goodbye = nullptr;
        while (!endpoint_->lost(node) && goodbye == nullptr) {
            goodbye = begin(node, 0, kGoodbye);
            if (goodbye == nullptr) progress();
        }
        if (goodbye != nullptr) end(*goodbye);
    }
    const auto all_gone = [this] {
        return std::find(gone_.begin(), gone_.end(), false) == gone_.end();
    };
    while (!all_gone() || !endpoint_->idle()) progress();
}

}  // namespace dev::fm
