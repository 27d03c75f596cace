#include "mpi/topo/reorder.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <span>

namespace mpi::topo {
namespace {

using Processes = std::span<const int>;

/// A part of the grid: coordinates from `low`, `extent` long.
struct Box {
    std::vector<int> low;
    std::vector<int> extent;
};

/// Goes to the next place in row order; false after the last one.
bool next_place(std::vector<int>& at, const std::vector<int>& extent) {
    for (std::size_t d = extent.size(); d-- > 0;) {
        if (++at[d] < extent[d]) return true;
        at[d] = 0;
    }
    return false;
}

/// The shape of equal blocks of `volume` places that fill a box with the fewest links between
/// blocks; empty when there is none.
class BlockSearch {
  public:
    BlockSearch(const std::vector<int>& extent, const std::vector<char>& rings)
        : extent_(extent), rings_(rings), shape_(extent.size(), 1) {
        for (const int e : extent) places_ *= e;
    }
    std::vector<int> find(int volume) {
        search(0, volume, 0);
        return best_;
    }

  private:
    void search(std::size_t d, int volume, long long cut) {
        if (cut >= best_cut_) return;
        if (d == extent_.size()) {
            if (volume != 1) return;
            best_cut_ = cut;
            best_ = shape_;
            return;
        }
        for (int length = 1; length <= std::min(extent_[d], volume); ++length) {
            if (extent_[d] % length != 0 || volume % length != 0) continue;
            shape_[d] = length;
            const int blocks = extent_[d] / length;
            const int borders = rings_[d] != 0 && blocks > 1 ? blocks : blocks - 1;
            search(d + 1, volume / length, cut + borders * (places_ / extent_[d]));
        }
    }

    const std::vector<int>& extent_;
    const std::vector<char>& rings_;
    long long places_ = 1;
    std::vector<int> shape_, best_;
    long long best_cut_ = std::numeric_limits<long long>::max();
};

class Arranger {
  public:
    Arranger(const Cart& cart, const std::vector<Locality>& localities)
        : cart_(cart), localities_(localities), ranks_(localities.size()) {
        std::iota(ranks_.begin(), ranks_.end(), 0);
    }

    std::vector<int> run() {
        std::vector<int> processes(static_cast<std::size_t>(cart_.size()));
        std::iota(processes.begin(), processes.end(), 0);
        std::stable_sort(processes.begin(), processes.end(),
                         [this](int a, int b) { return at(a) < at(b); });
        place({std::vector<int>(cart_.dims.size()), cart_.dims}, cart_.periods, processes,
              Level::host);
        return std::move(ranks_);
    }

  private:
    enum class Level { host, numa, process };

    const Locality& at(int process) const { return localities_[static_cast<std::size_t>(process)]; }
    bool together(int a, int b, Level level) const {
        return at(a).host == at(b).host && (level == Level::host || at(a).numa == at(b).numa);
    }

    /// The first ones of `processes` that are together at `level`.
    std::size_t first_group(Processes processes, Level level) const {
        std::size_t n = 1;
        while (n < processes.size() && together(processes[0], processes[n], level)) ++n;
        return n;
    }

    void place(const Box& box, const std::vector<char>& rings, Processes processes, Level level) {
        if (level == Level::process) {
            fill(box, processes);
            return;
        }
        const Level next = level == Level::host ? Level::numa : Level::process;
        const std::size_t n = first_group(processes, level);
        if (n == processes.size()) {
            place(box, rings, processes, next);
            return;
        }
        std::vector<int> shape;
        if (equal_groups(processes, n, level)) {
            shape = BlockSearch(box.extent, rings).find(static_cast<int>(n));
        }
        if (shape.empty()) {
            fill(box, processes);
            return;
        }
        std::vector<int> blocks(shape.size()), block(shape.size());
        for (std::size_t d = 0; d < shape.size(); ++d) blocks[d] = box.extent[d] / shape[d];
        const std::vector<char> open(shape.size());
        for (std::size_t first = 0; first < processes.size(); first += n) {
            Box part{box.low, shape};
            for (std::size_t d = 0; d < shape.size(); ++d) part.low[d] += block[d] * shape[d];
            place(part, open, processes.subspan(first, n), next);
            next_place(block, blocks);
        }
    }

    bool equal_groups(Processes processes, std::size_t n, Level level) const {
        while (!processes.empty()) {
            if (processes.size() < n || first_group(processes, level) != n) return false;
            processes = processes.subspan(n);
        }
        return true;
    }

    /// One after the other, row by row.
    void fill(const Box& box, Processes processes) {
        std::vector<int> offset(box.low.size()), coords(box.low.size());
        for (const int process : processes) {
            for (std::size_t d = 0; d < coords.size(); ++d) coords[d] = box.low[d] + offset[d];
            ranks_[static_cast<std::size_t>(process)] = cart_.rank_at(coords);
            next_place(offset, box.extent);
        }
    }

    const Cart& cart_;
    const std::vector<Locality>& localities_;
    std::vector<int> ranks_;
};

}  // namespace

Cut cut_of(const Cart& cart, const std::vector<Locality>& localities,
           const std::vector<int>& ranks) {
    const int size = cart.size();
    std::vector<Locality> at(static_cast<std::size_t>(size));
    for (std::size_t p = 0; p < ranks.size(); ++p) {
        if (ranks[p] < size) at[static_cast<std::size_t>(ranks[p])] = localities[p];
    }
    Cut cut;
    for (int rank = 0; rank < size; ++rank) {
        for (int d = 0; d < cart.ndims(); ++d) {
            const int neighbor = cart.shifted(rank, d, 1);
            if (neighbor == MPI_PROC_NULL) continue;
            const Locality& here = at[static_cast<std::size_t>(rank)];
            const Locality& there = at[static_cast<std::size_t>(neighbor)];
            if (here.host != there.host) {
                ++cut.hosts;
            } else if (here.numa != there.numa) {
                ++cut.numas;
            }
        }
    }
    return cut;
}

std::vector<int> arrange(const Cart& cart, const std::vector<Locality>& localities) {
    std::vector<int> same(localities.size());
    std::iota(same.begin(), same.end(), 0);
    if (cart.size() <= 1) return same;
    std::vector<int> ranks = Arranger(cart, localities).run();
    return cut_of(cart, localities, ranks) < cut_of(cart, localities, same) ? ranks : same;
}

}  // namespace mpi::topo
