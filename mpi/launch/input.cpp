#include "mpi/launch/input.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace launch {

namespace {
constexpr std::size_t kBufferBytes = 65536;
constexpr std::chrono::milliseconds kForegroundRetry{500};
}  // namespace

InputForwarder::InputForwarder(EventLoop* loop, int source, std::vector<UniqueFd> targets)
    : loop_(loop), source_(source) {
    for (UniqueFd& fd : targets) {
        ::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) | O_NONBLOCK);
        targets_.push_back(std::make_unique<Target>());
        targets_.back()->fd = std::move(fd);
    }
    advance();
}

InputForwarder::~InputForwarder() {
    close_source();
    while (!targets_.empty()) drop(targets_.back().get());
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

void InputForwarder::advance() {
    const auto pending = [this](const auto& target) { return target->sent < buffer_.size(); };
    if (std::any_of(targets_.begin(), targets_.end(), pending)) return;
    buffer_.clear();
    for (auto& target : targets_) target->sent = 0;
    if (targets_.empty()) close_source();
    if (!source_open_) {
        while (!targets_.empty()) drop(targets_.back().get());
        return;
    }
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
    buffer_.resize(kBufferBytes);
    const ssize_t got = ::read(source_, buffer_.data(), buffer_.size());
    buffer_.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    watch_source(false);
    if (got <= 0) close_source();
    // push() may drop targets from the list.
    std::vector<Target*> all;
    for (auto& target : targets_) all.push_back(target.get());
    for (Target* target : all) push(target);
    advance();
}

void InputForwarder::push(Target* target) {
    while (target->sent < buffer_.size()) {
        const ssize_t put =
            ::write(target->fd.get(), buffer_.data() + target->sent, buffer_.size() - target->sent);
        if (put >= 0) {
            target->sent += static_cast<std::size_t>(put);
        } else if (errno == EAGAIN) {
            if (!target->watching) {
                target->watching = true;
                loop_->add(target->fd.get(), EPOLLOUT, [this, target](std::uint32_t) {
                    push(target);
                    advance();
                });
            }
            return;
        } else if (errno != EINTR) {
            drop(target);  // the rank closed its standard input or is gone
            return;
        }
    }
    if (target->watching) {
        target->watching = false;
        loop_->remove(target->fd.get());
    }
}

void InputForwarder::drop(Target* target) {
    if (target->watching) loop_->remove(target->fd.get());
    std::erase_if(targets_, [target](const auto& entry) { return entry.get() == target; });
}

void InputForwarder::close_source() {
    if (!source_open_) return;
    watch_source(false);
    source_open_ = false;
    if (retry_timer_ != 0) loop_->cancel(retry_timer_);
    retry_timer_ = 0;
}

}  // namespace launch
