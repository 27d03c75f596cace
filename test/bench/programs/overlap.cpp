// How much of a nonblocking collective is hidden behind computation: the operation alone takes
// t, the computation alone as long, both together at best as long too. `exposed` is what is left
// of t when they run together, in percent: 0 is all hidden, 100 is nothing. The environment's
// BENCH_KIND labels the figures: with or without a thread that makes progress.
#include <cstdlib>

#include "bench.hpp"

namespace {

using Start = void (*)(double* out, double* in, int count, MPI_Request* request);

struct Operation {
    const char* name;
    Start start;
};

const Operation kOperations[] = {
    {"ibcast",
     [](double* out, double*, int count, MPI_Request* request) {
         MPI_Ibcast(out, count, MPI_DOUBLE, 0, MPI_COMM_WORLD, request);
     }},
    {"iallreduce",
     [](double* out, double* in, int count, MPI_Request* request) {
         MPI_Iallreduce(out, in, count, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD, request);
     }},
    {"iallgather",
     [](double* out, double* in, int count, MPI_Request* request) {
         MPI_Iallgather(out, count, MPI_DOUBLE, in, count, MPI_DOUBLE, MPI_COMM_WORLD, request);
     }},
    {"ialltoall",
     [](double* out, double* in, int count, MPI_Request* request) {
         int ranks = 1;
         MPI_Comm_size(MPI_COMM_WORLD, &ranks);
         MPI_Ialltoall(out, count / ranks, MPI_DOUBLE, in, count / ranks, MPI_DOUBLE,
                       MPI_COMM_WORLD, request);
     }},
};

/// Sums in registers: no memory, no MPI.
double compute(long steps) {
    double a = 1, b = 0;
    for (long i = 0; i < steps; ++i) {
        a = a * 0.999999 + 1e-6;
        b += a;
    }
    return b;
}

volatile double kept;

}  // namespace

int main(int argc, char** argv) {
    bench::Bench bench(argc, argv);
    const char* kind = std::getenv("BENCH_KIND");
    int ranks = 1;
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    for (const std::size_t bytes : bench.sizes({64 << 10, 256 << 10, 1 << 20})) {
        const auto count = bytes / sizeof(double);
        std::vector<double> out(count, 1), in(count * static_cast<std::size_t>(ranks), 0);
        for (const Operation& operation : kOperations) {
            if (!bench.wants(operation.name)) continue;
            // With `steps` of computation between start and wait, or no communication at all.
            const auto time = [&](long steps, bool communicate) {
                const bench::Sample sample = bench.measure([&](long iterations) {
                    for (long i = 0; i < iterations; ++i) {
                        MPI_Request request = MPI_REQUEST_NULL;
                        if (communicate) {
                            operation.start(out.data(), in.data(), static_cast<int>(count),
                                            &request);
                        }
                        if (steps > 0) kept = compute(steps);
                        MPI_Wait(&request, MPI_STATUS_IGNORE);
                    }
                });
                return sample.median_us;
            };
            double alone_us = time(0, true);
            constexpr long kSteps = 100'000;
            double per_step_us = time(kSteps, false) / kSteps;
            MPI_Bcast(&alone_us, 1, MPI_DOUBLE, 0, MPI_COMM_WORLD);
            MPI_Bcast(&per_step_us, 1, MPI_DOUBLE, 0, MPI_COMM_WORLD);
            const long steps = std::max(1L, static_cast<long>(alone_us / per_step_us));
            const double computing_us = time(steps, false);
            const double exposed = (time(steps, true) - computing_us) / alone_us * 100;
            bench.print_value("exposed",
                              std::string("kind=") + operation.name +
                                  " progress=" + (kind == nullptr ? "calls" : kind) + " " +
                                  bench::bytes_label(bytes) + " ranks=" + std::to_string(ranks),
                              std::clamp(exposed, 1.0, 1000.0), "%");
        }
    }
    return 0;
}
