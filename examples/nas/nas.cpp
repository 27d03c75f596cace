// See nas.hpp.

#include "nas.hpp"

#include <cctype>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <exception>
#include <string_view>

namespace nas {

namespace {

constexpr std::string_view kClasses = "SWABC";

enum class Command { kRun, kHelp, kError };

void print_usage(std::FILE* out, const Kernel& kernel, const char* program) {
    std::fprintf(out,
                 "NAS Parallel Benchmarks, kernel %s: %s\n"
                 "usage: mpirun -n RANKS %s [--class S|W|A|B|C]\n"
                 "  --class X   size of the problem, S (default, smallest) to C (largest)\n"
                 "  --help      this text\n"
                 "RANKS: %s\n",
                 kernel.name, kernel.title, program, kernel.ranks_rule);
}

// The class that `text` names, in either case; '\0' when it names none.
char parse_class(std::string_view text) {
    if (text.size() != 1) return '\0';
    const char c = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
    return kClasses.find(c) == std::string_view::npos ? '\0' : c;
}

// Reads the command line into `job`; on kError, `error` says what is wrong.
Command parse(int argc, char** argv, Job& job, std::string& error) {
    constexpr std::string_view kClassEquals = "--class=";
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        if (argument == "--help" || argument == "-h") return Command::kHelp;
        std::string_view value;
        if (argument == "--class") {
            if (++i == argc) {
                error = "--class needs a value: S, W, A, B or C";
                return Command::kError;
            }
            value = argv[i];
        } else if (argument.starts_with(kClassEquals)) {
            value = argument.substr(kClassEquals.size());
        } else {
            error = "unknown argument '" + std::string(argument) + "'";
            return Command::kError;
        }
        job.problem_class = parse_class(value);
        if (job.problem_class == '\0') {
            error = "unknown class '" + std::string(value) + "': use S, W, A, B or C";
            return Command::kError;
        }
    }
    return Command::kRun;
}

// The lines that NPB prints at the end of a run, so that the same scripts read them.
void print_report(const Kernel& kernel, const Job& job, const Result& result) {
    const double mops = result.seconds > 0 ? result.operations / result.seconds / 1e6 : 0;
    std::printf("\n %s Benchmark Completed.\n", kernel.name);
    std::printf(" Class           = %24c\n", job.problem_class);
    std::printf(" Size            = %24s\n", result.size.c_str());
    std::printf(" Iterations      = %24d\n", result.iterations);
    std::printf(" Time in seconds = %24.4f\n", result.seconds);
    std::printf(" Total processes = %24d\n", job.ranks);
    std::printf(" Mop/s total     = %24.2f\n", mops);
    std::printf(" Mop/s/process   = %24.2f\n", mops / job.ranks);
    std::printf(" Operation type  = %24s\n", result.operation.c_str());
    std::printf(" Verification    = %24s\n", result.verified ? "SUCCESSFUL" : "UNSUCCESSFUL");
    std::fflush(stdout);
}

// Runs the kernel; returns on every rank whether rank 0 found it verified.
bool run_and_report(const Kernel& kernel, const Job& job) {
    if (job.root())
        std::printf(" NAS Parallel Benchmarks -- %s Benchmark (class %c, %d ranks)\n", kernel.name,
                    job.problem_class, job.ranks);
    Result result = kernel.run(job);
    double slowest = 0;
    MPI_Allreduce(&result.seconds, &slowest, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
    result.seconds = slowest;
    if (job.root()) print_report(kernel, job, result);
    int verified = result.verified ? 1 : 0;
    MPI_Bcast(&verified, 1, MPI_INT, 0, MPI_COMM_WORLD);
    return verified == 1;
}

}  // namespace

int run_program(int argc, char** argv, const Kernel& kernel) {
    MPI_Init(&argc, &argv);
    Job job;
    MPI_Comm_rank(MPI_COMM_WORLD, &job.rank);
    MPI_Comm_size(MPI_COMM_WORLD, &job.ranks);

    // Every rank reads the same command line, so every rank comes to the same answer.
    std::string error;
    const Command command = parse(argc, argv, job, error);
    int status = 0;
    if (command == Command::kHelp) {
        if (job.root()) print_usage(stdout, kernel, argv[0]);
    } else if (command == Command::kError) {
        if (job.root()) {
            std::fprintf(stderr, "%s: %s\n", kernel.name, error.c_str());
            print_usage(stderr, kernel, argv[0]);
        }
        status = 2;
    } else if (!kernel.accepts(job.problem_class, job.ranks)) {
        if (job.root())
            std::fprintf(stderr, "%s: class %c cannot run on %d ranks; the kernel needs: %s\n",
                         kernel.name, job.problem_class, job.ranks, kernel.ranks_rule);
        status = 2;
    } else {
        try {
            status = run_and_report(kernel, job) ? 0 : 1;
        } catch (const std::exception& failure) {  // out of memory, above all
            std::fprintf(stderr, "%s: rank %d: %s\n", kernel.name, job.rank, failure.what());
            MPI_Abort(MPI_COMM_WORLD, 3);
        }
    }
    MPI_Finalize();
    return status;
}

std::uint64_t Random::power(std::uint64_t n) {
    std::uint64_t result = 1;
    for (std::uint64_t square = kMultiplier; n != 0; n >>= 1, square *= square)
        if (n & 1) result *= square;
    return result;
}

void Random::fill(double* out, std::size_t n) {
    // One multiplication waits for the one before; eight sequences that leap over each other keep
    // the multiplier busy.
    constexpr std::size_t kLanes = 8;
    std::uint64_t lane[kLanes];
    std::uint64_t x = state_;
    for (std::size_t l = 0; l < kLanes; ++l) lane[l] = x *= kMultiplier;
    const std::uint64_t leap = power(kLanes);
    std::size_t i = 0;
    for (; i + kLanes <= n; i += kLanes) {
        for (std::size_t l = 0; l < kLanes; ++l) {
            out[i + l] = to_double(lane[l]);
            lane[l] *= leap;
        }
    }
    state_ *= power(i);
    for (; i < n; ++i) out[i] = next();
}

bool close_to(double value, double reference, double epsilon) {
    return std::abs((value - reference) / reference) <= epsilon;
}

}  // namespace nas
