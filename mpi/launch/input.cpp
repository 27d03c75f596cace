#include "mpi/launch/input.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>

namespace launch {

namespace {
constexpr std::size_t kBufferBytes = 65536;
constexpr std::chrono::milliseconds kForegroundRetry{500};
}  // namespace

InputForwarder::InputForwarder(EventLoop* loop, int source, std::vector<int> readers, Send send)
    : loop_(loop),
      source_(source),
      send_(std::move(send)),
      readers_(readers.begin(), readers.end()) {}

InputForwarder::~InputForwarder() {
    close_source();
}

// A background job that reads its terminal would be stopped by SIGTTIN.
bool InputForwarder::source_allowed() const {
    const pid_t foreground = ::tcgetpgrp(source_);
    return foreground < 0 || foreground == ::getpgrp();
}

void InputForwarder::reconsider() {
    if (retry_timer_ != 0) loop_->cancel(retry_timer_);
    retry_timer_ = 0;
    advance();
}

void InputForwarder::taken(int rank, bool open) {
    if (!open) readers_.erase(rank);
    if (pending_.erase(rank) > 0 || !open) advance();
}

void InputForwarder::advance() {
    if (!source_open_ || !pending_.empty()) return;
    if (readers_.empty()) return close_source();
    if (!source_allowed()) {
        watch_source(false);
        if (retry_timer_ == 0) {
            retry_timer_ = loop_->call_after(kForegroundRetry, [this] { reconsider(); });
        }
        return;
    }
    watch_source(true);
}

void InputForwarder::watch_source(bool on) {
    if (on == source_watched_) return;
    source_watched_ = on;
    if (!on) {
        if (source_pollable_) loop_->remove(source_);
        return;
    }
    if (source_pollable_ &&
        !loop_->add(source_, EPOLLIN, [this](std::uint32_t) { read_source(); })) {
        source_pollable_ = false;
    }
    if (!source_pollable_) {
        // Through the loop rather than at once, so that a large file does not starve the rest.
        loop_->call_after(std::chrono::milliseconds(0), [this] {
            if (source_open_ && source_watched_) read_source();
        });
    }
}

void InputForwarder::read_source() {
    if (!source_allowed()) {
        advance();
        return;
    }
    std::string piece(kBufferBytes, '\0');
    const ssize_t got = ::read(source_, piece.data(), piece.size());
    piece.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    watch_source(false);
    if (got <= 0) close_source();
    pending_ = readers_;
    // An answer may come at once, and end a reader.
    const std::vector<int> all(readers_.begin(), readers_.end());
    for (const int rank : all) send_(rank, piece);
    advance();
}

void InputForwarder::close_source() {
    if (!source_open_) return;
    watch_source(false);
    source_open_ = false;
    if (retry_timer_ != 0) loop_->cancel(retry_timer_);
    retry_timer_ = 0;
}

}  // namespace launch
