// What comes from a peer: cuts its stream into frames, and moves payload to where it is wanted, as
// far as it can without a stop in between. Everything in it is checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "adi/device.hpp"
#include "devices/tcp/format.hpp"

namespace dev::tcp {

/// Memory to read into. A stream has some only while it holds bytes that are not shown yet, so that
/// a thousand silent peers take none, and those that talk use what is in the cache.
class ReadBuffers {
  public:
    static constexpr std::size_t kBytes = 64 * 1024;
    using Buffer = std::unique_ptr<std::byte[]>;
    Buffer take() {
        if (spare_.empty()) return std::make_unique_for_overwrite<std::byte[]>(kBytes);
        Buffer buffer = std::move(spare_.back());
        spare_.pop_back();
        return buffer;
    }
    void give(Buffer buffer) {
        if (spare_.size() < kMostSpare) spare_.push_back(std::move(buffer));
    }

  private:
    static constexpr std::size_t kMostSpare = 8;
    std::vector<Buffer> spare_;
};

class InStream {
  public:
    /// What the owner knows.
    class Owner {
      public:
        /// The peer has so much of the other stream. False: it cannot.
        virtual bool on_acknowledged(adi::Peer peer, std::uint64_t position) = 0;
        /// The memory that `key` names, of `bytes`, if the peer may store there; else null.
        virtual void* window(adi::Peer peer, std::uint64_t key, std::uint32_t bytes) = 0;

      protected:
        ~Owner() = default;
    };
    InStream(adi::Peer peer, ReadBuffers& buffers) : buffers_(buffers) { stream_.peer = peer; }

    enum class Read { some, none, end, error };
    /// One read from a socket. Error: errno says why.
    Read read(int fd);
    /// Shows what has come, up to `budget` frames; returns how many. Null in `wrong`, or what is.
    int show(Owner& owner, adi::Sink& sink, int budget, const char** wrong);
    /// Frames may be left that show() had no budget for.
    bool unfinished() const { return unfinished_; }

    /// Device::receive() and discard() for the stream that show() shows.
    adi::Status receive(const adi::Buffer& target, std::uint64_t offset, std::uint32_t accept);
    void discard();
    static InStream& of(adi::ReceiveStream& stream) {
        return *reinterpret_cast<InStream*>(&stream);
    }

    /// Nothing is stored any more in the memory that `key` names.
    void forget(std::uint64_t key);

    /// Bytes that have come, all sockets together.
    std::uint64_t received() const { return received_; }
    /// A put is complete since the last call: who put it waits for the acknowledgement.
    bool take_put_done() { return std::exchange(put_done_, false); }
    /// The peer has taken its leave.
    bool left() const { return left_; }

  private:
    std::uint64_t direct(std::byte** to) const;
    bool open_frame(Owner& owner, adi::Sink& sink, const char** wrong);
    const char* check(const Prefix& prefix) const;
    const char* open_message(adi::Sink& sink, std::uint32_t bytes);
    const char* open_put(Owner& owner, std::uint32_t bytes);
    void take_payload(const std::byte* from, std::uint32_t bytes);
    void take_buffered();
    void release_buffer();
    std::size_t buffered() const { return end_ - begin_; }

    adi::ReceiveStream stream_;  ///< first: leads back here
    ReadBuffers& buffers_;
    ReadBuffers::Buffer buffer_;  ///< there while begin_ != end_
    std::size_t begin_ = 0, end_ = 0;
    std::uint64_t received_ = 0;
    std::uint32_t left_bytes_ = 0;  ///< of the payload that is coming, in this frame
    std::uint32_t rest_bytes_ = 0;  ///< of the message, in frames to come
    bool dropped_ = false;          ///< it is wanted nowhere
    bool later_ = false;            ///< on_received is due
    bool put_ = false;              ///< it is a put's
    std::byte* put_at_ = nullptr;   ///< where the rest of it goes; null: nowhere any more
    std::uint64_t put_key_ = 0;
    bool put_done_ = false;
    bool unfinished_ = false;
    bool left_ = false;
};

}  // namespace dev::tcp
