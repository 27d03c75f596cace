// EP, "embarrassingly parallel": pairs of Gaussian deviates by the acceptance-rejection method,
// counted by square annuli. Almost no communication: three reductions at the end. It shows what
// the processors can do when nobody waits.
//
// Specification: RNR-94-007, section 2.2.1.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <vector>

#include "nas.hpp"

namespace {

struct ProblemClass {
    char name;
    int log2_pairs;
    double sum_x, sum_y;  // the official sums of the deviates
};

constexpr ProblemClass kClasses[] = {
    {'S', 24, -3.247834652034740e+3, -6.958407078382297e+3},
    {'W', 25, -2.863319731645753e+3, -6.320053679109499e+3},
    {'A', 28, -4.295875165629892e+3, -1.580732573678431e+4},
    {'B', 30, 4.033815542441498e+4, -2.660669192809235e+4},
    {'C', 32, 4.764367927995374e+4, -8.084072988043731e+4},
};
constexpr double kEpsilon = 1e-8;
constexpr std::uint64_t kSeed = 271828183;
constexpr int kAnnuli = 10;  // that are reported
// With 46-bit numbers the farthest deviate is sqrt(2 ln 2^89) = 11.1; none in fact is above 7.
constexpr int kAllAnnuli = 12;

// The pairs are made in batches, which are dealt to the ranks. A batch's numbers fit in the
// second-level cache.
constexpr int kLog2BatchPairs = 16;
constexpr std::size_t kBatchPairs = std::size_t{1} << kLog2BatchPairs;

struct Tally {
    double sum_x = 0;
    double sum_y = 0;
    std::array<double, kAllAnnuli> counts{};
};

// Counts one batch of uniform numbers, two to a pair.
void tally_batch(const std::vector<double>& uniform, Tally& tally) {
    double sum_x = tally.sum_x;
    double sum_y = tally.sum_y;
    for (std::size_t i = 0; i < 2 * kBatchPairs; i += 2) {
        const double x = 2 * uniform[i] - 1;
        const double y = 2 * uniform[i + 1] - 1;
        const double t = x * x + y * y;
        if (t > 1) continue;  // outside the circle: rejected
        const double factor = std::sqrt(-2 * std::log(t) / t);
        const double gauss_x = x * factor;
        const double gauss_y = y * factor;
        ++tally.counts[static_cast<std::size_t>(std::max(std::abs(gauss_x), std::abs(gauss_y)))];
        sum_x += gauss_x;
        sum_y += gauss_y;
    }
    tally.sum_x = sum_x;
    tally.sum_y = sum_y;
}

nas::Result run(const nas::Job& job) {
    const ProblemClass& problem = nas::find_class(kClasses, job.problem_class);
    const nas::Blocks batches{std::int64_t{1} << (problem.log2_pairs - kLog2BatchPairs), job.ranks};

    std::vector<double> uniform(2 * kBatchPairs);
    MPI_Barrier(MPI_COMM_WORLD);
    const nas::Timer timer;

    Tally mine;
    nas::Random random(kSeed);
    random.skip(static_cast<std::uint64_t>(batches.begin(job.rank)) * 2 * kBatchPairs);
    for (std::int64_t batch = 0; batch < batches.size(job.rank); ++batch) {
        random.fill(uniform.data(), uniform.size());
        tally_batch(uniform, mine);
    }

    Tally all;
    MPI_Allreduce(&mine.sum_x, &all.sum_x, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
    MPI_Allreduce(&mine.sum_y, &all.sum_y, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
    MPI_Allreduce(mine.counts.data(), all.counts.data(), kAnnuli, MPI_DOUBLE, MPI_SUM,
                  MPI_COMM_WORLD);

    nas::Result result;
    result.seconds = timer.seconds();
    const double numbers = std::ldexp(1.0, problem.log2_pairs + 1);
    result.size = std::to_string(static_cast<long long>(numbers));
    result.operations = numbers;
    result.operation = "Random numbers generated";
    result.verified = nas::close_to(all.sum_x, problem.sum_x, kEpsilon) &&
                      nas::close_to(all.sum_y, problem.sum_y, kEpsilon);
    if (job.root()) {
        double pairs = 0;
        for (const double count : all.counts) pairs += count;
        std::printf(" Gaussian pairs  = %.0f\n Sums            = %.15e %.15e\n Counts\n", pairs,
                    all.sum_x, all.sum_y);
        for (int i = 0; i < kAnnuli; ++i)
            std::printf(" %3d %14.0f\n", i, all.counts[static_cast<std::size_t>(i)]);
    }
    return result;
}

bool any_number(char, int) {
    return true;
}

}  // namespace

int main(int argc, char** argv) {
    return nas::run_program(
        argc, argv,
        {"EP", "Gaussian deviates, no communication to speak of", "any number", any_number, run});
}
