// The grids of MG and the four operators between them.

#pragma once

#include <array>
#include <cstddef>
#include <vector>

namespace mg {

// A box of a periodic 3-D grid with one layer of ghost cells on each side. A view: it owns nothing.
// Cells are counted from the ghost layer, so the interior is 1 .. n-2 on each axis; axis 0 is
// contiguous.
struct Grid {
    double* data = nullptr;
    int n[3] = {};             // cells on each axis, ghosts included
    std::ptrdiff_t row = 0;    // from a cell to the next on axis 1
    std::ptrdiff_t plane = 0;  // the same on axis 2

    double* line(int i2, int i3) const { return data + i2 * row + i3 * plane; }
    double& at(int i1, int i2, int i3) const { return line(i2, i3)[i1]; }

    // The box of `inner` interior cells whose lower ghost corner is this grid's cell `corner`.
    Grid box(const int (&corner)[3], const int (&inner)[3]) const;
};

// A grid with its cells.
class Storage {
  public:
    // `inner` interior cells on each axis; all cells zero.
    explicit Storage(const int (&inner)[3]);
    Storage() = default;
    Storage(Storage&&) = default;  // the cells stay where they are, so the view stays good
    Storage& operator=(Storage&&) = default;

    const Grid& grid() const { return grid_; }
    void clear();

  private:
    std::vector<double> cells_;
    Grid grid_;
};

// A stencil of 27 cells, by kind: the weight of the cell itself, of its 6 neighbours across a face,
// of the 12 across an edge, of the 8 across a corner.
using Weights = std::array<double, 4>;

// The operators between grids. All read the ghost cells of what they read, and write interior cells
// only, but for prolong(), which writes both.
class Operators {
  public:
    // `residual` and `smoother` are the weights A and S of the specification, with A[1] and S[3]
    // zero, as they are in all classes. `widest` is the largest n[0] that will be seen.
    Operators(const Weights& residual, const Weights& smoother, int widest);

    // r = v - A u. `r` and `v` may be the same grid.
    void residual(const Grid& u, const Grid& v, const Grid& r);
    // u = u + S r.
    void smooth(const Grid& r, const Grid& u);
    // coarse = P fine: each coarse cell c from the 27 cells around fine cell 2c.
    void restrict_to(const Grid& fine, const Grid& coarse);
    // fine = fine + Q coarse: trilinear interpolation, ghost cells included.
    void prolong(const Grid& coarse, const Grid& fine);

  private:
    Weights a_, s_;
    std::vector<double> faces_, edges_, third_;  // sums over lines, to be used three times each
};

// The sum of the squares of the interior cells.
double sum_of_squares(const Grid& grid);

}  // namespace mg
