#include "devices/fm/library.hpp"

#include <sched.h>

#include <algorithm>
#include <cstring>

#include "adi/base/copy.hpp"

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

namespace {
/// memcpy(), without a call for a few bytes.
void copy(std::byte* to, const std::byte* from, std::uint32_t bytes) {
    constexpr std::uint32_t kFew = 96;
    if (bytes <= kFew) {
        adi::copy_short(to, from, bytes);
    } else {
        std::memcpy(to, from, bytes);
    }
}
}  // namespace

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

FM_stream* Library::begin(Node recipient, std::uint64_t length, std::uint32_t handler) {
    if (recipient >= endpoint_->nodes()) {
        hooks_.fail("FM_begin_message: there is no node " + std::to_string(recipient));
        return nullptr;
    }
    FM_stream& stream = out_[recipient];
    if (stream.out.open) return nullptr;
    while (true) {
        const Status s = endpoint_->try_begin(stream.out, recipient, length, handler, in_handler());
        if (s == Status::ok) return &stream;
        if (s != Status::again || in_handler()) return nullptr;
        progress();
        // A handler may have begun one meanwhile, and wait for its own message.
        if (stream.out.open) return nullptr;
    }
}

void Library::send_piece(FM_stream& stream, const void* buffer, std::uint64_t length) {
    if ((stream.incoming || !stream.out.open) && unusable("FM_send_piece")) return;
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

void Library::end(FM_stream& stream) {
    if ((stream.incoming || !stream.out.open) && unusable("FM_end_message")) return;
    while (endpoint_->try_end(stream.out) == Status::again) make_room();
}

[[gnu::cold]] bool Library::unusable(const char* call) {
    hooks_.fail(std::string(call) + ": the stream is not one that is being sent");
    return true;
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

int Library::extract(std::uint64_t max_bytes) {
    if (in_handler()) return 0;
    return endpoint_->extract(*this, max_bytes);
}

void Library::receive(void* buffer, FM_stream& stream, std::uint64_t length) {
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
        copy(stream.wanted, stream.data, part);
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

void Library::on_packet(const Packet& packet) {
    FM_stream& stream = in_[packet.node];
    stream.data = packet.data;
    stream.bytes = packet.bytes;
    stream.last = packet.last;
    if (packet.first) {
        start(stream, packet);
    } else if (stream.fiber != nullptr) {
        feed(stream);
        if (stream.wanted_bytes == 0) run(stream);
    }
}

void Library::start(FM_stream& stream, const Packet& packet) {
    if (packet.handler == kGoodbye) {
        gone_[packet.node] = true;
        return;
    }
    FM_handler* handler = handlers_.find(packet.handler);
    if (handler == nullptr) {
        hooks_.say("FM: received invalid handler ID " + std::to_string(packet.handler) +
                   " from node " + std::to_string(packet.node));
        return;
    }
    stream.id = packet.handler;
    stream.handler = handler;
    stream.missing = 0;
    stream.wanted_bytes = 0;
    if (Clock* clock = endpoint_->board().clock()) clock->charge(Clock::Work::fm_handler);
    if (packet.last) {
        // All is here, so it never waits, and needs no stack of its own.
        running_ = &stream;
        const int verdict = handler(&stream, packet.node);
        running_ = nullptr;
        if (verdict == FM_QUIT) endpoint_->stop();
        return;
    }
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
