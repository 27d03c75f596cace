#include "firmware/emulator/remote_session.hpp"

#include <sodium.h>

#include <algorithm>
#include <utility>

#include "adi/base/hmac.hpp"

namespace emulator {

namespace {

constexpr std::array<std::uint8_t, 8> kMagic = {'F', 'A', 'T', 'H', 'F', 'A', 'B', 1};
constexpr std::size_t kHeader = 4;  // of a frame, after its length
constexpr unsigned kHead = 1;
constexpr unsigned kTail = 2;

static_assert(RemoteSession::kProof == adi::Hmac::kBytes);

}  // namespace

RemoteSession::RemoteSession(bool listens, std::string_view secret,
                             const std::array<std::uint8_t, kNonce>& nonce)
    : listens_(listens), secret_(secret), ours_(nonce) {
    output.insert(output.end(), kMagic.begin(), kMagic.end());
    output.push_back(listens ? 2 : 1);
    output.resize(kHello - kNonce);
    output.insert(output.end(), ours_.begin(), ours_.end());
    if (secret.size() < kLeastSecret) fail("the secret is too short");
}

/// A value that only who knows the secret can make, different for each session and side.
RemoteSession::Key RemoteSession::derive(std::string_view what, bool listener) const {
    const std::uint8_t role = listener ? 2 : 1;
    return adi::Hmac(secret_)
        .add(what)
        .add_value(role)
        .add(listens_ ? theirs_ : ours_)
        .add(listens_ ? ours_ : theirs_)
        .finish();
}

std::array<std::uint8_t, RemoteSession::kMac> RemoteSession::mac(
    const Key& key, std::uint64_t number, std::span<const std::uint8_t> bytes) const {
    std::array<std::uint8_t, 8> count;
    for (std::size_t i = 0; i < count.size(); ++i)
        count[i] = static_cast<std::uint8_t>(number >> (56 - 8 * i));
    return adi::Hmac(key).add(count).add(bytes).finish<kMac>();
}

bool RemoteSession::fail(const char* why) {
    state_ = State::failed;
    error_ = why;
    input_.clear();
    read_ = 0;
    return false;
}

void RemoteSession::feed(std::span<const std::uint8_t> bytes) {
    if (state_ == State::failed) return;
    input_.insert(input_.end(), bytes.begin(), bytes.end());
    process();
    if (read_ == 0) return;
    input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(read_));
    read_ = 0;
}

void RemoteSession::process() {
    for (bool more = true; more;) {
        switch (state_) {
            case State::hello: more = read_hello(); break;
            case State::proof: more = read_proof(); break;
            case State::up: more = read_frame(); break;
            case State::failed: more = false; break;
        }
    }
}

bool RemoteSession::read_hello() {
    const auto bytes = waiting();
    // What cannot become a greeting is not waited for.
    const std::size_t some = std::min(bytes.size(), kMagic.size() - 1);
    if (!std::equal(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(some),
                    kMagic.begin()))
        return fail("what connected is no emulator");
    if (bytes.size() < kHello) return false;
    if (bytes[7] != kMagic[7]) return fail("the other emulator has another version");
    if (bytes[8] != (listens_ ? 1 : 2)) return fail("both emulators listen, or both connect");
    if (std::any_of(bytes.begin() + 9, bytes.begin() + 16, [](std::uint8_t b) { return b != 0; }))
        return fail("a greeting of another form");
    std::copy_n(bytes.begin() + 16, kNonce, theirs_.begin());
    read_ += kHello;
    if (theirs_ == ours_) return fail("the greeting is our own");
    state_ = State::proof;
    if (!listens_) {
        const Key proof = derive("proof", false);
        output.insert(output.end(), proof.begin(), proof.end());
    }
    return true;
}

bool RemoteSession::read_proof() {
    const auto bytes = waiting();
    if (bytes.size() < kProof) return false;
    const Key expected = derive("proof", !listens_);
    if (!adi::same(expected, bytes.first(kProof)))
        return fail("the other side does not know the secret");
    read_ += kProof;
    if (listens_) {
        const Key proof = derive("proof", true);
        output.insert(output.end(), proof.begin(), proof.end());
    }
    send_key_ = derive("frames", listens_);
    receive_key_ = derive("frames", !listens_);
    sodium_memzero(secret_.data(), secret_.size());
    state_ = State::up;
    return true;
}

bool RemoteSession::read_frame() {
    const auto bytes = waiting();
    if (bytes.size() < 4) return false;
    const std::size_t length = std::size_t{bytes[0]} << 24 | std::size_t{bytes[1]} << 16 |
                               std::size_t{bytes[2]} << 8 | bytes[3];
    if (length < kHeader + kMac || length > kHeader + kMostBytes + kMac)
        return fail("a frame of an impossible length");
    if (bytes.size() < 4 + length) return false;
    const auto signed_bytes = bytes.first(4 + length - kMac);
    const auto expected = mac(receive_key_, received_, signed_bytes);
    if (!adi::same(expected, bytes.subspan(signed_bytes.size(), kMac)))
        return fail("a frame that the other side did not send");
    ++received_;
    RemoteFrame frame;
    const unsigned type = bytes[4];
    const unsigned flags = bytes[5];
    if (type < 1 || type > 4 || flags > (kHead | kTail) || bytes[7] != 0 ||
        (type != 1 && (length != kHeader + kMac || flags != 0 || bytes[6] != 0)))
        return fail("a frame that makes no sense");
    frame.type = static_cast<RemoteFrame::Type>(type);
    frame.head = (flags & kHead) != 0;
    frame.tail = (flags & kTail) != 0;
    frame.syndrome = bytes[6];
    frame.bytes.assign(bytes.begin() + 8,
                       bytes.begin() + static_cast<std::ptrdiff_t>(signed_bytes.size()));
    frames_.push_back(std::move(frame));
    read_ += 4 + length;
    return true;
}

std::optional<RemoteFrame> RemoteSession::take() {
    if (frames_.empty()) return std::nullopt;
    RemoteFrame frame = std::move(frames_.front());
    frames_.pop_front();
    return frame;
}

void RemoteSession::put_frame(RemoteFrame::Type type, unsigned flags, std::uint8_t syndrome,
                              std::span<const std::uint8_t> bytes) {
    const std::size_t start = output.size();
    const std::size_t length = kHeader + bytes.size() + kMac;
    for (const int shift : {24, 16, 8, 0})
        output.push_back(static_cast<std::uint8_t>(length >> shift));
    output.push_back(static_cast<std::uint8_t>(type));
    output.push_back(static_cast<std::uint8_t>(flags));
    output.push_back(syndrome);
    output.push_back(0);
    output.insert(output.end(), bytes.begin(), bytes.end());
    const auto code = mac(send_key_, sent_++, std::span<const std::uint8_t>(output).subspan(start));
    output.insert(output.end(), code.begin(), code.end());
}

void RemoteSession::send(const RemoteFrame& frame) {
    if (state_ != State::up) return;
    if (frame.type != RemoteFrame::Type::data) return put_frame(frame.type, 0, 0, {});
    const std::span<const std::uint8_t> bytes = frame.bytes;
    std::size_t at = 0;
    do {
        const std::size_t n = std::min(kMostBytes, bytes.size() - at);
        const bool last = at + n == bytes.size();
        const unsigned flags =
            (frame.head && at == 0 ? kHead : 0U) | (frame.tail && last ? kTail : 0U);
        put_frame(frame.type, flags, last ? frame.syndrome : std::uint8_t{0}, bytes.subspan(at, n));
        at += n;
    } while (at < bytes.size());
}

}  // namespace emulator
