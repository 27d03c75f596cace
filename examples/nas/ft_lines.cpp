// See ft_lines.hpp.

#include "ft_lines.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

namespace ft {

namespace {

// Calls visit(address, place) for each point of a batch: `address` in memory as `s` says, `place`
// in the interleaved batch. Four points of a line, a cache line, are taken at a time.
template <typename Visit>
void visit_batch(const Stride& s, int n, int lines, Visit visit) {
    const int tile = std::min(4, s.run);
    for (int i0 = 0; i0 < n; i0 += tile) {
        const std::ptrdiff_t start = i0 / s.run * s.jump + i0 % s.run * s.point;
        if (s.line == 1) {
            for (int i = 0; i < tile; ++i)
                for (int j = 0; j < lines; ++j)
                    visit(start + i * s.point + j, (i0 + i) * lines + j);
        } else {
            for (int j = 0; j < lines; ++j)
                for (int i = 0; i < tile; ++i)
                    visit(start + j * s.line + i * s.point, (i0 + i) * lines + j);
        }
    }
}

}  // namespace

LineTransform::LineTransform(int longest) : longest_(longest) {
    const double angle = -2 * std::numbers::pi / longest;
    for (int k = 0; k < longest; ++k) roots_.emplace_back(std::cos(angle * k), std::sin(angle * k));
    for (Batch* b : {&batch_, &other_}) {
        b->real.resize(static_cast<std::size_t>(longest) * kBatch);
        b->imaginary.resize(b->real.size());
    }
}

void LineTransform::run(const Complex* in, const Stride& from, Complex* out, const Stride& to,
                        int n, std::ptrdiff_t lines, Direction direction) {
    const int batch = static_cast<int>(std::min<std::ptrdiff_t>(lines, kBatch));
    for (std::ptrdiff_t first = 0; first < lines; first += batch) {
        // The inverse is the forward transform with real and imaginary parts exchanged.
        double* real = batch_.real.data();
        double* imaginary = batch_.imaginary.data();
        if (direction == Direction::kInverse) std::swap(real, imaginary);
        const Complex* const source = in + first * from.line;
        visit_batch(from, n, batch, [=](std::ptrdiff_t address, int place) {
            real[place] = source[address].real();
            imaginary[place] = source[address].imag();
        });

        transform(n, batch);

        real = batch_.real.data();
        imaginary = batch_.imaginary.data();
        if (direction == Direction::kInverse) std::swap(real, imaginary);
        Complex* const target = out + first * to.line;
        visit_batch(to, n, batch, [=](std::ptrdiff_t address, int place) {
            target[address] = {real[place], imaginary[place]};
        });
    }
}

// The butterflies of one stage that share their factors `w`: group `p` of `quarter` groups, each
// over `stride` neighbouring numbers. Without kTurn the factors are 1.
template <bool kTurn>
void LineTransform::butterflies(int quarter, int p, std::size_t stride, const Complex (&w)[3]) {
    const std::size_t in = static_cast<std::size_t>(p) * stride;
    const std::size_t step = static_cast<std::size_t>(quarter) * stride;
    const double* __restrict const xr = batch_.real.data() + in;
    const double* __restrict const xi = batch_.imaginary.data() + in;
    double* __restrict const yr = other_.real.data() + 4 * in;
    double* __restrict const yi = other_.imaginary.data() + 4 * in;
    const double w1r = w[0].real(), w1i = w[0].imag();
    const double w2r = w[1].real(), w2i = w[1].imag();
    const double w3r = w[2].real(), w3i = w[2].imag();
    for (std::size_t q = 0; q < stride; ++q) {
        const double ar = xr[q], ai = xi[q];
        const double br = xr[q + step], bi = xi[q + step];
        const double cr = xr[q + 2 * step], ci = xi[q + 2 * step];
        const double dr = xr[q + 3 * step], di = xi[q + 3 * step];
        const double sum_r = ar + cr, sum_i = ai + ci;
        const double difference_r = ar - cr, difference_i = ai - ci;
        const double other_sum_r = br + dr, other_sum_i = bi + di;
        const double other_difference_r = br - dr, other_difference_i = bi - di;
        const double t1r = difference_r + other_difference_i;
        const double t1i = difference_i - other_difference_r;
        const double t2r = sum_r - other_sum_r;
        const double t2i = sum_i - other_sum_i;
        const double t3r = difference_r - other_difference_i;
        const double t3i = difference_i + other_difference_r;
        yr[q] = sum_r + other_sum_r;
        yi[q] = sum_i + other_sum_i;
        yr[q + stride] = kTurn ? t1r * w1r - t1i * w1i : t1r;
        yi[q + stride] = kTurn ? t1r * w1i + t1i * w1r : t1i;
        yr[q + 2 * stride] = kTurn ? t2r * w2r - t2i * w2i : t2r;
        yi[q + 2 * stride] = kTurn ? t2r * w2i + t2i * w2r : t2i;
        yr[q + 3 * stride] = kTurn ? t3r * w3r - t3i * w3i : t3r;
        yi[q + 3 * stride] = kTurn ? t3r * w3i + t3i * w3r : t3i;
    }
}

// Stockham's transform: radix 4 with decimation in frequency, and radix 2 for the last stage where
// the length is an odd power of two. The result comes out in order.
void LineTransform::transform(int n, int lines) {
    std::size_t stride = static_cast<std::size_t>(lines);
    int length = n;
    for (; length >= 4; length /= 4, stride *= 4) {
        const int quarter = length / 4;
        const int turn = longest_ / length;
        for (int p = 0; p < quarter; ++p) {
            const auto root = [&](int k) { return roots_[static_cast<std::size_t>(k * p * turn)]; };
            const Complex w[3] = {root(1), root(2), root(3)};
            if (p == 0)
                butterflies<false>(quarter, p, stride, w);
            else
                butterflies<true>(quarter, p, stride, w);
        }
        std::swap(batch_, other_);
    }
    if (length == 2) {
        for (std::size_t q = 0; q < stride; ++q) {
            for (std::vector<double> Batch::*part : {&Batch::real, &Batch::imaginary}) {
                const double a = (batch_.*part)[q];
                const double b = (batch_.*part)[q + stride];
                (other_.*part)[q] = a + b;
                (other_.*part)[q + stride] = a - b;
            }
        }
        std::swap(batch_, other_);
    }
}

}  // namespace ft
