// Memory of a rank: the largest and the mean over the ranks of RSS (all resident pages), PSS
// (shared pages divided by their users) and private pages, from /proc/self/smaps_rollup; after
// MPI_Init and a barrier, and again after each rank has sent 8 bytes to each other.
#include <cstring>

#include "bench.hpp"

namespace {

struct Pages {
    double rss_kb = 0;
    double pss_kb = 0;
    double private_kb = 0;
};

bool read_pages(Pages& pages) {
    std::FILE* file = std::fopen("/proc/self/smaps_rollup", "r");
    if (file == nullptr) return false;
    char line[256];
    while (std::fgets(line, sizeof line, file) != nullptr) {
        char key[64];
        double kb = 0;
        if (std::sscanf(line, "%63[^:]: %lf kB", key, &kb) != 2) continue;
        if (std::strcmp(key, "Rss") == 0) pages.rss_kb = kb;
        if (std::strcmp(key, "Pss") == 0) pages.pss_kb = kb;
        if (std::strncmp(key, "Private_", 8) == 0) pages.private_kb += kb;
    }
    std::fclose(file);
    return pages.rss_kb > 0;
}

void report(const bench::Bench& bench, const std::string& stage) {
    Pages pages;
    MPI_Barrier(MPI_COMM_WORLD);  // all ranks have arrived, and all stay until all have read
    const bool good = read_pages(pages);
    MPI_Barrier(MPI_COMM_WORLD);
    bench.check(good, "reading /proc/self/smaps_rollup");
    const double mine[3] = {pages.rss_kb, pages.pss_kb, pages.private_kb};
    double most[3] = {0, 0, 0};
    double sum[3] = {0, 0, 0};
    MPI_Reduce(mine, most, 3, MPI_DOUBLE, MPI_MAX, 0, MPI_COMM_WORLD);
    MPI_Reduce(mine, sum, 3, MPI_DOUBLE, MPI_SUM, 0, MPI_COMM_WORLD);
    const char* names[3] = {"rss", "pss", "private"};
    for (int i = 0; i < 3; ++i) {
        const std::string labels = std::string("kind=") + names[i] + " stage=" + stage +
                                   " ranks=" + std::to_string(bench.size());
        bench.print_value("memory", labels, most[i] / 1000, "MB");
        bench.print_value("memory_mean", labels, sum[i] / 1000 / bench.size(), "MB");
    }
}

}  // namespace

int main(int argc, char** argv) {
    bench::Bench bench(argc, argv);
    report(bench, "init");
    const auto n = static_cast<std::size_t>(bench.size());
    std::vector<double> out(n, bench.rank()), in(n, -1);
    MPI_Alltoall(out.data(), 1, MPI_DOUBLE, in.data(), 1, MPI_DOUBLE, MPI_COMM_WORLD);
    for (std::size_t i = 0; i < n; ++i) bench.check(in[i] == static_cast<double>(i), "alltoall");
    report(bench, "alltoall");
    return 0;
}
