// A list of processes that takes no memory for each of them where they follow a rule.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <utility>
#include <vector>

namespace mpi {

/// A process of the job: its rank in MPI_COMM_WORLD, which is also the ADI's peer number.
using Process = std::uint32_t;

/// The processes of a group by rank. Those of most groups lie at equal distances (all of the job,
/// those of a host, the leaders of the hosts): then three numbers say which, whatever the number of
/// processes. Else 4 bytes for each.
class Processes {
  public:
    Processes() = default;
    /// `count` processes from `first` on, each `stride` >= 1 behind the one before.
    Processes(Process first, std::size_t count, Process stride = 1)
        : first_(first), stride_(count > 1 ? stride : 1), count_(count) {}
    /// Looks through the list for such a rule, once.
    Processes(std::vector<Process> list) : count_(list.size()) {
        if (find_rule(list)) return;
        list_ = std::move(list);
        list_.shrink_to_fit();
    }

    std::size_t size() const { return count_; }
    bool empty() const { return count_ == 0; }
    Process operator[](std::size_t rank) const {
        return by_rule() ? first_ + static_cast<Process>(rank) * stride_ : list_[rank];
    }
    /// Do they lie at equal distances?
    bool by_rule() const { return list_.empty(); }
    /// The rank of `process` or -1; by_rule() holds.
    int rank_by_rule(Process process) const {
        if (process < first_ || (process - first_) % stride_ != 0) return -1;
        const Process rank = (process - first_) / stride_;
        return rank < count_ ? static_cast<int>(rank) : -1;
    }
    /// Is the process of each rank the rank?
    bool is_identity() const { return by_rule() && first_ == 0 && stride_ == 1; }
    /// Those that are kept one by one; by_rule() does not hold.
    std::span<const Process> entries() const { return list_; }
    /// All of them one by one. Throws std::bad_alloc.
    std::vector<Process> list() const { return {begin(), end()}; }

    /// Goes over the list in the order of the ranks.
    class Iterator {
      public:
        using value_type = Process;
        using difference_type = std::ptrdiff_t;
        using pointer = const Process*;
        using reference = Process;
        using iterator_category = std::input_iterator_tag;

        Iterator(const Processes& of, std::size_t rank) : of_(&of), rank_(rank) {}
        Process operator*() const { return (*of_)[rank_]; }
        Iterator& operator++() {
            ++rank_;
            return *this;
        }
        Iterator operator++(int) { return {*of_, rank_++}; }
        bool operator==(const Iterator& other) const { return rank_ == other.rank_; }

      private:
        const Processes* of_;
        std::size_t rank_;
    };
    using value_type = Process;
    using iterator = Iterator;
    using const_iterator = Iterator;
    Iterator begin() const { return {*this, 0}; }
    Iterator end() const { return {*this, count_}; }

    // What follows a rule is never kept as a list, and a list of one or none has one rule.
    friend bool operator==(const Processes&, const Processes&) = default;

  private:
    bool find_rule(const std::vector<Process>& list) {
        if (list.empty()) return true;
        const Process stride = list.size() > 1 ? list[1] - list[0] : 1;
        if (list.size() > 1 && list[1] <= list[0]) return false;
        for (std::size_t i = 1; i < list.size(); ++i) {
            if (list[i] <= list[i - 1] || list[i] - list[i - 1] != stride) return false;
        }
        first_ = list[0];
        stride_ = stride;
        return true;
    }

    Process first_ = 0;
    Process stride_ = 1;
    std::size_t count_ = 0;
    std::vector<Process> list_;  ///< empty where first_ and stride_ say it all
};

}  // namespace mpi
