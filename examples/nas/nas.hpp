// What the five NAS kernels have in common: the command line, the random numbers of the
// specification, the clock, and the report at the end.
//
// The kernels are written from the specification of the NAS Parallel Benchmarks (D. Bailey et al.,
// "The NAS Parallel Benchmarks", RNR-94-007, and the documents of NPB 2 and 3 for the classes, the
// operation counts and the verification values). Times and Mop/s mean the same as in NPB, so that
// figures can be compared.

#pragma once

#include <mpi.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>

namespace nas {

// The job as a kernel sees it: all ranks of MPI_COMM_WORLD, and the problem class S, W, A, B or C.
struct Job {
    int rank = 0;
    int ranks = 1;
    char problem_class = 'S';

    bool root() const { return rank == 0; }
};

// What a kernel hands back on each rank. Only `seconds` may differ from rank to rank (the slowest
// rank counts); `verified` is taken from rank 0.
struct Result {
    std::string size;       // as printed: "65536", "256x 256x 128"
    int iterations = 0;     // 0 where the kernel has none (EP)
    double seconds = 0;     // the timed part on this rank
    double operations = 0;  // all ranks together; Mop/s is operations / seconds / 10^6
    std::string operation;  // what is counted: "floating point", "keys ranked"
    bool verified = false;
};

// One kernel: its name, which numbers of ranks it accepts, and its body.
struct Kernel {
    const char* name;        // "CG"
    const char* title;       // one line for --help
    const char* ranks_rule;  // in words, for --help and for the error message
    bool (*accepts)(char problem_class, int ranks);
    Result (*run)(const Job& job);
};

// The whole main program of a kernel: initialises MPI, reads the command line, runs, prints the
// report on rank 0, finalises. Returns the exit status, the same on every rank: 0 when verified (or
// --help), 1 when not, 2 on a wrong command line or number of ranks.
int run_program(int argc, char** argv, const Kernel& kernel);

// The entry of a kernel's table of classes: the one whose `name` is `problem_class`, which is
// there, since the command line lets no other class through.
template <typename Class, std::size_t kCount>
const Class& find_class(const Class (&classes)[kCount], char problem_class) {
    std::size_t i = 0;
    while (i < kCount - 1 && classes[i].name != problem_class) ++i;
    return classes[i];
}

// Whether `n` is a power of two; the base-2 logarithm of one.
inline bool is_power_of_two(int n) {
    return n > 0 && std::has_single_bit(static_cast<unsigned>(n));
}
inline int log2_exact(int n) {
    return std::countr_zero(static_cast<unsigned>(n));
}

// The random numbers of the specification: x' = a x mod 2^46, the number is x 2^-46.
//
// 2^46 divides 2^64, so wrapping 64-bit arithmetic gives the exact low 46 bits, and the state need
// be cut down only when a number is taken out of it.
class Random {
  public:
    static constexpr std::uint64_t kMultiplier = 1220703125;  // 5^13
    static constexpr std::uint64_t kSeed = 314159265;         // of all kernels but EP

    explicit Random(std::uint64_t seed = kSeed) : state_(seed) {}

    // The next number, strictly between 0 and 1.
    double next() {
        state_ *= kMultiplier;
        return to_double(state_);
    }

    // Goes forward by `n` numbers, in O(log n).
    void skip(std::uint64_t n) { state_ *= power(n); }

    // The next `n` numbers. The same as `n` calls of next(), but several times faster.
    void fill(double* out, std::size_t n);

    // The last number as an integer below 2^46; orders as the number does.
    std::uint64_t bits() const { return state_ & kMask; }

  private:
    static constexpr std::uint64_t kMask = (std::uint64_t{1} << 46) - 1;

    // kMultiplier^n modulo 2^64.
    static std::uint64_t power(std::uint64_t n);

    // Exact. The integer goes into the mantissa of 2^52 + x, from which 2^52 is taken away: unlike
    // a conversion instruction, this vectorises everywhere.
    static double to_double(std::uint64_t state) {
        constexpr double kTwo52 = 4503599627370496.0;
        const std::uint64_t pattern = (state & kMask) | std::bit_cast<std::uint64_t>(kTwo52);
        return (std::bit_cast<double>(pattern) - kTwo52) * 0x1p-46;
    }

    std::uint64_t state_;
};

// A stopwatch. The constructor starts it.
class Timer {
  public:
    Timer() : start_(MPI_Wtime()) {}
    double seconds() const { return MPI_Wtime() - start_; }

  private:
    double start_;
};

// Whether `value` is within the relative error `epsilon` of `reference`; never for a NaN.
bool close_to(double value, double reference, double epsilon);

// The part of 0 .. n-1 that belongs to `part` of `parts`: as even as can be, the first parts get
// one more. begin() of part `parts` is n.
struct Blocks {
    std::int64_t n;
    int parts;

    std::int64_t begin(int part) const {
        const std::int64_t rest = n % parts;
        return n / parts * part + (part < rest ? part : rest);
    }
    std::int64_t size(int part) const { return begin(part + 1) - begin(part); }
};

}  // namespace nas
