// See mg_grid.hpp.

#include "mg_grid.hpp"

#include <algorithm>

namespace mg {

namespace {

// The sums of the 4 lines beside a line (sharing a face with it) and of the 4 diagonal ones.
void sum_neighbour_lines(const Grid& g, int i2, int i3, double* __restrict faces,
                         double* __restrict edges) {
    const double* const down = g.line(i2 - 1, i3);
    const double* const up = g.line(i2 + 1, i3);
    const double* const back = g.line(i2, i3 - 1);
    const double* const front = g.line(i2, i3 + 1);
    const double* const down_back = g.line(i2 - 1, i3 - 1);
    const double* const up_back = g.line(i2 + 1, i3 - 1);
    const double* const down_front = g.line(i2 - 1, i3 + 1);
    const double* const up_front = g.line(i2 + 1, i3 + 1);
    for (int i = 0; i < g.n[0]; ++i) {
        faces[i] = down[i] + up[i] + back[i] + front[i];
        edges[i] = down_back[i] + up_back[i] + down_front[i] + up_front[i];
    }
}

// Adds a coarse line, weighted, to a fine one: whole at even places, the mean of two at odd ones.
void add_interpolated(const double* __restrict coarse, int coarse_n, double weight,
                      double* __restrict fine) {
    const double half = 0.5 * weight;
    for (int i = 0; i < coarse_n - 1; ++i) {
        fine[2 * i] += weight * coarse[i];
        fine[2 * i + 1] += half * (coarse[i] + coarse[i + 1]);
    }
}

}  // namespace

Grid Grid::box(const int (&corner)[3], const int (&inner)[3]) const {
    Grid result = *this;
    result.data = line(corner[1], corner[2]) + corner[0];
    for (int axis = 0; axis < 3; ++axis) result.n[axis] = inner[axis] + 2;
    return result;
}

Storage::Storage(const int (&inner)[3]) {
    for (int axis = 0; axis < 3; ++axis) grid_.n[axis] = inner[axis] + 2;
    grid_.row = grid_.n[0];
    grid_.plane = grid_.row * grid_.n[1];
    cells_.resize(static_cast<std::size_t>(grid_.plane) * static_cast<std::size_t>(grid_.n[2]));
    grid_.data = cells_.data();
}

void Storage::clear() {
    std::fill(cells_.begin(), cells_.end(), 0.0);
}

Operators::Operators(const Weights& residual, const Weights& smoother, int widest)
    : a_(residual),
      s_(smoother),
      faces_(static_cast<std::size_t>(widest)),
      edges_(static_cast<std::size_t>(widest)),
      third_(static_cast<std::size_t>(widest)) {}

void Operators::residual(const Grid& u, const Grid& v, const Grid& r) {
    double* const faces = faces_.data();
    double* const edges = edges_.data();
    const double a0 = a_[0], a2 = a_[2], a3 = a_[3];
    for (int i3 = 1; i3 < u.n[2] - 1; ++i3) {
        for (int i2 = 1; i2 < u.n[1] - 1; ++i2) {
            sum_neighbour_lines(u, i2, i3, faces, edges);
            const double* const own = u.line(i2, i3);
            const double* const right = v.line(i2, i3);
            double* const out = r.line(i2, i3);
            for (int i = 1; i < u.n[0] - 1; ++i)
                out[i] = right[i] - a0 * own[i] - a2 * (edges[i] + faces[i - 1] + faces[i + 1]) -
                         a3 * (edges[i - 1] + edges[i + 1]);
        }
    }
}

void Operators::smooth(const Grid& r, const Grid& u) {
    double* const faces = faces_.data();
    double* const edges = edges_.data();
    const double s0 = s_[0], s1 = s_[1], s2 = s_[2];
    for (int i3 = 1; i3 < r.n[2] - 1; ++i3) {
        for (int i2 = 1; i2 < r.n[1] - 1; ++i2) {
            sum_neighbour_lines(r, i2, i3, faces, edges);
            const double* const own = r.line(i2, i3);
            double* const out = u.line(i2, i3);
            for (int i = 1; i < r.n[0] - 1; ++i)
                out[i] += s0 * own[i] + s1 * (own[i - 1] + own[i + 1] + faces[i]) +
                          s2 * (edges[i] + faces[i - 1] + faces[i + 1]);
        }
    }
}

void Operators::restrict_to(const Grid& fine, const Grid& coarse) {
    double* const faces = faces_.data();
    double* const edges = edges_.data();
    for (int c3 = 1; c3 < coarse.n[2] - 1; ++c3) {
        for (int c2 = 1; c2 < coarse.n[1] - 1; ++c2) {
            sum_neighbour_lines(fine, 2 * c2, 2 * c3, faces, edges);
            const double* const own = fine.line(2 * c2, 2 * c3);
            double* const out = coarse.line(c2, c3);
            for (int c = 1; c < coarse.n[0] - 1; ++c) {
                const int f = 2 * c;
                out[c] = 0.5 * own[f] + 0.25 * (own[f - 1] + own[f + 1] + faces[f]) +
                         0.125 * (faces[f - 1] + faces[f + 1] + edges[f]) +
                         0.0625 * (edges[f - 1] + edges[f + 1]);
            }
        }
    }
}

void Operators::prolong(const Grid& coarse, const Grid& fine) {
    const int n = coarse.n[0];
    double* const up = faces_.data();     // own line and the next on axis 1
    double* const front = edges_.data();  // own line and the next on axis 2
    double* const four = third_.data();   // all four of that square
    for (int c3 = 0; c3 < coarse.n[2] - 1; ++c3) {
        for (int c2 = 0; c2 < coarse.n[1] - 1; ++c2) {
            const double* const own = coarse.line(c2, c3);
            const double* const next_up = coarse.line(c2 + 1, c3);
            const double* const next_front = coarse.line(c2, c3 + 1);
            const double* const next_both = coarse.line(c2 + 1, c3 + 1);
            for (int i = 0; i < n; ++i) {
                up[i] = own[i] + next_up[i];
                front[i] = own[i] + next_front[i];
                four[i] = up[i] + next_front[i] + next_both[i];
            }
            add_interpolated(own, n, 1.0, fine.line(2 * c2, 2 * c3));
            add_interpolated(up, n, 0.5, fine.line(2 * c2 + 1, 2 * c3));
            add_interpolated(front, n, 0.5, fine.line(2 * c2, 2 * c3 + 1));
            add_interpolated(four, n, 0.25, fine.line(2 * c2 + 1, 2 * c3 + 1));
        }
    }
}

double sum_of_squares(const Grid& grid) {
    double sum = 0;
    for (int i3 = 1; i3 < grid.n[2] - 1; ++i3) {
        for (int i2 = 1; i2 < grid.n[1] - 1; ++i2) {
            const double* const line = grid.line(i2, i3);
            for (int i = 1; i < grid.n[0] - 1; ++i) sum += line[i] * line[i];
        }
    }
    return sum;
}

}  // namespace mg
