// One-dimensional Fourier transforms of many lines at a time, for FT.

#pragma once

#include <complex>
#include <cstddef>
#include <vector>

namespace ft {

using Complex = std::complex<double>;

enum class Direction { kForward, kInverse };

// Where in memory the points of some lines lie, in elements: point i of line j is at
//   j * line + (i / run) * jump + (i % run) * point.
// So a line may be cut into runs that lie apart, as after an exchange between ranks.
struct Stride {
    std::ptrdiff_t line;
    std::ptrdiff_t point;
    int run;
    std::ptrdiff_t jump;
};

// Transforms lines whose lengths are powers of two, without scaling. Lines are taken in batches of
// up to kBatch: a batch is copied, real and imaginary parts apart, to a small buffer where the
// lines lie interleaved, so that every inner loop runs over neighbouring numbers.
class LineTransform {
  public:
    static constexpr int kBatch = 16;

    // `longest` is the length of the longest line that will be seen.
    explicit LineTransform(int longest);

    // Transforms `lines` lines of `n` points. `in` and `out` may be the same memory only if the
    // strides are the same too. `lines` is a multiple of kBatch or a power of two below it.
    void run(const Complex* in, const Stride& from, Complex* out, const Stride& to, int n,
             std::ptrdiff_t lines, Direction direction);

  private:
    // A batch of interleaved lines.
    struct Batch {
        std::vector<double> real, imaginary;
    };

    void transform(int n, int lines);
    template <bool kTurn>
    void butterflies(int quarter, int p, std::size_t stride, const Complex (&w)[3]);

    int longest_;
    std::vector<Complex> roots_;  // exp(-2 pi i k / longest)
    Batch batch_, other_;         // input and output of a stage, swapped after each
};

}  // namespace ft
