// MG, multigrid: V-cycles for the Poisson equation on a periodic cube. The ranks cut the cube into
// boxes and exchange ghost planes on every level, from planes of hundreds of kilobytes down to
// single cells. It shows latency and bandwidth to near neighbours.
//
// Specification: RNR-94-007, section 2.2.2.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <vector>

#include "mg_grid.hpp"
#include "nas.hpp"

namespace {

constexpr double kEpsilon = 1e-8;
constexpr mg::Weights kResidualWeights = {-8.0 / 3, 0, 1.0 / 6, 1.0 / 12};
constexpr mg::Weights kSmoother1 = {-3.0 / 8, 1.0 / 32, -1.0 / 64, 0};
constexpr mg::Weights kSmoother2 = {-3.0 / 17, 1.0 / 33, -1.0 / 61, 0};

struct ProblemClass {
    char name;
    int log2_size;  // cells on an edge
    int iterations;
    mg::Weights smoother;
    double norm;  // the official L2 norm of the last residual
};

constexpr ProblemClass kClasses[] = {
    {'S', 5, 4, kSmoother1, 0.5307707005734e-04},  {'W', 7, 4, kSmoother1, 0.6467329375339e-05},
    {'A', 8, 4, kSmoother1, 0.2433365309069e-05},  {'B', 8, 20, kSmoother2, 0.1800564401355e-05},
    {'C', 9, 20, kSmoother2, 0.5706732285740e-06},
};
constexpr int kCharges = 10;               // of each sign
constexpr double kOperationsPerCell = 58;  // in one iteration, by NPB's count

// The box of ranks: 2^k ranks on three axes as evenly as can be, axis 2 first.
struct Torus {
    int ranks[3];
    int place[3];

    Torus(int rank, int size) {
        const int log2_size = nas::log2_exact(size);
        ranks[0] = 1 << (log2_size / 3);
        ranks[1] = 1 << ((log2_size - log2_size / 3) / 2);
        ranks[2] = size / (ranks[0] * ranks[1]);
        place[0] = rank % ranks[0];
        place[1] = rank / ranks[0] % ranks[1];
        place[2] = rank / (ranks[0] * ranks[1]);
    }
    // The rank `step` places further on an axis; the ends meet.
    int neighbour(int axis, int step) const {
        int p[3] = {place[0], place[1], place[2]};
        p[axis] = (p[axis] + step + ranks[axis]) % ranks[axis];
        return p[0] + ranks[0] * (p[1] + ranks[1] * p[2]);
    }
};

// One level of the hierarchy. A level whose boxes have too few cells to make a coarser one from is
// not cut: every rank has the whole of it and computes the same. (It has few cells then.)
struct Level {
    int inner[3];   // interior cells of this rank's grids
    int corner[3];  // where in the whole cube this rank's box begins, also on an uncut level
    int box[3];     // its interior cells
    bool cut;
    mg::Storage u, r;
};

// Fills ghost cells from the neighbours, axis by axis, so that edges and corners come along.
class Halo {
  public:
    explicit Halo(const Torus& torus) : torus_(torus) {}

    void exchange(const mg::Grid& grid, bool cut) {
        for (int axis = 0; axis < 3; ++axis) {
            if (cut && torus_.ranks[axis] > 1)
                exchange_axis(grid, axis);
            else
                wrap_axis(grid, axis);
        }
    }

  private:
    void exchange_axis(const mg::Grid& grid, int axis);
    static void wrap_axis(const mg::Grid& grid, int axis);

