// Items hashed by context, source and tag, either of which two may be a wildcard. A chain keeps the
// order in which its items were added. The table grows with what it holds, and does not shrink.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

#include "adi/engine/protocol.hpp"

namespace adi {

/// A doubly linked list; Links::next(item) and Links::prev(item) are its pointers.
template <class T, class Links>
struct Chain {
    T* head = nullptr;
    T* tail = nullptr;
    void push(T& item) {
        Links::next(item) = nullptr;
        Links::prev(item) = tail;
        (tail == nullptr ? head : Links::next(*tail)) = &item;
        tail = &item;
    }
    void remove(T& item) {
        T* const next = Links::next(item);
        T* const prev = Links::prev(item);
        (prev == nullptr ? head : Links::next(*prev)) = next;
        (next == nullptr ? tail : Links::prev(*next)) = prev;
    }
};

/// A chain through two pointer members.
template <class T, T* T::*kNext, T* T::*kPrev>
struct MemberLinks {
    static T*& next(T& item) { return item.*kNext; }
    static T*& prev(T& item) { return item.*kPrev; }
};
template <class T, T* T::*kNext, T* T::*kPrev>
using List = Chain<T, MemberLinks<T, kNext, kPrev>>;

/// Traits: next(item), prev(item), and match(item), by which it is hashed. Owns no item.
template <class T, class Traits>
class MatchTable {
  public:
    MatchTable() = default;
    MatchTable(const MatchTable&) = delete;
    MatchTable& operator=(const MatchTable&) = delete;

    void push(T& item) {
        if (++count_ > 2 * buckets()) [[unlikely]]
            grow();
        chain(Traits::match(item)).push(item);
    }
    void remove(T& item) {
        chain(Traits::match(item)).remove(item);
        --count_;
    }
    /// The first whose match is this very one, or null.
    T* first(const Match& match) const {
        T* item = chain(match).head;
        while (item != nullptr && !same(Traits::match(*item), match)) item = Traits::next(*item);
        return item;
    }
    /// The first of some order for which is(item), or null.
    template <class F>
    T* find_if(F&& is) const {
        for (std::size_t i = 0; i < buckets(); ++i) {
            for (T* item = chains_[i].head; item != nullptr; item = Traits::next(*item)) {
                if (is(*item)) return item;
            }
        }
        return nullptr;
    }
    std::size_t size() const { return count_; }

  private:
    using Bucket = Chain<T, Traits>;

    static std::uint32_t hash(const Match& m) {
        const std::uint32_t h = m.context * 0x9e3779b1U +
                                static_cast<std::uint32_t>(m.source) * 0x85ebca6bU +
                                static_cast<std::uint32_t>(m.tag) * 0xc2b2ae35U;
        return h ^ (h >> 15);
    }
    static bool same(const Match& a, const Match& b) {
        return a.context == b.context && a.source == b.source && a.tag == b.tag;
    }
    std::size_t buckets() const { return std::size_t{mask_} + 1; }
    Bucket& chain(const Match& match) const { return chains_[hash(match) & mask_]; }
    /// A chain falls apart into several, each in the same order. Without memory chains get longer.
    void grow() {
        const std::size_t more = 4 * buckets();
        std::unique_ptr<Bucket[]> bigger(new (std::nothrow) Bucket[more]);
        if (bigger == nullptr) return;
        for (std::size_t i = 0; i < buckets(); ++i) {
            for (T* item = chains_[i].head; item != nullptr;) {
                T* const next = Traits::next(*item);
                bigger[hash(Traits::match(*item)) & (more - 1)].push(*item);
                item = next;
            }
        }
        grown_ = std::move(bigger);
        chains_ = grown_.get();
        mask_ = static_cast<std::uint32_t>(more - 1);
    }

    static constexpr std::uint32_t kFew = 32;
    Bucket few_[kFew];
    std::unique_ptr<Bucket[]> grown_;
    Bucket* chains_ = few_;
    std::uint32_t mask_ = kFew - 1;
    std::size_t count_ = 0;
};

}  // namespace adi
