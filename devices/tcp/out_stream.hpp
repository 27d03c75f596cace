// What goes to a peer: a stream of bytes that stay here until the peer has said that it has them,
// so that a broken connection can be mended at any byte of it.
//
// Short things are copied into a ring, where they wait for that. What put() sends stays where it
// is, as the caller keeps it until the put is reported: it is sent from there, and from there
// again.
#pragma once

#include <sys/uio.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "adi/base/layout.hpp"

namespace dev::tcp {

class OutStream {
  public:
    /// More is not kept in the ring, which begins small.
    static constexpr std::uint64_t kMostRingBytes = std::uint64_t{1} << 20;

    /// Bytes that append() can take now.
    std::uint64_t room() { return ring_.size() - (ring_end_ - ring_begin_); }
    /// Makes room for `bytes` if that can be had; more than kMostRingBytes cannot.
    bool make_room(std::uint64_t bytes);
    /// Copies to the end of the stream. There is room.
    void append(const void* bytes, std::uint64_t count);
    /// The same from packed bytes [offset, offset + count) of a buffer.
    void append(const adi::Buffer& buffer, std::uint64_t offset, std::uint64_t count);
    /// Adds bytes that stay where they are until take_done() names `token`.
    void append_kept(const void* bytes, std::uint64_t count, void* token);

    /// What is to be sent next: fills `parts`, returns how many. 0: nothing.
    std::size_t next(std::span<iovec> parts) const;
    /// So much of it was.
    void sent(std::uint64_t bytes);
    bool pending() const { return sent_ != end_; }

    /// The peer has the stream up to here, at least: frames that are sent again tell what was
    /// true when they were made. False: so much was never sent.
    bool acknowledge(std::uint64_t position);
    /// The peer has the stream up to here and no farther: what follows is sent, again if need be.
    /// False: that cannot be.
    bool rewind(std::uint64_t position);
    std::uint64_t acknowledged() const { return acknowledged_; }
    /// A token whose bytes the peer has; null when there is none.
    void* take_done();
    /// Any token, its bytes acknowledged or not: the peer is lost.
    void* take_any();

  private:
    struct Segment {
        std::uint64_t begin, end;  ///< positions in the stream
        const std::byte* kept;     ///< null: in the ring
        std::uint64_t ring;        ///< there: where it begins
        void* token;
    };
    void extend(std::uint64_t count);
    std::byte* at(std::uint64_t ring) { return ring_.data() + (ring & (ring_.size() - 1)); }
    const std::byte* at(std::uint64_t ring) const {
        return ring_.data() + (ring & (ring_.size() - 1));
    }
    /// Calls f(place, done, part) for the one or two parts of ring bytes [from, from + count).
    template <class F>
    void in_parts(std::uint64_t from, std::uint64_t count, F&& f) const {
        const std::uint64_t first =
            std::min<std::uint64_t>(count, ring_.size() - (from & (ring_.size() - 1)));
        if (first > 0) f(at(from), std::uint64_t{0}, first);
        if (first < count) f(at(from + first), first, count - first);
    }

    std::vector<std::byte> ring_;  ///< its size is a power of two
    std::uint64_t ring_begin_ = 0, ring_end_ = 0;
    std::deque<Segment> segments_;  ///< [acknowledged_, end_), those of kept bytes whole
    std::uint64_t acknowledged_ = 0, sent_ = 0, end_ = 0;
    std::uint64_t most_sent_ = 0;  ///< before any rewind()
    std::vector<void*> done_;
};

}  // namespace dev::tcp
