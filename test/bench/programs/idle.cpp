// Processor time of a rank that waits in MPI_Recv for three seconds while its peer sleeps outside
// MPI, in percent of one core, with all threads that the MPI started; and how late the message
// that ends the wait is seen.
#include <sys/resource.h>

#include "bench.hpp"

namespace {

double cpu_s() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    auto seconds = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void sleep_s(double seconds) {
    timespec left{};
    left.tv_sec = static_cast<time_t>(seconds);
    left.tv_nsec = static_cast<long>((seconds - static_cast<double>(left.tv_sec)) * 1e9);
    while (nanosleep(&left, &left) != 0) {
    }
}

}  // namespace

int main(int argc, char** argv) {
    bench::Bench bench(argc, argv);
    bench.require_ranks(2);
    const double wait_s = bench.options().smoke ? 0.05 : 3.0;
    MPI_Barrier(MPI_COMM_WORLD);
    double figures[2] = {0, 0};  // percent, wake-up in microseconds
    if (bench.rank() == 0) {
        sleep_s(wait_s);
        const double sent_s = bench::now_s();  // both ranks read one host's clock
        MPI_Send(&sent_s, 1, MPI_DOUBLE, 1, 1, MPI_COMM_WORLD);
        MPI_Recv(figures, 2, MPI_DOUBLE, 1, 2, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    } else {
        const double start_s = bench::now_s();
        const double cpu_before_s = cpu_s();
        double sent_s = 0;
        MPI_Recv(&sent_s, 1, MPI_DOUBLE, 0, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        const double end_s = bench::now_s();
        figures[0] = 100 * (cpu_s() - cpu_before_s) / (end_s - start_s);
        figures[1] = (end_s - sent_s) * 1e6;
        MPI_Send(figures, 2, MPI_DOUBLE, 0, 2, MPI_COMM_WORLD);
    }
    bench.print_value("idle_cpu", "ranks=2", figures[0], "percent");
    bench.print_value("idle_wake", "ranks=2", figures[1], "us");
    return 0;
}