    const Torus& torus_;
    std::vector<double> send_, receive_low_, receive_high_;
};

// Calls `visit` for each cell or run of cells of a plane across `axis`: visit(cells, how many).
// Ghosts of the axes before are included, those of the axes behind are not yet known.
template <typename Visit>
void visit_plane(const mg::Grid& g, int axis, int index, Visit visit) {
    if (axis == 2) {
        for (int i2 = 0; i2 < g.n[1]; ++i2) visit(g.line(i2, index), g.n[0]);
    } else if (axis == 1) {
        for (int i3 = 1; i3 < g.n[2] - 1; ++i3) visit(g.line(index, i3), g.n[0]);
    } else {
        for (int i3 = 1; i3 < g.n[2] - 1; ++i3)
            for (int i2 = 1; i2 < g.n[1] - 1; ++i2) visit(g.line(i2, i3) + index, 1);
    }
}

void Halo::exchange_axis(const mg::Grid& grid, int axis) {
    const int last = grid.n[axis] - 1;
    const int low = torus_.neighbour(axis, -1);
    const int high = torus_.neighbour(axis, +1);
    const auto pack = [&](int index) {
        double* next = send_.data();
        visit_plane(grid, axis, index,
                    [&](const double* cells, int n) { next = std::copy_n(cells, n, next); });
    };
    const auto unpack = [&](const std::vector<double>& from, int index) {
        const double* next = from.data();
        visit_plane(grid, axis, index, [&](double* cells, int n) {
            std::copy_n(next, n, cells);
            next += n;
        });
    };

    int count = 0;
    visit_plane(grid, axis, 0, [&](const double*, int n) { count += n; });
    for (std::vector<double>* buffer : {&send_, &receive_low_, &receive_high_})
        if (buffer->size() < static_cast<std::size_t>(count))
            buffer->resize(static_cast<std::size_t>(count));

    // Upward messages have tag 1, downward ones tag 0: with two ranks on the axis both neighbours
    // are the same rank.
    MPI_Request requests[2];
    MPI_Irecv(receive_low_.data(), count, MPI_DOUBLE, low, 1, MPI_COMM_WORLD, &requests[0]);
    MPI_Irecv(receive_high_.data(), count, MPI_DOUBLE, high, 0, MPI_COMM_WORLD, &requests[1]);
    pack(last - 1);
    MPI_Send(send_.data(), count, MPI_DOUBLE, high, 1, MPI_COMM_WORLD);
    pack(1);
    MPI_Send(send_.data(), count, MPI_DOUBLE, low, 0, MPI_COMM_WORLD);
    MPI_Waitall(2, requests, MPI_STATUSES_IGNORE);
    unpack(receive_low_, 0);
    unpack(receive_high_, last);
}

// The axis is all here: its ends meet within the grid.
void Halo::wrap_axis(const mg::Grid& grid, int axis) {
    const int last = grid.n[axis] - 1;
    const std::ptrdiff_t stride = axis == 0 ? 1 : axis == 1 ? grid.row : grid.plane;
    visit_plane(grid, axis, 0, [&](double* cells, int n) {
        std::copy_n(cells + (last - 1) * stride, n, cells);
        std::copy_n(cells + stride, n, cells + last * stride);
    });
}

class Multigrid {
  public:
    Multigrid(const nas::Job& job, const ProblemClass& problem);

    // Clears the solution and makes the right-hand side anew: +1 in the ten cells with the largest
    // random numbers, -1 in those with the smallest.
    void reset();
    // The residual of the finest level.
    void compute_residual() { residual(top(), right_.grid()); }
    void v_cycle();
    // The L2 norm of the finest residual, on every rank.
    double norm() const;

  private:
    using Charge = std::array<std::uint64_t, 2>;  // random number, cell in the whole cube
    using Charges = std::array<Charge, kCharges>;
    static void keep_best(Charges& best, const Charge& candidate, bool largest);
    std::array<Charges, 2> find_charges() const;

    Level& top() { return levels_.back(); }
    void residual(Level& level, const mg::Grid& v);
    void smooth(Level& level);
    void restrict_to(const Level& fine, Level& coarse);
    void prolong(const Level& coarse, Level& fine);

