#include "mpi/launch/link.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace launch {

namespace {

constexpr std::size_t kPrefix = 5;             // length and type
constexpr std::size_t kMostNoise = 64 * 1024;  // that a shell may print before the greeting
constexpr std::size_t kReadBytes = 256 * 1024;

}  // namespace

Link::Link(EventLoop* loop, UniqueFd in, UniqueFd out, OnFrame on_frame, OnClosed on_closed)
    : loop_(loop),
      in_(std::move(in)),
      out_(std::move(out)),
      on_frame_(std::move(on_frame)),
      on_closed_(std::move(on_closed)),
      unsent_(kGreeting) {
    make_nonblocking(in_);
    make_nonblocking(out_);
    loop_->add(in_.get(), EPOLLIN, [this](std::uint32_t) { read(); });
    timer_ = loop_->call_after(kBeat, [this] { beat(); });
    flush();
}

Link::~Link() {
    close();
}

void Link::close() {
    loop_->cancel(timer_);
    if (in_) loop_->remove(in_.get());
    if (blocked_) loop_->remove(out_.get());
    blocked_ = false;
    in_.reset();
    out_.reset();
}

void Link::send(Frame type, const Writer& fields) {
    if (!open()) return;
    const std::string& bytes = fields.bytes();
    for (int shift = 0; shift < 32; shift += 8) {
        unsent_ += static_cast<char>(bytes.size() >> shift & 0xff);
    }
    unsent_ += static_cast<char>(type);
    unsent_ += bytes;
    if (!blocked_) flush();
}

void Link::flush() {
    while (sent_ < unsent_.size()) {
        const ssize_t put = ::write(out_.get(), unsent_.data() + sent_, unsent_.size() - sent_);
        if (put >= 0) {
            sent_ += static_cast<std::size_t>(put);
        } else if (errno == EAGAIN) {
            break;
        } else if (errno != EINTR) {
            // The reading side tells the end, after what the other one still had to say.
            sent_ = unsent_.size();
        }
    }
    unsent_.erase(0, sent_);
    sent_ = 0;
    const bool blocked = !unsent_.empty();
    if (blocked == blocked_) return;
    blocked_ = blocked;
    if (blocked) {
        loop_->add(out_.get(), EPOLLOUT, [this](std::uint32_t) { flush(); });
    } else {
        loop_->remove(out_.get());
    }
}

void Link::read() {
    const std::size_t before = received_.size();
    received_.resize(before + kReadBytes);
    const ssize_t got = ::read(in_.get(), received_.data() + before, kReadBytes);
    received_.resize(before + (got > 0 ? static_cast<std::size_t>(got) : 0));
    if (got > 0) {
        heard_ = EventLoop::Clock::now();
        take();
    } else if (got == 0) {
        fail("the connection was closed");
    } else if (errno != EAGAIN && errno != EINTR) {
        fail(std::string("the connection broke: ") + std::strerror(errno));
    }
}

bool Link::greeted() {
    if (greeted_) return true;
    const std::size_t at = received_.find(kGreeting);
    if (at != std::string::npos) {
        received_.erase(0, at + kGreeting.size());
        greeted_ = true;
    } else if (received_.size() > kMostNoise) {
        fail("no proxy answered");
    }
    return greeted_;
}

void Link::take() {
    if (!greeted()) return;
    std::size_t at = 0;
    while (open() && received_.size() - at >= kPrefix) {
        std::uint32_t bytes = 0;
        for (std::size_t i = 0; i < 4; ++i) {
            bytes |= std::uint32_t{static_cast<unsigned char>(received_[at + i])} << 8 * i;
        }
        if (bytes > kMostFrameBytes) return fail("a frame of an impossible length came");
        if (received_.size() - at - kPrefix < bytes) break;
        const auto type = static_cast<Frame>(received_[at + 4]);
        Reader fields(std::string_view(received_).substr(at + kPrefix, bytes));
        at += kPrefix + bytes;
        patient_ = false;
        if (type == Frame::beat) continue;
        on_frame_(type, fields);
        if (!fields.done()) return fail("a frame of an impossible content came");
    }
    if (open()) received_.erase(0, at);
}

void Link::beat() {
    if (!patient_ && EventLoop::Clock::now() - heard_ > kSilence) {
        return fail("nothing was heard from it for " + std::to_string(kSilence / kBeat) + " s");
    }
    if (!blocked_) send(Frame::beat);
    timer_ = loop_->call_after(kBeat, [this] { beat(); });
}

void Link::fail(const std::string& why) {
    if (!open()) return;
    const std::string noise = greeted_ ? "" : received_;
    close();
    on_closed_(why, noise);
}

}  // namespace launch
