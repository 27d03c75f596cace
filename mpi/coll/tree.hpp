// Binomial trees, as gather, scatter, bcast and reduce walk them.
#pragma once

#include <algorithm>

namespace mpi::coll {

/// A rank's place in a binomial tree whose nodes are numbered from the root on: node v's parent is
/// v without its lowest bit, and its subtree is nodes [v, v + span()).
class Tree {
  public:
    Tree(int rank, int root, int size) : root_(root), size_(size) {
        node_ = (rank - root + size) % size;
        lowest_ = node_ == 0 ? size : node_ & -node_;
    }

    int node() const { return node_; }
    int rank_of(int node) const { return (node + root_) % size_; }
    int parent() const { return rank_of(node_ - lowest_); }
    int span() const { return std::min(lowest_, size_ - node_); }

    /// Calls f(child's node, number of nodes in its subtree) for each child, small ones first.
    template <class F>
    void for_children(F f) const {
        for (int bit = 1; bit < lowest_ && node_ + bit < size_; bit *= 2) child(bit, f);
    }
    /// The same, large ones first.
    template <class F>
    void for_children_down(F f) const {
        int bit = 1;
        while (bit < lowest_ && node_ + bit < size_) bit *= 2;
        for (bit /= 2; bit > 0; bit /= 2) child(bit, f);
    }

  private:
    template <class F>
    void child(int bit, F& f) const {
        f(node_ + bit, std::min(bit, size_ - node_ - bit));
    }

    int root_, size_, node_, lowest_;
};

}  // namespace mpi::coll
