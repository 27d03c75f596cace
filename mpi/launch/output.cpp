#include "mpi/launch/output.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

namespace launch {

namespace {

// POLLOUT on a pipe promises room for this much, whoever else shares the open file; the descriptor
// itself is never made non-blocking, as other processes (the shell) may share it.
constexpr std::size_t kSafeWriteBytes = 4096;

bool writable_now(int fd, int timeout_ms) {
    pollfd poll = {fd, POLLOUT, 0};
    return ::poll(&poll, 1, timeout_ms) > 0;
}

}  // namespace

Sink::Sink(EventLoop* loop, int fd, std::function<void()> drained)
    : loop_(loop), fd_(fd), drained_(std::move(drained)) {
    struct stat status = {};
    if (::fstat(fd, &status) != 0) {
        closed_ = true;
    } else {
        pollable_ = !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
    }
}

Sink::~Sink() {
    watch(false);
}

void Sink::write(const void* owner, std::string_view text) {
    if (closed_ || text.empty()) return;
    if (unfinished_ != nullptr && unfinished_ != owner) queue_ += '\n';
    queue_ += text;
    unfinished_ = text.back() == '\n' ? nullptr : owner;
    pump();
}

void Sink::pump() {
    while (sent_ < queue_.size() && !closed_) {
        const std::size_t left = queue_.size() - sent_;
        if (pollable_ && !writable_now(fd_, 0)) break;
        const std::size_t size = pollable_ ? std::min(left, kSafeWriteBytes) : left;
        const ssize_t put = ::write(fd_, queue_.data() + sent_, size);
        if (put >= 0) {
            sent_ += static_cast<std::size_t>(put);
        } else if (errno == EAGAIN) {
            break;  // somebody else made it non-blocking
        } else if (errno != EINTR) {
            closed_ = true;
        }
    }
    if (closed_ || sent_ == queue_.size()) {
        queue_.clear();
        sent_ = 0;
    } else if (sent_ > kHighWaterBytes) {
        queue_.erase(0, sent_);
        sent_ = 0;
    }
    watch(!queue_.empty());
    if (congested()) {
        was_congested_ = true;
    } else if (was_congested_ || closed_) {
        was_congested_ = false;
        drained_();
    }
}

void Sink::watch(bool on) {
    if (on == watching_ || !pollable_) return;
    watching_ = on;
    if (!on) {
        loop_->remove(fd_);
    } else if (!loop_->add(fd_, EPOLLOUT, [this](std::uint32_t) { pump(); })) {
        watching_ = false;
        pollable_ = false;
        pump();
    }
}

void Sink::drain(std::chrono::milliseconds limit) {
    const auto deadline = EventLoop::Clock::now() + limit;
    while (!queue_.empty() && !closed_) {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(deadline - EventLoop::Clock::now());
        if (left.count() <= 0) return;
        const int wait_ms = static_cast<int>(std::min<long long>(left.count(), 1000));
        if (!pollable_ || writable_now(fd_, wait_ms)) pump();
    }
}

void OutputStream::feed(std::string_view bytes) {
    splitter_.feed(bytes, [this](std::string_view text) { emit(text); });
}

bool OutputStream::unread() const {
    return std::all_of(sinks_.begin(), sinks_.end(),
                       [](const Sink* sink) { return sink->closed(); });
}

void OutputStream::show_partial() {
    splitter_.flush([this](std::string_view text) { emit(text); });
}

void OutputStream::emit(std::string_view text) {
    if (style_.tag.empty() && !style_.timestamp) {
        for (Sink* sink : sinks_) sink->write(this, text);
        return;
    }
    const std::string prefix = (style_.timestamp ? timestamp() : "") + style_.tag;
    std::string dressed;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
        if (!mid_line_) dressed += prefix;
        dressed += text.substr(0, end);
        mid_line_ = text[end - 1] != '\n';
        text.remove_prefix(end);
    }
    for (Sink* sink : sinks_) sink->write(this, dressed);
}

std::string timestamp() {
    timespec now = {};
    ::clock_gettime(CLOCK_REALTIME, &now);
    tm parts = {};
    ::localtime_r(&now.tv_sec, &parts);
    char text[64];
    const std::size_t length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S.", &parts);
    std::string millis = std::to_string(now.tv_nsec / 1000000);
    millis.insert(0, 3 - millis.size(), '0');
    return std::string(text, length) + millis + ' ';
}

std::string expand_pattern(const std::string& pattern, int rank, int appnum,
                           const std::string& host, long pid) {
    std::string name;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        const char next = pattern[i] == '%' && i + 1 < pattern.size() ? pattern[i + 1] : '\0';
        switch (next) {
            case 'r': name += std::to_string(rank); break;
            case 'a': name += std::to_string(appnum); break;
            case 'g': name += '0'; break;
            case 'p': name += std::to_string(pid); break;
            case 'h': name += host; break;
            case '%': name += '%'; break;
            default: name += pattern[i]; continue;
        }
        ++i;
    }
    return name;
}

}  // namespace launch
