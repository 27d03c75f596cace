// pingpong: two ranks throw a message back and forth; latency and bandwidth by message size.
//
//   mpicxx -O2 pingpong.cpp -o pingpong && mpirun -n 2 ./pingpong [MAX_BYTES]
//
// Shows: MPI_Send and MPI_Recv between two ranks, MPI_Wtime, and how to measure: warm up first,
// take many rounds, divide by two (a round is two messages). Ranks above 1 only watch.

#include <mpi.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

constexpr long kLargest = 1L << 30;

// MAX_BYTES from the command line; -1 when it is not a number from 1 to 2^30.
long parse_max_bytes(int argc, char** argv) {
    if (argc == 1) return 1L << 20;
    if (argc > 2) return -1;
    char* end = nullptr;
    const long bytes = std::strtol(argv[1], &end, 10);
    return *argv[1] != '\0' && *end == '\0' && bytes >= 1 && bytes <= kLargest ? bytes : -1;
}

// What byte `i` of a message of round `round` must be: differs by place and by round.
unsigned char pattern(std::size_t i, int round) {
    return static_cast<unsigned char>(i * 31 + static_cast<std::size_t>(round) * 17 + 5);
}

// Plays `rounds` rounds as rank 0 or 1; returns the seconds that they took.
double play(int rank, std::vector<unsigned char>& buffer, int bytes, int rounds) {
    const int peer = 1 - rank;
    const double start = MPI_Wtime();
    for (int round = 0; round < rounds; ++round) {
        if (rank == 0) MPI_Send(buffer.data(), bytes, MPI_BYTE, peer, 0, MPI_COMM_WORLD);
        MPI_Recv(buffer.data(), bytes, MPI_BYTE, peer, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        if (rank == 1) MPI_Send(buffer.data(), bytes, MPI_BYTE, peer, 0, MPI_COMM_WORLD);
    }
    return MPI_Wtime() - start;
}

}  // namespace

int main(int argc, char** argv) {
    MPI_Init(&argc, &argv);
    int rank = 0;
    int size = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);

    const long max_bytes = parse_max_bytes(argc, argv);
    if (max_bytes < 0 || size < 2) {
        if (rank == 0)
            std::fprintf(stderr, "usage: mpirun -n 2 pingpong [MAX_BYTES from 1 to %ld]\n%s",
                         kLargest, size < 2 ? "pingpong needs 2 ranks\n" : "");
        MPI_Finalize();
        return 2;
    }

    int wrong = 0;
    if (rank == 0) std::printf("%10s %12s %12s\n", "bytes", "latency us", "MB/s");
    std::vector<unsigned char> buffer(static_cast<std::size_t>(max_bytes));
    for (long bytes = 1; rank < 2 && bytes <= max_bytes; bytes *= 4) {
        const auto length = static_cast<std::size_t>(bytes);
        const int rounds = static_cast<int>(std::clamp(20000000L / (bytes + 2000), 4L, 2000L));
        play(rank, buffer, static_cast<int>(bytes), 2 + rounds / 10);  // warm up

        // Rank 0 writes a pattern that must come home unharmed; rank 1 starts from zeros.
        for (std::size_t i = 0; i < length; ++i)
            buffer[i] = rank == 0 ? pattern(i, rounds) : static_cast<unsigned char>(0);
        const double seconds = play(rank, buffer, static_cast<int>(bytes), rounds);
        for (std::size_t i = 0; i < length; ++i)
            if (buffer[i] != pattern(i, rounds)) ++wrong;

        const double one_way = seconds / (2.0 * rounds);
        if (rank == 0)
            std::printf("%10ld %12.2f %12.1f\n", bytes, one_way * 1e6,
                        static_cast<double>(bytes) / one_way * 1e-6);
    }
    if (wrong > 0) std::fprintf(stderr, "rank %d: %d bytes arrived changed\n", rank, wrong);

    MPI_Finalize();
    return wrong == 0 ? 0 : 1;
}
