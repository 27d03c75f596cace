#include "devices/tcp/in_stream.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "adi/base/copy.hpp"

namespace dev::tcp {

namespace {
/// From here on it pays to read payload into its place; what is shorter comes with its neighbours.
constexpr std::uint64_t kDirectBytes = 4096;
}  // namespace

/// Where the payload that is coming goes, if it can go straight there: how much, and where.
std::uint64_t InStream::direct(std::byte** to) const {
    std::uint64_t most = left_bytes_;
    if (put_) {
        *to = put_at_;
        if (put_at_ == nullptr) return 0;
    } else {
        if (dropped_ || stream_.target.layout != nullptr) return 0;
        const std::uint32_t kept = std::min(stream_.accept_bytes, stream_.moved_bytes);
        most = std::min<std::uint64_t>(most, stream_.accept_bytes - kept);
        *to = static_cast<std::byte*>(stream_.target.base) + stream_.target_offset +
              stream_.moved_bytes;
    }
    return most >= kDirectBytes ? most : 0;
}

InStream::Read InStream::read(int fd) {
    if (buffer_ == nullptr) buffer_ = buffers_.take();
    if (begin_ == end_) {
        begin_ = end_ = 0;
    } else if (ReadBuffers::kBytes - end_ < kMostFrameHeader + kShortBytes) {
        std::memmove(buffer_.get(), buffer_.get() + begin_, buffered());
        end_ -= begin_;
        begin_ = 0;
    }
    std::byte* to = nullptr;
    const std::uint64_t straight = begin_ == end_ && left_bytes_ > 0 ? direct(&to) : 0;
    ssize_t got = 0;
    if (straight > 0) {
        iovec parts[] = {{to, straight}, {buffer_.get(), ReadBuffers::kBytes}};
        got = ::readv(fd, parts, 2);
    } else {
        got = ::recv(fd, buffer_.get() + end_, ReadBuffers::kBytes - end_, MSG_DONTWAIT);
    }
    if (got <= 0) {
        release_buffer();
        if (got == 0) return Read::end;
        return errno == EAGAIN || errno == EINTR ? Read::none : Read::error;
    }
    auto rest = static_cast<std::uint64_t>(got);
    received_ += rest;
    if (straight > 0) {
        const auto moved = static_cast<std::uint32_t>(std::min(rest, straight));
        left_bytes_ -= moved;
        if (put_) {
            put_at_ += moved;
        } else {
            stream_.moved_bytes += moved;
        }
        rest -= moved;
    }
    end_ += rest;
    return Read::some;
}

int InStream::show(Owner& owner, adi::Sink& sink, int budget, const char** wrong) {
    int shown = 0;
    *wrong = nullptr;
    unfinished_ = false;
    for (;;) {
        if (left_bytes_ > 0) take_buffered();
        if (left_bytes_ > 0) break;
        if (put_) {
            put_ = false;
            put_done_ = true;
            ++shown;
        } else if (later_ && rest_bytes_ == 0) {
            later_ = false;
            ++shown;
            sink.on_received(stream_);
        }
        if (buffered() < sizeof(Prefix)) break;
        if (shown >= budget) {
            unfinished_ = true;
            break;
        }
        const std::size_t before = begin_;
        if (!open_frame(owner, sink, wrong)) return shown;
        if (begin_ == before) break;
        if (left_bytes_ == 0 && !put_) ++shown;
    }
    release_buffer();
    return shown;
}

void InStream::release_buffer() {
    if (begin_ == end_ && buffer_ != nullptr) buffers_.give(std::move(buffer_));
}

/// The next frame, if it is there as far as it has to be. False: `wrong` says what is.
bool InStream::open_frame(Owner& owner, adi::Sink& sink, const char** wrong) {
    Prefix prefix;
    std::memcpy(&prefix, buffer_.get() + begin_, sizeof prefix);
    *wrong = check(prefix);
    if (*wrong != nullptr) return false;
    std::size_t needed = sizeof prefix;
    if (prefix.kind == FrameKind::message) {
        needed += sizeof(adi::Header) + (prefix.bytes <= kShortBytes ? prefix.bytes : 0);
    } else if (prefix.kind == FrameKind::put) {
        needed += sizeof(PutHeader);
    }
    if (buffered() < needed) return true;
    if (!owner.on_acknowledged(stream_.peer, prefix.received)) {
        *wrong = "an acknowledgement of what was not sent";
        return false;
    }
    begin_ += sizeof prefix;
    switch (prefix.kind) {
        case FrameKind::message: *wrong = open_message(sink, prefix.bytes); break;
        case FrameKind::more:
            left_bytes_ = prefix.bytes;
            rest_bytes_ -= prefix.bytes;
            break;
        case FrameKind::put: *wrong = open_put(owner, prefix.bytes); break;
        case FrameKind::ack: break;
        case FrameKind::leave: left_ = true; break;
    }
    return *wrong == nullptr;
}

const char* InStream::check(const Prefix& prefix) const {
    switch (prefix.kind) {
        case FrameKind::message:
            if (rest_bytes_ > 0) return "a message inside another";
            break;
        case FrameKind::more:
            if (prefix.bytes == 0 || prefix.bytes > rest_bytes_) {
                return "more payload than its message has";
            }
            break;
        case FrameKind::put: break;
        case FrameKind::ack:
        case FrameKind::leave:
            if (prefix.bytes != 0) return "a control frame with payload";
            break;
        default: return "a frame of an unknown kind";
    }
    return prefix.bytes <= kMostFrameBytes ? nullptr : "a frame of an impossible length";
}

const char* InStream::open_message(adi::Sink& sink, std::uint32_t bytes) {
    std::memcpy(&stream_.header, buffer_.get() + begin_, sizeof stream_.header);
    begin_ += sizeof stream_.header;
    const std::uint32_t all = stream_.header.bytes;
    if (bytes > all || (all > 0 && bytes == 0)) {
        return "a message whose length is not its frame's";
    }
    stream_.moved_bytes = 0;
    left_bytes_ = bytes;
    rest_bytes_ = all - bytes;
    dropped_ = false;
    sink.on_header(stream_);
    return nullptr;
}

const char* InStream::open_put(Owner& owner, std::uint32_t bytes) {
    PutHeader header;
    std::memcpy(&header, buffer_.get() + begin_, sizeof header);
    begin_ += sizeof header;
    void* memory = owner.window(stream_.peer, header.key, bytes);
    if (memory == nullptr || header.zero != 0) return "a put into memory that is not for it";
    put_at_ = static_cast<std::byte*>(memory);
    put_key_ = header.key;
    left_bytes_ = bytes;
    put_ = true;
    return nullptr;
}

void InStream::forget(std::uint64_t key) {
    if (put_ && put_key_ == key) put_at_ = nullptr;
}

void InStream::take_payload(const std::byte* from, std::uint32_t bytes) {
    left_bytes_ -= bytes;
    if (put_) {
        if (put_at_ == nullptr) return;
        std::memcpy(put_at_, from, bytes);
        put_at_ += bytes;
        return;
    }
    if (!dropped_ && stream_.moved_bytes < stream_.accept_bytes) {
        const std::uint32_t keep = std::min(bytes, stream_.accept_bytes - stream_.moved_bytes);
        stream_.target.write(stream_.target_offset + stream_.moved_bytes, from, keep);
    }
    stream_.moved_bytes += bytes;
}

void InStream::take_buffered() {
    const auto bytes = static_cast<std::uint32_t>(std::min<std::size_t>(buffered(), left_bytes_));
    if (bytes == 0) return;
    take_payload(buffer_.get() + begin_, bytes);
    begin_ += bytes;
}

adi::Status InStream::receive(const adi::Buffer& target, std::uint64_t offset,
                              std::uint32_t accept) {
    stream_.target = target;
    stream_.target_offset = offset;
    stream_.accept_bytes = accept;
    take_buffered();
    if (left_bytes_ == 0 && rest_bytes_ == 0) return adi::Status::ok;
    later_ = true;
    return adi::Status::again;
}

void InStream::discard() {
    dropped_ = true;
    take_buffered();
}

}  // namespace dev::tcp
