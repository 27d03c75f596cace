// Frames made by hand, and somebody who takes what an InStream shows.
#pragma once

#include <sys/socket.h>

#include <cstring>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "devices/tcp/in_stream.hpp"
#include "devices/tcp/meeting.hpp"

namespace dev::tcp::testing {

using Bytes = std::vector<std::byte>;

inline Bytes pattern(std::size_t count, unsigned seed) {
    Bytes bytes(count);
    unsigned x = seed * 2654435761U + 1;
    for (std::byte& b : bytes) b = static_cast<std::byte>((x = x * 1664525 + 1013904223) >> 24);
    return bytes;
}

/// A stream that grows frame by frame.
struct Frames {
    Bytes bytes;
    std::uint64_t received = 0;

    template <class T>
    Frames& raw(const T& value) {
        const auto* from = reinterpret_cast<const std::byte*>(&value);
        bytes.insert(bytes.end(), from, from + sizeof value);
        return *this;
    }
    Frames& raw(const Bytes& more) {
        bytes.insert(bytes.end(), more.begin(), more.end());
        return *this;
    }
    Frames& prefix(FrameKind kind, std::size_t count) {
        return raw(Prefix{kind, static_cast<std::uint32_t>(count), received});
    }
    /// The first frame of a message of `all` bytes.
    Frames& message(const Bytes& payload, std::size_t all, std::int32_t tag) {
        adi::Header header;
        header.tag = tag;
        header.bytes = static_cast<std::uint32_t>(all);
        return prefix(FrameKind::message, payload.size()).raw(header).raw(payload);
    }
    Frames& message(const Bytes& payload, std::int32_t tag) {
        return message(payload, payload.size(), tag);
    }
    Frames& more(const Bytes& payload) {
        return prefix(FrameKind::more, payload.size()).raw(payload);
    }
    Frames& put(std::uint64_t key, const Bytes& payload) {
        return prefix(FrameKind::put, payload.size()).raw(PutHeader{key, 0}).raw(payload);
    }
};

/// Takes messages as tags ask: 0 … the whole, -1 nothing of it, 100 at most so many bytes.
class Taker final : public adi::Sink, public InStream::Owner {
  public:
    struct Message {
        std::int32_t tag = 0;
        Bytes bytes;
        bool whole = false;
    };
    static constexpr std::size_t kWindowBytes = 100'000;

    void on_header(adi::ReceiveStream& stream) override {
        Message& m = messages.emplace_back();
        m.tag = stream.header.tag;
        InStream& in = InStream::of(stream);
        if (m.tag < 0) {
            m.whole = true;
            return in.discard();
        }
        const std::uint32_t most =
            m.tag >= 100 ? static_cast<std::uint32_t>(m.tag) : stream.header.bytes;
        const std::uint32_t keep = std::min({most, stream.header.bytes, kMostKept});
        m.bytes.resize(keep);
        stream.token = &m;
        m.whole = in.receive(adi::contiguous(m.bytes.data(), keep), 0, keep) == adi::Status::ok;
    }
    void on_received(adi::ReceiveStream& stream) override {
        auto& m = *static_cast<Message*>(stream.token);
        twice = twice || m.whole;
        m.whole = true;
    }
    void on_put(void*, adi::Status) override {}
    void on_fault(adi::Peer, adi::Status, const char*) override {}
    bool on_acknowledged(adi::Peer, std::uint64_t position) override { return position <= sent; }
    void* window(adi::Peer, std::uint64_t key, std::uint32_t bytes) override {
        if (key == 0 || key > 9 || bytes > kWindowBytes) return nullptr;
        Bytes& memory = windows[key];
        memory.resize(kWindowBytes);
        return memory.data();
    }

    std::deque<Message> messages;
    std::map<std::uint64_t, Bytes> windows;
    std::uint64_t sent = 0;
    bool twice = false;

  private:
    static constexpr std::uint32_t kMostKept = 1 << 20;
};

/// An InStream at the end of a pair of sockets.
class Fed {
  public:
    Fed() {
        int fds[2];
        (void)!::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds);
        here = Socket(fds[0]);
        there = Socket(fds[1]);
    }
    /// Writes bytes and shows what they make; what is wrong with them, or null.
    const char* feed(const std::byte* bytes, std::size_t count, int budget = 1000) {
        const char* wrong = nullptr;
        while (count > 0 && wrong == nullptr) {
            const std::size_t part = std::min<std::size_t>(count, 32 * 1024);
            const ssize_t put = ::send(there.get(), bytes, part, MSG_NOSIGNAL);
            if (put <= 0) return "the socket is full";
            bytes += put;
            count -= static_cast<std::size_t>(put);
            while (wrong == nullptr && stream.read(here.get()) == InStream::Read::some) {
                do {
                    stream.show(taker, taker, budget, &wrong);
                } while (wrong == nullptr && stream.unfinished());
            }
        }
        return wrong;
    }
    const char* feed(const Bytes& bytes) { return feed(bytes.data(), bytes.size()); }

    ReadBuffers buffers;
    Taker taker;
    InStream stream{0, buffers};
    Socket here, there;
};

}  // namespace dev::tcp::testing
