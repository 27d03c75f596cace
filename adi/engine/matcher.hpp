// Matching: posted receives against arriving messages (MPI-5.0 §3.5). Both sides are hashed by
// (context, source, tag), so that the cost stays flat with thousands queued; receives with a
// wildcard stand in a list of their own, and order is kept by sequence numbers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "adi/engine/protocol.hpp"
#include "adi/engine/request.hpp"

namespace adi {

/// A message that came before its receive. Eager: `data` holds (or is about to hold) its payload.
struct Unexpected {
    Unexpected* next = nullptr;  // in the bucket
    Unexpected* prev = nullptr;
    Unexpected* later = nullptr;  // in order of arrival
    Unexpected* earlier = nullptr;
    Header header;
    Peer peer = 0;
    bool arrived = false;        ///< eager: all payload is in `data`
    Request* claimed = nullptr;  ///< matched while it still arrives
    std::uint64_t total_bytes = 0;
    std::uint64_t address = 0;  ///< rts: of the source in the sender
    std::byte* data = nullptr;
    std::unique_ptr<std::byte[]> heap;  ///< behind `data` when it is long
    std::byte small[96];
};

/// A doubly linked list through two pointer members.
template <class T, T* T::*Next, T* T::*Prev>
struct List {
    T* head = nullptr;
    T* tail = nullptr;
    void push(T& item) {
        item.*Next = nullptr;
        item.*Prev = tail;
        (tail == nullptr ? head : tail->*Next) = &item;
        tail = &item;
    }
    void remove(T& item) {
        (item.*Prev == nullptr ? head : (item.*Prev)->*Next) = item.*Next;
        (item.*Next == nullptr ? tail : (item.*Next)->*Prev) = item.*Prev;
    }
};

class Matcher {
  public:
    /// Queues a receive, behind those posted before.
    void post(Request& receive);
    /// Takes out the first posted receive that a message of this header's match suits, or null.
    Request* take_posted(const Header& header);
    /// Takes out a posted receive that is to be cancelled.
    void remove_posted(Request& receive);

    /// Takes out a posted receive for which suits(match) is true, or null.
    template <class F>
    Request* take_posted_if(F&& suits);

    /// Queues a message, behind those that came before.
    void add(Unexpected& message);
    /// The first message that suits a receive of `match` (wildcards allowed), or null.
    Unexpected* find(const Match& match) const;
    /// Takes out a message that find() or find_by() gave.
    void remove(Unexpected& message);
    /// The message that `peer` named `cookie`, or null: for cancelling a send.
    Unexpected* find_by(Peer peer, std::uint32_t cookie) const;

    std::size_t posted() const { return posted_count_; }
    std::size_t unexpected() const { return unexpected_count_; }

  private:
    static constexpr std::size_t kBuckets = 256;
    static std::size_t bucket(std::uint32_t context, std::int32_t source, std::int32_t tag) {
        std::uint32_t h = context * 0x9e3779b1U + static_cast<std::uint32_t>(source) * 0x85ebca6bU +
                          static_cast<std::uint32_t>(tag) * 0xc2b2ae35U;
        return (h ^ (h >> 15)) & (kBuckets - 1);
    }
    static bool wild(const Match& m) { return m.source == kAnySource || m.tag == kAnyTag; }
    static bool suits(const Match& m, std::uint32_t context, std::int32_t source,
                      std::int32_t tag) {
        return m.context == context && (m.source == source || m.source == kAnySource) &&
               (m.tag == tag || m.tag == kAnyTag);
    }

    using Receives = List<Request, &Request::next, &Request::prev>;
    using Bucket = List<Unexpected, &Unexpected::next, &Unexpected::prev>;
    using Arrivals = List<Unexpected, &Unexpected::later, &Unexpected::earlier>;
    std::array<Receives, kBuckets> exact_;
    Receives wild_;
    std::array<Bucket, kBuckets> buckets_;
    Arrivals arrivals_;
    std::uint64_t sequence_ = 0;
    std::size_t posted_count_ = 0;
    std::size_t unexpected_count_ = 0;
};

inline void Matcher::post(Request& receive) {
    receive.sequence = ++sequence_;
    const Match& m = receive.match;
    (wild(m) ? wild_ : exact_[bucket(m.context, m.source, m.tag)]).push(receive);
    ++posted_count_;
}

inline Request* Matcher::take_posted(const Header& h) {
    Receives& exact = exact_[bucket(h.context, h.source, h.tag)];
    Request* found = exact.head;
    while (found != nullptr && !suits(found->match, h.context, h.source, h.tag)) {
        found = found->next;
    }
    Receives* from = &exact;
    for (Request* w = wild_.head; w != nullptr; w = w->next) {
        if (found != nullptr && found->sequence < w->sequence) break;
        if (!suits(w->match, h.context, h.source, h.tag)) continue;
        found = w;
        from = &wild_;
        break;
    }
    if (found != nullptr) {
        from->remove(*found);
        --posted_count_;
    }
    return found;
}

inline void Matcher::remove_posted(Request& receive) {
    const Match& m = receive.match;
    (wild(m) ? wild_ : exact_[bucket(m.context, m.source, m.tag)]).remove(receive);
    --posted_count_;
}

template <class F>
Request* Matcher::take_posted_if(F&& suits) {
    const auto take = [&](Receives& list) -> Request* {
        for (Request* r = list.head; r != nullptr; r = r->next) {
            if (!suits(r->match)) continue;
            remove_posted(*r);
            return r;
        }
        return nullptr;
    };
    if (Request* r = take(wild_); r != nullptr) return r;
    for (Receives& list : exact_) {
        if (Request* r = take(list); r != nullptr) return r;
    }
    return nullptr;
}

inline void Matcher::add(Unexpected& message) {
    const Header& h = message.header;
    buckets_[bucket(h.context, h.source, h.tag)].push(message);
    arrivals_.push(message);
    ++unexpected_count_;
}

inline Unexpected* Matcher::find(const Match& m) const {
    if (unexpected_count_ == 0) return nullptr;
    if (wild(m)) {
        for (Unexpected* u = arrivals_.head; u != nullptr; u = u->later) {
            if (suits(m, u->header.context, u->header.source, u->header.tag)) return u;
        }
        return nullptr;
    }
    for (Unexpected* u = buckets_[bucket(m.context, m.source, m.tag)].head; u; u = u->next) {
        if (suits(m, u->header.context, u->header.source, u->header.tag)) return u;
    }
    return nullptr;
}

inline void Matcher::remove(Unexpected& message) {
    const Header& h = message.header;
    buckets_[bucket(h.context, h.source, h.tag)].remove(message);
    arrivals_.remove(message);
    --unexpected_count_;
}

inline Unexpected* Matcher::find_by(Peer peer, std::uint32_t cookie) const {
    for (Unexpected* u = arrivals_.head; u != nullptr; u = u->later) {
        if (u->peer == peer && u->header.cookie == cookie) return u;
    }
    return nullptr;
}

}  // namespace adi
