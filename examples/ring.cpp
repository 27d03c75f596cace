// ring: a token walks around all ranks, several times, and each rank adds its number to it.
//
//   mpicxx -O2 ring.cpp -o ring && mpirun -n 4 ./ring [LAPS]
//
// Shows: MPI_Send and MPI_Recv, what MPI_Status tells, and why somebody must send first: if all
// ranks began with MPI_Recv, all would wait for ever.

#include <mpi.h>

#include <cstdio>
#include <cstdlib>

namespace {

constexpr int kTag = 7;

// LAPS from the command line; 0 when it is not a number from 1 to 1,000,000.
int parse_laps(int argc, char** argv) {
    if (argc == 1) return 3;
    if (argc > 2) return 0;
    char* end = nullptr;
    const long laps = std::strtol(argv[1], &end, 10);
    return *argv[1] != '\0' && *end == '\0' && laps >= 1 && laps <= 1000000 ? static_cast<int>(laps)
                                                                            : 0;
}

}  // namespace

int main(int argc, char** argv) {
    MPI_Init(&argc, &argv);
    int rank = 0;
    int size = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);

    const int laps = parse_laps(argc, argv);
    if (laps == 0) {
        if (rank == 0)
            std::fprintf(stderr, "usage: mpirun -n RANKS ring [LAPS from 1 to 1000000]\n");
        MPI_Finalize();
        return 2;
    }

    const int right = (rank + 1) % size;
    const int left = (rank + size - 1) % size;
    long long token = 0;
    bool correct = true;

    for (int lap = 1; lap <= laps; ++lap) {
        if (size == 1) {
            break;  // a ring of one: a blocking send to oneself could wait for ever
        }
        if (rank == 0) {
            // Rank 0 starts each lap and takes the token back at its end.
            MPI_Send(&token, 1, MPI_LONG_LONG, right, kTag, MPI_COMM_WORLD);
            MPI_Recv(&token, 1, MPI_LONG_LONG, left, kTag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        } else {
            // The others wait for the token. The status says where it really came from.
            MPI_Status status;
            MPI_Recv(&token, 1, MPI_LONG_LONG, MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD,
                     &status);
            int count = 0;
            MPI_Get_count(&status, MPI_LONG_LONG, &count);
            if (status.MPI_SOURCE != left || status.MPI_TAG != kTag || count != 1) correct = false;
            token += rank;
            MPI_Send(&token, 1, MPI_LONG_LONG, right, kTag, MPI_COMM_WORLD);
        }
    }

    // In each lap every rank adds its number once.
    if (rank == 0) {
        const long long expected = static_cast<long long>(size) * (size - 1) / 2 * laps;
        std::printf("ring: %d ranks, %d laps, token %lld, expected %lld\n", size, laps, token,
                    expected);
        if (token != expected) correct = false;
    }
    if (!correct) std::fprintf(stderr, "rank %d: the token went wrong\n", rank);

    MPI_Finalize();
    return correct ? 0 : 1;
}
