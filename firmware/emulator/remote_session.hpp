// What two emulators say to each other over a remote link: bytes in, bytes out; sockets are
// elsewhere (remote_link.hpp). Everything that comes is checked; the first thing wrong ends the
// session.
//
//     hello    "FATHFAB", version, role (1 connects, 2 listens), 7 zero bytes, 32 random bytes
//     proof    HMAC-SHA-256 with the secret over "proof", the sender's role, both random numbers;
//     the
//              connecting side's first, so that a listener proves nothing to strangers
//     frames   length of what follows (4 bytes, big-endian), type, flags, syndrome, 0, packet
//     bytes,
//              and 16 bytes of an HMAC-SHA-256, with a key of this session and direction, over the
//              number of the frame and all of it
//
// Nothing is secret on the way but the secret itself; nothing can be put in, changed, left out or
// played again.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace emulator {

struct RemoteFrame {
    enum class Type : std::uint8_t {
        data = 1,   ///< a piece of a packet
        reset = 2,  ///< the packet that was begun is lost
        stop = 3,   ///< send no more, until ...
        go = 4,
    };
    Type type = Type::data;
    bool head = false;
    bool tail = false;
    std::uint8_t syndrome = 0;
    std::vector<std::uint8_t> bytes;

    bool operator==(const RemoteFrame&) const = default;
};

class RemoteSession {
  public:
    static constexpr std::size_t kNonce = 32;
    static constexpr std::size_t kHello = 48;
    static constexpr std::size_t kProof = 32;
    static constexpr std::size_t kMac = 16;
    static constexpr std::size_t kMostBytes = 8192;  ///< of a packet, in one frame
    static constexpr std::size_t kLeastSecret = 16;

    enum class State : std::uint8_t { hello, proof, up, failed };

    /// `nonce` is random, and never used twice.
    RemoteSession(bool listens, std::string_view secret,
                  const std::array<std::uint8_t, kNonce>& nonce);

    State state() const { return state_; }
    /// Why it failed.
    const char* error() const { return error_; }

    /// Bytes that came.
    void feed(std::span<const std::uint8_t> bytes);
    /// What came in frames, in order.
    std::optional<RemoteFrame> take();
    /// Once it is up. A piece longer than kMostBytes goes as several frames.
    void send(const RemoteFrame& frame);

    /// What is to be written to the other side; who writes takes off what he wrote.
    std::vector<std::uint8_t> output;

  private:
    using Key = std::array<std::uint8_t, 32>;

    void process();
    bool read_hello();
    bool read_proof();
    bool read_frame();
    bool fail(const char* why);
    Key derive(std::string_view what, bool listener) const;
    std::array<std::uint8_t, kMac> mac(const Key& key, std::uint64_t number,
                                       std::span<const std::uint8_t> bytes) const;
    void put_frame(RemoteFrame::Type type, unsigned flags, std::uint8_t syndrome,
                   std::span<const std::uint8_t> bytes);
    std::span<const std::uint8_t> waiting() const {
        return std::span<const std::uint8_t>(input_).subspan(read_);
    }

    const bool listens_;
    std::string secret_;
    std::array<std::uint8_t, kNonce> ours_;
    std::array<std::uint8_t, kNonce> theirs_{};
    State state_ = State::hello;
    const char* error_ = "";
    std::vector<std::uint8_t> input_;
    std::size_t read_ = 0;
    std::deque<RemoteFrame> frames_;
    Key send_key_{};
    Key receive_key_{};
    std::uint64_t sent_ = 0;
    std::uint64_t received_ = 0;
};

}  // namespace emulator
