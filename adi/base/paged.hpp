// An array for something about each process of a job, of which a process needs few.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

namespace adi {

/// `size()` elements, all T() until changed. They are in pages, of which there are those in which
/// something was changed: all others cost 64 elements one pointer, an eighth of a byte each.
template <class T>
class Paged {
  public:
    /// Once, or after clear().
    void resize(std::size_t size) {
        size_ = size;
        pages_.assign((size + kPage - 1) / kPage, kUnchanged.data());
    }
    void clear() {
        pages_.clear();
        own_.clear();
        size_ = 0;
    }
    std::size_t size() const { return size_; }

    /// To look at.
    const T& operator[](std::size_t i) const { return pages_[i / kPage][i % kPage]; }
    /// To change; stays where it is.
    T& at(std::size_t i) {
        const T*& page = pages_[i / kPage];
        if (page == kUnchanged.data()) [[unlikely]] {
            own_.push_back(std::make_unique<Page>());
            page = own_.back()->data();
        }
        // It is one of own_.
        return const_cast<T&>(page[i % kPage]);
    }

  private:
    static constexpr std::size_t kPage = 64;
    using Page = std::array<T, kPage>;
    static constinit inline const Page kUnchanged{};

    std::vector<const T*> pages_;
    std::vector<std::unique_ptr<Page>> own_;
    std::size_t size_ = 0;
};

}  // namespace adi
