// The shortest useful program: start, meet, end. The driver times `mpirun` of it from outside;
// the program itself reports how long MPI_Init took on the slowest rank.
#include "bench.hpp"

int main(int argc, char** argv) {
    const double start_s = bench::now_s();
    bench::Bench bench(argc, argv);
    const double mine_ms = (bench::now_s() - start_s) * 1e3;
    double slowest_ms = 0;
    MPI_Reduce(&mine_ms, &slowest_ms, 1, MPI_DOUBLE, MPI_MAX, 0, MPI_COMM_WORLD);
    MPI_Barrier(MPI_COMM_WORLD);
    bench.print_value("init", "ranks=" + std::to_string(bench.size()), slowest_ms, "ms");
    return 0;
}
