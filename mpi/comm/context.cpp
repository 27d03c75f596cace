#include "mpi/comm/context.hpp"

#include <algorithm>
#include <bit>

namespace mpi {

/// One call of agree(), on its stack.
class ContextPool::Negotiation {
  public:
    Negotiation(ContextPool& pool, const Turn& turn) : pool_(pool), turn_(turn) {}
    ~Negotiation() {
        disown();
        if (!entered_) return;
        Negotiation** link = &pool_.entered_;
        while (*link != this) link = &(*link)->next_;
        *link = next_;
    }
    Negotiation(const Negotiation&) = delete;
    Negotiation& operator=(const Negotiation&) = delete;

    bool entered() const { return entered_; }
    void enter() {
        next_ = pool_.entered_;
        pool_.entered_ = this;
        entered_ = true;
    }

    /// Gets the list of contexts, if it is this negotiation's turn.
    bool try_own() {
        if (pool_.owner_ == this) return true;
        if (!entered_ || pool_.owner_ != nullptr) return false;
        for (const Negotiation* n = pool_.entered_; n != nullptr; n = n->next_) {
            if (n->turn_ < turn_) return false;
        }
        pool_.owner_ = this;
        return true;
    }
    void disown() {
        if (pool_.owner_ == this) pool_.owner_ = nullptr;
    }

  private:
    ContextPool& pool_;
    const Turn turn_;
    bool entered_ = false;
    Negotiation* next_ = nullptr;
};

Status ContextPool::agree(const Turn& turn, bool all_present, Exchange& exchange,
                          std::uint32_t* context) {
    Negotiation negotiation(*this, turn);
    if (all_present) negotiation.enter();
    std::array<std::uint64_t, 1 + kWords> words;  // "all own the list", then the window
    std::size_t start = 0, length = kFirstWindow;
    while (start < kWords) {
        words[0] = negotiation.try_own() ? 1 : 0;
        for (std::size_t i = 0; i < length; ++i) {
            words[1 + i] = words[0] != 0 ? ~used_[start + i] : 0;
        }
        if (Status s = exchange.combine({words.data(), 1 + length}); s != Status::ok) return s;
        if (words[0] == 0) {
            negotiation.disown();
            if (negotiation.entered()) {
                exchange.pause();
            } else {
                negotiation.enter();
            }
            start = 0;
            length = kFirstWindow;
            continue;
        }
        for (std::size_t i = 0; i < length; ++i) {
            if (words[1 + i] == 0) continue;
            const auto bit = static_cast<std::uint32_t>(std::countr_zero(words[1 + i]));
            used_[start + i] |= std::uint64_t{1} << bit;
            ++in_use_;
            *context = 2 * (static_cast<std::uint32_t>(start + i) * 64 + bit);
            return Status::ok;
        }
        start += length;
        length = std::min(4 * length, kWords - start);
    }
    return fail(Status::other,
                "no context is free on all processes: %u of %u are in use on this one; free "
                "communicators that are no longer needed",
                in_use_, kContexts);
}

void ContextPool::give_back(std::uint32_t context) {
    const std::uint32_t index = context / 2;
    used_[index / 64] &= ~(std::uint64_t{1} << (index % 64));
    --in_use_;
}

ContextPool& context_pool() {
    static constinit ContextPool pool;
    return pool;
}

}  // namespace mpi