    nas::Job job_;
    Torus torus_;
    Halo halo_;
    int size_;                   // cells on an edge of the finest level
    std::vector<Level> levels_;  // coarsest (2 cells on an edge) first
    mg::Storage right_;          // the right-hand side on the finest level
    mg::Operators operators_;
};

Multigrid::Multigrid(const nas::Job& job, const ProblemClass& problem)
    : job_(job),
      torus_(job.rank, job.ranks),
      halo_(torus_),
      size_(1 << problem.log2_size),
      operators_(kResidualWeights, problem.smoother, size_ + 2) {
    for (int log2 = 1; log2 <= problem.log2_size; ++log2) {
        const int edge = 1 << log2;
        Level level{};
        level.cut = true;
        for (int axis = 0; axis < 3; ++axis) {
            level.box[axis] = edge / torus_.ranks[axis];
            level.corner[axis] = level.box[axis] * torus_.place[axis];
            if (level.box[axis] < (log2 == 1 ? 1 : 2)) level.cut = false;
        }
        for (int axis = 0; axis < 3; ++axis) level.inner[axis] = level.cut ? level.box[axis] : edge;
        level.u = mg::Storage(level.inner);
        level.r = mg::Storage(level.inner);
        levels_.push_back(std::move(level));
    }
    right_ = mg::Storage(top().inner);
}

// Keeps the ten largest (or smallest) candidates, the weakest at the front.
void Multigrid::keep_best(Charges& best, const Charge& candidate, bool largest) {
    const auto weaker = [&](const Charge& a, const Charge& b) {
        return largest ? a[0] < b[0] : a[0] > b[0];
    };
    if (!weaker(best[0], candidate)) return;
    best[0] = candidate;
    for (std::size_t i = 0; i + 1 < best.size() && weaker(best[i + 1], best[i]); ++i)
        std::swap(best[i], best[i + 1]);
}

// The cells of the charges in the whole cube: negative ones first. Each rank looks through its own
// cells, then all ranks choose among what all have found.
std::array<Multigrid::Charges, 2> Multigrid::find_charges() const {
    const Level& level = levels_.back();
    const auto edge = static_cast<std::uint64_t>(size_);
    std::array<Charges, 2> best;
    best[0].fill({~std::uint64_t{0}, 0});
    best[1].fill({0, 0});
    for (int i3 = 0; i3 < level.box[2]; ++i3) {
        for (int i2 = 0; i2 < level.box[1]; ++i2) {
            std::uint64_t cell = static_cast<std::uint64_t>(level.corner[0]) +
                                 edge * (static_cast<std::uint64_t>(level.corner[1] + i2) +
                                         edge * static_cast<std::uint64_t>(level.corner[2] + i3));
            nas::Random random;
            random.skip(cell);
            for (int i1 = 0; i1 < level.box[0]; ++i1, ++cell) {
                random.next();
                const std::uint64_t number = random.bits();
                if (number < best[0][0][0]) keep_best(best[0], {number, cell}, false);
                if (number > best[1][0][0]) keep_best(best[1], {number, cell}, true);
            }
        }
    }
    std::vector<std::array<Charges, 2>> found(static_cast<std::size_t>(job_.ranks));
    const int count = static_cast<int>(sizeof(best) / sizeof(std::uint64_t));
    MPI_Allgather(&best, count, MPI_UINT64_T, found.data(), count, MPI_UINT64_T, MPI_COMM_WORLD);
    best[0].fill({~std::uint64_t{0}, 0});
    best[1].fill({0, 0});
    for (const auto& of_rank : found)
        for (std::size_t sign = 0; sign < 2; ++sign)
            for (const Charge& charge : of_rank[sign]) keep_best(best[sign], charge, sign == 1);
    return best;
}

void Multigrid::reset() {
    top().u.clear();
    right_.clear();
    const std::array<Charges, 2> charges = find_charges();
    const Level& level = top();
    for (std::size_t sign = 0; sign < 2; ++sign) {
        for (const Charge& charge : charges[sign]) {
            const auto cell = static_cast<std::int64_t>(charge[1]);
            const std::int64_t where[3] = {cell % size_, cell / size_ % size_,
                                           cell / size_ / size_};
            int local[3];
            bool here = true;
            for (int axis = 0; axis < 3; ++axis) {
                local[axis] = static_cast<int>(where[axis]) - level.corner[axis];
                here = here && local[axis] >= 0 && local[axis] < level.box[axis];
            }
            if (here)
                right_.grid().at(local[0] + 1, local[1] + 1, local[2] + 1) = sign == 1 ? 1.0 : -1.0;
        }
    }
    halo_.exchange(right_.grid(), level.cut);
}

void Multigrid::residual(Level& level, const mg::Grid& v) {
    operators_.residual(level.u.grid(), v, level.r.grid());
    halo_.exchange(level.r.grid(), level.cut);
}

void Multigrid::smooth(Level& level) {
    operators_.smooth(level.r.grid(), level.u.grid());
    halo_.exchange(level.u.grid(), level.cut);
}

void Multigrid::restrict_to(const Level& fine, Level& coarse) {
    if (fine.cut && !coarse.cut) {
        // From here down all ranks have everything: each makes its box, all gather all boxes.
        const mg::Storage box(coarse.box);
        operators_.restrict_to(fine.r.grid(), box.grid());
        const int count = coarse.box[0] * coarse.box[1] * coarse.box[2];
        std::vector<double> mine,
            all(static_cast<std::size_t>(count) * static_cast<std::size_t>(job_.ranks));
        for (int i3 = 1; i3 <= coarse.box[2]; ++i3)
            for (int i2 = 1; i2 <= coarse.box[1]; ++i2)
                mine.insert(mine.end(), box.grid().line(i2, i3) + 1,
                            box.grid().line(i2, i3) + 1 + coarse.box[0]);
        MPI_Allgather(mine.data(), count, MPI_DOUBLE, all.data(), count, MPI_DOUBLE,
                      MPI_COMM_WORLD);
        const double* next = all.data();
        for (int rank = 0; rank < job_.ranks; ++rank) {
            const Torus of(rank, job_.ranks);
            for (int i3 = 0; i3 < coarse.box[2]; ++i3)
                for (int i2 = 0; i2 < coarse.box[1]; ++i2, next += coarse.box[0])
                    std::copy_n(next, coarse.box[0],
                                &coarse.r.grid().at(of.place[0] * coarse.box[0] + 1,
                                                    of.place[1] * coarse.box[1] + i2 + 1,
                                                    of.place[2] * coarse.box[2] + i3 + 1));
        }
    } else {
        operators_.restrict_to(fine.r.grid(), coarse.r.grid());
    }
    halo_.exchange(coarse.r.grid(), coarse.cut);
}

void Multigrid::prolong(const Level& coarse, Level& fine) {
    if (fine.cut && !coarse.cut)
        operators_.prolong(coarse.u.grid().box(coarse.corner, coarse.box), fine.u.grid());
    else
        operators_.prolong(coarse.u.grid(), fine.u.grid());
}

void Multigrid::v_cycle() {
    for (std::size_t k = levels_.size() - 1; k > 0; --k) restrict_to(levels_[k], levels_[k - 1]);
    levels_[0].u.clear();
    smooth(levels_[0]);
    for (std::size_t k = 1; k < levels_.size(); ++k) {
        Level& level = levels_[k];
        const bool finest = k + 1 == levels_.size();
        if (!finest) level.u.clear();
        prolong(levels_[k - 1], level);
        residual(level, finest ? right_.grid() : level.r.grid());
        smooth(level);
    }
}

double Multigrid::norm() const {
    const double mine = mg::sum_of_squares(levels_.back().r.grid());
    double all = 0;
    MPI_Allreduce(&mine, &all, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
    return std::sqrt(all / std::pow(size_, 3));
}

nas::Result run(const nas::Job& job) {
    const ProblemClass& problem = nas::find_class(kClasses, job.problem_class);
    Multigrid multigrid(job, problem);
    multigrid.reset();
    multigrid.compute_residual();
    multigrid.v_cycle();  // once untimed, to touch all memory
    multigrid.reset();

    MPI_Barrier(MPI_COMM_WORLD);
    const nas::Timer timer;
    multigrid.compute_residual();
    multigrid.norm();
    for (int i = 1; i <= problem.iterations; ++i) {
        multigrid.v_cycle();
        multigrid.compute_residual();
    }
    const double norm = multigrid.norm();
    nas::Result result;
    result.seconds = timer.seconds();

    if (job.root())
        std::printf(" L2 norm         = %20.13e, official %20.13e\n", norm, problem.norm);
    const int edge = 1 << problem.log2_size;
    char size[48];
    std::snprintf(size, sizeof size, "%dx%dx%d", edge, edge, edge);
    result.size = size;
    result.iterations = problem.iterations;
    result.operations = kOperationsPerCell * problem.iterations * std::pow(edge, 3);
    result.operation = "floating point";
    result.verified = nas::close_to(norm, problem.norm, kEpsilon);
    return result;
}

// The finest level must be cut: each rank has two cells or more on each axis.
bool cuts_evenly(char problem_class, int ranks) {
    return nas::is_power_of_two(ranks) &&
           2 * Torus(0, ranks).ranks[2] <= 1 << nas::find_class(kClasses, problem_class).log2_size;
}

}  // namespace

int main(int argc, char** argv) {
    return nas::run_program(argc, argv,
                            {"MG", "multigrid, ghost planes between neighbours",
                             "a power of two (class S: up to 4096)", cuts_evenly, run});
}
