// Matching: posted receives against arriving messages (MPI-5.0 §3.5). The cost stays flat with
// thousands queued, wildcards or not. Receives are hashed by what they ask for, wildcards included:
// a message looks for the four that could suit it, and takes the earliest. The receive posted last
// is hashed only when another one is posted: a process in MPI_Recv mostly has no more than that
// one. Messages are mostly asked for in the order of their arrival; once one is not found among the
// first few, all are hashed in the four ways in which a receive could ask for them.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "adi/engine/match_table.hpp"
#include "adi/engine/protocol.hpp"
#include "adi/engine/request.hpp"

namespace adi {

/// What a receive leaves open: the source, the tag, both or nothing.
inline constexpr unsigned kPatterns = 4;
inline unsigned pattern_of(const Match& m) {
    return (m.source == kAnySource ? 1U : 0U) | (m.tag == kAnyTag ? 2U : 0U);
}
/// The receive of this pattern that a message of `context`, `source` and `tag` suits.
inline Match asked_for(unsigned pattern, std::uint32_t context, std::int32_t source,
                       std::int32_t tag) {
    return {context, (pattern & 1U) != 0 ? kAnySource : source,
            (pattern & 2U) != 0 ? kAnyTag : tag};
}

/// A message that came before its receive. Eager: `data` holds (or is about to hold) its payload.
struct Unexpected {
    struct Links {
        Unexpected* next = nullptr;
        Unexpected* prev = nullptr;
    };
    Unexpected* later = nullptr;  ///< in order of arrival; the next one when it is recycled
    Unexpected* earlier = nullptr;
    Links asked[kPatterns];  ///< in the table of each pattern
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

class Matcher {
  public:
    /// Queues a receive, behind those posted before.
    void post(Request& receive) {
        if (newest_ != nullptr) hash_newest();
        newest_ = &receive;
    }
    /// Takes out the first posted receive that a message of this header's match suits, or null.
    Request* take_posted(const Header& header);
    /// Takes out a posted receive that is to be cancelled.
    void remove_posted(Request& receive) {
        if (newest_ == &receive) {
            newest_ = nullptr;
        } else {
            unhash(receive);
        }
    }

    /// Takes out a posted receive for which suits(match) is true, or null.
    template <class F>
    Request* take_posted_if(F&& suits);
    /// Is suits(match) true for a posted receive?
    template <class F>
    bool any_posted(F&& suits) const;

    /// Queues a message, behind those that came before.
    void add(Unexpected& message);
    /// The first message that suits a receive of `match` (wildcards allowed), or null.
    Unexpected* find(const Match& match);
    /// Takes out a message that find() or find_by() gave.
    void remove(Unexpected& message);
    /// The message that `peer` named `cookie`, or null: for cancelling a send.
    Unexpected* find_by(Peer peer, std::uint32_t cookie) const;

    std::size_t posted() const { return hashed_ + (newest_ != nullptr ? 1 : 0); }
    std::size_t unexpected() const { return unexpected_count_; }

  private:
    /// So many messages are looked through one by one.
    static constexpr std::size_t kFew = 16;

    static bool suits(const Match& m, const Header& h) {
        return m.context == h.context && (m.source == h.source || m.source == kAnySource) &&
               (m.tag == h.tag || m.tag == kAnyTag);
    }
    bool make_index();
    void hash_newest() {
        newest_->sequence = ++sequence_;
        posted_[pattern_of(newest_->match)].push(*newest_);
        ++hashed_;
    }
    void unhash(Request& receive) {
        posted_[pattern_of(receive.match)].remove(receive);
        --hashed_;
    }
    Request* take_hashed(const Header& header);

