// Fast Messages' semantics on an endpoint: handlers that run on fibers while their messages come,
// sends that wait. The C functions (fm_api.cpp) call this and nothing
// else, so that tests have several nodes in one process.
//
// Who may wait for what. Outside of handlers a send that finds no room extracts until there is
// some, so handlers of other messages run meanwhile. A handler waits for its own message only; it
// begins a message only when there is room for all of it, and then it waits at most for the board
// to take what is in its slots, which needs nobody's help. So no two nodes wait for each other.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "adi/base/fiber.hpp"
#include "devices/fm/endpoint.hpp"
#include "devices/fm/fm.h"

/// Both kinds of message, one of each per node; `in` and `out` are never used at the same time.
struct FM_stream {
    dev::fm::Node node = 0;
    bool incoming = false;

    // Outgoing.
    dev::fm::OutMessage out;

    // Incoming: bytes of the packet that is shown now and were not taken, and what is waited for.
    const std::byte* data = nullptr;
    std::uint32_t bytes = 0;
    bool last = false;               ///< no other packet will come
    std::byte* wanted = nullptr;     ///< where FM_receive wants the next bytes; null: dropped
    std::uint64_t wanted_bytes = 0;  ///< 0: it does not wait
    std::uint64_t missing = 0;       ///< bytes that FM_receive asked for and that never came
    std::uint32_t id = 0;            ///< of its handler
    FM_handler* handler = nullptr;
    adi::Fiber* fiber = nullptr;  ///< of the handler; null: it has returned
    int verdict = 0;              ///< what it returned
};

namespace dev::fm {

/// The handlers of a process, by their ids.
class HandlerTable {
  public:
    explicit HandlerTable(std::size_t most) : handlers_(most) {}
    /// FM_ANY_ID: the lowest id that is free. False: there is none, or `id` is beyond the last.
    bool add(ULONG* id, FM_handler* handler);
    FM_handler* find(std::uint32_t id) const {
        return id < handlers_.size() ? handlers_[id] : nullptr;
    }
    std::size_t most() const { return handlers_.size(); }

  private:
    std::vector<FM_handler*> handlers_;
};

class Library final : public Sink {
  public:
    struct Hooks {
        /// The program broke a rule, or cannot go on. Ends the program, or returns in tests.
        std::function<void(const std::string&)> fail;
        /// Something that a person may want to know.
        std::function<void(const std::string&)> say;
    };

    /// The table outlives it.
    Library(std::unique_ptr<Endpoint> endpoint, const HandlerTable& handlers, Hooks hooks);
    ~Library();

    Endpoint& endpoint() { return *endpoint_; }

    // The short path of these is inline, below; …_any() does the same in all cases.

    FM_stream* begin(std::uint64_t recipient, std::uint64_t length, std::uint32_t handler);
    void send_piece(FM_stream& stream, const void* buffer, std::uint64_t length);
    void end(FM_stream& stream);

    int extract(std::uint64_t max_bytes);
    void receive(void* buffer, FM_stream& stream, std::uint64_t length);
    bool in_handler() const { return running_ != nullptr; }
    /// Something arrives, or may have. Not in a handler.
    void wait() {
        if (!in_handler()) endpoint_->wait();
    }

    /// *done: 1 when it is done, -1 if it failed.
    adi::Status put(Node node, const void* from, std::uint64_t bytes, WindowKey window,
                    std::uint64_t offset, volatile int* done);

    /// Called once for each node that is lost; without it that is a failure of the program.
    void on_lost(std::function<void(Node, const char*)> function) { lost_ = std::move(function); }

    /// Waits until all nodes have called it, and what they sent before has been handled here. Lost
    /// nodes count as if they had.
    void leave();

    /// The handler of leave()'s messages; beyond those that a program can register.
    static constexpr std::uint32_t kGoodbye = 0xfffffffe;

    // Sink.
    void on_packet(const Packet& packet) override;
    void on_lost(Node node, adi::Status why, const char* what) override;
    void on_put(std::uint64_t token, adi::Status status) override;

  private:
    FM_stream* begin_any(std::uint64_t recipient, std::uint64_t length, std::uint32_t handler);
    void send_piece_any(FM_stream& stream, const void* buffer, std::uint64_t length);
    void end_any(FM_stream& stream);
    void receive_any(void* buffer, FM_stream& stream, std::uint64_t length);
    void on_part(FM_stream& stream, bool first, std::uint32_t handler);
    void start(FM_stream& stream, std::uint32_t handler);
    void on_no_handler(Node sender, std::uint32_t handler);
    void feed(FM_stream& stream);
    void run(FM_stream& stream);
    void progress();
    /// Between two attempts to send: makes room.
    void make_room();

    std::unique_ptr<Endpoint> endpoint_;
    const HandlerTable& handlers_;
    Hooks hooks_;
    std::function<void(Node, const char*)> lost_;
    adi::FiberPool fibers_;
    std::vector<FM_stream> in_;     ///< by sender
    std::vector<FM_stream> out_;    ///< by recipient
    FM_stream* running_ = nullptr;  ///< whose handler this code runs in
    std::vector<bool> gone_;        ///< nodes that said goodbye or are lost
};

// --- the short path -----------------------------------------------------------------------------

inline FM_stream* Library::begin(std::uint64_t recipient, std::uint64_t length,
                                 std::uint32_t handler) {
    if (recipient < endpoint_->nodes()) [[likely]] {
        FM_stream& stream = out_[recipient];
        if (endpoint_->begin_short(stream.out, static_cast<Node>(recipient), length, handler,
                                   in_handler())) [[likely]]
            return &stream;
    }
    return begin_any(recipient, length, handler);
}

inline void Library::send_piece(FM_stream& stream, const void* buffer, std::uint64_t length) {
    if (!endpoint_->piece_short(stream.out, buffer, length)) [[unlikely]]
        send_piece_any(stream, buffer, length);
}

inline void Library::end(FM_stream& stream) {
    if (!endpoint_->end_short(stream.out)) [[unlikely]]
        end_any(stream);
}

inline int Library::extract(std::uint64_t max_bytes) {
    return endpoint_->extract(*this, max_bytes);
}

inline void Library::receive(void* buffer, FM_stream& stream, std::uint64_t length) {
    if (&stream != running_ || length > stream.bytes || length > kFewBytes || buffer == nullptr ||
        endpoint_->clock() != nullptr) [[unlikely]] {
        return receive_any(buffer, stream, length);
    }
    adi::copy_short(buffer, stream.data, length);
    stream.data += length;
    stream.bytes -= static_cast<std::uint32_t>(length);
}

inline void Library::on_packet(const Packet& packet) {
    FM_stream& stream = in_[packet.node];
    stream.data = packet.data;
    stream.bytes = packet.bytes;
    stream.last = packet.last;
    if (!packet.first || !packet.last) [[unlikely]]
        return on_part(stream, packet.first, packet.handler);
    FM_handler* handler = handlers_.find(packet.handler);
    if (handler == nullptr) [[unlikely]]
        return on_no_handler(packet.node, packet.handler);
    stream.id = packet.handler;
    stream.missing = 0;
    endpoint_->charge(Clock::Work::fm_handler);
    // All is here, so it never waits, and needs no stack of its own.
    running_ = &stream;
    const int verdict = handler(&stream, packet.node);
    running_ = nullptr;
    if (verdict == FM_QUIT) [[unlikely]]
        endpoint_->stop();
}

}  // namespace dev::fm
