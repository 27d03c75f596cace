// A program that is mistreated by robust_test.py. Usage: robust_program exchange | scribble | idle
//   exchange  messages of all sizes between all pairs, checked; prints "exchanged"
//   scribble  the same for ever, while rank 1 writes garbage over shared memory
//   idle      rank 0 waits 3 s for rank 1 in MPI_Recv, and prints the CPU time that it took
#include <mpi.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

namespace {

int rank = 0, size = 0;

/// Everybody sends to everybody, `rounds` times; false when something arrived wrong.
bool exchange(int rounds) {
    for (int round = 0; round < rounds; ++round) {
        for (int bytes : {1, 96, 1000, 20000, 300000, 2000000}) {
            const auto n = static_cast<std::size_t>(bytes);
            for (int shift = 1; shift < size; ++shift) {
                const int to = (rank + shift) % size, from = (rank - shift + size) % size;
                std::vector<char> out(n, static_cast<char>(rank + round));
                std::vector<char> in(n + 1, 'x');
                MPI_Sendrecv(out.data(), bytes, MPI_CHAR, to, 1, in.data(), bytes, MPI_CHAR, from,
                             1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
                for (std::size_t i = 0; i < n; ++i) {
                    if (in[i] != static_cast<char>(from + round)) return false;
                }
            }
        }
    }
    return true;
}

/// The job's shared memory as this process has it mapped.
std::pair<unsigned char*, std::size_t> shared_segment() {
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
        if (line.find("memfd:fathom") == std::string::npos) continue;
        unsigned long first = 0, last = 0;
        std::sscanf(line.c_str(), "%lx-%lx", &first, &last);
        return {reinterpret_cast<unsigned char*>(first), last - first};
    }
    return {nullptr, 0};
}

int scribble() {
    if (!exchange(2)) return 3;
    if (rank == 1) {
        const auto [base, bytes] = shared_segment();
        if (base == nullptr) return 4;
        std::puts("scribbling");
        std::fflush(stdout);
        std::mt19937 random(static_cast<unsigned>(getpid()));
        // The first 256 KiB of each region: headers, inboxes, rings, chunks.
        const std::size_t region = bytes / static_cast<std::size_t>(size);
        for (int i = 0; i < 200000; ++i) {
            const std::size_t at =
                random() % static_cast<unsigned>(size) * region + random() % 262144;
            base[at] = static_cast<unsigned char>(random());
        }
    }
    for (int i = 0; i < 20; ++i) exchange(1);
    return 0;
}

void idle() {
    int word = 0;
    if (rank == 1) {
        sleep(3);
        MPI_Send(&word, 1, MPI_INT, 0, 1, MPI_COMM_WORLD);
    } else if (rank == 0) {
        const auto cpu = [] {
            rusage u{};
            getrusage(RUSAGE_SELF, &u);
            return static_cast<double>(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
                   1e-6 * static_cast<double>(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
        };
        const double before = cpu();
        MPI_Recv(&word, 1, MPI_INT, 1, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        std::printf("cpu seconds %.4f\n", cpu() - before);
    }
}

}  // namespace

int main(int argc, char** argv) {
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    const std::string what = argc > 1 ? argv[1] : "";
    int result = 0;
    if (what == "exchange") {
        result = exchange(3) ? 0 : 3;
        if (rank == 0 && result == 0) std::puts("exchanged");
    } else if (what == "scribble") {
        result = scribble();
    } else if (what == "idle") {
        idle();
    } else {
        result = 2;
    }
    MPI_Finalize();
    return result;
}