    struct Posted : MemberLinks<Request, &Request::next, &Request::prev> {
        static const Match& match(const Request& r) { return r.match; }
    };
    template <unsigned kPattern>
    struct Asked {
        static Unexpected*& next(Unexpected& u) { return u.asked[kPattern].next; }
        static Unexpected*& prev(Unexpected& u) { return u.asked[kPattern].prev; }
        static Match match(const Unexpected& u) {
            return asked_for(kPattern, u.header.context, u.header.source, u.header.tag);
        }
    };
    /// The messages, by each pattern.
    struct Index {
        MatchTable<Unexpected, Asked<0>> exact;
        MatchTable<Unexpected, Asked<1>> any_source;
        MatchTable<Unexpected, Asked<2>> any_tag;
        MatchTable<Unexpected, Asked<3>> any;
        void push(Unexpected& u) {
            exact.push(u), any_source.push(u), any_tag.push(u), any.push(u);
        }
        void remove(Unexpected& u) {
            exact.remove(u), any_source.remove(u), any_tag.remove(u), any.remove(u);
        }
        Unexpected* first(const Match& m) const {
            switch (pattern_of(m)) {
                case 0: return exact.first(m);
                case 1: return any_source.first(m);
                case 2: return any_tag.first(m);
                default: return any.first(m);
            }
        }
    };

    Request* newest_ = nullptr;  ///< the receive posted last, if it is not in a table yet
    std::size_t hashed_ = 0;     ///< the other posted receives, which are in posted_
    std::array<MatchTable<Request, Posted>, kPatterns> posted_;
    List<Unexpected, &Unexpected::later, &Unexpected::earlier> arrivals_;
    std::unique_ptr<Index> index_;
    bool indexed_ = false;  ///< all that is in arrivals_ is in index_
    std::uint64_t sequence_ = 0;
    std::size_t unexpected_count_ = 0;
};

inline Request* Matcher::take_posted(const Header& h) {
    if (hashed_ != 0) {
        if (Request* r = take_hashed(h); r != nullptr) return r;
    }
    Request* r = newest_;
    if (r == nullptr || !suits(r->match, h)) return nullptr;
    newest_ = nullptr;
    return r;
}

inline Request* Matcher::take_hashed(const Header& h) {
    Request* found = nullptr;
    for (unsigned pattern = 0; pattern < kPatterns; ++pattern) {
        if (posted_[pattern].size() == 0) continue;
        Request* r = posted_[pattern].first(asked_for(pattern, h.context, h.source, h.tag));
        if (r == nullptr || (found != nullptr && found->sequence < r->sequence)) continue;
        found = r;
    }
    if (found != nullptr) unhash(*found);
    return found;
}

template <class F>
Request* Matcher::take_posted_if(F&& suits) {
    if (newest_ != nullptr && suits(newest_->match)) return std::exchange(newest_, nullptr);
    for (auto& table : posted_) {
        if (Request* r = table.find_if([&](const Request& one) { return suits(one.match); })) {
            unhash(*r);
            return r;
        }
    }
    return nullptr;
}

template <class F>
bool Matcher::any_posted(F&& suits) const {
    if (newest_ != nullptr && suits(newest_->match)) return true;
    return std::any_of(posted_.begin(), posted_.end(), [&](const auto& table) {
        return table.find_if([&](const Request& one) { return suits(one.match); }) != nullptr;
    });
}

inline void Matcher::add(Unexpected& message) {
    arrivals_.push(message);
    ++unexpected_count_;
    if (indexed_) [[unlikely]]
        index_->push(message);
}

inline Unexpected* Matcher::find(const Match& m) {
    if (indexed_) [[unlikely]]
        return index_->first(m);
    std::size_t looked = 0;
    for (Unexpected* u = arrivals_.head; u != nullptr; u = u->later) {
        if (suits(m, u->header)) return u;
        if (++looked == kFew && make_index()) return index_->first(m);
    }
    return nullptr;
}

/// False: there is no memory for it.
inline bool Matcher::make_index() {
    if (index_ == nullptr) index_.reset(new (std::nothrow) Index);
    if (index_ == nullptr) return false;
    for (Unexpected* u = arrivals_.head; u != nullptr; u = u->later) index_->push(*u);
    return indexed_ = true;
}

inline void Matcher::remove(Unexpected& message) {
    arrivals_.remove(message);
    if (indexed_) index_->remove(message);
    if (--unexpected_count_ == 0) indexed_ = false;
}

inline Unexpected* Matcher::find_by(Peer peer, std::uint32_t cookie) const {
    for (Unexpected* u = arrivals_.head; u != nullptr; u = u->later) {
        if (u->peer == peer && u->header.cookie == cookie) return u;
    }
    return nullptr;
}

}  // namespace adi
